//! The run: who does what next, and what goes wrong, as its seed has it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::client::{Client, Heard, Place, Request};
use super::line::Line;
use super::oracle::Oracle;
use super::server::Server;
use super::store::{Database, Weather, facts, person};
use crate::protocol::object::{Topology, WhoWaits};

/// When every run begins.
const BEGINNING: i64 = 1_800_000_000_000;

pub struct World {
    pub database: Database,
    /// None while it is down.
    server: Option<Server>,
    pub clients: Vec<Client>,
    /// Lines that their clients have given up, and whose servers have not heard of that yet.
    dying: Vec<Line>,
    pub oracle: Oracle,
    pub(super) dice: StdRng,
    faults: Arc<Mutex<Vec<String>>>,
    pub(super) messages: usize,
    /// What a client that has lost its session sends again.
    pub(super) unsent: Vec<(usize, String)>,
    is_told: bool,
    /// The database was slow or away.
    was_ill: bool,
    /// Who does not read at present.
    slow: Option<usize>,
}

impl World {
    /// Of this seed; whether each step is told.
    pub fn new(seed: u64, is_told: bool) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        crate::protocol::ids::COUNTED.set(Some(1));
        crate::protocol::time::VIRTUAL.set(None);
        crate::supervise::CAUGHT.set(0);
        let small = dice.random_range(5..12);
        crate::budgets::lowered::set(&[("rooms.outbox_items", small), ("ws.replay_events", small)]);
        let topology = [Topology::Sfu, Topology::P2p][dice.random_range(0..2)];
        let waiting = [WhoWaits::Nobody, WhoWaits::Everyone][dice.random_range(0..2)];
        let database = Database::new(seed, facts(topology, waiting));
        let faults = Arc::default();
        let server = Server::start(&database, BEGINNING, &faults);
        Self {
            database,
            server: Some(server),
            clients: (0..dice.random_range(2..=4)).map(Client::new).collect(),
            dying: Vec::new(),
            oracle: Oracle::default(),
            dice,
            faults,
            messages: 0,
            unsent: Vec::new(),
            is_told,
            was_ill: false,
            slow: None,
        }
    }

    pub fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("it is up between two steps")
    }

    pub(super) fn log(&self, step: &str) {
        if self.is_told {
            println!("  {step}");
        }
    }

    /// One thing happens.
    pub fn step(&mut self) {
        let who = self.dice.random_range(0..self.clients.len());
        match self.dice.random_range(0..1_000) {
            0..300 => self.arrive(who),
            300..620 => drop(self.read(who)),
            620..740 => self.act(who),
            740..830 => {
                let steps = self.dice.random_range(1..6);
                self.server().step(steps);
            }
            830..920 => self.pass(1, 40),
            920..940 => self.pass(200, 3_000),
            940..944 => self.pass(10_000, 50_000),
            944..962 => self.cut(who),
            962..966 => self.reload(who),
            966..972 => self.crash(),
            972..974 => self.drain(),
            974..982 => self.change_weather(),
            982..986 => {
                self.slow = [None, Some(who)][self.dice.random_range(0..2)];
                self.log(&format!("reads nothing: {:?}", self.slow));
            }
            986..994 => self.late(),
            _ => self.go_or_come(who),
        }
        self.check_faults();
    }

    pub fn check_faults(&self) {
        assert_eq!(crate::supervise::CAUGHT.get(), 0, "something panicked");
        let faults = self.faults.lock().unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        let faults = self.database.faults();
        assert!(faults.is_empty(), "{faults:?}");
    }

    fn pass(&mut self, least: u64, most: u64) {
        let time = self.dice.random_range(least..most);
        if most > 1_000 {
            self.log(&format!("{time} ms pass"));
        }
        self.server().pass(Duration::from_millis(time));
    }

    pub fn connect(&mut self, who: usize) {
        if self.clients[who].line.is_none() {
            self.log(&format!("{who} connects"));
            let line = self.server().open(who + 1);
            self.clients[who].line = Some(line);
        }
    }

    fn arrive(&mut self, who: usize) {
        self.connect(who);
        if let Some(line) = &mut self.clients[who].line {
            if self.is_told && !line.under_way.is_empty() {
                println!("  {who} is heard: {:?}", line.under_way.front());
            }
            line.arrive();
        }
        self.server().step(1);
    }

    /// Reads one frame, and says whether there was one.
    pub fn read(&mut self, who: usize) -> bool {
        if self.slow == Some(who) {
            return false;
        }
        if self.clients[who].line.as_ref().is_some_and(Line::is_over) {
            self.clients[who].lose();
            return true;
        }
        let Some(heard) = self.clients[who].read() else {
            return false;
        };
        for heard in heard {
            if self.is_told {
                println!("  {who} reads: {heard:?}");
            }
            match heard {
                Heard::Answer(request, answer) => self.answered(who, &request, &answer),
                Heard::Lost(requests) => self.lost(who, requests),
                Heard::Event => {}
            }
        }
        true
    }

    fn answered(&mut self, who: usize, request: &Request, answer: &Result<(), String>) {
        // While the database is away hands do not wait for it, and a crash may undo them.
        let is_firm = request.kind != "participant.update" || !self.was_ill;
        self.oracle.done(request, answer.is_ok() && is_firm);
        let user = person(who).id;
        if request.kind == "room.join" && answer.is_ok() {
            assert!(
                !self.oracle.keeps_out(&user),
                "{user} is kept out and comes in"
            );
        }
        if request.kind == "room.join"
            && let Err(code) = answer
            && !matches!(code.as_str(), "server.busy" | "room.waiting")
        {
            self.clients[who].wants_in = false;
        }
        if request.kind == "timer.set" && request.data["of"] == "probe" {
            let may = self.oracle.owner_was_away || self.oracle.promoted.contains(&user);
            assert!(
                answer.is_err() || may,
                "{user} is a member and sets the timer"
            );
            if answer.is_ok() {
                self.oracle.is_unsure_of_timer();
            }
        }
    }

    fn lost(&mut self, who: usize, requests: Vec<Request>) {
        for request in requests {
            self.log(&format!("{who} never hears of {}", request.kind));
            if request.data["of"] == "probe" {
                self.oracle.is_unsure_of_timer();
            }
            match request.data["client_id"].as_str() {
                Some(name) => self.unsent.push((who, name.to_owned())),
                None => self.oracle.done(&request, false),
            }
        }
        if who == 0 {
            self.oracle.owner_was_away = true;
        }
    }

    /// A client asks for something.
    fn act(&mut self, who: usize) {
        self.connect(who);
        if !self.clients[who].is_free() || self.clients[who].pending.len() > 3 {
            return;
        }
        if self.clients[who].place != Place::Inside {
            return self.come_in(who);
        }
        match self.dice.random_range(0..13) {
            0..3 => self.raise_hand(who),
            3..5 => self.say(who),
            5 => self.clients[who].ask("reaction.send", json!({ "emoji": "👍" })),
            6 => self.clients[who].ask("media.publish", json!({})),
            7 => {
                let active = self.dice.random_bool(0.7);
                let data = json!({ "source": "microphone", "active": active });
                self.clients[who].ask("media.source", data);
            }
            8 => self.whisper(who),
            _ if who == 0 => self.govern(),
            _ => self.overreach(who),
        }
    }

    /// A member tries what members may not.
    fn overreach(&mut self, who: usize) {
        let is_promoted = self.oracle.promoted.contains(&person(who).id);
        if !is_promoted && !self.oracle.owner_was_away {
            let data = json!({ "duration_ms": 5_000_000, "of": "probe" });
            self.clients[who].ask("timer.set", data);
        }
    }

    /// Joins, if it is not about to.
    pub fn come_in(&mut self, who: usize) {
        let client = &mut self.clients[who];
        let is_coming = client.pending.iter().any(|asked| asked.kind == "room.join");
        if client.wants_in && client.place == Place::Nowhere && !is_coming && client.is_free() {
            client.ask("room.join", json!({ "identity": "room" }));
        }
    }

    /// A socket is lost; both sides notice when they do.
    fn cut(&mut self, who: usize) {
        for _ in 0..self.dice.random_range(0..3) {
            self.read(who);
        }
        self.log(&format!("{who} is cut off"));
        let Some(line) = self.clients[who].lose() else {
            return;
        };
        if self.dice.random_bool(0.5) {
            self.dying.push(line);
        }
        if who == 0 {
            self.oracle.owner_was_away = true;
        }
    }

    /// Something of a socket that was given up still arrives, or its server hears that it is gone.
    fn late(&mut self) {
        if self.dying.is_empty() {
            return;
        }
        let at = self.dice.random_range(0..self.dying.len());
        match self.dice.random_bool(0.5) {
            true => self.dying[at].arrive(),
            false => drop(self.dying.swap_remove(at)),
        }
    }

    fn reload(&mut self, who: usize) {
        self.cut(who);
        self.log(&format!("{who} is loaded anew"));
        if let Heard::Lost(requests) = self.clients[who].reload() {
            self.lost(who, requests);
        }
    }

    fn go_or_come(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if client.place == Place::Nowhere {
            client.wants_in = true;
        } else if client.is_free() && client.pending.is_empty() {
            client.wants_in = false;
            client.ask("room.leave", json!({}));
            self.oracle.owner_was_away |= who == 0;
        }
    }

    fn crash(&mut self) {
        self.log("the server is killed");
        self.begin_anew();
    }

    fn drain(&mut self) {
        self.log("the server is told to end");
        let time = Duration::from_millis(self.dice.random_range(1..4_000));
        self.server().drain(time);
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        let downtime = self.dice.random_range(1..20_000);
        let millis = self.server().millis() + downtime;
        self.server = None;
        self.dying.clear();
        for client in &mut self.clients {
            client.lose();
            // What had no answer is sent again, and the server of before may have passed it on.
            client.whispers.clear();
        }
        self.oracle.owner_was_away = true;
        let before = self.database.is_well();
        self.database.set_weather(Weather::Well);
        self.server = Some(Server::start(&self.database, millis, &self.faults));
        if !before {
            self.database.set_weather(Weather::Slow);
        }
    }

    fn change_weather(&mut self) {
        let weather = [Weather::Well, Weather::Slow, Weather::Away];
        let weather = weather[self.dice.random_range(0..3)];
        self.was_ill |= weather != Weather::Well;
        self.log(&format!("the database: {weather:?}"));
        self.database.set_weather(weather);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.log("all is well");
        self.database.set_weather(Weather::Well);
        self.slow = None;
        self.dying.clear();
    }

    /// Everything that is under way arrives; false when there was nothing.
    pub fn pump(&mut self) -> bool {
        let mut was_busy = false;
        for who in 0..self.clients.len() {
            self.connect(who);
            while let Some(line) = &mut self.clients[who].line
                && !line.under_way.is_empty()
            {
                line.arrive();
                was_busy = true;
            }
        }
        self.server().pass(Duration::from_millis(20));
        for who in 0..self.clients.len() {
            while self.read(who) {
                was_busy = true;
            }
        }
        was_busy || self.clients.iter().any(|client| !client.pending.is_empty())
    }
}
