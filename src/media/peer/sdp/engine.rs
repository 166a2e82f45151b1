//! What the WebRTC crate is given and gives. Descriptions are written in many dialects, of which it knows some; so it
//! is given what [`Description`] understood, written anew in one, and its answers are written in the client's again.

use std::collections::HashSet;

use rtc::sdp::extmap::{
    AUDIO_LEVEL_URI, SDES_MID_URI, SDES_REPAIR_RTP_STREAM_ID_URI, SDES_RTP_STREAM_ID_URI,
    TRANSPORT_CC_URI,
};

use super::{Declined, Description, Section, Setup};
use crate::media::peer::codec::Encoding;
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
    for (place, section) in offer.sections.iter().enumerate() {
        let own = formats(section);
        let more = beside(&offer.sections, place, &own);
        let all: Vec<u8> = own
            .iter()
            .chain(more.iter().map(|(_, more)| more))
            .map(number)
            .collect();
        begin(&mut text, offer, section, &all, setup);
        text.push_str("a=sendonly\r\n");
        // The crate wants a track's name for each, whatever it is; of streams that it is not told of it can only find
        // those of a single m-line.
        if alone || section.declares_streams {
            let index = section.index;
            text.push_str(&format!("a=msid:stream-{index} track-{index}\r\n"));
        }
        copy_formats(&mut text, section, &own, sdp);
        for (other, format) in &more {
            copy_formats(&mut text, other, &[*format], sdp);
        }
        copy_streams(&mut text, section, sdp);
    }
    text
}

/// A payload type, and whether it is a repair's.
type Format = (u8, bool);

fn number(format: &Format) -> u8 {
    format.0
}

/// The formats that only later m-lines of the same kind have, if this is the first of its kind: what that one does not
/// name the crate knows nowhere in the connection. The answer leaves them out again.
fn beside<'a>(sections: &'a [Section], place: usize, own: &[Format]) -> Vec<(&'a Section, Format)> {
    let kind = sections[place].kind;
    if sections[..place].iter().any(|earlier| earlier.kind == kind) {
        return Vec::new();
    }
    let mut seen: HashSet<u8> = own.iter().map(number).collect();
    let others = sections[place + 1..]
        .iter()
        .filter(|other| other.kind == kind);
    let formats = others.flat_map(|other| formats(other).into_iter().map(move |one| (other, one)));
    formats
        .filter(|(_, format)| seen.insert(number(format)))
        .collect()
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
                let own = formats(section);
                let numbers: Vec<u8> = own.iter().map(number).collect();
                begin(&mut text, answer, section, &numbers, setup);
                text.push_str(match section.receives {
                    true => "a=recvonly\r\n",
                    false => "a=inactive\r\n",
                });
                copy_formats(&mut text, section, &own, sdp);
                copy_streams(&mut text, section, sdp);
            }
            None => refuse(&mut text, medium(*kind), "UDP/TLS/RTP/SAVPF 0", Some(mid)),
        }
    }
    text
}

/// The crate's answer as the client is told it: with the m-lines that it did not see refused in their places, and each
/// m-line's protocol and formats as they were offered (RFC 9429 §5.3.1).
pub(in crate::media) fn answer_for_client(answer: &str, offer: &Description) -> String {
    let agreed = agreed(answer, offer);
    let mut told = String::with_capacity(answer.len());
    let mut declined = offer.declined.iter().peekable();
    let mut sections = offer.sections.iter().zip(&agreed);
    let mut current: Option<(&Section, &Vec<&str>)> = None;
    for line in answer.lines() {
        if line.starts_with("m=") {
            current = sections.next();
            let Some((section, formats)) = current else {
                continue;
            };
            while let Some(one) = declined.next_if(|one| one.index < section.index) {
                refuse_declined(&mut told, one);
            }
            let (kind, proto) = (medium(section.kind), &section.proto);
            if formats.is_empty() {
                let format = format!("{proto} {}", section.formats);
                refuse(&mut told, kind, &format, Some(&section.mid));
            } else {
                told.push_str(&format!("m={kind} 9 {proto} {}\r\n", formats.join(" ")));
            }
            continue;
        }
        match current {
            Some((_, formats)) if formats.is_empty() || !is_of(line, formats) => continue,
            Some((section, _)) if is_direction(line) => told.push_str(match section.sends {
                true => "a=recvonly",
                false => "a=inactive",
            }),
            _ if line == "a=setup:passive" && offer.setup == Some(Setup::Passive) => {
                told.push_str("a=setup:active");
            }
            _ if line.starts_with("a=group:") => {
                // Who did not bundle is not told of bundles (RFC 9143 §7.3).
                if !offer.is_bundled() {
                    continue;
                }
                told.push_str("a=group:BUNDLE");
                let kept = offer.sections.iter().zip(&agreed);
                for (section, _) in kept.filter(|(_, formats)| !formats.is_empty()) {
                    told.push_str(&format!(" {}", section.mid));
                }
            }
            _ => told.push_str(line),
        }
        told.push_str("\r\n");
    }
    for one in declined {
        refuse_declined(&mut told, one);
    }
    told
}

/// The formats of each of the answer's m-lines that its offer has. The crate has one payload type for an encoding in all
/// m-lines of a kind, so of an m-line that gives it another one nothing may be left.
fn agreed<'a>(answer: &'a str, offer: &Description) -> Vec<Vec<&'a str>> {
    let lines = answer.lines().filter_map(|line| line.strip_prefix("m="));
    let lines = lines.zip(&offer.sections);
    let agreed = lines.map(|(line, section)| {
        let mut words = line.split(' ').skip(1);
        let refused = words.next() == Some("0");
        let offered = formats(section);
        let known = |word: &&str| {
            offered
                .iter()
                .any(|format| word.parse() == Ok(number(format)))
        };
        let both: Vec<&str> = words.skip(1).filter(known).collect();
        let own = |word: &&str| {
            offered
                .iter()
                .any(|(number, repair)| !repair && word.parse() == Ok(*number))
        };
        match refused || !both.iter().any(own) {
            true => Vec::new(),
            false => both,
        }
    });
    agreed.collect()
}

/// Whether a line says nothing of other formats than these.
fn is_of(line: &str, formats: &[&str]) -> bool {
    let about = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"];
    let value = about.iter().find_map(|name| line.strip_prefix(name));
    value.is_none_or(|value| {
        let of = value.split(' ').next().unwrap_or_default();
        formats.contains(&of)
    })
}

fn is_direction(line: &str) -> bool {
    ["a=recvonly", "a=inactive", "a=sendonly", "a=sendrecv"].contains(&line)
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
fn begin(
    text: &mut String,
    description: &Description,
    section: &Section,
    formats: &[u8],
    setup: &str,
) {
    let formats: Vec<String> = formats.iter().map(u8::to_string).collect();
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
fn formats(section: &Section) -> Vec<Format> {
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

/// What the client wrote of these formats of an m-line.
fn copy_formats(text: &mut String, section: &Section, formats: &[Format], sdp: &str) {
    let mut mapped = HashSet::new();
    for (name, value) in attributes(sdp, section.index) {
        let (of, rest) = value.split_once(' ').unwrap_or((value, ""));
        let rest = rest.trim();
        let known = formats
            .iter()
            .find(|format| of.parse() == Ok(number(format)));
        match (name, known) {
            ("rtpmap" | "fmtp", Some((number, _))) if mapped.insert((name, *number)) => {
                text.push_str(&format!("a={name}:{number} {rest}\r\n"));
            }
            ("rtcp-fb", Some((number, false))) => {
                text.push_str(&format!("a=rtcp-fb:{number} {rest}\r\n"));
            }
            ("rtcp-fb", None) if of == "*" => {
                for (number, _) in formats.iter().filter(|(_, repair)| !repair) {
                    text.push_str(&format!("a=rtcp-fb:{number} {rest}\r\n"));
                }
            }
            _ => {}
        }
    }
}

/// What the client wrote of an m-line's streams.
fn copy_streams(text: &mut String, section: &Section, sdp: &str) {
    for (name, value) in attributes(sdp, section.index) {
        if ["ssrc", "ssrc-group", "rid", "simulcast"].contains(&name) {
            text.push_str(&format!("a={name}:{value}\r\n"));
        }
    }
}

/// The attributes with a value of an m-line.
fn attributes(sdp: &str, index: usize) -> impl Iterator<Item = (&str, &str)> {
    let attributes = lines_of(sdp, index).filter_map(|line| line.strip_prefix("a="));
    let attributes = attributes.filter_map(|attribute| attribute.split_once(':'));
    attributes.map(|(name, value)| (name, value.trim()))
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
