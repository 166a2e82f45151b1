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
    /// There are no extensions, or none that can be read.
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
mod tests;
