//! Sequence numbers that count on (RFC 3550 §A.1), and each packet once.

/// How far back a late packet is still told from a duplicate; older ones are dropped.
const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;

/// Extends 16-bit sequence numbers and refuses duplicates.
///
/// A duplicate must not be forwarded: rewritten twice, it would be protected twice under one SRTP index, and
/// receivers would count it twice.
#[derive(Debug, Clone, Default)]
pub(in crate::media) struct SequenceWindow {
    highest: Option<u64>,
    /// Those that came, or whose content did.
    seen: [u64; WORDS],
    /// Those whose content came in another packet, and that did not come themselves.
    recovered: [u64; WORDS],
}

impl SequenceWindow {
    /// The packet's extended sequence number; `None` for a duplicate and for one that is too old to tell.
    pub fn accept(&mut self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.highest else {
            // Begin one turn up, so that what came before the first packet has room below it.
            let first = (1 << 16) + u64::from(sequence);
            self.highest = Some(first);
            self.mark(first);
            return Some(first);
        };
        let extended = extend(highest, sequence)?;
        if extended > highest {
            self.forget(highest, extended);
            self.highest = Some(extended);
        } else if highest - extended >= WINDOW || self.is_marked(extended) {
            return None;
        }
        self.mark(extended);
        Some(extended)
    }

    /// The content of a packet came in another one: should it come itself, it is a duplicate. Whether that is news.
    pub fn recover(&mut self, extended: u64) -> bool {
        let is_missing = self.is_within(extended) && !self.is_marked(extended);
        if is_missing {
            self.mark(extended);
            let (word, bit) = place(extended);
            self.recovered[word] |= bit;
        }
        is_missing
    }

    /// The extended number of a packet that came itself after it was recovered, once.
    pub fn take_recovered(&mut self, sequence: u16) -> Option<u64> {
        let extended = extend(self.highest?, sequence)?;
        if !self.is_within(extended) {
            return None;
        }
        let (word, bit) = place(extended);
        let was_recovered = self.recovered[word] & bit != 0;
        self.recovered[word] &= !bit;
        was_recovered.then_some(extended)
    }

    /// Whether it is told of this number whether it came.
    fn is_within(&self, extended: u64) -> bool {
        self.highest
            .is_some_and(|highest| extended <= highest && highest - extended < WINDOW)
    }

    fn forget(&mut self, from: u64, to: u64) {
        if to - from >= WINDOW {
            (self.seen, self.recovered) = ([0; WORDS], [0; WORDS]);
            return;
        }
        for extended in from + 1..=to {
            let (word, bit) = place(extended);
            self.seen[word] &= !bit;
            self.recovered[word] &= !bit;
        }
    }

    fn mark(&mut self, extended: u64) {
        let (word, bit) = place(extended);
        self.seen[word] |= bit;
    }

    fn is_marked(&self, extended: u64) -> bool {
        let (word, bit) = place(extended);
        self.seen[word] & bit != 0
    }
}

/// By the distance on the circle of 2^16, to the nearer side.
fn extend(highest: u64, sequence: u16) -> Option<u64> {
    let distance = i64::from(sequence.wrapping_sub(highest as u16) as i16);
    highest.checked_add_signed(distance)
}

fn place(extended: u64) -> (usize, u64) {
    let index = extended % WINDOW;
    ((index / 64) as usize, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_on_over_the_wrap() {
        let mut window = SequenceWindow::default();
        let first = window.accept(65_534).unwrap();
        assert_eq!(window.accept(65_535), Some(first + 1));
        assert_eq!(window.accept(0), Some(first + 2));
        assert_eq!(window.accept(1), Some(first + 3));
    }

    #[test]
    fn each_packet_passes_once_in_whatever_order() {
        let mut window = SequenceWindow::default();
        let first = window.accept(10).unwrap();
        assert_eq!(window.accept(13), Some(first + 3));
        assert_eq!(window.accept(11), Some(first + 1));
        assert_eq!(window.accept(11), None);
        assert_eq!(window.accept(9), Some(first - 1));
        assert_eq!(window.accept(13), None);
        assert_eq!(window.accept(12), Some(first + 2));
    }

    #[test]
    fn what_is_too_old_to_tell_is_dropped() {
        let mut window = SequenceWindow::default();
        window.accept(0).unwrap();
        window.accept(2000).unwrap();
        assert_eq!(window.accept(2000 - 1024), None);
        assert!(window.accept(2000 - 1023).is_some());
    }

    #[test]
    fn a_long_stream_with_loss_never_repeats_a_number() {
        let (mut window, mut last) = (SequenceWindow::default(), 0);
        for n in (0..400_000u64).filter(|n| n % 7 != 0) {
            let extended = window.accept(n as u16).unwrap();
            assert!(extended > last);
            assert_eq!(extended as u16, n as u16);
            last = extended;
            assert_eq!(window.accept(n as u16), None);
        }
    }

    #[test]
    fn a_packet_that_comes_after_its_content_is_a_duplicate() {
        let mut window = SequenceWindow::default();
        assert!(!window.recover(9), "nothing came");
        let first = window.accept(65_533).unwrap();
        window.accept(1).unwrap();
        assert!(!window.recover(first) && !window.recover(first + 5));
        assert!(window.recover(first + 3) && !window.recover(first + 3));
        assert_eq!(
            window.take_recovered(65_535),
            None,
            "it did not come at all"
        );
        assert_eq!(window.accept(0), None);
        assert_eq!(window.take_recovered(0), Some(first + 3));
        assert_eq!(window.take_recovered(0), None, "it came twice");
        assert_eq!(window.accept(65_535), Some(first + 2));
        window.accept(2_000).unwrap();
        assert!(!window.recover(first + 1), "too old");
    }

    /// However packets are lost, overtaken, doubled and recovered, nothing is forwarded twice.
    #[test]
    fn no_number_is_given_out_twice() {
        for seed in 1..50_u32 {
            let (mut window, mut state) = (SequenceWindow::default(), seed);
            let mut below = |end: u32| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                u64::from(state % end)
            };
            let (mut given, mut late) = (std::collections::HashSet::new(), Vec::new());
            for number in 0..20_000_u64 {
                let jump = number + if below(8_000) == 0 { 1_500 } else { 0 };
                match below(4) {
                    0 => continue,
                    1 => late.push(number as u16),
                    _ => late.insert(0, jump as u16),
                }
                let taken = late.swap_remove(below(late.len() as u32) as usize);
                for _ in 0..=below(2) {
                    if let Some(came) = window.accept(taken) {
                        assert!(given.insert(came), "{seed}: {came}");
                        for back in 1..=below(3) {
                            let other = came - back;
                            assert!(
                                !window.recover(other) || given.insert(other),
                                "{seed}: {other}"
                            );
                        }
                    } else if let Some(came) = window.take_recovered(taken) {
                        assert!(given.contains(&came));
                    }
                }
            }
            assert!(given.len() > 5_000, "{}", given.len());
        }
    }
}
