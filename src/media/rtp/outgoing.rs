//! A packet as one subscriber gets it, written in one go: for the first time, or again as it was, or as a repair.

use super::counters::{Offsets, Places, add_frame};
use super::dependency::{Active, activate};
use super::extensions::{Extension, ExtensionIds};
use super::history::Incoming;
use super::packet::{ExtensionSet, Header};

/// A dependency descriptor is never longer than an extension can be.
const LONGEST_EXTENSION: usize = u8::MAX as usize;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// What came.
    pub packet: &'a Incoming<'a>,
    /// What its counters are fitted by.
    pub offsets: Offsets,
    /// The stream on which it goes, its number there, its payload type, and whether it ends a picture. The timestamp is
    /// the packet's.
    pub header: Header,
    /// Which decode targets its dependency descriptor names as active, if not what came.
    pub active: Option<Active>,
    /// The ids that the subscriber agreed to.
    pub ids: &'a ExtensionIds,
    /// Whether they agreed to header extensions that need two bytes (RFC 8285 §6).
    pub mixes: bool,
    /// The transport-wide number.
    pub stamp: Option<u16>,
    /// In a repair, the number of what it repairs (RFC 4588 §4).
    pub original: Option<u16>,
}

impl Outgoing<'_> {
    /// Appends it. The same packet is always written alike.
    pub fn write(&self, into: &mut Vec<u8>) {
        let header = Header {
            timestamp: self.packet.timestamp.wrapping_add(self.offsets.timestamp),
            ..self.header
        };
        let stamp = self.stamp.unwrap_or_default().to_be_bytes();
        let mut descriptor = [0; LONGEST_EXTENSION];
        let mut extensions = ExtensionSet::default();
        if let (Some(id), Some(_)) = (self.ids.get(Extension::TransportNumber), self.stamp) {
            self.push(&mut extensions, id, &stamp);
        }
        if !self.packet.extensions.bytes.is_empty() {
            self.pass_on(&mut extensions, &mut descriptor);
        }
        header.write(&extensions, into);
        if let Some(original) = self.original {
            into.extend_from_slice(&original.to_be_bytes());
        }
        let begin = into.len();
        into.extend_from_slice(self.packet.payload);
        let moved = self.offsets.picture != 0 || self.offsets.tl0 != 0;
        if let Some(payload) = into.get_mut(begin..).filter(|_| moved) {
            Places::find(self.packet.encoding, payload).add(self.offsets, payload);
        }
    }

    fn pass_on<'b>(
        &'b self,
        extensions: &mut ExtensionSet<'b>,
        descriptor: &'b mut [u8; LONGEST_EXTENSION],
    ) {
        let value = |extension| {
            let id = self.ids.get(extension)?;
            let value = self
                .packet
                .extensions
                .get(self.packet.ids.get(extension)?)?;
            Some((id, value))
        };
        for extension in Extension::PASSED_ON {
            if extension != Extension::Dependencies
                && let Some((id, value)) = value(extension)
            {
                self.push(extensions, id, value);
            }
        }
        if let Some((id, value)) = value(Extension::Dependencies) {
            let active = self.active;
            let length = active.and_then(|active| activate(value, active, descriptor));
            let length = length.unwrap_or_else(|| {
                descriptor[..value.len()].copy_from_slice(value);
                value.len()
            });
            let copy = &mut descriptor[..length];
            add_frame(copy, self.offsets.frame);
            self.push(extensions, id, copy);
        }
    }

    fn push<'b>(&self, extensions: &mut ExtensionSet<'b>, id: u8, value: &'b [u8]) {
        if self.mixes || !ExtensionSet::is_long(id, value) {
            extensions.push(id, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoding::Encoding;
    use super::super::packet::{Extensions, View};
    use super::*;

    fn ids(of: &[(u8, Extension)]) -> ExtensionIds {
        ExtensionIds::of(of.iter().map(|(id, extension)| (*id, extension.uri())))
    }

    fn written(outgoing: Outgoing<'_>) -> Vec<u8> {
        let (mut once, mut again) = (vec![1, 2, 3], Vec::new());
        outgoing.write(&mut once);
        outgoing.write(&mut again);
        assert_eq!(once[3..], again);
        again
    }

    #[test]
    fn extensions_go_on_under_the_subscribers_ids() {
        let mut came = ExtensionSet::default();
        let descriptor = [
            0x80, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        ];
        came.push(1, &[0x85]);
        came.push(4, b"mid");
        came.push(5, &[9, 9]);
        came.push(12, &descriptor);
        let mut bytes = Vec::new();
        let header = Header {
            marker: true,
            payload_type: 96,
            sequence: 1,
            timestamp: 70,
            ssrc: 5,
        };
        header.write(&came, &mut bytes);
        bytes.extend_from_slice(&[0x90, 0xe0, 0x80, 7, 3, 0xaa]);
        let view = View::parse(&bytes).unwrap();
        let theirs = ids(&[
            (1, Extension::AudioLevel),
            (4, Extension::Mid),
            (5, Extension::TransportNumber),
            (12, Extension::Dependencies),
        ]);
        let ours = ids(&[
            (3, Extension::AudioLevel),
            (4, Extension::TransportNumber),
            (5, Extension::Mid),
            (6, Extension::Dependencies),
        ]);
        let packet = Incoming {
            sequence: 70_000,
            timestamp: 70,
            marker: true,
            encoding: Encoding::Vp8,
            extensions: view.extensions,
            ids: theirs,
            payload: view.payload,
        };
        let outgoing = Outgoing {
            packet: &packet,
            offsets: Offsets {
                timestamp: 30,
                picture: 2,
                tl0: 1,
                frame: 3,
            },
            header: Header {
                marker: true,
                payload_type: 101,
                sequence: 9,
                timestamp: 0,
                ssrc: 77,
            },
            active: None,
            ids: &ours,
            mixes: true,
            stamp: Some(0x0102),
            original: None,
        };
        let bytes = written(outgoing);
        let view = View::parse(&bytes).unwrap();
        let expected = Header {
            marker: true,
            payload_type: 101,
            sequence: 9,
            timestamp: 100,
            ssrc: 77,
        };
        assert_eq!(view.header, expected);
        assert_eq!(view.payload, [0x90, 0xe0, 0x80, 9, 4, 0xaa]);
        assert_eq!(view.extensions.get(3), Some(&[0x85][..]));
        assert_eq!(view.extensions.get(4), Some(&[1, 2][..]));
        assert_eq!(view.extensions.get(5), None, "their mid is not ours");
        let reported = view.extensions.get(6).unwrap();
        assert_eq!(reported[..4], [0x80, 0, 2, 1]);
        // What does not fit is left out where it may not.
        let bytes = written(Outgoing {
            mixes: false,
            original: Some(0x0708),
            ..outgoing
        });
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.extensions.get(6), None);
        assert_eq!(view.payload, [7, 8, 0x90, 0xe0, 0x80, 9, 4, 0xaa]);
    }

    #[test]
    fn a_packet_of_nothing_is_written_as_it_is() {
        let packet = Incoming {
            sequence: 1,
            timestamp: 0,
            marker: false,
            encoding: Encoding::Opus,
            extensions: Extensions::default(),
            ids: ExtensionIds::none(),
            payload: b"sound",
        };
        let bytes = written(Outgoing {
            packet: &packet,
            offsets: Offsets::default(),
            header: Header {
                marker: false,
                payload_type: 111,
                sequence: 1,
                timestamp: 0,
                ssrc: 2,
            },
            active: None,
            ids: &ExtensionIds::default(),
            mixes: false,
            stamp: Some(1),
            original: None,
        });
        assert_eq!(bytes, *b"\x80\x6f\0\x01\0\0\0\0\0\0\0\x02sound");
    }
}
