//! The loudness of each participant, and the speakers (RFC 6464 audio levels).

use std::time::{Duration, Instant};

/// From this level on a participant counts as speaking: -50 dBov.
const SPEAKING: f32 = 77.0;
/// Without packets for this long a participant is silent.
const SILENT_AFTER: Duration = Duration::from_millis(400);
/// The level of a sender that tells none, while it sends: louder than a room, softer than a speaker.
const UNKNOWN: f32 = 60.0;
/// At most this many speak at once, as far as anybody is told.
pub(in crate::media) const MAX_SPEAKERS: usize = 5;
/// A speaker goes before another only when this much louder, so that the order does not flicker.
const LEAD: f32 = 6.0;

/// The smoothed loudness of one track: 0 is silence, 127 as loud as can be.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::media) struct Loudness {
    level: f32,
    heard_at: Option<Instant>,
    tells: bool,
}

impl Loudness {
    /// Takes one packet's level in -dBov, 0 the loudest and 127 silence; `None` if it tells none.
    pub fn hear(&mut self, level: Option<u8>, now: Instant) {
        self.heard_at = Some(now);
        self.tells = level.is_some();
        let Some(level) = level else {
            self.level = UNKNOWN;
            return;
        };
        let loud = 127.0 - f32::from(level.min(127));
        // Up within three packets, down within half a second: words hang together, and coughs pass.
        let weight = if loud > self.level { 0.35 } else { 0.05 };
        self.level += (loud - self.level) * weight;
    }

    /// The loudness now.
    pub fn now(&self, now: Instant) -> f32 {
        let recent = self
            .heard_at
            .is_some_and(|at| now.saturating_duration_since(at) < SILENT_AFTER);
        if recent { self.level } else { 0.0 }
    }

    /// Whether this is speech.
    pub fn is_speech(&self, now: Instant) -> bool {
        self.tells && self.now(now) >= SPEAKING
    }
}

/// The speakers, the loudest first. Earlier speakers go first among equals.
pub(in crate::media) fn speakers<K: Copy + Eq>(
    voices: impl Iterator<Item = (K, f32)>,
    before: &[K],
) -> Vec<K> {
    let mut voices: Vec<(K, f32)> = voices
        .map(|(key, loud)| {
            // Each place ahead is worth a lead over the next.
            let lead = before
                .iter()
                .position(|other| *other == key)
                .map_or(0, |place| MAX_SPEAKERS - place.min(4));
            (key, loud + LEAD * lead as f32)
        })
        .collect();
    voices.sort_by(|one, other| other.1.total_cmp(&one.1));
    voices
        .into_iter()
        .take(MAX_SPEAKERS)
        .map(|(key, _)| key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_rises_fast_and_falls_slowly() {
        let (mut loudness, mut now) = (Loudness::default(), Instant::now());
        for _ in 0..6 {
            loudness.hear(Some(25), now);
            now += Duration::from_millis(20);
        }
        assert!(loudness.is_speech(now));
        loudness.hear(Some(127), now);
        assert!(loudness.is_speech(now), "a short break is no silence");
        for _ in 0..50 {
            loudness.hear(Some(127), now);
            now += Duration::from_millis(20);
        }
        assert!(!loudness.is_speech(now));
    }

    #[test]
    fn who_sends_nothing_is_silent_and_who_tells_no_level_never_speaks() {
        let (mut loudness, now) = (Loudness::default(), Instant::now());
        for _ in 0..20 {
            loudness.hear(Some(10), now);
        }
        assert!(loudness.is_speech(now));
        assert!(!loudness.is_speech(now + Duration::from_secs(1)));
        loudness.hear(None, now);
        assert!(!loudness.is_speech(now));
        assert!(loudness.now(now) > 0.0);
    }

    #[test]
    fn the_loudest_comes_first_without_flicker() {
        let order =
            |voices: &[(u32, f32)], before: &[u32]| speakers(voices.iter().copied(), before);
        assert_eq!(order(&[(1, 80.0), (2, 90.0)], &[]), [2, 1]);
        assert_eq!(order(&[(1, 91.0), (2, 90.0)], &[2, 1]), [2, 1]);
        assert_eq!(order(&[(1, 99.0), (2, 90.0)], &[2, 1]), [1, 2]);
        let many: Vec<(u32, f32)> = (0..20).map(|n| (n, 80.0)).collect();
        assert_eq!(order(&many, &[]).len(), MAX_SPEAKERS);
    }
}
