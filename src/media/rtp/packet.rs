//! RTP packets (RFC 3550 §5), read where they lie and written without an allocation; header extensions in both of
//! their forms (RFC 8285).
//!
//! Everything here takes bytes that a stranger may have written. What is malformed is refused; nothing panics.

/// Bytes of a header without contributing sources and extensions.
pub const FIXED_BYTES: usize = 12;
const ONE_BYTE: u16 = 0xbede;
/// The low four bits are the application's (RFC 8285 §4.3).
const TWO_BYTES: u16 = 0x1000;
/// Extensions of one packet; further ones are not written.
const MAX_EXTENSIONS: usize = 8;

/// The fixed part of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The end of a picture, or the start of a talk spurt.
    pub marker: bool,
    /// Below 128.
    pub payload_type: u8,
    /// Counts the packets of a stream.
    pub sequence: u16,
    /// In units of the encoding's clock.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
}

/// A packet that was read, in the bytes that it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a> {
    /// Its header.
    pub header: Header,
    /// Its header extensions.
    pub extensions: Extensions<'a>,
    /// Without padding.
    pub payload: &'a [u8],
}

impl Header {
    /// Reads a packet's header. Gives how many bytes stand before the payload too: the fixed part, contributing sources
    /// and extensions.
    pub fn parse(packet: &[u8]) -> Option<(Self, usize)> {
        let (header, _, length) = parts(packet)?;
        Some((header, length))
    }

    fn fixed(&self, extended: bool) -> [u8; FIXED_BYTES] {
        let mut bytes = [0; FIXED_BYTES];
        bytes[0] = 0x80 | if extended { 0x10 } else { 0 };
        bytes[1] = self.payload_type & 0x7f | if self.marker { 0x80 } else { 0 };
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }

    /// Appends this header with these extensions.
    pub fn write(&self, extensions: &ExtensionSet<'_>, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.fixed(!extensions.is_empty()));
        extensions.write(into);
    }
}

impl<'a> View<'a> {
    /// Reads a packet. None where it is no RTP, or malformed.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let (header, extensions, length) = parts(packet)?;
        let payload = packet.get(length..)?;
        let payload = match packet.first()? & 0x20 {
            0 => payload,
            _ => {
                // RFC 3550 §5.1: the last byte counts the padding, itself too.
                let padding = usize::from(*payload.last()?);
                let end = payload.len().checked_sub(padding)?;
                payload.get(..end).filter(|_| padding > 0)?
            }
        };
        Some(Self {
            header,
            extensions,
            payload,
        })
    }
}

fn parts(packet: &[u8]) -> Option<(Header, Extensions<'_>, usize)> {
    let fixed: &[u8; FIXED_BYTES] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut length = FIXED_BYTES + 4 * usize::from(fixed[0] & 0x0f);
    let mut extensions = Extensions::default();
    if fixed[0] & 0x10 != 0 {
        let [profile_high, profile_low, high, low] = *packet.get(length..)?.first_chunk()?;
        let begin = length + 4;
        length = begin + 4 * usize::from(u16::from_be_bytes([high, low]));
        let bytes = packet.get(begin..length)?;
        extensions = Extensions {
            form: Form::of(u16::from_be_bytes([profile_high, profile_low])),
            bytes,
        };
    }
    if packet.len() < length {
        return None;
    }
    let header = Header {
        marker: fixed[1] & 0x80 != 0,
        payload_type: fixed[1] & 0x7f,
        sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
    };
    Some((header, extensions, length))
}

/// How header extensions are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// RFC 8285 §4.2.
    OneByte,
    /// RFC 8285 §4.3.
    TwoBytes,
    /// There are none, or none that can be read.
    #[default]
    Other,
}

impl Form {
    fn of(profile: u16) -> Self {
        match profile {
            ONE_BYTE => Self::OneByte,
            _ if profile & 0xfff0 == TWO_BYTES => Self::TwoBytes,
            _ => Self::Other,
        }
    }
}

/// A packet's header extensions, as they stand in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// How they are written.
    pub form: Form,
    /// Without the four bytes before them.
    pub bytes: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// The value of that id, the first of several.
    pub fn get(&self, id: u8) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(of, value)| (of == id).then_some(value))
    }

    /// All of them. A malformed one ends them.
    pub fn iter(&self) -> ExtensionIter<'a> {
        ExtensionIter {
            form: self.form,
            rest: self.bytes,
        }
    }
}

/// See [`Extensions::iter`].
#[derive(Debug, Clone)]
pub struct ExtensionIter<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for ExtensionIter<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            if *first == 0 {
                // Padding, between them or behind.
                self.rest = rest;
                continue;
            }
            let (id, length, rest) = match self.form {
                Form::OneByte => (first >> 4, usize::from(first & 0x0f) + 1, rest),
                Form::TwoBytes => {
                    let (length, rest) = rest.split_first()?;
                    (*first, usize::from(*length), rest)
                }
                Form::Other => return None,
            };
            // RFC 8285 §4.2: 15 ends them. An id of 0 with a length is padding that was written wrong.
            if self.form == Form::OneByte && (id == 15 || id == 0) {
                self.rest = &[];
                return None;
            }
            let Some((value, rest)) = rest.split_at_checked(length) else {
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            return Some((id, value));
        }
    }
}

/// Header extensions to be written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtensionSet<'a> {
    entries: [(u8, &'a [u8]); MAX_EXTENSIONS],
    count: usize,
}

impl<'a> ExtensionSet<'a> {
    /// Adds one, if it can be written and there is room.
    pub fn push(&mut self, id: u8, value: &'a [u8]) {
        let fits = id > 0 && value.len() <= usize::from(u8::MAX);
        if let Some(entry) = self.entries.get_mut(self.count).filter(|_| fits) {
            *entry = (id, value);
            self.count += 1;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether this one needs the form with two bytes.
    pub fn is_long(id: u8, value: &[u8]) -> bool {
        id > 14 || value.is_empty() || value.len() > 16
    }

    fn entries(&self) -> &[(u8, &'a [u8])] {
        self.entries.get(..self.count).unwrap_or_default()
    }

    fn write(&self, into: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        let begin = into.len();
        let long = self
            .entries()
            .iter()
            .any(|(id, value)| Self::is_long(*id, value));
        let profile = if long { TWO_BYTES } else { ONE_BYTE };
        into.extend_from_slice(&profile.to_be_bytes());
        into.extend_from_slice(&[0, 0]);
        for (id, value) in self.entries() {
            let length = value.len() as u8;
            if long {
                into.extend_from_slice(&[*id, length]);
            } else {
                into.push(id << 4 | length.wrapping_sub(1) & 0x0f);
            }
            into.extend_from_slice(value);
        }
        while !(into.len() - begin).is_multiple_of(4) {
            into.push(0);
        }
        let words = ((into.len() - begin) / 4 - 1) as u16;
        if let Some(place) = into.get_mut(begin + 2..begin + 4) {
            place.copy_from_slice(&words.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 96,
        sequence: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: 0xdead_beef,
    };

    fn packet(extensions: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
        let mut set = ExtensionSet::default();
        for (id, value) in extensions {
            set.push(*id, value);
        }
        let mut bytes = Vec::new();
        HEADER.write(&set, &mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let long = [7; 17];
        let tables: [&[(u8, &[u8])]; 5] = [
            &[],
            &[(1, b"a")],
            &[(14, &[9; 16]), (3, b"xy")],
            &[(1, b"a"), (15, b"b")],
            &[(2, &long), (200, b"")],
        ];
        for table in tables {
            let bytes = packet(table, b"payload");
            let view = View::parse(&bytes).unwrap();
            assert_eq!((view.header, view.payload), (HEADER, &b"payload"[..]));
            let read: Vec<_> = view.extensions.iter().collect();
            assert_eq!(read, table);
            for (id, value) in table {
                assert_eq!(view.extensions.get(*id), Some(*value));
            }
            assert_eq!(Header::parse(&bytes), Some((HEADER, bytes.len() - 7)));
        }
    }

    #[test]
    fn the_form_with_one_byte_is_as_the_rfc_draws_it() {
        let bytes = packet(&[(1, &[0xaa]), (2, &[0xbb, 0xcc])], &[]);
        assert_eq!(
            bytes[FIXED_BYTES..],
            [0xbe, 0xde, 0, 2, 0x10, 0xaa, 0x21, 0xbb, 0xcc, 0, 0, 0]
        );
        assert_eq!(bytes[..4], [0x90, 0xe0, 0xff, 0xfe]);
    }

    #[test]
    fn padding_is_taken_off_and_must_be_right() {
        let padded = |padding: &[u8]| {
            let mut bytes = packet(&[], b"ab");
            bytes[0] |= 0x20;
            bytes.extend_from_slice(padding);
            bytes
        };
        assert_eq!(View::parse(&padded(&[0, 0, 3])).unwrap().payload, b"ab");
        assert_eq!(View::parse(&padded(&[5, 5])).unwrap_or(EMPTY), EMPTY);
        assert_eq!(View::parse(&padded(&[4, 4])).unwrap().payload, b"");
        for wrong in [0, 6, 255] {
            assert_eq!(View::parse(&padded(&[1, wrong])), None, "{wrong}");
        }
        let mut empty = packet(&[], b"");
        empty[0] |= 0x20;
        assert_eq!(View::parse(&empty), None);
    }

    const EMPTY: View<'static> = View {
        header: HEADER,
        extensions: Extensions {
            form: Form::Other,
            bytes: &[],
        },
        payload: &[],
    };

    #[test]
    fn contributing_sources_stand_before_the_extensions() {
        let mut bytes = packet(&[(1, b"a")], b"p");
        bytes[0] |= 2;
        bytes.splice(FIXED_BYTES..FIXED_BYTES, [9; 8]);
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.extensions.get(1), Some(&b"a"[..]));
        assert_eq!(view.payload, b"p");
    }

    #[test]
    fn padding_stands_between_extensions_and_15_ends_them() {
        let read = |form: Form, bytes: &'static [u8]| {
            let all: Vec<_> = Extensions { form, bytes }.iter().collect();
            all
        };
        let one = Form::OneByte;
        assert_eq!(read(one, &[0, 0x10, 7, 0, 0x20, 8]).len(), 2);
        assert_eq!(read(one, &[0x10, 7, 0xf0, 1, 0x20, 8]).len(), 1);
        assert_eq!(read(one, &[0x10, 7, 0x21, 8]).len(), 1, "cut short");
        assert_eq!(read(one, &[0x01, 7, 7, 0x20, 8]), []);
        assert_eq!(read(Form::TwoBytes, &[0, 9, 1, 7, 0, 5, 0]).len(), 2);
        assert_eq!(read(Form::TwoBytes, &[9]), []);
        assert_eq!(read(Form::Other, &[9, 1, 1]), []);
    }

    #[test]
    fn more_than_fits_is_left_out() {
        let mut set = ExtensionSet::default();
        set.push(0, b"a");
        set.push(1, &[0; 256]);
        assert!(set.is_empty());
        for id in 1..=20 {
            set.push(id, b"a");
        }
        assert_eq!(set.entries().len(), MAX_EXTENSIONS);
    }

    /// Every packet cut at every place, and with every byte changed in some ways.
    #[test]
    fn mutations_are_read_or_refused() {
        let whole = packet(&[(1, b"ab"), (9, &[3; 20]), (4, b"x")], b"payload");
        let mut short = packet(&[(1, b"ab"), (9, &[3; 16])], b"payload");
        short[0] |= 0x21;
        for packet in [whole, short] {
            for end in 0..packet.len() {
                touch(&packet[..end]);
            }
            for place in 0..packet.len() {
                for value in 0..=255 {
                    let mut changed = packet.clone();
                    changed[place] = value;
                    touch(&changed);
                }
            }
        }
        let mut random = 0x2545_f491_u32;
        for length in 0..60 {
            for _ in 0..200 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        random ^= random << 13;
                        random ^= random >> 17;
                        random ^= random << 5;
                        random as u8
                    })
                    .collect();
                touch(&bytes);
            }
        }
    }

    fn touch(packet: &[u8]) {
        if let Some(view) = View::parse(packet) {
            assert!(view.extensions.iter().count() <= packet.len());
            assert!(view.payload.len() <= packet.len() - FIXED_BYTES);
            assert_eq!(view.extensions.get(0), None);
        }
    }
}
