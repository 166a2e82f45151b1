//! What a down connection sends later than it came, a few milliseconds at a time: bursts of pictures, stills, and what
//! the line is probed with.

use std::time::Instant;

use super::Down;
use crate::media::peer::arena::Arena;
use crate::media::room::subscriber::slot::Waiting;

/// A probe sends no more packets at once, however late it is.
const MOST_PADDING: usize = 64;

impl Down {
    /// Sends what is due by now, and says whether there is more to come.
    pub fn pace(&mut self, out: &mut Arena, now: Instant) {
        while let Some((index, waiting)) = self.line.bursts.pop(now) {
            self.send_first(index, &waiting.packet.packet(), waiting.sent, out, now);
        }
        while let Some((index, waiting)) = self.line.pacer.pop(now) {
            self.send_first(index, &waiting.packet.packet(), waiting.sent, out, now);
        }
        self.pad(out, now);
        if self.line.is_pacing() {
            out.expect_more();
        }
    }

    /// Lets a packet wait behind those that do. The oldest leaves when there are too many.
    pub(super) fn wait_for_pace(
        &mut self,
        index: usize,
        waiting: Waiting,
        out: &mut Arena,
        now: Instant,
    ) {
        if !self.line.bursts.has_room()
            && let Some((index, oldest)) = self.line.bursts.pop_undue()
        {
            self.send_first(index, &oldest.packet.packet(), oldest.sent, out, now);
        }
        let bytes = usize::from(waiting.sent.bytes);
        self.line.bursts.push(index, bytes, waiting);
        out.expect_more();
    }

    fn pad(&mut self, out: &mut Arena, now: Instant) {
        let Some(mut padding) = self.line.take_padding(now) else {
            return;
        };
        for _ in 0..MOST_PADDING {
            let due = self.line.is_padding_due(now);
            let Some(waiting) = padding.packets.get(padding.next).filter(|_| due) else {
                break;
            };
            let packet = waiting.packet.packet();
            self.send_again(padding.slot, &packet, &waiting.sent, out, now);
            padding.next = (padding.next + 1) % padding.packets.len();
        }
        self.line.put_back(padding);
    }
}
