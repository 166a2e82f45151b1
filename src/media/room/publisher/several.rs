//! All connections on which a participant sends: one, and of an offer without a bundle one for each m-line.

use std::time::Instant;

use super::{Assigned, Up};
use crate::media::error::Refused;
use crate::media::peer::reach::Reach;
use crate::media::peer::sdp::{Description, End};
use crate::protocol::object::SourceMid;

/// How many transports later offers may add in all. A new connection may bring others; the number of new connections is
/// limited too.
const TRANSPORTS_OVER_TIME: u32 = 16;

const TOO_MANY: &str =
    "The connection has had too many transports, counting those given up; begin a new connection.";

/// Takes a first offer: a connection for each transport of it, and the answer's text.
pub(in crate::media) fn open(
    offer: &Description,
    reach: &Reach,
    now: Instant,
) -> Result<(Vec<Up>, String), Refused> {
    let parts = offer.parts().zip(0..);
    let ups = parts.map(|(part, number)| Up::open(part, number, reach.thread, now));
    let mut ups = ups.collect::<Result<Vec<Up>, Refused>>()?;
    let places: Vec<usize> = (0..ups.len()).collect();
    let answer = answer(&mut ups, &places, offer, reach);
    Ok((ups, answer))
}

/// Whether an offer comes from the client's connections that there are, and not from new ones.
pub(in crate::media) fn continues(ups: &[Up], offer: &Description) -> bool {
    ups.first().is_some_and(|up| up.continues(offer))
}

/// Takes a later offer. A transport that is new in it gets a connection. A connection that is not in it any more
/// carries nothing.
pub(in crate::media) fn renegotiate(
    ups: &mut Vec<Up>,
    offer: &Description,
    reach: &Reach,
    now: Instant,
) -> Result<String, Refused> {
    let known = known(ups, offer);
    let mut places: Vec<usize> = Vec::with_capacity(known.len());
    for (part, known) in offer.parts().zip(known) {
        let place = match known {
            Some(place) => {
                ups[place].renegotiate(part, now)?;
                place
            }
            None => {
                let last = ups.iter().map(|up| up.number).max();
                let number = last.map_or(0, |last| last.saturating_add(1));
                if number >= TRANSPORTS_OVER_TIME {
                    return Err(Refused::because(TOO_MANY));
                }
                ups.push(Up::open(part, number, reach.thread, now)?);
                ups.len() - 1
            }
        };
        places.push(place);
    }
    let others = ups.iter_mut().enumerate();
    for (_, up) in others.filter(|(place, _)| !places.contains(place)) {
        up.give_up();
    }
    Ok(answer(ups, &places, offer, reach))
}

/// The place of the connection that each part of an offer is about, if there is one: by an m-line that both have, and
/// where all are new by the ICE credentials, which a client may use for several transports (RFC 8839 §5.4).
fn known(ups: &[Up], offer: &Description) -> Vec<Option<usize>> {
    let mut places: Vec<Option<usize>> = offer.parts().map(|_| None).collect();
    for is_of in [Up::has_line_of, Up::has_credentials_of] {
        for (index, part) in offer.parts().enumerate() {
            if places[index].is_none() {
                let is_free = |place: &usize| !places.contains(&Some(*place));
                let found =
                    (0..ups.len()).find(|place| is_free(place) && is_of(&ups[*place], part));
                places[index] = found;
            }
        }
    }
    places
}

/// Answers each part of an offer by the connection at its place.
fn answer(ups: &mut [Up], places: &[usize], offer: &Description, reach: &Reach) -> String {
    let mut ends: Vec<(usize, End<'_>)> = Vec::new();
    for (place, up) in ups.iter_mut().enumerate() {
        let part = places.iter().position(|known| *known == place);
        ends.extend(part.map(|part| (part, up.end(reach))));
    }
    ends.sort_unstable_by_key(|(part, _)| *part);
    let mut ends = ends.into_iter().map(|(_, end)| end);
    let first = ends.next();
    let apart: Vec<(End<'_>, &Description)> = ends.zip(&offer.apart).collect();
    first.map_or_else(String::new, |end| end.answer(offer, &apart))
}

/// Says which m-line carries what. An m-line may have gone from one connection to another.
pub(in crate::media) fn assign(ups: &mut [Up], sources: &[SourceMid]) -> Assigned {
    let mut all = Assigned::default();
    for up in ups {
        let Assigned { carried, refused } = up.assign(sources);
        all.carried.extend(carried);
        all.refused.extend(refused);
    }
    let Assigned { carried, refused } = &mut all;
    refused.retain(|(source, _)| carried.iter().all(|(other, _)| other != source));
    all
}
