//! What a run found, as JSON and as text.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::plan::Plan;
use super::process::Used;

/// What a run found. Times are in the units that the names end in; what could not be measured is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Who sent, and to whom.
    pub scenario: &'static str,
    /// What was asked for.
    pub settings: Settings,
    /// What was sent and what came.
    pub packets: Packets,
    /// What the server's processor did meanwhile; null for a server whose process is not known.
    pub cpu: Option<Cpu>,
    /// How old packets were when they came, of those that were opened; null when there were none.
    pub latency: Option<Latency>,
    /// The server's memory; null for a server whose process is not known.
    pub memory: Option<Memory>,
    /// What joining took.
    pub join: Join,
    /// What the load itself used: where `cores` comes near `threads`, the figures are the load's and not the server's.
    pub load: Own,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// Rooms.
    pub rooms: usize,
    /// People in all rooms.
    pub people: usize,
    /// Of them, people who send.
    pub senders: usize,
    /// Packets a second of each sender.
    pub rate: u32,
    /// Packets sent at once.
    pub burst: u32,
    /// Bytes of a payload.
    pub payload_bytes: usize,
    /// Slots for sound of each receiver.
    pub audio_slots: u32,
    /// Slots for pictures of each receiver.
    pub video_slots: u32,
    /// How long was measured.
    pub duration_ms: u64,
    /// One packet in so many was opened.
    pub sample: u32,
    /// Receivers told when each packet arrived.
    pub feedback: bool,
}

impl Settings {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            rooms: plan.rooms.len(),
            people: plan.people(),
            senders: plan.senders(),
            rate: plan.rate,
            burst: plan.burst,
            payload_bytes: plan.payload,
            audio_slots: plan.audio_slots,
            video_slots: plan.video_slots,
            duration_ms: millis(plan.duration) as u64,
            sample: plan.sample,
            feedback: plan.feedback,
        }
    }
}

/// What was sent and what came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Packets {
    /// Packets sent to the server.
    pub sent: u64,
    /// Packets that should have come: each counts for everybody who has a slot for it.
    pub expected: u64,
    /// Packets that came.
    pub forwarded: u64,
    /// Gaps in the numbers of the packets that came.
    pub lost: u64,
    /// Expected packets that did not come, gaps or not: with pictures that the server holds back.
    pub missing: u64,
    /// Opened packets that were not authentic.
    pub refused: u64,
    /// Datagrams that the kernel dropped at the load's sockets: losses that are not the server's.
    pub dropped_at_load: u64,
    /// Datagrams that the kernel dropped at the server's sockets; only where the server is on this machine.
    pub dropped_at_server: u64,
    /// Forwarded packets each second.
    pub forwarded_per_second: f64,
}

/// What the server's processor did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cpu {
    /// Of all threads, for each forwarded packet.
    pub per_packet_us: f64,
    /// Of the media threads.
    pub media_per_packet_us: f64,
    /// Of the other threads.
    pub other_per_packet_us: f64,
    /// Processors that the media threads kept busy.
    pub media_cores: f64,
    /// Processors that the other threads kept busy.
    pub other_cores: f64,
}

impl Cpu {
    pub(super) fn of(used: Used, forwarded: u64, lasted: Duration) -> Self {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / forwarded.max(1) as f64;
        let cores = |time: Duration| time.as_secs_f64() / lasted.as_secs_f64().max(1e-9);
        Self {
            per_packet_us: each(used.all()),
            media_per_packet_us: each(used.media),
            other_per_packet_us: each(used.other),
            media_cores: cores(used.media),
            other_cores: cores(used.other),
        }
    }
}

/// How old packets were when they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// How many were opened.
    pub samples: usize,
    /// Half of them were younger.
    pub p50_us: u32,
    /// One in a hundred was older.
    pub p99_us: u32,
    /// The oldest.
    pub max_us: u32,
}

impl Latency {
    pub(super) fn of(mut ages: Vec<u32>) -> Option<Self> {
        ages.sort_unstable();
        Some(Self {
            samples: ages.len(),
            p50_us: *quantile(&ages, 50)?,
            p99_us: *quantile(&ages, 99)?,
            max_us: *ages.last()?,
        })
    }
}

/// The smallest value that so many per cent are not above; the values are in order.
pub(super) fn quantile<T>(sorted: &[T], percent: usize) -> Option<&T> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1))
}

/// The server's resident memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Memory {
    /// Before anybody joined.
    pub before_kib: u64,
    /// When all had joined.
    pub joined_kib: u64,
    /// After the run.
    pub after_kib: u64,
    /// The memory of one person after joining.
    pub per_person_joined_kib: f64,
    /// The memory of one person after the run.
    pub per_person_kib: f64,
}

impl Memory {
    pub(super) fn of(before_kib: u64, joined_kib: u64, after_kib: u64, people: usize) -> Self {
        let each = |kib: u64| kib.saturating_sub(before_kib) as f64 / people.max(1) as f64;
        Self {
            before_kib,
            joined_kib,
            after_kib,
            per_person_joined_kib: each(joined_kib),
            per_person_kib: each(after_kib),
        }
    }
}

/// What joining took: from the first byte to the WebSocket until every connection of this person stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Join {
    /// People who joined.
    pub joined: usize,
    /// People who did not.
    pub failed: usize,
    /// Why the first of them did not.
    pub failure: Option<String>,
    /// From the first to begin to the last to be in.
    pub all_ms: f64,
    /// Half of them were faster.
    pub p50_ms: f64,
    /// One in a hundred was slower.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The server's processor for each join; null for a server whose process is not known.
    pub cpu_ms: Option<f64>,
    /// Of it, the media threads.
    pub media_cpu_ms: Option<f64>,
}

impl Join {
    pub(super) fn of(
        mut took: Vec<Duration>,
        failures: Vec<String>,
        all: Duration,
        used: Option<Used>,
    ) -> Self {
        took.sort_unstable();
        let at = |percent| quantile(&took, percent).copied().map_or(0.0, millis);
        let each = |time: Duration| millis(time) / took.len().max(1) as f64;
        Self {
            joined: took.len(),
            failed: failures.len(),
            failure: failures.into_iter().next(),
            all_ms: millis(all),
            p50_ms: at(50),
            p99_ms: at(99),
            max_ms: at(100),
            cpu_ms: used.map(|used| each(used.all())),
            media_cpu_ms: used.map(|used| each(used.media)),
        }
    }
}

/// What the load itself used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Own {
    /// Threads that send and receive.
    pub threads: usize,
    /// Processors that this process kept busy.
    pub cores: f64,
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            rooms,
            people,
            senders,
            rate,
            burst,
            payload_bytes,
            duration_ms,
            ..
        } = self.settings;
        writeln!(
            f,
            "{}: {people} people in {rooms} room(s), {senders} of them send {rate} packets/s of {payload_bytes} bytes \
             in bursts of {burst}, for {:.1} s",
            self.scenario,
            duration_ms as f64 / 1e3
        )?;
        self.write_packets(f)?;
        match &self.cpu {
            Some(cpu) => writeln!(
                f,
                "cpu       {:.2} µs for each forwarded packet: media threads {:.2}, others {:.2}; {:.2} and {:.2} cores",
                cpu.per_packet_us,
                cpu.media_per_packet_us,
                cpu.other_per_packet_us,
                cpu.media_cores,
                cpu.other_cores
            )?,
            None => writeln!(f, "cpu       unknown: --pid names the server's process")?,
        }
        if let Some(latency) = &self.latency {
            writeln!(
                f,
                "latency   p50 {} µs, p99 {} µs, at most {} µs, of {} packets that were opened",
                latency.p50_us, latency.p99_us, latency.max_us, latency.samples
            )?;
        }
        if let Some(memory) = &self.memory {
            writeln!(
                f,
                "memory    {:.0} KiB for each person, {:.0} when all had joined; {} KiB in all, {} before",
                memory.per_person_kib,
                memory.per_person_joined_kib,
                memory.after_kib,
                memory.before_kib
            )?;
        }
        self.write_join(f)?;
        writeln!(
            f,
            "load      {:.2} cores for {} thread(s) and the signalling",
            self.load.cores, self.load.threads
        )
    }
}

impl Report {
    fn write_packets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packets = &self.packets;
        writeln!(
            f,
            "packets   {} sent, {} of {} forwarded ({:.0} a second), {} lost, {} missing",
            packets.sent,
            packets.forwarded,
            packets.expected,
            packets.forwarded_per_second,
            packets.lost,
            packets.missing
        )?;
        if packets.refused + packets.dropped_at_load + packets.dropped_at_server > 0 {
            writeln!(
                f,
                "          {} not authentic; dropped by the kernel: {} at the load, {} at the server",
                packets.refused, packets.dropped_at_load, packets.dropped_at_server
            )?;
        }
        Ok(())
    }

    fn write_join(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = &self.join;
        write!(
            f,
            "join      {} in {:.0} ms; each p50 {:.0} ms, p99 {:.0} ms, at most {:.0} ms",
            join.joined, join.all_ms, join.p50_ms, join.p99_ms, join.max_ms
        )?;
        if let (Some(cpu), Some(media)) = (join.cpu_ms, join.media_cpu_ms) {
            write!(f, "; cpu {cpu:.2} ms, of it media threads {media:.2}")?;
        }
        writeln!(f)?;
        if let Some(failure) = &join.failure {
            writeln!(f, "          {} did not join: {failure}", join.failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values: Vec<u32> = (1..=200).collect();
        assert_eq!(quantile(&values, 50), Some(&100));
        assert_eq!(quantile(&values, 99), Some(&198));
        assert_eq!(quantile(&[7], 1), Some(&7));
        assert_eq!(quantile::<u32>(&[], 50), None);
        let latency = Latency::of(vec![30, 10, 20]).unwrap();
        assert_eq!((latency.p50_us, latency.max_us), (20, 30));
        assert_eq!(Latency::of(vec![]), None);
    }

    #[test]
    fn what_was_used_is_shared_out() {
        let used = Used {
            media: Duration::from_millis(30),
            other: Duration::from_millis(10),
        };
        let cpu = Cpu::of(used, 10_000, Duration::from_secs(1));
        assert!((cpu.per_packet_us - 4.0).abs() < 1e-9);
        assert!((cpu.media_cores - 0.03).abs() < 1e-9);
        let memory = Memory::of(1_000, 3_000, 5_000, 10);
        assert!((memory.per_person_joined_kib - 200.0).abs() < 1e-9);
        assert!((memory.per_person_kib - 400.0).abs() < 1e-9);
        let took = vec![Duration::from_millis(4), Duration::from_millis(2)];
        let join = Join::of(
            took,
            vec!["no".to_owned()],
            Duration::from_millis(5),
            Some(used),
        );
        assert_eq!((join.joined, join.failed), (2, 1));
        assert_eq!((join.p50_ms, join.max_ms), (2.0, 4.0));
        assert_eq!((join.cpu_ms, join.media_cpu_ms), (Some(20.0), Some(15.0)));
    }
}
