//! What clients ask for in the room.

use rand::RngExt as _;
use serde_json::json;

use super::client::Place;
use super::oracle::{Fact, hand, role};
use super::world::World;
use crate::protocol::ids::ParticipantId;

impl World {
    pub(super) fn raise_hand(&mut self, who: usize) {
        let Some(picture) = &self.clients[who].picture else {
            return;
        };
        let me = picture.view.me.id.clone();
        let own = picture
            .view
            .participants
            .iter()
            .find(|person| person.id == me);
        let Some(before) = own.map(hand) else { return };
        let up = self.dice.random_bool(0.6);
        let value = if up { "up" } else { "down" };
        if self.oracle.write(Fact::Hand(me.clone()), before, value) {
            let data = json!({ "hand": up, "of": me });
            self.clients[who].ask("participant.update", data);
        }
    }

    pub(super) fn say(&mut self, who: usize) {
        self.messages += 1;
        let name = format!("m{}", self.messages);
        self.oracle.write(Fact::Message(name.clone()), "no", "yes");
        self.clients[who].ask("chat.send", json!({ "text": name, "client_id": name }));
    }

    /// Sends another participant something that nobody else hears.
    pub(super) fn whisper(&mut self, who: usize) {
        let others = self.others(who);
        if !others.is_empty() {
            let to = self.dice.random_range(0..others.len());
            self.whisper_to(who, &others[to]);
        }
    }

    /// The number of what is sent.
    pub fn whisper_to(&mut self, who: usize, to: &ParticipantId) -> usize {
        self.messages += 1;
        let data = json!({ "to": to, "sdp": self.messages.to_string() });
        self.clients[who].ask("signal.answer", data);
        self.messages
    }

    /// Whom a client sees besides itself.
    pub fn others(&self, who: usize) -> Vec<ParticipantId> {
        let Some(picture) = &self.clients[who].picture else {
            return Vec::new();
        };
        let people = picture.view.participants.iter().map(|person| &person.id);
        let others = people.filter(|id| **id != picture.view.me.id);
        others.cloned().collect()
    }

    /// Sends again what was not sent when a session was lost.
    pub fn say_again(&mut self) {
        for (who, name) in std::mem::take(&mut self.unsent) {
            let client = &mut self.clients[who];
            if client.place == Place::Inside && client.is_free() {
                client.ask("chat.send", json!({ "text": name, "client_id": name }));
            } else {
                self.unsent.push((who, name));
            }
        }
    }

    /// The owner governs.
    pub fn govern(&mut self) {
        let Some(picture) = &self.clients[0].picture else {
            return;
        };
        let view = picture.view.clone();
        if let Some(visitor) = view.lobby.first() {
            let of = visitor.user.id.clone();
            let who = json!({ "participants": [visitor.id], "of": of });
            if self.dice.random_bool(0.85) {
                self.oracle.admitted.insert(of);
                self.clients[0].ask("lobby.admit", who);
            } else if self.oracle.write(Fact::Denial(of), "no", "yes") {
                self.clients[0].ask("lobby.deny", who);
            }
            return;
        }
        let mut others = view
            .participants
            .iter()
            .filter(|person| person.id != view.me.id);
        let Some(other) = others.next_back() else {
            return;
        };
        match self.dice.random_range(0..10) {
            0..3 => {
                let to = ["cohost", "member"][self.dice.random_range(0..2)];
                let of = other.user.id.clone();
                self.oracle.promoted.insert(of.clone());
                if self
                    .oracle
                    .write(Fact::Role(of.clone()), role(other.role), to)
                {
                    let data = json!({ "participant": other.id, "role": to, "of": of });
                    self.clients[0].ask("participant.set_role", data);
                }
            }
            3..5 => {
                let shown = view.spotlight.first().map_or("", |id| id.as_str());
                if self.oracle.write(Fact::Spotlight, shown, other.id.as_str()) {
                    let data = json!({ "participants": [other.id] });
                    self.clients[0].ask("spotlight.set", data);
                }
            }
            5..7 => {
                let runs = self.dice.random_bool(0.6);
                let duration = runs.then_some(7_200_000);
                let before = if view.timer.is_some() { "on" } else { "off" };
                if self
                    .oracle
                    .write(Fact::Timer, before, if runs { "on" } else { "off" })
                {
                    self.clients[0].ask("timer.set", json!({ "duration_ms": duration }));
                }
            }
            7..9 => {
                let locked = self.dice.random_bool(0.4);
                let before = if view.room.locked { "yes" } else { "no" };
                if self
                    .oracle
                    .write(Fact::Lock, before, if locked { "yes" } else { "no" })
                {
                    self.clients[0].ask("room.edit", json!({ "locked": locked }));
                }
            }
            _ => {
                let of = other.user.id.clone();
                if self.oracle.write(Fact::Ban(of.clone()), "no", "yes") {
                    let ban = ["meeting", "forever"][self.dice.random_range(0..2)];
                    let data = json!({ "participant": other.id, "ban": ban, "of": of });
                    self.clients[0].ask("participant.remove", data);
                }
            }
        }
    }
}
