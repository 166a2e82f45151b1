//! Decides who may join, and who must wait.
//!
//! A short loss of the connection does not count as leaving. A participant whose socket is lost stays in while their
//! session waits for another socket (static/docs/protocol.md §3.4; see [`coming_back`](super::coming_back)). When that
//! session ends, or was not kept, the meeting remembers the person for a minute (`Meeting::away`). During that minute
//! it lets them in as if they had never been out. A person who leaves or is removed is not remembered.

use super::command::Join;
use super::effect::{CloseReason, Effect, History, Reply};
use super::media::MediaCommand;
use super::permissions::{Action, Rank, allows};
use super::room::{Answer, Room, broadcast, media, tell};
use super::state::roster::Person;
use crate::network::Network;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, LeaveReason, ParticipantData, SessionReplaced};
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::{Role, Source, User, UserKind};
use crate::protocol::time::Timestamp;

/// For this long, in milliseconds, a person who vanished may come back past the lock and the waiting room. A reload or
/// a change of networks must not need a host.
pub const WELCOME_BACK_MS: i64 = 60_000;

/// Where a newcomer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Wait,
}

impl Room {
    pub(super) fn join(&mut self, join: Join, now: Timestamp, out: &mut Vec<Effect>) -> Answer {
        let ghost = self.roster.find_user(&join.user.id);
        let ghost = ghost.map(|person| person.seen.id.clone());
        let way = self.admits(&join, ghost.is_some(), now)?;
        let returns = ghost.is_some() || self.is_back(&join.user.id, now);
        self.replace_waiting(&join.user.id, out);
        if way == Way::Wait {
            return Ok(self.wait(join, now, out));
        }
        if let Some(ghost) = ghost {
            self.replace(&ghost, &join.participant, now, out);
        }
        let newcomer = join.participant.clone();
        self.enter(join, now, out);
        if returns {
            // A reload is no coming in.
            self.let_start_at_once(&newcomer);
        }
        Ok(Reply::View(Box::new(self.view(&newcomer, now)?)))
    }

    pub(super) fn knock(&self, join: &Join, now: Timestamp) -> Answer {
        let is_in = self.roster.find_user(&join.user.id).is_some();
        Ok(match self.admits(join, is_in, now)? {
            Way::In => Reply::Done,
            Way::Wait => Reply::Waiting,
        })
    }

    /// Decides where a newcomer goes. A person who `is_in` already keeps their place.
    fn admits(&self, join: &Join, is_in: bool, now: Timestamp) -> Result<Way, ErrorCode> {
        let rank = self.rank_of_newcomer(join);
        if rank != Rank::Owner && self.bans.has_banned(&join.user.id) {
            return Err(ErrorCode::RoomBanned);
        }
        self.is_open_for(rank, now)?;
        if is_in {
            return Ok(Way::In);
        }
        if self.is_turned_away(join, rank) {
            return Err(ErrorCode::RoomDenied);
        }
        let is_back = self.is_back(&join.user.id, now);
        if !is_back && !self.takes(&join.user, rank) {
            return Err(ErrorCode::RoomAccountsOnly);
        }
        if self.facts.locked && !is_back && !self.allows(rank, Action::EnterLocked) {
            return Err(ErrorCode::RoomLocked);
        }
        if !is_back && self.must_wait(join, rank) {
            return match self.lobby.has_place_for(&join.user.id) {
                true => Ok(Way::Wait),
                false => Err(ErrorCode::RoomFull),
            };
        }
        match self.has_place_for(rank) {
            true => Ok(Way::In),
            false => Err(ErrorCode::RoomFull),
        }
    }

    /// Whether there is room for a person of `rank`. A full room still takes its owner, so it holds at most one person
    /// more than its limit.
    fn has_place_for(&self, rank: Rank) -> bool {
        rank == Rank::Owner || self.free_places() > 0
    }

    /// Whether the room's time lets somebody of `rank` in.
    pub(super) fn is_open_for(&self, rank: Rank, now: Timestamp) -> Result<(), ErrorCode> {
        let may_take_up_again = rank == Rank::Owner && self.facts.permanent;
        if self.is_over(now) && !may_take_up_again {
            return Err(ErrorCode::RoomEnded);
        }
        if self.is_too_early(now) && !self.allows(rank, Action::EnterEarly) {
            return Err(ErrorCode::RoomNotStarted);
        }
        Ok(())
    }

    /// Whether the room takes this kind of user. An invite does not bring guests into a room for accounts only: a link
    /// can be handed on, and an account cannot.
    pub(super) fn takes(&self, user: &User, rank: Rank) -> bool {
        self.facts.guests || user.kind == UserKind::Account || self.allows(rank, Action::SkipLobby)
    }

    /// Whether a newcomer must wait to be let in. An invite usually skips the waiting room. Guests from the network of
    /// a banned guest always wait, because a banned guest can come again under another name.
    pub(super) fn must_wait(&self, join: &Join, rank: Rank) -> bool {
        let is_suspect = self.is_suspect(&join.user, join.address);
        let waits = self.facts.waiting.holds(join.user.kind) && !join.pass || is_suspect;
        waits && !self.allows(rank, Action::SkipLobby)
    }

    /// Whether a banned guest came from the same network.
    pub(super) fn is_suspect(&self, user: &User, address: Network) -> bool {
        user.kind == UserKind::Guest && self.bans.has_banned_guest_of(address)
    }

    /// Whether the user was turned away at the waiting room. Neither an invite nor switching the waiting room off lifts
    /// that.
    fn is_turned_away(&self, join: &Join, rank: Rank) -> bool {
        self.bans.has_denied(&join.user.id) && !self.allows(rank, Action::SkipLobby)
    }

    /// Whether somebody was in a moment ago, and has not left.
    fn is_back(&self, user: &UserId, now: Timestamp) -> bool {
        let away = self.meeting.away.find(user);
        away.is_some_and(|at| now < at.plus_millis(WELCOME_BACK_MS))
    }

    /// How many more may come in.
    pub(super) fn free_places(&self) -> usize {
        let places = self
            .facts
            .max_participants
            .saturating_sub(self.head_count());
        usize::try_from(places).unwrap_or(usize::MAX)
    }

    pub(super) fn rank_of_newcomer(&self, join: &Join) -> Rank {
        Rank::of(self.role_of(join), join.user.id == self.facts.owner.id)
    }

    fn allows(&self, rank: Rank, action: Action) -> bool {
        allows(rank, action, &self.facts.permissions)
    }

    /// A newer session of the same user replaces the participant `ghost`. The `newcomer` sees no event of it.
    fn replace(
        &mut self,
        ghost: &ParticipantId,
        newcomer: &ParticipantId,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        out.push(tell(ghost, Event::SessionReplaced(SessionReplaced {})));
        let close = Some(CloseReason::Replaced);
        self.depart(ghost, LeaveReason::Replaced, close, now, out);
        for effect in out {
            if let Effect::Broadcast { except, .. } = effect {
                *except = Some(newcomer.clone());
            }
        }
    }

    /// Takes a newcomer in and tells the others. All checks were done before.
    pub(super) fn enter(&mut self, mut join: Join, now: Timestamp, out: &mut Vec<Effect>) {
        if self.roster.is_empty() {
            self.begin(now);
        }
        let role = self.role_of(&join);
        let rank = self.rank_of_newcomer(&join);
        self.remember_role(&join);
        if !self.allows(rank, Action::Rename) {
            let before = self.meeting.names.find(&join.user.id);
            join.display_name = before.unwrap_or(&join.user.display_name).clone();
        }
        let first = self.meeting.first_joined.find(&join.user.id).copied();
        let since = first.or(join.first_joined_at).unwrap_or(now);
        self.meeting.first_joined.put(join.user.id.clone(), since);
        let mut person = Person::new(join, role, self.next_place(now));
        if rank == Rank::Member {
            person.begin_off(self.begin_off());
        }
        let participant = person.seen.clone();
        self.meeting.away.forget(&participant.user.id);
        self.roster.add(person);
        out.push(media(MediaCommand::Admit {
            participant: participant.id.clone(),
        }));
        let except = Some(participant.id.clone());
        out.push(broadcast(
            except,
            Event::ParticipantJoined(ParticipantData {
                participant: participant.clone(),
            }),
        ));
        out.push(Effect::History(History::Joined {
            participant: participant.id,
            user: Box::new(participant.user),
            display_name: participant.display_name,
            role,
            at: now,
        }));
        if rank == Rank::Owner {
            self.ended = None;
            self.restore_roles(out);
        }
    }

    /// The sources that members start switched off.
    fn begin_off(&self) -> Vec<Source> {
        let sources = [
            (self.facts.start_muted, Source::Microphone),
            (self.facts.start_camera_off, Source::Camera),
        ];
        let off = sources.into_iter().filter(|(is_off, _)| *is_off);
        off.map(|(_, source)| source).collect()
    }

    /// A person who comes back goes on with the sources that they had.
    fn let_start_at_once(&mut self, id: &ParticipantId) {
        if let Some(person) = self.roster.find_mut(id) {
            person.begin_off(Vec::new());
        }
    }

    /// The time at which a newcomer is shown to have joined: later than everybody else. When many are let in at once,
    /// each gets a time of their own, so that all clients sort them alike.
    fn next_place(&self, now: Timestamp) -> Timestamp {
        let others = self.roster.iter().map(|person| person.seen.joined_at);
        let after_them = others.max().map(|last| last.plus_millis(1));
        after_them.map_or(now, |place| place.max(now))
    }

    /// The role of a newcomer.
    pub(super) fn role_of(&self, join: &Join) -> Role {
        if join.user.id == self.facts.owner.id {
            return Role::Host;
        }
        let given = self.meeting.roles.find(&join.user.id);
        given.or(join.role).unwrap_or(Role::Member)
    }

    /// A role from an invite or the store lasts until the meeting ends, like a role that was given in the meeting.
    fn remember_role(&mut self, join: &Join) {
        if let Some(role) = join.role {
            self.meeting.roles.bring(&join.user.id, role);
        }
    }
}
