//! Which layer of each picture a line carries, which pictures only as stills, and which not at all. Sound is never
//! held back.
//!
//! First everybody's smallest layer, the most important first; then larger ones, step by step among pictures of one
//! class and class after class. Whether more may be begun than goes on now is decided once for the whole line, so that
//! of two pictures of one shape the more important one never gets less. Pure policy, apart from packets.

use std::cmp::Reverse;

use crate::media::bwe::rate::Bitrate;
use crate::media::room::layers::{Ladder, MAX_RUNGS};

/// How much of a picture a subscriber gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) enum Share {
    /// Every packet of a layer.
    #[default]
    Whole,
    /// A keyframe now and then.
    Stills,
    /// Nothing.
    Nothing,
}

/// What a subscriber gets of a picture, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::media) enum Grant {
    /// Nothing.
    Nothing,
    /// A keyframe now and then.
    Stills,
    /// The layer in this place, from the smallest.
    Layer(usize),
}

/// What comes first: the higher priority, and then screens. In rising order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::media) struct Class {
    /// As the client says.
    pub priority: i32,
    /// Whether it is a screen.
    pub is_screen: bool,
}

/// A picture that a subscriber asks for.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Preference {
    /// How important it is.
    pub class: Class,
    /// The place among those of its class.
    pub rank: usize,
    /// What its layers take, from the smallest.
    rates: [Bitrate; MAX_RUNGS],
    /// The place of the layer that fits.
    ideal: usize,
    /// What it takes now, unless that is stills.
    now: Bitrate,
}

/// What a line can do.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Means {
    /// What it carries.
    pub limit: Bitrate,
    /// What sound takes of it.
    pub sounds: Bitrate,
    /// Whether more may be begun than goes on now. Otherwise one picture may only take another's place.
    pub may_grow: bool,
}

/// What a picture in stills takes: a keyframe of some 40 kB every few seconds.
const STILLS: Bitrate = Bitrate::kbps(80);
/// Pictures that go on may use so much of the line, in per cent: the rest is for peaks and repairs.
const KEEP_WITHIN: u64 = 95;
/// A picture that begins must fit in less, or it would end at once.
const BEGIN_WITHIN: u64 = 85;

impl Preference {
    /// A request for the layer in place `ideal` of a ladder, of which `now` is granted now.
    pub fn new(
        class: Class,
        rank: usize,
        ladder: &Ladder,
        ideal: usize,
        now: Option<Grant>,
    ) -> Self {
        let mut rates = [Bitrate::default(); MAX_RUNGS];
        let mut least = Bitrate::default();
        for (rate, rung) in rates.iter_mut().zip(ladder.rungs()) {
            // A larger layer may have been still while it was measured.
            least = least.max(rung.rate);
            *rate = least;
        }
        let now = match now {
            Some(Grant::Layer(place)) => rates.get(place).copied().unwrap_or_default(),
            Some(Grant::Stills | Grant::Nothing) | None => Bitrate::default(),
        };
        Self {
            class,
            rank,
            rates,
            ideal: ideal.min(MAX_RUNGS - 1),
            now,
        }
    }
}

impl Means {
    fn within(&self, percent: u64) -> Bitrate {
        self.limit.percent(percent).saturating_sub(self.sounds)
    }

    /// What may be spent on whole pictures: what goes on, as far as the line carries it, and else a little less.
    fn budget(&self, preferences: &[Preference]) -> Bitrate {
        let going_on: Bitrate = preferences.iter().map(|preference| preference.now).sum();
        let going_on = going_on.min(self.within(KEEP_WITHIN));
        if self.may_grow {
            going_on.max(self.within(BEGIN_WITHIN))
        } else {
            going_on
        }
    }
}

/// Gives each picture what the line carries of it, in the order of `preferences`.
pub(in crate::media) fn allocate(means: Option<&Means>, preferences: &[Preference]) -> Vec<Grant> {
    let Some(means) = means else {
        let ideal = preferences
            .iter()
            .map(|preference| Grant::Layer(preference.ideal));
        return ideal.collect();
    };
    let (budget, keep) = (means.budget(preferences), means.within(KEEP_WITHIN));
    let mut order: Vec<usize> = (0..preferences.len()).collect();
    order.sort_by_key(|place| (Reverse(preferences[*place].class), preferences[*place].rank));
    let mut grants = vec![Grant::Nothing; preferences.len()];
    let (mut whole, mut stills) = (Bitrate::default(), Bitrate::default());
    for place in &order {
        let with = whole + preferences[*place].rates[0];
        if with <= budget && with + stills <= keep {
            (grants[*place], whole) = (Grant::Layer(0), with);
        } else if whole + stills + STILLS <= keep {
            (grants[*place], stills) = (Grant::Stills, stills + STILLS);
        }
    }
    for class in order.chunk_by(|one, other| preferences[*one].class == preferences[*other].class) {
        for next in 1..MAX_RUNGS {
            for place in class {
                let preference = &preferences[*place];
                if grants[*place] != Grant::Layer(next - 1) || preference.ideal < next {
                    continue;
                }
                let with =
                    whole.saturating_sub(preference.rates[next - 1]) + preference.rates[next];
                if with <= budget && with + stills <= keep {
                    (grants[*place], whole) = (Grant::Layer(next), with);
                }
            }
        }
    }
    grants
}

/// What is left of the line for stills beside what is granted whole.
pub(in crate::media) fn left_for_stills(means: &Means, whole: Bitrate) -> Bitrate {
    let left = means.within(BEGIN_WITHIN).saturating_sub(whole);
    left.max(STILLS)
}

#[cfg(test)]
mod tests;
