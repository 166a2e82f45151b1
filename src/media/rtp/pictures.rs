//! Pictures of a VP8 stream that are left out on its way to one subscriber, so that the picture ids of the others have no
//! gap (RFC 7741 §4.2): a receiver would wait for what is missing.

use super::skips::Skips;

/// Before the first picture no lower one is counted.
const BEFORE: u64 = 1 << 16;

/// Which pictures were left out.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    skips: Skips,
    newest: Option<Newest>,
}

/// The newest picture that was sent or left out.
#[derive(Debug, Clone, Copy)]
struct Newest {
    /// Its id, extended.
    id: u64,
    /// Its TL0PICIDX, if it has one.
    tl0: Option<u8>,
    /// The newest one that was sent.
    sent: u64,
}

/// A picture as its packet names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Its id,
    pub id: u16,
    /// with as many ones as that has bits.
    pub mask: u16,
    /// Its TL0PICIDX: it counts the pictures of the slowest temporal layer.
    pub tl0: Option<u8>,
}

impl Pictures {
    /// Another source begins.
    pub fn clear(&mut self) {
        self.skips.clear();
        self.newest = None;
    }

    /// How many before this one, which is sent, were left out; none where it was left out itself.
    pub fn send(&mut self, picture: Named) -> Option<u64> {
        let id = self.extended(picture);
        let before = self.skips.before(id)?;
        self.note(id, picture.tl0);
        if let Some(newest) = &mut self.newest {
            newest.sent = newest.sent.max(id);
        }
        Some(before)
    }

    /// Leaves one out. One that is older than what was sent keeps its number.
    pub fn leave_out(&mut self, picture: Named) {
        let id = self.extended(picture);
        if self.newest.is_none_or(|newest| id > newest.sent) {
            self.skips.skip(id);
        }
        self.note(id, picture.tl0);
    }

    /// Nothing but the slowest layer is sent: leaves out what is missing between the newest picture and this one, unless
    /// something of that layer is missing too. `is_slowest` is whether this one is of it.
    pub fn leave_out_missing(&mut self, picture: Named, is_slowest: bool) {
        let id = self.extended(picture);
        let Some((newest, tl0)) = self.newest.zip(picture.tl0) else {
            return;
        };
        let passed = newest.tl0.map(|before| tl0.wrapping_sub(before));
        if passed == Some(is_slowest.into()) {
            // More than these have no number any more.
            let first = (newest.id + 1).max(id.saturating_sub(u64::from(u8::MAX)));
            (first..id).for_each(|missing| self.skips.skip(missing));
        }
    }

    fn extended(&self, picture: Named) -> u64 {
        let Some(newest) = self.newest else {
            return BEFORE + u64::from(picture.id);
        };
        let ahead = picture.id.wrapping_sub(newest.id as u16) & picture.mask;
        let half = u64::from(picture.mask / 2) + 1;
        match u64::from(ahead) {
            ahead if ahead < half => newest.id + ahead,
            ahead => (newest.id + ahead).saturating_sub(2 * half),
        }
    }

    fn note(&mut self, id: u64, tl0: Option<u8>) {
        let newest = self.newest.get_or_insert(Newest { id, tl0, sent: 0 });
        if id >= newest.id {
            (newest.id, newest.tl0) = (id, tl0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pictures in four are of the slowest layer.
    fn named(id: u32, mask: u16) -> Named {
        Named {
            id: id as u16 & mask,
            mask,
            tl0: Some((id / 2) as u8),
        }
    }

    #[test]
    fn what_is_left_out_is_not_counted_over_the_wrap_of_short_and_long_ids() {
        for mask in [0x7f, 0x7fff] {
            let mut pictures = Pictures::default();
            let mut expected = 0;
            for id in u32::from(mask) - 20..u32::from(mask) + 300 {
                if id % 2 == 0 {
                    // Each packet of a picture gets the same number.
                    let sent = [0; 2].map(|_| pictures.send(named(id, mask)));
                    assert_eq!(sent, [Some(expected); 2], "{id}");
                } else {
                    pictures.leave_out(named(id, mask));
                    pictures.leave_out(named(id, mask));
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn what_comes_late_keeps_its_number_unless_it_was_known_to_be_left_out() {
        let mask = 0x7fff;
        let mut pictures = Pictures::default();
        assert_eq!(pictures.send(named(10, mask)), Some(0));
        // 11 is late: nobody knows whether it is to be sent.
        assert_eq!(pictures.send(named(12, mask)), Some(0));
        pictures.leave_out(named(11, mask));
        assert_eq!(pictures.send(named(14, mask)), Some(0));
        // 15 is not of the slowest layer, as 16 is the next one of that.
        pictures.leave_out_missing(named(16, mask), true);
        assert_eq!(pictures.send(named(16, mask)), Some(1));
        pictures.leave_out(named(15, mask));
        assert_eq!(pictures.send(named(15, mask)), None);
        // 17 to 19 are late, and one of them is of the slowest layer.
        pictures.leave_out_missing(named(20, mask), true);
        assert_eq!(pictures.send(named(20, mask)), Some(1));
        assert_eq!(pictures.send(named(18, mask)), Some(1));
        // 21 is left out, and 22 is missing.
        pictures.leave_out(named(21, mask));
        pictures.leave_out_missing(named(24, mask), true);
        assert_eq!(pictures.send(named(24, mask)), Some(2));
    }
}
