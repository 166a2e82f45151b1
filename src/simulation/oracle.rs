//! What must hold of what clients asked for: each fact has one who writes it, one request at a time, so that it is known
//! which values it may have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client::Request;
use super::store::person;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::{Participant, Role};
use crate::protocol::request::Joined;

/// What was written: whose, or of what; and by which request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Role(UserId),
    Hand(ParticipantId),
    Spotlight,
    Timer,
    Lock,
    Ban(UserId),
    Denial(UserId),
    Message(String),
}

/// The values that a fact may have.
#[derive(Debug, Clone)]
struct Known {
    may_be: BTreeSet<String>,
    writing: Option<String>,
}

#[derive(Default)]
pub struct Oracle {
    facts: BTreeMap<Fact, Known>,
    /// Whom somebody tried to let in.
    pub admitted: BTreeSet<UserId>,
    /// Whom somebody tried to give a role.
    pub promoted: BTreeSet<UserId>,
    /// The owner was not always there: others may have stood in.
    pub owner_was_away: bool,
}

impl Oracle {
    /// Begins to write `fact`; false while it is written.
    pub fn write(&mut self, fact: Fact, before: &str, value: &str) -> bool {
        let known = self.facts.entry(fact).or_insert_with(|| Known {
            may_be: BTreeSet::from([before.to_owned()]),
            writing: None,
        });
        if known.writing.is_some() {
            return false;
        }
        known.writing = Some(value.to_owned());
        true
    }

    /// The timer may be anything: somebody who stands in for the owner may have set it.
    pub fn is_unsure_of_timer(&mut self) {
        if let Some(known) = self.facts.get_mut(&Fact::Timer) {
            known.may_be.extend(["on".to_owned(), "off".to_owned()]);
        } else {
            self.write(Fact::Timer, "off", "on");
            self.done(&Request::timer(), false);
        }
    }

    /// Whether somebody is known to be kept out.
    pub fn keeps_out(&self, user: &UserId) -> bool {
        let is_sure = |fact: Fact| {
            let known = self.facts.get(&fact);
            known.is_some_and(|known| !known.may_be.contains("no"))
        };
        is_sure(Fact::Ban(user.clone())) || is_sure(Fact::Denial(user.clone()))
    }

    /// A request has been answered; or nobody knows what became of it.
    pub fn done(&mut self, request: &Request, is_ok: bool) {
        let Some(fact) = fact_of(request) else { return };
        let Some(known) = self.facts.get_mut(&fact) else {
            return;
        };
        let Some(value) = known.writing.take() else {
            return;
        };
        if is_ok {
            known.may_be.clear();
        }
        // One that is refused may have been carried out before a crash, and found that it was.
        known.may_be.insert(value);
    }

    /// Messages whose senders were told that they were sent.
    pub fn messages(&self) -> impl Iterator<Item = (&str, bool)> {
        self.facts.iter().filter_map(|(fact, known)| match fact {
            Fact::Message(name) => Some((name.as_str(), !known.may_be.contains("no"))),
            _ => None,
        })
    }

    /// Holds the room, as one sees it who is in it, against what is known.
    pub fn check(&self, view: &Joined, is_locked: bool) {
        let inside = |id: &str| {
            view.participants
                .iter()
                .any(|person| person.id.as_str() == id)
        };
        for (fact, known) in &self.facts {
            let may_be = |value: &str| known.may_be.contains(value);
            let of = |user: &UserId| {
                view.participants
                    .iter()
                    .find(|person| person.user.id == *user)
            };
            match fact {
                Fact::Role(user) => {
                    let Some(person) = of(user) else { continue };
                    let is_right = may_be(role(person.role)) || self.owner_is_out(view);
                    assert!(is_right, "{fact:?} is {:?}, not {known:?}", person.role);
                }
                Fact::Hand(id) => {
                    let person = view.participants.iter().find(|person| person.id == *id);
                    let Some(person) = person else { continue };
                    assert!(
                        may_be(hand(person)),
                        "{fact:?} is {}, not {known:?}",
                        hand(person)
                    );
                }
                Fact::Spotlight => {
                    let shown = view.spotlight.first().map_or("", ParticipantId::as_str);
                    let is_gone = known.may_be.iter().any(|id| !inside(id));
                    let is_right = may_be(shown) || shown.is_empty() && is_gone;
                    assert!(is_right, "{fact:?} is {shown}, not {known:?}");
                }
                Fact::Timer => {
                    let runs = if view.timer.is_some() { "on" } else { "off" };
                    assert!(may_be(runs), "{fact:?} is {runs}, not {known:?}");
                }
                Fact::Lock => {
                    let locked = if view.room.locked { "yes" } else { "no" };
                    assert!(may_be(locked), "{fact:?} is {locked}, not {known:?}");
                    assert_eq!(view.room.locked, is_locked, "it is as it is stored");
                }
                Fact::Ban(user) | Fact::Denial(user) => {
                    assert!(may_be("no") || of(user).is_none(), "{fact:?}, and is in");
                }
                Fact::Message(name) => {
                    let is_it = |id: &Option<String>| id.as_deref() == Some(name);
                    let chat = view.chat.iter();
                    let copies = chat.filter(|message| is_it(&message.client_id)).count();
                    assert!(
                        copies == 1 || copies == 0 && may_be("no"),
                        "{fact:?}: {copies}"
                    );
                }
            }
        }
    }

    fn owner_is_out(&self, view: &Joined) -> bool {
        let owner = person(0).id;
        view.participants
            .iter()
            .all(|person| person.user.id != owner)
    }
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Cohost => "cohost",
        Role::Member => "member",
    }
}

pub fn hand(person: &Participant) -> &'static str {
    if person.hand_raised_at.is_some() {
        "up"
    } else {
        "down"
    }
}

/// The fact that a request writes; who asks has put the name of it into the data, which the server does not look at.
fn fact_of(request: &Request) -> Option<Fact> {
    let text = |name: &str| request.data[name].as_str().map(str::to_owned);
    let user = || UserId::try_from(text("of")?).ok();
    Some(match request.kind {
        "participant.set_role" => Fact::Role(user()?),
        "participant.update" => Fact::Hand(ParticipantId::try_from(text("of")?).ok()?),
        "spotlight.set" => Fact::Spotlight,
        "timer.set" if request.data["of"] == Value::Null => Fact::Timer,
        "room.edit" => Fact::Lock,
        "participant.remove" => Fact::Ban(user()?),
        "lobby.deny" => Fact::Denial(user()?),
        "chat.send" => Fact::Message(text("client_id")?),
        _ => return None,
    })
}
