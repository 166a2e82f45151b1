//! What people send, and what the media worker reports of it.
//!
//! A client starts its sources when it joins, without an action of the person. So where a room starts members muted,
//! the first start within ten seconds of joining begins muted. Later starts, and any start after `participant.update`,
//! are not changed.

use super::command::Switch;
use super::effect::{Effect, Reply};
use super::media::{MediaCommand, MediaEvent};
use super::permissions::may_send;
use super::room::{Answer, Room, broadcast, media, tell, updated};
use super::state::roster::Person;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{
    Event, MediaDemand, MediaFailed, QualityUpdate, SpeakerActive, TrackData, TrackMuted,
    TrackUnpublished,
};
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Source, Topology, Track};
use crate::protocol::time::Timestamp;

impl Room {
    pub(super) fn negotiated(
        &mut self,
        id: &ParticipantId,
        sources: Vec<(Source, Option<String>)>,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        person.set_negotiated(sources);
        let runs = person.seen.tracks.iter().map(|track| track.source);
        let cut_off: Vec<Source> = runs
            .filter(|source| !person.has_negotiated(*source))
            .collect();
        // A source that no connection can carry any more has stopped.
        for source in cut_off {
            self.stop(id, source, out);
        }
        Ok(Reply::Done)
    }

    pub(super) fn set_source(
        &mut self,
        id: &ParticipantId,
        source: Source,
        switch: Switch,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        match switch {
            Switch::Off => self.stop_source(id, source, out),
            Switch::On { track, muted } => {
                let person = self.person(id)?;
                if !may_send(self.rank_of(person), source, &self.facts.permissions) {
                    return Err(ErrorCode::PermDenied);
                }
                // In a peer-to-peer room the server negotiates nothing. It only keeps the roster current.
                if self.facts.topology == Topology::Sfu && !person.has_negotiated(source) {
                    return Err(ErrorCode::MediaUnsupported);
                }
                let muted = muted || person.begins_muted(source, now);
                if source == Source::Microphone && !muted {
                    self.may_unmute(id)?;
                }
                self.start_source(id, source, track, muted, out)
            }
        }
    }

    fn start_source(
        &mut self,
        id: &ParticipantId,
        source: Source,
        track: TrackId,
        muted: bool,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let person = self.roster.find_mut(id).ok_or(ErrorCode::RoomNotJoined)?;
        person.has_begun(source);
        if source == Source::Microphone {
            person.has_switched_microphone(!muted);
        }
        if person.track(source).is_some() {
            // It runs already, so only its muting can change.
            set_muted(person, source, muted, None, out);
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
        self.person(id)?;
        self.stop(id, source, out);
        Ok(Reply::Track(None))
    }

    /// Stops a source of a participant, if it runs.
    pub(super) fn stop(&mut self, id: &ParticipantId, source: Source, out: &mut Vec<Effect>) {
        let Some(person) = self.roster.find_mut(id) else {
            return;
        };
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
    }

    pub(super) fn media(&mut self, event: MediaEvent, out: &mut Vec<Effect>) -> Answer {
        match event {
            MediaEvent::Slots { to, slots } => {
                out.extend(self.tell_if_in(&to, Event::MediaSlots(slots)))
            }
            MediaEvent::Offer { to, offer } => {
                out.extend(self.tell_if_in(&to, Event::MediaOffer(offer)))
            }
            MediaEvent::Demand { track, layers } => {
                if let Some((owner, _)) = self.roster.find_track(&track) {
                    let demand = MediaDemand { track, layers };
                    out.push(tell(&owner, Event::MediaDemand(demand)));
                }
            }
            MediaEvent::Quality {
                participant,
                score,
                rtt_ms,
                loss,
            } => {
                if self.roster.find(&participant).is_some() {
                    let quality = QualityUpdate {
                        participant,
                        score,
                        rtt_ms,
                        loss,
                    };
                    out.push(broadcast(None, Event::QualityUpdate(quality)));
                }
            }
            MediaEvent::Speakers { mut participants } => {
                participants.retain(|id| self.roster.find(id).is_some());
                out.push(broadcast(
                    None,
                    Event::SpeakerActive(SpeakerActive { participants }),
                ));
            }
            MediaEvent::Failed => self.begin_media_anew(out),
            MediaEvent::Broke { participant } => {
                out.extend(self.tell_if_in(&participant, Event::MediaFailed(MediaFailed {})));
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

    /// Tells a media worker that has lost its state who is in and what runs. Tells all participants to connect to it
    /// again.
    pub(super) fn begin_media_anew(&self, out: &mut Vec<Effect>) {
        for person in self.roster.iter() {
            let participant = person.seen.id.clone();
            out.push(media(MediaCommand::Admit { participant }));
        }
        for track in self.roster.iter().flat_map(|person| &person.seen.tracks) {
            out.push(media(MediaCommand::StartTrack {
                participant: track.participant.clone(),
                track: track.id.clone(),
                source: track.source,
                muted: track.muted,
            }));
        }
        out.push(broadcast(None, Event::MediaFailed(MediaFailed {})));
        let nobody = SpeakerActive {
            participants: Vec::new(),
        };
        out.push(broadcast(None, Event::SpeakerActive(nobody)));
    }

    fn tell_if_in(&self, to: &ParticipantId, event: Event) -> Option<Effect> {
        self.roster.find(to).map(|_| tell(to, event))
    }
}

/// Mutes or unmutes the track of `source`, if it runs and that changes something. `by` is the participant who did it to
/// another.
pub(super) fn set_muted(
    person: &mut Person,
    source: Source,
    muted: bool,
    by: Option<&ParticipantId>,
    out: &mut Vec<Effect>,
) {
    let participant = person.seen.id.clone();
    let Some(track) = person
        .track_mut(source)
        .filter(|track| track.muted != muted)
    else {
        return;
    };
    track.muted = muted;
    let track = track.id.clone();
    let by = by.filter(|by| **by != participant).cloned();
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
            by,
        }),
    ));
}

/// Sets `audio` or `video` to what a microphone or a camera does, and tells everybody of a change.
pub(super) fn follow_source(person: &mut Person, source: Source, on: bool, out: &mut Vec<Effect>) {
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
