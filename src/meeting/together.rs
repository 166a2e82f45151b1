//! What participants do together: unmute, chat, react, share a spotlight and a timer.

use super::command::{Changes, Post, Signal};
use super::effect::{Effect, Reply};
use super::permissions::Action;
use super::room::{Answer, Room, broadcast, tell, tell_each, updated};
use super::sources::set_muted;
use super::state::roster::Person;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{
    ChatData, ChatDeleted, Event, ReactionData, SignalCandidateData, SignalSdp, SpotlightUpdated,
    TimerUpdated,
};
use crate::protocol::ids::{MessageId, ParticipantId, UserId};
use crate::protocol::object::{
    HistoryAccess, Participant, Reaction, Source, Timer, Topology, User,
};
use crate::protocol::time::Timestamp;

/// How many can be shown large to everyone.
pub const MAX_SPOTLIGHT: usize = 4;

/// Connections between browsers whose name begins like this carry files.
const FILE_CONNECTION: &str = "file:";

impl Room {
    pub(super) fn update(
        &mut self,
        id: &ParticipantId,
        changes: Changes,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        if changes.display_name.is_some() {
            self.allowed(id, Action::Rename)?;
        }
        if changes.audio == Some(true) {
            self.may_unmute(id)?;
        }
        if changes.video == Some(true) && !self.person(id)?.seen.video {
            self.allowed(id, Action::Camera)?;
        }
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        let before = person.seen.clone();
        if let Some(name) = changes.display_name {
            person.seen.display_name = name;
        }
        if let Some(raised) = changes.hand {
            let since = person.seen.hand_raised_at;
            person.seen.hand_raised_at = if raised { since.or(Some(now)) } else { None };
        }
        if let Some(audio) = changes.audio {
            // The client reports its own state: in a peer-to-peer room it may send without publishing tracks.
            person.seen.audio = audio;
            person.has_switched_microphone(audio);
            person.has_begun(Source::Microphone);
            set_muted(person, Source::Microphone, !audio, None, out);
        }
        if let Some(video) = changes.video {
            person.seen.video = video;
            person.has_begun(Source::Camera);
            set_muted(person, Source::Camera, !video, None, out);
        }
        let after = person.seen.clone();
        if after != before {
            out.push(updated(after.clone()));
        }
        Ok(Reply::Participant(Box::new(after)))
    }

    /// Whether a participant may unmute: the room lets them, they were asked to, or they are unmuted already.
    pub(super) fn may_unmute(&self, id: &ParticipantId) -> Result<(), ErrorCode> {
        let person = self.person(id)?;
        if person.may_unmute_once() || person.seen.audio || self.may(person, Action::Unmute) {
            return Ok(());
        }
        Err(ErrorCode::PermDenied)
    }

    pub(super) fn renamed(
        &mut self,
        id: &ParticipantId,
        user: User,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let may_rename = self.may(self.person(id)?, Action::Rename);
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        if may_rename && person.seen.user.id == user.id && person.seen.user != user {
            person.seen.display_name = user.display_name.clone();
            person.seen.user = user;
            out.push(updated(person.seen.clone()));
        }
        Ok(Reply::Participant(Box::new(person.seen.clone())))
    }

    pub(super) fn post(&mut self, post: Post, out: &mut Vec<Effect>) -> Answer {
        if self.chat.has(&post.message.id) {
            // A repetition of the request arrived first.
            return Ok(Reply::Message(Box::new(post.message)));
        }
        let action = if post.message.to.is_some() {
            Action::PrivateChat
        } else {
            Action::Chat
        };
        self.allowed(&post.message.participant, action)?;
        let message = post.message.clone();
        let event = Event::ChatMessage(ChatData {
            message: message.clone(),
        });
        match &message.to {
            None => out.push(broadcast(None, event)),
            Some(to) => {
                self.found(to)?;
                let mut readers = vec![message.participant.clone()];
                if *to != message.participant {
                    readers.push(to.clone());
                }
                out.extend(tell_each(readers, event));
            }
        }
        self.chat.push(post);
        Ok(Reply::Message(Box::new(message)))
    }

    /// A client sends a stored message again. Usually everybody got it before. But the database may have reported an
    /// error although it stored the message; then nobody got it.
    pub(super) fn post_again(&mut self, post: Post, out: &mut Vec<Effect>) -> Reply {
        let message = post.message.clone();
        if !self.chat.was_told(&message) {
            let may_read = |person: &&Person| {
                post.is_for(&person.seen.user.id)
                    && self.reads_since(&person.seen) <= Some(message.sent_at)
            };
            let readers = self.roster.iter().filter(may_read);
            let readers = readers.map(|person| person.seen.id.clone()).collect();
            let event = Event::ChatMessage(ChatData {
                message: message.clone(),
            });
            out.extend(tell_each(readers, event));
            self.chat.push(post);
        }
        Reply::Message(Box::new(message))
    }

    pub(super) fn deleted(
        &mut self,
        message: MessageId,
        between: Option<(UserId, UserId)>,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.chat.remove(&message);
        let event = Event::ChatDeleted(ChatDeleted { message });
        match between {
            None => out.push(broadcast(None, event)),
            Some((one, other)) => {
                let is_reader = |user: &UserId| *user == one || *user == other;
                let readers = self.roster.iter();
                let readers = readers.filter(|person| is_reader(&person.seen.user.id));
                let readers = readers.map(|person| person.seen.id.clone());
                out.extend(tell_each(readers.collect(), event));
            }
        }
        Ok(Reply::Done)
    }

    pub(super) fn readable(&self, id: &ParticipantId) -> Answer {
        let person = self.person(id)?;
        Ok(Reply::Since(self.reads_since(&person.seen)))
    }

    /// The time from which a participant may read the chat. None if they may read all of it.
    pub(super) fn reads_since(&self, person: &Participant) -> Option<Timestamp> {
        match self.facts.history {
            HistoryAccess::All => None,
            HistoryAccess::Joined => {
                let first = self.meeting.first_joined.find(&person.user.id);
                Some(first.copied().unwrap_or(person.joined_at))
            }
        }
    }

    pub(super) fn signal(
        &self,
        from: ParticipantId,
        to: ParticipantId,
        signal: Signal,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.person(&from)?;
        if let Signal::Offer { connection, .. } = &signal
            && self.is_for_files(connection.as_deref())
        {
            self.allowed(&from, Action::Files)?;
        }
        if from == to || self.roster.find(&to).is_none() {
            return Err(ErrorCode::SignalNotFound);
        }
        out.push(tell(&to, signal.told_by(from)));
        Ok(Reply::Done)
    }

    /// Whether a connection is for files. In rooms with the SFU, browsers connect to each other for files only.
    fn is_for_files(&self, connection: Option<&str>) -> bool {
        match self.facts.topology {
            Topology::Sfu => true,
            Topology::P2p => is_for_files(connection),
        }
    }

    pub(super) fn react(
        &self,
        by: ParticipantId,
        emoji: Reaction,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.allowed(&by, Action::React)?;
        let reaction = ReactionData {
            participant: by,
            emoji,
        };
        out.push(broadcast(None, Event::Reaction(reaction)));
        Ok(Reply::Done)
    }

    pub(super) fn set_spotlight(
        &mut self,
        by: &ParticipantId,
        whom: Vec<ParticipantId>,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.allowed(by, Action::Spotlight)?;
        let mut participants: Vec<ParticipantId> = Vec::new();
        for id in whom {
            self.found(&id)?;
            if !participants.contains(&id) {
                participants.push(id);
            }
        }
        if participants.len() > MAX_SPOTLIGHT {
            return Err(ErrorCode::BadField);
        }
        self.show_large(participants, out);
        Ok(Reply::Done)
    }

    /// A participant who leaves also leaves the spotlight.
    pub(super) fn leave_spotlight(&mut self, id: &ParticipantId, out: &mut Vec<Effect>) {
        let mut participants = self.meeting.spotlight.clone();
        participants.retain(|shown| shown != id);
        self.show_large(participants, out);
    }

    fn show_large(&mut self, participants: Vec<ParticipantId>, out: &mut Vec<Effect>) {
        if participants == self.meeting.spotlight {
            return;
        }
        self.meeting.spotlight.clone_from(&participants);
        let event = Event::SpotlightUpdated(SpotlightUpdated { participants });
        out.push(broadcast(None, event));
    }

    pub(super) fn set_timer(
        &mut self,
        by: ParticipantId,
        duration_ms: Option<u64>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.allowed(&by, Action::Timer)?;
        let timer = duration_ms.map(|duration_ms| Timer {
            started_at: now,
            ends_at: now.plus_millis(i64::try_from(duration_ms).unwrap_or(i64::MAX)),
            duration_ms,
            by,
        });
        if timer.is_some() || self.meeting.timer.is_some() {
            self.meeting.timer.clone_from(&timer);
            let timer = timer.clone();
            out.push(broadcast(None, Event::TimerUpdated(TimerUpdated { timer })));
        }
        Ok(Reply::Timer(timer))
    }
}

impl Signal {
    /// The event that the receiver gets.
    pub fn told_by(self, from: ParticipantId) -> Event {
        match self {
            Self::Offer { connection, sdp } => Event::SignalOffer(SignalSdp {
                from,
                connection,
                sdp,
            }),
            Self::Answer { connection, sdp } => Event::SignalAnswer(SignalSdp {
                from,
                connection,
                sdp,
            }),
            Self::Candidate {
                connection,
                candidate,
            } => Event::SignalCandidate(SignalCandidateData {
                from,
                connection,
                candidate,
            }),
        }
    }

    /// Whether it begins a connection for files, which needs a permission of its own.
    pub fn is_for_files(&self) -> bool {
        matches!(self, Self::Offer { connection, .. } if is_for_files(connection.as_deref()))
    }
}

fn is_for_files(connection: Option<&str>) -> bool {
    connection.is_some_and(|name| name.starts_with(FILE_CONNECTION))
}
