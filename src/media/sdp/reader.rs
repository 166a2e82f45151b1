//! The reader: line by line, with a bound on everything that is kept.

use std::collections::HashSet;

use super::{Codec, Description, Origin, Refusal, Section};
use crate::protocol::object::MediaKind;

/// More m-lines are refused: what we offer ourselves at most, 8 sounds and 25 pictures.
const MAX_SECTIONS: usize = 33;
/// More candidates are refused; one that is repeated in every m-line counts once.
const MAX_CANDIDATES: usize = 64;
/// More encodings, SSRC lines or simulcast layers in one m-line are refused.
const MAX_CODECS: usize = 128;
const MAX_SSRC_LINES: usize = 64;
const MAX_RIDS: usize = 8;
/// Longer mids and rids are refused: they travel in one-byte header extensions (RFC 8285 §4.2).
const MAX_TAG_BYTES: usize = 16;

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    ufrag: Option<String>,
    fingerprint: Option<String>,
    has_password: bool,
    is_lite: bool,
    /// No m-line sends that does not say so.
    silent: bool,
    session: String,
    ssrcs: HashSet<u32>,
    candidates: HashSet<String>,
    done: Vec<Section>,
    open: Option<OpenSection>,
}

struct OpenSection {
    mid: Option<String>,
    kind: MediaKind,
    sends: bool,
    rejected: bool,
    formats: Vec<u8>,
    maps: Vec<(u8, String, u32)>,
    fmtps: Vec<(u8, String)>,
    extensions: Vec<(u8, String)>,
    ssrc_lines: usize,
    rids: usize,
    names_track: bool,
}

impl Reader {
    /// Takes the next line.
    pub fn line(&mut self, line: &str) -> Result<(), Refusal> {
        if let Some(rest) = line.strip_prefix("m=") {
            self.close()?;
            if self.done.len() >= MAX_SECTIONS {
                return Err("The description has too many m-lines.");
            }
            self.open = Some(OpenSection::begin(rest, !self.silent)?);
            return Ok(());
        }
        if let Some(origin) = line.strip_prefix("o=") {
            let session = origin.split_ascii_whitespace().nth(1);
            self.session = session.unwrap_or_default().to_owned();
        }
        let Some(attribute) = line.strip_prefix("a=") else {
            return Ok(());
        };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-ufrag" => return self.ufrag(value),
            "ice-pwd" => {
                self.has_password = true;
                return if value.trim().is_empty() {
                    Err("The ICE password is empty.")
                } else {
                    Ok(())
                };
            }
            "fingerprint" => {
                let value = value.trim().to_ascii_lowercase();
                if !value.contains(' ') {
                    return Err("The fingerprint names no hash.");
                }
                self.fingerprint.get_or_insert(value);
            }
            // How many there may be is checked by the m-line.
            "ssrc" => {
                let ssrc = value.split_ascii_whitespace().next();
                self.ssrcs
                    .extend(ssrc.and_then(|ssrc| ssrc.parse::<u32>().ok()));
            }
            "ice-lite" => self.is_lite = true,
            "recvonly" | "inactive" if self.open.is_none() => self.silent = true,
            "candidate" => {
                self.candidates.insert(value.to_owned());
                if self.candidates.len() > MAX_CANDIDATES {
                    return Err("The description has more than 64 candidates.");
                }
            }
            _ => {}
        }
        self.open
            .as_mut()
            .map_or(Ok(()), |section| section.attribute(name, value))
    }

    fn ufrag(&mut self, value: &str) -> Result<(), Refusal> {
        let value = value.trim();
        // RFC 8839 §5.4: 4 to 256 ice-chars.
        if !(4..=256).contains(&value.len()) || !value.bytes().all(is_ice_char) {
            return Err("The ICE user name fragment is malformed.");
        }
        self.ufrag.get_or_insert_with(|| value.to_owned());
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let section = open.finish()?;
        if self.done.iter().any(|other| other.mid == section.mid) {
            return Err("Two m-lines have the same mid.");
        }
        self.done.push(section);
        Ok(())
    }

    /// What was read.
    pub fn finish(mut self) -> Result<Description, Refusal> {
        self.close()?;
        if self.done.is_empty() {
            return Err("The description has no m-line.");
        }
        if !self.has_password {
            return Err("The description has no ICE password.");
        }
        let origin = Origin {
            ufrag: self
                .ufrag
                .ok_or("The description has no ICE user name fragment.")?,
            fingerprint: self
                .fingerprint
                .ok_or("The description has no DTLS fingerprint.")?,
            session: self.session,
            ssrcs: self.ssrcs,
        };
        Ok(Description {
            origin,
            has_candidates: !self.candidates.is_empty(),
            is_lite: self.is_lite,
            sections: self.done,
        })
    }
}

impl OpenSection {
    fn begin(rest: &str, sends: bool) -> Result<Self, Refusal> {
        let mut words = rest.split_ascii_whitespace();
        let kind = match words.next() {
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            _ => return Err("Only audio and video m-lines are taken."),
        };
        let port: u16 = words
            .next()
            .and_then(|port| port.parse().ok())
            .ok_or("An m-line has no port.")?;
        if !words
            .next()
            .is_some_and(|proto| proto.contains("RTP/SAVPF"))
        {
            return Err("An m-line is not RTP/SAVPF.");
        }
        let formats: Result<Vec<u8>, _> = words.map(str::parse).collect();
        let formats = formats.map_err(|_| "An m-line names a payload type that is none.")?;
        if formats.len() > MAX_CODECS || formats.iter().any(|format| *format > 127) {
            return Err("An m-line names too many payload types, or one beyond 127.");
        }
        Ok(Self {
            mid: None,
            kind,
            sends,
            rejected: port == 0,
            formats,
            maps: Vec::new(),
            fmtps: Vec::new(),
            extensions: Vec::new(),
            ssrc_lines: 0,
            rids: 0,
            names_track: false,
        })
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "mid" => {
                if self.mid.is_some() || !is_tag(value.trim()) {
                    return Err("An m-line has two mids, or a malformed one.");
                }
                self.mid = Some(value.trim().to_owned());
            }
            "sendonly" | "sendrecv" => self.sends = true,
            "recvonly" | "inactive" => self.sends = false,
            "msid" => self.names_track = true,
            "rtpmap" => self.map(value)?,
            "fmtp" => {
                let (format, parameters) = numbered(value).ok_or("An a=fmtp line is malformed.")?;
                if self.fmtps.len() >= MAX_CODECS {
                    return Err("An m-line has too many a=fmtp lines.");
                }
                self.fmtps.push((format, parameters.to_owned()));
            }
            "extmap" => self.extension(value)?,
            "ssrc" | "ssrc-group" => {
                self.ssrc_lines += 1;
                if self.ssrc_lines > MAX_SSRC_LINES {
                    return Err("An m-line has too many SSRC lines.");
                }
            }
            "rid" => {
                self.rids += 1;
                let id = value.split_ascii_whitespace().next().unwrap_or_default();
                if self.rids > MAX_RIDS || !is_tag(id) {
                    return Err("An m-line has too many rids, or a malformed one.");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn map(&mut self, value: &str) -> Result<(), Refusal> {
        let malformed = "An a=rtpmap line is malformed.";
        let (format, encoding) = numbered(value).ok_or(malformed)?;
        let mut parts = encoding.split('/');
        let name = parts
            .next()
            .filter(|name| is_token(name, 64))
            .ok_or(malformed)?;
        let clock: u32 = parts
            .next()
            .and_then(|clock| clock.trim().parse().ok())
            .ok_or(malformed)?;
        if clock == 0 || self.maps.len() >= MAX_CODECS {
            return Err(malformed);
        }
        self.maps.push((format, name.to_owned(), clock));
        Ok(())
    }

    fn extension(&mut self, value: &str) -> Result<(), Refusal> {
        let malformed = "An a=extmap line is malformed.";
        let (id, uri) = value.split_once(' ').ok_or(malformed)?;
        // The id may carry a direction: `3/sendonly`.
        let id: u8 = id
            .split('/')
            .next()
            .and_then(|id| id.parse().ok())
            .ok_or(malformed)?;
        // RFC 8285 §5: 0 is padding, 15 reserved, and what lies beyond needs two-byte headers.
        if !(1..=255).contains(&id) || self.extensions.len() >= 64 {
            return Err(malformed);
        }
        let uri = uri.split_ascii_whitespace().next().ok_or(malformed)?;
        self.extensions.push((id, uri.to_owned()));
        Ok(())
    }

    fn finish(self) -> Result<Section, Refusal> {
        let mid = self.mid.clone().ok_or("An m-line has no mid.")?;
        let repairs = self.repairs();
        let codecs = self.formats.iter().filter_map(|format| {
            let (_, name, clock_rate) = self.maps.iter().find(|(known, ..)| known == format)?;
            if [
                "rtx",
                "red",
                "ulpfec",
                "flexfec-03",
                "telephone-event",
                "cn",
            ]
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
            {
                return None;
            }
            let fmtp = self.fmtp(*format).unwrap_or_default().to_owned();
            let repair = repairs
                .iter()
                .find(|(_, repaired)| repaired == format)
                .map(|(repair, _)| *repair);
            Some(Codec {
                payload_type: *format,
                name: registered_name(name).to_owned(),
                clock_rate: *clock_rate,
                fmtp,
                repair,
            })
        });
        Ok(Section {
            codecs: codecs.collect(),
            mid,
            kind: self.kind,
            sends: self.sends,
            declares_streams: self.ssrc_lines + self.rids > 0,
            names_track: self.names_track,
            rejected: self.rejected,
            extensions: self.extensions,
        })
    }

    fn fmtp(&self, format: u8) -> Option<&str> {
        self.fmtps
            .iter()
            .find(|(known, _)| *known == format)
            .map(|(_, parameters)| parameters.as_str())
    }

    /// (repair payload type, repaired payload type).
    fn repairs(&self) -> Vec<(u8, u8)> {
        let rtx = self.maps.iter().filter(|(format, name, _)| {
            name.eq_ignore_ascii_case("rtx") && self.formats.contains(format)
        });
        rtx.filter_map(|(format, ..)| {
            let repaired = self
                .fmtp(*format)?
                .split(';')
                .find_map(|pair| pair.trim().strip_prefix("apt="))?;
            Some((*format, repaired.trim().parse().ok()?))
        })
        .collect()
    }
}

/// Names are the same in every case (RFC 4855 §3); clients are told the registered one.
fn registered_name(name: &str) -> &str {
    let registered = ["opus", "VP8", "VP9", "H264", "AV1"];
    let known = registered
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name));
    known.copied().unwrap_or(name)
}

/// `96 rest` as (96, "rest").
fn numbered(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.trim().split_once(' ')?;
    Some((
        number.parse().ok().filter(|number| *number <= 127)?,
        rest.trim(),
    ))
}

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte == b'+'
        || byte == b'/'
        || byte == b'-'
        || byte == b'_'
        || byte == b'='
}

fn is_tag(value: &str) -> bool {
    is_token(value, MAX_TAG_BYTES)
}

/// RFC 8866 §9: a token, here of bounded length.
fn is_token(value: &str, longest: usize) -> bool {
    let fits = (1..=longest).contains(&value.len());
    fits && value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte))
}
