//! A run from its start to its report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::BenchError;
use super::super::process::Used;
use super::super::report::{Join, Latency, Memory, Own};
use super::super::run::{Watch, until_interrupted};
use super::super::session::Session;
use super::super::target::{Server, Target};
use super::client::Role;
use super::drive::{Address, Counted, Drive, Entered, Newcomer};
use super::plan::{Plan, SignalLoad, Traffic};
use super::report::{Cpu, Messages, Others, Settings, SignalReport};

/// An account has at most 500 rooms.
const ROOMS_OF_AN_ACCOUNT: usize = 400;
const ENTERED_WITHIN: Duration = Duration::from_secs(180);
/// Messages go for so long before any is counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// It is not waited longer for what is under way.
const QUIET_WITHIN: Duration = Duration::from_secs(5);

/// Loads the server and measures.
pub fn run(load: &SignalLoad, server: &Server) -> Result<SignalReport, BenchError> {
    let plan = load.plan()?;
    until_interrupted(async {
        let stop = Stop::default();
        prepare_and_measure(plan, server, stop.0.clone()).await
    })
}

/// Tells the thread that loads the server to end, when nobody waits for it any more.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn prepare_and_measure(
    plan: Plan,
    server: &Server,
    stop: Arc<AtomicBool>,
) -> Result<SignalReport, BenchError> {
    let target = Target::reach(server, plan.sockets()).await?;
    let rooms = match plan.traffic {
        Traffic::Sockets => 0,
        _ => plan.rooms + plan.probes,
    };
    let host = Host::open(rooms, plan.room, &target).await?;
    let address = Address {
        socket: target.address,
        host: target.address.to_string(),
        path: target.path().to_owned(),
    };
    let (rooms, watch) = (host.rooms.clone(), Watch(target.process));
    let measuring = tokio::task::spawn_blocking(move || {
        let drive = Drive::new(address, plan.bytes, plan.at_once, stop)?;
        Measure {
            plan,
            drive,
            watch,
            rooms,
        }
        .all()
    });
    let report = measuring.await.map_err(|_| BenchError::Interrupted)?;
    if matches!(server, Server::Running { .. }) {
        // The figures are there, whether or not the rooms go.
        let _ = host.close(&target).await;
    }
    report
}

/// The accounts that the rooms belong to.
struct Host {
    accounts: Vec<(Value, Vec<String>)>,
    rooms: Vec<String>,
}

impl Host {
    async fn open(rooms: usize, people: usize, target: &Target) -> Result<Self, BenchError> {
        let mut host = Self {
            accounts: Vec::new(),
            rooms: Vec::new(),
        };
        while host.rooms.len() < rooms {
            let mut session = Session::connect(target).await?;
            let name = format!("load-{:08x}", rand::random::<u32>());
            let password = format!("{:032x}", rand::random::<u128>());
            let login = json!({ "username": name, "password": password });
            session.ask("auth.register", login.clone()).await?;
            let mut own = Vec::new();
            for number in 0..(rooms - host.rooms.len()).min(ROOMS_OF_AN_ACCOUNT) {
                let name = format!("Load {}", number + 1);
                let wanted =
                    json!({ "name": name, "max_participants": people.max(2), "topology": "p2p" });
                let made = session.ask("room.create", wanted).await?;
                let identity = made["room"]["identity"].as_str().unwrap_or_default();
                own.push(identity.to_owned());
            }
            host.rooms.extend(own.iter().cloned());
            host.accounts.push((login, own));
        }
        Ok(host)
    }

    async fn close(self, target: &Target) -> Result<(), BenchError> {
        for (login, rooms) in self.accounts {
            let mut session = Session::connect(target).await?;
            session.ask("auth.login", login).await?;
            for room in rooms {
                session
                    .ask("room.delete", json!({ "identity": room }))
                    .await?;
            }
        }
        Ok(())
    }
}

struct Measure {
    plan: Plan,
    drive: Drive,
    watch: Watch,
    rooms: Vec<String>,
}

/// What was counted in a while.
struct While {
    counted: Counted,
    lasted: Duration,
    used: Option<Used>,
    own: Option<Used>,
}

impl Measure {
    fn all(mut self) -> Result<SignalReport, BenchError> {
        let before_kib = self.watch.resident_kib()?;
        let probes = self.pairs(self.plan.rooms, self.plan.probes, 0);
        self.drive.enter(probes, ENTERED_WITHIN)?;
        let quiet = match self.plan.probes {
            0 => None,
            _ => Some(self.quiet()?),
        };
        let (join, during) = self.everybody_enters()?;
        let entered_kib = self.watch.resident_kib()?;
        let measured = match self.plan.traffic {
            Traffic::Storm => during,
            Traffic::Stopped => {
                self.stop_one();
                self.drive.send(self.plan.rate);
                self.measure(|drive, plan| drive.run_for(plan.duration))?
            }
            _ => self.steady()?,
        };
        let after_kib = self.watch.resident_kib()?;
        let people = self.plan.people();
        let memory = match [before_kib, entered_kib, after_kib] {
            [Some(before), Some(entered), Some(after)] => {
                Some(Memory::of(before, entered, after, people))
            }
            _ => None,
        };
        Ok(self.report(measured, quiet, join, memory))
    }

    /// Pairs in which each sends to the other. `first` is the number of the first person.
    fn pairs(&self, first_room: usize, count: usize, first: usize) -> Vec<Newcomer> {
        let rooms = self.rooms[first_room.min(self.rooms.len())..]
            .iter()
            .take(count);
        let pair = |(pair, room): (usize, &String)| {
            let one = first + 2 * pair;
            [one + 1, one].map(|to| Newcomer {
                role: Role::Sends { to },
                room: Some(room.clone()),
            })
        };
        rooms.enumerate().flat_map(pair).collect()
    }

    /// What the pairs notice while nobody else is there.
    fn quiet(&mut self) -> Result<Counted, BenchError> {
        self.drive.send(self.plan.rate);
        self.drive.run_for(WARM_UP)?;
        self.drive.counted();
        self.drive.run_for(self.plan.duration)?;
        Ok(self.drive.counted())
    }

    fn everybody_enters(&mut self) -> Result<(Join, While), BenchError> {
        let first = self.drive.clients.len();
        let people = self.people(first);
        if self.plan.traffic == Traffic::Storm {
            self.drive.enter(people, ENTERED_WITHIN)?;
            let room_of = |person: usize| self.rooms[person / self.plan.room].clone();
            let storm: Vec<_> = (0..self.plan.people())
                .map(|person| (first + person, room_of(person)))
                .collect();
            let mut entered = Entered::default();
            self.drive.counted();
            let during = self.measure(|drive, _| {
                entered = drive.let_in(storm.into_iter(), ENTERED_WITHIN)?;
                Ok(())
            })?;
            return Ok((join(entered, &during), during));
        }
        let mut entered = Entered::default();
        let during = self.measure(|drive, _| {
            entered = drive.enter(people, ENTERED_WITHIN)?;
            Ok(())
        })?;
        Ok((join(entered, &during), during))
    }

    fn people(&self, first: usize) -> Vec<Newcomer> {
        let outside = |_| Newcomer {
            role: Role::Rests,
            room: None,
        };
        match self.plan.traffic {
            Traffic::Relay => self.pairs(0, self.plan.rooms, first),
            Traffic::Sockets | Traffic::Storm => (0..self.plan.people()).map(outside).collect(),
            Traffic::FanOut | Traffic::Stopped => (0..self.plan.people())
                .map(|person| self.listener(first, person))
                .collect(),
        }
    }

    /// The first person of a room sends reactions, the others receive them. In a run of `Stopped`, the last person of
    /// the first room stops reading.
    fn listener(&self, first: usize, person: usize) -> Newcomer {
        let (room, place) = (person / self.plan.room, person % self.plan.room);
        let stops = self.plan.traffic == Traffic::Stopped && room == 0;
        let readers = self.plan.room - usize::from(stops);
        Newcomer {
            role: match place {
                0 => Role::Shows {
                    readers: readers as u32,
                },
                _ => Role::Listens {
                    to: first + person - place,
                },
            },
            room: Some(self.rooms[room].clone()),
        }
    }

    fn stop_one(&mut self) {
        let last = 2 * self.plan.probes + self.plan.room - 1;
        if let Some(client) = self.drive.clients.get_mut(last) {
            client.is_stopped = true;
        }
    }

    fn steady(&mut self) -> Result<While, BenchError> {
        if self.plan.traffic != Traffic::Sockets {
            self.drive.send(self.plan.rate);
            self.drive.run_for(WARM_UP)?;
            self.drive.counted();
        }
        let measured = self.measure(|drive, plan| drive.run_for(plan.duration))?;
        self.drive.pause(QUIET_WITHIN)?;
        Ok(measured)
    }

    fn measure(
        &mut self,
        what: impl FnOnce(&mut Drive, &Plan) -> Result<(), BenchError>,
    ) -> Result<While, BenchError> {
        let ours = Watch(Some(std::process::id()));
        let (before, own_before) = (self.watch.times()?, ours.times()?);
        let began = Instant::now();
        what(&mut self.drive, &self.plan)?;
        Ok(While {
            lasted: began.elapsed(),
            used: self.watch.used_since(before.as_ref())?,
            own: ours.used_since(own_before.as_ref())?,
            counted: self.drive.counted(),
        })
    }

    fn report(
        &self,
        measured: While,
        quiet: Option<Counted>,
        join: Join,
        memory: Option<Memory>,
    ) -> SignalReport {
        let While {
            counted,
            lasted,
            used,
            own,
        } = measured;
        let messages = Messages::of(&counted, lasted);
        let seconds = lasted.as_secs_f64().max(1e-9);
        SignalReport {
            traffic: self.plan.traffic.name(),
            settings: Settings::of(&self.plan),
            cpu: used.map(|used| Cpu::of(used, counted.delivered, lasted)),
            messages,
            latency: Latency::of(counted.ages),
            others: quiet.map(|quiet| Others {
                quiet: Latency::of(quiet.ages),
            }),
            memory,
            join,
            closed: self.drive.closed.len(),
            load: Own {
                threads: 1,
                cores: own.unwrap_or_default().all().as_secs_f64() / seconds,
            },
        }
    }
}

fn join(entered: Entered, during: &While) -> Join {
    Join::of(entered.took, entered.failures, during.lasted, during.used)
}
