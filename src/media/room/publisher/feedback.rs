//! What a publisher is told: what arrived, what is missing, and that a keyframe is needed.

use std::time::{Duration, Instant};

use super::Up;
use super::streams::Report;
use crate::media::peer::arena::Arena;
use crate::media::room::quality::{Arrivals, Tally};
use crate::media::rtp::extensions::{Extension, ExtensionIds};
use crate::media::rtp::packet::View;
use crate::media::rtp::rtcp::transport::Recorder;
use crate::media::rtp::rtcp::write::Writer;
use crate::media::rtp::rtcp::{Compound, Report as Rtcp, round_trip};
use crate::protocol::object::Source;

/// The SSRC of what we say to publishers, to whom we send no stream.
const OURS: u32 = 1;
/// Transport-wide feedback goes out this often: often enough to steer by, and a small part of what is sent.
const TRANSPORT_EVERY: Duration = Duration::from_millis(50);
/// Receiver reports go out this often.
const REPORTS_EVERY: Duration = Duration::from_secs(1);
/// Packets that are asked for in one report.
const MOST_MISSING: usize = 128;

/// One connection's.
pub(super) struct Feedback {
    recorder: Recorder,
    arrivals: Arrivals,
    told_transport: Instant,
    told_reception: Instant,
    /// Counts requests by FIR (RFC 5104 §4.3.1.1).
    full_intra: u8,
    /// The stream that was heard last, about which transport-wide feedback is said to be.
    about: u32,
}

impl Feedback {
    pub fn new(now: Instant) -> Self {
        Self {
            recorder: Recorder::default(),
            arrivals: Arrivals::default(),
            told_transport: now,
            told_reception: now,
            full_intra: 0,
            about: 0,
        }
    }

    /// Notes that a packet came.
    pub fn note(&mut self, view: &View<'_>, ids: &ExtensionIds, now: Instant) {
        let id = ids.get(Extension::TransportNumber);
        let number = id.and_then(|id| view.extensions.get(id)?.first_chunk());
        if let Some(number) = number {
            self.recorder.note(u16::from_be_bytes(*number), now);
            self.about = view.header.ssrc;
        }
    }

    /// Counts a packet that is no repair; see [`Arrivals::count`].
    pub fn count(&mut self, number: u16, highest: Option<u16>) -> u16 {
        self.arrivals.count(number, highest)
    }
}

impl Up {
    /// What arrived since this was last asked, before repair.
    pub fn take_tally(&mut self) -> Tally {
        self.feedback.arrivals.take()
    }

    /// Takes an authentic compound of reports.
    pub fn reported(&mut self, compound: &[u8], ntp: u64, now: Instant) {
        let Some(compound) = Compound::parse(compound) else {
            return;
        };
        for report in compound.iter() {
            match report {
                Rtcp::Sender { ssrc, ntp, rtp, .. } => {
                    let place = self.streams.find(ssrc);
                    if let Some(stream) = place.and_then(|place| self.streams.at(place)) {
                        let at = now;
                        stream.report = Some(Report { ntp, rtp, at });
                    }
                }
                Rtcp::LastReferences(references) => {
                    let middle = (ntp >> 16) as u32;
                    let took = references
                        .iter()
                        .find_map(|(last, delay)| round_trip(middle, last, delay));
                    if let Some(took) = took {
                        self.connection.note_round_trip(took);
                    }
                }
                _ => {}
            }
        }
    }

    /// Tells what is due by now. To be called at every tick.
    pub fn report(&mut self, ntp: u64, out: &mut Arena, now: Instant) {
        if !self.connection.is_connected() {
            return;
        }
        self.ask_for_missing(out, now);
        if now.saturating_duration_since(self.feedback.told_transport) >= TRANSPORT_EVERY {
            self.feedback.told_transport = now;
            self.report_transport(out);
        }
        if now.saturating_duration_since(self.feedback.told_reception) >= REPORTS_EVERY {
            self.feedback.told_reception = now;
            self.report_reception(ntp, out, now);
        }
    }

    fn ask_for_missing(&mut self, out: &mut Arena, now: Instant) {
        let round_trip = self.connection.round_trip();
        let Self {
            connection,
            streams,
            lines,
            ..
        } = self;
        for stream in streams.iter_mut() {
            let repairable = lines.get(stream.line).is_some_and(|line| {
                let mut codecs = line.codecs.iter();
                line.declined.is_none() && codecs.any(|codec| codec.feedback.nack)
            });
            if stream.missing.is_empty() || !repairable {
                continue;
            }
            let missing = stream.missing.due(round_trip, now);
            let mut missing = missing.take(MOST_MISSING).peekable();
            if missing.peek().is_some() {
                connection.send_rtcp(out, |bytes| {
                    let mut writer = begun(bytes);
                    writer.nack(OURS, stream.ssrc, missing);
                });
            }
        }
    }

    fn report_transport(&mut self, out: &mut Arena) {
        let Self {
            connection,
            feedback,
            ..
        } = self;
        while feedback.recorder.has_news() {
            let sent = connection.send_rtcp(out, |bytes| {
                let mut writer = begun(bytes);
                writer.transport(OURS, feedback.about, &mut feedback.recorder);
            });
            if !sent {
                return;
            }
        }
    }

    fn report_reception(&mut self, ntp: u64, out: &mut Arena, now: Instant) {
        let heard = self.streams.iter_mut();
        let blocks: Vec<_> = heard
            .filter_map(|stream| {
                let last = stream.last_report();
                stream.reception.block(stream.ssrc, last, now)
            })
            .collect();
        self.connection.send_rtcp(out, |bytes| {
            let mut writer = Writer::new(bytes);
            writer.receiver_report(OURS, &blocks);
            // By when it was received, as the sender says then, we measure the way there and back.
            writer.reference_time(OURS, ntp);
        });
    }

    /// Asks for a keyframe of a source (RFC 4585 §6.3.1). Whether there was a stream to ask.
    pub fn request_keyframe(&mut self, source: Source, out: &mut Arena) -> bool {
        let line = self.lines.iter().find(|line| line.source == Some(source));
        let Some((ssrc, line)) = line.and_then(|line| Some((line.current?, line))) else {
            return false;
        };
        let feedback = line.codecs.first().map(|codec| codec.feedback);
        let by_full_intra =
            feedback.is_some_and(|feedback| feedback.full_intra && !feedback.picture_loss);
        let number = self.feedback.full_intra;
        self.feedback.full_intra = number.wrapping_add(u8::from(by_full_intra));
        self.connection.send_rtcp(out, |bytes| {
            let mut writer = begun(bytes);
            match by_full_intra {
                true => writer.full_intra(OURS, ssrc, number),
                false => writer.picture_loss(OURS, ssrc),
            }
        })
    }
}

/// A compound that begins as it must (RFC 3550 §6.1): not everybody takes one of reduced size.
fn begun(bytes: &mut Vec<u8>) -> Writer<'_> {
    let mut writer = Writer::new(bytes);
    writer.receiver_report(OURS, &[]);
    writer
}
