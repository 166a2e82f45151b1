//! The way of a packet through a room, and what is done for it from time to time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::media::peer::connection::Connection;
use crate::media::peer::path::Path;
use crate::media::peer::transport::Received;
use crate::media::room::publisher::{Arrival, Report, rate_window};
use crate::media::room::quality::REVIEW_EVERY;
use crate::media::room::speech::speakers;
use crate::media::room::subscriber::{Forwarded, Wish};
use crate::media::room::track::Layer as TrackLayer;
use crate::media::room::{Key, Member, Room, Route, Target, Turn};
use crate::meeting::media::MediaEvent;
use crate::protocol::event::SlotsData;
use crate::protocol::object::{Layer, Leg, MediaKind, Source};

/// Who speaks is told at most this often.
const SPEAKERS_EVERY: Duration = Duration::from_millis(300);
/// Sender reports go out this often.
const REPORTS_EVERY: Duration = Duration::from_secs(1);

impl Member {
    pub(in crate::media) fn connection(&mut self, leg: Leg) -> Option<&mut Connection> {
        match leg {
            Leg::Up => self.up.as_mut().map(|up| &mut up.connection),
            Leg::Down => self.down.as_mut().map(|down| &mut down.connection),
        }
    }
}

impl Room {
    /// Takes a datagram for one of the room's connections.
    pub fn receive(&mut self, route: Route, path: Path, datagram: &mut [u8], turn: &mut Turn<'_>) {
        let Some(member) = self.members.get_mut(&route.member) else {
            return;
        };
        let Some(connection) = member.connection(route.leg) else {
            return;
        };
        let received = connection.receive(path, datagram, turn.now);
        match (received, route.leg) {
            (Received::Rtp(packet), Leg::Up) => {
                let up = member.up.as_mut();
                let arrival = up.and_then(|up| up.arrived(packet, turn.arrived, turn.now));
                if let Some(arrival) = arrival {
                    self.forward(route.member, &arrival, turn);
                }
                // Nothing else comes of media.
                return;
            }
            (Received::Rtcp(compound), Leg::Up) => {
                if let Some(up) = &mut member.up {
                    up.hear(compound, turn.ntp, turn.now);
                }
            }
            (Received::Rtcp(compound), Leg::Down) => self.hear(route.member, compound, turn),
            // Nobody sends media where they receive.
            (Received::Rtp(_), Leg::Down) | (Received::Nothing, _) => {}
        }
        self.attend(route.member, route.leg, turn);
    }

    /// Takes what a subscriber reports: repairs what was lost, from what the source's history has of it.
    fn hear(&mut self, key: Key, compound: &[u8], turn: &mut Turn<'_>) {
        let Self {
            members, tracks, ..
        } = self;
        let member = members.get_mut(&key);
        let Some(down) = member.and_then(|member| member.down.as_mut()) else {
            return;
        };
        let mut keyframes = Vec::new();
        down.hear(compound, turn.ntp, turn.now, |down, wish| match wish {
            Wish::Keyframe(slot) => keyframes.extend(down.track_of(slot)),
            Wish::Again(slot, sent) => {
                let track = down.track_of(slot).and_then(|track| tracks.get(&track));
                let packet = track.and_then(|track| track.layer().history.get(sent.source));
                if let Some(packet) = packet {
                    down.send_again(slot, &packet, &sent, turn.out, turn.now);
                }
            }
        });
        for track in keyframes {
            self.want_keyframe(track, turn);
        }
    }

    /// Does whatever a connection has to say.
    pub(in crate::media) fn attend(&mut self, key: Key, leg: Leg, turn: &mut Turn<'_>) {
        match leg {
            Leg::Up => self.refresh_pictures(key),
            Leg::Down => self.attend_down(key, turn),
        }
        self.settle_connection(key, leg, turn);
    }

    /// After an interruption packets may be missing that nobody can repair any more.
    /// The keyframe is asked for at the next tick, as now the request could overtake what makes the client listen.
    fn refresh_pictures(&mut self, key: Key) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let Some(up) = &mut member.up else { return };
        up.note_events();
        if !up.take_resumed() {
            return;
        }
        for (_, track) in member.started.iter() {
            if let Some(track) = self
                .tracks
                .get_mut(&track)
                .filter(|track| track.is_picture())
            {
                track.layer_mut().keyframe_wanted = true;
            }
        }
    }

    /// Where media may flow, or flows another way, whatever the slots carry begins anew.
    fn attend_down(&mut self, key: Key, turn: &mut Turn<'_>) {
        let member = self.members.get_mut(&key);
        let Some(down) = member.and_then(|member| member.down.as_mut()) else {
            return;
        };
        if !down.note_events() {
            return;
        }
        let slots = down.slots.iter();
        let pictures = slots.filter(|slot| slot.kind == MediaKind::Video);
        let tracks: Vec<Key> = pictures.filter_map(|slot| slot.track).collect();
        for track in tracks {
            self.want_keyframe(track, turn);
        }
    }

    /// Sends a packet to everyone whose slots carry its track. Nothing of a source that is stopped or muted passes,
    /// whichever stream it comes on.
    fn forward(&mut self, owner: Key, arrival: &Arrival<'_>, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get_mut(&owner) else {
            return;
        };
        member.note_clock(arrival.report, turn);
        let Some(key) = member.started.get(arrival.source) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&key).filter(|track| !track.muted) else {
            return;
        };
        if track.is_picture() {
            note_picture(track.layer_mut(), arrival, turn);
        } else {
            track.loudness.hear(arrival.level, turn.now);
        }
        let format = track.format.as_ref();
        let is_known = format.is_some_and(|(name, _)| *name == arrival.codec.name);
        if track.layer().stream != Some(arrival.ssrc) || !is_known {
            self.note_format(key, arrival);
        }
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let targets = std::mem::take(&mut track.layer_mut().targets);
        let mut needs_keyframe = false;
        for target in &targets {
            let outcome = match *target {
                Target::Slot { member, slot } => self.forward_to(member, slot, arrival, turn),
            };
            needs_keyframe |= outcome == Forwarded::NeedsKeyframe;
        }
        if let Some(track) = self.tracks.get_mut(&key) {
            track.layer_mut().targets = targets;
        }
        if needs_keyframe {
            self.want_keyframe(key, turn);
        }
    }

    fn forward_to(
        &mut self,
        subscriber: Key,
        slot: usize,
        arrival: &Arrival<'_>,
        turn: &mut Turn<'_>,
    ) -> Forwarded {
        let down = self
            .members
            .get_mut(&subscriber)
            .and_then(|member| member.down.as_mut());
        let Some(down) = down else {
            return Forwarded::Done;
        };
        let outcome = down.forward(slot, arrival, turn.out, turn.now);
        let undecodable = outcome == Forwarded::Undecodable;
        if let Some(carried) = down.slots.get_mut(slot)
            && carried.undecodable != undecodable
        {
            carried.undecodable = undecodable;
            self.tell_slot(subscriber, slot);
        }
        outcome
    }

    pub(in crate::media) fn tell_slot(&mut self, subscriber: Key, slot: usize) {
        let Some(member) = self.members.get(&subscriber) else {
            return;
        };
        let Some(slot) = member.down.as_ref().and_then(|down| down.slots.get(slot)) else {
            return;
        };
        let track = slot.track.and_then(|track| self.tracks.get(&track));
        let told = slot.told(
            track.map(|track| track.id.clone()),
            track.and_then(|track| track.layer().rid.clone()),
        );
        self.outbox.push(MediaEvent::Slots {
            to: member.id.clone(),
            slots: SlotsData { slots: vec![told] },
        });
    }

    /// Tells what of a track arrives, where that is new.
    fn note_format(&mut self, key: Key, arrival: &Arrival<'_>) {
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let up = self
            .members
            .get(&track.owner)
            .and_then(|member| member.up.as_ref());
        let (layer, layers) = up
            .map(|up| (up.layer(track.source), up.layers(track.source)))
            .unwrap_or_default();
        track.layer_mut().stream = Some(arrival.ssrc);
        let format = (arrival.codec.name.clone(), layers);
        if track.format.as_ref() != Some(&format) {
            self.outbox.push(format_event(&track.id, &format));
            track.format = Some(format);
        }
        if track.layer().rid != layer {
            track.layer_mut().rid = layer;
            for target in track.layer().targets.clone() {
                let Target::Slot { member, slot } = target;
                self.tell_slot(member, slot);
            }
        }
    }

    /// Asks for a keyframe of a track now, or as soon as it may be asked again.
    pub(in crate::media) fn want_keyframe(&mut self, key: Key, turn: &mut Turn<'_>) {
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let layer = track.layer_mut();
        layer.keyframe_wanted = true;
        let is_free = layer.keyframes.is_free(turn.now);
        let owner = self.members.get_mut(&track.owner);
        let Some(up) = owner.and_then(|member| member.up.as_mut()) else {
            return;
        };
        if is_free && up.request_keyframe(track.source, turn.out) {
            let layer = track.layer_mut();
            layer.keyframe_wanted = false;
            layer.keyframes.note(turn.now);
        }
    }

    /// Does what is due by now.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        self.tend_connections(turn);
        for up in self
            .members
            .values_mut()
            .filter_map(|member| member.up.as_mut())
        {
            up.tell(turn.ntp, turn.out, turn.now);
        }
        self.narrow(turn);
        let wanted: Vec<Key> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.layer().keyframe_wanted)
            .map(|(key, _)| *key)
            .collect();
        for key in wanted {
            self.want_keyframe(key, turn);
        }
        if is_due(&mut self.clocks.layers, rate_window(), turn.now) {
            self.review_layers();
        }
        if is_due(&mut self.clocks.speakers, SPEAKERS_EVERY, turn.now) {
            self.review_speakers(turn);
        }
        if is_due(&mut self.clocks.reports, REPORTS_EVERY, turn.now) {
            self.send_reports(turn);
        }
        if is_due(&mut self.clocks.quality, REVIEW_EVERY, turn.now) {
            self.review_quality(turn);
        }
        self.outbox.flush();
    }

    fn tend_connections(&mut self, turn: &mut Turn<'_>) {
        let mut due = Vec::new();
        for (key, member) in self.members.iter_mut() {
            for leg in [Leg::Up, Leg::Down] {
                let Some(connection) = member.connection(leg) else {
                    continue;
                };
                let is_due = connection.due().is_some_and(|due| due <= turn.now);
                if is_due {
                    connection.handle_timeout(turn.now);
                }
                if is_due || connection.is_over(turn.now) {
                    due.push((key, leg));
                }
            }
        }
        for (key, leg) in due {
            self.attend(key, leg, turn);
        }
    }

    fn review_layers(&mut self) {
        for member in self.members.values_mut() {
            let Some(up) = member.up.as_mut() else {
                continue;
            };
            up.choose_layers();
            for (source, key) in member.started.iter() {
                let Some(track) = self.tracks.get_mut(&key) else {
                    continue;
                };
                let Some((_, known)) = track.format.as_mut() else {
                    continue;
                };
                let layers = up.layers(source);
                if *known != layers {
                    *known = layers;
                    if let Some(format) = &track.format {
                        self.outbox.push(format_event(&track.id, format));
                    }
                }
            }
        }
    }

    fn review_speakers(&mut self, turn: &mut Turn<'_>) {
        let voices = self
            .tracks
            .values()
            .filter(|track| track.source == Source::Microphone && !track.muted);
        let speaking = voices.filter(|track| track.loudness.is_speech(turn.now));
        let now = speakers(
            speaking.map(|track| (track.owner, track.loudness.now(turn.now))),
            &self.speakers,
        );
        if now != self.speakers {
            let ids = now
                .iter()
                .filter_map(|key| self.members.get(key))
                .map(|member| member.id.clone());
            self.outbox.push(MediaEvent::Speakers {
                participants: ids.collect(),
            });
            self.speakers = now;
        }
        let sounds = self
            .tracks
            .values()
            .filter(|track| track.source.kind() == MediaKind::Audio && !track.muted);
        let sounds = sounds.count();
        let audio_slots = |member: &Member| {
            let slots = member.down.iter().flat_map(|down| &down.slots);
            slots.filter(|slot| slot.kind == MediaKind::Audio).count()
        };
        // Only where not all voices fit does loudness decide.
        if self
            .members
            .values()
            .any(|member| (1..sounds).contains(&audio_slots(member)))
        {
            self.reassign(turn);
        }
    }

    fn send_reports(&mut self, turn: &mut Turn<'_>) {
        let skew = |owner: Key| self.members.get(&owner).and_then(|member| member.skew);
        let skews: HashMap<Key, i64> = self
            .tracks
            .iter()
            .filter_map(|(key, track)| Some((*key, skew(track.owner)?)))
            .collect();
        for down in self
            .members
            .values_mut()
            .filter_map(|member| member.down.as_mut())
        {
            down.report(turn.ntp, &skews, turn.out, turn.now);
        }
    }
}

impl Member {
    /// Learns how far the sender's clock runs ahead of ours: by the report that was quickest, as a report's way
    /// only makes it seem late; slowly forgotten, as clocks drift.
    fn note_clock(&mut self, report: Option<Report>, turn: &Turn<'_>) {
        let Some(report) = report.filter(|report| report.at == turn.now || self.skew.is_none())
        else {
            return;
        };
        let age = ntp_duration(turn.now.saturating_duration_since(report.at));
        let seen = report.ntp.wrapping_sub(turn.ntp.wrapping_sub(age)) as i64;
        self.skew = Some(match self.skew {
            Some(skew) if seen < skew => skew.saturating_add(seen.saturating_sub(skew) / 64),
            _ => seen,
        });
    }
}

/// As NTP: 32 bits of seconds, 32 of their fraction.
pub(in crate::media) fn ntp_duration(duration: Duration) -> u64 {
    (duration.as_secs() << 32) | ((u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000)
}

/// Notes a packet of a picture, and keeps it for those who miss it.
fn note_picture(layer: &mut TrackLayer, arrival: &Arrival<'_>, turn: &Turn<'_>) {
    layer.rate.add(arrival.packet.payload.len(), turn.now);
    if arrival.keyframe {
        // Whoever waited for one has it.
        layer.keyframe_wanted = false;
        layer.keyframe_at = Some(turn.now);
    }
    // Another stream counts anew.
    if layer.stream != Some(arrival.ssrc) {
        layer.history.clear();
    }
    if !layer.targets.is_empty() {
        layer.history.keep(&arrival.packet, turn.now);
    }
}

fn format_event(
    track: &crate::protocol::ids::TrackId,
    format: &(String, Vec<String>),
) -> MediaEvent {
    let (codec, rids) = format;
    let layers = rids.iter().map(|rid| Layer {
        rid: rid.clone(),
        width: 0,
        height: 0,
        bitrate: 0,
    });
    MediaEvent::Format {
        track: track.clone(),
        codec: codec.clone(),
        layers: layers.collect(),
    }
}

fn is_due(last: &mut Instant, every: Duration, now: Instant) -> bool {
    let due = now.saturating_duration_since(*last) >= every;
    if due {
        *last = now;
    }
    due
}
