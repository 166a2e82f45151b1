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
    /// Decides on a packet of a stream that carries several layers. `largest` is the largest of them that comes; none in
    /// simulcast, where it is one of several streams.
    pub(super) fn sift(
        &mut self,
        arrival: &Arrival<'_>,
        part: Part,
        largest: Option<usize>,
    ) -> Sifted {
        let is_here = |layer: usize| largest.is_some() || points::stream(layer) == arrival.layer;
        let aim = self
            .next
            .filter(|next| is_here(*next))
            .unwrap_or(self.layer);
        let limits = match largest {
            Some(largest) => points::limits(aim, largest),
            None => points::pace(aim),
        };
        let packet = &arrival.packet;
        let place = (packet.timestamp, packet.marker);
        let flows = self.rewriter.is_anchored();
        let verdict = self.sieve.sift(part, place, limits, flows);
        if verdict.flows.is_some_and(|flows| flows.temporal == 0) {
            self.rewriter.skip_missing(packet, part.temporal == 0);
        }
        let next = self
            .next
            .filter(|next| verdict.has_arrived && is_here(*next));
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
        } else if !self.rewriter.skip(packet) {
            Fate::Emptied
        } else if verdict.needs_keyframe {
            Fate::NeedsKeyframe
        } else {
            Fate::LeftOut
        };
        Sifted { fate, left }
    }
}
