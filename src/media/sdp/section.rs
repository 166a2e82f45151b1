//! The reader of one m-line of sound or picture.

use std::str::SplitAsciiWhitespace;

use super::{Codec, Refusal, Section};
use crate::protocol::object::MediaKind;

/// More encodings, SSRC lines or simulcast layers in one m-line are refused.
const MAX_CODECS: usize = 128;
const MAX_SSRC_LINES: usize = 64;
const MAX_RIDS: usize = 8;
/// Longer mids and rids are refused: they travel in one-byte header extensions (RFC 8285 §4.2).
const MAX_TAG_BYTES: usize = 16;

/// An m-line that is being read.
pub(super) struct OpenSection {
    /// Its identification tag; empty until it is known.
    pub mid: String,
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

impl OpenSection {
    /// `words` are those after the port.
    pub fn begin(
        mut words: SplitAsciiWhitespace<'_>,
        kind: MediaKind,
        port: u16,
        sends: bool,
    ) -> Result<Self, Refusal> {
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
            mid: String::new(),
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

    /// Takes one attribute.
    pub fn attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "mid" => take_mid(&mut self.mid, value)?,
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

    /// What was read.
    pub fn finish(self) -> Section {
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
        Section {
            codecs: codecs.collect(),
            mid: self.mid.clone(),
            kind: self.kind,
            sends: self.sends,
            declares_streams: self.ssrc_lines + self.rids > 0,
            names_track: self.names_track,
            rejected: self.rejected,
            extensions: self.extensions.clone(),
        }
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

/// Takes a mid, once.
pub(super) fn take_mid(mid: &mut String, value: &str) -> Result<(), Refusal> {
    let value = value.trim();
    if !mid.is_empty() || !is_tag(value) {
        return Err("An m-line has two mids, or a malformed one.");
    }
    value.clone_into(mid);
    Ok(())
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

fn is_tag(value: &str) -> bool {
    is_token(value, MAX_TAG_BYTES)
}

/// RFC 8866 §9: a token, here of bounded length.
pub(super) fn is_token(value: &str, longest: usize) -> bool {
    let fits = (1..=longest).contains(&value.len());
    fits && value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte))
}
