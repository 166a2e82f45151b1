//! Random operations against a small reference model. A failing seed prints itself; `MEETING_SEED` runs that one alone.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::chat::Chat;
use super::command::{Changes, Command, Join};
use super::effect::{Effect, History};
use super::room::Room;
use super::stories::{at, facts, stay, user};
use crate::protocol::event::{Event, LeaveReason};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{self, Role};
use crate::protocol::text::DisplayName;

const PEOPLE: [&str; 6] = ["ada", "bo", "cy", "dee", "eve", "fay"];
const CAPACITY: u32 = 4;

/// What a session of each participant has been told: its number of events and its own idea of who is in.
#[derive(Default)]
struct Session {
    events: u64,
    sees: BTreeMap<ParticipantId, bool>,
}

/// The room as a few lines say it should be.
#[derive(Default)]
struct Model {
    /// Who is in: stay → (person, hand up).
    inside: BTreeMap<ParticipantId, (usize, bool)>,
    ended: bool,
    stays: u32,
    open_history: BTreeMap<ParticipantId, ()>,
    sessions: HashMap<ParticipantId, Session>,
}

fn one_run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut room = Room::new(
        object::Room {
            max_participants: CAPACITY,
            ..facts()
        },
        false,
        Chat::default(),
    );
    let mut model = Model::default();
    for step in 0..200 {
        let command = model.command(&mut random);
        let expected = model.expect(&command);
        let outcome = room.handle(command.clone(), at(step));
        let context = format!("MEETING_SEED={seed}, step {step}: {command:?}");
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
        match random.random_range(0..10) {
            0..=3 => {
                self.stays += 1;
                Command::Join(Join {
                    participant: stay(&self.stays.to_string()),
                    user: user(PEOPLE[person]),
                    display_name: DisplayName::parse(PEOPLE[person]).unwrap(),
                })
            }
            4..=5 => Command::Leave {
                participant: somebody,
                reason: LeaveReason::Left,
            },
            6..=8 => {
                let hand = Some(random.random_bool(0.5));
                Command::Update {
                    participant: somebody,
                    changes: Changes {
                        hand,
                        ..Changes::default()
                    },
                }
            }
            _ => Command::End { by: somebody },
        }
    }

    /// Mostly somebody who is in; sometimes somebody who is not.
    fn somebody(&self, random: &mut StdRng) -> ParticipantId {
        let stranger = stay("nobody");
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
                let has_room = u32::try_from(self.inside.len()).unwrap() < CAPACITY;
                (is_owner || !self.ended) && (is_in || has_room)
            }
            Command::End { by } => self.inside.get(by).is_some_and(|(person, _)| *person == 0),
            Command::Leave { participant, .. } | Command::Update { participant, .. } => {
                self.inside.contains_key(participant)
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
                    .insert(join.participant.clone(), (person, false));
                self.ended &= person != 0;
            }
            Command::Leave { participant, .. } => {
                self.inside.remove(participant);
            }
            Command::Update {
                participant,
                changes,
            } => {
                self.inside.get_mut(participant).unwrap().1 = changes.hand.unwrap();
            }
            Command::End { .. } => {
                self.inside.clear();
                self.ended = true;
            }
            _ => unreachable!("the model does not make these"),
        }
    }

    /// Delivers the effects as the shell would, and lets every session keep its own roster from events alone.
    fn deliver(&mut self, command: &Command, carried_out: bool, effects: &[Effect], context: &str) {
        if let (Command::Join(join), true) = (command, carried_out) {
            self.sessions
                .insert(join.participant.clone(), Session::default());
        }
        for effect in effects {
            match effect {
                Effect::Tell { to, event } => self.hear(to, event),
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
                Effect::Media(_) => {}
            }
        }
        if let (Command::Join(join), true) = (command, carried_out) {
            // What the answer shows stands before every later event.
            let seen = self
                .inside
                .iter()
                .map(|(id, (_, hand))| (id.clone(), *hand))
                .collect();
            self.sessions.get_mut(&join.participant).unwrap().sees = seen;
        }
    }

    fn hear(&mut self, id: &ParticipantId, event: &Event) {
        let session = self.sessions.get_mut(id).unwrap();
        session.events += 1;
        match event {
            Event::ParticipantJoined(data) | Event::ParticipantUpdated(data) => {
                let person = &data.participant;
                session
                    .sees
                    .insert(person.id.clone(), person.hand_raised_at.is_some());
            }
            Event::ParticipantLeft(data) => {
                session.sees.remove(&data.participant);
            }
            _ => {}
        }
    }

    fn compare(&self, room: &mut Room, context: &str) {
        assert_eq!(room.head_count() as usize, self.inside.len(), "{context}");
        let Ok(super::Reply::Roster(roster)) = room.handle(Command::Roster, at(0)).reply else {
            panic!("{context}: a roster")
        };
        let is: BTreeMap<_, _> = roster
            .iter()
            .map(|p| (p.id.clone(), p.hand_raised_at.is_some()))
            .collect();
        let should: BTreeMap<_, _> = self
            .inside
            .iter()
            .map(|(id, (_, hand))| (id.clone(), *hand))
            .collect();
        assert_eq!(is, should, "{context}");
        for person in &roster {
            let owns = person.user.id == user("ada").id;
            assert_eq!(person.role == Role::Host, owns, "{context}");
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
        }
    }
}

#[test]
fn random_operations_keep_the_room_and_every_client_of_one_mind() {
    if let Ok(seed) = std::env::var("MEETING_SEED") {
        return one_run(seed.parse().unwrap());
    }
    (0..300).for_each(one_run);
}
