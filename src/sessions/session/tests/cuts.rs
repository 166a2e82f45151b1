//! A scripted meeting over a line that is cut at every step. Everything under way is lost, and in the end the client
//! knows every event once, in order, and has one answer to each request. A failing run prints its seed and its cut.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::auth::ResumeTokens;

/// How much happens in a run.
const REQUESTS: u64 = 6;
const EVENTS: usize = 10;
/// No run takes more steps.
const MOST_STEPS: usize = 400;

/// The room: what it has told, in order. A view holds all of it.
#[derive(Default)]
struct Announced(Vec<ParticipantId>);

impl Announced {
    fn event(&mut self) -> OutboxItem {
        let id = ParticipantId::try_from(format!("e{}", self.0.len())).unwrap();
        self.0.push(id.clone());
        let event = Event::ParticipantLeft(crate::protocol::event::ParticipantLeft {
            participant: id,
            reason: crate::protocol::event::LeaveReason::Left,
        });
        OutboxItem::Event(EncodedEvent::new(&event))
    }

    fn view(&self) -> OutboxItem {
        let mut view = view();
        view.spotlight = self.0.clone();
        OutboxItem::View {
            participant: ada(),
            view,
        }
    }
}

/// What a client does by the book.
#[derive(Default)]
struct Client {
    knows: Vec<String>,
    last_seq: Option<u64>,
    token: String,
    /// Sent and not answered: the ids.
    pending: VecDeque<u64>,
    answered: Vec<u64>,
    last_id: u64,
    /// It has said that it is back, and has had no answer.
    is_resuming: bool,
}

/// A line, and what is under way on it.
#[derive(Default)]
struct Line {
    up: VecDeque<String>,
    down: VecDeque<String>,
}

struct World {
    desk: Desk,
    tokens: ResumeTokens,
    announced: Announced,
    outbox: VecDeque<OutboxItem>,
    client: Client,
    line: Line,
    carried_out: Vec<u64>,
    /// The server has not noticed yet that its socket is lost.
    is_socket_dead: bool,
    /// The client is to connect.
    is_cut: bool,
    random: StdRng,
}

const RESUME: u64 = 1_000;

impl World {
    fn new(seed: u64) -> Self {
        let mut desk = Desk::kept_for(Duration::from_secs(30));
        desk.ask(1);
        desk.done(|someone| {
            someone.user = somebody();
            someone.inside = Some(ada());
        });
        let mut tokens = ResumeTokens::default();
        let client = Client {
            token: tokens.begin(),
            last_seq: Some(0),
            last_id: 1,
            ..Client::default()
        };
        Self {
            desk,
            tokens,
            announced: Announced::default(),
            outbox: VecDeque::new(),
            client,
            line: Line::default(),
            carried_out: Vec::new(),
            is_socket_dead: false,
            is_cut: false,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// What comes out of the core goes down the line, if there is one.
    fn follow(&mut self, outs: Vec<Out>) {
        for out in outs {
            match out {
                Out::Frame(frame) if !self.is_socket_dead => {
                    self.line.down.push_back(frame.to_string());
                }
                Out::Request(id) => self.carried_out.push(id),
                Out::TakeUp(how) if how.look => {
                    let view = self.announced.view();
                    self.outbox.push_back(view);
                }
                Out::Over(end) => panic!("it is over: {end:?}"),
                _ => {}
            }
        }
    }

    /// Everything under way is lost, except for what happens to have arrived.
    fn cut(&mut self) {
        let arrived = self.random.random_range(0..=self.line.down.len());
        for _ in 0..arrived {
            self.client_reads();
        }
        self.line = Line::default();
        (self.is_socket_dead, self.is_cut) = (true, true);
        self.client.is_resuming = false;
    }

    /// What may happen next; false when nothing can.
    fn step(&mut self) -> bool {
        let mut may: Vec<fn(&mut Self)> = Vec::new();
        if self.is_cut {
            may.push(Self::client_resumes);
        } else if self.client.last_id <= REQUESTS && !self.client.is_resuming {
            may.push(Self::client_asks);
        }
        if self.is_socket_dead {
            may.push(Self::server_notices);
        }
        if !self.line.up.is_empty() && self.desk.core.wants_frames() {
            may.push(Self::server_reads);
        }
        if self.announced.0.len() < EVENTS {
            may.push(Self::room_tells);
        }
        if !self.outbox.is_empty() && self.desk.core.wants_items() {
            may.push(Self::server_hears);
        }
        if self.desk.lent.is_some() {
            may.push(Self::work_is_done);
        }
        if !self.line.down.is_empty() {
            may.push(Self::client_reads);
        }
        if may.is_empty() {
            return false;
        }
        let chosen = self.random.random_range(0..may.len());
        may[chosen](self);
        true
    }

    fn client_asks(&mut self) {
        self.client.last_id += 1;
        let id = self.client.last_id;
        self.client.pending.push_back(id);
        self.line.up.push_back(text(id));
    }

    /// On a new socket: the session is taken from its present holder, and requests without an answer are sent again.
    fn client_resumes(&mut self) {
        self.is_cut = false;
        self.is_socket_dead = false;
        self.client.is_resuming = true;
        self.line = Line::default();
        let token = self.tokens.redeem(&self.client.token);
        let token = token.expect("the token that the client has is good");
        self.desk.core.hand_over(self.desk.now);
        let outs = self.desk.take(Input::Resume(Resume {
            id: RESUME,
            last_seq: self.client.last_seq,
            token,
        }));
        self.follow(outs);
        let again = self.client.pending.iter();
        self.line.up.extend(again.map(|id| text(*id)));
    }

    fn server_notices(&mut self) {
        let outs = self.desk.take(Input::End(End::Gone));
        self.follow(outs);
        // From now on there is no socket, so there is no dead one either.
        self.is_socket_dead = false;
        self.line.down.clear();
    }

    fn server_reads(&mut self) {
        let frame = self.line.up.pop_front().unwrap();
        let outs = self.desk.hear(Frame::Text(&frame));
        self.follow(outs);
    }

    fn room_tells(&mut self) {
        let event = self.announced.event();
        self.outbox.push_back(event);
        if self.random.random_bool(0.2) {
            self.outbox.push_back(lossy());
        }
    }

    fn server_hears(&mut self) {
        let item = self.outbox.pop_front().unwrap();
        let outs = self.desk.tell(item);
        self.follow(outs);
    }

    fn work_is_done(&mut self) {
        let (id, state) = self.desk.lent.take().unwrap();
        let outs = match self.desk.lent_for {
            Work::Request => {
                let answer = Ok(frame::ok(id, &()).into());
                self.desk.take(Input::Done(Done { state, id, answer }))
            }
            Work::TellLoss => self.desk.take(Input::LossAnnounced(state)),
            Work::TakeUp => {
                let standing = Ok(Standing::Inside(ada()));
                self.desk.take(Input::TakenUp { state, standing })
            }
        };
        self.follow(outs);
    }

    fn client_reads(&mut self) {
        let Some(text) = self.line.down.pop_front() else {
            return;
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        let client = &mut self.client;
        match (frame["re"].as_u64(), frame["seq"].as_u64()) {
            (Some(RESUME), _) => {
                assert_eq!(frame["type"], "ok", "{frame}");
                let data = &frame["data"];
                client.token = data["resume_token"].as_str().unwrap().to_owned();
                client.last_seq = data["seq"].as_u64();
                client.is_resuming = false;
                if let Some(view) = data.get("view") {
                    let log = view["spotlight"].as_array().unwrap().iter();
                    client.knows = log.map(|id| id.as_str().unwrap().to_owned()).collect();
                }
            }
            (Some(id), _) => {
                assert_eq!(
                    client.pending.pop_front(),
                    Some(id),
                    "answers in their order"
                );
                client.answered.push(id);
            }
            (None, Some(seq)) => {
                assert_eq!(Some(seq), client.last_seq.map(|last| last + 1), "no gap");
                client.last_seq = Some(seq);
                let event = frame["data"]["participant"].as_str().unwrap();
                client.knows.push(event.to_owned());
            }
            // A lossy event.
            (None, None) => assert_eq!(frame["type"], "speaker.active"),
        }
    }

    /// The outbox had no room for what the room told.
    fn overflow(&mut self) {
        let outs = self.desk.take(Input::Overflowed);
        self.outbox
            .retain(|item| !matches!(item, OutboxItem::Event(_)));
        self.follow(outs);
        self.cut();
    }

    fn check(&self, context: &str) {
        let announced: Vec<&str> = self.announced.0.iter().map(ParticipantId::as_str).collect();
        assert_eq!(self.client.knows, announced, "{context}");
        let all: Vec<u64> = (2..=self.client.last_id).collect();
        assert_eq!(self.client.answered, all, "{context}");
        let carried_out = &self.carried_out[1..];
        assert_eq!(carried_out, all, "{context}: each request once");
    }
}

/// Runs with these cuts, by step, and says how many steps there were.
fn one_run(seed: u64, cuts: &[usize], overflow: Option<usize>) -> usize {
    let mut world = World::new(seed);
    world.carried_out.push(1);
    let context = format!("seed {seed}, cuts {cuts:?}, overflow {overflow:?}");
    for step in 0..MOST_STEPS {
        if overflow == Some(step) {
            world.overflow();
        }
        if cuts.contains(&step) {
            world.cut();
        }
        if !world.step() && cuts.iter().all(|cut| *cut < step) {
            world.check(&context);
            return step;
        }
    }
    panic!("{context}: it does not come to an end")
}

#[test]
fn a_cut_at_any_step_loses_nothing_and_doubles_nothing() {
    for seed in 0..60 {
        let steps = one_run(seed, &[], None);
        for cut in 0..=steps {
            // The second falls into the resumption, or shortly after it.
            for after in [0, 1, 2, 4, 7] {
                one_run(seed, &[cut, cut + after], None);
            }
        }
    }
}

#[test]
fn a_reader_that_is_too_slow_at_any_step_sees_the_same_in_the_end() {
    for seed in 0..60 {
        let steps = one_run(seed, &[], None);
        for at in 0..=steps {
            one_run(seed, &[at + 3], Some(at));
        }
    }
}
