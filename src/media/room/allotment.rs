//! What a narrow line carries: which pictures whole, which as stills, which not at all. Sound is never held back.
//!
//! Pure policy, apart from packets.

use crate::media::bwe::rate::Bitrate;

/// How much of a picture somebody gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) enum Share {
    /// Every packet.
    #[default]
    Whole,
    /// A keyframe now and then.
    Stills,
    /// Nothing.
    Nothing,
}

/// What a picture would take. They are listed with the most important first.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Bid {
    /// Its bitrate; `None` while it was not measured yet.
    pub rate: Option<Bitrate>,
    /// What it gets now.
    pub share: Share,
}

/// A picture that was not measured yet is taken for this.
const UNKNOWN: Bitrate = Bitrate::kbps(500);
/// What a picture in stills takes: a keyframe of some 40 kB every few seconds.
const STILLS: Bitrate = Bitrate::kbps(80);
/// What goes on may use so much of the line, in per cent: the rest is for peaks and repairs.
const KEEP_WITHIN: u64 = 95;
/// What begins must fit in less, or it would end at once.
const BEGIN_WITHIN: u64 = 85;

/// Gives each picture its share of a line that carries `limit`, of which sound takes `sounds`. Without `may_grow`, no
/// more is begun than what goes on now, so that one picture may only take another's place.
pub(in crate::media) fn allot(
    limit: Bitrate,
    sounds: Bitrate,
    bids: &[Bid],
    may_grow: bool,
) -> Vec<Share> {
    let rate = |bid: &Bid| bid.rate.unwrap_or(UNKNOWN);
    let going_on: Bitrate = bids
        .iter()
        .filter(|bid| bid.share == Share::Whole)
        .map(rate)
        .sum();
    let within = |percent| limit.percent(percent).saturating_sub(sounds);
    let (keep, begin) = (within(KEEP_WITHIN), within(BEGIN_WITHIN));
    let begin = if may_grow { begin } else { begin.min(going_on) };
    let mut used = Bitrate::default();
    let mut shares = Vec::with_capacity(bids.len());
    for bid in bids {
        let room = if bid.share == Share::Whole {
            keep
        } else {
            begin
        };
        let (share, takes) = if used + rate(bid) <= room {
            (Share::Whole, rate(bid))
        } else if used + STILLS <= keep {
            (Share::Stills, STILLS)
        } else {
            (Share::Nothing, Bitrate::default())
        };
        used = used + takes;
        shares.push(share);
    }
    shares
}

/// What is left of the line for stills.
pub(in crate::media) fn left_for_stills(limit: Bitrate, sounds: Bitrate, bids: &[Bid]) -> Bitrate {
    let whole: Bitrate = bids
        .iter()
        .filter(|bid| bid.share == Share::Whole)
        .map(|bid| bid.rate.unwrap_or(UNKNOWN))
        .sum();
    let left = limit.percent(BEGIN_WITHIN).saturating_sub(sounds + whole);
    left.max(STILLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: Bitrate = Bitrate::kbps(40);

    fn bids(bids: &[(u64, Share)]) -> Vec<Bid> {
        bids.iter()
            .map(|(kbps, share)| Bid {
                rate: Some(Bitrate::kbps(*kbps)),
                share: *share,
            })
            .collect()
    }

    #[test]
    fn the_least_important_are_held_back_first() {
        use Share::{Nothing, Stills, Whole};
        let allot =
            |kbps, wanted: &[(u64, Share)]| allot(Bitrate::kbps(kbps), VOICE, &bids(wanted), true);
        let wanted = [(1500, Whole), (600, Whole), (600, Whole)];
        assert_eq!(allot(9000, &wanted), [Whole, Whole, Whole]);
        assert_eq!(allot(2600, &wanted), [Whole, Whole, Stills]);
        assert_eq!(allot(1700, &wanted), [Whole, Nothing, Nothing]);
        // What does not fit makes no room for nothing: a smaller one goes on.
        assert_eq!(allot(1000, &wanted), [Stills, Whole, Stills]);
        assert_eq!(allot(250, &wanted), [Stills, Stills, Nothing]);
        assert_eq!(allot(64, &wanted), [Nothing, Nothing, Nothing]);
    }

    #[test]
    fn what_begins_needs_more_room_than_what_goes_on() {
        let one = |share| allot(Bitrate::kbps(1900), VOICE, &bids(&[(1700, share)]), true);
        assert_eq!(one(Share::Whole), [Share::Whole]);
        assert_eq!(one(Share::Stills), [Share::Stills]);
    }

    #[test]
    fn while_nothing_may_be_tried_a_picture_only_takes_anothers_place() {
        let wanted = bids(&[(400, Share::Stills), (500, Share::Whole)]);
        let allot = |may_grow| allot(Bitrate::kbps(2000), VOICE, &wanted, may_grow);
        assert_eq!(allot(true), [Share::Whole, Share::Whole]);
        assert_eq!(allot(false)[0], Share::Whole);
        let wanted = bids(&[(1700, Share::Stills)]);
        assert_eq!(
            super::allot(Bitrate::kbps(9000), VOICE, &wanted, false),
            [Share::Stills]
        );
    }

    #[test]
    fn stills_get_what_is_left_but_always_something() {
        let left =
            |kbps| left_for_stills(Bitrate::kbps(kbps), VOICE, &bids(&[(600, Share::Whole)]));
        assert_eq!(left(2000), Bitrate::kbps(1060));
        assert_eq!(left(100), STILLS);
    }
}
