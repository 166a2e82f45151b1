//! The answers to the last requests, so that one sent again is not carried out twice.

use std::collections::VecDeque;
use std::sync::Arc;

/// How many answers are kept.
const KEPT: usize = 256;

/// How much they may weigh together, in bytes: big answers make the oldest go earlier.
const KEPT_BYTES: usize = 1024 * 1024;

/// What is known of a request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is the newest: carry it out.
    New,
    /// It was answered with this.
    Answered(Arc<str>),
    /// It is older than the newest, and its answer is not kept.
    Stale,
}

/// The answers of one session by request id, oldest first.
#[derive(Debug, Default)]
pub struct Answers {
    newest: u64,
    bytes: usize,
    kept: VecDeque<(u64, Arc<str>)>,
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

    /// Keeps the answer to request `id`, which is new.
    pub fn keep(&mut self, id: u64, answer: Arc<str>) {
        self.newest = id;
        self.bytes += answer.len();
        self.kept.push_back((id, answer));
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES && self.kept.len() > 1 {
            if let Some((_, oldest)) = self.kept.pop_front() {
                self.bytes -= oldest.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_sent_again_gets_its_first_answer() {
        let mut answers = Answers::default();
        assert_eq!(answers.find(7), Seen::New);
        answers.keep(7, "first".into());
        assert_eq!(answers.find(7), Seen::Answered("first".into()));
        assert_eq!(answers.find(6), Seen::Stale);
        assert_eq!(answers.find(8), Seen::New);
    }

    #[test]
    fn the_last_256_answers_are_kept() {
        let mut answers = Answers::default();
        for id in 1..=300 {
            answers.keep(id, "x".into());
        }
        assert_eq!(answers.find(44), Seen::Stale);
        assert_eq!(answers.find(45), Seen::Answered("x".into()));
    }

    #[test]
    fn big_answers_go_earlier() {
        let mut answers = Answers::default();
        for id in 1..=5 {
            answers.keep(id, "x".repeat(KEPT_BYTES / 3).into());
        }
        assert_eq!(answers.find(2), Seen::Stale);
        assert!(matches!(answers.find(3), Seen::Answered(_)));
    }
}
