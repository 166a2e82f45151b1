//! How a packet goes through a room.

use crate::media::peer::connection::Connection;
use crate::media::peer::path::Path;
use crate::media::peer::transport::Received;
use crate::media::room::points;
use crate::media::room::publisher::Arrival;
use crate::media::room::publisher::Up;
use crate::media::room::subscriber::{Feedback, Forwarded};
use crate::media::room::{Key, Member, Room, Route, Side, Target, Turn};
use crate::meeting::media::MediaEvent;
use crate::protocol::event::SlotsData;
use crate::protocol::object::MediaKind;

impl Member {
    /// A connection on which they send.
    fn up(&mut self, number: u32) -> Option<&mut Up> {
        self.ups.iter_mut().find(|up| up.number == number)
    }

    pub(in crate::media) fn connection(&mut self, side: Side) -> Option<&mut Connection> {
        match side {
            Side::Up(number) => self.up(number).map(|up| &mut up.connection),
            Side::Down => self.down.as_mut().map(|down| &mut down.connection),
        }
    }

    /// Which connections there are.
    pub(in crate::media) fn sides(&self) -> impl Iterator<Item = Side> {
        let ups = self.ups.iter().map(|up| Side::Up(up.number));
        ups.chain(self.down.as_ref().map(|_| Side::Down))
    }
}

impl Room {
    /// Takes a datagram for one of the room's connections.
    pub fn receive(&mut self, route: Route, path: Path, datagram: &mut [u8], turn: &mut Turn<'_>) {
        let Some(member) = self.members.get_mut(&route.member) else {
            return;
        };
        let Some(connection) = member.connection(route.side) else {
            return;
        };
        let received = connection.receive(path, datagram, turn.now);
        match (received, route.side) {
            (Received::Rtp(packet), Side::Up(number)) => {
                let mut ups = member.ups.iter_mut();
                let up = ups.find(|up| up.number == number);
                let arrival = up.and_then(|up| up.arrived(packet, &member.wall, turn));
                if let Some(arrival) = arrival {
                    for recovered in arrival.recovered() {
                        self.forward(route.member, &recovered, turn);
                    }
                    self.forward(route.member, &arrival, turn);
                }
                // Nothing else comes of media.
                return;
            }
            (Received::Rtcp(compound), Side::Up(number)) => {
                let mut ups = member.ups.iter_mut();
                if let Some(up) = ups.find(|up| up.number == number) {
                    up.hear(compound, &mut member.wall, turn.ntp, turn.now);
                }
                self.note_ended(route.member);
            }
            (Received::Rtcp(compound), Side::Down) => self.hear(route.member, compound, turn),
            // Nobody sends media where they receive.
            (Received::Rtp(_), Side::Down) | (Received::Nothing, _) => {}
        }
        self.attend(route.member, route.side, turn);
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
        down.hear(
            compound,
            turn.ntp,
            turn.now,
            |down, feedback| match feedback {
                Feedback::Keyframe(slot) => keyframes.extend(down.layer_of(slot)),
                Feedback::Retransmit(slot, sent) => {
                    let track = down
                        .layer_of(slot)
                        .and_then(|(track, _)| tracks.get(&track));
                    let packet = track.and_then(|track| track.kept(sent.stream, sent.source));
                    if let Some(packet) = packet {
                        down.send_again(slot, &packet, &sent, turn.out, turn.now);
                    }
                }
            },
        );
        for (track, layer) in keyframes {
            self.want_keyframe(track, layer, turn);
        }
    }

    /// A layer whose stream was ended does not come any more: nobody need wait until it is missed.
    fn note_ended(&mut self, key: Key) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let ended = member.ups.iter_mut().flat_map(Up::take_ended);
        for (source, layer) in ended {
            let track = member.started.get(source);
            let track = track.and_then(|track| self.tracks.get_mut(&track));
            if let Some(track) = track {
                track.end(layer);
            }
        }
    }

    /// Handles all that a connection has to say.
    pub(in crate::media) fn attend(&mut self, key: Key, side: Side, turn: &mut Turn<'_>) {
        match side {
            Side::Up(_) => self.refresh_pictures(key),
            Side::Down => self.attend_down(key, turn),
        }
        self.settle_connection(key, side, turn);
    }

    /// After an interruption packets may be missing that nobody can repair any more.
    /// The keyframe is asked for at the next tick, as now the request could overtake what makes the client listen.
    fn refresh_pictures(&mut self, key: Key) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let mut resumed = false;
        for up in &mut member.ups {
            up.note_events();
            resumed |= up.take_resumed();
        }
        if !resumed {
            return;
        }
        for (_, track) in member.started.iter() {
            if let Some(track) = self
                .tracks
                .get_mut(&track)
                .filter(|track| track.is_picture())
            {
                track.refresh();
            }
        }
    }

    /// Where media may flow, or flows by another path, the slots' content begins anew.
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
        let layers: Vec<(Key, usize)> = pictures
            .filter_map(|slot| Some((slot.track?, slot.layer)))
            .collect();
        for (track, layer) in layers {
            self.want_keyframe(track, layer, turn);
        }
    }

    /// Sends a packet to everyone whose slots carry its track. Nothing of a source that is stopped or muted passes, on
    /// any of its streams.
    fn forward(&mut self, owner: Key, arrival: &Arrival<'_>, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get(&owner) else {
            return;
        };
        let Some(key) = member.started.get(arrival.source) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&key).filter(|track| !track.muted) else {
            return;
        };
        if track.is_picture() {
            track.note_picture(arrival, turn.now);
        } else {
            track.loudness.hear(arrival.level, turn.now);
        }
        if track.codec.as_ref() != Some(&arrival.codec.name) {
            track.codec = Some(arrival.codec.name.clone());
            self.tell_format(key, turn.now);
        }
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let largest = track.is_nested.then_some(track.largest);
        let Some(layer) = track.layers.get_mut(arrival.layer) else {
            return;
        };
        layer.stream = Some(arrival.ssrc);
        let targets = std::mem::take(&mut layer.targets);
        let mut needs_keyframe = false;
        for target in &targets {
            let Target::Slot { member, slot } = *target;
            match self.forward_to(member, slot, (arrival, largest), turn) {
                Forwarded::NeedsKeyframe => needs_keyframe = true,
                Forwarded::Switched(from) => self.leave(key, from, *target),
                Forwarded::Done | Forwarded::Undecodable => {}
            }
        }
        let track = self.tracks.get_mut(&key);
        if let Some(layer) = track.and_then(|track| track.layers.get_mut(arrival.layer)) {
            layer.targets = targets;
        }
        if needs_keyframe {
            self.want_keyframe(key, arrival.layer, turn);
        }
    }

    /// A slot carries another layer now.
    fn leave(&mut self, key: Key, layer: usize, target: Target) {
        let (track, layer) = (self.tracks.get_mut(&key), points::stream(layer));
        if let Some(layer) = track.and_then(|track| track.layers.get_mut(layer)) {
            layer.targets.retain(|one| *one != target);
        }
        let Target::Slot { member, .. } = target;
        self.tell_slots(member);
    }

    fn forward_to(
        &mut self,
        subscriber: Key,
        slot: usize,
        (arrival, largest): (&Arrival<'_>, Option<usize>),
        turn: &mut Turn<'_>,
    ) -> Forwarded {
        let down = self
            .members
            .get_mut(&subscriber)
            .and_then(|member| member.down.as_mut());
        let Some(down) = down else {
            return Forwarded::Done;
        };
        let outcome = down.forward(slot, (arrival, largest), turn.out, turn.now);
        let undecodable = outcome == Forwarded::Undecodable;
        if let Some(carried) = down.slots.get_mut(slot)
            && carried.undecodable != undecodable
        {
            carried.undecodable = undecodable;
            self.tell_slots(subscriber);
        }
        outcome
    }

    /// Tells a subscriber what is new of their slots.
    pub(in crate::media) fn tell_slots(&mut self, subscriber: Key) {
        let Some(member) = self.members.get_mut(&subscriber) else {
            return;
        };
        let down = member.down.as_mut();
        let slots = down.map(|down| down.take_news(&self.tracks));
        let slots = slots.unwrap_or_default();
        if !slots.is_empty() {
            self.outbox.push(MediaEvent::Slots {
                to: member.id.clone(),
                slots: SlotsData { slots },
            });
        }
    }

    /// Asks for a keyframe of a track's layer now, or as soon as it may be asked again.
    pub(in crate::media) fn want_keyframe(&mut self, key: Key, layer: usize, turn: &mut Turn<'_>) {
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let layer = track.carrier(layer);
        let Some(wanted) = track.layers.get_mut(layer) else {
            return;
        };
        wanted.keyframe_wanted = true;
        let owner = self.members.get_mut(&track.owner);
        let Some(owner) = owner.filter(|_| wanted.keyframes.is_free(turn.now)) else {
            return;
        };
        let mut ups = owner.ups.iter_mut();
        if ups.any(|up| up.request_keyframe(track.source, layer, turn.out)) {
            wanted.keyframe_wanted = false;
            wanted.keyframes.note(turn.now);
        }
    }
}
