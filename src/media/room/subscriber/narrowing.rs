//! What a down connection sends when its line is too narrow for all that its slots carry.

use std::time::Instant;

use super::Down;
use crate::media::peer::arena::Arena;
use crate::media::room::Tracks;
use crate::media::room::allotment::{Bid, Share, allot, left_for_stills};
use crate::media::room::subscriber::slot::Waiting;
use crate::media::rtp::history::Stored;
use crate::protocol::object::MediaKind;

/// So many bytes are kept to probe the line with, or less; they are sent over and over where it takes more.
const TRAINS: [usize; 4] = [20_000, 10_000, 5_000, 2_500];

/// What the room does next for a subscriber.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::media) struct Narrowed {
    /// Slots that got another share.
    pub changed: Vec<usize>,
    /// Slots that wait for a still.
    pub stills: Vec<usize>,
    /// Slots whose subscriber asked for a keyframe too soon, which is due now.
    pub keyframes: Vec<usize>,
}

impl Down {
    /// Looks what the line carries now: gives every slot its share, sends what is due of stills, probes.
    pub fn narrow(&mut self, tracks: &mut Tracks, out: &mut Arena, now: Instant) -> Narrowed {
        let mut narrowed = Narrowed::default();
        if !self.connection.is_connected() {
            return narrowed;
        }
        self.pace(out, now);
        let slots = self.slots.iter_mut().enumerate();
        let due = slots.filter_map(|(index, slot)| slot.keyframes.take_due(now).then_some(index));
        narrowed.keyframes.extend(due);
        let is_held_back = |down: &Self| down.slots.iter().any(|slot| slot.share != Share::Whole);
        if self.line.limit(now).is_none() && !is_held_back(self) {
            return narrowed;
        }
        narrowed.changed = self.share_out(tracks, out, now);
        let slots = self.slots.iter().enumerate();
        let stills = slots.filter(|(_, slot)| {
            slot.share == Share::Stills && slot.track.is_some() && now >= slot.stills_from
        });
        narrowed.stills.extend(stills.map(|(index, _)| index));
        if is_held_back(self) {
            if let Some(bytes) = self.line.take_probe(now)
                && !self.probe(bytes, tracks, out, now)
            {
                self.line.try_unprobed(now);
            }
        } else {
            self.line.at_ease(now);
        }
        narrowed
    }

    /// Gives every picture its share; the indices of those that changed.
    fn share_out(&mut self, tracks: &mut Tracks, out: &mut Arena, now: Instant) -> Vec<usize> {
        let mut pictures: Vec<usize> = (0..self.slots.len())
            .filter(|index| {
                let slot = &self.slots[*index];
                slot.kind == MediaKind::Video && slot.track.is_some()
            })
            .collect();
        pictures.sort_by_key(|index| self.slots[*index].rank);
        let mut bids: Vec<Bid> = pictures
            .iter()
            .map(|index| {
                let slot = &self.slots[*index];
                let track = slot.track.and_then(|track| tracks.get_mut(&track));
                let rate = track.and_then(|track| track.layer_mut().rate.peak(now));
                let share = slot.share;
                Bid { rate, share }
            })
            .collect();
        let shares = match self.line.limit(now) {
            Some(limit) => {
                let sounds = self.line.sounds(now);
                let shares = allot(limit, sounds, &bids, self.line.may_grow(now));
                for (bid, share) in bids.iter_mut().zip(&shares) {
                    bid.share = *share;
                }
                let left = left_for_stills(limit, sounds, &bids);
                self.line.pacer.set_rate(left);
                shares
            }
            None => vec![Share::Whole; pictures.len()],
        };
        let mut changed = Vec::new();
        for (index, share) in pictures.into_iter().zip(shares) {
            if self.slots[index].share != share {
                self.turn_slot(index, share, tracks, out, now);
                changed.push(index);
            }
        }
        // One that carries nothing holds nothing back.
        for slot in &mut self.slots {
            if slot.track.is_none() {
                slot.share = Share::Whole;
            }
        }
        changed
    }

    fn turn_slot(
        &mut self,
        index: usize,
        share: Share,
        tracks: &Tracks,
        out: &mut Arena,
        now: Instant,
    ) {
        if share == Share::Whole {
            self.line.tried(now);
        } else if self.slots[index].share == Share::Whole {
            // From now on little is sent on it, and its source's history goes on without it.
            let mut sizes = TRAINS.into_iter();
            let train = sizes.find_map(|bytes| self.train(index, bytes, tracks));
            if let Some(train) = train {
                self.line.train = Some((index, train));
            }
        }
        // The rest of a still is numbered already, and would be missed.
        for (_, waiting) in self.line.pacer.take(index) {
            self.send_first(index, &waiting.packet.packet(), waiting.sent, out, now);
        }
        self.slots[index].turn_to(share, now);
    }

    /// Packets of a slot, most of them large and together so many bytes, that can be sent once more: there is a repair
    /// stream and transport-wide feedback, and their source still has them.
    fn train(&self, index: usize, bytes: usize, tracks: &Tracks) -> Option<Vec<Waiting>> {
        let slot = self.slots.get(index).filter(|slot| slot.is_numbered())?;
        let history = &tracks.get(&slot.track?)?.layer().history;
        let train = slot.buffer.probe(bytes).into_iter().map(|sent| {
            let packet = history.get(sent.source).filter(|_| sent.repair.is_some())?;
            let packet = Stored::of(&packet);
            Some(Waiting { sent, packet })
        });
        let train: Option<Vec<_>> = train.collect();
        train.filter(|train| !train.is_empty())
    }

    /// Begins to send what was sent already once more, to see how fast it arrives. Whether there is a way to.
    fn probe(&mut self, bytes: u64, tracks: &Tracks, out: &mut Arena, now: Instant) -> bool {
        let mut sizes = TRAINS.into_iter();
        let fresh = sizes.find_map(|bytes| {
            let mut slots = 0..self.slots.len();
            slots.find_map(|index| Some((index, self.train(index, bytes, tracks)?)))
        });
        let Some((index, train)) = fresh.or_else(|| self.line.train.clone()) else {
            return false;
        };
        self.line.begin_probe(index, train, bytes, now);
        self.pace(out, now);
        true
    }
}
