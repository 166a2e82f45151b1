//! One room: the function from command and time to answer and effects.

use super::chat::{Chat, Post};
use super::command::{Changes, Command, Join, Signal, Switch};
use super::effect::{CloseReason, Effect, History, Outcome, Reply, View};
use super::media::{MediaCommand, MediaEvent};
use super::permissions::{Action, allows, effective};
use super::roster::{Person, Roster};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{
    ChatData, EndReason, Event, LeaveReason, ParticipantData, ParticipantLeft, RoomData,
    RoomDeleted, RoomEnded, SessionReplaced, SignalCandidateData, SignalSdp, SpeakerActive,
    TrackData, TrackMuted, TrackUnpublished,
};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{self, Role, RoomState, Source, Topology, Track, User};
use crate::protocol::time::Timestamp;

/// What a refused or answered command gives.
type Answer = Result<Reply, ErrorCode>;

/// A room with somebody in it, or about to be.
///
/// Invariants: nobody is in it twice; participant ids are unique; a person's tracks are one per source; every `Joined`
/// of the history is followed by exactly one `Left`.
#[derive(Debug, Clone)]
pub struct Room {
    facts: object::Room,
    ended: bool,
    roster: Roster,
    chat: Chat,
}

impl Room {
    /// An empty room. `ended` says that a host ended its last meeting, which only the owner can take up again.
    pub fn new(facts: object::Room, ended: bool, chat: Chat) -> Self {
        Self {
            facts,
            ended,
            roster: Roster::default(),
            chat,
        }
    }

    /// Whether nobody is in.
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// How many are in.
    pub fn head_count(&self) -> u32 {
        u32::try_from(self.roster.len()).unwrap_or(u32::MAX)
    }

    /// Carries out one command at `now`.
    pub fn handle(&mut self, command: Command, now: Timestamp) -> Outcome {
        let mut effects = Vec::new();
        let out = &mut effects;
        let reply = match command {
            Command::Join(join) => self.join(join, now, out),
            Command::Knock(user) => self.knock(&user, now),
            Command::Look { participant } => self.view(&participant, now),
            Command::Leave {
                participant,
                reason,
            } => self.leave(&participant, reason, now, out),
            Command::End { by } => self.end(&by, now, out),
            Command::Close { reason } => self.over(reason, None, now, out),
            Command::Delete { by } => self.delete(by.as_ref(), now, out),
            Command::Edited(facts) => self.edited(*facts, now, out),
            Command::Roster => Ok(Reply::Roster(self.roster.seen())),
            Command::Update {
                participant,
                changes,
            } => self.update(&participant, changes, now, out),
            Command::Authorise {
                participant,
                action,
            } => self.authorise(&participant, action),
            Command::Post(post) => self.post(*post, out),
            Command::Signal { from, to, signal } => self.signal(from, to, signal, out),
            Command::Negotiated {
                participant,
                sources,
            } => self.negotiated(&participant, sources),
            Command::SetSource {
                participant,
                source,
                switch,
            } => self.set_source(&participant, source, switch, out),
            Command::Media(event) => self.media(event, out),
        };
        Outcome { reply, effects }
    }

    fn join(&mut self, join: Join, now: Timestamp, out: &mut Vec<Effect>) -> Answer {
        let role = self.role_of(&join.user);
        let ghost = self
            .roster
            .find_user(&join.user.id)
            .map(|person| person.seen.id.clone());
        self.admits(role, ghost.is_some(), now)?;
        if let Some(ghost) = ghost {
            self.replace(&ghost, &join.participant, now, out);
        }
        if role == Role::Host {
            self.ended = false;
        }
        let may_rename = allows(role, Action::Rename, &self.facts.permissions);
        let display_name = if may_rename {
            join.display_name
        } else {
            join.user.display_name.clone()
        };
        let person = Person::new(join.participant.clone(), join.user, display_name, role, now);
        let participant = person.seen.clone();
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
            participant: participant.id.clone(),
            user: Box::new(participant.user),
            display_name: participant.display_name,
            role,
            at: now,
        }));
        self.view(&join.participant, now)
    }

    fn knock(&self, user: &User, now: Timestamp) -> Answer {
        let is_in = self.roster.find_user(&user.id).is_some();
        self.admits(self.role_of(user), is_in, now)?;
        Ok(Reply::Done)
    }

    /// Whether somebody of `role` may come in; whoever is in already keeps their place.
    fn admits(&self, role: Role, is_in: bool, now: Timestamp) -> Result<(), ErrorCode> {
        let may_enter_locked = allows(role, Action::EnterLocked, &self.facts.permissions);
        // A meeting may run over its planned end while a host is in it.
        let over = self.ended
            || self.facts.end_at.is_some_and(|end| end <= now) && !self.roster.has_host();
        if over && role != Role::Host {
            return Err(ErrorCode::RoomEnded);
        }
        if is_in {
            return Ok(());
        }
        if self.facts.locked && !may_enter_locked {
            return Err(ErrorCode::RoomLocked);
        }
        if self.facts.lobby && !may_enter_locked {
            return Err(ErrorCode::RoomWaiting);
        }
        if self.head_count() >= self.facts.max_participants {
            return Err(ErrorCode::RoomFull);
        }
        Ok(())
    }

    fn role_of(&self, user: &User) -> Role {
        if user.id == self.facts.owner.id {
            Role::Host
        } else {
            Role::Member
        }
    }

    /// A newer session of the same user takes the place of `ghost`, whom `newcomer` never sees.
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

    /// Takes somebody out of the room and tells the rest.
    fn depart(
        &mut self,
        id: &ParticipantId,
        reason: LeaveReason,
        close: Option<CloseReason>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        if self.roster.remove(id).is_none() {
            return;
        }
        out.push(Effect::Release {
            participant: id.clone(),
            close,
        });
        out.push(media(MediaCommand::Dismiss {
            participant: id.clone(),
        }));
        let left = ParticipantLeft {
            participant: id.clone(),
            reason,
        };
        out.push(broadcast(None, Event::ParticipantLeft(left)));
        out.push(Effect::History(History::Left {
            participant: id.clone(),
            reason,
            at: now,
        }));
    }

    fn leave(
        &mut self,
        id: &ParticipantId,
        reason: LeaveReason,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.person(id)?;
        self.depart(id, reason, None, now, out);
        Ok(Reply::Done)
    }

    fn end(&mut self, by: &ParticipantId, now: Timestamp, out: &mut Vec<Effect>) -> Answer {
        self.allowed(by, Action::End)?;
        self.over(EndReason::Host, Some(by), now, out)
    }

    fn over(
        &mut self,
        reason: EndReason,
        by: Option<&ParticipantId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.ended = true;
        let ended = RoomEnded {
            identity: self.facts.identity.clone(),
            reason,
        };
        self.empty(Event::RoomEnded(ended), by, now, out);
        Ok(Reply::Done)
    }

    fn delete(
        &mut self,
        by: Option<&ParticipantId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let deleted = RoomDeleted {
            identity: self.facts.identity.clone(),
        };
        self.empty(Event::RoomDeleted(deleted), by, now, out);
        Ok(Reply::Done)
    }

    /// Tells everyone why and sends everyone out; only the socket of the one who did it stays open.
    fn empty(
        &mut self,
        why: Event,
        by: Option<&ParticipantId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        out.push(broadcast(None, why));
        for person in self.roster.clear() {
            let participant = person.seen.id;
            let close = (by != Some(&participant)).then_some(CloseReason::Ended);
            out.push(Effect::Release {
                participant: participant.clone(),
                close,
            });
            out.push(Effect::History(History::Left {
                participant,
                reason: LeaveReason::Ended,
                at: now,
            }));
        }
        out.push(media(MediaCommand::Close));
    }

    fn edited(&mut self, facts: object::Room, now: Timestamp, out: &mut Vec<Effect>) -> Answer {
        if facts.version <= self.facts.version {
            // An edit that was stored earlier and comes later must not undo what is newer.
            return Ok(Reply::Done);
        }
        // How media travels cannot change under the feet of those who are connected already.
        let topology = if self.is_empty() {
            facts.topology
        } else {
            self.facts.topology
        };
        self.facts = object::Room { topology, ..facts };
        out.push(broadcast(
            None,
            Event::RoomUpdated(RoomData {
                room: self.snapshot(now),
            }),
        ));
        Ok(Reply::Done)
    }

    fn update(
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
            self.allowed(id, Action::Unmute)?;
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
            // Said of oneself: between peers a client may send without telling of its tracks.
            person.seen.audio = audio;
            set_muted(person, Source::Microphone, !audio, out);
        }
        if let Some(video) = changes.video {
            person.seen.video = video;
            set_muted(person, Source::Camera, !video, out);
        }
        let after = person.seen.clone();
        if after != before {
            out.push(updated(after.clone()));
        }
        Ok(Reply::Participant(Box::new(after)))
    }

    fn authorise(&self, id: &ParticipantId, action: Action) -> Answer {
        let person = self.allowed(id, action)?;
        Ok(Reply::Participant(Box::new(person.seen.clone())))
    }

    fn post(&mut self, post: Post, out: &mut Vec<Effect>) -> Answer {
        let action = if post.message.to.is_some() {
            Action::ChatPrivately
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
                self.roster.find(to).ok_or(ErrorCode::ParticipantNotFound)?;
                out.push(tell(&message.participant, event.clone()));
                if *to != message.participant {
                    out.push(tell(to, event));
                }
            }
        }
        self.chat.push(post);
        Ok(Reply::Message(Box::new(message)))
    }

    fn signal(
        &self,
        from: ParticipantId,
        to: ParticipantId,
        signal: Signal,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.person(&from)?;
        if from == to || self.roster.find(&to).is_none() {
            return Err(ErrorCode::SignalNotFound);
        }
        let event = match signal {
            Signal::Offer { connection, sdp } => Event::SignalOffer(SignalSdp {
                from,
                connection,
                sdp,
            }),
            Signal::Answer { connection, sdp } => Event::SignalAnswer(SignalSdp {
                from,
                connection,
                sdp,
            }),
            Signal::Candidate {
                connection,
                candidate,
            } => Event::SignalCandidate(SignalCandidateData {
                from,
                connection,
                candidate,
            }),
        };
        out.push(tell(&to, event));
        Ok(Reply::Done)
    }

    fn negotiated(&mut self, id: &ParticipantId, sources: Vec<(Source, Option<String>)>) -> Answer {
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        person.set_negotiated(sources);
        Ok(Reply::Done)
    }

    fn set_source(
        &mut self,
        id: &ParticipantId,
        source: Source,
        switch: Switch,
        out: &mut Vec<Effect>,
    ) -> Answer {
        match switch {
            Switch::Off => self.stop_source(id, source, out),
            Switch::On { track, muted } => {
                let person = self.allowed(id, Action::Publish(source))?;
                // Between peers there is nothing to negotiate here; the roster alone is kept true.
                if self.facts.topology == Topology::Sfu && !person.has_negotiated(source) {
                    return Err(ErrorCode::MediaUnsupported);
                }
                if source == Source::Microphone && !muted {
                    self.allowed(id, Action::Unmute)?;
                }
                self.start_source(id, source, track, muted, out)
            }
        }
    }

    fn start_source(
        &mut self,
        id: &ParticipantId,
        source: Source,
        track: crate::protocol::ids::TrackId,
        muted: bool,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        if person.track(source).is_some() {
            // It runs already: at most its being muted changes.
            set_muted(person, source, muted, out);
        } else {
            let codec = person.codec_of(source);
            let kind = source.kind();
            let track = Track {
                id: track,
                participant: id.clone(),
                kind,
                source,
                muted,
                codec,
                layers: Vec::new(),
            };
            person.add_track(track.clone());
            let (participant, track_id) = (id.clone(), track.id.clone());
            out.push(media(MediaCommand::StartTrack {
                participant,
                track: track_id,
                source,
                muted,
            }));
            out.push(broadcast(None, Event::TrackPublished(TrackData { track })));
        }
        let track = person.track(source).cloned();
        follow_source(person, source, !muted, out);
        Ok(Reply::Track(track))
    }

    fn stop_source(&mut self, id: &ParticipantId, source: Source, out: &mut Vec<Effect>) -> Answer {
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        if let Some(track) = person.remove_track(source) {
            out.push(media(MediaCommand::StopTrack {
                track: track.id.clone(),
            }));
            let gone = TrackUnpublished {
                track: track.id,
                participant: id.clone(),
            };
            out.push(broadcast(None, Event::TrackUnpublished(gone)));
        }
        follow_source(person, source, false, out);
        Ok(Reply::Track(None))
    }

    fn media(&mut self, event: MediaEvent, out: &mut Vec<Effect>) -> Answer {
        match event {
            MediaEvent::Slots { to, slots } => {
                out.extend(self.tell_if_in(&to, Event::MediaSlots(slots)))
            }
            MediaEvent::Offer { to, offer } => {
                out.extend(self.tell_if_in(&to, Event::MediaOffer(offer)))
            }
            MediaEvent::Speakers { mut participants } => {
                participants.retain(|id| self.roster.find(id).is_some());
                out.push(broadcast(
                    None,
                    Event::SpeakerActive(SpeakerActive { participants }),
                ));
            }
            MediaEvent::Format {
                track,
                codec,
                layers,
            } => {
                let Some((id, source)) = self.roster.find_track(&track) else {
                    return Ok(Reply::Done);
                };
                let person = self
                    .roster
                    .find_mut(&id)
                    .ok_or(ErrorCode::ParticipantNotFound)?;
                let Some(known) = person.track_mut(source) else {
                    return Ok(Reply::Done);
                };
                if known.codec.as_ref() != Some(&codec) || known.layers != layers {
                    known.codec = Some(codec);
                    known.layers = layers;
                    out.push(updated(person.seen.clone()));
                }
            }
        }
        Ok(Reply::Done)
    }

    fn tell_if_in(&self, to: &ParticipantId, event: Event) -> Option<Effect> {
        self.roster.find(to).map(|_| tell(to, event))
    }

    fn person(&self, id: &ParticipantId) -> Result<&Person, ErrorCode> {
        self.roster.find(id).ok_or(ErrorCode::RoomNotJoined)
    }

    fn allowed(&self, id: &ParticipantId, action: Action) -> Result<&Person, ErrorCode> {
        let person = self.person(id)?;
        if allows(person.seen.role, action, &self.facts.permissions) {
            Ok(person)
        } else {
            Err(ErrorCode::PermDenied)
        }
    }

    fn view(&self, id: &ParticipantId, now: Timestamp) -> Answer {
        let me = self.person(id)?.seen.clone();
        let permissions = effective(me.role, &self.facts.permissions);
        let chat = self.chat.page_for(&me.user.id);
        let (room, participants) = (self.snapshot(now), self.roster.seen());
        Ok(Reply::View(Box::new(View {
            room,
            me,
            participants,
            permissions,
            chat,
        })))
    }

    /// The room as it travels.
    fn snapshot(&self, now: Timestamp) -> object::Room {
        let participants = self.head_count();
        let state = state_of(&self.facts, participants, self.ended, now);
        object::Room {
            participants,
            state,
            ..self.facts.clone()
        }
    }
}

/// What a room is doing at `now`, with so many people in it.
pub fn state_of(facts: &object::Room, participants: u32, ended: bool, now: Timestamp) -> RoomState {
    if participants > 0 {
        RoomState::Live
    } else if ended || facts.end_at.is_some_and(|end| end <= now) {
        RoomState::Ended
    } else if facts.begin_at.is_some_and(|begin| begin > now) {
        RoomState::Scheduled
    } else {
        RoomState::Open
    }
}

fn media(command: MediaCommand) -> Effect {
    Effect::Media(command)
}

fn tell(to: &ParticipantId, event: Event) -> Effect {
    Effect::Tell {
        to: to.clone(),
        event: Box::new(event),
    }
}

fn broadcast(except: Option<ParticipantId>, event: Event) -> Effect {
    Effect::Broadcast {
        except,
        event: Box::new(event),
    }
}

fn updated(participant: object::Participant) -> Effect {
    broadcast(
        None,
        Event::ParticipantUpdated(ParticipantData { participant }),
    )
}

/// Mutes or unmutes the track of `source`, if it runs and is not so already.
fn set_muted(person: &mut Person, source: Source, muted: bool, out: &mut Vec<Effect>) {
    let participant = person.seen.id.clone();
    let Some(track) = person
        .track_mut(source)
        .filter(|track| track.muted != muted)
    else {
        return;
    };
    track.muted = muted;
    let track = track.id.clone();
    out.push(media(MediaCommand::SetMuted {
        track: track.clone(),
        muted,
    }));
    out.push(broadcast(
        None,
        Event::TrackMuted(TrackMuted {
            track,
            participant,
            muted,
            by: None,
        }),
    ));
}

/// Lets `audio` and `video` follow what a microphone or a camera does, and tells everyone of a change.
fn follow_source(person: &mut Person, source: Source, on: bool, out: &mut Vec<Effect>) {
    let flag = match source {
        Source::Microphone => &mut person.seen.audio,
        Source::Camera => &mut person.seen.video,
        Source::Screen | Source::ScreenAudio => return,
    };
    if *flag != on {
        *flag = on;
        out.push(updated(person.seen.clone()));
    }
}
