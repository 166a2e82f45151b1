//! What listeners lose of a sound that nothing repairs is told to its sender as if it had been lost on the way here: then
//! its encoder writes each sound into the next packet, too (in-band FEC, RFC 7587 §3.3).

use std::collections::HashMap;

use crate::media::room::{Key, Room};
use crate::protocol::object::MediaKind;

/// No more is told, in 1/256: an encoder gives no more of its rate to repairs, and no sender is to give up.
const MOST: u8 = 77;

/// A listener's losses of one sound, in 1/256. They count at once, and are forgotten by and by.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::media) struct Losses(u8);

impl Losses {
    /// So many were lost of so many.
    pub fn note(&mut self, lost: u64, expected: u64) {
        let Some(share) = lost.saturating_mul(256).checked_div(expected) else {
            return;
        };
        let kept = self.0 - self.0.div_ceil(4);
        self.0 = kept.max(share.min(u64::from(MOST)) as u8);
    }

    /// The share.
    pub fn share(self) -> u8 {
        self.0
    }
}

impl Room {
    /// Notes for everybody's sounds what the worst of those listeners loses who get each sound once.
    pub(super) fn note_onward_losses(&mut self) {
        let members = self.members.values();
        let slots = members.flat_map(|member| member.down.iter().flat_map(|down| &down.slots));
        let mut worst: HashMap<Key, u8> = HashMap::new();
        for slot in slots.filter(|slot| slot.kind == MediaKind::Audio && !slot.is_redundant) {
            let Some(track) = slot.track else { continue };
            let share = worst.entry(track).or_default();
            *share = slot.losses.share().max(*share);
        }
        for (key, track) in self.tracks.iter().filter(|(_, track)| !track.is_picture()) {
            let Some(owner) = self.members.get_mut(&track.owner) else {
                continue;
            };
            for up in &mut owner.ups {
                up.note_onward_loss(track.source, worst.get(key).copied().unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_count_at_once_and_are_forgotten_by_and_by() {
        let mut losses = Losses::default();
        losses.note(1, 0);
        assert_eq!(losses.share(), 0);
        losses.note(10, 100);
        assert_eq!(losses.share(), 25);
        losses.note(90, 100);
        assert_eq!(losses.share(), MOST);
        losses.note(0, 100);
        assert_eq!(losses.share(), 57);
        (0..20).for_each(|_| losses.note(0, 100));
        assert_eq!(losses.share(), 0);
    }
}
