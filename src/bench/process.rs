//! What a process on this machine has used, read from `/proc`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::BenchError;

/// The server's media threads have names that begin so.
const MEDIA_THREADS: &str = "media-";

/// Processor time of each thread, media threads apart from the rest.
#[derive(Debug, Clone, Default)]
pub(super) struct ThreadTimes(BTreeMap<u32, (bool, Duration)>);

/// Processor time between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub media: Duration,
    pub other: Duration,
}

impl Used {
    pub fn all(&self) -> Duration {
        self.media + self.other
    }
}

impl ThreadTimes {
    /// The times of the process with this number.
    pub fn of(process: u32) -> Result<Self, BenchError> {
        let folder = format!("/proc/{process}/task");
        let entries = std::fs::read_dir(&folder).map_err(|_| BenchError::NoProcess(process))?;
        let mut times = BTreeMap::new();
        for entry in entries.flatten() {
            let Ok(thread) = entry.file_name().to_string_lossy().parse() else {
                continue;
            };
            // A thread that ended meanwhile is passed over.
            let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).ok();
            let (Some(name), Some(schedule)) = (read("comm"), read("schedstat")) else {
                continue;
            };
            let Some(nanos) = nanos(&schedule) else {
                continue;
            };
            let is_media = name.starts_with(MEDIA_THREADS);
            times.insert(thread, (is_media, Duration::from_nanos(nanos)));
        }
        if times.is_empty() {
            return Err(BenchError::NoProcess(process));
        }
        Ok(Self(times))
    }

    /// What was used since an earlier look. Threads that ended in between are not counted.
    pub fn since(&self, earlier: &Self) -> Used {
        let mut used = Used::default();
        for (thread, (is_media, time)) in &self.0 {
            let before = earlier
                .0
                .get(thread)
                .map_or(Duration::ZERO, |(_, time)| *time);
            let time = time.saturating_sub(before);
            if *is_media {
                used.media += time;
            } else {
                used.other += time;
            }
        }
        used
    }
}

/// The first word of `schedstat`: nanoseconds on a processor.
fn nanos(schedule: &str) -> Option<u64> {
    schedule.split_whitespace().next()?.parse().ok()
}

/// Resident memory in KiB.
pub(super) fn resident_kib(process: u32) -> Result<u64, BenchError> {
    let gone = || BenchError::NoProcess(process);
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(|_| gone())?;
    resident(&status).ok_or_else(gone)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Datagrams that the kernel dropped at sockets of this machine's, because they were full, for those ports.
pub(super) fn dropped(wanted: impl Fn(u16) -> bool) -> u64 {
    let tables = ["/proc/net/udp", "/proc/net/udp6"];
    let texts = tables.map(|path| std::fs::read_to_string(path).unwrap_or_default());
    texts.iter().map(|text| dropped_in(text, &wanted)).sum()
}

/// The second word is `ADDRESS:PORT` in hexadecimal, the last one the count.
fn dropped_in(table: &str, wanted: &impl Fn(u16) -> bool) -> u64 {
    let count = |line: &str| {
        let mut words = line.split_whitespace();
        let (_, port) = words.nth(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let count: u64 = words.next_back()?.parse().ok()?;
        wanted(port).then_some(count)
    };
    table.lines().skip(1).filter_map(count).sum()
}

/// The address of ours from which the kernel reaches another; what is reached from the very same address is on this
/// machine.
pub(super) fn local_address(towards: SocketAddr) -> std::io::Result<std::net::IpAddr> {
    let any: SocketAddr = match towards {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // Connecting a UDP socket looks the route up and sends nothing.
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(towards)?;
    Ok(socket.local_addr()?.ip())
}

/// Whether an address is this machine's.
pub(super) fn is_here(address: SocketAddr) -> bool {
    address.ip().is_loopback() || local_address(address).is_ok_and(|ip| ip == address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_threads_are_told_apart() {
        let millis = Duration::from_millis;
        let earlier = ThreadTimes([(1, (false, millis(5))), (2, (true, millis(7)))].into());
        let later = ThreadTimes(
            [
                (1, (false, millis(6))),
                (2, (true, millis(17))),
                (3, (false, millis(2))),
            ]
            .into(),
        );
        let used = later.since(&earlier);
        assert_eq!((used.media, used.other), (millis(10), millis(3)));
    }

    #[test]
    fn this_process_has_times_and_memory() {
        let process = std::process::id();
        assert!(ThreadTimes::of(process).is_ok());
        assert!(resident_kib(process).unwrap() > 0);
        assert!(ThreadTimes::of(u32::MAX).is_err());
    }

    #[test]
    fn drops_are_counted_by_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode \
                     ref pointer drops\n\
                     1: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 5\n\
                     2: 0100007F:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 9\n";
        assert_eq!(dropped_in(table, &|port| port == 8080), 5);
        assert_eq!(dropped_in(table, &|_| true), 14);
    }

    #[test]
    fn loopback_is_here_and_a_documentation_address_is_not() {
        assert!(is_here(([127, 0, 0, 1], 9).into()));
        assert!(!is_here(([192, 0, 2, 1], 9).into()));
    }
}
