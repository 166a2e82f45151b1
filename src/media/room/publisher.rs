//! The connection on which a participant sends: the client offers, we answer (RFC 8829).

mod arrival;
mod feedback;
mod line;
mod recovery;
mod several;
mod sources;
mod standing;
mod stream;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(in crate::media) use self::arrival::Arrival;
use self::feedback::Feedback;
use self::line::{Kind, Line, line_of};
use self::recovery::Recoveries;
pub(in crate::media) use self::several::{assign, continues, open, renegotiate};
pub(in crate::media) use self::sources::{Assigned, check_sources};
use self::stream::Stream;
use crate::budgets::media::LINES_OVER_TIME;
use crate::media::error::Refused;
use crate::media::peer::connection::Connection;
use crate::media::peer::describing::Describing;
use crate::media::peer::dtls::DtlsRole;
use crate::media::peer::reach::Reach;
use crate::media::peer::sdp::{Description, End, Origin, Setup, Why};
use crate::media::peer::transport::PeerEvent;
use crate::media::room::Turn;
use crate::media::room::quality::Arrivals;
use crate::media::room::wall_clock::WallClock;
use crate::media::rtp::clock::Coming;
use crate::media::rtp::encoding::Encoding;
use crate::media::rtp::extensions::{Extension, ExtensionIds};
use crate::media::rtp::history::Incoming;
use crate::media::rtp::keyframe::begins_keyframe;
use crate::media::rtp::packet::View;
use crate::media::rtp::red;
use crate::media::rtp::rtcp::transport::Recorder;
use crate::protocol::object::Source;

const TOO_MANY_LINES: &str =
    "The connection has had too many m-lines, counting those given up; begin a new connection.";
/// A stream that has lost a packet is expected to lose more for so long.
const LOSSY_FOR: Duration = Duration::from_secs(10);
/// Streams of one connection; more are ignored.
const MAX_STREAMS: usize = 64;
/// A stream that is silent for this long makes room for another of its layer.
const STREAM_SILENT_AFTER: Duration = Duration::from_millis(700);

/// An up connection.
pub(in crate::media) struct Up {
    /// The WebRTC connection.
    pub connection: Connection,
    /// Tells this connection from the participant's others.
    pub number: u32,
    /// What arrives on it, before repair.
    pub arrivals: Arrivals,
    describing: Describing,
    /// The origin of the last offer that was taken.
    origin: Origin,
    lines: Vec<Line>,
    /// One bundle has one id for each header extension (RFC 9143 §15).
    ids: ExtensionIds,
    streams: Vec<Stream>,
    /// SSRCs of repairs, and what they repair.
    repairs: Vec<(u32, u32)>,
    recorder: Recorder,
    feedback: Feedback,
    /// It came back after an interruption, and nobody was told.
    resumed: bool,
    /// Layers whose streams were ended.
    ended: Vec<(Source, usize)>,
}

/// What a packet says of itself, after a repair was taken apart.
struct Taken<'a> {
    ssrc: u32,
    sequence: u16,
    payload_type: u8,
    payload: &'a [u8],
    is_repair: bool,
    /// Where the newest sound begins in one that is redundant.
    newest: Option<usize>,
}

impl Up {
    /// Takes a first offer.
    fn open(
        offer: &Description,
        number: u32,
        thread: usize,
        now: Instant,
    ) -> Result<Self, Refused> {
        let mut up = Self {
            connection: Connection::new(thread, now)?,
            number,
            arrivals: Arrivals::default(),
            describing: Describing::default(),
            origin: offer.origin.clone(),
            lines: Vec::new(),
            ids: ExtensionIds::none(),
            streams: Vec::new(),
            repairs: Vec::new(),
            recorder: Recorder::default(),
            feedback: Feedback::new(now),
            resumed: false,
            ended: Vec::new(),
        };
        let role = match offer.setup {
            Some(Setup::Passive) => DtlsRole::Client,
            Some(Setup::Active | Setup::Actpass) | None => DtlsRole::Server,
        };
        up.connection
            .set_remote(&offer.origin.fingerprints, role, now);
        up.read_lines(offer);
        Ok(up)
    }

    /// Whether the offer comes from the same connection of the client, and not from a new one.
    fn continues(&self, offer: &Description) -> bool {
        self.origin.is_same(&offer.origin)
    }

    /// Takes a later offer; one with other ICE credentials restarts ICE.
    fn renegotiate(&mut self, offer: &Description, now: Instant) -> Result<(), Refused> {
        let used = offer.sections.iter().map(|section| &section.mid);
        let declined = offer.declined.iter().filter_map(|one| one.mid.as_ref());
        let is_new = |mid: &&String| self.lines.iter().all(|line| line.mid != **mid);
        let more = used.chain(declined).filter(is_new).count();
        if self.lines.len() + more > LINES_OVER_TIME.size() {
            return Err(Refused::because(TOO_MANY_LINES));
        }
        if offer.origin.ufrag != self.origin.ufrag {
            self.connection.restart_ice(now);
        }
        self.origin = offer.origin.clone();
        self.read_lines(offer);
        Ok(())
    }

    /// Whether an m-line that this offer uses is one of this connection's.
    fn has_line_of(&self, offer: &Description) -> bool {
        let mut used = offer.sections.iter();
        used.any(|section| self.carries_line(&section.mid))
    }

    /// Whether this offer has the ICE credentials of the last one.
    fn has_credentials_of(&self, offer: &Description) -> bool {
        self.origin.ufrag == offer.origin.ufrag
    }

    fn carries_line(&self, mid: &str) -> bool {
        let mut lines = self.lines.iter();
        lines.any(|line| line.mid == mid && line.declined.is_none())
    }

    /// It is in no offer any more.
    fn give_up(&mut self) {
        for line in &mut self.lines {
            line.decline(Why::GivenUp);
        }
    }

    /// Whether nothing of the last offer is on it.
    pub fn is_given_up(&self) -> bool {
        self.lines.iter().all(|line| line.declined.is_some())
    }

    /// What the next answer says of our end.
    fn end<'a>(&'a mut self, reach: &'a Reach) -> End<'a> {
        // The role is kept for as long as there is the association (RFC 8842 §5.3).
        let setup = match self.connection.dtls_role() {
            Some(DtlsRole::Client) => Setup::Active,
            Some(DtlsRole::Server) | None => Setup::Passive,
        };
        self.describing.end(&self.connection, reach, setup)
    }

    /// Lines from the offer. Those that there were keep their place, which streams point to.
    fn read_lines(&mut self, offer: &Description) {
        for line in &mut self.lines {
            line.decline(Why::GivenUp);
        }
        for one in &offer.declined {
            if let Some(mid) = &one.mid {
                self.line(mid).decline(one.why);
            }
        }
        for section in &offer.sections {
            self.line(&section.mid).agree(section);
            for repair in &section.streams.repairs {
                if !self.repairs.contains(repair) && self.repairs.len() < MAX_STREAMS {
                    self.repairs.push(*repair);
                }
            }
        }
        let named = offer.sections.iter().flat_map(|one| &one.extensions);
        self.ids = ExtensionIds::of(named.map(|(id, uri)| (*id, uri.as_str())));
        let lines = &mut self.lines;
        for stream in &mut self.streams {
            let declares = |line: &Line| line.declared.contains(&stream.ssrc);
            stream.line = lines.iter().position(declares).unwrap_or(stream.line);
            let line = &mut lines[stream.line];
            stream.find_layer(line);
            if stream.rid.is_some() {
                line.current[stream.layer] = Some(stream.ssrc);
            }
        }
    }

    fn line(&mut self, mid: &str) -> &mut Line {
        let known = self.lines.iter().position(|line| line.mid == mid);
        let place = known.unwrap_or_else(|| {
            self.lines.push(Line::new(mid));
            self.lines.len() - 1
        });
        &mut self.lines[place]
    }

    /// Notes what happened on the connection.
    pub fn note_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                PeerEvent::Connected | PeerEvent::Moved => {
                    self.resumed = !self.streams.is_empty();
                }
                PeerEvent::Failed | PeerEvent::Closed => {}
            }
        }
    }

    /// Whether it came back after an interruption since this was last asked.
    pub fn take_resumed(&mut self) -> bool {
        std::mem::take(&mut self.resumed)
    }

    /// Takes an RTP packet: what is to be forwarded of it, if anything. `wall` is what is known of the sender's clock.
    pub fn arrived<'a>(
        &mut self,
        packet: &'a [u8],
        wall: &WallClock,
        turn: &Turn<'_>,
    ) -> Option<Arrival<'a>> {
        let (now, arrived, ntp) = (turn.now, turn.arrived, turn.ntp);
        let view = View::parse(packet)?;
        self.record(&view, arrived);
        let taken = self.take(&view)?;
        let place = self.stream(&view, taken.ssrc, now)?;
        let stream = &mut self.streams[place];
        if !taken.is_repair {
            let highest = self.arrivals.count(taken.sequence, stream.highest);
            stream.note_highest(highest, now);
        }
        let accepted = stream.accept(taken.sequence, now);
        let (report, line, layer) = (stream.report, stream.line, stream.layer);
        let clock = report.and_then(|report| wall.pair(report.pair, report.epoch?));
        let line = &self.lines[line];
        let came = accepted.map(|(sequence, _)| sequence);
        if let Some(sequence) = came.or_else(|| stream.take_recovered(taken.sequence))
            && !taken.is_repair
        {
            let timestamp = view.header.timestamp;
            stream.note_reception(sequence, timestamp, line.clock_rate(), arrived);
        }
        let (sequence, way) = accepted?;
        // The measure by reports is the better one.
        if let (Some(way), None) = (way, self.connection.round_trip()) {
            self.connection.note_round_trip(way);
        }
        let source = line.source?;
        let codec = Arc::clone(line.codec(taken.payload_type)?);
        if !self.is_current(place, now) {
            return None;
        }
        let level = self.value(&view, Extension::AudioLevel);
        let keyframe = begins_keyframe(codec.encoding, taken.payload);
        let standing = self.standing(place, &view, (codec.encoding, taken.payload, keyframe));
        let packet = Incoming {
            sequence,
            timestamp: view.header.timestamp,
            marker: view.header.marker,
            encoding: codec.encoding,
            extensions: view.extensions,
            ids: self.ids,
            payload: taken.payload,
        };
        let recoveries = match codec.encoding {
            Encoding::Opus => self.streams[place].recover(&packet, taken.newest, codec.clock_rate),
            _ => Recoveries::default(),
        };
        Some(Arrival {
            source,
            layer,
            ssrc: taken.ssrc,
            level: level.and_then(|bytes| Some(bytes.first()? & 0x7f)),
            keyframe,
            standing,
            packet,
            codec,
            coming: Coming { now, ntp, clock },
            newest: taken.newest,
            is_lossy: self.is_lossy(place, now),
            recoveries,
            is_recovered: false,
        })
    }

    /// Whether packets of a stream were lately lost before they came here.
    fn is_lossy(&self, place: usize, now: Instant) -> bool {
        let lost_at = self.streams[place].lost_at;
        lost_at.is_some_and(|at| now.saturating_duration_since(at) < LOSSY_FOR)
    }

    fn value<'a>(&self, view: &View<'a>, extension: Extension) -> Option<&'a [u8]> {
        view.extensions.get(self.ids.get(extension)?)
    }

    /// For transport-wide feedback every packet counts, repairs and probes too.
    fn record(&mut self, view: &View<'_>, arrived: Instant) {
        let number = self.value(view, Extension::TransportNumber);
        if let Some([high, low]) = number {
            self.recorder
                .note(u16::from_be_bytes([*high, *low]), arrived);
        }
    }

    /// Takes a repair (RFC 4588 §4) apart. One without an original sequence number is a bandwidth probe.
    fn take<'a>(&mut self, view: &View<'a>) -> Option<Taken<'a>> {
        let header = &view.header;
        let mut kinds = self.lines.iter();
        let kind = kinds.find_map(|line| line.kind(header.payload_type));
        let itself = Taken {
            ssrc: header.ssrc,
            sequence: header.sequence,
            payload_type: header.payload_type,
            payload: view.payload,
            is_repair: false,
            newest: None,
        };
        let payload_type = match kind {
            Some(Kind::Repair(payload_type)) => payload_type,
            Some(Kind::Redundant(payload_type)) => {
                let newest = Some(red::newest(view.payload, payload_type)?);
                return Some(Taken {
                    payload_type,
                    newest,
                    ..itself
                });
            }
            Some(Kind::Media) | None => return Some(itself),
        };
        let ([high, low], payload) = view.payload.split_first_chunk()?;
        let sequence = u16::from_be_bytes([*high, *low]);
        Some(Taken {
            ssrc: self.repaired(view, sequence)?,
            sequence,
            payload_type,
            payload,
            is_repair: true,
            newest: None,
        })
    }

    /// What a repair stream repairs: what was declared, or the layer that it names (RFC 8852 §3.2), or the only stream
    /// of its m-line. Some clients leave the name that the layer itself has on a packet that they send again, and some
    /// name nothing: then it is the one stream that was asked for this packet (RFC 4588 §5.3).
    fn repaired(&mut self, view: &View<'_>, original: u16) -> Option<u32> {
        let repair = view.header.ssrc;
        let known = self.repairs.iter().find(|(known, _)| *known == repair);
        if let Some((_, ssrc)) = known {
            return Some(*ssrc);
        }
        let line = line_of(&self.lines, &self.ids, view)?;
        let layer = self.value(view, Extension::RepairedRid);
        let layer = layer.or_else(|| self.value(view, Extension::Rid));
        let candidates = || {
            self.streams.iter().filter(|stream| {
                let rid = stream.rid.as_deref().map(str::as_bytes);
                stream.line == line && (layer.is_none() || layer == rid)
            })
        };
        let ssrc = match candidates().count() {
            1 => candidates().next(),
            // Where two streams are about the same number, the next repair will tell.
            _ if candidates().filter(|one| one.is_near(original)).count() > 1 => None,
            _ => candidates().find(|stream| stream.awaits(original)),
        };
        let ssrc = ssrc?.ssrc;
        if self.repairs.len() >= MAX_STREAMS {
            return None;
        }
        self.repairs.push((repair, ssrc));
        Some(ssrc)
    }

    /// The place of a stream. A new stream gets one where it is known to which m-line it belongs.
    fn stream(&mut self, view: &View<'_>, ssrc: u32, now: Instant) -> Option<usize> {
        let known = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        if let Some(known) = known {
            let stream = &self.streams[known];
            // Its first packet may have been without its name, or lost.
            if stream.rid.is_none() && !self.lines[stream.line].layers.is_empty() {
                self.name(known, view);
            }
            return Some(known);
        }
        // A repair does not begin a stream, as what it repairs came before it.
        if ssrc != view.header.ssrc || self.streams.len() >= MAX_STREAMS {
            return None;
        }
        let line = line_of(&self.lines, &self.ids, view)?;
        let mut stream = Stream::new(ssrc, line, now);
        stream.find_layer(&self.lines[line]);
        self.streams.push(stream);
        self.name(self.streams.len() - 1, view);
        self.streams.iter().position(|stream| stream.ssrc == ssrc)
    }

    /// Learns which layer a stream is of (RFC 8852 §3.1), where the packet says so. It takes the place of the one that
    /// was of it before.
    fn name(&mut self, place: usize, view: &View<'_>) {
        let Stream { ssrc, line, .. } = self.streams[place];
        let rid = self.value(view, Extension::Rid);
        let layer = rid.and_then(|rid| self.lines[line].place(rid));
        let Some(layer) = layer else { return };
        let line_of_it = &mut self.lines[line];
        line_of_it.current[layer] = Some(ssrc);
        let rid = line_of_it.layers[layer].clone();
        let stream = &mut self.streams[place];
        (stream.rid, stream.layer) = (Some(rid), layer);
        let is_replaced = |stream: &Stream| {
            stream.ssrc != ssrc
                && stream.line == line
                && stream.layer == layer
                && stream.rid.is_some()
        };
        let replaced = self.streams.iter().filter(|stream| is_replaced(stream));
        let replaced: Vec<u32> = replaced.map(|stream| stream.ssrc).collect();
        self.repairs.retain(|(_, of)| !replaced.contains(of));
        self.streams.retain(|stream| !is_replaced(stream));
    }

    fn stream_mut(&mut self, ssrc: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.ssrc == ssrc)
    }

    fn stream_of(&self, ssrc: Option<u32>) -> Option<&Stream> {
        let ssrc = ssrc?;
        self.streams.iter().find(|stream| stream.ssrc == ssrc)
    }

    /// Whether this stream is the one of its layer: the one that names itself so, and where none does the first, until
    /// it falls silent.
    fn is_current(&mut self, place: usize, now: Instant) -> bool {
        let stream = &self.streams[place];
        let (ssrc, line, layer) = (stream.ssrc, stream.line, stream.layer);
        let current = self.lines[line].current[layer];
        if current == Some(ssrc) {
            return true;
        }
        let holds = self.stream_of(current).is_some_and(|other| {
            let is_silent = now.saturating_duration_since(other.heard_at) >= STREAM_SILENT_AFTER;
            other.rid.is_some() || !is_silent
        });
        let takes = stream.rid.is_some() || !holds;
        if takes {
            self.lines[line].current[layer] = Some(ssrc);
        }
        takes
    }

    /// The names of a source's layers that were agreed, in the offer's order; none of one that has no name. Nothing if
    /// no m-line of this connection carries the source.
    pub fn layers(&self, source: Source) -> Option<&[String]> {
        let mut lines = self.lines.iter();
        let line = lines.find(|line| line.source == Some(source))?;
        Some(&line.layers)
    }

    /// The layers whose streams were ended since this was last asked.
    pub fn take_ended(&mut self) -> Vec<(Source, usize)> {
        std::mem::take(&mut self.ended)
    }
}
