//! A publisher's packets: which m-line each belongs to, what it repairs, and whether it is forwarded.

use std::sync::Arc;
use std::time::Instant;

use super::Up;
use super::streams::Report;
use crate::media::peer::sdp::Codec;
use crate::media::rtp::extensions::Extension;
use crate::media::rtp::history::Incoming;
use crate::media::rtp::keyframe::begins_keyframe;
use crate::media::rtp::packet::View;
use crate::protocol::object::{MediaKind, Source};

/// A packet to be forwarded.
pub(in crate::media) struct Arrival<'a> {
    /// Of which source.
    pub source: Source,
    /// Of which stream.
    pub ssrc: u32,
    /// How it is encoded.
    pub codec: Arc<Codec>,
    /// The packet, each once.
    pub packet: Incoming<'a>,
    /// How loud it is in -dBov (RFC 6464).
    pub level: Option<u8>,
    /// It decodes on its own.
    pub keyframe: bool,
    /// The stream's last clock pair.
    pub report: Option<Report>,
}

/// Where a packet belongs.
struct Belonging {
    line: usize,
    /// The place of the stream that it is one of, or repairs.
    stream: usize,
    codec: Arc<Codec>,
    repairs: bool,
}

impl Up {
    /// Takes an authentic packet. Gives it back if it is to be forwarded.
    pub fn arrived<'a>(&mut self, packet: &'a [u8], now: Instant) -> Option<Arrival<'a>> {
        let view = View::parse(packet)?;
        self.feedback.note(&view, &self.ids, now);
        let belonging = self.belonging(&view, now)?;
        let Belonging {
            line,
            stream: place,
            codec,
            repairs,
        } = belonging;
        let (number, payload) = match repairs {
            true => repaired(view.payload)?,
            false => (view.header.sequence, view.payload),
        };
        let stream = self.streams.at(place)?;
        if !repairs {
            stream.counted = Some(self.feedback.count(number, stream.counted));
        }
        let sequence = stream.window.accept(number)?;
        if !repairs {
            let timestamp = view.header.timestamp;
            stream
                .reception
                .note(sequence, timestamp, codec.clock_rate, now);
        }
        let kind = self.lines[line].kind;
        let answered = (kind == MediaKind::Video).then(|| stream.missing.arrived(sequence, now));
        stream.hear(payload.len(), now);
        let (ssrc, report) = (stream.ssrc, stream.report);
        if let Some(took) = answered.flatten() {
            self.connection.note_round_trip(took);
        }
        let source = self.lines[line].source?;
        if !self.is_current(line, ssrc, now) {
            return None;
        }
        let packet = Incoming {
            sequence,
            timestamp: view.header.timestamp,
            marker: view.header.marker,
            encoding: codec.encoding,
            extensions: view.extensions,
            ids: self.lines[line].ids,
            payload,
        };
        // Sound is repaired by its encoding's own means.
        if kind == MediaKind::Video {
            self.streams.at(place)?.history.keep(&packet, now);
        }
        let level = packet.ids.get(Extension::AudioLevel);
        Some(Arrival {
            source,
            ssrc,
            level: level
                .and_then(|id| packet.extensions.get(id))
                .and_then(|bytes| Some(bytes.first()? & 0x7f)),
            keyframe: begins_keyframe(codec.encoding, payload),
            codec,
            packet,
            report,
        })
    }

    /// Finds where a packet belongs: by what it says of itself, by its SSRC, or by its payload type (RFC 9143 §9.2).
    fn belonging(&mut self, view: &View<'_>, now: Instant) -> Option<Belonging> {
        let (ssrc, number) = (view.header.ssrc, view.header.payload_type);
        let known = self.streams.find(ssrc);
        let told = self.told_line(view);
        let place = match (known, told) {
            (Some(place), None) => place,
            (_, Some(line)) => self.streams.place(ssrc, line, now)?,
            (None, None) => {
                let line = self.only_line_with(number)?;
                self.streams.place(ssrc, line, now)?
            }
        };
        let line = self.streams.at(place)?.line;
        let (codec, repairs) = self.lines.get(line)?.codec(number)?;
        let codec = Arc::clone(codec);
        self.note_layer(place, line, view);
        let stream = match repairs {
            false => place,
            // A probe of the bandwidth has nothing in it, and needs no original.
            true => self.streams.find(self.streams.at(place)?.repairs?)?,
        };
        Some(Belonging {
            line,
            stream,
            codec,
            repairs,
        })
    }

    fn told_line(&self, view: &View<'_>) -> Option<usize> {
        let mid = view.extensions.get(self.ids.get(Extension::Mid)?)?;
        let mut lines = self.lines.iter();
        lines.position(|line| line.mid.as_bytes() == mid)
    }

    fn only_line_with(&self, payload_type: u8) -> Option<usize> {
        let lines = self.lines.iter().enumerate();
        let mut lines = lines.filter(|(_, line)| line.codec(payload_type).is_some());
        let (only, _) = lines.next()?;
        lines.next().is_none().then_some(only)
    }

    /// Learns which layer a stream is, or repairs (RFC 8852 §3).
    fn note_layer(&mut self, place: usize, line: usize, view: &View<'_>) {
        let named = |extension| {
            let value = view.extensions.get(self.ids.get(extension)?)?;
            std::str::from_utf8(value).ok()
        };
        let (rid, repaired) = (named(Extension::Rid), named(Extension::RepairedRid));
        let repaired = repaired.and_then(|rid| self.streams.of_layer(line, rid));
        let Some(stream) = self.streams.at(place) else {
            return;
        };
        if let Some(rid) = rid.filter(|rid| stream.rid.as_deref() != Some(*rid)) {
            stream.rid = Some(rid.to_owned());
        }
        if repaired.is_some() {
            stream.repairs = repaired;
        }
    }

    /// Whether this stream of its m-line is the one to forward. The first is, until it falls silent or
    /// [`Up::choose_layers`] finds a better one.
    fn is_current(&mut self, line: usize, ssrc: u32, now: Instant) -> bool {
        let current = self.lines[line].current;
        let alive = current.is_some_and(|current| self.streams.is_alive(current, now));
        if current == Some(ssrc) || !alive {
            self.lines[line].current = Some(ssrc);
            return true;
        }
        false
    }
}

/// The number and the payload of the packet that a retransmission repairs (RFC 4588 §4).
fn repaired(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (number, payload) = payload.split_first_chunk()?;
    (!payload.is_empty()).then_some((u16::from_be_bytes(*number), payload))
}
