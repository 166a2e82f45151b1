//! The encodings that are forwarded.

/// An encoding whose payload format is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// The Alliance for Open Media's RTP payload format for AV1.
    Av1,
    /// Anything else: forwarded untouched.
    Other,
}

impl Encoding {
    /// By its name in SDP, in upper or lower case (RFC 4855 §3).
    pub fn named(name: &str) -> Self {
        let known = [
            ("opus", Self::Opus),
            ("VP8", Self::Vp8),
            ("VP9", Self::Vp9),
            ("H264", Self::H264),
            ("AV1", Self::Av1),
        ];
        let mut known = known.into_iter();
        let found = known.find(|(registered, _)| registered.eq_ignore_ascii_case(name));
        found.map_or(Self::Other, |(_, encoding)| encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_says_nothing() {
        assert_eq!(Encoding::named("OPUS"), Encoding::Opus);
        assert_eq!(Encoding::named("vp8"), Encoding::Vp8);
        assert_eq!(Encoding::named("rtx"), Encoding::Other);
    }
}
