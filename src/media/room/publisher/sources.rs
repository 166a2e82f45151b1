//! Which m-line carries which source.

use super::Up;
use crate::media::error::MediaError;
use crate::media::peer::sdp::{Description, Why};
use crate::protocol::object::{Source, SourceMid};

/// What became of the sources that an offer names.
#[derive(Debug, Default)]
pub(in crate::media) struct Assigned {
    /// Those that an m-line carries, with the name of its first encoding.
    pub carried: Vec<(Source, Option<String>)>,
    /// The others.
    pub refused: Vec<(Source, Why)>,
}

impl Up {
    /// Says which m-line carries what. Returns each carried source with the name of its first encoding, and the other
    /// sources with the reason.
    pub fn assign(&mut self, sources: &[SourceMid]) -> Assigned {
        let mut assigned = Assigned::default();
        for line in &mut self.lines {
            line.source = None;
            let named = sources.iter().find(|source| source.mid == line.mid);
            let Some(SourceMid { source, .. }) = named else {
                continue;
            };
            match line.declined {
                Some(why) => assigned.refused.push((*source, why)),
                None => {
                    line.source = Some(*source);
                    assigned.carried.push((*source, line.first_codec()));
                }
            }
        }
        assigned
    }
}

/// Checks that the sources name m-lines of the offer that can carry them, or that would carry them if they could be
/// served.
///
/// # Errors
/// [`MediaError::BadSdp`] that says which rule is broken; what speaks against their m-lines if that is so of all.
pub(in crate::media) fn check_sources(
    offer: &Description,
    sources: &[SourceMid],
) -> Result<(), MediaError> {
    let mut declined = None;
    for (index, source) in sources.iter().enumerate() {
        let earlier = &sources[..index];
        if earlier
            .iter()
            .any(|other| other.source == source.source || other.mid == source.mid)
        {
            return Err(MediaError::bad_sdp("A source or an m-line is named twice."));
        }
        let Some(section) = offer.section(&source.mid) else {
            match offer.why_declined(&source.mid) {
                None => {
                    return Err(MediaError::bad_sdp(
                        "A source names an m-line (a=mid) that is not in the offer.",
                    ));
                }
                Some(why) if why.is_the_clients() => return Err(why.refusal()),
                Some(why) => declined = declined.or(Some(why)),
            }
            continue;
        };
        if section.kind != source.source.kind() {
            return Err(MediaError::bad_sdp(
                "A source names an m-line of the other kind.",
            ));
        }
        if !section.sends {
            return Err(MediaError::bad_sdp(
                "A source names an m-line that does not send (a=sendonly or a=sendrecv).",
            ));
        }
    }
    let carried = sources
        .iter()
        .any(|source| offer.section(&source.mid).is_some());
    match declined {
        Some(why) if !carried => Err(why.refusal()),
        _ => Ok(()),
    }
}
