//! Rooms that fail, sessions that vanish, clocks that are set, and people who send too much.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use futures_util::task::{ArcWake, Context, Poll, waker};

use super::actor::{Actor, Parts};
use super::handle::{Inbox, Message};
use super::saving::Saving;
use super::*;
use crate::media::by_hand::ByHand;
use crate::media::{Media, MediaConfig};
use crate::meeting::command::{Join, Signal};
use crate::meeting::effect::{CloseReason, History};
use crate::meeting::state::chat::Chat;
use crate::meeting::stories::{facts, membership, newcomer, user};
use crate::meeting::{Command, Room};
use crate::protocol::error::ErrorCode;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{self, BanLength, Topology};
use crate::protocol::passed_on::JsonString;
use crate::protocol::time::Timestamp;
use crate::turn::{IceServers, Reach};

/// Far beyond what anything here takes, of a clock that is paused.
const PATIENCE: Duration = Duration::from_secs(20);

mod direct;
mod saving;

type Lines = Arc<Mutex<Vec<History>>>;

fn media() -> Media {
    let config = MediaConfig {
        ips: vec![std::net::IpAddr::from([127, 0, 0, 1]).into()],
        port: 0,
        threads: 1,
        wildcards: Vec::new(),
        listeners: Vec::new(),
    };
    Media::start(config).unwrap()
}

fn room(topology: Topology) -> object::Room {
    object::Room {
        topology,
        max_participants: 1_000,
        ..facts()
    }
}

fn start(facts: object::Room, lines: &Lines) -> Start {
    let lines = lines.clone();
    Start {
        topology: facts.topology,
        room: Room::new(facts, None, Chat::default(), Vec::new()),
        history: Box::new(move |line| lines.lock().unwrap().push(line)),
        origin: Origin::Store,
        safe: None,
    }
}

/// Takes somebody in.
async fn enter(
    registry: &Registry,
    facts: &object::Room,
    lines: &Lines,
    name: &str,
) -> (RoomHandle, OutboxReader) {
    let (outbox, reader) = outbox();
    let load = || async { Ok(start(facts.clone(), lines)) };
    let joined = registry.join(&facts.identity, newcomer(name, name), outbox, load);
    let (handle, entered) = joined.await.unwrap();
    assert!(matches!(entered, Entered::In(_)), "{name}");
    (handle.local().clone(), reader)
}

async fn soon<T>(coming: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, coming).await;
    waited.expect("what was waited for did not come")
}

/// The kinds of events up to the end of the membership, and why the socket is closed then.
async fn until_released(reader: &mut OutboxReader) -> (Vec<&'static str>, Option<CloseReason>) {
    let mut kinds = Vec::new();
    loop {
        match soon(reader.next()).await {
            OutboxItem::Event(event) => kinds.push(event.kind()),
            OutboxItem::Released { close, .. } => return (kinds, close),
            OutboxItem::Admitted { .. } => panic!("nobody waits here"),
            OutboxItem::View { .. } => panic!("nobody comes back here"),
        }
    }
}

async fn until_event(reader: &mut OutboxReader, kind: &str) {
    loop {
        if let OutboxItem::Event(event) = soon(reader.next()).await
            && event.kind() == kind
        {
            return;
        }
    }
}

/// Turns the media worker whenever it is woken, and notes whom the worker knows then.
struct TurnedOnWaking {
    machine: Mutex<ByHand>,
    known: Mutex<Vec<ParticipantId>>,
}

impl ArcWake for TurnedOnWaking {
    fn wake_by_ref(this: &Arc<Self>) {
        let mut machine = this.machine.lock().unwrap();
        machine.turn(std::time::Instant::now());
        let rooms = machine.rooms();
        *this.known.lock().unwrap() = rooms
            .into_iter()
            .flat_map(|room| room.participants)
            .collect();
    }
}

#[tokio::test(start_paused = true)]
async fn the_media_worker_knows_everybody_who_has_the_answer_to_their_join() {
    let (media, machine) = ByHand::new(std::time::Instant::now());
    let (registry, lines) = (Registry::new(media), Lines::default());
    let facts = room(Topology::Sfu);
    let (outbox, _reader) = outbox();
    let load = || async { Ok(start(facts.clone(), &lines)) };
    let joining = registry.join(&facts.identity, newcomer("ada", "ada"), outbox, load);
    let mut joining = std::pin::pin!(joining);
    let woken = Arc::new(TurnedOnWaking {
        machine: Mutex::new(machine),
        known: Mutex::default(),
    });
    let waker = waker(woken.clone());
    for _ in 0..100 {
        // The room's task sends the answer between two polls, and wakes this one as it does.
        if let Poll::Ready(joined) = joining.as_mut().poll(&mut Context::from_waker(&waker)) {
            assert!(matches!(joined, Ok((_, Entered::In(_)))));
            assert_eq!(*woken.known.lock().unwrap(), [membership("ada")]);
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nobody came in");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_fails_sends_everybody_away_and_runs_anew_for_who_comes_back() {
    for topology in [Topology::P2p, Topology::Sfu] {
        let (registry, lines) = (Registry::new(media()), Lines::default());
        let facts = object::Room {
            waiting: object::WhoWaits::Everyone,
            ..room(topology)
        };
        let (handle, mut ada) = enter(&registry, &facts, &lines, "ada").await;
        let (outbox, mut bo) = outbox();
        let load = || async { Ok(start(facts.clone(), &lines)) };
        let waits = registry.join(&facts.identity, newcomer("bo", "bo"), outbox, load);
        assert!(matches!(waits.await, Ok((_, Entered::Waiting))));
        let deny = Command::Remove {
            by: membership("ada"),
            whom: membership("bo"),
            ban: Some(BanLength::Meeting),
        };
        handle.call(deny).await.unwrap();
        let (outbox, mut cy) = super::outbox();
        let waits = registry.join(&facts.identity, newcomer("cy", "cy"), outbox, load);
        assert!(matches!(waits.await, Ok((_, Entered::Waiting))));
        until_released(&mut bo).await;

        handle.send(Message::Panic).await;
        for reader in [&mut ada, &mut cy] {
            let (_, close) = until_released(reader).await;
            assert_eq!(close, Some(CloseReason::Failed));
        }
        soon(registry.emptied()).await;
        assert!(registry.find(&facts.identity).is_none());
        assert_eq!(handle.call(Command::Roster).await, Err(CallError::Gone));
        assert_eq!(registry.live(), Live::default());
        let written = std::mem::take(&mut *lines.lock().unwrap());
        assert!(
            matches!(&written[..], [History::Joined { .. }, History::Left { .. }]),
            "attendance has an end: {written:?}"
        );
        // People who come back find a new room, and those who were kept out still are.
        let (again, _ada) = enter(&registry, &facts, &lines, "ada").await;
        assert!(!again.is_same(&handle) && again.head_count() == 1);
        let bo = newcomer("bo", "bo");
        let knock = registry.knock(&facts.identity, &bo, load);
        assert_eq!(knock.await.unwrap_err().code, ErrorCode::RoomBanned);
        soon(registry.unban(&facts.identity, user("bo").id))
            .await
            .unwrap();
        let knock = registry.knock(&facts.identity, &bo, load);
        assert!(knock.await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn what_records_attendance_may_fail_and_only_its_room_ends() {
    let registry = Registry::new(media());
    let facts = room(Topology::P2p);
    let load = || async {
        Ok(Start {
            history: Box::new(|_| panic!("as the test wants")),
            ..start(facts.clone(), &Lines::default())
        })
    };
    let (outbox, mut reader) = outbox();
    let joined = registry.join(&facts.identity, newcomer("ada", "ada"), outbox, load);
    // The answer goes before the effects, one of which fails.
    joined.await.unwrap();
    let (_, close) = until_released(&mut reader).await;
    assert_eq!(close, Some(CloseReason::Failed));
    soon(registry.emptied()).await;
    enter(&registry, &facts, &Lines::default(), "ada").await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_gone_without_a_word_is_not_in_the_room_any_more() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let (handle, mut ada) = enter(&registry, &facts, &lines, "ada").await;
    let (_, bo) = enter(&registry, &facts, &lines, "bo").await;
    until_event(&mut ada, "participant.joined").await;
    drop(bo);
    // Nothing happens in the room, and yet it is seen.
    tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let OutboxItem::Event(event) = ada.next().await
                && event.kind() == "participant.left"
            {
                return;
            }
        }
    })
    .await
    .unwrap();
    // A lost client is noticed as soon as something is sent to it.
    let (_, cy) = enter(&registry, &facts, &lines, "cy").await;
    drop(cy);
    let (_, _dee) = enter(&registry, &facts, &lines, "dee").await;
    handle.call(Command::Roster).await.unwrap();
    assert_eq!(handle.head_count(), 2, "Ada and Dee");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_does_not_answer_is_busy_and_not_waited_for_for_ever() {
    let lines = Lines::default();
    let Start { room, history, .. } = start(room(Topology::P2p), &lines);
    let clock: Clock = Arc::new(Timestamp::now);
    let (actor, handle) = Actor::new(Parts {
        room,
        inbox: Inbox::new(),
        relay: IceServers::default().open_room(Reach::Media),
        media: None,
        history,
        origin: Origin::Store,
        saving: Saving::new(None),
        clock,
    });
    let (outbox, _reader) = outbox();
    let join = |name: &str| handle.join(newcomer(name, name), outbox.for_membership());
    // More than its inbox holds, so that some wait before it and some in it.
    let most = crate::budgets::rooms::INBOX.size();
    let names: Vec<String> = (0..most + 100).map(|number| format!("p{number}")).collect();
    let given_up = join_all(names.iter().map(|name| join(name))).await;
    assert!(
        given_up
            .iter()
            .all(|one| matches!(one, Err(CallError::Busy)))
    );
    assert_eq!(handle.call(Command::Roster).await, Err(CallError::Busy));
    handle.tell(Command::Tick);
    // When it goes on, nobody is in who was told that it was busy, and who comes now is.
    let running = tokio::spawn(actor.run(|_| {}));
    assert!(matches!(join("ada").await, Ok(Entered::In(_))));
    assert_eq!(handle.head_count(), 1);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_come_at_once_are_all_taken_in() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let many = crate::budgets::rooms::INBOX.size() + 90;
    let names: Vec<String> = (0..many).map(|number| format!("p{number}")).collect();
    let joins = names
        .iter()
        .map(|name| enter(&registry, &facts, &lines, name));
    let joined = join_all(joins).await;
    assert_eq!(joined[0].0.head_count() as usize, many);
    for (_, reader) in &joined {
        let overflow = reader.overflow();
        assert!(
            overflow.happened().now_or_never().is_none(),
            "nobody is thrown out by it"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_and_forth_keeps_no_meeting_from_ending_on_time() {
    const BEGIN: i64 = 1_800_000_000_000;
    const HOUR: i64 = 3_600_000;
    let now = Arc::new(AtomicI64::new(BEGIN));
    let read = now.clone();
    let clock: Clock =
        Arc::new(move || Timestamp::from_unix_millis(read.load(Ordering::SeqCst)).unwrap());
    let (registry, lines) = (Registry::with_clock(media(), clock), Lines::default());
    let at = |millis| Timestamp::from_unix_millis(millis);
    let facts = object::Room {
        begin_at: at(BEGIN - HOUR),
        end_at: at(BEGIN + HOUR),
        ends_on_time: true,
        ..room(Topology::P2p)
    };
    let (_, mut ada) = enter(&registry, &facts, &lines, "ada").await;
    now.store(BEGIN - 2 * HOUR, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(ada.next().now_or_never().is_none());
    now.store(BEGIN + 2 * HOUR, Ordering::SeqCst);
    let ended = tokio::time::timeout(Duration::from_secs(2), until_released(&mut ada)).await;
    let (kinds, close) = ended.expect("it ends a moment after the clock is set");
    assert_eq!(
        (kinds, close),
        (vec!["room.ended"], Some(CloseReason::Ended))
    );
}

fn offer(from: &str, to: &str, bytes: usize) -> Command {
    Command::Signal {
        from: membership(from),
        to: membership(to),
        signal: Signal::Offer {
            connection: None,
            sdp: JsonString::new(&"x".repeat(bytes)),
        },
    }
}

#[tokio::test(start_paused = true)]
async fn large_descriptions_slow_their_sender_and_close_nobody() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let (handle, _ada) = enter(&registry, &facts, &lines, "ada").await;
    let (_, mut bo) = enter(&registry, &facts, &lines, "bo").await;
    let (_, _cy) = enter(&registry, &facts, &lines, "cy").await;
    let slowed = Err(CallError::Refused(ErrorCode::RateLimited));
    let size = 32 * 1024;
    let mut passed = 0;
    for _ in 0..100 {
        match handle.call(offer("ada", "bo", size)).await {
            Ok(_) => passed += 1,
            refused => assert_eq!(refused, slowed),
        }
    }
    assert_eq!(passed, crate::budgets::rooms::PAIR_BURST.size() / size);
    // Others reach Bo, as much as he keeps for such; then they wait for him to read, and he is not closed.
    let mut others = 0;
    while handle.call(offer("cy", "bo", size)).await.is_ok() {
        others += 1;
    }
    assert!(others >= 4, "{others}");
    assert!(bo.overflow().happened().now_or_never().is_none());
    let mut read = 0;
    while bo.next().now_or_never().is_some() {
        read += 1;
    }
    assert!(read >= passed + others);
    // In time there is more.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(handle.call(offer("ada", "bo", size)).await.is_ok());
    assert_eq!(handle.call(offer("ada", "bo", size)).await, slowed);
    // What cannot be sent at all is told as before.
    let nobody = handle.call(offer("ada", "dee", size)).await;
    assert_eq!(nobody, Err(CallError::Refused(ErrorCode::SignalNotFound)));
}

#[tokio::test(start_paused = true)]
async fn a_whole_room_that_writes_at_once_is_slowed_and_closes_nobody() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let (handle, _ada) = enter(&registry, &facts, &lines, "ada").await;
    let burst = crate::budgets::rooms::TALK_BURST.most;
    let rate = crate::budgets::rooms::TALK.most;
    let people = ["ada", "bo", "cy", "dee", "eve"].map(|name| user(name).id);
    for one in &people[..4] {
        assert_eq!(handle.say(one, burst / 4), Ok(()));
    }
    let more = handle.clone().say(&people[4], rate / 4);
    assert_eq!(more, Err(Duration::from_millis(250)));
    tokio::time::advance(Duration::from_secs(1)).await;
    for one in &people[..4] {
        assert_eq!(handle.say(one, rate / 4), Ok(()));
    }
    assert!(handle.say(&people[4], rate / 4).is_err());
    assert!(burst <= crate::budgets::rooms::OUTBOX_BYTES.most / 2);
}

#[tokio::test(start_paused = true)]
async fn who_writes_too_much_slows_themselves_alone() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let (handle, _ada) = enter(&registry, &room(Topology::P2p), &lines, "ada").await;
    let share = crate::budgets::rooms::TALK_SHARE_BURST.most;
    let (bad, good) = (user("bad").id, user("good").id);
    assert_eq!(handle.say(&bad, share), Ok(()));
    // Whatever they try takes nothing from the others.
    for _ in 0..1_000 {
        assert!(handle.say(&bad, share / 8).is_err());
    }
    for other in [&good, &user("cy").id, &user("dee").id] {
        assert_eq!(handle.say(other, share), Ok(()));
    }
    // In time they have their share again.
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(handle.say(&bad, share), Ok(()));
}

/// A join of this kind would leave a ghost: nobody holds the membership that it began.
#[tokio::test(start_paused = true)]
async fn a_join_that_nobody_waits_for_any_more_is_none() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let (handle, _ada) = enter(&registry, &facts, &lines, "ada").await;
    let (outbox, _reader) = outbox();
    let bo: Join = newcomer("bo", "bo");
    let participant: ParticipantId = bo.participant.clone();
    // It is sent, and its answer is never looked at.
    assert!(handle.join(bo, outbox).now_or_never().is_none());
    let roster = handle.call(Command::Roster).await.unwrap();
    let crate::meeting::Reply::Roster(people) = roster else {
        panic!("{roster:?}");
    };
    assert!(people.iter().all(|person| person.id != participant));
    assert_eq!(handle.head_count(), 1);
}
