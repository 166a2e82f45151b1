//! What the sessions of one network read together: lists and histories. An answer may be ten thousand times as large as
//! its request, and a further session costs its client nothing. So the bytes are counted over all sessions of a
//! network. A network that has read more than its share waits before it is answered again. What comes with a join is
//! bounded by the rate of joins.
//!
//! Within its share a network may ask for forty megabytes in one moment. So only a few long answers are made at once in
//! the whole process, and waiting requests are taken network by network. Lists never take all the processors or all the
//! connections to the database, and nobody waits for another network's whole line. A turn ends when the answer is
//! ready. It is not held while the answer is sent: a client that reads slowly would stop the others.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::limits::too_fast;
use crate::allowance::{Allowance, Rate};
use crate::budgets::ws as budgets;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::turns::{Turn, Turns, Waiting};

/// A client that is a little too fast is made slower rather than refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an answer counts for before its size is known, and at least. So requests that wait together do not go on
/// together.
const AT_LEAST: u64 = 16 * 1024;
/// After how long a request that found no place, or had no turn in time, should come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What each network has read, and whose turn it is.
pub struct Reading {
    /// None when limits are off.
    read: Option<Allowance<Network>>,
    turns: Turns,
}

impl Reading {
    /// Nobody has read anything.
    pub fn new(is_limited: bool) -> Self {
        let rate = || Rate {
            burst: budgets::LISTS_BURST.in_force() as u64,
            period: Duration::from_secs(1) / budgets::LISTS.in_force() as u32,
        };
        let waiting = match is_limited {
            true => budgets::LISTS_WAITING.in_force(),
            false => usize::MAX,
        };
        Self {
            read: is_limited.then(|| Allowance::new(rate())),
            turns: Turns::new(budgets::LISTS_AT_ONCE.in_force(), Waiting::OfEach(waiting)),
        }
    }

    /// Waits until `network` may read on, and then for a turn if the answer is a long one. A client that goes away
    /// meanwhile gives up its place.
    ///
    /// # Errors
    /// `rate.limited` when `network` has read too much, or when too many of it wait; `server.busy` when no turn came in
    /// time, or when nobody waits for the answer any more. Nothing is done then.
    pub async fn begin(
        &self,
        network: Network,
        kind: &str,
        absence: Option<Absence>,
    ) -> Result<Option<Turn>, WireError> {
        let begun = async {
            self.admit(network).await?;
            match is_long(kind) {
                true => self.turn(network).await.map(Some),
                false => Ok(None),
            }
        };
        tokio::select! {
            biased;
            begun = begun => begun,
            () = noticed(absence) => Err(busy()),
        }
    }

    /// Waits until `network` may read on.
    async fn admit(&self, network: Network) -> Result<(), WireError> {
        let Some(read) = &self.read else {
            return Ok(());
        };
        let now = Instant::now().into_std();
        let wait = read.spend_ahead(&network, AT_LEAST, now, PATIENCE);
        let wait = wait.map_err(too_fast)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Waits for the turn of `network`.
    ///
    /// # Errors
    /// `rate.limited` when too many of it wait, `server.busy` when no turn came in time.
    pub async fn turn(&self, network: Network) -> Result<Turn, WireError> {
        match tokio::time::timeout(PATIENCE, self.turns.take(network)).await {
            Ok(turn) => turn.map_err(|_| too_fast(RETRY_AFTER)),
            // A slow or stalled database holds up all the running answers.
            Err(_) => Err(busy()),
        }
    }

    /// How many of a network wait for their turn.
    #[cfg(test)]
    pub(crate) fn count_waiting(&self, network: Network) -> usize {
        self.turns.count_waiting(network)
    }

    /// Takes the answer to what was admitted into account.
    pub fn note(&self, network: Network, bytes: usize) {
        let more = (bytes as u64).saturating_sub(AT_LEAST);
        if let Some(read) = &self.read {
            read.owe(&network, more, Instant::now().into_std());
        }
    }
}

/// Held by the client that waits for an answer, and dropped when it is gone.
pub struct Presence(oneshot::Sender<Infallible>);

/// Tells a request in line when nobody waits for its answer any more.
pub struct Absence(oneshot::Receiver<Infallible>);

/// Both ends, for one request.
pub fn presence() -> (Presence, Absence) {
    let (here, gone) = oneshot::channel();
    (Presence(here), Absence(gone))
}

impl Presence {
    /// Whether the request is in line still: its client may leave.
    pub fn matters(&self) -> bool {
        !self.0.is_closed()
    }
}

fn busy() -> WireError {
    let wait = RETRY_AFTER.as_millis() as u64;
    WireError::from(ErrorCode::ServerBusy).retry_after(wait)
}

async fn noticed(absence: Option<Absence>) {
    match absence {
        Some(Absence(gone)) => drop(gone.await),
        None => std::future::pending().await,
    }
}

/// Whether the answer grows with what others have written, or with their number.
pub fn reads_much(kind: &str) -> bool {
    kind == "room.get" || is_long(kind)
}

/// Whether it takes long to be made as well.
fn is_long(kind: &str) -> bool {
    matches!(
        kind,
        "chat.history"
            | "invite.list"
            | "room.attendance"
            | "room.bans"
            | "room.list"
            | "room.roster"
    )
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::protocol::Request;

    const ANSWER: usize = 1 << 20;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    /// Whether the network gets an answer at once.
    fn reads(reading: &Reading, number: u8) -> bool {
        let admitted = reading.admit(network(number)).now_or_never();
        let is_answered = matches!(admitted, Some(Ok(())));
        if is_answered {
            reading.note(network(number), ANSWER);
        }
        is_answered
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_network_reads_is_bounded_by_its_bytes_over_all_its_sessions() {
        let reading = Reading::new(true);
        let answers = (0..10_000).take_while(|_| reads(&reading, 1)).count();
        let fit = budgets::LISTS_BURST.size() / ANSWER;
        assert!((fit - 1..=fit + 1).contains(&answers), "{answers}");
        assert!(reads(&reading, 2), "nobody else is meant");

        // The network is made slower, and gets its own share in the long run.
        let began = Instant::now();
        for _ in 0..100 {
            reading.admit(network(1)).await.unwrap();
            reading.note(network(1), ANSWER);
        }
        let took = began.elapsed().as_secs_f64();
        let expected = (100 * ANSWER) as f64 / budgets::LISTS.most as f64;
        assert!(
            (took / expected - 1.0).abs() < 0.1,
            "{took} s, {expected} s"
        );

        // A network far beyond its share is told when to come again, and is not refused then.
        reading.note(network(1), 10 * budgets::LISTS.size());
        let refused = reading.admit(network(1)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        let wait = refused.retry_after_ms.unwrap();
        assert!((4_000..7_000).contains(&wait), "{wait}");
        tokio::time::sleep(Duration::from_millis(wait)).await;
        reading.admit(network(1)).await.unwrap();
    }

    #[test]
    fn what_reads_much_changes_nothing() {
        // A client that leaves and comes back has it carried out anew.
        let kinds = [
            "chat.history",
            "invite.list",
            "room.attendance",
            "room.bans",
            "room.get",
            "room.list",
            "room.roster",
        ];
        for kind in kinds {
            assert!(reads_much(kind) && Request::is_asked_anew(kind), "{kind}");
        }
    }

    #[tokio::test]
    async fn without_limits_everything_may_be_read() {
        let reading = Reading::new(false);
        for _ in 0..1_000 {
            assert!(reads(&reading, 1));
        }
    }
}
