//! One room: the function from command and time to answer and effects.
//!
//! The commands are carried out in modules by subject: [`admission`](super::admission) and [`lobby`](super::lobby) let
//! people in, [`presence`](super::presence) lets them go, [`pause`](super::pause) remembers who was there until the
//! meeting is over, [`roles`](super::roles) and [`governing`](super::governing) are for hosts,
//! [`together`](super::together) and [`sources`](super::sources) are for what participants do, and
//! [`time`](super::time) is for what happens by itself.

use serde::{Deserialize, Serialize};

use super::command::{Attach, Command};
use super::effect::{Effect, Outcome, Reply, View};
use super::media::MediaCommand;
use super::permissions::{Action, Rank, actions_of, allows, effective};
use super::schedule;
use super::state::bans::Bans;
use super::state::chat::Chat;
use super::state::lobby::Lobby;
use super::state::meeting::Meeting;
use super::state::roster::{Person, Roster};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, LeaveReason, ParticipantData};
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::object::{self, Ban, Occurrence, RoomState};
use crate::protocol::time::Timestamp;

/// The result of one command.
pub(super) type Answer = Result<Reply, ErrorCode>;

/// A room with people in it or in its waiting room, or about to get some.
///
/// Invariants: nobody is in it twice, nor in it and at its door; participant ids are unique; a person's tracks are one
/// per source; every `Joined` of the history is followed by exactly one `Left`; a refused command has no effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Room {
    pub(super) facts: object::Room,
    pub(super) ended: Option<Timestamp>,
    pub(super) roster: Roster,
    pub(super) lobby: Lobby,
    pub(super) chat: Chat,
    pub(super) bans: Bans,
    pub(super) meeting: Meeting,
}

impl Room {
    /// An empty room. `ended` says when a host ended its last meeting; only the owner can open it again then. `bans`
    /// are the permanent ones.
    pub fn new(facts: object::Room, ended: Option<Timestamp>, chat: Chat, bans: Vec<Ban>) -> Self {
        Self {
            facts,
            ended,
            roster: Roster::default(),
            lobby: Lobby::default(),
            chat,
            bans: Bans::new(bans),
            meeting: Meeting::default(),
        }
    }

    /// Whether nobody is in and nobody waits.
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty() && self.lobby.is_empty()
    }

    /// Its identity.
    pub fn identity(&self) -> &RoomIdentity {
        &self.facts.identity
    }

    /// How its media travels.
    pub fn topology(&self) -> object::Topology {
        self.facts.topology
    }

    /// How many are in.
    pub fn head_count(&self) -> u32 {
        u32::try_from(self.roster.len()).unwrap_or(u32::MAX)
    }

    /// Carries out one command at `now`.
    pub fn handle(&mut self, command: Command, now: Timestamp) -> Outcome {
        let mut effects = Vec::new();
        self.forget_if_due(now);
        let was_attended = self.attended();
        let last = self.roster.only().map(|person| person.seen.user.id.clone());
        let reply = self.carry_out(command, now, &mut effects);
        if let Some(last) = last.filter(|_| self.roster.is_empty()) {
            self.pause(&last, now);
        }
        // This comes last, because the reason to wait may just have ended with the meeting.
        self.let_in(now, &mut effects);
        if self.attended() != was_attended {
            self.tell_those_who_wait(&mut effects);
        }
        Outcome { reply, effects }
    }

    fn carry_out(&mut self, command: Command, now: Timestamp, out: &mut Vec<Effect>) -> Answer {
        match command {
            Command::Join(join) => self.join(join, now, out),
            Command::Knock(join) => self.knock(&join, now),
            Command::Look { participant } => self.look(&participant, now),
            Command::Leave { participant } => self.leave(&participant, LeaveReason::Left, now, out),
            Command::Detach { participant } => self.detach(&participant, out),
            Command::Attach {
                participant,
                address,
                anew,
                look,
            } => self.attach(&participant, address, Attach { anew, look }, now, out),
            Command::Away {
                participant,
                reason,
            } => self.away(&participant, reason, now, out),
            Command::End { by } => self.end(&by, now, out),
            Command::Close { reason } => self.over(reason, None, now, out),
            Command::Delete { by } => self.delete(by.as_ref(), now, out),
            Command::Edited { facts, password } => self.edited(*facts, password, now, out),
            Command::Roster => Ok(Reply::Roster(self.roster.seen())),
            Command::Update {
                participant,
                changes,
            } => self.update(&participant, changes, now, out),
            Command::Renamed { participant, user } => self.renamed(&participant, *user, out),
            Command::Authorise {
                participant,
                action,
            } => self.authorise(&participant, action),
            Command::Post(post) => self.post(*post, out),
            Command::PostAgain(post) => Ok(self.post_again(*post, out)),
            Command::Deleted { message, between } => self.deleted(message, between, out),
            Command::Readable { participant } => self.readable(&participant),
            Command::Signal { from, to, signal } => self.signal(from, to, signal, out),
            Command::Negotiated {
                participant,
                sources,
            } => self.negotiated(&participant, sources, out),
            Command::SetSource {
                participant,
                source,
                switch,
            } => self.set_source(&participant, source, switch, now, out),
            Command::Mute { by, whom, source } => self.mute(&by, &whom, source, out),
            Command::AskUnmute { by, whom, source } => self.ask_unmute(&by, &whom, source, out),
            Command::LowerHand { by, whom } => self.lower_hand(&by, &whom, out),
            Command::Rename {
                by,
                whom,
                display_name,
            } => self.rename(&by, &whom, display_name, out),
            Command::SetRole { by, whom, role } => self.set_role(&by, &whom, role, out),
            Command::ConsiderBan { by, whom, until } => self.consider_ban(&by, &whom, until, now),
            Command::Remove { by, whom, ban } => self.remove(&by, &whom, ban, now, out),
            Command::Unban { user } => self.unban(&user),
            Command::Bans => Ok(Reply::Bans(self.bans.list())),
            Command::Admit { by, who } => self.admit(&by, &who, now, out),
            Command::Deny { by, who } => self.deny(&by, &who, now, out),
            Command::React { by, emoji } => self.react(by, emoji, out),
            Command::Spotlight { by, whom } => self.set_spotlight(&by, whom, out),
            Command::SetTimer { by, duration_ms } => self.set_timer(by, duration_ms, now, out),
            Command::Media(event) => self.media(event, out),
            Command::Tick => self.tick(now, out),
        }
    }

    fn authorise(&self, id: &ParticipantId, action: Action) -> Answer {
        let person = self.allowed(id, action)?;
        Ok(Reply::Participant(Box::new(person.seen.clone())))
    }

    fn look(&self, id: &ParticipantId, now: Timestamp) -> Answer {
        if self.lobby.find(id).is_some() {
            return Err(ErrorCode::RoomWaiting);
        }
        Ok(Reply::View(Box::new(self.view(id, now)?)))
    }

    /// Finds a participant.
    pub(super) fn person(&self, id: &ParticipantId) -> Result<&Person, ErrorCode> {
        self.roster.find(id).ok_or(ErrorCode::RoomNotJoined)
    }

    /// The rank of a participant.
    pub(super) fn rank_of(&self, person: &Person) -> Rank {
        let is_owner = person.seen.user.id == self.facts.owner.id;
        Rank::of(person.seen.role, is_owner)
    }

    /// Finds a participant, if they may do `action`.
    pub(super) fn allowed(&self, id: &ParticipantId, action: Action) -> Result<&Person, ErrorCode> {
        let person = self.person(id)?;
        if self.may(person, action) {
            Ok(person)
        } else {
            Err(ErrorCode::PermDenied)
        }
    }

    pub(super) fn may(&self, person: &Person, action: Action) -> bool {
        allows(self.rank_of(person), action, &self.facts.permissions)
    }

    /// Sends an event to everybody who may do `action`.
    pub(super) fn tell_those_who_may(&self, action: Action, event: Event, out: &mut Vec<Effect>) {
        let concerned = self.roster.iter().filter(|person| self.may(person, action));
        let concerned = concerned.map(|person| person.seen.id.clone());
        out.extend(tell_each(concerned.collect(), event));
    }

    /// The room as one participant sees it.
    pub(super) fn view(&self, id: &ParticipantId, now: Timestamp) -> Result<View, ErrorCode> {
        let person = self.person(id)?;
        let me = person.seen.clone();
        let timer = self.meeting.timer.clone();
        Ok(View {
            room: self.seen(now),
            participants: self.roster.seen(),
            permissions: effective(me.role, &self.facts.permissions),
            actions: actions_of(self.rank_of(person), &self.facts.permissions),
            lobby: self.lobby_for(person),
            spotlight: self.meeting.spotlight.clone(),
            timer: timer.filter(|timer| timer.ends_at > now),
            ice_servers: Vec::new(),
            chat: self.chat.page_for(&me.user.id, self.reads_since(&me)),
            me,
        })
    }

    /// The room as it travels.
    pub(super) fn seen(&self, now: Timestamp) -> object::Room {
        let participants = self.head_count();
        let next = schedule::next(&self.facts, now);
        let was_ended = |at| schedule::is_still_ended(&self.facts, at, next.as_ref());
        let ended = self.ended.is_some_and(was_ended);
        object::Room {
            participants,
            state: state_of(&self.facts, participants, ended, next.as_ref(), now),
            next,
            ..self.facts.clone()
        }
    }
}

/// The state of a room at `now`, from its number of people and its next meeting.
pub fn state_of(
    facts: &object::Room,
    participants: u32,
    ended: bool,
    next: Option<&Occurrence>,
    now: Timestamp,
) -> RoomState {
    if participants > 0 {
        RoomState::Live
    } else if ended || schedule::is_past(facts, next, now) {
        RoomState::Ended
    } else if next.is_some_and(|next| next.begin_at > now) {
        RoomState::Scheduled
    } else {
        RoomState::Open
    }
}

pub(super) fn media(command: MediaCommand) -> Effect {
    Effect::Media(command)
}

pub(super) fn tell(to: &ParticipantId, event: Event) -> Effect {
    Effect::Tell {
        to: vec![to.clone()],
        event: Box::new(event),
    }
}

/// Sends one event to some participants. None if the list is empty.
pub(super) fn tell_each(to: Vec<ParticipantId>, event: Event) -> Option<Effect> {
    let event = Box::new(event);
    (!to.is_empty()).then_some(Effect::Tell { to, event })
}

pub(super) fn broadcast(except: Option<ParticipantId>, event: Event) -> Effect {
    Effect::Broadcast {
        except,
        event: Box::new(event),
    }
}

pub(super) fn updated(participant: object::Participant) -> Effect {
    broadcast(
        None,
        Event::ParticipantUpdated(ParticipantData { participant }),
    )
}
