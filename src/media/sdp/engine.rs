//! What the WebRTC crate is given and gives. Descriptions are written in many dialects, of which it knows some; so it
//! is given what [`Description`] understood, written anew in one, and its answers are written in the client's again.

use std::collections::HashSet;

use rtc::sdp::extmap::{
    AUDIO_LEVEL_URI, SDES_MID_URI, SDES_REPAIR_RTP_STREAM_ID_URI, SDES_RTP_STREAM_ID_URI,
    TRANSPORT_CC_URI,
};

use super::{Declined, Description, Section, Setup};
use crate::media::codec::Encoding;
use crate::protocol::object::MediaKind;

/// The header extensions that are made use of.
const EXTENSIONS: [&str; 5] = [
    AUDIO_LEVEL_URI,
    SDES_MID_URI,
    SDES_REPAIR_RTP_STREAM_ID_URI,
    SDES_RTP_STREAM_ID_URI,
    TRANSPORT_CC_URI,
];

/// An offer of the client's.
///
/// Every m-line of it sends: the crate stops for good what is paused once. Nor does it see candidates: the server never
/// sends to an address because a description named it, only to one that proved by a connectivity check that it knows
/// the session's password. So it cannot be made to scan or flood others.
pub(in crate::media) fn offer_for_engine(offer: &Description, sdp: &str) -> String {
    let setup = match offer.setup {
        Some(Setup::Active) => "active",
        Some(Setup::Passive) => "passive",
        Some(Setup::Actpass) | None => "actpass",
    };
    let mut text = head(offer);
    let alone = offer.sections.len() == 1;
    for section in &offer.sections {
        begin(&mut text, offer, section, setup);
        text.push_str("a=sendonly\r\n");
        // The crate wants a track's name for each, whatever it is; of streams that it is not told of it can only find
        // those of a single m-line.
        if alone || section.declares_streams {
            let index = section.index;
            text.push_str(&format!("a=msid:stream-{index} track-{index}\r\n"));
        }
        copy(&mut text, section, sdp);
    }
    text
}

/// An answer of the client's; `mids` are those of our offer's m-lines.
pub(in crate::media) fn answer_for_engine(
    answer: &Description,
    sdp: &str,
    mids: &[(&str, MediaKind)],
) -> String {
    let setup = match answer.setup {
        Some(Setup::Passive) => "passive",
        _ => "active",
    };
    let mut text = head(answer);
    for (index, (mid, kind)) in mids.iter().enumerate() {
        let mut sections = answer.sections.iter();
        match sections.find(|section| section.index == index) {
            Some(section) => {
                begin(&mut text, answer, section, setup);
                text.push_str(match section.receives {
                    true => "a=recvonly\r\n",
                    false => "a=inactive\r\n",
                });
                copy(&mut text, section, sdp);
            }
            None => refuse(&mut text, medium(*kind), "UDP/TLS/RTP/SAVPF 0", Some(mid)),
        }
    }
    text
}

/// The crate's answer as the client is told it: with the m-lines that it did not see refused in their places, and each
/// m-line's protocol as it was offered (RFC 9429 §5.3.1).
pub(in crate::media) fn answer_for_client(answer: &str, offer: &Description) -> String {
    let mut told = String::with_capacity(answer.len());
    let mut declined = offer.declined.iter().peekable();
    let mut sections = offer.sections.iter();
    let mut current: Option<&Section> = None;
    let mut refused = false;
    let bundled = offer.is_bundled();
    for line in answer.lines() {
        if let Some(rest) = line.strip_prefix("m=") {
            current = sections.next();
            let until = current.map_or(usize::MAX, |section| section.index);
            while let Some(one) = declined.next_if(|one| one.index < until) {
                refuse_declined(&mut told, one);
            }
            let mut words = rest.split(' ');
            refused = words.nth(1) == Some("0");
            if let (Some(section), true) = (current, refused) {
                let format = format!("{} {}", section.proto, section.formats);
                refuse(&mut told, medium(section.kind), &format, Some(&section.mid));
            } else if let Some(section) = current {
                let formats: Vec<&str> = words.skip(1).collect();
                let (kind, proto) = (medium(section.kind), &section.proto);
                told.push_str(&format!("m={kind} 9 {proto} {}\r\n", formats.join(" ")));
            }
            continue;
        }
        if refused {
            continue;
        }
        match line {
            "a=recvonly" | "a=inactive" | "a=sendonly" | "a=sendrecv" if current.is_some() => {
                let sends = current.is_some_and(|section| section.sends);
                told.push_str(if sends { "a=recvonly" } else { "a=inactive" });
            }
            "a=setup:passive" if offer.setup == Some(Setup::Passive) => {
                told.push_str("a=setup:active");
            }
            // Who did not bundle is not told of bundles (RFC 9143 §7.3).
            _ if line.starts_with("a=group:") && !bundled => continue,
            _ => told.push_str(line),
        }
        told.push_str("\r\n");
    }
    for one in declined {
        refuse_declined(&mut told, one);
    }
    told
}

fn head(description: &Description) -> String {
    let mids: Vec<&str> = description
        .sections
        .iter()
        .map(|section| section.mid.as_str())
        .collect();
    let mixed = match description.mixes_extensions {
        true => "a=extmap-allow-mixed\r\n",
        false => "",
    };
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n{mixed}",
        mids.join(" ")
    )
}

/// The beginning of an m-line, up to its direction.
fn begin(text: &mut String, description: &Description, section: &Section, setup: &str) {
    let formats: Vec<String> = formats(section)
        .iter()
        .map(|(number, _)| number.to_string())
        .collect();
    let Description {
        origin, password, ..
    } = description;
    text.push_str(&format!(
        "m={} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{password}\r\n",
        medium(section.kind),
        formats.join(" "),
        section.mid,
        origin.ufrag,
    ));
    if let Some(fingerprint) = origin.fingerprints.first() {
        text.push_str(&format!("a=fingerprint:{fingerprint}\r\n"));
    }
    text.push_str(&format!("a=setup:{setup}\r\na=rtcp-mux\r\n"));
    for (id, uri) in &section.extensions {
        if EXTENSIONS.contains(&uri.as_str()) {
            text.push_str(&format!("a=extmap:{id} {uri}\r\n"));
        }
    }
}

/// The formats that are negotiated, each once, and whether it is a repair.
fn formats(section: &Section) -> Vec<(u8, bool)> {
    let mut seen = HashSet::new();
    let known = section
        .codecs
        .iter()
        .filter(|codec| Encoding::named(&codec.name) != Encoding::Other);
    let both = known.flat_map(|codec| {
        let repair = codec.repair.map(|repair| (repair, true));
        [Some((codec.payload_type, false)), repair]
    });
    both.flatten()
        .filter(|(number, _)| seen.insert(*number))
        .collect()
}

/// What the client wrote of an m-line's formats and streams.
fn copy(text: &mut String, section: &Section, sdp: &str) {
    let formats = formats(section);
    let mut mapped = HashSet::new();
    for line in lines_of(sdp, section.index) {
        let Some((name, value)) = line
            .strip_prefix("a=")
            .and_then(|rest| rest.split_once(':'))
        else {
            continue;
        };
        let (number, rest) = value.trim().split_once(' ').unwrap_or((value, ""));
        let of = number.parse().ok();
        let known = formats.iter().find(|(format, _)| Some(*format) == of);
        match (name, known) {
            ("rtpmap" | "fmtp", Some((number, _))) if mapped.insert((name, *number)) => {
                text.push_str(&format!("a={name}:{number} {}\r\n", rest.trim()));
            }
            ("rtcp-fb", Some((number, false))) => {
                text.push_str(&format!("a=rtcp-fb:{number} {}\r\n", rest.trim()));
            }
            ("rtcp-fb", None) if number == "*" => {
                for (number, _) in formats.iter().filter(|(_, repair)| !repair) {
                    text.push_str(&format!("a=rtcp-fb:{number} {}\r\n", rest.trim()));
                }
            }
            ("ssrc" | "ssrc-group" | "rid" | "simulcast", _) => {
                text.push_str(&format!("a={name}:{}\r\n", value.trim()));
            }
            _ => {}
        }
    }
}

/// The lines of the m-line of this place, without the first.
fn lines_of(sdp: &str, index: usize) -> impl Iterator<Item = &str> {
    let begins = |line: &&str| line.starts_with("m=");
    let mut before = 0;
    let from = sdp.lines().skip_while(move |line| {
        before += usize::from(line.starts_with("m="));
        before <= index
    });
    from.skip(1).take_while(move |line| !begins(line))
}

fn refuse_declined(text: &mut String, one: &Declined) {
    refuse(text, &one.media, &one.format, one.mid.as_deref());
}

fn refuse(text: &mut String, media: &str, format: &str, mid: Option<&str>) {
    text.push_str(&format!(
        "m={media} 0 {format}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n"
    ));
    if let Some(mid) = mid {
        text.push_str(&format!("a=mid:{mid}\r\n"));
    }
}

/// As an m-line names it (RFC 8866 §8.2.2).
pub(super) fn medium(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}
