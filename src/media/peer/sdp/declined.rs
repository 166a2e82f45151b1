//! The m-lines of a description that carry nothing here.

use super::Section;
use super::transport::Transport;
use super::write::medium;
use crate::media::error::{MediaError, Refused};

/// An m-line that carries nothing. It is answered with port 0, which refuses it alone (RFC 9429 §5.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Declined {
    /// Which m-line of the description it is.
    pub index: usize,
    /// Its identification tag, if it has one.
    pub mid: Option<String>,
    /// Its medium, `application` say.
    pub media: String,
    /// Its protocol and formats, `UDP/DTLS/SCTP webrtc-datachannel` say.
    pub format: String,
    /// Why.
    pub why: Why,
    pub(super) transport: Transport,
}

/// Why an m-line carries nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Why {
    /// Port 0.
    GivenUp,
    /// It is neither sound nor picture: a data channel's (RFC 8841), say.
    OtherMedium,
    /// RFC 9429 §5.1.2 lists those that are meant.
    Protocol,
    /// No source could name it.
    NoMid,
    /// Nothing in it is forwarded.
    NoEncoding,
    /// It shares no transport with the first and describes none of its own.
    Unbundled,
    /// No more transports are made.
    TooManyTransports,
}

impl Declined {
    /// An m-line that might have been used.
    pub(super) fn of(section: Section, why: Why) -> Self {
        Self {
            index: section.index,
            mid: Some(section.mid).filter(|mid| !mid.is_empty()),
            media: medium(section.kind).to_owned(),
            format: format!("{} {}", section.proto, section.formats),
            why,
            transport: section.transport,
        }
    }
}

impl Why {
    /// In words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::GivenUp => {
                "The m-line was given up: it has port 0 and is no a=bundle-only line of a bundle."
            }
            Self::OtherMedium => "The m-line is neither sound nor picture.",
            Self::Protocol => "The m-line's protocol is not RTP over DTLS (UDP/TLS/RTP/SAVPF).",
            Self::NoMid => "The m-line has no a=mid, by which a source names it.",
            Self::NoEncoding => {
                "The m-line has no encoding that is forwarded here: opus; VP8, VP9, H264, AV1."
            }
            Self::Unbundled => {
                "The m-line is not in the bundle (a=group:BUNDLE) of the first one and describes no transport of its own: bundle them (RFC 9143)."
            }
            Self::TooManyTransports => {
                "The m-line would need one transport more than there may be: bundle them (a=group:BUNDLE, RFC 9143)."
            }
        }
    }

    /// The error for a request that needs the m-line.
    pub fn refusal(self) -> MediaError {
        let reason = Refused::because(self.sentence());
        match self.is_the_clients() {
            true => MediaError::BadSdp(reason),
            false => MediaError::Unsupported(reason),
        }
    }

    /// Whether the client meant the m-line to carry nothing, or left out what is needed.
    pub fn is_the_clients(self) -> bool {
        matches!(self, Self::GivenUp | Self::NoMid)
    }
}
