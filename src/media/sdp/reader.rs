//! The reader: line by line, with a bound on everything that is kept.

use std::collections::HashSet;

use super::section::{OpenSection, is_token, take_mid};
use super::{Description, Foreign, Origin, Refusal, Section, Setup};
use crate::protocol::object::MediaKind;

/// More m-lines are refused: what we offer ourselves at most, 8 sounds and 25 pictures.
const MAX_SECTIONS: usize = 33;
/// More candidates are refused; one that is repeated in every m-line counts once.
const MAX_CANDIDATES: usize = 64;
/// A longer name of a medium is refused; `application` is the longest that is registered.
const MAX_MEDIA_BYTES: usize = 16;

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    ufrag: Option<String>,
    fingerprint: Option<String>,
    has_password: bool,
    is_lite: bool,
    setup: Option<Setup>,
    /// No m-line sends that does not say so.
    silent: bool,
    session: String,
    ssrcs: HashSet<u32>,
    candidates: HashSet<String>,
    done: Vec<Section>,
    foreign: Vec<Foreign>,
    open: Option<Open>,
}

/// The m-line that is being read.
enum Open {
    Media(OpenSection),
    /// Its mid is empty until it is known.
    Foreign(Foreign),
}

impl Reader {
    /// Takes the next line.
    pub fn line(&mut self, line: &str) -> Result<(), Refusal> {
        if let Some(rest) = line.strip_prefix("m=") {
            self.close()?;
            let index = self.done.len() + self.foreign.len();
            if index >= MAX_SECTIONS {
                return Err("The description has too many m-lines.");
            }
            self.open = Some(Open::begin(rest, index, !self.silent)?);
            return Ok(());
        }
        if let Some(origin) = line.strip_prefix("o=") {
            let session = origin.split_ascii_whitespace().nth(1);
            self.session = session.unwrap_or_default().to_owned();
        }
        let Some(attribute) = line.strip_prefix("a=") else {
            return Ok(());
        };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-ufrag" => return self.ufrag(value),
            "ice-pwd" => {
                self.has_password = true;
                return if value.trim().is_empty() {
                    Err("The ICE password is empty.")
                } else {
                    Ok(())
                };
            }
            "fingerprint" => {
                let value = value.trim().to_ascii_lowercase();
                if !value.contains(' ') {
                    return Err("The fingerprint names no hash.");
                }
                self.fingerprint.get_or_insert(value);
            }
            "setup" => {
                let setup = match value.trim() {
                    "active" => Setup::Active,
                    "passive" => Setup::Passive,
                    "actpass" => Setup::Actpass,
                    _ => return Err("An a=setup line says neither active, passive nor actpass."),
                };
                self.setup.get_or_insert(setup);
            }
            // How many there may be is checked by the m-line.
            "ssrc" => {
                let ssrc = value.split_ascii_whitespace().next();
                self.ssrcs
                    .extend(ssrc.and_then(|ssrc| ssrc.parse::<u32>().ok()));
            }
            "ice-lite" => self.is_lite = true,
            "recvonly" | "inactive" if self.open.is_none() => self.silent = true,
            "candidate" => {
                self.candidates.insert(value.to_owned());
                if self.candidates.len() > MAX_CANDIDATES {
                    return Err("The description has more than 64 candidates.");
                }
            }
            _ => {}
        }
        match &mut self.open {
            Some(Open::Media(section)) => section.attribute(name, value),
            Some(Open::Foreign(section)) if name == "mid" => take_mid(&mut section.mid, value),
            Some(Open::Foreign(_)) | None => Ok(()),
        }
    }

    fn ufrag(&mut self, value: &str) -> Result<(), Refusal> {
        let value = value.trim();
        // RFC 8839 §5.4: 4 to 256 ice-chars.
        if !(4..=256).contains(&value.len()) || !value.bytes().all(is_ice_char) {
            return Err("The ICE user name fragment is malformed.");
        }
        self.ufrag.get_or_insert_with(|| value.to_owned());
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let mid = match &open {
            Open::Media(section) => &section.mid,
            Open::Foreign(section) => &section.mid,
        };
        if mid.is_empty() {
            return Err("An m-line has no mid.");
        }
        let known = self.done.iter().map(|section| &section.mid);
        let mut known = known.chain(self.foreign.iter().map(|section| &section.mid));
        if known.any(|other| other == mid) {
            return Err("Two m-lines have the same mid.");
        }
        match open {
            Open::Media(section) => self.done.push(section.finish()),
            Open::Foreign(section) => self.foreign.push(section),
        }
        Ok(())
    }

    /// What was read.
    pub fn finish(mut self) -> Result<Description, Refusal> {
        self.close()?;
        if self.done.is_empty() {
            return Err("The description has no m-line of sound or picture.");
        }
        if !self.has_password {
            return Err("The description has no ICE password.");
        }
        let origin = Origin {
            ufrag: self
                .ufrag
                .ok_or("The description has no ICE user name fragment.")?,
            fingerprint: self
                .fingerprint
                .ok_or("The description has no DTLS fingerprint.")?,
            session: self.session,
            ssrcs: self.ssrcs,
        };
        Ok(Description {
            origin,
            has_candidates: !self.candidates.is_empty(),
            is_lite: self.is_lite,
            setup: self.setup,
            sections: self.done,
            foreign: self.foreign,
        })
    }
}

impl Open {
    /// `rest` is what follows `m=`.
    fn begin(rest: &str, index: usize, sends: bool) -> Result<Self, Refusal> {
        let mut words = rest.split_ascii_whitespace();
        let media = words
            .next()
            .filter(|media| is_token(media, MAX_MEDIA_BYTES))
            .ok_or("An m-line names no medium.")?;
        let port: u16 = words
            .next()
            .and_then(|port| port.parse().ok())
            .ok_or("An m-line has no port.")?;
        let kind = match media {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => {
                let format: Vec<&str> = words.collect();
                return Ok(Self::Foreign(Foreign {
                    index,
                    mid: String::new(),
                    media: media.to_owned(),
                    format: format.join(" "),
                }));
            }
        };
        OpenSection::begin(words, kind, port, sends).map(Self::Media)
    }
}

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte == b'+'
        || byte == b'/'
        || byte == b'-'
        || byte == b'_'
        || byte == b'='
}
