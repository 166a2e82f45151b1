//! Turns at work that costs much. So many go at once; the rest wait, and are taken network by network, in rotation. One
//! network's flood makes its own callers wait; everybody else waits for one of its callers at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::network::Network;

/// Who runs and who waits. Clones share it.
#[derive(Clone)]
pub(super) struct Turns(Arc<Shared>);

struct Shared {
    most_running: usize,
    /// One beyond takes the last place of the network that has most of them, or is told to come again.
    most_waiting: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    running: usize,
    /// Never empty parts, in the order in which their next caller is taken.
    parts: VecDeque<Part>,
}

/// The callers of one network, in the order in which they came.
struct Part {
    network: Network,
    callers: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to run, until it is dropped.
pub(super) struct Turn(Option<Arc<Shared>>);

/// There is no place to wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

impl Turns {
    /// At most `running` at once, at least one, and `waiting` more in line.
    pub fn new(running: usize, waiting: usize) -> Self {
        Self(Arc::new(Shared {
            most_running: running.max(1),
            most_waiting: waiting,
            line: Mutex::default(),
        }))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Busy`], at once or when the place goes to somebody with a better claim to it.
    pub async fn take(&self, network: Network) -> Result<Turn, Busy> {
        let called = {
            let mut line = self.0.line();
            if line.running < self.0.most_running {
                line.running += 1;
                return Ok(Turn(Some(Arc::clone(&self.0))));
            }
            line.make_room(network, self.0.most_waiting)?;
            line.join(network)
        };
        called.await.map_err(|_| Busy)
    }
}

impl Shared {
    /// Nothing that is done under the lock can fail half-way.
    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn waiting(&self) -> usize {
        self.parts.iter().map(|part| part.callers.len()).sum()
    }

    fn make_room(&mut self, network: Network, most: usize) -> Result<(), Busy> {
        if self.waiting() < most {
            return Ok(());
        }
        // Whoever has gone away waits no longer.
        for part in &mut self.parts {
            part.callers.retain(|caller| !caller.is_closed());
        }
        self.parts.retain(|part| !part.callers.is_empty());
        if self.waiting() < most {
            return Ok(());
        }
        let own = self.parts.iter().find(|part| part.network == network);
        let own = own.map_or(0, |part| part.callers.len());
        let longest = self.parts.iter_mut().max_by_key(|part| part.callers.len());
        match longest {
            // One less than the longest would be as long as it then: nothing is gained by changing places.
            Some(longest) if longest.callers.len() > own + 1 => {
                longest.callers.pop_back();
                Ok(())
            }
            _ => Err(Busy),
        }
    }

    fn join(&mut self, network: Network) -> oneshot::Receiver<Turn> {
        let (caller, called) = oneshot::channel();
        match self.parts.iter_mut().find(|part| part.network == network) {
            Some(part) => part.callers.push_back(caller),
            None => self.parts.push_back(Part {
                network,
                callers: VecDeque::from([caller]),
            }),
        }
        called
    }

    /// The next caller; their network's others come again when every other network had its turn.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let mut part = self.parts.pop_front()?;
        let caller = part.callers.pop_front();
        if !part.callers.is_empty() {
            self.parts.push_back(part);
        }
        caller
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        loop {
            let next = {
                let mut line = shared.line();
                let next = line.next();
                if next.is_none() {
                    line.running -= 1;
                }
                next
            };
            let Some(caller) = next else { return };
            match caller.send(Turn(Some(Arc::clone(&shared)))) {
                Ok(()) => return,
                // The caller has gone away, and the turn is still this one.
                Err(mut turn) => turn.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt as _;

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Result<Turn, Busy>>>>;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    /// Somebody in line.
    fn waiting(turns: &Turns, number: u8) -> Waiting {
        let turns = turns.clone();
        let mut waiting: Waiting = Box::pin(async move { turns.take(network(number)).await });
        assert!((&mut waiting).now_or_never().is_none());
        waiting
    }

    fn taken(turns: &Turns, number: u8) -> Turn {
        turns.take(network(number)).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn networks_are_taken_in_rotation() {
        let turns = Turns::new(1, 100);
        let mut running = Some(taken(&turns, 1));
        let mut line: Vec<(u8, Waiting)> = [1, 1, 1, 2, 2, 3]
            .into_iter()
            .map(|number| (number, waiting(&turns, number)))
            .collect();
        let mut order = Vec::new();
        while !line.is_empty() {
            drop(running.take());
            let called = line
                .iter_mut()
                .position(|(_, one)| match one.now_or_never() {
                    Some(turn) => {
                        running = turn.ok();
                        true
                    }
                    None => false,
                });
            order.push(line.remove(called.expect("somebody is called")).0);
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn when_the_queue_is_full_the_longest_part_of_it_gives_way() {
        let turns = Turns::new(1, 3);
        let running = taken(&turns, 1);
        let mut flood = [1, 1, 1].map(|number| waiting(&turns, number));
        let one_more = turns.take(network(1)).now_or_never().unwrap();
        assert_eq!(one_more.err(), Some(Busy));
        let mut other = waiting(&turns, 2);
        let last = (&mut flood[2]).now_or_never().unwrap();
        assert_eq!(last.err(), Some(Busy), "the last of the flood");
        drop(running);
        let first = (&mut flood[0]).now_or_never().unwrap().unwrap();
        drop(first);
        assert!((&mut other).now_or_never().unwrap().is_ok());
    }

    #[test]
    fn whoever_has_gone_away_is_passed_over() {
        let turns = Turns::new(1, 2);
        let running = taken(&turns, 1);
        let gone = [waiting(&turns, 1), waiting(&turns, 2)];
        drop(gone);
        let mut here = waiting(&turns, 3);
        drop(running);
        let turn = (&mut here).now_or_never().unwrap().unwrap();
        drop(turn);
        let _again = taken(&turns, 1);
        assert_eq!(turns.0.line().running, 1);
    }

    #[test]
    fn a_turn_that_nobody_picked_up_is_handed_on() {
        let turns = Turns::new(1, 2);
        let running = taken(&turns, 1);
        let (called, mut next) = (waiting(&turns, 1), waiting(&turns, 2));
        drop(running);
        drop(called);
        assert!((&mut next).now_or_never().unwrap().is_ok());
    }
}
