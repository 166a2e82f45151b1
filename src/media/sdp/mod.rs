//! A defensive reading of session descriptions (RFC 8866, RFC 8829).
//!
//! Every description from outside passes [`Description::parse`] before the WebRTC crate sees it, so what could
//! hurt is refused here with a sentence. The same reader takes from negotiated descriptions what forwarding has
//! to know: payload types, repair payload types and header extensions by m-line.

mod edit;
mod reader;
mod section;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub(super) use self::edit::{
    with_candidates_everywhere, with_directions, with_refusals, with_version, without_candidates,
    without_foreign,
};
use self::reader::Reader;
use crate::protocol::object::MediaKind;

/// A larger description is refused.
pub(super) const MAX_SDP_BYTES: usize = 256 * 1024;
/// More lines are refused.
const MAX_LINES: usize = 8192;
/// A longer line is refused.
const MAX_LINE_BYTES: usize = 4096;

/// Why a description is refused.
pub(super) type Refusal = &'static str;

/// One description, as far as forwarding has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// Which connection of whoever wrote it this describes.
    pub origin: Origin,
    /// Its m-lines in order, but for those in `foreign`.
    pub sections: Vec<Section>,
    /// Its m-lines that are neither sound nor picture.
    pub foreign: Vec<Foreign>,
    /// Whether it brings candidates of its own.
    pub has_candidates: bool,
    /// Whether whoever wrote it only answers checks (RFC 8445 §2.5).
    pub is_lite: bool,
    /// Which end of the DTLS association whoever wrote it takes (RFC 8842 §5.1), where it says so.
    pub setup: Option<Setup>,
}

/// The value of `a=setup` (RFC 4145 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    /// The DTLS client.
    Active,
    /// The DTLS server.
    Passive,
    /// Either; the answer says which.
    Actpass,
}

/// By what descriptions of one connection are told from those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The ICE user name fragment (RFC 8839 §5.4) of the transport; all m-lines share one (BUNDLE).
    pub ufrag: String,
    /// The certificate's fingerprint (RFC 8122 §5): whose DTLS endpoint this is.
    pub fingerprint: String,
    /// The session's id (RFC 8866 §5.2).
    session: String,
    /// The SSRCs that it declares.
    ssrcs: HashSet<u32>,
}

impl Origin {
    /// Whether this later description is of the same connection, as far as that can be told. One certificate may
    /// serve many connections (RFC 8122 §5), and a restart of ICE changes the user name fragment (RFC 8445 §9).
    pub fn is_same(&self, later: &Self) -> bool {
        if self.fingerprint != later.fingerprint {
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

/// An m-line of another medium, a data channel's (RFC 8841) say. It is answered with port 0, which refuses it alone
/// (RFC 8829 §5.3.1); the WebRTC crate never sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    /// Which m-line of the description it is.
    pub index: usize,
    /// Its identification tag.
    pub mid: String,
    /// Its medium, `application` say.
    pub media: String,
    /// Its protocol and formats, `UDP/DTLS/SCTP webrtc-datachannel` say.
    pub format: String,
}

/// One m-line of sound or picture, and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its identification tag (RFC 5888 §4).
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether media flows on it from whoever wrote the description.
    pub sends: bool,
    /// Whether it declares its streams, by SSRC or as simulcast layers.
    pub declares_streams: bool,
    /// Whether it names the track that it sends (RFC 8830).
    pub names_track: bool,
    /// Port 0: refused or given up.
    pub rejected: bool,
    /// Its encodings in order of preference; repair formats are folded into `repair`.
    pub codecs: Vec<Codec>,
    /// Its header extensions (RFC 8285 §5) by id.
    pub extensions: Vec<(u8, String)>,
}

/// One encoding of an m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codec {
    /// Its payload type.
    pub payload_type: u8,
    /// Its name (RFC 4855), `VP8` say; those that are known in their registered spelling.
    pub name: String,
    /// In Hertz.
    pub clock_rate: u32,
    /// Its format parameters.
    pub fmtp: String,
    /// The payload type of its retransmissions (RFC 4588), if negotiated.
    pub repair: Option<u8>,
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
    /// The id of a negotiated header extension.
    pub fn extension(&self, uri: &str) -> Option<u8> {
        self.extensions
            .iter()
            .find(|(_, known)| known == uri)
            .map(|(id, _)| *id)
    }
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// A sentence that says why it cannot be used.
    pub fn parse(sdp: &str) -> Result<Self, Refusal> {
        if sdp.len() > MAX_SDP_BYTES {
            return Err("The description is larger than 256 KiB.");
        }
        if !sdp.starts_with("v=0") {
            return Err("The description does not begin with v=0.");
        }
        let mut reader = Reader::default();
        for (count, line) in sdp.lines().enumerate() {
            if count >= MAX_LINES || line.len() > MAX_LINE_BYTES {
                return Err("The description has too many lines, or one too long.");
            }
            reader.line(line)?;
        }
        reader.finish()
    }

    /// The m-line of that name.
    pub fn section(&self, mid: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}
