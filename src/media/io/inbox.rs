//! What a worker is told: inputs in their order, and rooms, which are opened before anything is told of them.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::media::io::shard::{Input, Opening, State};
use crate::media::room::negotiations::Negotiations;

/// The end at which it is read.
pub(in crate::media) struct Inbox {
    /// What waits.
    pub inputs: Receiver<Input>,
    /// Rooms to be opened.
    pub openings: Arc<Mutex<Vec<Opening>>>,
}

impl Inbox {
    /// Gives the machine what waits, at most so many inputs. Negotiations wait on for their turn. Returns whether there
    /// may be more.
    pub fn hand_on(
        &self,
        state: &mut State,
        negotiations: &mut Negotiations,
        most: usize,
        clock: impl Fn() -> Instant,
    ) -> bool {
        for _ in 0..most {
            let input = self.inputs.try_recv();
            // This is looked at after the inbox: a room is opened before anything else is told it.
            let openings =
                std::mem::take(&mut *self.openings.lock().unwrap_or_else(PoisonError::into_inner));
            let now = clock();
            for opening in openings {
                state.open(opening, now);
            }
            match input {
                Ok(Input::Request {
                    room,
                    participant,
                    request,
                }) if request.negotiates() => {
                    negotiations.push(room, participant, request, now);
                }
                Ok(input) => state.handle_input(input, now),
                // It is empty, or nobody has a handle any more.
                Err(_) => return false,
            }
        }
        true
    }
}
