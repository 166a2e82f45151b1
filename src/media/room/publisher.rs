//! The connection on which a participant sends: the client offers, we answer (RFC 8829).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::{NackGeneratorBuilder, ReceiverReportBuilder, Registry, Slot};
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_simulcast_extension_headers, configure_twcc_receiver_only,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::message::RTCMessage;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpHeaderExtensionCapability, RtpCodecKind};
use rtc::sdp::extmap::{AUDIO_LEVEL_URI, SDES_MID_URI};
use rtc::shared::error::Error as EngineError;

use crate::budgets::media::LINES_OVER_TIME;
use crate::media::error::MediaError;
use crate::media::peer::codec::{self, Encoding};
use crate::media::peer::connection::{Connection, Happening, Refused};
use crate::media::peer::interceptor::{FEEDBACK_SLOT, Feedback, REPAIR_SLOT, RepairUnwrapper};
use crate::media::peer::sdp::{self, Codec, Description, Origin, Section, Why};
use crate::media::room::quality::Arrivals;
use crate::media::rtp::keyframe::begins_keyframe;
use crate::media::rtp::sequence::SequenceWindow;
use crate::protocol::object::{Source, SourceMid};

const TOO_MANY_LINES: &str =
    "The connection has had too many m-lines, counting those given up; begin a new connection.";
/// Streams of one connection; more are ignored.
const MAX_STREAMS: usize = 64;
/// A layer that is silent for this long gives way to another.
const LAYER_SILENT_AFTER: Duration = Duration::from_millis(700);
/// Over this time a layer's bitrate is measured.
const RATE_WINDOW: Duration = Duration::from_millis(500);
/// Missing packets are asked for this often, and no more often than that each.
const NACK_INTERVAL: Duration = Duration::from_millis(40);
const MAX_NACKS: u16 = 12;

/// An up connection.
pub(in crate::media) struct Up {
    /// The WebRTC connection.
    pub connection: Connection,
    /// Of the last offer that was taken.
    pub revision: u64,
    /// What arrives on it, before repair.
    pub arrivals: Arc<Arrivals>,
    /// Of the last offer that was taken, too.
    origin: Origin,
    lines: Vec<Line>,
    streams: HashMap<u32, Stream>,
    /// It came back after an interruption, and nobody was told.
    resumed: bool,
}

/// One m-line.
struct Line {
    mid: String,
    source: Option<Source>,
    /// Why it carries nothing since the last answer, if it does not.
    declined: Option<Why>,
    codecs: Vec<Arc<Codec>>,
    level_id: Option<u8>,
    /// The stream that is forwarded.
    current: Option<u32>,
}

/// One SSRC that arrives on an m-line.
struct Stream {
    line: usize,
    rid: Option<String>,
    window: SequenceWindow,
    heard_at: Instant,
    bytes: u64,
    rate: u64,
    report: Option<Report>,
}

/// A sender report's clock pair (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Report {
    /// The sender's wall clock, as NTP.
    pub ntp: u64,
    /// The same instant on the stream's clock.
    pub rtp: u32,
    /// When it came.
    pub at: Instant,
}

/// A packet to be forwarded.
pub(in crate::media) struct Arrival {
    /// Of which source.
    pub source: Source,
    /// Of which stream.
    pub ssrc: u32,
    /// Extended; each once.
    pub sequence: u64,
    /// On the stream's clock.
    pub timestamp: u32,
    /// The end of a picture, or the start of a talk spurt.
    pub marker: bool,
    /// How it is encoded.
    pub codec: Arc<Codec>,
    /// The same, understood.
    pub encoding: Encoding,
    /// Its payload.
    pub payload: Bytes,
    /// How loud it is in -dBov (RFC 6464).
    pub level: Option<u8>,
    /// It decodes on its own.
    pub keyframe: bool,
    /// The stream's last clock pair.
    pub report: Option<Report>,
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
        sdp: &str,
        local: &Arc<[SocketAddr]>,
        now: Instant,
    ) -> Result<(Self, String), Refused> {
        let arrivals = Arc::default();
        let (media, interceptors) = engine(offer, &arrivals)?;
        let mut connection = Connection::new(media, interceptors, local, now)?;
        let answer = answer(&mut connection, offer, sdp, now)?;
        let mut up = Self {
            connection,
            revision: 0,
            arrivals,
            origin: offer.origin.clone(),
            lines: Vec::new(),
            streams: HashMap::new(),
            resumed: false,
        };
        up.read_lines(offer, &answer)?;
        Ok((up, answer))
    }

    /// Whether the offer comes from the same connection of the client, and not from a new one.
    pub fn continues(&self, offer: &Description) -> bool {
        self.origin.is_same(&offer.origin)
    }

    /// Takes a later offer.
    pub fn renegotiate(
        &mut self,
        offer: &Description,
        sdp: &str,
        now: Instant,
    ) -> Result<String, Refused> {
        let used = offer.sections.iter().map(|section| &section.mid);
        let declined = offer.declined.iter().filter_map(|one| one.mid.as_ref());
        let is_new = |mid: &&String| self.lines.iter().all(|line| line.mid != **mid);
        let more = used.chain(declined).filter(is_new).count();
        // The crate keeps something for each m-line that there ever was.
        if self.lines.len() + more > LINES_OVER_TIME.size() {
            return Err(Refused::because(TOO_MANY_LINES));
        }
        let answer = answer(&mut self.connection, offer, sdp, now)?;
        self.origin = offer.origin.clone();
        self.read_lines(offer, &answer)?;
        Ok(answer)
    }

    /// Lines from the answer. Those that there were keep their place, which streams point to.
    fn read_lines(&mut self, offer: &Description, answer: &str) -> Result<(), Refused> {
        let answer = Description::parse(answer)?;
        for line in &mut self.lines {
            line.declined = Some(Why::GivenUp);
            line.codecs.clear();
        }
        for one in &answer.declined {
            let Some(mid) = &one.mid else { continue };
            // What was refused before the crate saw the offer has its own reason.
            let why = offer.why_declined(mid).unwrap_or(Why::Mismatch);
            self.line(mid).declined = Some(why);
        }
        for section in answer.sections {
            let level_id = section.extension(AUDIO_LEVEL_URI);
            let line = self.line(&section.mid);
            line.level_id = level_id;
            line.declined = None;
            line.codecs = section.codecs.into_iter().map(Arc::new).collect();
        }
        Ok(())
    }

    fn line(&mut self, mid: &str) -> &mut Line {
        let known = self.lines.iter().position(|line| line.mid == mid);
        let place = known.unwrap_or_else(|| {
            self.lines.push(Line {
                mid: mid.to_owned(),
                source: None,
                declined: None,
                codecs: Vec::new(),
                level_id: None,
                current: None,
            });
            self.lines.len() - 1
        });
        &mut self.lines[place]
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

    /// Reads what arrived: a packet to be forwarded, or nothing more.
    pub fn next_arrival(&mut self, now: Instant) -> Option<Arrival> {
        while let Some(happening) = self.connection.next_happening(now) {
            match happening {
                Happening::Connected => self.resumed = !self.streams.is_empty(),
                Happening::Stream { mid, ssrc, rid } => self.note_stream(&mid, ssrc, rid, now),
            }
        }
        loop {
            match self.connection.next_message()? {
                RTCMessage::RtpPacket(_, packet) => {
                    if let Some(arrival) = self.arrived(packet, now) {
                        return Some(arrival);
                    }
                }
                RTCMessage::RtcpPacket(_, reports) => self.note_reports(&reports, now),
                _ => {}
            }
        }
    }

    /// Whether it came back after an interruption since this was last asked.
    pub fn take_resumed(&mut self) -> bool {
        std::mem::take(&mut self.resumed)
    }

    fn note_stream(&mut self, mid: &str, ssrc: u32, rid: Option<String>, now: Instant) {
        let Some(line) = self.lines.iter().position(|line| line.mid == mid) else {
            return;
        };
        if let Some(known) = self.streams.get_mut(&ssrc) {
            known.line = line;
            known.rid = rid;
        } else if self.streams.len() < MAX_STREAMS {
            let window = SequenceWindow::default();
            let stream = Stream {
                line,
                rid,
                window,
                heard_at: now,
                bytes: 0,
                rate: 0,
                report: None,
            };
            self.streams.insert(ssrc, stream);
        }
    }

    fn note_reports(&mut self, reports: &[Box<dyn rtc::rtcp::Packet>], now: Instant) {
        for report in reports
            .iter()
            .filter_map(|report| report.as_any().downcast_ref::<SenderReport>())
        {
            if let Some(stream) = self.streams.get_mut(&report.ssrc) {
                stream.report = Some(Report {
                    ntp: report.ntp_time,
                    rtp: report.rtp_time,
                    at: now,
                });
            }
        }
    }

    fn arrived(&mut self, packet: rtc::rtp::Packet, now: Instant) -> Option<Arrival> {
        let header = &packet.header;
        let stream = self.streams.get_mut(&header.ssrc)?;
        let line = self.lines.get_mut(stream.line)?;
        let sequence = stream.window.accept(header.sequence_number)?;
        stream.heard_at = now;
        stream.bytes += packet.payload.len() as u64;
        let report = stream.report;
        let source = line.source?;
        let codec = line
            .codecs
            .iter()
            .find(|codec| codec.payload_type == header.payload_type)?;
        let (codec, level_id) = (Arc::clone(codec), line.level_id);
        let ssrc = header.ssrc;
        if !self.is_current(ssrc, now) {
            return None;
        }
        let encoding = Encoding::named(&codec.name);
        Some(Arrival {
            source,
            ssrc,
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            level: level_id
                .and_then(|id| header.get_extension(id))
                .and_then(|bytes| Some(bytes.first()? & 0x7f)),
            keyframe: begins_keyframe(encoding, &packet.payload),
            codec,
            encoding,
            payload: packet.payload,
            report,
        })
    }

    /// Whether this stream of its m-line is the one to forward. The first is, until it falls silent or
    /// [`Up::choose_layers`] finds a better one.
    fn is_current(&mut self, ssrc: u32, now: Instant) -> bool {
        let Some(line) = self.streams.get(&ssrc).map(|stream| stream.line) else {
            return false;
        };
        let current = self.lines[line].current;
        let alive = current.and_then(|current| self.streams.get(&current));
        let alive = alive.is_some_and(|stream| {
            now.saturating_duration_since(stream.heard_at) < LAYER_SILENT_AFTER
        });
        if current == Some(ssrc) || !alive {
            self.lines[line].current = Some(ssrc);
            return true;
        }
        false
    }

    /// Measures the layers, and moves each m-line to the one with the highest bitrate. To be called every
    /// [`RATE_WINDOW`].
    pub fn choose_layers(&mut self) {
        for stream in self.streams.values_mut() {
            stream.rate = std::mem::take(&mut stream.bytes);
        }
        for (index, line) in self.lines.iter_mut().enumerate() {
            let on_line = self
                .streams
                .iter()
                .filter(|(_, stream)| stream.line == index && stream.rid.is_some());
            let Some((best, stream)) = on_line.max_by_key(|(_, stream)| stream.rate) else {
                continue;
            };
            let rate = line
                .current
                .and_then(|ssrc| self.streams.get(&ssrc))
                .map_or(0, |stream| stream.rate);
            // A quarter more, so that two layers of about one rate do not take turns.
            if stream.rate * 4 > rate * 5 {
                line.current = Some(*best);
            }
        }
    }

    /// The simulcast layers of a source that were seen.
    pub fn layers(&self, source: Source) -> Vec<String> {
        let Some(index) = self
            .lines
            .iter()
            .position(|line| line.source == Some(source))
        else {
            return Vec::new();
        };
        let on_line = self.streams.values().filter(|stream| stream.line == index);
        let mut rids: Vec<String> = on_line.filter_map(|stream| stream.rid.clone()).collect();
        rids.sort();
        rids
    }

    /// The layer of a source that is forwarded.
    pub fn layer(&self, source: Source) -> Option<String> {
        let line = self.lines.iter().find(|line| line.source == Some(source))?;
        self.streams.get(&line.current?)?.rid.clone()
    }

    /// Asks for a keyframe of a source (RFC 4585 §6.3.1). Whether there was a stream to ask.
    pub fn request_keyframe(&mut self, source: Source, now: Instant) -> bool {
        let line = self.lines.iter().find(|line| line.source == Some(source));
        let Some(ssrc) = line.and_then(|line| line.current) else {
            return false;
        };
        if !self.connection.is_connected() {
            return false;
        }
        self.connection.send_rtcp(
            vec![Box::new(PictureLossIndication {
                sender_ssrc: 1,
                media_ssrc: ssrc,
            })],
            now,
        );
        true
    }
}

fn answer(
    connection: &mut Connection,
    offer: &Description,
    sdp: &str,
    now: Instant,
) -> Result<String, Refused> {
    let named = &offer.origin.fingerprints;
    let answer = connection.answer(sdp::offer_for_engine(offer, sdp), named, now)?;
    Ok(sdp::answer_for_client(&answer, offer))
}

/// How often [`Up::choose_layers`] wants to be called.
pub(in crate::media) fn rate_window() -> Duration {
    RATE_WINDOW
}

/// The codecs, header extensions and interceptors that receiving needs, and no more: they cost memory.
fn engine(
    offer: &Description,
    arrivals: &Arc<Arrivals>,
) -> Result<(MediaEngine, Registry), EngineError> {
    let mut media = MediaEngine::default();
    for codec in codec::audio() {
        media.register_codec(codec, RtpCodecKind::Audio)?;
    }
    for codec in codec::video() {
        media.register_codec(codec, RtpCodecKind::Video)?;
    }
    configure_simulcast_extension_headers(&mut media)?;
    for uri in [SDES_MID_URI, AUDIO_LEVEL_URI] {
        let extension = RTCRtpHeaderExtensionCapability {
            uri: uri.to_owned(),
        };
        media.register_header_extension(extension, RtpCodecKind::Audio, None)?;
    }
    let repaired = offer.sections.iter().flat_map(|section| &section.codecs);
    let repaired = repaired
        .filter_map(|codec| Some((codec.repair?, codec.payload_type)))
        .collect();
    let nack = NackGeneratorBuilder::new()
        .with_interval(NACK_INTERVAL)
        .with_max_nacks_per_packet(MAX_NACKS);
    let registry = configure_twcc_receiver_only(Registry::new(), &mut media)?;
    let registry = registry
        .with(
            Slot::from(REPAIR_SLOT),
            RepairUnwrapper::new(repaired, Arc::clone(arrivals)),
        )
        .with(Slot::NackGenerator, nack.build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build())
        .with(Slot::from(FEEDBACK_SLOT), Feedback::default());
    Ok((media, registry))
}

/// Whether this is an encoding that is forwarded.
pub(in crate::media) fn forwards(codec: &Codec) -> bool {
    Encoding::named(&codec.name) != Encoding::Other
}

/// Checks that the sources name m-lines of the offer that can carry them, or that would carry them if they could be
/// served.
///
/// # Errors
/// [`MediaError::BadSdp`] that says which rule is broken; what speaks against their m-lines if that is so of all.
pub(in crate::media) fn check_sources(
    offer: &Description,
    sources: &[SourceMid],
) -> Result<(), MediaError> {
    let undeclared = |section: &Section| section.sends && !section.declares_streams;
    let mut named = sources
        .iter()
        .filter_map(|source| offer.section(&source.mid));
    // The crate finds the m-line of a packet by such declarations alone, unless there is only one m-line.
    if offer.sections.len() > 1 && named.any(undeclared) {
        return Err(MediaError::bad_sdp(
            "With several m-lines, each that sends must declare its streams by a=ssrc or a=rid.",
        ));
    }
    let mut declined = None;
    for (index, source) in sources.iter().enumerate() {
        let earlier = &sources[..index];
        if earlier
            .iter()
            .any(|other| other.source == source.source || other.mid == source.mid)
        {
            return Err(MediaError::bad_sdp("A source or an m-line is named twice."));
        }
        let Some(section) = offer.section(&source.mid) else {
            match offer.why_declined(&source.mid) {
                None => {
                    return Err(MediaError::bad_sdp(
                        "A source names an m-line (a=mid) that is not in the offer.",
                    ));
                }
                Some(why) if why.is_the_clients() => return Err(why.refusal()),
                Some(why) => declined = declined.or(Some(why)),
            }
            continue;
        };
        if section.kind != source.source.kind() {
            return Err(MediaError::bad_sdp(
                "A source names an m-line of the other kind.",
            ));
        }
        if !section.sends {
            return Err(MediaError::bad_sdp(
                "A source names an m-line that does not send (a=sendonly or a=sendrecv).",
            ));
        }
    }
    let carried = sources
        .iter()
        .any(|source| offer.section(&source.mid).is_some());
    match declined {
        Some(why) if !carried => Err(why.refusal()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_could_not_be_told_apart_are_refused() {
        let line = |mid: u8, rest: &str| {
            format!("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:{mid}\r\na=sendonly\r\n{rest}")
        };
        let check = |lines: &[String], named: &[&str]| {
            let sdp = format!(
                "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
                 a=fingerprint:sha-256 {}\r\na=group:BUNDLE 0 1\r\n{}",
                ["AB"; 32].join(":"),
                lines.concat()
            );
            let sources = named.iter().zip([Source::Camera, Source::Screen]);
            let sources: Vec<_> = sources
                .map(|(mid, source)| SourceMid {
                    mid: (*mid).to_owned(),
                    source,
                })
                .collect();
            check_sources(&Description::parse(&sdp).unwrap(), &sources)
        };
        let (msid, ssrc, rid) = ("a=msid:s t\r\n", "a=ssrc:7 cname:a\r\n", "a=rid:q send\r\n");
        assert_eq!(check(&[line(0, msid)], &["0"]), Ok(()));
        assert_eq!(check(&[line(0, ssrc), line(1, rid)], &["0", "1"]), Ok(()));
        assert_eq!(check(&[line(0, ssrc), line(1, "")], &["0"]), Ok(()));
        assert_eq!(check(&[line(0, ssrc), line(1, msid)], &["0"]), Ok(()));
        let refused = [
            check(&[line(0, ssrc), line(1, msid)], &["0", "1"]),
            check(&[line(0, ssrc), line(1, "")], &["0", "1"]),
        ];
        for refusal in refused {
            assert!(
                matches!(refusal, Err(MediaError::BadSdp(text)) if text.to_string().contains("a=ssrc"))
            );
        }
    }
}
