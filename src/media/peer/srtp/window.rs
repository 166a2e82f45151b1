//! Which packets of one stream have been: the highest index, and the 1,024 up to it (RFC 3711 §3.3.2).

/// How far behind the highest a packet may be.
pub(super) const WIDTH: u64 = 1_024;
const WORD_BITS: u64 = 64;
const WORDS: usize = (WIDTH / WORD_BITS) as usize;

/// The window of one stream. A packet moves it only once it is known to be authentic.
#[derive(Debug, Clone)]
pub(super) struct Window {
    top: u64,
    seen: [u64; WORDS],
}

impl Window {
    /// A window with this one packet in it.
    pub fn starting_at(index: u64) -> Self {
        let mut window = Self {
            top: index,
            seen: [0; WORDS],
        };
        window.mark(index);
        window
    }

    /// Whether this one has not been, and is not too far behind to tell.
    pub fn accepts(&self, index: u64) -> bool {
        if index > self.top {
            return true;
        }
        let (word, bit) = place(index);
        self.top - index < WIDTH && self.seen[word] & bit == 0
    }

    /// Whether this one has been, as far as can be told.
    pub fn remembers(&self, index: u64) -> bool {
        index <= self.top && self.top - index < WIDTH && !self.accepts(index)
    }

    /// Notes that this one has been.
    pub fn mark(&mut self, index: u64) {
        if index > self.top {
            if index - self.top >= WIDTH {
                self.seen = [0; WORDS];
            } else {
                for passed in self.top + 1..=index {
                    let (word, bit) = place(passed);
                    self.seen[word] &= !bit;
                }
            }
            self.top = index;
        }
        let (word, bit) = place(index);
        self.seen[word] |= bit;
    }

    /// The index that ends in this number and is nearest to the highest (RFC 3711 §3.3.1); none below zero.
    pub fn index_of(&self, number: u16) -> Option<u64> {
        let here = self.top & !0xffff | u64::from(number);
        if here > self.top + 0x8000 {
            return here.checked_sub(0x1_0000);
        }
        let behind = self.top.saturating_sub(here) > 0x8000;
        Some(if behind { here + 0x1_0000 } else { here })
    }
}

fn place(index: u64) -> (usize, u64) {
    let word = (index / WORD_BITS) as usize % WORDS;
    (word, 1 << (index % WORD_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_accepted_once() {
        let mut window = Window::starting_at(70_000);
        for index in [70_001, 69_999, 70_500, 70_002, 72_000, 71_000] {
            assert!(window.accepts(index), "{index}");
            window.mark(index);
            assert!(!window.accepts(index), "{index} again");
        }
        assert!(!window.accepts(72_000 - WIDTH), "too old to tell");
        assert!(window.accepts(72_001 - WIDTH));
    }

    /// Against a list that remembers everything.
    #[test]
    fn it_agrees_with_a_list_of_all() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |limit: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % limit
        };
        let mut all = std::collections::HashSet::from([5_000]);
        let (mut window, mut top) = (Window::starting_at(5_000), 5_000_u64);
        for _ in 0..200_000 {
            let index = (top + random(80)).saturating_sub(60 + random(3) * random(1_000));
            let expected = index > top || (top - index < WIDTH && !all.contains(&index));
            assert_eq!(window.accepts(index), expected, "{index} at {top}");
            if expected {
                window.mark(index);
                all.insert(index);
                top = top.max(index);
            }
        }
    }

    #[test]
    fn a_number_is_the_nearest_index() {
        let window = Window::starting_at(0x1_fff0);
        assert_eq!(window.index_of(0xfff1), Some(0x1_fff1));
        assert_eq!(window.index_of(0x0003), Some(0x2_0003));
        let window = Window::starting_at(0x2_0003);
        assert_eq!(window.index_of(0xfff1), Some(0x1_fff1));
        let window = Window::starting_at(3);
        assert_eq!(window.index_of(0xfff1), None, "before the beginning");
        assert_eq!(window.index_of(0x8003), Some(0x8003));
    }
}
