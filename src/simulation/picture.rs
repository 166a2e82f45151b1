//! The room as a client knows it: a view, and what was told after it.

use std::collections::BTreeSet;

use serde::Deserialize as _;

use crate::protocol::event::Event;
use crate::protocol::object::{Participant, RoomState};
use crate::protocol::request::Joined;

/// What a client shows.
#[derive(Debug, Clone)]
pub struct Picture {
    pub view: Joined,
}

impl Picture {
    /// As it was shown.
    pub fn new(view: Joined) -> Self {
        let picture = Self { view };
        picture.check();
        picture
    }

    /// Nobody is there twice, and oneself is.
    fn check(&self) {
        let people = &self.view.participants;
        let ids: BTreeSet<_> = people.iter().map(|person| &person.id).collect();
        let users: BTreeSet<_> = people.iter().map(|person| &person.user.id).collect();
        assert!(
            ids.len() == people.len(),
            "somebody is there twice: {people:?}"
        );
        assert!(
            users.len() == people.len(),
            "somebody is there as two: {people:?}"
        );
        assert!(ids.contains(&self.view.me.id), "oneself is not there");
    }

    fn person(&mut self, id: &crate::protocol::ids::ParticipantId) -> Option<&mut Participant> {
        self.view
            .participants
            .iter_mut()
            .find(|person| person.id == *id)
    }

    /// Whether somebody is seen like this already, whether or not their socket is there.
    pub fn shows_but_for_the_socket(&self, seen: &serde_json::Value) -> bool {
        let Ok(mut seen) = Participant::deserialize(seen) else {
            return false;
        };
        let mut known = self.view.participants.iter();
        known
            .find(|person| person.id == seen.id)
            .is_some_and(|person| {
                seen.connection = person.connection;
                *person == seen
            })
    }

    /// Takes an event in.
    pub fn follow(&mut self, event: Event) {
        let view = &mut self.view;
        match event {
            Event::ParticipantJoined(data) => {
                // The answer to a look may overtake what was told before it.
                view.participants
                    .retain(|person| person.id != data.participant.id);
                view.participants.push(data.participant);
            }
            Event::ParticipantUpdated(data) => {
                let id = data.participant.id.clone();
                if let Some(person) = self.person(&id) {
                    *person = data.participant;
                }
            }
            Event::ParticipantLeft(left) => {
                view.participants
                    .retain(|person| person.id != left.participant);
            }
            Event::TrackPublished(data) => {
                let owner = data.track.participant.clone();
                if let Some(person) = self.person(&owner) {
                    person
                        .tracks
                        .retain(|track| track.source != data.track.source);
                    person.tracks.push(data.track);
                }
            }
            Event::TrackUnpublished(gone) => {
                if let Some(person) = self.person(&gone.participant) {
                    person.tracks.retain(|track| track.id != gone.track);
                }
            }
            Event::TrackMuted(data) => {
                if let Some(person) = self.person(&data.participant) {
                    let tracks = person.tracks.iter_mut();
                    let own = tracks.filter(|track| track.id == data.track);
                    own.for_each(|track| track.muted = data.muted);
                }
            }
            Event::PermissionsChanged(data) => {
                (view.permissions, view.actions) = (data.permissions, data.actions);
                view.lobby = data.lobby;
            }
            Event::LobbyWaiting(data) => {
                view.lobby
                    .retain(|visitor| visitor.id != data.participant.id);
                view.lobby.push(data.participant);
            }
            Event::LobbyLeft(data) => view.lobby.retain(|visitor| visitor.id != data.participant),
            Event::SpotlightUpdated(data) => view.spotlight = data.participants,
            Event::TimerUpdated(data) => view.timer = data.timer,
            Event::RoomUpdated(data) => view.room = data.room,
            Event::ChatMessage(data) => {
                view.chat.retain(|known| known.id != data.message.id);
                view.chat.push(data.message);
            }
            Event::ChatDeleted(data) => view.chat.retain(|known| known.id != data.message),
            _ => {}
        }
    }

    /// The part that everybody must agree on, independent of the order of events.
    pub fn settled(&self) -> Joined {
        let mut view = self.view.clone();
        view.participants
            .sort_by(|one, other| one.id.cmp(&other.id));
        for person in &mut view.participants {
            person.tracks.sort_by(|one, other| one.id.cmp(&other.id));
        }
        if let Some(me) = view
            .participants
            .iter_mut()
            .find(|person| person.id == view.me.id)
        {
            // Nobody is told of their own socket.
            me.connection = crate::protocol::object::Connection::Online;
            view.me = me.clone();
        }
        view.lobby.sort_by(|one, other| one.id.cmp(&other.id));
        // These follow from the rest and are not told at each change.
        (view.room.participants, view.room.state) = (0, RoomState::Open);
        view.ice_servers.clear();
        view
    }
}
