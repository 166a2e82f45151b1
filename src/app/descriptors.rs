//! The limit of open files and sockets of this process.

use crate::budgets::http::CONNECTIONS;

/// The database, media, the log, the listeners, and what libraries open for a moment.
const OTHERS: u64 = 256;

/// Raises the soft limit of open files to the hard one (getrlimit(2)). Shells and service managers set it low for
/// programs that use select(2), and this one does not. Logs a warning if even the hard limit is too low.
pub(super) fn raise_limit(max_sockets: usize) {
    let needed = needed(max_sockets);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < needed => tracing::warn!(
            limit,
            needed,
            "the system's limit of open files does not suffice for --max-sockets; raise it (LimitNOFILE= of a service, \
             ulimit -Hn of a shell), or lower --max-sockets"
        ),
        Ok(limit) => tracing::debug!(limit, needed, "the limit of open files is raised"),
        Err(error) => tracing::warn!(%error, needed, "the limit of open files cannot be raised"),
    }
}

fn needed(max_sockets: usize) -> u64 {
    (max_sockets as u64)
        .saturating_add(CONNECTIONS.most)
        .saturating_add(OTHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_socket_and_each_place_takes_a_descriptor() {
        assert_eq!(needed(5_000), 5_000 + 4_096 + OTHERS);
        assert_eq!(needed(usize::MAX), u64::MAX);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let (_, most) = rlimit::Resource::NOFILE.get().unwrap();
        // Only a little lower: other tests of this process open files meanwhile.
        rlimit::Resource::NOFILE.set(most - 1, most).unwrap();
        raise_limit(1);
        assert_eq!(rlimit::Resource::NOFILE.get().unwrap(), (most, most));
    }
}
