//! Answers and offers of ours: a transport has its candidates in every m-line of its bundle, as some clients look only
//! at those of the m-line whose transport they keep (RFC 8843 §7.1 leaves it open).

use std::fmt::Write as _;

use super::{Codec, Declined, Description, Fingerprint, Section, Setup};
use crate::media::peer::codec;
use crate::media::peer::reach::Reach;
use crate::media::rtp::extensions::Extension;
use crate::protocol::object::MediaKind;

/// RFC 8445 §5.1.2.1, of host candidates.
const TYPE_PREFERENCE: u32 = 126;
/// The same for streams: a lost packet holds up all after it, so datagrams come first (RFC 6544 §4.2). Browsers use the
/// same value.
const TCP_TYPE_PREFERENCE: u32 = 90;
/// RFC 6544 §4.2, of passive candidates, above the 13 bits that tell several addresses apart.
const PASSIVE: u32 = 4 << 13;

/// What descriptions of ours say of our end of the transport.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct End<'a> {
    /// The ICE user name fragment.
    pub ufrag: &'a str,
    /// The ICE password.
    pub password: &'a str,
    /// Our certificate's.
    pub fingerprint: &'a Fingerprint,
    /// Where clients reach us.
    pub reach: &'a Reach,
    /// Which end of the DTLS association we are, or either.
    pub setup: Setup,
    /// The session's id, the same in all descriptions of one connection.
    pub session: u64,
    /// Rises with every description of a session (RFC 8866 §5.2).
    pub version: u64,
}

/// An m-line that is offered.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Slot<'a> {
    pub mid: &'a str,
    pub kind: MediaKind,
    pub ssrc: u32,
    /// Of its repairs.
    pub repair_ssrc: u32,
    /// A sound and a picture of one number are in one stream, and have one name.
    pub pair: u8,
    /// The codecs that the subscriber has said it takes. Empty until it has; then all codecs are offered.
    pub taken: &'a [Codec],
}

impl Slot<'_> {
    fn codecs(&self) -> impl Iterator<Item = &'static Codec> {
        codec::offered(self.kind).iter().filter(|codec| {
            let mut taken = self.taken.iter();
            self.taken.is_empty() || taken.any(|one| one.payload_type == codec.payload_type)
        })
    }
}

impl End<'_> {
    /// Answers an offer line by line: with what can be received, and port 0 for what cannot. The parts of it that are
    /// apart are answered each by its own end.
    pub fn answer(&self, offer: &Description, apart: &[(End<'_>, &Description)]) -> String {
        let mut text = self.head(offer.mixes_extensions);
        let others = apart.iter().map(|(end, part)| (end, *part));
        let parts: Vec<_> = std::iter::once((self, offer)).chain(others).collect();
        // An offerer that did not bundle is not told of bundles (RFC 9143 §7.3).
        for (_, part) in parts.iter().filter(|(_, part)| part.is_bundled()) {
            let mids = part.sections.iter().map(|section| section.mid.as_str());
            bundle(&mut text, mids);
        }
        let sections = |(end, part)| {
            let Description { sections, .. }: &Description = part;
            sections.iter().map(move |section| (end, section))
        };
        let mut sections: Vec<(&End<'_>, &Section)> =
            parts.into_iter().flat_map(sections).collect();
        sections.sort_unstable_by_key(|(_, section)| section.index);
        let mut declined = offer.declined.iter().peekable();
        for (end, section) in sections {
            while let Some(one) = declined.next_if(|one| one.index < section.index) {
                refuse(&mut text, one);
            }
            end.receive(&mut text, section);
        }
        for one in declined {
            refuse(&mut text, one);
        }
        text
    }

    fn receive(&self, text: &mut String, section: &Section) {
        let codecs: Vec<&Codec> = section.negotiated().collect();
        self.begin(text, section.kind, &section.proto, &codecs);
        let _ = write!(text, "a=mid:{}\r\n", section.mid);
        text.push_str(match section.sends {
            true => "a=recvonly\r\n",
            false => "a=inactive\r\n",
        });
        text.push_str("a=rtcp-mux\r\n");
        if section.reduces_reports {
            text.push_str("a=rtcp-rsize\r\n");
        }
        for (id, uri) in &section.extensions {
            if Extension::named(uri).is_some_and(Extension::is_accepted) {
                let _ = write!(text, "a=extmap:{id} {uri}\r\n");
            }
        }
        for codec in codecs {
            format(text, section.kind, codec);
        }
        let layers: Vec<&str> = section.streams.layers().collect();
        for layer in &layers {
            let _ = write!(text, "a=rid:{layer} recv\r\n");
        }
        if section.streams.is_simulcast() {
            let _ = write!(text, "a=simulcast:recv {}\r\n", layers.join(";"));
        }
        self.candidates(text);
    }

    /// Offers slots to send on.
    pub fn offer<'a>(&self, slots: impl Iterator<Item = Slot<'a>> + Clone) -> String {
        let mut text = self.head(true);
        bundle(&mut text, slots.clone().map(|slot| slot.mid));
        for (index, slot) in slots.enumerate() {
            self.send(&mut text, index, slot);
        }
        text
    }

    fn send(&self, text: &mut String, index: usize, slot: Slot<'_>) {
        let codecs: Vec<&Codec> = slot.codecs().collect();
        let pair = name_of_pair(slot.pair);
        self.begin(text, slot.kind, "UDP/TLS/RTP/SAVPF", &codecs);
        let _ = write!(
            text,
            "a=mid:{}\r\na=sendonly\r\na=msid:{pair} slot-{index}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
            slot.mid
        );
        for (id, extension) in offered_extensions(slot.kind) {
            let _ = write!(text, "a=extmap:{id} {}\r\n", extension.uri());
        }
        for codec in codecs {
            format(text, slot.kind, codec);
        }
        let repair = (slot.kind == MediaKind::Video).then_some(slot.repair_ssrc);
        if let Some(repair) = repair {
            let _ = write!(text, "a=ssrc-group:FID {} {repair}\r\n", slot.ssrc);
        }
        for ssrc in [Some(slot.ssrc), repair].into_iter().flatten() {
            let _ = write!(
                text,
                "a=ssrc:{ssrc} cname:{pair}\r\na=ssrc:{ssrc} msid:{pair} slot-{index}\r\n"
            );
        }
        self.candidates(text);
    }

    fn head(&self, mixes_extensions: bool) -> String {
        let mixed = match mixes_extensions {
            true => "a=extmap-allow-mixed\r\n",
            false => "",
        };
        format!(
            "v=0\r\no=- {} {} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n{mixed}a=msid-semantic:WMS *\r\n",
            self.session, self.version
        )
    }

    /// The beginning of an m-line, up to what it says of the transport.
    fn begin(&self, text: &mut String, kind: MediaKind, proto: &str, codecs: &[&Codec]) {
        let _ = write!(text, "m={} 9 {proto}", medium(kind));
        for codec in codecs {
            // A browser sends a sound redundantly if that is what the answerer prefers. Some clients take the first
            // encoding of an offer in any case.
            let prefers = kind == MediaKind::Audio && self.setup != Setup::Actpass;
            let number = Some(codec.payload_type);
            let numbers = match prefers {
                true => [codec.repair, number],
                false => [number, codec.repair],
            };
            for number in numbers.into_iter().flatten() {
                let _ = write!(text, " {number}");
            }
        }
        let setup = match self.setup {
            Setup::Active => "active",
            Setup::Passive => "passive",
            Setup::Actpass => "actpass",
        };
        let _ = write!(
            text,
            "\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\na=setup:{setup}\r\n",
            self.ufrag, self.password, self.fingerprint
        );
    }

    fn candidates(&self, text: &mut String) {
        let Reach { udp, tcp, .. } = self.reach;
        for (index, address) in udp.iter().enumerate() {
            let preference = u32::from(u16::MAX).saturating_sub(index as u32);
            let priority = TYPE_PREFERENCE << 24 | preference << 8 | 255;
            let _ = write!(
                text,
                "a=candidate:{} 1 udp {priority} {} {} typ host\r\n",
                index + 1,
                address.ip(),
                address.port()
            );
        }
        for (index, address) in tcp.iter().enumerate() {
            let preference = PASSIVE | 0x1fff_u32.saturating_sub(index as u32);
            let priority = TCP_TYPE_PREFERENCE << 24 | preference << 8 | 255;
            let _ = write!(
                text,
                "a=candidate:{} 1 tcp {priority} {} {} typ host tcptype passive\r\n",
                udp.len() + index + 1,
                address.ip(),
                address.port()
            );
        }
        text.push_str("a=end-of-candidates\r\n");
    }
}

/// What the slots of a pair have in common: the id of their stream (RFC 8830 §2), and their canonical name. Receivers
/// bring together what has one. A middlebox may have several names, so that streams of several people need not wait for
/// each other (RFC 8834 §4.9).
pub(in crate::media) fn name_of_pair(pair: u8) -> String {
    format!("pair-{pair}")
}

impl Section {
    /// Its encodings that are forwarded, each payload type once.
    pub fn negotiated(&self) -> impl Iterator<Item = &Codec> {
        let codecs = self.codecs.iter().enumerate();
        codecs.filter_map(|(place, codec)| {
            let mut earlier = self.codecs[..place].iter();
            let is_new = earlier.all(|one| one.payload_type != codec.payload_type);
            (is_new && codec::is_forwarded(codec)).then_some(codec)
        })
    }
}

/// The header extensions that are offered, by id: those that are passed on, and the number that feedback goes by.
fn offered_extensions(kind: MediaKind) -> &'static [(u8, Extension)] {
    match kind {
        MediaKind::Audio => &[(1, Extension::AudioLevel), (3, Extension::TransportNumber)],
        MediaKind::Video => &[
            (3, Extension::TransportNumber),
            (5, Extension::PlayoutDelay),
            (7, Extension::Dependencies),
        ],
    }
}

fn format(text: &mut String, kind: MediaKind, codec: &Codec) {
    let Codec {
        payload_type: number,
        name,
        clock_rate,
        feedback,
        ..
    } = codec;
    let _ = write!(text, "a=rtpmap:{number} {name}/{clock_rate}");
    if let Some(channels) = &codec.channels {
        let _ = write!(text, "/{channels}");
    }
    text.push_str("\r\n");
    if !codec.fmtp.is_empty() {
        let _ = write!(text, "a=fmtp:{number} {}\r\n", codec.fmtp);
    }
    // A sender of sound needs no keyframe requests, and repairs it by its encoding's own means.
    let is_picture = kind == MediaKind::Video;
    let said = [
        ("nack", feedback.nack && is_picture),
        ("nack pli", feedback.picture_loss && is_picture),
        ("ccm fir", feedback.full_intra && is_picture),
        ("transport-cc", feedback.transport),
    ];
    for (what, _) in said.into_iter().filter(|(_, said)| *said) {
        let _ = write!(text, "a=rtcp-fb:{number} {what}\r\n");
    }
    match (codec.repair, &codec.channels) {
        (Some(repair), _) if is_picture => {
            let _ = write!(
                text,
                "a=rtpmap:{repair} rtx/{clock_rate}\r\na=fmtp:{repair} apt={number}\r\n"
            );
        }
        (Some(repair), channels) => {
            let channels = channels.as_deref().unwrap_or("1");
            let _ = write!(
                text,
                "a=rtpmap:{repair} red/{clock_rate}/{channels}\r\na=fmtp:{repair} {number}/{number}\r\n"
            );
            if feedback.transport {
                let _ = write!(text, "a=rtcp-fb:{repair} transport-cc\r\n");
            }
        }
        (None, _) => {}
    }
}

fn bundle<'a>(text: &mut String, mids: impl Iterator<Item = &'a str>) {
    text.push_str("a=group:BUNDLE");
    for mid in mids {
        text.push(' ');
        text.push_str(mid);
    }
    text.push_str("\r\n");
}

fn refuse(text: &mut String, one: &Declined) {
    let _ = write!(
        text,
        "m={} 0 {}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n",
        one.media, one.format
    );
    if let Some(mid) = &one.mid {
        let _ = write!(text, "a=mid:{mid}\r\n");
    }
}

/// As an m-line names it (RFC 8866 §8.2.2).
pub(super) fn medium(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}
