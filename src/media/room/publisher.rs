//! The connection on which a participant sends: the client offers, we answer (RFC 8829).
//!
//! Its packets are told apart in [`streams`], read in [`incoming`], and reported on in [`feedback`].

mod feedback;
mod incoming;
mod sources;
mod streams;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::feedback::Feedback;
pub(in crate::media) use self::incoming::Arrival;
pub(in crate::media) use self::sources::check_sources;
pub(in crate::media) use self::streams::Report;
use self::streams::Streams;
use crate::budgets::media::LINES_OVER_TIME;
use crate::media::error::Refused;
use crate::media::peer::connection::Connection;
use crate::media::peer::dtls::DtlsRole;
use crate::media::peer::sdp::{Codec, Description, End, Origin, Section, Setup, Why};
use crate::media::peer::transport::PeerEvent;
use crate::media::rtp::extensions::ExtensionIds;
use crate::media::rtp::history::History;
use crate::protocol::object::{MediaKind, Source, SourceMid};

const TOO_MANY_LINES: &str =
    "The connection has had too many m-lines, counting those given up; begin a new connection.";
/// Over this time a layer's bitrate is measured.
const RATE_WINDOW: Duration = Duration::from_millis(500);

/// An up connection.
pub(in crate::media) struct Up {
    /// The WebRTC connection.
    pub connection: Connection,
    /// Of the last offer that was taken.
    pub revision: u64,
    /// Of the last offer that was taken, too.
    origin: Origin,
    /// Names our descriptions' session.
    session: u64,
    /// How many there were.
    described: u64,
    lines: Vec<Line>,
    /// By which ids packets say where they belong: in one bundle they mean the same on all m-lines (RFC 8843 §15).
    ids: ExtensionIds,
    streams: Streams,
    feedback: Feedback,
    /// It came back after an interruption, and nobody was told.
    resumed: bool,
}

/// One m-line.
struct Line {
    mid: String,
    kind: MediaKind,
    source: Option<Source>,
    /// Why it carries nothing since the last answer, if it does not.
    declined: Option<Why>,
    codecs: Vec<Arc<Codec>>,
    ids: ExtensionIds,
    /// The stream that is forwarded.
    current: Option<u32>,
}

impl Line {
    fn named(mid: &str) -> Self {
        Self {
            mid: mid.to_owned(),
            kind: MediaKind::Audio,
            source: None,
            declined: None,
            codecs: Vec::new(),
            ids: ExtensionIds::none(),
            current: None,
        }
    }

    /// Its encoding by payload type, and whether that is one of repairs.
    fn codec(&self, payload_type: u8) -> Option<(&Arc<Codec>, bool)> {
        let mut codecs = self.codecs.iter();
        codecs.find_map(|codec| {
            let repairs = codec.repair == Some(payload_type);
            (repairs || codec.payload_type == payload_type).then_some((codec, repairs))
        })
    }
}

/// What became of the sources that an offer names.
#[derive(Debug, Default)]
pub(in crate::media) struct Assigned {
    /// Those that an m-line carries, with the name of its first encoding.
    pub carried: Vec<(Source, Option<String>)>,
    /// The others.
    pub refused: Vec<(Source, Why)>,
}

impl Up {
    /// Takes a first offer. Gives the answer's text too.
    pub fn open(
        offer: &Description,
        local: &[SocketAddr],
        now: Instant,
    ) -> Result<(Self, String), Refused> {
        let mut connection = Connection::new(now)?;
        // Who only waits is sent a hello; everybody else sends us one.
        let role = match offer.setup {
            Some(Setup::Passive) => DtlsRole::Client,
            _ => DtlsRole::Server,
        };
        connection.set_remote(&offer.origin.fingerprints, role, now);
        let mut up = Self {
            connection,
            revision: 0,
            origin: offer.origin.clone(),
            session: rand::random::<u64>() >> 2,
            described: 0,
            lines: Vec::new(),
            ids: ExtensionIds::none(),
            streams: Streams::default(),
            feedback: Feedback::new(now),
            resumed: false,
        };
        up.read_lines(offer, now);
        let answer = up.answer(offer, local);
        Ok((up, answer))
    }

    /// Whether the offer comes from the same connection of the client, and not from a new one.
    pub fn continues(&self, offer: &Description) -> bool {
        self.origin.is_same(&offer.origin)
    }

    /// Takes a later offer. One with other ICE credentials restarts ICE (RFC 8839 §4.4.1.1.1).
    pub fn renegotiate(
        &mut self,
        offer: &Description,
        local: &[SocketAddr],
        now: Instant,
    ) -> Result<String, Refused> {
        let used = offer.sections.iter().map(|section| &section.mid);
        let declined = offer.declined.iter().filter_map(|one| one.mid.as_ref());
        let is_new = |mid: &&String| self.lines.iter().all(|line| line.mid != **mid);
        let more = used.chain(declined).filter(is_new).count();
        // Streams point to lines, so none is forgotten.
        if self.lines.len() + more > LINES_OVER_TIME.size() {
            return Err(Refused::because(TOO_MANY_LINES));
        }
        if offer.origin.ufrag != self.origin.ufrag {
            self.connection.restart_ice(now);
        }
        self.origin = offer.origin.clone();
        self.read_lines(offer, now);
        Ok(self.answer(offer, local))
    }

    fn answer(&mut self, offer: &Description, local: &[SocketAddr]) -> String {
        self.described += 1;
        let credentials = self.connection.credentials();
        let end = End {
            ufrag: &credentials.ufrag,
            password: &credentials.password,
            fingerprint: self.connection.fingerprint(),
            addresses: local,
            setup: match self.connection.dtls_role() {
                Some(DtlsRole::Client) => Setup::Active,
                Some(DtlsRole::Server) | None => Setup::Passive,
            },
            session: self.session,
            version: self.described,
        };
        end.answer(offer)
    }

    /// Lines as they were negotiated. Those that there were keep their place, which streams point to.
    fn read_lines(&mut self, offer: &Description, now: Instant) {
        for line in &mut self.lines {
            line.declined = Some(Why::GivenUp);
            line.codecs.clear();
        }
        for one in &offer.declined {
            let Some(mid) = &one.mid else { continue };
            let place = self.line(mid);
            self.lines[place].declined = Some(one.why);
        }
        for section in &offer.sections {
            let place = self.line(&section.mid);
            let line = &mut self.lines[place];
            line.kind = section.kind;
            line.ids = section.extension_ids();
            line.declined = None;
            line.codecs = negotiated(section);
            self.streams.declare(place, &section.streams, now);
        }
        let ids = offer.sections.first().map(Section::extension_ids);
        self.ids = ids.unwrap_or_default();
    }

    fn line(&mut self, mid: &str) -> usize {
        let known = self.lines.iter().position(|line| line.mid == mid);
        known.unwrap_or_else(|| {
            self.lines.push(Line::named(mid));
            self.lines.len() - 1
        })
    }

    /// Says which m-line carries what. Gives each source that one carries with the name of its first encoding, and the
    /// others with why not.
    pub fn assign(&mut self, sources: &[SourceMid]) -> Assigned {
        let mut assigned = Assigned::default();
        for line in &mut self.lines {
            line.source = None;
            let named = sources.iter().find(|source| source.mid == line.mid);
            let Some(SourceMid { source, .. }) = named else {
                continue;
            };
            match line.declined {
                Some(why) => assigned.refused.push((*source, why)),
                None => {
                    line.source = Some(*source);
                    let codec = line.codecs.first().map(|codec| codec.name.clone());
                    assigned.carried.push((*source, codec));
                }
            }
        }
        assigned
    }

    /// Notes what happened on the connection.
    pub fn note_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                // Packets may be missing that nobody can repair any more.
                PeerEvent::Connected => self.resumed = !self.streams.is_empty(),
                PeerEvent::Moved => self.resumed = true,
                PeerEvent::Failed | PeerEvent::Closed => {}
            }
        }
    }

    /// Whether it came back after an interruption since this was last asked.
    pub fn take_resumed(&mut self) -> bool {
        std::mem::take(&mut self.resumed)
    }

    /// Measures the layers, and moves each m-line to the one with the highest bitrate. To be called every
    /// [`RATE_WINDOW`].
    pub fn choose_layers(&mut self) {
        self.streams.measure();
        for (index, line) in self.lines.iter_mut().enumerate() {
            if let Some(better) = self.streams.better_layer(index, line.current) {
                line.current = Some(better);
            }
        }
    }

    /// The simulcast layers of a source that were seen.
    pub fn layers(&self, source: Source) -> Vec<String> {
        let mut lines = self.lines.iter();
        let index = lines.position(|line| line.source == Some(source));
        index.map_or_else(Vec::new, |index| self.streams.layers(index))
    }

    /// The layer of a source that is forwarded.
    pub fn layer(&self, source: Source) -> Option<String> {
        let line = self.lines.iter().find(|line| line.source == Some(source))?;
        self.streams.get(line.current?)?.rid.clone()
    }

    /// The last packets of a stream, from which subscribers' losses are repaired.
    pub fn history(&self, ssrc: u32) -> Option<&History> {
        Some(&self.streams.get(ssrc)?.history)
    }
}

fn negotiated(section: &Section) -> Vec<Arc<Codec>> {
    section.negotiated().cloned().map(Arc::new).collect()
}

/// How often [`Up::choose_layers`] wants to be called.
pub(in crate::media) fn rate_window() -> Duration {
    RATE_WINDOW
}
