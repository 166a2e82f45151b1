//! What must hold when nothing is under way.

use std::time::Duration;

use super::client::Place;
use super::picture::Picture;
use super::server::KEPT;
use super::store::person;
use super::world::World;
use crate::meeting::command::PasswordEdit;
use crate::meeting::{Command, Reply};
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::object::{Topology, WhoWaits};
use crate::protocol::request::Joined;
use crate::rooms::RoomLink;
use crate::sessions::stand_in::joined;

/// Nothing takes more turns to settle.
const MOST_TURNS: usize = 1_500;

/// Heals the world, lets everybody come back, and holds all sides against each other.
pub fn settle(world: &mut World) {
    world.heal();
    calm(world);
    // People whose session is kept and who do not come back are taken out.
    let mut waited = Duration::ZERO;
    while waited < KEPT + Duration::from_secs(35) {
        world.server().pass(Duration::from_secs(5));
        waited += Duration::from_secs(5);
        calm(world);
    }
    reconcile(world);
    calm(world);
    check(world);
    reach_each_other(world);
}

/// Everybody who is in can send each of the others something.
fn reach_each_other(world: &mut World) {
    let mut sent = Vec::new();
    for who in 0..world.clients.len() {
        for to in world.others(who) {
            let from = world.clients[who].me();
            sent.push((from, world.whisper_to(who, &to), to));
        }
    }
    calm(world);
    for (from, number, to) in sent {
        let me = Some(&to);
        let mut clients = world.clients.iter();
        let heard = clients
            .find(|client| client.me().as_ref() == me)
            .and_then(|client| client.whispers.get(from.as_ref()?));
        assert_eq!(heard, Some(&number), "{to} hears what {from:?} sent");
    }
}

/// Tells the room what is stored of it, as `sessions::reconcile` does from time to time: a room that was too busy was not
/// told.
fn reconcile(world: &mut World) {
    let facts = Box::new(world.database.facts());
    let registry = world.server().services.registry();
    if let Some(room) = registry.changed(&facts.identity) {
        let password = PasswordEdit::Kept;
        let told = world
            .server()
            .ask(room.call(Command::Edited { facts, password }));
        assert!(told.is_ok(), "{told:?}");
    }
}

/// Until everybody is where they want to be, and nothing is under way.
pub fn calm(world: &mut World) {
    let mut quiet = 0;
    for _ in 0..MOST_TURNS {
        for who in 0..world.clients.len() {
            world.come_in(who);
        }
        world.say_again();
        quiet = if world.pump() { 0 } else { quiet + 1 };
        if quiet == 3 {
            return;
        }
    }
    panic!("it does not come to rest");
}

fn check(world: &mut World) {
    world.check_faults();
    let identity = RoomIdentity::try_from("room".to_owned()).unwrap();
    let inside: Vec<usize> = (0..world.clients.len())
        .filter(|who| world.clients[*who].place == Place::Inside)
        .collect();
    let facts = world.database.facts();
    let server = world.server();
    assert_eq!(
        server.services.kept().count(),
        0,
        "a session is kept of nobody"
    );
    let link = server.services.registry().find(&identity);
    let mut roster = roster(world, link.as_ref());
    roster.sort();
    let mut believed: Vec<ParticipantId> = inside
        .iter()
        .map(|who| world.clients[*who].me().expect("who is in sees the room"))
        .collect();
    believed.sort();
    assert_eq!(roster, believed, "no ghost, and nobody is missing");
    assert_eq!(
        world.database.open_memberships(),
        roster,
        "the attendance agrees"
    );
    let sessions = world.server().services.table().count();
    assert_eq!(sessions, world.clients.len(), "one session of each");
    for who in &inside {
        let link = link.as_ref().expect("somebody is in");
        let me = world.clients[*who].me().unwrap();
        let view = look(world, link, me);
        let theirs = world.clients[*who].picture.as_ref().unwrap().settled();
        assert_eq!(
            theirs,
            Picture::new(view.clone()).settled(),
            "{who} sees what is"
        );
        world.oracle.check(&view, facts.locked);
        let user = person(*who).id;
        let was_let_in =
            facts.waiting == WhoWaits::Nobody || *who == 0 || world.oracle.admitted.contains(&user);
        assert!(was_let_in, "{user} is in and was not let in");
    }
    for (name, is_sure) in world.oracle.messages() {
        let copies = world.database.has_message(name);
        assert!(
            copies == 1 || copies == 0 && !is_sure,
            "{name} is kept {copies} times"
        );
    }
    if facts.topology == Topology::Sfu {
        check_media(world, link.as_ref(), &roster);
    }
}

fn roster(world: &mut World, link: Option<&RoomLink>) -> Vec<ParticipantId> {
    let Some(link) = link else { return Vec::new() };
    match world.server().ask(link.call(Command::Roster)) {
        Ok(Reply::Roster(people)) => people.into_iter().map(|person| person.id).collect(),
        other => panic!("{other:?}"),
    }
}

fn look(world: &mut World, link: &RoomLink, participant: ParticipantId) -> Joined {
    match world.server().ask(link.call(Command::Look { participant })) {
        Ok(Reply::View(view)) => joined(*view),
        other => panic!("{other:?}"),
    }
}

/// The media machine knows the people of the room and what they send, and nothing else.
fn check_media(world: &mut World, link: Option<&RoomLink>, roster: &[ParticipantId]) {
    world.server().pass(Duration::from_millis(50));
    let mut rooms = world.server().media.rooms();
    rooms.retain(|room| !room.participants.is_empty());
    let Some(link) = link.filter(|_| !roster.is_empty()) else {
        assert!(rooms.is_empty(), "media of nobody: {rooms:?}");
        return;
    };
    let [room] = rooms.as_slice() else {
        panic!("one room, and the media has {rooms:?}");
    };
    assert_eq!(room.participants, roster, "the media knows who is in");
    let Ok(Reply::Roster(people)) = world.server().ask(link.call(Command::Roster)) else {
        panic!("the room does not answer");
    };
    let tracks = people.into_iter().flat_map(|person| person.tracks);
    let tracks = tracks.map(|track| (track.id, track.muted, track.participant));
    let mut tracks: Vec<_> = tracks.collect();
    tracks.sort();
    assert_eq!(room.tracks, tracks, "the media knows what runs");
}
