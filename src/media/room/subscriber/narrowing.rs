//! What a down connection sends of what its slots carry: which layer of each picture. Where the line is too narrow for
//! all, it sends only stills of some, or nothing.

use std::time::Instant;

use super::Down;
use super::layered::Lack;
use crate::media::peer::arena::Arena;
use crate::media::room::allocate::{Grant, Means, Preference, Share, allocate, left_for_stills};
use crate::media::room::layers::Ladder;
use crate::media::room::points;
use crate::media::room::subscriber::slot::Waiting;
use crate::media::room::{Key, Tracks};
use crate::media::rtp::history::Stored;
use crate::media::rtp::resend::Sent;
use crate::protocol::object::MediaKind;

/// So many bytes are kept to probe the line with, or less; they are sent over and over where it takes more.
const TRAINS: [usize; 4] = [20_000, 10_000, 5_000, 2_500];

/// What the room does next for a subscriber: the indices are those of slots.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::media) struct Narrowed {
    /// What there is was shared out anew,
    pub is_shared_out: bool,
    /// and some slots take other layers now, or another share of them.
    pub is_changed: bool,
    /// They wait for a still.
    pub stills: Vec<usize>,
    /// Their subscriber asked for a keyframe too soon, which is due now.
    pub keyframes: Vec<usize>,
}

/// A picture that a slot carries.
struct Picture {
    slot: usize,
    /// All its layers, and the place of the one that fits.
    ladder: Ladder,
    ideal: usize,
    /// Those that come.
    alive: Ladder,
    /// The layer that is aimed at now; none at first.
    now: Option<usize>,
    /// How many of the layers the server has time for; all if not said.
    most: Option<usize>,
}

impl Picture {
    /// The best that the server has time for.
    fn best(&self) -> Grant {
        match self.most {
            Some(0) => Grant::Nothing,
            Some(most) => Grant::Layer(self.ideal.min(self.ladder.largest_of(most))),
            None => Grant::Layer(self.ideal),
        }
    }
}

impl Down {
    /// Looks what is to be sent now: gives every slot its layer or share, sends what is due of stills, probes.
    pub fn narrow(&mut self, tracks: &Tracks, out: &mut Arena, now: Instant) -> Narrowed {
        let mut narrowed = Narrowed::default();
        if !self.connection.is_connected() {
            return narrowed;
        }
        self.pace(out, now);
        let slots = self.slots.iter_mut().enumerate();
        let due = slots.filter_map(|(index, slot)| slot.keyframes.take_due(now).then_some(index));
        narrowed.keyframes.extend(due);
        let is_limited = self.line.limit(now).is_some() || self.is_held_back();
        let waits = || self.slots.iter().any(|slot| slot.is_coming);
        if !is_limited && !self.is_touched && !waits() {
            return narrowed;
        }
        narrowed.is_shared_out = true;
        narrowed.is_changed = self.share_out(tracks, out, now);
        let slots = self.slots.iter().enumerate();
        let stills = slots.filter(|(_, slot)| {
            slot.share == Share::Stills && slot.track.is_some() && now >= slot.stills_from
        });
        narrowed.stills.extend(stills.map(|(index, _)| index));
        if self.is_held_back() {
            if let Some(bytes) = self.line.take_probe(now)
                && !self.probe(bytes, tracks, out, now)
            {
                self.line.try_unprobed(now);
            }
        } else if is_limited {
            self.line.at_ease(now);
        }
        narrowed
    }

    /// Whether the subscriber gets less than they asked for because of the line.
    fn is_held_back(&self) -> bool {
        let mut slots = self.slots.iter();
        slots.any(|slot| match slot.lack {
            Some(Lack::Bandwidth) => true,
            Some(Lack::Sender) | None => slot.share != Share::Whole,
            Some(Lack::Server) => false,
        })
    }

    /// Gives every picture its layer and share. Whether any of them changed.
    pub fn share_out(&mut self, tracks: &Tracks, out: &mut Arena, now: Instant) -> bool {
        self.is_touched = false;
        let (pictures, left_out): (Vec<_>, Vec<_>) = self
            .pictures(tracks)
            .into_iter()
            .partition(|one| one.best() != Grant::Nothing);
        let means = self.line.limit(now).map(|limit| Means {
            limit,
            sounds: self.line.sounds(now),
            may_grow: self.line.may_grow(now),
        });
        let grant = |ladder: fn(&Picture) -> &Ladder| {
            let preferences = pictures.iter().map(|one| self.preference(one, ladder(one)));
            allocate(means.as_ref(), &preferences.collect::<Vec<_>>())
        };
        let given = grant(|one| &one.alive);
        let hoped = grant(|one| &one.ladder);
        if let Some(means) = &means {
            let whole = pictures.iter().zip(&given).map(|(one, grant)| match grant {
                Grant::Layer(place) => one.alive.rungs()[*place].rate,
                Grant::Stills | Grant::Nothing => Default::default(),
            });
            self.line
                .pacer
                .set_rate(left_for_stills(means, whole.sum()));
        }
        let mut changed = false;
        for ((picture, given), hoped) in pictures.iter().zip(given).zip(hoped) {
            changed |= self.settle(picture, given, hoped, tracks, out, now);
        }
        for picture in &left_out {
            let nothing = Grant::Nothing;
            changed |= self.settle(picture, nothing, nothing, tracks, out, now);
        }
        // One that carries nothing holds nothing back.
        for slot in &mut self.slots {
            if slot.track.is_none() || slot.kind == MediaKind::Audio {
                (slot.share, slot.lack, slot.uses) = (Share::Whole, None, 0);
            }
        }
        changed
    }

    fn pictures(&self, tracks: &Tracks) -> Vec<Picture> {
        let slots = self.slots.iter().enumerate();
        let pictures = slots.filter(|(_, slot)| slot.kind == MediaKind::Video);
        let pictures = pictures.filter_map(|(index, slot)| {
            let track = tracks.get(&slot.track?)?;
            let ladder = track.ladder;
            let now = slot.is_planned.then(|| slot.aim());
            let current = now.and_then(|now| ladder.place(now));
            Some(Picture {
                slot: index,
                ladder,
                ideal: ladder.fitting(slot.preferred.height, current),
                alive: ladder.alive(),
                now,
                most: track.most_layers,
            })
        });
        pictures.collect()
    }

    /// A picture's preference, as far as these layers fulfil it.
    fn preference(&self, picture: &Picture, ladder: &Ladder) -> Preference {
        let slot = &self.slots[picture.slot];
        let current = picture.now.and_then(|now| ladder.place(now));
        let ideal = ladder.fitting(slot.preferred.height, current);
        let ideal = picture
            .most
            .map_or(ideal, |most| ideal.min(ladder.largest_of(most)));
        let now = match (slot.share, current) {
            _ if !slot.is_planned => None,
            (Share::Whole, Some(place)) => Some(Grant::Layer(place)),
            (Share::Stills, _) => Some(Grant::Stills),
            (Share::Nothing, _) | (Share::Whole, None) => Some(Grant::Nothing),
        };
        Preference::new(slot.preferred.class, slot.rank, ladder, ideal, now)
    }

    /// Gives a slot what it is granted of the layers that come; `hoped` is what it would be granted if all came.
    /// Whether it takes another layer or share now.
    fn settle(
        &mut self,
        picture: &Picture,
        given: Grant,
        hoped: Grant,
        tracks: &Tracks,
        out: &mut Arena,
        now: Instant,
    ) -> bool {
        let (share, place) = match given {
            Grant::Layer(place) => (Share::Whole, place),
            Grant::Stills => (Share::Stills, 0),
            Grant::Nothing => (Share::Nothing, 0),
        };
        let Some(layer) = picture.alive.rungs().get(place).map(|rung| rung.layer) else {
            return false;
        };
        let ideal = Grant::Layer(picture.ideal);
        let best = picture.best();
        let lack = if hoped < best || (share != Share::Whole && best != Grant::Nothing) {
            Some(Lack::Bandwidth)
        } else if best < ideal {
            Some(Lack::Server)
        } else if picture.ladder.place(layer) < Some(picture.ideal) {
            Some(Lack::Sender)
        } else {
            None
        };
        let bit = |place: usize| {
            let rung = picture.ladder.rungs().get(place);
            rung.map_or(0_u8, |rung| 1 << points::stream(rung.layer))
        };
        let (wanted, below) = match hoped {
            Grant::Layer(place) => (
                bit(place),
                (0..place).fold(0, |bits, place| bits | bit(place)),
            ),
            Grant::Stills | Grant::Nothing => (0, 0),
        };
        // Places among all layers: fewer may come.
        let is_short = match (given, hoped) {
            (Grant::Layer(_), Grant::Layer(place)) => picture.ladder.place(layer) < Some(place),
            (Grant::Stills | Grant::Nothing, _) | (_, Grant::Stills | Grant::Nothing) => false,
        };
        let index = picture.slot;
        let was = (self.slots[index].share, self.slots[index].aim());
        if was.0 != share {
            self.turn_slot(index, share, tracks, out, now);
        }
        let rate = |layer: usize| {
            let place = picture.ladder.place(layer);
            place.map(|place| picture.ladder.rungs()[place].rate)
        };
        let is_more = share == Share::Whole && (was.0 != share || rate(layer) > rate(was.1));
        if is_more && self.slots[index].is_planned {
            self.line.tried(now);
        }
        let slot = &mut self.slots[index];
        slot.note_lack(lack, now);
        slot.aim_at(layer);
        let (carried, aim) = (points::stream(slot.layer), points::stream(slot.aim()));
        slot.uses = wanted | bit(0) | 1 << carried | 1 << aim;
        if is_short && !slot.is_coming {
            // A sender learns what its line carries only by what it sends: asked for the smallest and the largest alone,
            // it may send the smallest for ever.
            slot.uses |= below;
        }
        was != (share, slot.aim())
    }

    fn turn_slot(
        &mut self,
        index: usize,
        share: Share,
        tracks: &Tracks,
        out: &mut Arena,
        now: Instant,
    ) {
        if share != Share::Whole && self.slots[index].share == Share::Whole {
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
        let track: Option<Key> = slot.track;
        let track = tracks.get(&track?)?;
        let kept = |sent: &Sent| {
            let packet = track.kept(sent.stream, sent.source);
            packet.filter(|_| sent.repair.is_some())
        };
        let train = slot.buffer.probe(bytes, |sent| kept(sent).is_some());
        let train = train.into_iter().filter_map(|sent| {
            let packet = Stored::of(&kept(&sent)?);
            Some(Waiting { sent, packet })
        });
        let train: Vec<_> = train.collect();
        (!train.is_empty()).then_some(train)
    }

    /// Begins to send packets once more that were sent already, to see how fast they arrive. Returns whether it can.
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
