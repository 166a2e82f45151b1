//! The layers of a stream that carries several in itself, as a track names and orders them. First comes the smallest
//! picture at each of its rates, then larger pictures at the full one. Each layer needs all before it.

use crate::media::bwe::rate::Bitrate;
use crate::media::room::layers::Seen;
use crate::media::rtp::part::Part;
use crate::media::rtp::sieve::Limits;

/// How many layers are told apart.
pub(in crate::media) const POINTS: usize = 5;
/// How often a picture comes: those of the smallest are told apart by it.
const RATES: usize = 3;
/// Spatial layers.
pub(in crate::media) const SIZES: usize = POINTS + 1 - RATES;

/// In simulcast a layer above these is one of the streams with fewer pictures: the streams have lower numbers.
const SLOW: usize = 8;

/// How many rates below the full one a stream of simulcast may be sent at.
pub(in crate::media) const SLOWER: usize = RATES - 1;

/// The layer that is a stream's up to this temporal layer.
pub(in crate::media) fn slower(stream: usize, temporal: usize) -> usize {
    stream + SLOW * (temporal + 1)
}

/// The layer whose stream that is.
pub(in crate::media) fn stream(layer: usize) -> usize {
    layer % SLOW
}

/// What is to be sent of its stream for a layer of simulcast.
pub(in crate::media) fn pace(layer: usize) -> Limits {
    let temporal = (layer / SLOW).checked_sub(1);
    temporal.map_or(Limits::NONE, |temporal| Limits {
        spatial: 0,
        temporal: temporal as u8,
    })
}

/// The first point that needs this part.
pub(in crate::media) fn of(part: Part) -> usize {
    match usize::from(part.spatial) {
        0 => usize::from(part.temporal).min(RATES - 1),
        spatial => (RATES - 1 + spatial).min(POINTS - 1),
    }
}

/// What is to be sent of a stream for this point. The largest that comes takes all that there may be.
pub(in crate::media) fn limits(point: usize, largest: usize) -> Limits {
    if point >= largest {
        return Limits::NONE;
    }
    let all = Limits::NONE;
    match point.checked_sub(RATES - 1) {
        None => Limits {
            spatial: 0,
            temporal: point as u8,
        },
        Some(spatial) => Limits {
            spatial: spatial as u8,
            ..all
        },
    }
}

/// The name that clients are told: the spatial layer, and for the smallest the temporal layer too.
pub(in crate::media) fn name(point: usize) -> String {
    match point.checked_sub(RATES) {
        None => format!("S0T{point}"),
        Some(above) => format!("S{}", above + 1),
    }
}

/// The point at which this spatial layer is whole.
pub(in crate::media) fn whole(spatial: usize) -> usize {
    RATES - 1 + spatial
}

/// The spatial layer that it ends with.
pub(in crate::media) fn spatial(point: usize) -> usize {
    point.saturating_sub(RATES - 1)
}

/// What each point takes with all that it needs, by what each adds.
pub(in crate::media) fn add_up(seen: &mut [Seen]) {
    let mut sum = Some(Bitrate::default());
    for one in seen.iter_mut().filter(|one| one.is_known) {
        let own = match one.is_alive {
            true => one.rate,
            false => Some(one.rate.unwrap_or_default()),
        };
        sum = sum.zip(own).map(|(sum, own)| sum + own);
        one.rate = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(spatial: u8, temporal: u8) -> Part {
        Part {
            spatial,
            temporal,
            is_independent: false,
            is_up_switch: false,
            is_layer_sync: false,
            ends: false,
        }
    }

    #[test]
    fn a_point_takes_what_it_is_the_first_of() {
        for spatial in 0..8 {
            for temporal in 0..8 {
                let point = of(part(spatial, temporal));
                for other in 0..POINTS {
                    let Limits {
                        spatial: most_spatial,
                        temporal: most_temporal,
                    } = limits(other, POINTS - 1);
                    let takes = spatial <= most_spatial && temporal <= most_temporal;
                    assert_eq!(takes, other >= point, "{spatial} {temporal} {other}");
                }
            }
        }
        assert_eq!(limits(2, 2), Limits::NONE);
        let names: Vec<String> = (0..POINTS).map(name).collect();
        assert_eq!(names, ["S0T0", "S0T1", "S0T2", "S1", "S2"]);
        assert_eq!((0..SIZES).map(whole).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn a_slower_layer_is_of_a_stream() {
        for one in 0..3 {
            assert_eq!((stream(one), pace(one).temporal), (one, u8::MAX));
            for temporal in 0..SLOWER {
                let layer = slower(one, temporal);
                let limit = usize::from(pace(layer).temporal);
                assert_eq!((stream(layer), limit), (one, temporal));
            }
        }
    }

    #[test]
    fn rates_add_up_as_far_as_they_are_known() {
        let seen = |kbps: Option<u64>, is_alive| Seen {
            rate: kbps.map(Bitrate::kbps),
            is_known: true,
            is_alive,
            ..Seen::default()
        };
        let mut all = [
            seen(Some(100), true),
            Seen::default(),
            seen(Some(50), true),
            seen(None, false),
            seen(Some(400), true),
        ];
        add_up(&mut all);
        let rates = all.map(|one| one.rate);
        let expected = [Some(100), None, Some(150), Some(150), Some(550)];
        assert_eq!(rates, expected.map(|kbps| kbps.map(Bitrate::kbps)));
        all[2] = seen(None, true);
        add_up(&mut all);
        assert_eq!([all[2].rate, all[4].rate], [None, None]);
    }
}
