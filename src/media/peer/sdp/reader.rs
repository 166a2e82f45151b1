//! The reader: line by line, with a bound on everything that is kept.

use std::collections::HashSet;

use super::declined::{Declined, Why};
use super::section::{OpenSection, extension, take_mid};
use super::transport::Transport;
use super::{Description, Origin, Refusal, Section, is_token};
use crate::budgets::media::{BUNDLES, EXTENSIONS, M_LINES};
use crate::protocol::object::MediaKind;

/// A longer name of a medium is refused; `application` is the longest that is registered.
const MAX_MEDIA_BYTES: usize = 16;
/// RFC 9429 §5.1.2: all that mean RTP over DTLS, however they are written. They differ in what is signalled of
/// feedback, not in what is sent.
const PROTOCOLS: [&str; 10] = [
    "UDP/TLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "TCP/DTLS/RTP/SAVPF",
    "TCP/DTLS/RTP/SAVP",
    "TCP/TLS/RTP/SAVPF",
    "TCP/TLS/RTP/SAVP",
    "RTP/SAVPF",
    "RTP/SAVP",
    "RTP/AVPF",
    "RTP/AVP",
];

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    session_level: Transport,
    is_lite: bool,
    mixes_extensions: bool,
    /// What the session says for the m-lines that do not say it themselves.
    silent: bool,
    deaf: bool,
    extensions: Vec<(u8, String)>,
    session: String,
    bundles: Vec<Vec<String>>,
    ssrcs: HashSet<u32>,
    done: Vec<Section>,
    declined: Vec<Declined>,
    open: Option<Open>,
}

/// The m-line that is being read.
enum Open {
    Media(Box<OpenSection>),
    /// One that carries nothing here, with any content.
    Declined(Declined),
}

impl Reader {
    /// Takes the next line.
    pub fn line(&mut self, line: &str) -> Result<(), Refusal> {
        if let Some(rest) = line.strip_prefix("m=") {
            self.close()?;
            let index = self.done.len() + self.declined.len();
            if index >= M_LINES.size() {
                return Err("The description has too many m-lines.");
            }
            self.open = Some(self.begin(rest, index)?);
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
            "group" => self.group(value),
            // How many there may be is checked by the m-line.
            "ssrc" => {
                let ssrc = value.split_ascii_whitespace().next();
                self.ssrcs
                    .extend(ssrc.and_then(|ssrc| ssrc.parse::<u32>().ok()));
            }
            "ice-lite" => self.is_lite = true,
            // Said of the session or of an m-line; all share one transport.
            "extmap-allow-mixed" => self.mixes_extensions = true,
            _ => {}
        }
        match &mut self.open {
            Some(Open::Media(section)) => section.attribute(name, value),
            Some(Open::Declined(section)) => match name {
                "mid" => take_mid(section.mid.get_or_insert_default(), value),
                _ => section.transport.attribute(name, value),
            },
            None => self.session_attribute(name, value),
        }
    }

    fn session_attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "sendrecv" => (self.silent, self.deaf) = (false, false),
            "sendonly" => (self.silent, self.deaf) = (false, true),
            "recvonly" => (self.silent, self.deaf) = (true, false),
            "inactive" => (self.silent, self.deaf) = (true, true),
            "extmap" if self.extensions.len() < EXTENSIONS.size() => {
                self.extensions.push(extension(value)?);
            }
            _ => {}
        }
        self.session_level.attribute(name, value)
    }

    /// `BUNDLE a b`; of other semantics there is nothing to know.
    fn group(&mut self, value: &str) {
        let mut words = value.split_ascii_whitespace();
        if words.next() == Some("BUNDLE") && self.bundles.len() < BUNDLES.size() {
            let mids = words.take(M_LINES.size()).map(str::to_owned);
            self.bundles.push(mids.collect());
        }
    }

    /// `rest` is what follows `m=`.
    fn begin(&self, rest: &str, index: usize) -> Result<Open, Refusal> {
        let mut words = rest.split_ascii_whitespace();
        let media = words
            .next()
            .filter(|media| is_token(media, MAX_MEDIA_BYTES))
            .ok_or("An m-line names no medium.")?;
        // A range of ports, `9/2`, says nothing here.
        let port = words.next().and_then(|port| port.split('/').next());
        let port: u16 = port
            .and_then(|port| port.parse().ok())
            .ok_or("An m-line has no port.")?;
        let kind = match media {
            "audio" => Some(MediaKind::Audio),
            "video" => Some(MediaKind::Video),
            _ => None,
        };
        let (proto, formats) = rest_of(words);
        let why = match kind {
            None => Some(Why::OtherMedium),
            Some(_) if !PROTOCOLS.contains(&proto.as_str()) => Some(Why::Protocol),
            Some(_) => None,
        };
        if let (Some(kind), None) = (kind, why) {
            let directed = (!self.silent, !self.deaf);
            let section = OpenSection::begin(index, kind, port, directed, proto, formats);
            return Ok(Open::Media(Box::new(section)));
        }
        let why = match port {
            0 if kind.is_some() => Why::GivenUp,
            _ => why.unwrap_or(Why::OtherMedium),
        };
        Ok(Open::Declined(Declined {
            index,
            mid: None,
            media: media.to_owned(),
            format: format!("{proto} {formats}"),
            why,
            transport: Transport::default(),
        }))
    }

    fn close(&mut self) -> Result<(), Refusal> {
        match self.open.take() {
            Some(Open::Media(section)) => {
                let bundled = self.bundles.iter().flatten().any(|mid| *mid == section.mid);
                match section.finish(bundled, &self.extensions)? {
                    Ok(section) => {
                        self.is_new(&section.mid)?;
                        self.done.push(section);
                    }
                    Err(declined) => self.decline(declined)?,
                }
            }
            Some(Open::Declined(declined)) => self.decline(declined)?,
            None => {}
        }
        Ok(())
    }

    fn decline(&mut self, declined: Declined) -> Result<(), Refusal> {
        if let Some(mid) = &declined.mid {
            self.is_new(mid)?;
        }
        self.declined.push(declined);
        Ok(())
    }

    fn is_new(&self, mid: &str) -> Result<(), Refusal> {
        let used = self.done.iter().map(|section| Some(&section.mid));
        let mut known = used.chain(self.declined.iter().map(|section| section.mid.as_ref()));
        match known.any(|other| other.is_some_and(|other| other == mid)) {
            true => Err("Two m-lines have the same mid."),
            false => Ok(()),
        }
    }

    /// What was read; of its transport, each level's own.
    pub fn finish(mut self) -> Result<Description, Refusal> {
        self.close()?;
        let origin = Origin {
            ufrag: String::new(),
            fingerprints: Vec::new(),
            session: self.session,
            ssrcs: self.ssrcs,
        };
        Ok(Description {
            origin,
            is_lite: self.is_lite,
            setup: None,
            mixes_extensions: self.mixes_extensions,
            bundles: self.bundles,
            session: self.session_level,
            sections: self.done,
            apart: Vec::new(),
            declined: self.declined,
        })
    }
}

/// The protocol and the formats, which an answer repeats.
fn rest_of(mut words: std::str::SplitAsciiWhitespace<'_>) -> (String, String) {
    let proto = words.next().unwrap_or_default().to_owned();
    let formats: Vec<&str> = words.collect();
    (proto, formats.join(" "))
}
