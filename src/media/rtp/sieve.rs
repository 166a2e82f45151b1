//! Which packets of a stream with layers in itself go on to one subscriber. Less is sent from the next picture on, more
//! from where a decoder can begin with it.

use super::part::Part;

/// The highest layers that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The highest spatial layer.
    pub spatial: u8,
    /// The highest temporal layer.
    pub temporal: u8,
}

impl Limits {
    /// Everything is sent.
    pub const NONE: Self = Self {
        spatial: u8::MAX,
        temporal: u8::MAX,
    };

    fn takes(self, part: Part) -> bool {
        part.spatial <= self.spatial && part.temporal <= self.temporal
    }

    fn within(self, other: Self) -> Self {
        Self {
            spatial: self.spatial.min(other.spatial),
            temporal: self.temporal.min(other.temporal),
        }
    }
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is sent,
    pub passes: bool,
    /// and whether it is the last of its picture that is.
    pub marker: bool,
    /// What is to be sent cannot begin without a keyframe.
    pub needs_keyframe: bool,
    /// All that is to be sent is sent now.
    pub has_arrived: bool,
    /// The limits of what is sent of its picture, where not always all of it was sent.
    pub flows: Option<Limits>,
}

/// A temporal layer that cannot be begun with for so many pictures needs a keyframe.
const PATIENCE: u8 = 60;

/// The sieve of one subscriber.
#[derive(Debug, Clone, Default)]
pub struct Sieve(Option<State>);

/// Once a picture came.
#[derive(Debug, Clone)]
struct State {
    /// The newest picture, by its timestamp.
    picture: u32,
    /// What is to be sent of it.
    limits: Limits,
    cut: Cut,
    /// The picture with which that changed last, and what was sent before.
    changed_at: u32,
    before: Cut,
    /// A spatial layer above what is sent came, of this picture, and of the one before.
    is_more: bool,
    was_more: bool,
    /// Something of this picture was left out that is to be sent.
    is_short: bool,
    /// The highest temporal layer that came.
    fastest: u8,
    /// So many pictures were left out for their temporal layer that are to be sent.
    waited: u8,
    /// Something was to be left out.
    is_cut: bool,
}

/// How pictures are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    /// What is sent.
    flows: Limits,
    /// The spatial layer that ends a picture, where its sender does not say it.
    last: Option<u8>,
}

impl Cut {
    /// What is sent once the picture has grown.
    fn whole(self) -> Limits {
        Limits {
            spatial: self.last.unwrap_or(self.flows.spatial),
            ..self.flows
        }
    }
}

impl Sieve {
    /// Begins anew.
    pub fn reset(&mut self) {
        self.0 = None;
    }

    /// Takes a packet of a picture with this timestamp, of which this is to be sent. `marker` is whether it ends the
    /// picture as it came, `flows` whether everything was sent until now.
    pub fn sift(
        &mut self,
        part: Part,
        (timestamp, marker): (u32, bool),
        limits: Limits,
        flows: bool,
    ) -> Verdict {
        let state = self
            .0
            .get_or_insert_with(|| State::new(part, timestamp, limits, flows));
        let age = timestamp.wrapping_sub(state.picture) as i32;
        let mut has_arrived = false;
        if age > 0 {
            has_arrived = state.begin(part, timestamp, limits);
        }
        if age >= 0 {
            state.grow(part);
        }
        let cut = state.cut_of(timestamp);
        let passes = cut.flows.takes(part);
        let needs_keyframe = age >= 0 && !passes && state.leave_out(part, age > 0);
        Verdict {
            passes,
            marker: passes && (marker || part.ends && cut.last == Some(part.spatial)),
            needs_keyframe,
            has_arrived,
            flows: state.is_cut.then(|| cut.whole()),
        }
    }
}

impl State {
    fn new(part: Part, timestamp: u32, limits: Limits, flows: bool) -> Self {
        let nothing = Limits {
            spatial: 0,
            temporal: 0,
        };
        let cut = Cut {
            flows: if flows { Limits::NONE } else { nothing },
            last: None,
        };
        let mut state = Self {
            picture: timestamp,
            limits,
            cut,
            changed_at: timestamp,
            before: cut,
            is_more: false,
            was_more: false,
            is_short: false,
            fastest: 0,
            waited: 0,
            is_cut: false,
        };
        state.begin(part, timestamp, limits);
        state
    }

    /// A picture begins, with this part of it as far as is known. Whether all of the one before came that was to.
    fn begin(&mut self, part: Part, timestamp: u32, limits: Limits) -> bool {
        let is_same = self.limits == limits;
        self.picture = timestamp;
        self.limits = limits;
        self.is_cut |= limits != Limits::NONE;
        self.was_more = std::mem::take(&mut self.is_more);
        let was_short = std::mem::take(&mut self.is_short);
        let flows = self.cut.flows.within(limits);
        // A picture that needs no other grows up to the limit. Any other ends where it is cut; where its sender sends no
        // more, that may begin at any time.
        let ends_here = flows.spatial == limits.spatial || self.was_more;
        let last = match part.is_independent {
            true => limits.spatial,
            false => flows.spatial,
        };
        let last = (part.is_independent || ends_here).then_some(last);
        self.change(Cut { flows, last });
        let is_fast = flows.temporal >= limits.temporal.min(self.fastest);
        flows == limits || is_same && !was_short && is_fast
    }

    /// Sends more, if this part allows it.
    fn grow(&mut self, part: Part) {
        self.fastest = self.fastest.max(part.temporal);
        let Cut { mut flows, last } = self.cut;
        let is_next = Some(part.spatial) == flows.spatial.checked_add(1);
        let is_wanted = self.limits.takes(part) && last.is_none_or(|last| last >= part.spatial);
        if is_next && is_wanted && part.is_independent {
            flows.spatial = part.spatial;
        }
        if flows.takes(part) && (part.is_up_switch || part.is_independent) {
            flows.temporal = self.limits.temporal;
            self.waited = 0;
        }
        let is_next = Some(part.temporal) == flows.temporal.checked_add(1);
        if is_next && part.is_layer_sync && self.limits.takes(part) {
            flows.temporal = part.temporal;
            self.waited = 0;
        }
        if flows != self.cut.flows {
            self.change(Cut { flows, last });
        }
    }

    fn change(&mut self, cut: Cut) {
        if cut != self.cut && self.changed_at != self.picture {
            (self.before, self.changed_at) = (self.cut, self.picture);
        }
        self.cut = cut;
    }

    /// How a picture is cut that may be older than the newest one.
    fn cut_of(&self, timestamp: u32) -> Cut {
        let is_before = (timestamp.wrapping_sub(self.changed_at) as i32) < 0;
        if is_before { self.before } else { self.cut }
    }

    /// Notes that something is left out. Whether that is for want of a keyframe.
    fn leave_out(&mut self, part: Part, begins: bool) -> bool {
        let is_above = part.spatial > self.cut.flows.spatial;
        self.is_more |= is_above;
        if !self.limits.takes(part) {
            return false;
        }
        self.is_short = true;
        if is_above {
            return true;
        }
        self.waited = self.waited.saturating_add(begins.into());
        self.waited > PATIENCE
    }
}

#[cfg(test)]
mod tests;
