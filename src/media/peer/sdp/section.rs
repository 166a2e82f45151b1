//! The reader of one m-line of sound or picture.

use super::declined::{Declined, Why};
use super::streams::Streams;
use super::transport::Transport;
use super::{Codec, Feedback, Refusal, Section, is_token};
use crate::budgets::media::{EXTENSIONS, FORMATS, TAG};
use crate::media::rtp::encoding::Encoding;
use crate::protocol::object::MediaKind;

/// An m-line that is being read.
pub(super) struct OpenSection {
    /// Its identification tag; empty until it is known.
    pub mid: String,
    index: usize,
    kind: MediaKind,
    sends: bool,
    receives: bool,
    /// Port 0.
    closed: bool,
    bundle_only: bool,
    proto: String,
    formats: String,
    maps: Vec<Map>,
    /// The format, none for all, and what is said of it.
    feedbacks: Vec<(Option<u8>, String)>,
    reduces_reports: bool,
    fmtps: Vec<(u8, String)>,
    extensions: Vec<(u8, String)>,
    streams: Streams,
    transport: Transport,
}

/// What an `a=rtpmap` line says.
struct Map {
    format: u8,
    name: String,
    clock: u32,
    channels: Option<String>,
}

impl OpenSection {
    /// `directed` is whether it sends and receives where it does not say so; `formats` are as they were written.
    pub fn begin(
        index: usize,
        kind: MediaKind,
        port: u16,
        (sends, receives): (bool, bool),
        proto: String,
        formats: String,
    ) -> Self {
        Self {
            mid: String::new(),
            index,
            kind,
            sends,
            receives,
            closed: port == 0,
            bundle_only: false,
            proto,
            formats,
            maps: Vec::new(),
            feedbacks: Vec::new(),
            reduces_reports: false,
            fmtps: Vec::new(),
            extensions: Vec::new(),
            streams: Streams::default(),
            transport: Transport::default(),
        }
    }

    /// Takes one attribute.
    pub fn attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "mid" => take_mid(&mut self.mid, value)?,
            "bundle-only" => self.bundle_only = true,
            "sendrecv" => (self.sends, self.receives) = (true, true),
            "sendonly" => (self.sends, self.receives) = (true, false),
            "recvonly" => (self.sends, self.receives) = (false, true),
            "inactive" => (self.sends, self.receives) = (false, false),
            "rtpmap" => self.map(value)?,
            "fmtp" => {
                let (format, parameters) = numbered(value).ok_or("An a=fmtp line is malformed.")?;
                if self.fmtps.len() >= FORMATS.size() {
                    return Err("An m-line has too many a=fmtp lines.");
                }
                self.fmtps.push((format, parameters.to_owned()));
            }
            "extmap" => {
                if self.extensions.len() >= EXTENSIONS.size() {
                    return Err("An m-line has too many a=extmap lines.");
                }
                self.extensions.push(extension(value)?);
            }
            "rtcp-fb" => self.feedback(value),
            "rtcp-rsize" => self.reduces_reports = true,
            "ssrc" | "ssrc-group" | "rid" | "simulcast" => self.streams.attribute(name, value)?,
            _ => self.transport.attribute(name, value)?,
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
        if clock == 0 || self.maps.len() >= FORMATS.size() {
            return Err(malformed);
        }
        let channels = parts.next().map(|channels| channels.trim().to_owned());
        let channels = channels.filter(|channels| is_token(channels, 8));
        self.maps.push(Map {
            format,
            name: name.to_owned(),
            clock,
            channels,
        });
        Ok(())
    }

    /// `96 nack pli`, or `* nack pli` of all formats. Lines beyond the possible number are passed over.
    fn feedback(&mut self, value: &str) {
        let Some((of, what)) = value.trim().split_once(' ') else {
            return;
        };
        let format = of.parse().ok();
        if (format.is_some() || of == "*") && self.feedbacks.len() < 4 * FORMATS.size() {
            self.feedbacks
                .push((format, what.trim().to_ascii_lowercase()));
        }
    }

    fn feedback_of(&self, format: u8) -> Feedback {
        let said = |what: &str| {
            let mut said = self.feedbacks.iter();
            said.any(|(of, known)| of.is_none_or(|of| of == format) && known == what)
        };
        Feedback {
            nack: said("nack"),
            picture_loss: said("nack pli"),
            full_intra: said("ccm fir"),
            transport: said("transport-cc"),
        }
    }

    /// What was read. `bundled` says whether a bundle names it, `common` which header extensions the session names.
    pub fn finish(
        self,
        bundled: bool,
        common: &[(u8, String)],
    ) -> Result<Result<Section, Declined>, Refusal> {
        // RFC 9143 §6: port 0 gives an m-line up, except one that is to have the port of the bundle.
        let why = match (self.closed, self.bundle_only && bundled) {
            (true, false) => Some(Why::GivenUp),
            _ if self.mid.is_empty() => Some(Why::NoMid),
            _ => None,
        };
        // A section that is given up need not be well formed otherwise.
        let numbers = match why {
            Some(_) => Vec::new(),
            None => self.numbers()?,
        };
        let repairs = self.repairs(&numbers);
        let codecs = numbers.iter().filter_map(|format| {
            let (name, clock_rate, channels) = self.encoding(*format)?;
            if !is_encoding(&name) {
                return None;
            }
            let fmtp = self.fmtp(*format).unwrap_or_default().to_owned();
            let repair = repairs
                .iter()
                .find(|(_, repaired)| repaired == format)
                .map(|(repair, _)| *repair);
            Some(Codec {
                payload_type: *format,
                encoding: Encoding::named(&name),
                name,
                clock_rate,
                channels,
                fmtp,
                repair,
                feedback: self.feedback_of(*format),
            })
        });
        let codecs = codecs.collect();
        let missing = common.iter().filter(|(_, uri)| {
            let mut own = self.extensions.iter();
            !own.any(|(_, known)| known == uri)
        });
        let extensions = self.extensions.iter().chain(missing).cloned().collect();
        let section = Section {
            index: self.index,
            mid: self.mid,
            kind: self.kind,
            sends: self.sends,
            receives: self.receives,
            streams: self.streams,
            codecs,
            extensions,
            reduces_reports: self.reduces_reports,
            proto: self.proto,
            formats: self.formats,
            transport: self.transport,
        };
        Ok(match why {
            Some(why) => Err(Declined::of(section, why)),
            None => Ok(section),
        })
    }

    fn numbers(&self) -> Result<Vec<u8>, Refusal> {
        let numbers: Result<Vec<u8>, _> = self
            .formats
            .split_ascii_whitespace()
            .map(str::parse)
            .collect();
        let numbers = numbers.map_err(|_| "An m-line names a payload type that is none.")?;
        if numbers.len() > FORMATS.size() || numbers.iter().any(|format| *format > 127) {
            return Err("An m-line names too many payload types, or one beyond 127.");
        }
        Ok(numbers)
    }

    /// The name, the clock rate and the channels of a format. Those of RFC 3551 need not be written out (RFC 8866
    /// §6.6).
    fn encoding(&self, format: u8) -> Option<(String, u32, Option<String>)> {
        let written = self.maps.iter().find(|map| map.format == format);
        if let Some(map) = written {
            let name = registered_name(&map.name).to_owned();
            return Some((name, map.clock, map.channels.clone()));
        }
        let (name, clock_rate) = assigned(self.kind, format)?;
        Some((name.to_owned(), clock_rate, None))
    }

    fn fmtp(&self, format: u8) -> Option<&str> {
        self.fmtps
            .iter()
            .find(|(known, _)| *known == format)
            .map(|(_, parameters)| parameters.as_str())
    }

    /// (repair payload type, repaired payload type).
    fn repairs(&self, numbers: &[u8]) -> Vec<(u8, u8)> {
        let rtx = self
            .maps
            .iter()
            .filter(|map| map.name.eq_ignore_ascii_case("rtx") && numbers.contains(&map.format));
        let resent = rtx.filter_map(|map| {
            let repaired = self
                .fmtp(map.format)?
                .split(';')
                .find_map(|pair| pair.trim().strip_prefix("apt="))?;
            Some((map.format, repaired.trim().parse().ok()?))
        });
        let red = self.maps.iter().filter(|map| {
            let is_sound = self.kind == MediaKind::Audio;
            is_sound && map.name.eq_ignore_ascii_case("red") && numbers.contains(&map.format)
        });
        // RFC 2198 §5: `111/111` is the newest sound's payload type, then the older ones'.
        let repeated = red.filter_map(|map| {
            let mut carried = self.fmtp(map.format)?.split('/').map(str::trim);
            let first = carried.next()?;
            let is_one = carried.all(|other| other == first);
            is_one.then_some((map.format, first.parse().ok()?))
        });
        resent.chain(repeated).collect()
    }
}

/// `3 urn:…` or `3/sendonly urn:…`.
pub(super) fn extension(value: &str) -> Result<(u8, String), Refusal> {
    let malformed = "An a=extmap line is malformed.";
    let mut words = value.split_ascii_whitespace();
    let id = words.next().and_then(|id| id.split('/').next());
    // RFC 8285 §5: 0 is padding, 15 reserved, and what lies beyond needs two-byte headers.
    let id: u8 = id
        .and_then(|id| id.parse().ok())
        .filter(|id| *id > 0)
        .ok_or(malformed)?;
    let uri = words.next().ok_or(malformed)?;
    Ok((id, uri.to_owned()))
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

/// Whether this is an encoding of its own, and not a repair or an event beside others.
fn is_encoding(name: &str) -> bool {
    let beside = [
        "rtx",
        "red",
        "ulpfec",
        "flexfec",
        "flexfec-03",
        "telephone-event",
        "CN",
    ];
    !beside.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// The encodings that have a payload type of their own (RFC 3551 §6, tables 4 and 5).
fn assigned(kind: MediaKind, format: u8) -> Option<(&'static str, u32)> {
    Some(match (kind, format) {
        (MediaKind::Audio, 0) => ("PCMU", 8_000),
        (MediaKind::Audio, 3) => ("GSM", 8_000),
        (MediaKind::Audio, 4) => ("G723", 8_000),
        (MediaKind::Audio, 5) => ("DVI4", 8_000),
        (MediaKind::Audio, 6) => ("DVI4", 16_000),
        (MediaKind::Audio, 7) => ("LPC", 8_000),
        (MediaKind::Audio, 8) => ("PCMA", 8_000),
        (MediaKind::Audio, 9) => ("G722", 8_000),
        (MediaKind::Audio, 10 | 11) => ("L16", 44_100),
        (MediaKind::Audio, 12) => ("QCELP", 8_000),
        (MediaKind::Audio, 13) => ("CN", 8_000),
        (MediaKind::Audio, 14) => ("MPA", 90_000),
        (MediaKind::Audio, 15) => ("G728", 8_000),
        (MediaKind::Audio, 16) => ("DVI4", 11_025),
        (MediaKind::Audio, 17) => ("DVI4", 22_050),
        (MediaKind::Audio, 18) => ("G729", 8_000),
        (MediaKind::Video, 25) => ("CelB", 90_000),
        (MediaKind::Video, 26) => ("JPEG", 90_000),
        (MediaKind::Video, 28) => ("nv", 90_000),
        (MediaKind::Video, 31) => ("H261", 90_000),
        (MediaKind::Video, 32) => ("MPV", 90_000),
        (MediaKind::Video, 33) => ("MP2T", 90_000),
        (MediaKind::Video, 34) => ("H263", 90_000),
        _ => return None,
    })
}

/// `96 rest` as (96, "rest").
fn numbered(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.trim().split_once(' ')?;
    Some((
        number.parse().ok().filter(|number| *number <= 127)?,
        rest.trim(),
    ))
}

pub(super) fn is_tag(value: &str) -> bool {
    is_token(value, TAG.size())
}
