//! Session descriptions (RFC 8866, RFC 8829), read with suspicion and written plainly.
//!
//! Every description from outside passes [`Description::parse`], so what could hurt is refused here with a sentence.
//! Answers and offers of ours are written from what was understood, never from a client's text.

mod declined;
mod reader;
mod section;
mod streams;
#[cfg(test)]
mod tests;
mod transport;
mod write;

use std::collections::HashSet;

pub(in crate::media) use self::declined::{Declined, Why};
use self::reader::Reader;
pub(in crate::media) use self::streams::{MAX_LAYERS, Streams};
pub(in crate::media) use self::transport::{Fingerprint, Setup};
use self::transport::{Shared, Transport};
pub(in crate::media) use self::write::{End, Slot, name_of_pair};
use crate::budgets::media::{DESCRIPTION, DESCRIPTION_LINES, LINE, TRANSPORTS};
use crate::media::error::MediaError;
use crate::media::rtp::encoding::Encoding;
use crate::media::rtp::extensions::ExtensionIds;
use crate::protocol::object::MediaKind;

const NO_M_LINE: &str = "The description has no m-line of sound or picture.";

/// Why a description is refused.
pub(in crate::media) type Refusal = &'static str;

/// One description, as far as forwarding has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Description {
    /// Which connection of its author this describes.
    pub origin: Origin,
    /// Its m-lines in order, without those in `declined` and those of `apart`.
    pub sections: Vec<Section>,
    /// What an offer says of further transports, each with m-lines of its own: those that no bundle joins to the first
    /// one (RFC 9143 §7.3 forbids the answerer to bundle what was not offered so).
    pub apart: Vec<Description>,
    /// Its m-lines that carry nothing here, in order.
    pub declined: Vec<Declined>,
    /// Whether its author only answers checks (RFC 8445 §2.5).
    pub is_lite: bool,
    /// Which end of the DTLS association its author takes (RFC 8842 §5.1), where it says so.
    pub setup: Option<Setup>,
    /// Whether header extensions of both lengths may be mixed (RFC 8285 §6).
    pub mixes_extensions: bool,
    /// The mids of each bundle (RFC 9143 §7.2).
    bundles: Vec<Vec<String>>,
    session: Transport,
}

/// What tells the descriptions of one connection from those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Origin {
    /// The ICE user name fragment (RFC 8839 §5.4) of the transport; all m-lines share one (BUNDLE).
    pub ufrag: String,
    /// The certificate's fingerprints (RFC 8122 §5), which identify the DTLS endpoint.
    pub fingerprints: Vec<Fingerprint>,
    /// The session's id (RFC 8866 §5.2).
    session: String,
    /// The SSRCs that it declares.
    ssrcs: HashSet<u32>,
}

impl Origin {
    /// Whether this later description is of the same connection, as far as that can be told. One certificate may
    /// serve many connections (RFC 8122 §5), and a restart of ICE changes the user name fragment (RFC 8445 §9).
    pub fn is_same(&self, later: &Self) -> bool {
        if self.fingerprints != later.fingerprints {
            return false;
        }
        let same_streams = if self.ssrcs.is_empty() || later.ssrcs.is_empty() {
            self.session == later.session
        } else {
            !self.ssrcs.is_disjoint(&later.ssrcs)
        };
        self.ufrag == later.ufrag || same_streams
    }
}

/// One m-line of sound or picture, and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Section {
    /// Which m-line of the description it is.
    pub index: usize,
    /// Its identification tag (RFC 5888 §4).
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether the author of the description sends media on it.
    pub sends: bool,
    /// Whether the author of the description receives media on it.
    pub receives: bool,
    /// The streams that it declares.
    pub streams: Streams,
    /// Its encodings in order of preference; repair formats are folded into `repair`.
    pub codecs: Vec<Codec>,
    /// Its header extensions (RFC 8285 §5) by id.
    pub extensions: Vec<(u8, String)>,
    /// Whether RTCP may come in parts (RFC 5506).
    reduces_reports: bool,
    /// Its protocol and formats as they were written, which an answer repeats.
    proto: String,
    formats: String,
    transport: Transport,
}

/// One encoding of an m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Codec {
    /// Its payload type.
    pub payload_type: u8,
    /// Its name (RFC 4855), `VP8` say; those that are known in their registered spelling.
    pub name: String,
    /// The same, understood.
    pub encoding: Encoding,
    /// In Hertz.
    pub clock_rate: u32,
    /// What stands behind the clock rate, as it was written: of sounds the channels.
    pub channels: Option<String>,
    /// Its format parameters.
    pub fmtp: String,
    /// The payload type of what repairs it, if negotiated: a picture's retransmissions (RFC 4588), or a sound that
    /// carries what came before it once more (RFC 2198).
    pub repair: Option<u8>,
    /// The RTCP feedback that may be sent about it.
    pub feedback: Feedback,
}

/// Which feedback an encoding has (RFC 4585 §4.2, RFC 5104 §7.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Feedback {
    /// `nack`.
    pub nack: bool,
    /// `nack pli`.
    pub picture_loss: bool,
    /// `ccm fir`.
    pub full_intra: bool,
    /// `transport-cc`.
    pub transport: bool,
}

impl Codec {
    /// The value of a format parameter.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.fmtp.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case(key).then_some(value)
        })
    }
}

impl Section {
    /// The ids of its header extensions.
    pub fn extension_ids(&self) -> ExtensionIds {
        let named = self.extensions.iter();
        ExtensionIds::of(named.map(|(id, uri)| (*id, uri.as_str())))
    }
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// A sentence that says why it cannot be used.
    pub fn parse(sdp: &str) -> Result<Self, Refusal> {
        let mut read = Self::read(sdp)?;
        if read.sections.is_empty() {
            return Err(read.why_empty().map_or(NO_M_LINE, Why::sentence));
        }
        read.settle()?;
        Ok(read)
    }

    /// Reads an offer to send here, and declines those of its m-lines that cannot be served.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn offer(sdp: &str, forwards: impl Fn(&Codec) -> bool) -> Result<Self, MediaError> {
        let mut read = Self::read(sdp).map_err(MediaError::bad_sdp)?;
        read.choose(forwards);
        if read.sections.is_empty() {
            let why = read.why_empty().map(Why::refusal);
            return Err(why.unwrap_or_else(|| MediaError::bad_sdp(NO_M_LINE)));
        }
        read.settle().map_err(MediaError::bad_sdp)?;
        read.settle_apart();
        Ok(read)
    }

    fn read(sdp: &str) -> Result<Self, Refusal> {
        if sdp.len() > DESCRIPTION.size() {
            return Err("The description is larger than 256 KiB.");
        }
        if !sdp.starts_with("v=0") {
            return Err("The description does not begin with v=0.");
        }
        let mut reader = Reader::default();
        for (count, line) in sdp.lines().enumerate() {
            if count >= DESCRIPTION_LINES.size() || line.len() > LINE.size() {
                return Err("The description has too many lines, or one too long.");
            }
            reader.line(line)?;
        }
        reader.finish()
    }

    /// Itself, and what is apart: one description for each transport.
    pub fn parts(&self) -> impl Iterator<Item = &Description> {
        std::iter::once(self).chain(&self.apart)
    }

    /// The m-line of that name, if it is used.
    pub fn section(&self, mid: &str) -> Option<&Section> {
        let mut sections = self.parts().flat_map(|part| &part.sections);
        sections.find(|section| section.mid == mid)
    }

    /// Why the m-line of that name carries nothing, if there is such a one.
    pub fn why_declined(&self, mid: &str) -> Option<Why> {
        let mut declined = self.declined.iter();
        let is_meant = |one: &&Declined| one.mid.as_deref() == Some(mid);
        declined.find(is_meant).map(|one| one.why)
    }

    /// Whether it has the m-lines of an offer, in their order. Those that it refuses need no mid.
    pub fn answers(&self, offered: &[(&str, MediaKind)]) -> bool {
        let used = |section: &Section| {
            let line = offered.get(section.index);
            line.is_some_and(|(mid, kind)| *mid == section.mid && *kind == section.kind)
        };
        let refused = |one: &Declined| {
            let line = offered.get(one.index);
            let same = |mid: &str| one.mid.as_deref().is_none_or(|own| own == mid);
            one.why == Why::GivenUp && line.is_some_and(|(mid, _)| same(mid))
        };
        self.sections.len() + self.declined.len() == offered.len()
            && self.sections.iter().all(used)
            && self.declined.iter().all(refused)
    }

    /// Why the first m-line of sound or picture carries nothing.
    fn why_empty(&self) -> Option<Why> {
        let mut why = self.declined.iter().map(|one| one.why);
        why.find(|why| *why != Why::OtherMedium)
    }

    /// Declines the m-lines with no encoding that is forwarded, and sets those apart that do not share the transport of
    /// the first that sends.
    fn choose(&mut self, forwards: impl Fn(&Codec) -> bool) {
        self.decline(Why::NoEncoding, |section| {
            section.codecs.iter().any(&forwards)
        });
        let mut sends = self.sections.iter().filter(|section| section.sends);
        let Some(first) = sends.next().or(self.sections.first()) else {
            return;
        };
        let first = first.mid.clone();
        let all = std::mem::take(&mut self.sections).into_iter();
        let (with_first, others) = all.partition(|one| self.is_joined(&first, &one.mid));
        self.sections = with_first;
        for section in others {
            self.set_apart(section);
        }
    }

    fn set_apart(&mut self, section: Section) {
        let mut apart = self.apart.iter();
        let joined = apart.position(|part| self.is_joined(&part.sections[0].mid, &section.mid));
        match joined {
            Some(place) => self.apart[place].sections.push(section),
            None if self.apart.len() + 1 < TRANSPORTS.size() => {
                let part = self.part(section);
                self.apart.push(part);
            }
            None => self.note_declined(Declined::of(section, Why::TooManyTransports)),
        }
    }

    /// A description of another transport than the first, of which this is an m-line.
    fn part(&self, section: Section) -> Self {
        Self {
            origin: self.origin.clone(),
            sections: vec![section],
            apart: Vec::new(),
            declined: Vec::new(),
            is_lite: self.is_lite,
            setup: None,
            mixes_extensions: self.mixes_extensions,
            bundles: self.bundles.clone(),
            session: self.session.clone(),
        }
    }

    /// Whether two m-lines share one transport.
    fn is_joined(&self, one: &str, other: &str) -> bool {
        let bundle = self.bundle_of(one);
        one == other || bundle.is_some_and(|bundle| bundle.iter().any(|mid| mid == other))
    }

    /// Finds out what is said of the transports apart; m-lines without any are declined.
    fn settle_apart(&mut self) {
        for mut part in std::mem::take(&mut self.apart) {
            if part.settle().is_ok() {
                self.apart.push(part);
                continue;
            }
            for section in part.sections {
                self.note_declined(Declined::of(section, Why::Unbundled));
            }
        }
    }

    fn bundle_of(&self, mid: &str) -> Option<&[String]> {
        let mut bundles = self.bundles.iter().map(Vec::as_slice);
        bundles.find(|bundle| bundle.iter().any(|other| other == mid))
    }

    fn decline(&mut self, why: Why, keeps: impl Fn(&Section) -> bool) {
        let (kept, given_up) = std::mem::take(&mut self.sections)
            .into_iter()
            .partition(keeps);
        self.sections = kept;
        for section in given_up {
            self.note_declined(Declined::of(section, why));
        }
    }

    fn note_declined(&mut self, declined: Declined) {
        let before = |one: &Declined| one.index < declined.index;
        let place = self.declined.partition_point(before);
        self.declined.insert(place, declined);
    }

    /// Whether the m-lines that are used are in a bundle.
    fn is_bundled(&self) -> bool {
        let mut sections = self.sections.iter();
        sections.any(|section| self.bundle_of(&section.mid).is_some())
    }

    /// Finds out what is said of the transport that is used.
    fn settle(&mut self) -> Result<(), Refusal> {
        let kept: Vec<&Transport> = self.sections.iter().map(|one| &one.transport).collect();
        let mut bundles = self.sections.iter();
        let bundle = bundles.find_map(|section| self.bundle_of(&section.mid));
        let in_bundle = |one: &&Declined| match (&one.mid, bundle) {
            (Some(mid), Some(bundle)) => bundle.contains(mid),
            _ => false,
        };
        let others = self.declined.iter().filter(in_bundle);
        let others: Vec<&Transport> = others.map(|one| &one.transport).collect();
        let shared = Shared::of(&kept, &self.session, &others)?;
        self.origin.ufrag = shared.ufrag;
        self.origin.fingerprints = shared.fingerprints;
        self.setup = shared.setup;
        Ok(())
    }
}

/// RFC 8866 §9: a token, here of bounded length.
fn is_token(value: &str, longest: usize) -> bool {
    let fits = (1..=longest).contains(&value.len());
    fits && value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte))
}
