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
    seen: [u64; WORDS],
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
        // The distance on the circle of 2^16, to the nearer side.
        let distance = i64::from(sequence.wrapping_sub(highest as u16) as i16);
        let extended = highest.checked_add_signed(distance)?;
        if extended > highest {
            self.forget(highest, extended);
            self.highest = Some(extended);
        } else if highest - extended >= WINDOW || self.is_marked(extended) {
            return None;
        }
        self.mark(extended);
        Some(extended)
    }

    fn forget(&mut self, from: u64, to: u64) {
        if to - from >= WINDOW {
            self.seen = [0; WORDS];
            return;
        }
        for extended in from + 1..=to {
            let (word, bit) = place(extended);
            self.seen[word] &= !bit;
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
}
