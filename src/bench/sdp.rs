//! As much of session descriptions (RFC 8829) as the load needs: one sender's offer, and answers to offers of slots.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::feedback;
use super::plan::Kind;

/// Payload types of our offers. RFC 3551 §6 leaves 96 to 127 to be chosen.
pub(super) const VP8: u8 = 96;
pub(super) const OPUS: u8 = 111;

/// One side of a connection as its description tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Transport {
    pub ufrag: String,
    pub password: String,
    /// The certificate's fingerprint, over SHA-256.
    pub fingerprint: String,
    /// `active`, `passive` or `actpass`.
    pub setup: String,
    /// The side answers checks and sends none.
    pub lite: bool,
    pub candidates: Vec<SocketAddr>,
}

/// An m-line of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    media: String,
    protocol: String,
    pub mid: String,
    pub kind: Option<Kind>,
    /// The payload type of VP8 or Opus, the only ones that the load takes.
    pub payload_type: Option<u8>,
    /// The payload type of its repair format (RFC 4588).
    repair: Option<u8>,
    /// The number of the extension for transport-wide feedback.
    pub feedback: Option<u8>,
}

/// A description of the server's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Description {
    pub transport: Transport,
    pub sections: Vec<Section>,
}

impl Description {
    /// Nothing where the transport is not whole.
    pub fn read(text: &str) -> Option<Self> {
        let mut description = Self::default();
        for line in text.lines().map(str::trim_end) {
            if let Some(media) = line.strip_prefix("m=") {
                description.sections.push(section(media)?);
            } else if let Some(attribute) = line.strip_prefix("a=") {
                let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
                description.attribute(name, value);
            }
        }
        let Transport {
            ufrag,
            password,
            fingerprint,
            ..
        } = &description.transport;
        let is_whole = !ufrag.is_empty() && !password.is_empty() && !fingerprint.is_empty();
        is_whole.then_some(description)
    }

    /// Takes no extension for feedback.
    pub fn decline_feedback(&mut self) {
        for section in &mut self.sections {
            section.feedback = None;
        }
    }

    /// All m-lines share one transport (RFC 8843): what the first one says of it holds.
    fn attribute(&mut self, name: &str, value: &str) {
        let transport = &mut self.transport;
        let keep = |held: &mut String, value: &str| {
            if held.is_empty() {
                value.clone_into(held);
            }
        };
        match name {
            "ice-ufrag" => keep(&mut transport.ufrag, value),
            "ice-pwd" => keep(&mut transport.password, value),
            "setup" => keep(&mut transport.setup, value),
            "ice-lite" => transport.lite = true,
            "fingerprint" => {
                if let Some(hex) = value.strip_prefix("sha-256 ") {
                    keep(&mut transport.fingerprint, &hex.to_uppercase());
                }
            }
            "candidate" => {
                if let Some(address) = host_over_udp(value)
                    && !transport.candidates.contains(&address)
                {
                    transport.candidates.push(address);
                }
            }
            _ => {
                if let Some(section) = self.sections.last_mut() {
                    section.attribute(name, value);
                }
            }
        }
    }
}

fn section(media: &str) -> Option<Section> {
    let mut words = media.split(' ');
    let name = words.next()?;
    let protocol = words.nth(1)?;
    Some(Section {
        media: name.to_owned(),
        protocol: protocol.to_owned(),
        mid: String::new(),
        kind: match name {
            "audio" => Some(Kind::Audio),
            "video" => Some(Kind::Video),
            _ => None,
        },
        payload_type: None,
        repair: None,
        feedback: None,
    })
}

/// The address of a candidate, if it is over UDP: `FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ TYPE` (RFC 8839
/// §5.1).
pub fn host_over_udp(candidate: &str) -> Option<SocketAddr> {
    let words: Vec<&str> = candidate.split(' ').collect();
    let [_, "1", transport, _, address, port, ..] = words[..] else {
        return None;
    };
    let is_udp = transport.eq_ignore_ascii_case("udp");
    let address = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
    is_udp.then_some(address)
}

impl Section {
    fn attribute(&mut self, name: &str, value: &str) {
        match (name, value.split_once(' ')) {
            ("mid", _) => value.clone_into(&mut self.mid),
            ("rtpmap", Some((number, "VP8/90000" | "opus/48000/2")))
                if self.payload_type.is_none() =>
            {
                self.payload_type = number.parse().ok();
            }
            ("extmap", Some((number, feedback::EXTENSION))) => {
                // A direction may follow the number (RFC 8285 §5).
                self.feedback = number.split('/').next().and_then(|id| id.parse().ok());
            }
            ("fmtp", Some((number, format))) => {
                let repairs = format.strip_prefix("apt=").and_then(|apt| apt.parse().ok());
                if repairs.is_some() && repairs == self.payload_type {
                    self.repair = number.parse().ok();
                }
            }
            _ => {}
        }
    }
}

/// What a sender offers: one m-line with one stream.
pub(super) fn offer(ours: &Transport, kind: Kind, ssrc: u32) -> String {
    let payload_type = match kind {
        Kind::Audio => OPUS,
        Kind::Video => VP8,
    };
    let section = Section {
        media: kind.name().to_owned(),
        protocol: "UDP/TLS/RTP/SAVPF".to_owned(),
        mid: "0".to_owned(),
        kind: Some(kind),
        payload_type: Some(payload_type),
        repair: None,
        feedback: None,
    };
    let mut text = head("0");
    write_section(&mut text, &section, ours);
    let _ = write!(
        text,
        "a=sendonly\r\na=msid:load load\r\na=ssrc:{ssrc} cname:load\r\n"
    );
    text
}

/// The answer to an offer of slots. Every slot with VP8 or Opus is taken, with repair. Of the header extensions only
/// the number for feedback is taken, where the section still has it.
pub(super) fn answer(offer: &Description, ours: &Transport) -> String {
    let taken = offer.sections.iter().filter(|section| is_taken(section));
    let mids: Vec<&str> = taken.map(|section| section.mid.as_str()).collect();
    let mut text = head(&mids.join(" "));
    for section in &offer.sections {
        if is_taken(section) {
            write_section(&mut text, section, ours);
            text.push_str("a=recvonly\r\n");
        } else {
            let Section {
                media,
                protocol,
                mid,
                ..
            } = section;
            let _ = write!(
                text,
                "m={media} 0 {protocol} 0\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=inactive\r\n"
            );
        }
    }
    text
}

fn is_taken(section: &Section) -> bool {
    section.kind.is_some() && section.payload_type.is_some()
}

fn head(mids: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\n")
}

fn write_section(text: &mut String, section: &Section, ours: &Transport) {
    let Section {
        media,
        protocol,
        mid,
        ..
    } = section;
    let number = section.payload_type.unwrap_or_default();
    let repair = section.repair.map(|repair| format!(" {repair}"));
    let _ = write!(
        text,
        "m={media} 9 {protocol} {number}{}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=rtcp-mux\r\na=ice-ufrag:{}\r\n\
         a=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:{}\r\n",
        repair.unwrap_or_default(),
        ours.ufrag,
        ours.password,
        ours.fingerprint,
        ours.setup,
    );
    let _ = match section.kind {
        Some(Kind::Audio) => write!(text, "a=rtpmap:{number} opus/48000/2\r\n"),
        _ => write!(
            text,
            "a=rtpmap:{number} VP8/90000\r\na=rtcp-fb:{number} ccm fir\r\na=rtcp-fb:{number} nack\r\n\
             a=rtcp-fb:{number} nack pli\r\n"
        ),
    };
    if let Some(repair) = section.repair {
        let _ = write!(
            text,
            "a=rtpmap:{repair} rtx/90000\r\na=fmtp:{repair} apt={number}\r\n"
        );
    }
    if let Some(id) = section.feedback {
        let _ = write!(
            text,
            "a=rtcp-fb:{number} transport-cc\r\na=extmap:{id} {}\r\n",
            feedback::EXTENSION
        );
    }
    for (index, candidate) in ours.candidates.iter().enumerate() {
        let _ = write!(
            text,
            "a=candidate:{} 1 udp 2130706431 {} {} typ host\r\n",
            index + 1,
            candidate.ip(),
            candidate.port()
        );
    }
    text.push_str("a=end-of-candidates\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0 1 2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\na=setup:actpass\r\n\
        a=fingerprint:sha-256 ab:cd\r\na=rtpmap:111 opus/48000/2\r\na=sendonly\r\n\
        a=candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host\r\n\
        a=candidate:2 1 tcp 2130706430 127.0.0.1 4000 typ host tcptype passive\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 98 120 121\r\na=mid:1\r\na=ice-ufrag:abcd\r\na=rtpmap:98 VP9/90000\r\n\
        a=extmap:3/sendonly http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
        a=rtpmap:120 VP8/90000\r\na=rtpmap:121 rtx/90000\r\na=fmtp:121 apt=120\r\na=sendonly\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    #[test]
    fn an_offer_of_slots_is_read() {
        let offer = Description::read(OFFER).unwrap();
        let expected = Transport {
            ufrag: "abcd".to_owned(),
            password: "secret".to_owned(),
            fingerprint: "AB:CD".to_owned(),
            setup: "actpass".to_owned(),
            lite: true,
            candidates: vec![([127, 0, 0, 1], 4000).into()],
        };
        assert_eq!(offer.transport, expected);
        let sections: Vec<_> = offer
            .sections
            .iter()
            .map(|section| (section.mid.as_str(), section.payload_type, section.repair))
            .collect();
        assert_eq!(
            sections,
            [
                ("0", Some(111), None),
                ("1", Some(120), Some(121)),
                ("2", None, None)
            ]
        );
        assert_eq!(Description::read("v=0\r\n"), None);
    }

    #[test]
    fn an_answer_takes_what_it_understands() {
        let ours = Transport {
            ufrag: "mine".to_owned(),
            password: "mine too".to_owned(),
            fingerprint: "EF".to_owned(),
            setup: "active".to_owned(),
            lite: false,
            candidates: vec![([127, 0, 0, 1], 5000).into()],
        };
        let mut offer = Description::read(OFFER).unwrap();
        let with_feedback = answer(&offer, &ours);
        assert!(
            with_feedback.contains("a=extmap:3 http://"),
            "{with_feedback}"
        );
        offer.decline_feedback();
        let answer = answer(&offer, &ours);
        assert!(!answer.contains("a=extmap"), "{answer}");
        assert!(answer.contains("a=group:BUNDLE 0 1\r\n"), "{answer}");
        assert!(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 120 121\r\n"));
        assert!(answer.contains("m=application 0 UDP/DTLS/SCTP 0\r\n"));
        let read = Description::read(&answer).unwrap();
        assert_eq!(read.transport, ours);
        assert_eq!(read.sections[1].payload_type, Some(120));
    }

    #[test]
    fn a_sender_offers_one_stream() {
        let offer = offer(&Transport::default(), Kind::Video, 7);
        assert!(offer.contains("a=ssrc:7 cname:load\r\n"));
        assert!(offer.contains("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"));
        assert!(offer.contains("a=sendonly\r\n"));
    }
}
