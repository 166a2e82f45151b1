//! What a slot sends of a stream that carries several layers in itself.

use super::slot::DownSlot;
use crate::media::room::points;
use crate::media::room::publisher::Arrival;
use crate::media::rtp::dependency::Active;
use crate::media::rtp::part::Part;

/// What becomes of a packet, and which layer the slot has left with it.
pub(super) struct Sifted {
    pub fate: Fate,
    pub left: Option<usize>,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is sent, may end the picture there, and names these decode targets as active.
    Sent { ends: bool, active: Option<Active> },
    /// It is not sent.
    LeftOut,
    /// It would be sent if a keyframe had begun its layer.
    NeedsKeyframe,
    /// It came late and is not sent, but its number was kept for it: an empty one takes its place.
    Emptied,
}

impl DownSlot {
    /// Decides on a packet of a stream whose largest layer that comes is this one.
    pub(super) fn sift(&mut self, arrival: &Arrival<'_>, part: Part, largest: usize) -> Sifted {
        let limits = points::limits(self.aim(), largest);
        let packet = &arrival.packet;
        let place = (packet.timestamp, packet.marker);
        let flows = self.rewriter.is_anchored();
        let verdict = self.sieve.sift(part, place, limits, flows);
        let next = self.next.filter(|_| verdict.has_arrived);
        let left = next.map(|next| {
            self.next = None;
            std::mem::replace(&mut self.layer, next)
        });
        let flows = verdict.flows.zip(arrival.standing.targets);
        let fate = if verdict.passes {
            Fate::Sent {
                ends: verdict.marker,
                active: flows.map(|(flows, targets)| targets.within(flows.spatial, flows.temporal)),
            }
        } else if !self.rewriter.skip(packet.sequence) {
            Fate::Emptied
        } else if verdict.needs_keyframe {
            Fate::NeedsKeyframe
        } else {
            Fate::LeftOut
        };
        Sifted { fate, left }
    }
}
