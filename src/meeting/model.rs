//! Random operations against a small reference model. A failing seed prints itself; `MEETING_SEED` runs that one alone.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::command::{Changes, Command, Post, Switch};
use super::effect::{Effect, History};
use super::room::Room;
use super::snapshot::tests::Twin;
use super::state::chat::Chat;
use super::stories::{at, facts, membership, newcomer, user};
use crate::protocol::event::Event;
use crate::protocol::ids::{MessageId, ParticipantId, TrackId};
use crate::protocol::object::{self, ChatMessage, Connection, Participant, Role, Source, Topology};
use crate::protocol::text::{ChatText, DisplayName};

const PEOPLE: [&str; 6] = ["ada", "bo", "cy", "dee", "eve", "fay"];
const CAPACITY: u32 = 4;

/// What a session of each participant has been told: its number of events, its own idea of who is in, and the messages
/// that it has read and should have read.
#[derive(Default)]
struct Session {
    events: u64,
    sees: BTreeMap<ParticipantId, Look>,
    read: Vec<MessageId>,
    written: Vec<MessageId>,
}

/// What there is to see of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Look {
    hand: bool,
    audio: bool,
    video: bool,
    /// Their socket is lost.
    away: bool,
    /// What they publish, and whether it is muted.
    tracks: BTreeMap<TrackId, (Source, bool)>,
}

impl Look {
    fn of(person: &Participant) -> Self {
        let tracks = person.tracks.iter();
        Self {
            hand: person.hand_raised_at.is_some(),
            audio: person.audio,
            video: person.video,
            away: person.connection == Connection::Reconnecting,
            tracks: tracks
                .map(|track| (track.id.clone(), (track.source, track.muted)))
                .collect(),
        }
    }

    fn track_mut(&mut self, source: Source) -> Option<&mut bool> {
        let mut tracks = self.tracks.values_mut();
        tracks.find(|(of, _)| *of == source).map(|(_, muted)| muted)
    }

    fn mute(&mut self, source: Source, muted: bool) {
        if let Some(was) = self.track_mut(source) {
            *was = muted;
        }
    }

    /// A participant who switches a microphone or a camera is heard or seen accordingly.
    fn switch(&mut self, source: Source, on: bool) {
        match source {
            Source::Microphone => self.audio = on,
            Source::Camera => self.video = on,
            Source::Screen | Source::ScreenAudio => {}
        }
    }
}

/// The room as a few lines say it should be.
#[derive(Default)]
struct Model {
    /// Who is in: membership → person, and what there is to see of them.
    inside: BTreeMap<ParticipantId, (usize, Look)>,
    /// Who of them governs, as the room told it.
    hosts: std::collections::BTreeSet<ParticipantId>,
    ended: bool,
    /// How many ids were given out.
    ids: u32,
    open_history: BTreeMap<ParticipantId, ()>,
    sessions: HashMap<ParticipantId, Session>,
}

fn one_run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut room = Room::new(
        object::Room {
            max_participants: CAPACITY,
            // Sources start without negotiation.
            topology: Topology::P2p,
            ..facts()
        },
        None,
        Chat::default(),
        Vec::new(),
    );
    let mut model = Model::default();
    let mut twin = Twin::new(seed);
    for step in 0..200 {
        twin.look_at(&room);
        let command = model.command(&mut random);
        let expected = model.expect(&command);
        let outcome = room.handle(command.clone(), at(step));
        let context = format!("MEETING_SEED={seed}, step {step}: {command:?}");
        twin.follow(&command, at(step), &outcome, &context);
        assert_eq!(
            outcome.reply.is_ok(),
            expected,
            "{context} gave {:?}",
            outcome.reply
        );
        if expected {
            model.follow(&command);
        } else {
            assert_eq!(
                outcome.effects,
                [],
                "{context}: what is refused has no effect"
            );
        }
        model.deliver(&command, expected, &outcome.effects, &context);
        model.compare(&mut room, &context);
    }
}

impl Model {
    fn command(&mut self, random: &mut StdRng) -> Command {
        let person = random.random_range(0..PEOPLE.len());
        let somebody = self.somebody(random);
        self.ids += 1;
        let id = self.ids.to_string();
        match random.random_range(0..24) {
            0..=5 => Command::Join(newcomer(PEOPLE[person], &id)),
            6..=8 => Command::Leave {
                participant: somebody,
            },
            9..=12 => {
                let mut change = || random.random_bool(0.5).then(|| random.random_bool(0.5));
                let (hand, audio, video) = (change(), change(), change());
                Command::Update {
                    participant: somebody,
                    changes: Changes {
                        hand,
                        audio,
                        video,
                        display_name: None,
                    },
                }
            }
            13..=16 => Command::SetSource {
                participant: somebody,
                source: Source::ALL[random.random_range(0..Source::ALL.len())],
                switch: match random.random_bool(0.6) {
                    true => Switch::On {
                        track: TrackId::try_from(format!("t-{id}")).unwrap(),
                        muted: random.random_bool(0.3),
                    },
                    false => Switch::Off,
                },
            },
            17..=18 => {
                let to = random.random_bool(0.5).then(|| self.somebody(random));
                Command::Post(Box::new(message(&id, PEOPLE[person], somebody, to)))
            }
            19..=20 => Command::Detach {
                participant: somebody,
            },
            21..=22 => {
                let anew = random.random_bool(0.3);
                Command::Attach {
                    address: newcomer("ada", "ada").address,
                    participant: somebody,
                    anew,
                    look: anew || random.random_bool(0.3),
                }
            }
            _ => Command::End { by: somebody },
        }
    }

    /// Mostly somebody who is in; sometimes somebody who is not.
    fn somebody(&self, random: &mut StdRng) -> ParticipantId {
        let stranger = membership("nobody");
        if self.inside.is_empty() || random.random_bool(0.1) {
            return stranger;
        }
        let at = random.random_range(0..self.inside.len());
        self.inside.keys().nth(at).cloned().unwrap_or(stranger)
    }

    fn expect(&self, command: &Command) -> bool {
        match command {
            Command::Join(join) => {
                let is_owner = join.user.id == user("ada").id;
                let is_in = self
                    .inside
                    .values()
                    .any(|(person, _)| user(PEOPLE[*person]).id == join.user.id);
                let has_room = is_owner || u32::try_from(self.inside.len()).unwrap() < CAPACITY;
                (is_owner || !self.ended) && (is_in || has_room)
            }
            Command::End { by } => self.hosts.contains(by),
            Command::Leave { participant, .. }
            | Command::Update { participant, .. }
            | Command::Detach { participant }
            | Command::Attach { participant, .. }
            | Command::SetSource { participant, .. } => self.inside.contains_key(participant),
            Command::Post(post) => {
                let to = post.message.to.as_ref();
                self.inside.contains_key(&post.message.participant)
                    && to.is_none_or(|to| self.inside.contains_key(to))
            }
            _ => unreachable!("the model does not make these"),
        }
    }

    fn follow(&mut self, command: &Command) {
        match command {
            Command::Join(join) => {
                let person = PEOPLE
                    .iter()
                    .position(|name| user(name).id == join.user.id)
                    .unwrap();
                self.inside.retain(|_, (other, _)| *other != person);
                self.inside
                    .insert(join.participant.clone(), (person, Look::default()));
                self.ended &= person != 0;
            }
            Command::Leave { participant, .. } => {
                self.inside.remove(participant);
            }
            Command::Update {
                participant,
                changes,
            } => {
                let look = &mut self.inside.get_mut(participant).unwrap().1;
                look.hand = changes.hand.unwrap_or(look.hand);
                if let Some(audio) = changes.audio {
                    look.audio = audio;
                    look.mute(Source::Microphone, !audio);
                }
                if let Some(video) = changes.video {
                    look.video = video;
                    look.mute(Source::Camera, !video);
                }
            }
            Command::SetSource {
                participant,
                source,
                switch,
            } => {
                let look = &mut self.inside.get_mut(participant).unwrap().1;
                match switch {
                    Switch::Off => look.tracks.retain(|_, (of, _)| of != source),
                    Switch::On { muted, .. } if look.track_mut(*source).is_some() => {
                        look.mute(*source, *muted);
                    }
                    Switch::On { track, muted } => {
                        look.tracks.insert(track.clone(), (*source, *muted));
                    }
                }
                let is_on = matches!(switch, Switch::On { muted: false, .. });
                look.switch(*source, is_on);
            }
            Command::Detach { participant } => self.connect(participant, true),
            Command::Attach {
                participant, anew, ..
            } => {
                self.connect(participant, false);
                if *anew {
                    let look = &mut self.inside.get_mut(participant).unwrap().1;
                    for (source, _) in std::mem::take(&mut look.tracks).into_values() {
                        look.switch(source, false);
                    }
                }
            }
            Command::Post(post) => {
                let message = &post.message;
                for (id, session) in &mut self.sessions {
                    let is_for = |to: &ParticipantId| to == id || message.participant == *id;
                    if message.to.as_ref().is_none_or(is_for) {
                        session.written.push(message.id.clone());
                    }
                }
            }
            Command::End { .. } => {
                self.inside.clear();
                self.ended = true;
            }
            _ => unreachable!("the model does not make these"),
        }
    }

    /// Nobody is told of their own socket: they know.
    fn connect(&mut self, participant: &ParticipantId, away: bool) {
        self.inside.get_mut(participant).unwrap().1.away = away;
        let session = self.sessions.get_mut(participant).unwrap();
        session.sees.get_mut(participant).unwrap().away = away;
    }

    /// Delivers the effects as the shell would, and lets every session keep its own roster from events alone.
    fn deliver(&mut self, command: &Command, carried_out: bool, effects: &[Effect], context: &str) {
        if let (Command::Join(join), true) = (command, carried_out) {
            self.sessions
                .insert(join.participant.clone(), Session::default());
        }
        for effect in effects {
            match effect {
                Effect::Tell { to, event } => to.iter().for_each(|to| self.hear(to, event)),
                Effect::Broadcast { except, event } => {
                    let all: Vec<ParticipantId> = self.sessions.keys().cloned().collect();
                    all.iter()
                        .filter(|id| Some(*id) != except.as_ref())
                        .for_each(|id| self.hear(id, event));
                }
                Effect::Release { participant, .. } => {
                    assert!(
                        self.sessions.remove(participant).is_some(),
                        "{context}: nobody is released twice"
                    );
                }
                Effect::History(History::Joined { participant, .. }) => {
                    assert!(
                        self.open_history.insert(participant.clone(), ()).is_none(),
                        "{context}"
                    );
                }
                Effect::History(History::Left { participant, .. }) => {
                    assert!(
                        self.open_history.remove(participant).is_some(),
                        "{context}: left without having joined"
                    );
                }
                Effect::Show { participant, view } => {
                    let people = view.participants.iter();
                    let seen = people.map(|person| (person.id.clone(), Look::of(person)));
                    self.sessions.get_mut(participant).unwrap().sees = seen.collect();
                }
                Effect::Admit { .. } | Effect::SendAway { .. } | Effect::TellWaiting { .. } => {
                    panic!("{context}: nobody waits")
                }
                Effect::Media(_) => {}
            }
        }
        if let (Command::Join(join), true) = (command, carried_out) {
            // What the answer shows stands before every later event.
            let seen = self.looks();
            self.sessions.get_mut(&join.participant).unwrap().sees = seen;
        }
    }

    fn hear(&mut self, id: &ParticipantId, event: &Event) {
        let session = self.sessions.get_mut(id).unwrap();
        session.events += 1;
        match event {
            Event::ParticipantJoined(data) | Event::ParticipantUpdated(data) => {
                let person = &data.participant;
                session.sees.insert(person.id.clone(), Look::of(person));
            }
            Event::ParticipantLeft(data) => {
                let left = session.sees.remove(&data.participant);
                assert!(left.is_some(), "{id} is told of a stranger who left");
            }
            Event::TrackPublished(data) => {
                let track = &data.track;
                let look = session.sees.get_mut(&track.participant).unwrap();
                look.tracks
                    .insert(track.id.clone(), (track.source, track.muted));
            }
            Event::TrackUnpublished(data) => {
                let look = session.sees.get_mut(&data.participant).unwrap();
                assert!(look.tracks.remove(&data.track).is_some());
            }
            Event::TrackMuted(data) => {
                let look = session.sees.get_mut(&data.participant).unwrap();
                look.tracks.get_mut(&data.track).unwrap().1 = data.muted;
            }
            Event::ChatMessage(data) => session.read.push(data.message.id.clone()),
            _ => {}
        }
    }

    fn looks(&self) -> BTreeMap<ParticipantId, Look> {
        let inside = self.inside.iter();
        inside
            .map(|(id, (_, look))| (id.clone(), look.clone()))
            .collect()
    }

    fn compare(&mut self, room: &mut Room, context: &str) {
        assert_eq!(room.head_count() as usize, self.inside.len(), "{context}");
        assert!(room.head_count() <= CAPACITY + 1, "{context}: too many");
        let Ok(super::Reply::Roster(roster)) = room.handle(Command::Roster, at(0)).reply else {
            panic!("{context}: a roster")
        };
        let is: BTreeMap<_, _> = roster
            .iter()
            .map(|person| (person.id.clone(), Look::of(person)))
            .collect();
        let hosts = roster.iter().filter(|person| person.role == Role::Host);
        self.hosts = hosts.map(|person| person.id.clone()).collect();
        let should = self.looks();
        assert_eq!(is, should, "{context}");
        for person in &roster {
            let owns = person.user.id == user("ada").id;
            assert!(person.role == Role::Host || !owns, "{context}");
        }
        assert_eq!(
            self.open_history.keys().collect::<Vec<_>>(),
            self.inside.keys().collect::<Vec<_>>(),
            "{context}"
        );
        for (id, session) in &self.sessions {
            assert_eq!(
                session.sees, should,
                "{context}: {id} sees another room after {} events",
                session.events
            );
            assert_eq!(session.read, session.written, "{context}: {id} reads");
        }
    }
}

fn message(id: &str, name: &str, from: ParticipantId, to: Option<ParticipantId>) -> Post {
    Post {
        to_user: to.as_ref().map(|_| user(name).id),
        message: ChatMessage {
            id: MessageId::try_from(format!("m-{id}")).unwrap(),
            participant: from,
            user: user(name),
            display_name: DisplayName::parse(name).unwrap(),
            to,
            text: ChatText::parse("hello").unwrap(),
            client_id: None,
            sent_at: at(0),
        },
    }
}

#[test]
fn random_operations_keep_the_room_and_every_client_of_one_mind() {
    if let Ok(seed) = std::env::var("MEETING_SEED") {
        return one_run(seed.parse().unwrap());
    }
    (0..300).for_each(one_run);
}
