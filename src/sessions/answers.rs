//! The answers to the last requests, so that one sent again is not carried out twice.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::protocol::ids::ParticipantId;

/// How many answers are kept.
const KEPT: usize = 256;

/// How much they may weigh together, in bytes: big answers make the oldest go earlier.
const KEPT_BYTES: usize = 1024 * 1024;

/// What is known of a request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is the newest: carry it out.
    New,
    /// It was answered like this.
    Answered(Answer),
    /// It is older than the newest, and its answer is not kept.
    Stale,
}

/// An answer that was given.
#[derive(Debug)]
pub struct Answered {
    /// The frame.
    pub text: String,
    /// What is kept in its place. A view of a large room is tens of kilobytes for everybody who has come into it.
    pub in_short: Option<String>,
}

impl From<String> for Answered {
    fn from(text: String) -> Self {
        Self {
            text,
            in_short: None,
        }
    }
}

/// What is kept of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What was done stays done: this frame says so.
    Done(Arc<str>),
    /// This frame has an offer in it, tens of kilobytes long. A client that has answered the offer has received it.
    Offered(Arc<str>),
    /// The answer described the state of things. A repeated request is carried out anew.
    Anew,
    /// The client came into a room, or to its door, as this participant. The frame has nothing of the others in it:
    /// a client that is still there is shown the room as it is.
    Came(Arc<str>, ParticipantId),
}

impl Answer {
    fn bytes(&self) -> usize {
        match self {
            Self::Done(frame) | Self::Offered(frame) | Self::Came(frame, _) => frame.len(),
            Self::Anew => 0,
        }
    }
}

/// The answers of one session by request id, oldest first.
#[derive(Debug, Default)]
pub struct Answers {
    newest: u64,
    bytes: usize,
    kept: VecDeque<(u64, Answer)>,
}

impl Answers {
    /// What is known of request `id`.
    pub fn find(&self, id: u64) -> Seen {
        if id > self.newest {
            return Seen::New;
        }
        // Ids rise within a session, so the answers lie in their order.
        match self.kept.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => Seen::Answered(self.kept[at].1.clone()),
            Err(_) => Seen::Stale,
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Keeps the answer to request `id`, if that is new.
    pub fn keep(&mut self, id: u64, answer: Answer) {
        if id <= self.newest {
            return;
        }
        self.newest = id;
        self.bytes += answer.bytes();
        self.kept.push_back((id, answer));
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES && self.kept.len() > 1 {
            if let Some((_, oldest)) = self.kept.pop_front() {
                self.bytes -= oldest.bytes();
            }
        }
    }

    /// An offer was answered: none of them is asked for again.
    pub fn forget_offers(&mut self) {
        let is_offer = |answer: &Answer| matches!(answer, Answer::Offered(_));
        let offers = self.kept.iter().filter(|(_, answer)| is_offer(answer));
        self.bytes -= offers.map(|(_, answer)| answer.bytes()).sum::<usize>();
        self.kept.retain(|(_, answer)| !is_offer(answer));
    }

    /// A room has let go of `participant`. A client that asks again how it came there gets the frame that `refuse`
    /// makes for that request.
    pub fn let_go(&mut self, participant: &ParticipantId, refuse: impl Fn(u64) -> String) {
        for (id, answer) in &mut self.kept {
            if matches!(&answer, Answer::Came(_, whom) if whom == participant) {
                self.bytes -= answer.bytes();
                *answer = Answer::Done(refuse(*id).into());
                self.bytes += answer.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(text: &str) -> Answer {
        Answer::Done(text.into())
    }

    #[test]
    fn a_request_sent_again_gets_its_first_answer() {
        let mut answers = Answers::default();
        assert_eq!(answers.find(7), Seen::New);
        answers.keep(7, done("first"));
        assert_eq!(answers.find(7), Seen::Answered(done("first")));
        answers.keep(7, done("second"));
        assert_eq!(answers.find(7), Seen::Answered(done("first")));
        assert_eq!(answers.find(6), Seen::Stale);
        assert_eq!(answers.find(8), Seen::New);
    }

    #[test]
    fn an_offer_is_kept_until_it_is_answered() {
        let mut answers = Answers::default();
        let offer = |id: u64| Answer::Offered(id.to_string().into());
        answers.keep(1, done("before"));
        answers.keep(2, offer(2));
        answers.keep(3, done("between"));
        assert_eq!(answers.find(2), Seen::Answered(offer(2)));
        answers.forget_offers();
        answers.keep(4, offer(4));
        assert_eq!(answers.find(2), Seen::Stale);
        assert_eq!(answers.find(1), Seen::Answered(done("before")));
        assert_eq!(answers.find(3), Seen::Answered(done("between")));
        assert_eq!(answers.find(4), Seen::Answered(offer(4)));
        assert_eq!(answers.bytes, "beforebetween4".len());
    }

    #[test]
    fn the_last_256_answers_are_kept() {
        let mut answers = Answers::default();
        for id in 1..=300 {
            answers.keep(id, done("x"));
        }
        assert_eq!(answers.find(44), Seen::Stale);
        assert_eq!(answers.find(45), Seen::Answered(done("x")));
    }

    #[test]
    fn big_answers_go_earlier() {
        let mut answers = Answers::default();
        for id in 1..=5 {
            answers.keep(id, done(&"x".repeat(KEPT_BYTES / 3)));
        }
        assert_eq!(answers.find(2), Seen::Stale);
        assert!(matches!(answers.find(3), Seen::Answered(_)));
    }

    #[test]
    fn who_was_let_go_of_is_refused_and_nobody_else() {
        let [ada, bo] = ["ada", "bo"].map(|id| ParticipantId::try_from(id.to_owned()).unwrap());
        let came =
            |who: &ParticipantId| Answer::Came("x".repeat(KEPT_BYTES / 2).into(), who.clone());
        let mut answers = Answers::default();
        answers.keep(1, came(&ada));
        answers.keep(2, came(&bo));
        answers.let_go(&ada, |id| format!("no {id}"));
        assert_eq!(answers.find(1), Seen::Answered(done("no 1")));
        assert_eq!(answers.find(2), Seen::Answered(came(&bo)));
        // What it took is free again.
        answers.keep(3, done(&"x".repeat(KEPT_BYTES / 2 - 8)));
        assert_eq!(answers.find(1), Seen::Answered(done("no 1")));
    }
}
