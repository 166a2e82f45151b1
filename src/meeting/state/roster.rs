//! Who is in a room and what they publish.

use serde::{Deserialize, Serialize};

use crate::meeting::command::{Attach, Join};
use crate::network::Network;
use crate::protocol::ids::{ParticipantId, TrackId, UserId};
use crate::protocol::object::{Connection, Participant, Role, Source, Track};
use crate::protocol::time::Timestamp;

/// For this long after joining, in milliseconds, the start of a source counts as part of joining.
pub const COMING_IN_MS: i64 = 10_000;

/// One person in the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// What the others see of them.
    pub seen: Participant,
    /// Where they come from.
    address: Network,
    /// They were asked to unmute. They may do it once, even if the room does not let them.
    may_unmute_once: bool,
    /// The sources that start switched off and have not been started or changed since.
    begins_off: Vec<Source>,
    /// The sources that were negotiated on their up connection, with their encodings.
    negotiated: Vec<(Source, Option<String>)>,
    /// The last time they were known to be there. Set for a person who has not come back after a restart of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unseen_since: Option<Timestamp>,
    /// They were told of the restart of the server, and have not confirmed it yet.
    #[serde(default)]
    is_unaware: bool,
}

impl Person {
    /// A new participant.
    pub fn new(join: Join, role: Role, at: Timestamp) -> Self {
        let seen = Participant {
            id: join.participant,
            user: join.user,
            display_name: join.display_name,
            role,
            joined_at: at,
            hand_raised_at: None,
            connection: Connection::Online,
            audio: false,
            video: false,
            tracks: Vec::new(),
        };
        Self {
            seen,
            address: join.address,
            may_unmute_once: false,
            begins_off: Vec::new(),
            negotiated: Vec::new(),
            unseen_since: None,
            is_unaware: false,
        }
    }

    /// The server was down, and they were there until `since`. If they do not come back, their attendance ends then.
    pub fn lose_since(&mut self, since: Timestamp) {
        self.unseen_since.get_or_insert(since);
    }

    /// They are there again. Returns true if they must be told that the server was down. They are told right after a
    /// view, and both can be lost on the way. So a client that needs the view again is told again. A client that has
    /// the view gets the rest by replay.
    pub fn has_come_back(&mut self, how: Attach) -> bool {
        let was_down = self.unseen_since.take().is_some();
        let is_unaware = !how.anew && (was_down || self.is_unaware && how.look);
        self.is_unaware = is_unaware && how.look;
        is_unaware
    }

    /// Until when they were there, if they leave at `now`.
    pub fn was_there_until(&self, now: Timestamp) -> Timestamp {
        let since = self.unseen_since;
        since.map_or(now, |since| since.max(self.seen.joined_at))
    }

    /// Where they come from.
    pub fn address(&self) -> Network {
        self.address
    }

    /// They come from there now.
    pub fn move_to(&mut self, address: Network) {
        self.address = address;
    }

    /// Sets whether they may unmute once, even if the room does not let them.
    pub fn set_may_unmute_once(&mut self, may: bool) {
        self.may_unmute_once = may;
    }

    /// Their microphone was switched on or off. Switching it on uses up the permission to unmute once.
    pub fn has_switched_microphone(&mut self, on: bool) {
        self.may_unmute_once &= !on;
    }

    /// Whether they were asked to unmute and have not done it yet.
    pub fn may_unmute_once(&self) -> bool {
        self.may_unmute_once
    }

    /// They come in with these sources switched off.
    pub fn begin_off(&mut self, sources: Vec<Source>) {
        self.begins_off = sources;
    }

    /// Whether `source`, started at `now`, begins muted in any case. The first start right after joining is done by the
    /// client, and later ones by the person.
    pub fn begins_muted(&self, source: Source, now: Timestamp) -> bool {
        let is_coming_in = now < self.seen.joined_at.plus_millis(COMING_IN_MS);
        is_coming_in && self.begins_off.contains(&source)
    }

    /// From now on `source` does as they say.
    pub fn has_begun(&mut self, source: Source) {
        self.begins_off.retain(|off| *off != source);
    }

    /// Remembers what their up connection can carry.
    pub fn set_negotiated(&mut self, sources: Vec<(Source, Option<String>)>) {
        self.negotiated = sources;
    }

    /// Whether their up connection can carry `source`.
    pub fn has_negotiated(&self, source: Source) -> bool {
        self.negotiated.iter().any(|(known, _)| *known == source)
    }

    /// The encoding that was agreed on for `source`.
    pub fn codec_of(&self, source: Source) -> Option<String> {
        self.negotiated
            .iter()
            .find(|(known, _)| *known == source)
            .and_then(|(_, codec)| codec.clone())
    }

    /// The track of `source`, if it runs.
    pub fn track(&self, source: Source) -> Option<&Track> {
        self.seen.tracks.iter().find(|track| track.source == source)
    }

    /// The same, to change it.
    pub fn track_mut(&mut self, source: Source) -> Option<&mut Track> {
        self.seen
            .tracks
            .iter_mut()
            .find(|track| track.source == source)
    }

    /// Adds a track. Tracks are sorted by source.
    pub fn add_track(&mut self, track: Track) {
        self.seen.tracks.push(track);
        self.seen.tracks.sort_by_key(|track| track.source);
    }

    /// Removes the track of `source`, if it runs.
    pub fn remove_track(&mut self, source: Source) -> Option<Track> {
        let at = self
            .seen
            .tracks
            .iter()
            .position(|track| track.source == source)?;
        Some(self.seen.tracks.remove(at))
    }
}

/// Everyone in the room, in order of joining.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Roster(Vec<Person>);

impl Roster {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds one by the id of their membership.
    pub fn find(&self, id: &ParticipantId) -> Option<&Person> {
        self.0.iter().find(|person| person.seen.id == *id)
    }

    /// The same, to change them.
    pub fn find_mut(&mut self, id: &ParticipantId) -> Option<&mut Person> {
        self.0.iter_mut().find(|person| person.seen.id == *id)
    }

    /// Changes everyone.
    pub fn each_mut(&mut self, change: impl FnMut(&mut Person)) {
        self.0.iter_mut().for_each(change);
    }

    /// Finds one by their user.
    pub fn find_user(&self, user: &UserId) -> Option<&Person> {
        self.0.iter().find(|person| person.seen.user.id == *user)
    }

    /// Finds the publisher and the source of `track`.
    pub fn find_track(&self, track: &TrackId) -> Option<(ParticipantId, Source)> {
        self.0.iter().find_map(|person| {
            let found = person.seen.tracks.iter().find(|known| known.id == *track)?;
            Some((person.seen.id.clone(), found.source))
        })
    }

    /// Adds the newest.
    pub fn add(&mut self, person: Person) {
        self.0.push(person);
    }

    /// Takes one away.
    pub fn remove(&mut self, id: &ParticipantId) -> Option<Person> {
        let at = self.0.iter().position(|person| person.seen.id == *id)?;
        Some(self.0.remove(at))
    }

    /// Takes everyone away.
    pub fn clear(&mut self) -> Vec<Person> {
        std::mem::take(&mut self.0)
    }

    /// Everyone, in order of joining.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.iter()
    }

    /// All participants as the others see them.
    pub fn seen(&self) -> Vec<Participant> {
        self.0.iter().map(|person| person.seen.clone()).collect()
    }

    /// The participant who is alone in the room. None if there are more, or nobody.
    pub fn only(&self) -> Option<&Person> {
        match self.0.as_slice() {
            [person] => Some(person),
            _ => None,
        }
    }

    /// Whether a host is in.
    pub fn has_host(&self) -> bool {
        self.0.iter().any(|person| person.seen.role == Role::Host)
    }
}
