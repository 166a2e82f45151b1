//! Which layer a slot carries and which it waits for, why it carries no larger one, and what is told of that.

use std::time::{Duration, Instant};

use super::slot::DownSlot;
use crate::media::room::Tracks;
use crate::media::room::allocate::{Class, Share};
use crate::media::room::points;
use crate::media::room::publisher::Arrival;
use crate::protocol::object::Slot;

/// A missing layer is expected to come for so long. Only then the subscriber is told of it.
const COMING: Duration = Duration::from_secs(3);

/// How a picture is preferred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Preferred {
    /// How important it is.
    pub class: Class,
    /// How high it is shown, in pixels.
    pub height: u32,
}

/// Why a subscriber gets less of a picture than they asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Lack {
    /// Their line carries no more.
    Bandwidth,
    /// Its sender sends no larger layer.
    Sender,
    /// The server has too much to do.
    Server,
}

/// What is told of a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reported {
    track: Option<u64>,
    layer: Option<usize>,
    reason: Option<&'static str>,
}

impl DownSlot {
    /// The layer that it is to carry.
    pub(super) fn aim(&self) -> usize {
        self.next.unwrap_or(self.layer)
    }

    /// Aims at this layer. The present one goes on until the next keyframe of the new one.
    pub(super) fn aim_at(&mut self, layer: usize) {
        self.is_planned = true;
        if self.layer == layer {
            self.next = None;
        } else if self.rewriter.is_anchored() && self.share == Share::Whole {
            self.next = Some(layer);
        } else {
            (self.layer, self.next) = (layer, None);
            self.release();
        }
    }

    /// Goes on with another layer, which this packet is the first of.
    pub(super) fn switch_to(&mut self, arrival: &Arrival<'_>) {
        (self.layer, self.next) = (self.aim(), None);
        self.sieve.reset();
        (self.stream, self.clock) = (Some(arrival.ssrc), None);
        self.rewriter.release();
    }

    /// What it lacks now. A layer that was just asked for has some time to come.
    pub(super) fn note_lack(&mut self, lack: Option<Lack>, now: Instant) {
        self.lack = lack;
        match lack {
            Some(Lack::Sender) => {
                self.missed_since.get_or_insert(now);
            }
            Some(Lack::Bandwidth | Lack::Server) | None => self.missed_since = None,
        }
        let waits = |since| now.saturating_duration_since(since) < COMING;
        self.is_coming = self.missed_since.is_some_and(waits);
    }

    /// What the subscriber is told of it.
    pub fn reported(&self, tracks: &Tracks) -> Slot {
        let Reported {
            track,
            layer,
            reason,
        } = self.state();
        let track = track.and_then(|track| tracks.get(&track));
        let name = track.zip(layer);
        let name = name.and_then(|(track, layer)| track.name(layer));
        Slot {
            mid: self.mid.clone(),
            kind: self.kind,
            track: track.map(|track| track.id.clone()),
            layer: name,
            reason: reason.map(str::to_owned),
        }
    }

    /// What was told last says nothing of what it carries now.
    pub(super) fn forget_reported(&mut self) {
        self.reported = Reported::default();
    }

    /// The same, if it is another than was told last.
    pub(super) fn take_news(&mut self, tracks: &Tracks) -> Option<Slot> {
        (self.reported != self.state()).then(|| self.tell(tracks))
    }

    /// The same, also when nothing is new.
    pub(in crate::media::room) fn tell(&mut self, tracks: &Tracks) -> Slot {
        self.reported = self.state();
        self.reported(tracks)
    }

    fn state(&self) -> Reported {
        let track = self.track.filter(|_| !self.undecodable);
        let flows = track.is_some() && self.share != Share::Nothing;
        Reported {
            track,
            // With fewer pictures it is the same one.
            layer: flows.then_some(points::stream(self.layer)),
            reason: self.reason(),
        }
    }

    fn reason(&self) -> Option<&'static str> {
        if self.undecodable {
            return Some("codec");
        }
        match self.lack.filter(|_| self.track.is_some()) {
            Some(Lack::Bandwidth) => Some("bandwidth"),
            Some(Lack::Sender) => (!self.is_coming).then_some("sender"),
            Some(Lack::Server) => Some("server"),
            None => None,
        }
    }
}
