//! Turns at work that costs much. So many go at once; the rest wait, and are taken network by network, in rotation. One
//! network's flood makes its own callers wait; everybody else waits for one of its callers at a time. A leaf: password
//! checks and long answers have turns of their own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::network::Network;

/// The running and the waiting callers. Clones share them.
#[derive(Clone)]
pub struct Turns(Arc<Shared>);

struct Shared {
    most_running: usize,
    waiting: Waiting,
    line: Mutex<Line>,
}

/// How many may wait.
#[derive(Debug, Clone, Copy)]
pub enum Waiting {
    /// So many in all. One beyond takes the last place of the network that has most of them, or is told to come again.
    InAll(usize),
    /// So many of each network. One beyond is told to come again.
    OfEach(usize),
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
pub struct Turn(Option<Arc<Shared>>);

/// There is no place to wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Turns {
    /// At most `running` at once, at least one, and `waiting` more in line.
    pub fn new(running: usize, waiting: Waiting) -> Self {
        Self(Arc::new(Shared {
            most_running: running.max(1),
            waiting,
            line: Mutex::default(),
        }))
    }

    /// Waits for a turn. A caller that stops waiting gives up the place.
    ///
    /// # Errors
    /// [`Busy`], at once or when the place goes to a network with fewer callers.
    pub async fn take(&self, network: Network) -> Result<Turn, Busy> {
        let called = {
            let mut line = self.0.line();
            if line.running < self.0.most_running {
                line.running += 1;
                return Ok(Turn(Some(Arc::clone(&self.0))));
            }
            line.make_room(network, self.0.waiting)?;
            line.join(network)
        };
        called.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
impl Turns {
    /// How many of a network wait.
    pub(crate) fn count_waiting(&self, network: Network) -> usize {
        let line = self.0.line();
        let own = line.parts.iter().find(|part| part.network == network);
        let callers = own.into_iter().flat_map(|part| &part.callers);
        callers.filter(|caller| !caller.is_closed()).count()
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

    fn waiting_of(&self, network: Network) -> usize {
        let own = self.parts.iter().find(|part| part.network == network);
        own.map_or(0, |part| part.callers.len())
    }

    fn make_room(&mut self, network: Network, waiting: Waiting) -> Result<(), Busy> {
        if self.has_room(network, waiting) {
            return Ok(());
        }
        // Callers that have gone away wait no longer.
        for part in &mut self.parts {
            part.callers.retain(|caller| !caller.is_closed());
        }
        self.parts.retain(|part| !part.callers.is_empty());
        if self.has_room(network, waiting) {
            return Ok(());
        }
        match waiting {
            Waiting::InAll(_) => self.shorten_the_longest(network),
            Waiting::OfEach(_) => Err(Busy),
        }
    }

    fn has_room(&self, network: Network, waiting: Waiting) -> bool {
        match waiting {
            Waiting::InAll(most) => self.waiting() < most,
            Waiting::OfEach(most) => self.waiting_of(network) < most,
        }
    }

    fn shorten_the_longest(&mut self, network: Network) -> Result<(), Busy> {
        let own = self.waiting_of(network);
        let longest = self.parts.iter_mut().max_by_key(|part| part.callers.len());
        match longest {
            // With a difference of one, the two networks would only change places: nothing is gained.
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

    /// The next caller. The other callers of its network come after each other network has had a turn.
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

    type InLine = Pin<Box<dyn Future<Output = Result<Turn, Busy>>>>;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    /// A caller in line.
    fn waiting(turns: &Turns, number: u8) -> InLine {
        let turns = turns.clone();
        let mut waiting: InLine = Box::pin(async move { turns.take(network(number)).await });
        assert!((&mut waiting).now_or_never().is_none());
        waiting
    }

    fn taken(turns: &Turns, number: u8) -> Turn {
        turns.take(network(number)).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn networks_are_taken_in_rotation() {
        let turns = Turns::new(1, Waiting::InAll(100));
        let mut running = Some(taken(&turns, 1));
        let mut line: Vec<(u8, InLine)> = [1, 1, 1, 2, 2, 3]
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
        let turns = Turns::new(1, Waiting::InAll(3));
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
    fn each_network_has_places_of_its_own() {
        let turns = Turns::new(1, Waiting::OfEach(2));
        let running = taken(&turns, 1);
        let (gone, mut first) = (waiting(&turns, 1), waiting(&turns, 1));
        let [mut other, mut last] = [2, 2].map(|number| waiting(&turns, number));
        for number in [1, 2] {
            let refused = turns.take(network(number)).now_or_never().unwrap();
            assert_eq!(refused.err(), Some(Busy), "{number}");
        }
        // A caller that leaves makes room for another one of its network.
        drop(gone);
        let mut instead = waiting(&turns, 1);
        drop(running);
        for called in [&mut first, &mut other, &mut instead, &mut last] {
            assert!(called.now_or_never().unwrap().is_ok());
        }
    }

    #[test]
    fn a_caller_that_has_gone_away_is_passed_over() {
        let turns = Turns::new(1, Waiting::InAll(2));
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
        let turns = Turns::new(1, Waiting::InAll(2));
        let running = taken(&turns, 1);
        let (called, mut next) = (waiting(&turns, 1), waiting(&turns, 2));
        drop(running);
        drop(called);
        assert!((&mut next).now_or_never().unwrap().is_ok());
    }
}
