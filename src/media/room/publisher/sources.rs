//! Which of an offer's m-lines carry which sources.

use crate::media::error::MediaError;
use crate::media::peer::sdp::{Description, Section};
use crate::media::rtp::extensions::Extension;
use crate::protocol::object::SourceMid;

const NOT_TOLD_APART: &str = "With several m-lines, each that sends must declare its streams by a=ssrc or a=rid, or be told apart by the mid's header extension or by payload types of its own.";

/// Whether the packets of an m-line can be told from those of the others (RFC 9143 §9.2).
fn is_told_apart(section: &Section, offer: &Description) -> bool {
    let declares = section.streams.media().next().is_some() || !section.streams.layers.is_empty();
    let names = section.extension_ids().get(Extension::Mid).is_some();
    let others = offer
        .sections
        .iter()
        .filter(|other| other.mid != section.mid);
    let mut foreign = others.flat_map(|other| other.codecs.iter().map(|codec| codec.payload_type));
    let is_own = |number: u8| {
        section
            .codecs
            .iter()
            .all(|codec| codec.payload_type != number)
    };
    declares || names || foreign.all(is_own)
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
    let mut named = sources
        .iter()
        .filter_map(|source| offer.section(&source.mid));
    if named.any(|section| section.sends && !is_told_apart(section, offer)) {
        return Err(MediaError::bad_sdp(NOT_TOLD_APART));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_could_not_be_told_apart_are_refused() {
        let line = |mid: u8, rest: &str| {
            format!("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:{mid}\r\na=sendonly\r\n{rest}")
        };
        let check = |lines: &[String], named: &[&str]| {
            let sdp = format!(
                "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
                 a=fingerprint:sha-256 {}\r\na=group:BUNDLE 0 1\r\n{}",
                ["AB"; 32].join(":"),
                lines.concat()
            );
            let sources = named.iter().zip([Source::Camera, Source::Screen]);
            let sources: Vec<_> = sources
                .map(|(mid, source)| SourceMid {
                    mid: (*mid).to_owned(),
                    source,
                })
                .collect();
            check_sources(&Description::parse(&sdp).unwrap(), &sources)
        };
        let (msid, ssrc, rid) = ("a=msid:s t\r\n", "a=ssrc:7 cname:a\r\n", "a=rid:q send\r\n");
        assert_eq!(check(&[line(0, msid)], &["0"]), Ok(()));
        assert_eq!(check(&[line(0, ssrc), line(1, rid)], &["0", "1"]), Ok(()));
        assert_eq!(check(&[line(0, ssrc), line(1, "")], &["0"]), Ok(()));
        assert_eq!(check(&[line(0, ssrc), line(1, msid)], &["0"]), Ok(()));
        let refused = [
            check(&[line(0, ssrc), line(1, msid)], &["0", "1"]),
            check(&[line(0, ssrc), line(1, "")], &["0", "1"]),
        ];
        for refusal in refused {
            assert!(
                matches!(refusal, Err(MediaError::BadSdp(text)) if text.to_string().contains("a=ssrc"))
            );
        }
    }
}
