//! Rooms that are saved: what is answered when, what fails, and what is taken up.

use std::sync::atomic::AtomicBool;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::*;
use crate::meeting::effect::Reply;
use crate::protocol::event::LeaveReason;
use crate::protocol::object::{Role, Source};

/// A safe in memory.
struct Fake {
    /// Everything that was saved, in order.
    kept: Mutex<Vec<Option<Saved>>>,
    /// What is waited for takes one each.
    turns: Semaphore,
    fails: AtomicBool,
}

impl Fake {
    fn new(turns: usize) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            turns: Semaphore::new(turns),
            fails: AtomicBool::new(false),
        })
    }

    fn count(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    fn last(&self) -> Option<Saved> {
        self.kept.lock().unwrap().last().cloned().flatten()
    }

    fn restored(&self) -> Restored {
        Restored::read(&self.last().unwrap().bytes).unwrap()
    }

    /// The room as it was saved last.
    fn room(&self) -> Room {
        match self.restored() {
            Restored::Room { room, .. } => *room,
            Restored::Memory(_) => panic!("somebody is in it"),
        }
    }
}

struct Shared(Arc<Fake>);

impl Safe for Shared {
    fn keep(&self, meeting: Option<Saved>) {
        self.0.kept.lock().unwrap().push(meeting);
    }

    fn keep_surely(&self, meeting: Saved) -> BoxFuture<'static, Result<(), ErrorCode>> {
        let fake = self.0.clone();
        Box::pin(async move {
            fake.turns.acquire().await.unwrap().forget();
            if fake.fails.load(Ordering::SeqCst) {
                return Err(ErrorCode::ServerBusy);
            }
            fake.kept.lock().unwrap().push(Some(meeting));
            Ok(())
        })
    }
}

fn start_in(fake: &Arc<Fake>, facts: object::Room, lines: &Lines) -> Start {
    Start {
        safe: Some(Arc::new(Shared(fake.clone()))),
        ..start(facts, lines)
    }
}

async fn enter_in(
    registry: &Registry,
    fake: &Arc<Fake>,
    lines: &Lines,
    name: &str,
) -> (RoomHandle, OutboxReader) {
    let facts = room(Topology::P2p);
    let (outbox, reader) = outbox();
    let load = || async { Ok(start_in(fake, facts.clone(), lines)) };
    let joined = registry.join(&facts.identity, newcomer(name, name), outbox, load);
    let (handle, entered) = joined.await.unwrap();
    assert!(matches!(entered, Entered::In(_)), "{name}");
    (handle.local().clone(), reader)
}

fn cohost(name: &str) -> Command {
    Command::SetRole {
        by: membership("ada"),
        whom: membership(name),
        role: Role::Cohost,
    }
}

fn role_of(room: &mut Room, name: &str) -> Role {
    let participant = membership(name);
    let look = room.handle(Command::Look { participant }, Timestamp::now());
    match look.reply {
        Ok(Reply::View(view)) => view.me.role,
        other => panic!("{other:?}"),
    }
}

async fn shown_role(handle: &RoomHandle, name: &str) -> Role {
    let participant = membership(name);
    match handle.call(Command::Look { participant }).await {
        Ok(Reply::View(view)) => view.me.role,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_governs_is_saved_before_anybody_hears_of_it() {
    let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(0));
    let (handle, _ada) = enter_in(&registry, &fake, &lines, "ada").await;
    let (_, mut bo) = enter_in(&registry, &fake, &lines, "bo").await;
    let asked = tokio::spawn({
        let handle = handle.clone();
        async move { handle.call(cohost("bo")).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!asked.is_finished() && bo.next().now_or_never().is_none());
    // What comes meanwhile waits for the commit, and shares the next one.
    let hand = |name: &str| Command::Update {
        participant: membership(name),
        changes: crate::meeting::command::Changes {
            hand: Some(true),
            ..Default::default()
        },
    };
    let hands = ["ada", "bo"].map(|name| {
        let (handle, command) = (handle.clone(), hand(name));
        tokio::spawn(async move { handle.call(command).await })
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    fake.turns.add_permits(1);
    assert!(soon(asked).await.unwrap().is_ok());
    assert_eq!(role_of(&mut fake.room(), "bo"), Role::Cohost);
    until_event(&mut bo, "participant.updated").await;
    let commits = fake.count();
    fake.turns.add_permits(1);
    for hand in hands {
        assert!(soon(hand).await.unwrap().is_ok());
    }
    assert_eq!(fake.count(), commits + 1, "one commit for both");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_saved_is_as_if_it_had_not_been_asked() {
    let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(100));
    let (handle, _ada) = enter_in(&registry, &fake, &lines, "ada").await;
    let (_, mut bo) = enter_in(&registry, &fake, &lines, "bo").await;
    fake.fails.store(true, Ordering::SeqCst);
    let remove = Command::Remove {
        by: membership("ada"),
        whom: membership("bo"),
        ban: Some(BanLength::Meeting),
    };
    let mute = Command::Mute {
        by: membership("ada"),
        whom: crate::protocol::request::Target::One(membership("bo")),
        source: Source::Microphone,
    };
    let busy = Err(CallError::Refused(ErrorCode::ServerBusy));
    let (removed, given, muted) = tokio::join!(
        handle.call(remove.clone()),
        handle.call(cohost("bo")),
        handle.call(mute),
    );
    assert_eq!((removed, given), (busy.clone(), busy));
    assert_eq!(muted, Ok(Reply::Done), "it need not be saved first");
    assert_eq!(handle.head_count(), 2);
    assert_eq!(shown_role(&handle, "bo").await, Role::Member);
    assert_eq!(handle.call(Command::Bans).await, Ok(Reply::Bans(vec![])));
    // What holds is saved in place of what may have been committed yet.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(role_of(&mut fake.room(), "bo"), Role::Member);
    fake.fails.store(false, Ordering::SeqCst);
    assert!(handle.call(remove).await.is_ok());
    until_released(&mut bo).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_is_not_waited_for_for_ever() {
    let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(0));
    let (handle, _ada) = enter_in(&registry, &fake, &lines, "ada").await;
    let (_, _bo) = enter_in(&registry, &fake, &lines, "bo").await;
    let began = Instant::now();
    let refused = handle.call(cohost("bo")).await;
    assert_eq!(refused, Err(CallError::Refused(ErrorCode::ServerBusy)));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(shown_role(&handle, "bo").await, Role::Member);
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_is_saved_within_a_second_and_seldom() {
    let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(0));
    let mut readers = Vec::new();
    for number in 0..100 {
        let name = format!("p{number}");
        readers.push(enter_in(&registry, &fake, &lines, &name).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(fake.count() <= 3, "{} in two seconds", fake.count());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.room().head_count(), 100);
    let written = fake.count();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(fake.count(), written, "nothing changed");
    let (room, saved) = (fake.room(), fake.last().unwrap());
    let began = std::time::Instant::now();
    for _ in 0..100 {
        Saved::of_room(&room, &[], Timestamp::now()).unwrap();
    }
    let each = began.elapsed() / 100;
    println!("100 people: {} bytes, {each:?}", saved.bytes.len());
    assert!(saved.bytes.len() < 100 * 1_024);
}

#[tokio::test(start_paused = true)]
async fn of_a_meeting_that_is_over_nothing_stays() {
    for (ban, stays) in [(None, false), (Some(BanLength::Meeting), true)] {
        let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(9));
        let (handle, _ada) = enter_in(&registry, &fake, &lines, "ada").await;
        let (_, _bo) = enter_in(&registry, &fake, &lines, "bo").await;
        let (by, whom) = (membership("ada"), membership("bo"));
        handle
            .call(Command::Remove { by, whom, ban })
            .await
            .unwrap();
        let participant = membership("ada");
        handle.call(Command::Leave { participant }).await.unwrap();
        soon(registry.emptied()).await;
        match stays {
            false => assert_eq!(fake.last(), None),
            true => {
                assert!(matches!(fake.restored(), Restored::Memory(_)));
                assert!(fake.last().unwrap().kept_until > Some(Timestamp::now()));
                // An unban while nobody is in holds after a restart as well.
                let identity = facts().identity;
                let bo = user("bo").id;
                registry.unban(&identity, bo.clone()).await.unwrap();
                let Restored::Memory(memory) = fake.restored() else {
                    panic!("a memory");
                };
                assert!(!memory.keeps_out(&bo));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_was_there_until_the_server_went_down() {
    let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(9));
    let mut readers = Vec::new();
    for name in ["ada", "bo"] {
        readers.push(enter_in(&registry, &fake, &lines, name).await);
    }
    readers[0].0.call(cohost("bo")).await.unwrap();
    // A room's clock never stands still: two who come in at once come one after the other.
    let (saved, now) = (fake.room(), Timestamp::now().plus_millis(10));
    let alive = now;

    let (registry, lines) = (Registry::new(media()), Lines::default());
    let start = start_in(&fake, room(Topology::P2p), &lines);
    let taken = start.room.clone().take_up(saved, alive, now).unwrap();
    let absent = taken.people.iter().map(|one| one.participant.clone());
    let survivors = Survivors {
        effects: taken.effects,
        inside: Vec::new(),
        waiting: Vec::new(),
        absent: absent.collect(),
        until: Instant::now() + Duration::from_secs(30),
    };
    let start = Start {
        room: taken.room,
        ..start
    };
    registry
        .take_up(&facts().identity, start, survivors)
        .unwrap();
    assert_eq!(registry.live().participants, 2);
    // Ada comes anew, and takes her own place at once.
    let (outbox, mut ada) = outbox();
    let load = || async { Ok(start_in(&fake, room(Topology::P2p), &lines)) };
    let newer = newcomer("ada", "ada2");
    let identity = facts().identity;
    let joined = registry.join(&identity, newer, outbox, load);
    let handle = joined.await.unwrap().0.local().clone();
    assert_eq!(handle.head_count(), 2);
    assert_eq!(shown_role(&handle, "bo").await, Role::Cohost);
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(handle.head_count(), 2);
    until_event(&mut ada, "participant.left").await;
    assert_eq!(handle.head_count(), 1);
    let written = std::mem::take(&mut *lines.lock().unwrap());
    let ends = written.iter().filter_map(|line| match line {
        History::Left { reason, at, .. } => Some((*reason, *at)),
        History::Joined { .. } => None,
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends[0].0, LeaveReason::Replaced);
    assert_eq!(ends[1], (LeaveReason::Lost, alive));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_saved_for_the_last_time_is_governed_no_more() {
    let (registry, lines, fake) = (Registry::new(media()), Lines::default(), Fake::new(9));
    let (handle, _ada) = enter_in(&registry, &fake, &lines, "ada").await;
    let (_, _bo) = enter_in(&registry, &fake, &lines, "bo").await;
    soon(registry.seal()).await;
    let saved = fake.last();
    assert_eq!(fake.room().head_count(), 2);
    let refused = handle.call(cohost("bo")).await;
    assert_eq!(refused, Err(CallError::Refused(ErrorCode::ServerBusy)));
    let load = || async { Ok(start_in(&fake, room(Topology::P2p), &lines)) };
    let (outbox, _reader) = outbox();
    let cy = newcomer("cy", "cy");
    let late = registry.join(&facts().identity, cy, outbox, load).await;
    assert_eq!(late.err().unwrap().code, ErrorCode::ServerBusy);
    for name in ["ada", "bo"] {
        let participant = membership(name);
        handle.call(Command::Leave { participant }).await.unwrap();
    }
    soon(registry.emptied()).await;
    assert_eq!(fake.last(), saved, "it is taken up with everybody in it");
}
