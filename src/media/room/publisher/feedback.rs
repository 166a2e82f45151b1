//! What a publisher is told by RTCP, and tells.

use std::time::{Duration, Instant};

use super::Up;
use super::line::Line;
use super::stream::Report;
use crate::media::peer::arena::Arena;
use crate::media::room::wall_clock::WallClock;
use crate::media::rtp::clock::Pair;
use crate::media::rtp::rtcp::write::Writer;
use crate::media::rtp::rtcp::{Block, Compound, Report as RtcpReport, round_trip};
use crate::protocol::object::Source;

/// A peer that only receives has an SSRC for its reports, too.
const OWN_SSRC: u32 = 1;
/// The same for all that we send (RFC 8834 §4.9).
const NAME: &str = "meeting";
/// Receiver reports go out this often.
const REPORTS_EVERY: Duration = Duration::from_secs(1);
/// What arrived is told this often, for the sender's estimate of what the line carries.
const ARRIVALS_EVERY: Duration = Duration::from_millis(60);
/// Reports of arrivals at once; the rest waits.
const MOST_ARRIVALS: usize = 4;

/// When a publisher was last told what.
pub(super) struct Feedback {
    reports_at: Instant,
    arrivals_at: Instant,
    /// Full intra requests so far.
    intra_requests: u8,
}

impl Feedback {
    pub fn new(now: Instant) -> Self {
        Self {
            reports_at: now,
            arrivals_at: now,
            intra_requests: 0,
        }
    }
}

impl Up {
    /// Takes a compound packet of the publisher's; `ntp` is our wall clock, and `wall` what is known of theirs.
    pub fn hear(&mut self, compound: &[u8], wall: &mut WallClock, ntp: u64, now: Instant) {
        let Some(compound) = Compound::parse(compound) else {
            return;
        };
        for reported in compound.iter() {
            match reported {
                RtcpReport::Sender {
                    ssrc,
                    ntp: theirs,
                    rtp,
                    ..
                } => {
                    if let Some(stream) = self.stream_mut(ssrc) {
                        stream.report = Some(Report {
                            pair: Pair { ntp: theirs, rtp },
                            epoch: wall.take(theirs, ntp),
                            at: now,
                        });
                    }
                }
                RtcpReport::LastReferences(last) => {
                    for (middle, delay) in last.iter() {
                        if let Some(way) = round_trip((ntp >> 16) as u32, middle, delay) {
                            self.connection.note_round_trip(way);
                        }
                    }
                }
                // Nobody need wait until it is missed.
                RtcpReport::Goodbye { ssrcs } => {
                    for ssrc in ssrcs.iter() {
                        self.end_stream(ssrc);
                    }
                }
                RtcpReport::Receiver { .. }
                | RtcpReport::Nack { .. }
                | RtcpReport::PictureLoss { .. }
                | RtcpReport::FullIntra(_)
                | RtcpReport::Transport(_) => {}
            }
        }
    }

    fn end_stream(&mut self, ssrc: u32) {
        for line in &mut self.lines {
            let place = line.current.iter().position(|one| *one == Some(ssrc));
            let Some(layer) = place else { continue };
            line.current[layer] = None;
            if let Some(source) = line.source {
                self.ended.push((source, layer));
            }
        }
    }

    /// Tells the publisher what is due by now: what is missing, what arrived, and how.
    pub fn tell(&mut self, ntp: u64, out: &mut Arena, now: Instant) {
        if !self.connection.is_connected() {
            return;
        }
        self.ask_for_missing(out, now);
        if now.saturating_duration_since(self.feedback.arrivals_at) >= ARRIVALS_EVERY {
            self.feedback.arrivals_at = now;
            self.tell_arrivals(out);
        }
        if now.saturating_duration_since(self.feedback.reports_at) >= REPORTS_EVERY {
            self.feedback.reports_at = now;
            self.report(ntp, out, now);
        }
    }

    fn ask_for_missing(&mut self, out: &mut Arena, now: Instant) {
        let way = self.connection.round_trip();
        let streams = self.streams.iter_mut();
        let repaired = streams.filter(|stream| self.lines[stream.line].repairs);
        for stream in repaired {
            let lost = stream.due(way, now);
            if !lost.is_empty() {
                let ssrc = stream.ssrc;
                self.connection.send_rtcp(out, |bytes| {
                    begin(bytes).nack(OWN_SSRC, ssrc, lost);
                });
            }
        }
    }

    fn tell_arrivals(&mut self, out: &mut Arena) {
        let Some(media) = self.streams.first().map(|stream| stream.ssrc) else {
            return;
        };
        for _ in 0..MOST_ARRIVALS {
            if !self.recorder.has_news() {
                break;
            }
            let recorder = &mut self.recorder;
            self.connection.send_rtcp(out, |bytes| {
                begin(bytes).transport(OWN_SSRC, media, recorder);
            });
        }
    }

    fn report(&mut self, ntp: u64, out: &mut Arena, now: Instant) {
        let streams = self.streams.iter_mut();
        let blocks = streams.filter_map(|stream| {
            let onward = self.lines[stream.line].onward_loss;
            let block = stream.block(now)?;
            // The count of what was lost stays true: senders reckon their line's rate by that.
            let fraction_lost = block.fraction_lost.max(onward);
            Some(Block {
                fraction_lost,
                ..block
            })
        });
        let blocks: Vec<Block> = blocks.collect();
        self.connection.send_rtcp(out, |bytes| {
            let mut writer = Writer::new(bytes);
            for some in blocks.chunks(crate::media::rtp::rtcp::write::MAX_BLOCKS) {
                writer.receiver_report(OWN_SSRC, some);
            }
            if blocks.is_empty() {
                writer.receiver_report(OWN_SSRC, &[]);
            }
            writer.name(OWN_SSRC, NAME);
            writer.reference_time(OWN_SSRC, ntp);
        });
    }

    /// Listeners lose so much of a source that nothing repairs, in 1/256.
    pub fn note_onward_loss(&mut self, source: Source, share: u8) {
        let lines = self.lines.iter_mut();
        for line in lines.filter(|line| line.source == Some(source)) {
            line.onward_loss = share;
        }
    }

    /// Asks for a keyframe of a source's layer, by the request that was agreed (RFC 4585 §6.3.1, RFC 5104 §4.3.1).
    /// Returns whether there was a stream to ask.
    pub fn request_keyframe(&mut self, source: Source, layer: usize, out: &mut Arena) -> bool {
        let line = self.lines.iter().find(|line| line.source == Some(source));
        let current = |line: &Line| line.current.get(layer).copied().flatten();
        let Some((line, ssrc)) = line.and_then(|line| Some((line, current(line)?))) else {
            return false;
        };
        if !line.takes_intra_requests_only() {
            return self.connection.send_rtcp(out, |bytes| {
                begin(bytes).picture_loss(OWN_SSRC, ssrc);
            });
        }
        self.feedback.intra_requests = self.feedback.intra_requests.wrapping_add(1);
        let number = self.feedback.intra_requests;
        self.connection.send_rtcp(out, |bytes| {
            begin(bytes).full_intra(OWN_SSRC, ssrc, number);
        })
    }
}

/// What every compound packet begins with where reduced ones were not agreed (RFC 3550 §6.1).
fn begin(bytes: &mut Vec<u8>) -> Writer<'_> {
    let mut writer = Writer::new(bytes);
    writer.receiver_report(OWN_SSRC, &[]);
    writer.name(OWN_SSRC, NAME);
    writer
}
