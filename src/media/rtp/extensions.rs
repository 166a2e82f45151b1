//! The header extensions that are made use of or passed on, and by which ids one side knows them (RFC 8285 §5).
//!
//! Orientation (3GPP TS 26.114 §7.4.5) is none of them. A publisher that is asked for it leaves it to the players to
//! turn its pictures. Firefox cannot, and would show a telephone's pictures lying on their side.

/// A header extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// How loud a voice is (RFC 6464).
    AudioLevel,
    /// Which m-line a packet belongs to (RFC 9143 §15).
    Mid,
    /// Which layer of it (RFC 8852).
    Rid,
    /// Which layer it repairs (RFC 8852).
    RepairedRid,
    /// The number that transport-wide feedback goes by (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportNumber,
    /// When it was sent.
    AbsoluteSendTime,
    /// How long a player may wait.
    PlayoutDelay,
    /// Which frames a frame needs (the Alliance for Open Media's RTP payload format for AV1, appendix A).
    Dependencies,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AudioLevel,
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::TransportNumber,
        Self::AbsoluteSendTime,
        Self::PlayoutDelay,
        Self::Dependencies,
    ];
    /// Those that go on to subscribers as they came, under the subscriber's ids.
    pub const PASSED_ON: [Self; 3] = [Self::AudioLevel, Self::PlayoutDelay, Self::Dependencies];

    /// Whether a publisher is asked to send it: when something was sent is told by feedback already.
    pub fn is_accepted(self) -> bool {
        self != Self::AbsoluteSendTime
    }

    /// The name that descriptions use for it.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::TransportNumber => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            Self::AbsoluteSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::Dependencies => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
        }
    }

    /// The extension of this name.
    pub fn named(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.uri() == uri)
    }
}

/// The ids that a peer has agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtensionIds([u8; Extension::ALL.len()]);

impl ExtensionIds {
    /// No extension was agreed.
    pub const fn none() -> Self {
        Self([0; Extension::ALL.len()])
    }

    /// The ids from these pairs of id and name; the first of several counts.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (u8, &'a str)>) -> Self {
        let mut ids = Self::default();
        for (id, uri) in pairs {
            if let Some(extension) = Extension::named(uri)
                && ids.get(extension).is_none()
            {
                ids.0[extension as usize] = id;
            }
        }
        ids
    }

    /// The id of this one, if it was agreed.
    pub fn get(&self, extension: Extension) -> Option<u8> {
        let id = self.0[extension as usize];
        (id != 0).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_place() {
        for (place, extension) in Extension::ALL.into_iter().enumerate() {
            assert_eq!(extension as usize, place);
            assert_eq!(Extension::named(extension.uri()), Some(extension));
        }
        let ids = ExtensionIds::of([
            (3, Extension::Mid.uri()),
            (4, "urn:unknown"),
            (5, Extension::Mid.uri()),
            (255, Extension::Dependencies.uri()),
        ]);
        assert_eq!(ids.get(Extension::Mid), Some(3));
        assert_eq!(ids.get(Extension::Dependencies), Some(255));
        assert_eq!(ids.get(Extension::Rid), None);
    }
}
