//! What a run found, as JSON and as text.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::super::process::Used;
use super::super::report::{Join, Latency, Memory, Own};
use super::drive::Counted;
use super::plan::Plan;

/// What a run found. Times are in the units that the names end in; what could not be measured is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignalReport {
    /// What went over the sockets.
    pub traffic: &'static str,
    /// What was asked for.
    pub settings: Settings,
    /// What was sent and what came; in a storm, among the pairs in other rooms.
    pub messages: Messages,
    /// What the server's processor did meanwhile; null for a server whose process is not known.
    pub cpu: Option<Cpu>,
    /// How old messages were when they came; null when there were none.
    pub latency: Option<Latency>,
    /// What the pairs in other rooms noticed before; null where there are none.
    pub others: Option<Others>,
    /// The server's memory; null for a server whose process is not known.
    pub memory: Option<Memory>,
    /// What coming in took.
    pub join: Join,
    /// Sockets that the server closed.
    pub closed: usize,
    /// What the load itself used: where `cores` comes near 1, the figures are the load's and not the server's.
    pub load: Own,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// Rooms, without those of the pairs that look on.
    pub rooms: usize,
    /// People in them.
    pub people: usize,
    /// Messages a second; null: as many as are answered.
    pub rate: Option<u32>,
    /// Bytes of a relayed description.
    pub bytes: usize,
    /// How long was measured.
    pub duration_ms: u64,
}

impl Settings {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            rooms: plan.rooms,
            people: plan.people(),
            rate: plan.rate,
            bytes: plan.bytes,
            duration_ms: u64::try_from(plan.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What was sent and what came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Messages {
    /// Sent to the server.
    pub sent: u64,
    /// Messages that came: each counts for every receiver.
    pub delivered: u64,
    /// That the server refused.
    pub refused: u64,
    /// Delivered ones each second.
    pub delivered_per_second: f64,
}

impl Messages {
    pub(super) fn of(counted: &Counted, lasted: Duration) -> Self {
        Self {
            sent: counted.sent,
            delivered: counted.delivered,
            refused: counted.refused,
            delivered_per_second: counted.delivered as f64 / lasted.as_secs_f64().max(1e-9),
        }
    }
}

/// What the server's processor did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cpu {
    /// For each message that came; null where none did.
    pub per_delivery_us: Option<f64>,
    /// Processors that were kept busy.
    pub cores: f64,
}

impl Cpu {
    pub(super) fn of(used: Used, delivered: u64, lasted: Duration) -> Self {
        let seconds = used.all().as_secs_f64();
        Self {
            per_delivery_us: (delivered > 0).then(|| seconds * 1e6 / delivered as f64),
            cores: seconds / lasted.as_secs_f64().max(1e-9),
        }
    }
}

/// What pairs in other rooms noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Others {
    /// While nobody else was there.
    pub quiet: Option<Latency>,
}

impl fmt::Display for SignalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            rooms,
            people,
            rate,
            duration_ms,
            ..
        } = self.settings;
        let rate = rate.map_or("as many as are answered".to_owned(), |rate| {
            format!("{rate} messages/s")
        });
        let seconds = duration_ms as f64 / 1e3;
        writeln!(
            f,
            "{}: {people} people in {rooms} room(s), {rate}, for {seconds:.1} s",
            self.traffic
        )?;
        let messages = &self.messages;
        writeln!(
            f,
            "messages  {} sent, {} delivered ({:.0} a second), {} refused; {} socket(s) closed",
            messages.sent,
            messages.delivered,
            messages.delivered_per_second,
            messages.refused,
            self.closed
        )?;
        match &self.cpu {
            Some(cpu) => {
                write!(f, "cpu       {:.2} cores", cpu.cores)?;
                if let Some(each) = cpu.per_delivery_us {
                    write!(f, ", {each:.2} µs for each message that came")?;
                }
                writeln!(f)?;
            }
            None => writeln!(f, "cpu       unknown: --pid names the server's process")?,
        }
        let others = self.others.and_then(|others| others.quiet);
        for (name, latency) in [("quiet", others), ("latency", self.latency)] {
            if let Some(latency) = latency {
                writeln!(
                    f,
                    "{name:<9} p50 {} µs, p99 {} µs, at most {} µs",
                    latency.p50_us, latency.p99_us, latency.max_us
                )?;
            }
        }
        self.write_joins(f)?;
        writeln!(f, "load      {:.2} cores", self.load.cores)
    }
}

impl SignalReport {
    fn write_joins(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(memory) = &self.memory {
            writeln!(
                f,
                "memory    {:.1} KiB for each person, {:.1} when all were in; {} KiB in all, {} before",
                memory.per_person_kib,
                memory.per_person_joined_kib,
                memory.after_kib,
                memory.before_kib
            )?;
        }
        let join = &self.join;
        write!(
            f,
            "coming in {} in {:.0} ms; each p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
            join.joined, join.all_ms, join.p50_ms, join.p99_ms, join.max_ms
        )?;
        match join.cpu_ms {
            Some(cpu) => writeln!(f, "; cpu {cpu:.2} ms")?,
            None => writeln!(f)?,
        }
        if let Some(failure) = &join.failure {
            writeln!(f, "          {} did not come in: {failure}", join.failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_shared_out_among_what_came() {
        let used = Used {
            media: Duration::ZERO,
            other: Duration::from_millis(50),
        };
        let cpu = Cpu::of(used, 5_000, Duration::from_secs(1));
        assert!((cpu.per_delivery_us.unwrap() - 10.0).abs() < 1e-9);
        assert!((cpu.cores - 0.05).abs() < 1e-9);
        assert_eq!(
            Cpu::of(used, 0, Duration::from_secs(1)).per_delivery_us,
            None
        );
    }
}
