//! A run from its start to its report.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::BenchError;
use super::entrance::{Entrance, Media, Stay};
use super::join::Door;
use super::link::Who;
use super::load::{Command, Count, Counted, LoadThread};
use super::packets::Clock;
use super::plan::{Load, Plan};
use super::process::{self, ThreadTimes, Used};
use super::report::{Cpu, Join, Latency, Memory, Own, Packets, Report, Settings};
use super::session::Session;
use super::target::{Server, Target};

/// A person who has not joined by then does not join.
const JOINED_WITHIN: Duration = Duration::from_secs(180);
/// Streams run for so long before anything is counted: keyframes were asked for, buffers are as big as they get.
const WARM_UP: Duration = Duration::from_secs(2);
/// When nothing is sent any more and nothing came for so long, nothing comes.
const QUIET: Duration = Duration::from_millis(300);
/// It is not waited longer for that.
const QUIET_WITHIN: Duration = Duration::from_secs(5);

/// Loads the server and measures.
pub fn run(load: &Load, server: &Server) -> Result<Report, BenchError> {
    let plan = load.plan()?;
    until_interrupted(through_own_door(&plan, server))
}

/// Loads another program, that runs already, by a way of its own. Nothing is asked of its URL: the entrance knows what to
/// say there. Its media has to be where its URL is.
pub fn run_through(
    load: &Load,
    server: &Server,
    entrance: &impl Entrance,
) -> Result<Report, BenchError> {
    let plan = load.plan()?;
    until_interrupted(async {
        let target = Target::reach(server, plan.people()).await?;
        measure(&plan, &target, entrance).await
    })
}

/// Carries a run out on this thread, with as many sockets as this process may have, until it is done or this process is
/// told to end.
pub(super) fn until_interrupted<T>(
    run: impl Future<Output = Result<T, BenchError>>,
) -> Result<T, BenchError> {
    // People have several sockets each.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        tokio::select! {
            report = run => report,
            _ = interrupt.recv() => Err(BenchError::Interrupted),
            _ = terminate.recv() => Err(BenchError::Interrupted),
        }
    })
}

async fn through_own_door(plan: &Plan, server: &Server) -> Result<Report, BenchError> {
    let target = Target::reach(server, plan.people()).await?;
    let host = Host::open(plan, &target).await?;
    let door = Door {
        plan,
        target: &target,
        rooms: &host.rooms,
    };
    let report = measure(plan, &target, &door).await?;
    // The figures are there, whether or not the rooms go.
    let _ = host.close(&target).await;
    Ok(report)
}

async fn measure(
    plan: &Plan,
    target: &Target,
    entrance: &impl Entrance,
) -> Result<Report, BenchError> {
    let clock = Clock::starting(Instant::now());
    let threads: Result<Vec<_>, _> = (0..plan.threads)
        .map(|index| LoadThread::start(index, clock))
        .collect();
    let media = Arc::new(Media::new(plan, target, threads?)?);
    let watch = Watch(target.process);
    let before_kib = watch.resident_kib()?;
    let (joined, join) = all_join(plan, entrance, &media, &watch).await?;
    let joined_kib = watch.resident_kib()?;

    let mut staying = JoinSet::new();
    let mut people = Vec::new();
    for Joined { who, stay, .. } in joined {
        people.push(who);
        staying.spawn(stay);
    }
    let counted = count(plan, &media.threads, &watch, &media.ports()).await?;
    let after_kib = watch.resident_kib()?;

    let memory = [before_kib, joined_kib, after_kib];
    let memory = match memory {
        [Some(before), Some(joined), Some(after)] => {
            Some(Memory::of(before, joined, after, people.len()))
        }
        _ => None,
    };
    let mut report = summary(plan, &people, counted, join);
    report.memory = memory;
    Ok(report)
}

/// The account that the rooms belong to. It stays outside.
struct Host {
    login: Value,
    rooms: Vec<String>,
}

impl Host {
    /// Makes the account and the rooms.
    async fn open(plan: &Plan, target: &Target) -> Result<Self, BenchError> {
        let mut session = Session::connect(target).await?;
        let name = format!("load-{:08x}", rand::random::<u32>());
        let password = format!("{:032x}", rand::random::<u128>());
        let login = json!({ "username": name, "password": password });
        session.ask("auth.register", login.clone()).await?;
        let mut rooms = Vec::new();
        for (index, room) in plan.rooms.iter().enumerate() {
            let name = format!("Load {}", index + 1);
            let wanted = json!({ "name": name, "max_participants": room.people });
            let made = session.ask("room.create", wanted).await?;
            let identity = made["room"]["identity"].as_str().unwrap_or_default();
            rooms.push(identity.to_owned());
        }
        Ok(Self { login, rooms })
    }

    /// Deletes the rooms, by a session of its own: the first one's pings were not answered meanwhile.
    async fn close(self, target: &Target) -> Result<(), BenchError> {
        let mut session = Session::connect(target).await?;
        session.ask("auth.login", self.login).await?;
        for room in self.rooms {
            session
                .ask("room.delete", json!({ "identity": room }))
                .await?;
        }
        Ok(())
    }
}

/// A person who is in.
struct Joined {
    who: Who,
    took: Duration,
    stay: Stay,
}

/// Lets everybody in, some at a time.
async fn all_join(
    plan: &Plan,
    entrance: &impl Entrance,
    media: &Arc<Media>,
    watch: &Watch,
) -> Result<(Vec<Joined>, Join), BenchError> {
    let before = watch.times()?;
    let began = Instant::now();
    let people = plan.rooms.iter().enumerate();
    let people =
        people.flat_map(|(room, of)| (0..of.people).map(move |person| Who { room, person }));
    let deadline = tokio::time::Instant::now() + JOINED_WITHIN;
    let join = |who| async move {
        let began = Instant::now();
        let stay = tokio::time::timeout_at(deadline, entrance.join(who, media)).await;
        let late = |_| Err(BenchError::Late("somebody's join".to_owned()));
        let stay = stay.unwrap_or_else(late)?;
        let took = began.elapsed();
        Ok(Joined { who, took, stay })
    };
    let joins = stream::iter(people)
        .map(join)
        .buffer_unordered(plan.joins_at_once)
        .collect::<Vec<Result<_, BenchError>>>()
        .await;
    let complete = tokio::time::timeout_at(deadline, entrance.complete(media)).await;
    let all = began.elapsed();
    let used = watch.used_since(before.as_ref())?;
    let (mut joined, mut failures) = (Vec::new(), Vec::new());
    for join in joins {
        match join {
            Ok(person) => joined.push(person),
            Err(error) => failures.push(error),
        }
    }
    let late = |_| Err(BenchError::Late("what others send".to_owned()));
    failures.extend(complete.unwrap_or_else(late).err());
    if joined.is_empty()
        && let Some(error) = failures.pop()
    {
        return Err(error);
    }
    let failures = failures.iter().map(ToString::to_string).collect();
    let took = joined.iter().map(|joined| joined.took).collect();
    Ok((joined, Join::of(took, failures, all, used)))
}

/// What was counted while it was measured.
struct Measured {
    counts: Vec<Count>,
    lasted: Duration,
    used: Option<Used>,
    own: Duration,
    dropped_at_load: u64,
    dropped_at_server: u64,
}

async fn count(
    plan: &Plan,
    threads: &[LoadThread],
    watch: &Watch,
    ports: &BTreeSet<u16>,
) -> Result<Measured, BenchError> {
    let ours = Watch(Some(std::process::id()));
    let tell = |command: fn() -> Command| threads.iter().for_each(|thread| thread.tell(command()));
    tell(|| Command::Send);
    tokio::time::sleep(WARM_UP).await;
    tell(|| Command::Pause);
    settle(threads).await;
    for thread in threads {
        thread.forget().await;
    }
    let own_ports = port_numbers(threads).await;
    let dropped = |wanted: &BTreeSet<u16>| process::dropped(|port| wanted.contains(&port));
    let dropped_before = (dropped(&own_ports), dropped(ports));
    let (before, own_before) = (watch.times()?, ours.times()?);
    let began = Instant::now();
    tell(|| Command::Send);
    tokio::time::sleep(plan.duration).await;
    tell(|| Command::Pause);
    let lasted = began.elapsed();
    settle(threads).await;
    let used = watch.used_since(before.as_ref())?;
    let own = ours.used_since(own_before.as_ref())?;
    let mut counts = Vec::new();
    for thread in threads {
        counts.extend(thread.count().await);
    }
    Ok(Measured {
        counts,
        lasted,
        used,
        own: own.unwrap_or_default().all(),
        dropped_at_load: dropped(&own_ports).saturating_sub(dropped_before.0),
        dropped_at_server: dropped(ports).saturating_sub(dropped_before.1),
    })
}

/// Waits until what is on its way has come.
async fn settle(threads: &[LoadThread]) {
    let began = Instant::now();
    let mut total = None;
    while began.elapsed() < QUIET_WITHIN {
        let mut now = 0;
        for thread in threads {
            now += thread.total().await;
        }
        if total.replace(now) == Some(now) {
            return;
        }
        tokio::time::sleep(QUIET).await;
    }
}

/// The ports of the load's own sockets.
async fn port_numbers(threads: &[LoadThread]) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for thread in threads {
        ports.extend(thread.count().await.into_iter().map(|count| count.port));
    }
    ports
}

fn summary(plan: &Plan, people: &[Who], measured: Measured, join: Join) -> Report {
    let mut packets = Packets {
        dropped_at_load: measured.dropped_at_load,
        dropped_at_server: measured.dropped_at_server,
        ..Packets::default()
    };
    let mut ages = Vec::new();
    let mut sent = Vec::new();
    for count in measured.counts {
        match count.what {
            Counted::Sent(count_sent) => {
                packets.sent += count_sent;
                sent.push((count.who, count_sent));
            }
            Counted::Received {
                received,
                lost,
                refused,
                ages: opened,
            } => {
                packets.forwarded += received;
                packets.lost += lost;
                packets.refused += refused;
                ages.extend(opened);
            }
        }
    }
    packets.expected = expected(plan, people, &sent);
    packets.missing = packets.expected.saturating_sub(packets.forwarded);
    packets.forwarded_per_second = packets.forwarded as f64 / measured.lasted.as_secs_f64();
    Report {
        scenario: plan.scenario.name(),
        settings: Settings::of(plan),
        packets,
        cpu: measured
            .used
            .map(|used| Cpu::of(used, packets.forwarded, measured.lasted)),
        latency: Latency::of(ages),
        memory: None,
        join,
        load: Own {
            threads: plan.threads,
            cores: measured.own.as_secs_f64() / measured.lasted.as_secs_f64(),
        },
    }
}

/// What should have come: each receiver gets what the others of their room sent, as far as their slots go.
fn expected(plan: &Plan, people: &[Who], sent: &[(Who, u64)]) -> u64 {
    let of_person = |who: &Who| {
        if !plan.rooms[who.room].receives(who.person) {
            return 0;
        }
        let others = sent
            .iter()
            .filter(|(sender, _)| sender.room == who.room && sender.person != who.person);
        let (count, packets) =
            others.fold((0, 0), |(count, all), (_, sent)| (count + 1, all + sent));
        let carried = plan.slots().min(count) as u64;
        (packets * carried).checked_div(count as u64).unwrap_or(0)
    };
    people.iter().map(of_person).sum()
}

/// Looks at a process, if there is one to look at.
pub(super) struct Watch(pub Option<u32>);

impl Watch {
    pub fn times(&self) -> Result<Option<ThreadTimes>, BenchError> {
        self.0.map(ThreadTimes::of).transpose()
    }

    pub fn resident_kib(&self) -> Result<Option<u64>, BenchError> {
        self.0.map(process::resident_kib).transpose()
    }

    pub fn used_since(&self, earlier: Option<&ThreadTimes>) -> Result<Option<Used>, BenchError> {
        let now = self.times()?;
        Ok(now.zip(earlier).map(|(now, earlier)| now.since(earlier)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::Scenario;
    use crate::bench::plan::tests::load;

    #[test]
    fn everybody_expects_what_the_others_sent() {
        let mut load = load(Scenario::Meeting);
        load.subscribers = Some(3);
        let who = |person| Who { room: 0, person };
        let people = [who(0), who(1), who(2)];
        let sent = [(who(0), 10), (who(1), 10), (who(2), 40)];
        let plan = load.plan().unwrap();
        assert_eq!(expected(&plan, &people, &sent), 50 + 50 + 20);
        // With one slot, half of what the two others sent.
        load.video_slots = 1;
        let plan = load.plan().unwrap();
        assert_eq!(expected(&plan, &people, &sent), 25 + 25 + 10);
        // A person who did not join expects nothing.
        assert_eq!(expected(&plan, &people[..1], &sent), 25);
    }
}
