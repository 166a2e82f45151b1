//! Random runs against a small reference model. A failing seed prints itself; `MEETING_SEED` runs that one alone.

use std::collections::{BTreeMap, VecDeque};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::meeting::effect::CloseReason;

const SECOND: u64 = 8;
/// The clock of a run goes in eighths of a second, in which the refill of the bucket is exact.
const TICK: Duration = Duration::from_millis(125);

/// A session as a few lines say it should be. Times are in eighths of a second.
struct Model {
    now: u64,
    seq: u64,
    /// The state that the core has, or has lent.
    someone: Someone,
    in_flight: Option<u64>,
    newest: u64,
    answers: BTreeMap<u64, Value>,
    /// What rooms did while a request was in flight: the participants they let in, and those they let go of.
    moves: Vec<Result<ParticipantId, ParticipantId>>,
    /// What may be asked now, in eighths of a request.
    tokens: u64,
    bad_frames: VecDeque<u64>,
    pings: u64,
    ping_due: u64,
    login_due: u64,
    over: Option<End>,
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Ask(u64),
    BadFrame,
    Pong,
    Sure,
    Lossy,
    Admitted,
    Released(Option<CloseReason>),
    /// The request in flight is finished, and has done this.
    Done(Someone),
    Wait(u64),
    End(End),
    Drain,
}

/// What must come of it, in order.
#[derive(Debug, PartialEq)]
enum Expected {
    Event(&'static str, Option<u64>),
    Answer(u64, &'static str),
    Again(Value),
    NoRequest,
    Ping,
    CarryOut(u64),
    Over(End),
}

impl Model {
    fn new() -> Self {
        Self {
            now: 0,
            seq: 0,
            someone: Someone::default(),
            in_flight: None,
            newest: 0,
            answers: BTreeMap::new(),
            moves: Vec::new(),
            tokens: 60 * SECOND,
            bad_frames: VecDeque::new(),
            pings: 0,
            ping_due: 15 * SECOND,
            login_due: 10 * SECOND,
            over: None,
        }
    }

    fn is_held_back(&self) -> bool {
        self.moves.iter().any(Result::is_ok)
    }

    fn sure(&mut self, kind: &'static str) -> Expected {
        self.seq += 1;
        Expected::Event(kind, Some(self.seq))
    }

    /// Ends it: at once, or when the request in flight is finished.
    fn end(&mut self, end: End) -> Vec<Expected> {
        self.over = Some(end);
        match self.in_flight {
            Some(_) => Vec::new(),
            None => vec![Expected::Over(end)],
        }
    }

    fn follow(&mut self, change: Result<ParticipantId, ParticipantId>) -> Vec<Expected> {
        if self.in_flight.is_some() {
            self.moves.push(change);
            return Vec::new();
        }
        match change {
            Ok(participant) if self.someone.at_door.as_ref() == Some(&participant) => {
                self.someone.at_door = None;
                self.someone.inside = Some(participant);
                vec![self.sure("lobby.admitted")]
            }
            Ok(participant) if self.someone.inside.as_ref() == Some(&participant) => {
                vec![self.sure("lobby.admitted")]
            }
            Ok(_) => Vec::new(),
            Err(participant) => {
                self.someone.inside.take_if(|inside| *inside == participant);
                self.someone.at_door.take_if(|door| *door == participant);
                Vec::new()
            }
        }
    }

    /// Takes a request from the bucket; too few come in a run for a flood.
    fn is_too_fast(&mut self) -> bool {
        match self.tokens.checked_sub(SECOND) {
            Some(left) => self.tokens = left,
            None => return true,
        }
        false
    }

    fn expect(&mut self, step: &Step) -> Vec<Expected> {
        if let (Some(end), Step::Done(someone)) = (self.over, step) {
            self.someone = someone.clone();
            let id = self.in_flight.take().unwrap();
            let answer = end.hears_answers().then_some(Expected::Answer(id, "ok"));
            return answer.into_iter().chain([Expected::Over(end)]).collect();
        }
        match step {
            Step::Ask(id) => self.ask(*id),
            Step::BadFrame => {
                let recent = |at: &u64| self.now - at < 60 * SECOND;
                self.bad_frames.retain(recent);
                if self.bad_frames.len() >= 10 {
                    return self.end(End::Abuse);
                }
                self.bad_frames.push_back(self.now);
                vec![Expected::NoRequest]
            }
            Step::Pong => {
                self.pings = 0;
                self.is_too_fast();
                Vec::new()
            }
            Step::Sure => vec![self.sure("session.replaced")],
            Step::Lossy => vec![Expected::Event("speaker.active", None)],
            Step::Admitted => self.follow(Ok(ada())),
            Step::Released(close) => {
                let mut expected = self.follow(Err(ada()));
                if let Some(reason) = close {
                    expected.extend(self.end((*reason).into()));
                }
                expected
            }
            Step::Done(someone) => self.done(someone),
            Step::Wait(time) => self.wait(*time),
            Step::End(end) => self.end(*end),
            Step::Drain => {
                let event = self.sure("server.draining");
                let mut expected = vec![event];
                expected.extend(self.end(End::GoingAway));
                expected
            }
        }
    }

    fn ask(&mut self, id: u64) -> Vec<Expected> {
        let is_new = id > self.newest;
        if self.is_too_fast() {
            self.newest = self.newest.max(id);
            return vec![Expected::Answer(id, "error")];
        }
        if is_new {
            self.in_flight = Some(id);
            return vec![Expected::CarryOut(id)];
        }
        vec![match self.answers.get(&id) {
            Some(answer) => Expected::Again(answer.clone()),
            None => Expected::Answer(id, "error"),
        }]
    }

    fn done(&mut self, someone: &Someone) -> Vec<Expected> {
        let id = self.in_flight.take().unwrap();
        self.newest = id;
        if self.someone.user.is_some() && someone.user.is_none() {
            self.login_due = self.now + 10 * SECOND;
        }
        self.someone = someone.clone();
        let moves = std::mem::take(&mut self.moves);
        let mut expected: Vec<_> = moves
            .into_iter()
            .flat_map(|change| self.follow(change))
            .collect();
        expected.push(Expected::Answer(id, "ok"));
        expected
    }

    fn wait(&mut self, time: u64) -> Vec<Expected> {
        self.now += time;
        self.tokens = (self.tokens + 20 * time).min(60 * SECOND);
        let is_nobody = self.someone.user.is_none() && self.in_flight.is_none();
        if is_nobody && self.now >= self.login_due {
            return self.end(End::NotAuthenticated);
        }
        if self.now < self.ping_due {
            return Vec::new();
        }
        self.ping_due = self.now + 15 * SECOND;
        if self.pings == 2 {
            return self.end(End::Unresponsive);
        }
        self.pings += 1;
        vec![Expected::Ping]
    }

    /// What happens next.
    fn step(&self, random: &mut StdRng) -> Step {
        if self.over.is_some() {
            return Step::Done(self.after(random));
        }
        loop {
            let may_ask = self.in_flight.is_none();
            match random.random_range(0..1_000) {
                0..350 if may_ask => {
                    let new = self.newest + random.random_range(1..3);
                    let again = random.random_range(1..=new);
                    return Step::Ask(if random.random_bool(0.8) { new } else { again });
                }
                350..370 if may_ask => return Step::BadFrame,
                370..420 if may_ask => return Step::Pong,
                420..500 if !self.is_held_back() => return Step::Sure,
                500..550 if !self.is_held_back() => return Step::Lossy,
                550..590 if !self.is_held_back() => return Step::Admitted,
                590..610 if !self.is_held_back() => {
                    let close = random.random_bool(0.1).then_some(CloseReason::Removed);
                    return Step::Released(close);
                }
                610..900 if !may_ask => return Step::Done(self.after(random)),
                900..996 => return Step::Wait(random.random_range(0..5 * SECOND)),
                996 => return Step::End(End::TooSlow),
                997 => return Step::End(End::NotAuthenticated),
                998 => return Step::Drain,
                999 => return Step::End(End::Gone),
                _ => {}
            }
        }
    }

    /// What a request makes of the client's state.
    fn after(&self, random: &mut StdRng) -> Someone {
        let mut someone = self.someone.clone();
        match random.random_range(0..10) {
            0..4 => someone.user = somebody(),
            4 => someone = Someone::default(),
            5 => someone.at_door = Some(ada()),
            6 => someone.inside = Some(ada()),
            7 => (someone.inside, someone.at_door) = (None, None),
            _ => {}
        }
        if someone.inside.is_some() {
            someone.at_door = None;
        }
        someone
    }

    /// Holds what came out against what must come, and remembers answers.
    fn check(&mut self, expected: &[Expected], outs: &[Out], context: &str) {
        assert_eq!(
            expected.len(),
            outs.len(),
            "{context}: {expected:?} {outs:?}"
        );
        for (expected, out) in expected.iter().zip(outs) {
            let is_right = match (expected, out) {
                (Expected::Event(kind, seq), Out::Frame(frame)) => {
                    frame["type"] == *kind && frame.get("seq").and_then(Value::as_u64) == *seq
                }
                (Expected::Answer(id, kind), Out::Frame(frame)) => {
                    if *id == self.newest {
                        self.answers.entry(*id).or_insert_with(|| frame.clone());
                    }
                    frame["re"] == *id && frame["type"] == *kind
                }
                (Expected::Again(answer), Out::Frame(frame)) => frame == answer,
                (Expected::NoRequest, Out::Frame(frame)) => {
                    frame["re"].is_null() && frame["type"] == "error"
                }
                (Expected::Ping, Out::Ping) => true,
                (Expected::CarryOut(id), Out::Request(carried)) => id == carried,
                (Expected::Over(end), Out::Over(ended)) => end == ended,
                _ => false,
            };
            assert!(is_right, "{context}: {expected:?} {out:?}");
        }
    }
}

fn carry_out(desk: &mut Desk, step: &Step) -> Vec<Out> {
    match step {
        Step::Ask(id) => desk.ask(*id),
        Step::BadFrame => desk.hear(Frame::Binary),
        Step::Pong => desk.hear(Frame::Pong),
        Step::Sure => desk.tell(sure()),
        Step::Lossy => desk.tell(lossy()),
        Step::Admitted => desk.tell(admitted()),
        Step::Released(close) => desk.tell(OutboxItem::Released {
            participant: ada(),
            close: *close,
        }),
        Step::Done(someone) => desk.done(|state| *state = someone.clone()),
        Step::Wait(time) => desk.wait(TICK * u32::try_from(*time).unwrap()),
        Step::End(end) => desk.take(Input::End(*end)),
        Step::Drain => desk.take(Input::Drain {
            deadline: Timestamp::from_unix_millis(0).unwrap(),
        }),
    }
}

/// How a run ended; none when it was still going on after all steps.
fn one_run(seed: u64) -> Option<End> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut desk, mut model) = (Desk::open(), Model::new());
    for at in 0..250 {
        let step = model.step(&mut random);
        let context = format!("MEETING_SEED={seed}, step {at}: {step:?}");
        let expected = model.expect(&step);
        let outs = carry_out(&mut desk, &step);
        model.check(&expected, &outs, &context);
        assert_eq!(
            desk.core.wants_frames(),
            model.in_flight.is_none() && model.over.is_none(),
            "{context}"
        );
        assert_eq!(
            desk.core.wants_items(),
            !model.is_held_back() && model.over.is_none(),
            "{context}"
        );
        if let Some(Out::Over(_)) = outs.last() {
            assert_eq!(desk.left.as_ref(), Some(&model.someone), "{context}");
            return model.over;
        }
    }
    None
}

#[test]
fn random_sessions_do_what_a_few_lines_say_they_should() {
    let seeds = match std::env::var("MEETING_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 0..1_000,
    };
    let all = seeds.end - seeds.start > 1;
    let ends: Vec<_> = seeds.map(one_run).collect();
    // The runs reach every way to end that they can.
    let reached = |end| !all || ends.contains(&end);
    for end in [
        End::Abuse,
        End::NotAuthenticated,
        End::Removed,
        End::TooSlow,
        End::GoingAway,
        End::Gone,
        End::Unresponsive,
    ] {
        assert!(reached(Some(end)), "{end:?}");
    }
    assert!(reached(None));
}
