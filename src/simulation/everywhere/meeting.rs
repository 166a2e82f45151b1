//! A meeting of two, whose lines are cut where a run wants it, and what came of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::meeting::media::MediaEvent;
use crate::meeting::{Command, Reply};
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::object::{Topology, WhoWaits};
use crate::protocol::time::Timestamp;
use crate::rooms::RoomLink;
use crate::sessions::stand_in::joined;
use crate::simulation::client::{Client, Heard, Place};
use crate::simulation::line::Line;
use crate::simulation::picture::Picture;
use crate::simulation::server::Server;
use crate::simulation::store::{Database, Weather, facts};

/// When every meeting begins.
const BEGINNING: i64 = 1_800_000_000_000;
/// The planned end. Participants get a reminder half a minute after the begin.
const ENDS_AFTER_MS: i64 = 330_000;
/// No request takes more turns.
const MOST_TURNS: usize = 200;

/// The last events of a session. A client that is cut off then hears that the session is gone instead.
const LAST_WORDS: [&str; 4] = [
    "room.ended",
    "room.deleted",
    "session.replaced",
    "server.draining",
];

pub const ADA: usize = 0;
pub const BO: usize = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// Where a line is cut, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub way: Way,
    /// After so many frames.
    pub after: usize,
    /// The server notices it only when its client is back.
    pub is_late: bool,
    /// What the client has sent still arrives.
    pub arrives: bool,
}

/// What came of a meeting, as far as it must be the same wherever a line is cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each request and its answer.
    pub answers: Vec<String>,
    /// What each of both was told, in order.
    pub told: [Vec<String>; 2],
    /// What each of both sees in the end.
    pub sees: [String; 2],
}

/// What happened in it, to check that a run covers enough.
#[derive(Debug, Default)]
pub struct Seen {
    pub requests: BTreeSet<String>,
    pub events: BTreeSet<String>,
    /// Frames that passed on the first line of the one whose lines are cut: up, and down.
    pub passed: [usize; 2],
    /// So many cuts were made.
    pub cuts: usize,
}

pub struct Meeting {
    pub database: Database,
    server: Option<Server>,
    faults: Arc<Mutex<Vec<String>>>,
    pub people: [Client; 2],
    /// Another page of somebody.
    other: Option<Client>,
    dying: Vec<Line>,
    /// Whose lines are cut, and how, one after the other.
    whose: usize,
    cuts: VecDeque<Cut>,
    passed: [usize; 2],
    outcome: Outcome,
    pub seen: Seen,
}

impl Meeting {
    /// Both are in.
    pub fn new(whose: usize, cuts: &[Cut]) -> Self {
        crate::protocol::ids::COUNTED.set(Some(1));
        crate::protocol::time::VIRTUAL.set(None);
        crate::supervise::CAUGHT.set(0);
        let mut room = facts(Topology::Sfu, WhoWaits::Nobody);
        room.end_at = Timestamp::from_unix_millis(BEGINNING + ENDS_AFTER_MS);
        let database = Database::new(0, room);
        database.set_weather(Weather::Still);
        let faults = Arc::default();
        let server = Server::start(&database, BEGINNING, &faults);
        let mut meeting = Self {
            database,
            server: Some(server),
            faults,
            people: [Client::new(ADA), Client::new(BO)],
            other: None,
            dying: Vec::new(),
            whose,
            cuts: VecDeque::new(),
            passed: [0; 2],
            outcome: Outcome::default(),
            seen: Seen::default(),
        };
        meeting.gather();
        meeting.begin(cuts);
        meeting
    }

    /// From here on it counts, and lines are cut.
    fn begin(&mut self, cuts: &[Cut]) {
        self.cuts = cuts.iter().copied().collect();
        self.passed = [0; 2];
        self.outcome = Outcome::default();
        for client in &mut self.people {
            client.notes = Some(Vec::new());
        }
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().unwrap()
    }

    fn link(&mut self) -> RoomLink {
        let identity = RoomIdentity::try_from("room".to_owned()).unwrap();
        self.server().services.registry().find(&identity).unwrap()
    }

    /// As whom somebody is in.
    pub fn id(&self, who: usize) -> ParticipantId {
        self.people[who].me().unwrap()
    }

    /// Lets everybody join who is not in, the owner first.
    pub fn gather(&mut self) {
        for who in [ADA, BO] {
            self.settle();
            if self.people[who].place == Place::Nowhere {
                self.carry_out(who, "room.join", json!({ "identity": "room" }));
            }
            assert_eq!(self.people[who].place, Place::Inside);
        }
        self.settle();
    }

    /// Somebody asks for something, and hears the answer, however often they are cut off meanwhile.
    pub fn ask(&mut self, who: usize, kind: &'static str, data: Value) -> Option<String> {
        let code = self.carry_out(who, kind, data);
        let answer = match (kind, &code) {
            // A client that is told that its session is gone is logged out as well.
            ("auth.logout", _) => "over",
            (_, code) => code.as_deref().unwrap_or("ok"),
        };
        self.outcome.answers.push(format!("{who} {kind}: {answer}"));
        self.settle();
        code
    }

    pub fn ok(&mut self, who: usize, kind: &'static str, data: Value) {
        assert_eq!(self.ask(who, kind, data), None, "{kind}");
    }

    fn carry_out(&mut self, who: usize, kind: &'static str, data: Value) -> Option<String> {
        self.settle();
        self.seen.requests.insert(kind.to_owned());
        self.people[who].ask(kind, data);
        let id = self.people[who].pending.back().unwrap().id;
        for _ in 0..MOST_TURNS {
            for (whom, heard) in self.turn() {
                match heard {
                    Heard::Answer(request, answer) if whom == who && request.id == id => {
                        return answer.err();
                    }
                    Heard::Lost(lost) if whom == who && lost.iter().any(|one| one.id == id) => {
                        return Some("lost".to_owned());
                    }
                    _ => {}
                }
            }
        }
        panic!("{who} has no answer to {kind}");
    }

    /// All of these are asked before any is answered.
    pub fn ask_at_once(&mut self, requests: Vec<(usize, &'static str, Value)>) {
        self.settle();
        for (who, kind, data) in requests {
            self.people[who].ask(kind, data);
        }
        self.settle();
    }

    /// Until nothing is under way.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..MOST_TURNS {
            let was_busy = !self.turn().is_empty();
            let is_done = self
                .people
                .iter()
                .all(|one| one.is_free() && one.pending.is_empty());
            quiet = if is_done && !was_busy { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Everything that is under way arrives; what was heard.
    fn turn(&mut self) -> Vec<(usize, Heard)> {
        for who in [ADA, BO] {
            if self.people[who].line.is_none() {
                let line = self.server().open(who + 1);
                self.people[who].line = Some(line);
            }
            self.send(who);
        }
        if let Some(line) = self.other.as_mut().and_then(|other| other.line.as_mut()) {
            (0..line.under_way.len()).for_each(|_| line.arrive());
        }
        self.server().pass(Duration::from_millis(1));
        let mut heard = Vec::new();
        for who in [ADA, BO] {
            self.read(who, &mut heard);
        }
        if let Some(other) = &mut self.other {
            while other.read().is_some() {}
        }
        heard
    }

    fn send(&mut self, who: usize) {
        while let Some(line) = &mut self.people[who].line
            && !line.under_way.is_empty()
        {
            if self.is_cut_now(who, Way::Up) {
                return self.cut();
            }
            let Some(line) = &mut self.people[who].line else {
                return;
            };
            line.arrive();
            self.pass(who, Way::Up);
        }
    }

    fn read(&mut self, who: usize, heard: &mut Vec<(usize, Heard)>) {
        loop {
            if self.is_cut_now(who, Way::Down) {
                return self.cut();
            }
            if self.people[who].line.as_ref().is_some_and(Line::is_over) {
                self.people[who].lose();
                return;
            }
            let Some(all) = self.people[who].read() else {
                return;
            };
            self.pass(who, Way::Down);
            heard.extend(all.into_iter().map(|one| (who, one)));
        }
    }

    fn is_cut_now(&self, who: usize, way: Way) -> bool {
        let is_due = |cut: &Cut| cut.way == way && cut.after == self.passed[way as usize];
        who == self.whose && self.cuts.front().is_some_and(is_due)
    }

    fn pass(&mut self, who: usize, way: Way) {
        if who == self.whose {
            self.passed[way as usize] += 1;
            if self.seen.cuts == 0 {
                self.seen.passed = self.passed;
            }
        }
    }

    fn cut(&mut self) {
        let (Some(cut), Some(mut line)) = (self.cuts.pop_front(), self.people[self.whose].lose())
        else {
            return;
        };
        self.seen.cuts += 1;
        self.passed = [0; 2];
        if cut.arrives {
            (0..line.under_way.len()).for_each(|_| line.arrive());
        }
        if cut.is_late {
            self.dying.push(line);
        }
    }

    /// A session begins anew, and logs in like this.
    pub fn log_in_by(&mut self, who: usize, kind: &'static str) {
        self.people[who].lose();
        self.people[who].forget_session();
        self.people[who].logs_in_by = kind;
        self.seen.requests.insert(kind.to_owned());
        self.gather();
        self.people[who].logs_in_by = "auth.token";
    }

    /// What the media worker tells the room.
    pub fn media_tells(&mut self, event: MediaEvent) {
        let link = self.link();
        let told = self.server().ask(link.call(Command::Media(event)));
        assert!(told.is_ok(), "{told:?}");
        self.settle();
    }

    /// Time passes, in which both answer the server's pings.
    pub fn wait(&mut self, time: Duration) {
        let step = Duration::from_secs(5);
        for _ in 0..time.as_millis().div_ceil(step.as_millis()) {
            self.server().pass(step);
            self.settle();
        }
    }

    /// Somebody opens another page, which takes the place of the first.
    pub fn open_another_page(&mut self, who: usize) {
        let mut other = Client::new(who);
        other.line = Some(self.server().open(who + 1));
        self.other = Some(other);
        for _ in 0..10 {
            self.turn();
        }
        let other = self.other.as_mut().unwrap();
        other.ask("room.join", json!({ "identity": "room" }));
        self.settle();
        let other = self.other.as_mut().unwrap();
        assert_eq!(other.place, Place::Inside);
        other.ask("room.leave", json!({}));
        self.settle();
        self.other = None;
        self.settle();
    }

    /// The server is told to end, and is started again.
    pub fn restart(&mut self) {
        self.server().drain(Duration::from_millis(10));
        let mut heard = Vec::new();
        for who in [ADA, BO] {
            self.read(who, &mut heard);
            self.people[who].lose();
        }
        let millis = self.server().millis() + 10;
        self.server = None;
        self.dying.clear();
        self.server = Some(Server::start(&self.database, millis, &self.faults));
        self.settle();
    }

    /// Everybody sees what is, and nothing went wrong.
    pub fn end(mut self) -> (Outcome, Seen) {
        self.dying.clear();
        self.settle();
        assert_eq!(crate::supervise::CAUGHT.get(), 0, "something panicked");
        assert_eq!(*self.faults.lock().unwrap(), [""; 0]);
        for who in [ADA, BO] {
            self.look(who);
            let mut last_words = BTreeSet::new();
            let notes = self.people[who].notes.take().unwrap();
            for (kind, data) in but_for_lost_hosts(notes) {
                self.seen.events.insert(kind.clone());
                if LAST_WORDS.contains(&kind.as_str()) {
                    last_words.insert(kind);
                } else if !matches!(kind.as_str(), "speaker.active" | "quality.update") {
                    self.outcome.told[who].push(summary(&kind, &data));
                }
            }
        }
        (self.outcome, self.seen)
    }

    fn look(&mut self, who: usize) {
        let link = self.link();
        let participant = self.id(who);
        let asked = self.server().ask(link.call(Command::Look { participant }));
        let Ok(Reply::View(view)) = asked else {
            panic!("{who} is not in: {asked:?}");
        };
        let theirs = self.people[who].picture.as_ref().unwrap().settled();
        let view = Picture::new(joined(*view)).settled();
        assert_eq!(theirs, view, "{who} sees what is");
        let people = view.participants.iter().map(|person| {
            let tracks: Vec<_> = person
                .tracks
                .iter()
                .map(|one| (one.source, one.muted))
                .collect();
            let hand = person.hand_raised_at.is_some();
            format!(
                "{} {:?} {hand} {tracks:?}",
                person.display_name, person.role
            )
        });
        let mut people: Vec<String> = people.collect();
        people.sort();
        let texts = view.chat.iter().map(|message| message.text.as_str());
        let texts: Vec<&str> = texts.collect();
        let (large, runs) = (view.spotlight.len(), view.timer.is_some());
        let (locked, waiting) = (view.room.locked, view.room.waiting);
        self.outcome.sees[who] =
            format!("{people:?} {texts:?} {large} {runs} {locked} {waiting:?}");
    }
}

/// Without the notes that a person who waits gets only because a host lost their connection.
fn but_for_lost_hosts(mut notes: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let (mut said, mut is_away) = (None, false);
    let is_kept = |(kind, data): &(String, Value)| match kind.as_str() {
        "lobby.updated" if data["reconnecting"] == true => {
            is_away = true;
            false
        }
        "lobby.updated" => {
            let hosted = Some(data["hosted"].clone());
            let is_news = !is_away || said != hosted;
            (said, is_away) = (hosted, false);
            is_news
        }
        "lobby.denied" | "lobby.admitted" => {
            (said, is_away) = (None, false);
            true
        }
        _ => true,
    };
    notes.retain(is_kept);
    notes
}

/// What an event says, without what is another in each run: ids and times.
fn summary(kind: &str, data: &Value) -> String {
    let said = match kind {
        "participant.joined" | "participant.updated" => {
            let seen = &data["participant"];
            let tracks = seen["tracks"].as_array().map_or(0, Vec::len);
            let hand = seen["hand_raised_at"].is_string();
            json!([
                seen["display_name"],
                seen["role"],
                seen["audio"],
                hand,
                tracks
            ])
        }
        "participant.left" | "lobby.left" | "lobby.denied" => data["reason"].clone(),
        "permissions.changed" => json!([data["role"], data["lobby"].as_array().map(Vec::len)]),
        "lobby.waiting" => data["participant"]["display_name"].clone(),
        "lobby.updated" => json!([data["hosted"], data["reconnecting"]]),
        "lobby.admitted" => data["participants"].as_array().map(Vec::len).into(),
        "reaction" => data["emoji"].clone(),
        "spotlight.updated" => data["participants"].as_array().map(Vec::len).into(),
        "timer.updated" => data["timer"]["duration_ms"].clone(),
        "room.updated" => json!([data["room"]["locked"], data["room"]["waiting"]]),
        "chat.message" => data["message"]["text"].clone(),
        "media.track.published" => data["track"]["source"].clone(),
        "media.track.muted" => data["muted"].clone(),
        _ => Value::Null,
    };
    format!("{kind} {said}")
}
