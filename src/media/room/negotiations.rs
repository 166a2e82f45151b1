//! Negotiations that wait for a worker: each takes milliseconds in which no packet is forwarded, so they are carried
//! out one by one, and not faster than packets can bear. Pure: the time is passed in.

use std::collections::VecDeque;
use std::time::Instant;

use crate::budgets::media::{NEGOTIATING, WAITING};
use crate::media::MediaError;
use crate::media::io::shard::Input;
use crate::media::room::RoomKey;
use crate::media::room::request::Request;
use crate::protocol::ids::ParticipantId;

/// The queue of one worker. Its order is that of arrival; commands of rooms do not wait for it.
#[derive(Default)]
pub(in crate::media) struct Negotiations {
    waiting: VecDeque<(RoomKey, ParticipantId, Request)>,
    /// When packets have had their share for the last one.
    next_at: Option<Instant>,
}

impl Negotiations {
    /// Lets one wait; refuses it where too many do.
    pub fn push(
        &mut self,
        room: RoomKey,
        participant: ParticipantId,
        request: Request,
        now: Instant,
    ) {
        if self.waiting.len() >= WAITING.size() {
            self.waiting
                .retain(|(_, _, request)| !request.is_abandoned());
        }
        if self.waiting.len() >= WAITING.size() {
            request.refuse(MediaError::Busy);
            return;
        }
        self.next_at.get_or_insert(now);
        self.waiting.push_back((room, participant, request));
    }

    /// When [`Negotiations::next`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        self.next_at.filter(|_| !self.waiting.is_empty())
    }

    /// The one to be carried out now, if there is one; `busy` while packets come.
    pub fn next(&mut self, now: Instant, busy: bool) -> Option<Input> {
        if busy && self.next_at.is_some_and(|at| at > now) {
            return None;
        }
        let (room, participant, request) = loop {
            let first = self.waiting.pop_front()?;
            if !first.2.is_abandoned() {
                break first;
            }
        };
        Some(Input::Request {
            room,
            participant,
            request,
        })
    }

    /// Notes what one has taken: packets get as much time as makes that its share.
    pub fn spent(&mut self, began: Instant, ended: Instant) {
        let spent = ended.saturating_duration_since(began);
        let rest = (100 - NEGOTIATING.most as u32) * spent / NEGOTIATING.most as u32;
        self.next_at = Some(ended + rest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::media::room::request::Reply;
    use crate::protocol::request::DownOffer;

    type Answer = oneshot::Receiver<Result<DownOffer, MediaError>>;

    fn preference() -> (Request, Answer) {
        let (reply, answer): (Reply<DownOffer>, Answer) = oneshot::channel();
        let request = Request::Receive {
            audio_slots: 1,
            video_slots: 1,
            reply,
        };
        (request, answer)
    }

    #[test]
    fn packets_go_between_two_negotiations() {
        let (mut negotiations, began) = (Negotiations::default(), Instant::now());
        let answers: Vec<Answer> = (0..4)
            .map(|_| {
                let (request, answer) = preference();
                negotiations.push(1, ParticipantId::random(), request, began);
                answer
            })
            .collect();
        assert!(negotiations.next(began, true).is_some());
        let ended = began + Duration::from_millis(17);
        negotiations.spent(began, ended);
        assert!(negotiations.next(ended, true).is_none());
        let due = negotiations.due().unwrap();
        assert_eq!((due - ended).as_millis(), 34);
        assert!(negotiations.next(due, true).is_some());
        negotiations.spent(due, due + Duration::from_millis(17));
        assert!(negotiations.next(due, false).is_some(), "nobody talks");
        drop(answers);
        assert!(negotiations.next(due, false).is_none(), "nobody waits");
        assert_eq!(negotiations.due(), None);
    }

    #[test]
    fn more_negotiations_than_may_wait_are_refused() {
        let (mut negotiations, now) = (Negotiations::default(), Instant::now());
        let mut answers: Vec<Answer> = (0..WAITING.size() + 1)
            .map(|_| {
                let (request, answer) = preference();
                negotiations.push(1, ParticipantId::random(), request, now);
                answer
            })
            .collect();
        let last = answers.pop().unwrap().try_recv();
        assert_eq!(last, Ok(Err(MediaError::Busy)));
        assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()));
        // A client that does not wait any more takes nobody's place.
        answers.truncate(10);
        let (request, mut answer) = preference();
        negotiations.push(1, ParticipantId::random(), request, now);
        assert!(answer.try_recv().is_err());
    }
}
