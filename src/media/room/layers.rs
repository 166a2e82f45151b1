//! The layers of a track in their order, as far as it can be told, and which of them fits a tile. Pure: what was seen
//! of each in, a ladder out.
//!
//! Sizes that are read from keyframes count first. Otherwise the bitrates count, and before there are any, the order in
//! which the offer names the layers.

use crate::media::bwe::rate::Bitrate;
pub(in crate::media) use crate::media::peer::sdp::MAX_LAYERS;
use crate::media::room::points::{self, POINTS, SIZES, SLOWER};

/// So many layers a ladder of simulcast has at most: each stream at the full rate and one below it, and the smallest at
/// all.
const MOST_OF_STREAMS: usize = 2 * MAX_LAYERS + SLOWER - 1;
/// So many layers a ladder has at most.
pub(in crate::media) const MAX_RUNGS: usize = if MOST_OF_STREAMS > POINTS {
    MOST_OF_STREAMS
} else {
    POINTS
};

/// The largest layer is taken to be so high until its size is known, and the others half of that each.
const LIKELY_HEIGHT: u32 = 720;
/// A picture of one layer is taken to have this rate before it is measured.
const UNKNOWN: Bitrate = Bitrate::kbps(500);
/// A layer that is so much of a tile's height, in per cent, is about as high: it goes on, or is gone up to.
const ABOUT_AS_HIGH: u32 = 70;
/// One that is gone down to must be nearer, so that a tile on the edge does not go to and fro.
const DOWN_TO: u32 = 85;

/// What was seen of one layer.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::media) struct Seen {
    /// How high its pictures are.
    pub height: Option<u32>,
    /// What it takes.
    pub rate: Option<Bitrate>,
    /// In simulcast, what it takes up to each temporal layer, where faster ones come.
    pub slower: [Option<Bitrate>; SLOWER],
    /// Whether it ever came,
    pub is_known: bool,
    /// and whether it comes.
    pub is_alive: bool,
}

/// One layer in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Rung {
    /// Which it is in the offer's order.
    pub layer: usize,
    /// How high its pictures are, or seem to be.
    pub height: u32,
    /// What it takes, or may take.
    pub rate: Bitrate,
    /// Whether it comes.
    pub is_alive: bool,
    /// It is the next one with fewer pictures.
    pub is_slow: bool,
}

/// A track's layers from the smallest to the largest.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::media) struct Ladder {
    rungs: [Rung; MAX_RUNGS],
    count: usize,
    /// Each layer needs those below: of the same height, the last shows the most.
    is_nested: bool,
}

impl Ladder {
    /// Puts the layers of an offer in order. `falls` is whether the offer seems to name the largest first.
    pub fn of(seen: &[Seen], falls: bool) -> Self {
        let seen = &seen[..seen.len().min(MAX_LAYERS)];
        let heights = heights(seen, falls);
        let mut ladder = Self {
            count: seen.len(),
            ..Self::default()
        };
        for (layer, (one, height)) in seen.iter().zip(heights).enumerate() {
            let likely = if seen.len() == 1 {
                UNKNOWN
            } else {
                likely_rate(height)
            };
            ladder.rungs[layer] = Rung {
                layer,
                height,
                rate: one.rate.unwrap_or(likely),
                is_alive: one.is_alive,
                is_slow: false,
            };
        }
        ladder.rungs[..seen.len()].sort_by_key(|rung| rung.height);
        ladder.with_slower(seen)
    }

    /// The same with what may be sent of each stream at a lower rate. Of all but the smallest that is one step: a slower
    /// picture is worth less than a smaller one.
    fn with_slower(self, seen: &[Seen]) -> Self {
        let mut ladder = Self::default();
        let mut push = |rung| {
            ladder.rungs[ladder.count] = rung;
            ladder.count += 1;
        };
        for (place, rung) in self.rungs().iter().enumerate() {
            let slower = seen[rung.layer].slower;
            let fastest = slower.iter().rposition(Option::is_some);
            for (temporal, rate) in slower.into_iter().enumerate() {
                if let Some(rate) = rate.filter(|_| place == 0 || Some(temporal) == fastest) {
                    push(Rung {
                        layer: points::slower(rung.layer, temporal),
                        rate: rate.min(rung.rate),
                        is_slow: true,
                        ..*rung
                    });
                }
            }
            push(*rung);
        }
        ladder
    }

    /// The [points] of a stream that ever came, in order; the first where none did. `heights` are those of its spatial
    /// layers, as far as they are known.
    pub fn of_points(mut seen: [Seen; POINTS], heights: [Option<u32>; SIZES]) -> Self {
        seen[0].is_known |= seen.iter().all(|one| !one.is_known);
        points::add_up(&mut seen);
        let known = seen.iter().enumerate().filter(|(_, one)| one.is_known);
        let largest = known.clone().next_back();
        let largest = largest.map_or(0, |(point, _)| points::spatial(point));
        let mut ladder = Self {
            is_nested: true,
            ..Self::default()
        };
        for (point, one) in known {
            let spatial = points::spatial(point);
            let height = heights[spatial].unwrap_or(LIKELY_HEIGHT >> (largest - spatial));
            ladder.rungs[ladder.count] = Rung {
                layer: point,
                height,
                rate: one.rate.unwrap_or(likely_rate(height)),
                is_alive: one.is_alive,
                is_slow: false,
            };
            ladder.count += 1;
        }
        if ladder.count == 1 {
            ladder.rungs[0].rate = seen[0].rate.unwrap_or(UNKNOWN);
        }
        ladder
    }

    /// From the smallest to the largest.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs[..self.count]
    }

    /// Those that come; all where none does.
    pub fn alive(&self) -> Self {
        let mut alive = Self {
            is_nested: self.is_nested,
            ..Self::default()
        };
        for rung in self.rungs().iter().filter(|rung| rung.is_alive) {
            alive.rungs[alive.count] = *rung;
            alive.count += 1;
        }
        if alive.count == 0 { *self } else { alive }
    }

    /// The place of a layer.
    pub fn place(&self, layer: usize) -> Option<usize> {
        self.rungs().iter().position(|rung| rung.layer == layer)
    }

    /// How many sizes of picture there are, as far as a track tells them.
    pub fn sizes(&self) -> usize {
        self.rungs().iter().filter(|rung| !rung.is_slow).count()
    }

    /// The place of the largest layer of so many sizes, from the smallest.
    pub fn largest_of(&self, sizes: usize) -> usize {
        let mut whole = (0..self.count).filter(|place| !self.rungs[*place].is_slow);
        let last = self.count.saturating_sub(1);
        whole.nth(sizes.saturating_sub(1)).unwrap_or(last)
    }

    /// The place of the smallest layer that is about as high as a tile, else of the largest. `current` is the place of
    /// the one that the tile shows.
    pub fn fitting(&self, tile: u32, current: Option<usize>) -> usize {
        let enough = |(place, rung): (usize, &Rung)| {
            let goes_down = current.is_some_and(|current| place < current);
            let percent = if goes_down { DOWN_TO } else { ABOUT_AS_HIGH };
            u64::from(rung.height) * 100 >= u64::from(tile) * u64::from(percent)
        };
        let last = self.count.saturating_sub(1);
        let mut fitting = self.rungs().iter().enumerate();
        let Some(fitting) = fitting.position(enough) else {
            return last;
        };
        let is_as_high = |rung: &&Rung| rung.height == self.rungs[fitting].height;
        let higher = self.rungs()[fitting + 1..].iter();
        match self.is_nested {
            true => fitting + higher.take_while(is_as_high).count(),
            false => {
                let slow = self.rungs()[fitting..].iter();
                fitting + slow.take_while(|rung| rung.is_slow).count()
            }
        }
    }
}

/// Whether layers of these names, in an offer's order, are likely to begin with the largest.
pub(in crate::media) fn seem_to_fall(last: &str) -> bool {
    ["q", "l", "lo", "low", "quarter", "s", "small"].contains(&last)
}

/// How high each layer is: where that is not known, half or twice of its neighbour; where nothing is, by the bitrates.
fn heights(seen: &[Seen], falls: bool) -> [u32; MAX_LAYERS] {
    let known = |place: usize| seen[place].height;
    let places = 0..seen.len();
    let by_height = is_falling(seen.iter().filter_map(|one| one.height));
    let by_rate = is_falling(seen.iter().filter_map(|one| one.rate));
    let falls = by_height.or(by_rate).unwrap_or(falls);
    let mut heights = [LIKELY_HEIGHT; MAX_LAYERS];
    if seen.iter().all(|one| one.height.is_none()) {
        let all_measured = seen.iter().all(|one| one.rate.is_some());
        for place in places {
            let larger = match (all_measured, falls) {
                (true, _) => {
                    let more = seen.iter().filter(|other| other.rate > seen[place].rate);
                    more.count()
                }
                (false, true) => place,
                (false, false) => seen.len() - 1 - place,
            };
            heights[place] = LIKELY_HEIGHT >> larger;
        }
        return heights;
    }
    for place in places.clone() {
        let nearest = places
            .clone()
            .filter(|other| known(*other).is_some())
            .min_by_key(|other| other.abs_diff(place));
        let Some((nearest, height)) = nearest.and_then(|other| Some((other, known(other)?))) else {
            continue;
        };
        let steps = nearest.abs_diff(place);
        let is_larger = (place > nearest) != falls;
        heights[place] = if is_larger {
            height << steps
        } else {
            height >> steps
        };
    }
    heights
}

/// Whether the first of these is larger than the last; none where there are not two.
fn is_falling<T: PartialOrd>(mut known: impl Iterator<Item = T>) -> Option<bool> {
    let (first, last) = (known.next()?, known.last()?);
    (first != last).then_some(first > last)
}

/// What a layer of that height may take before it was measured.
fn likely_rate(height: u32) -> Bitrate {
    match height {
        0..=200 => Bitrate::kbps(150),
        201..=400 => Bitrate::kbps(500),
        _ => Bitrate::kbps(1700),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(heights: &[u32], kbps: &[u64]) -> Vec<Seen> {
        let count = heights.len().max(kbps.len());
        let given = |value: Option<u32>| value.filter(|value| *value > 0);
        (0..count)
            .map(|place| Seen {
                height: given(heights.get(place).copied()),
                rate: kbps
                    .get(place)
                    .filter(|kbps| **kbps > 0)
                    .map(|kbps| Bitrate::kbps(*kbps)),
                is_known: true,
                is_alive: true,
                ..Seen::default()
            })
            .collect()
    }

    fn order(seen: &[Seen], falls: bool) -> Vec<(usize, u32)> {
        let ladder = Ladder::of(seen, falls);
        let rungs = ladder.rungs().iter();
        rungs.map(|rung| (rung.layer, rung.height)).collect()
    }

    #[test]
    fn sizes_rule_then_bitrates_then_the_offer() {
        let falling = [(2, 180), (1, 360), (0, 720)];
        let rising = [(0, 180), (1, 360), (2, 720)];
        assert_eq!(
            order(&seen(&[720, 360, 180], &[9, 99, 999]), false),
            falling
        );
        assert_eq!(order(&seen(&[0, 0, 0], &[]), false), rising);
        assert_eq!(order(&seen(&[0, 0, 0], &[]), true), falling);
        assert_eq!(order(&seen(&[], &[1500, 400, 100]), false), falling);
        assert_eq!(
            order(&seen(&[], &[400, 1500, 100]), false),
            [(2, 180), (0, 360), (1, 720)]
        );
        // What has not come yet is put where the others leave it.
        assert_eq!(order(&seen(&[180, 0, 0], &[]), false), rising);
        assert_eq!(order(&seen(&[0, 360, 180], &[]), false), falling);
        assert_eq!(order(&seen(&[240, 480], &[]), false), [(0, 240), (1, 480)]);
        assert_eq!(order(&seen(&[0], &[]), false), [(0, 720)]);
    }

    #[test]
    fn the_smallest_layer_that_is_about_as_high_is_taken() {
        let ladder = Ladder::of(&seen(&[180, 360, 720], &[]), false);
        let fits = |tile, current| ladder.fitting(tile, current);
        let places = |current| [0, 180, 250, 260, 500, 520, 4000].map(|tile| fits(tile, current));
        assert_eq!(places(None), [0, 0, 0, 1, 1, 2, 2]);
        assert_eq!(places(Some(2)), [0, 0, 1, 1, 2, 2, 2]);
        // Between the two limits a tile keeps what it has.
        assert_eq!([fits(230, Some(0)), fits(230, Some(1))], [0, 1]);
    }

    #[test]
    fn without_any_that_comes_all_may_be_hoped_for() {
        let mut layers = seen(&[180, 360, 720], &[]);
        layers[1].is_alive = false;
        let alive = |layers: &[Seen]| {
            let alive = Ladder::of(layers, false).alive();
            alive
                .rungs()
                .iter()
                .map(|rung| rung.layer)
                .collect::<Vec<_>>()
        };
        assert_eq!(alive(&layers), [0, 2]);
        layers.iter_mut().for_each(|layer| layer.is_alive = false);
        assert_eq!(alive(&layers), [0, 1, 2]);
    }

    #[test]
    fn a_tile_gets_all_pictures_of_a_stream_that_can_be_sent_slower() {
        let mut layers = seen(&[180, 360, 720], &[150, 500, 1700]);
        for (one, kbps) in layers.iter_mut().zip([[60, 90], [200, 600], [700, 1000]]) {
            one.slower = kbps.map(|kbps| Some(Bitrate::kbps(kbps)));
        }
        let ladder = Ladder::of(&layers, false);
        let rungs = ladder.rungs().iter();
        let rungs: Vec<_> = rungs.map(|rung| (rung.layer, rung.rate)).collect();
        let expected = [
            (points::slower(0, 0), 60),
            (points::slower(0, 1), 90),
            (0, 150),
            // The faster layers were still while it was measured.
            (points::slower(1, 1), 500),
            (1, 500),
            (points::slower(2, 1), 1000),
            (2, 1700),
        ];
        assert_eq!(
            rungs,
            expected.map(|(layer, kbps)| (layer, Bitrate::kbps(kbps)))
        );
        let fits =
            |current| [1, 180, 250, 260, 520, 4000].map(|tile| ladder.fitting(tile, current));
        assert_eq!(fits(None), [2, 2, 2, 4, 6, 6]);
        assert_eq!(fits(Some(5)), [2, 2, 4, 4, 6, 6]);
        assert_eq!(ladder.sizes(), 3);
        assert_eq!(
            [1, 2, 3, 4].map(|sizes| ladder.largest_of(sizes)),
            [2, 4, 6, 6]
        );
        // Where only two rates come, there is one step of each.
        for one in &mut layers {
            one.slower[1] = None;
        }
        let ladder = Ladder::of(&layers, false);
        assert_eq!(ladder.place(points::slower(2, 0)), Some(4));
        assert_eq!(ladder.rungs().len(), 6);
    }

    #[test]
    fn of_layers_in_one_stream_a_tile_gets_all_pictures_of_a_size() {
        let known = [true, false, true, true, true];
        let seen = known.map(|is_known| Seen {
            is_known,
            is_alive: is_known,
            rate: Some(Bitrate::kbps(100)),
            ..Seen::default()
        });
        let of = |heights| Ladder::of_points(seen, heights);
        let ladder = of([None; SIZES]);
        let order: Vec<_> = ladder
            .rungs()
            .iter()
            .map(|one| (one.layer, one.height))
            .collect();
        assert_eq!(order, [(0, 180), (2, 180), (3, 360), (4, 720)]);
        assert_eq!(ladder.rungs()[3].rate, Bitrate::kbps(400));
        let places = [1, 180, 300, 1_000].map(|tile| ladder.fitting(tile, None));
        assert_eq!(places, [1, 1, 2, 3]);
        let told = of([Some(270), Some(540), Some(1080)]);
        assert_eq!(told.fitting(300, None), 1);
        let nothing = Ladder::of_points(<[Seen; POINTS]>::default(), [None; SIZES]);
        assert_eq!((nothing.rungs().len(), nothing.fitting(720, None)), (1, 0));
    }
}
