//! Logging: readable lines on standard error. Standard output carries only the address that is listened on.
//!
//! A leaf beside [`config`](crate::config), from which it gets a checked filter. [`log`] writes the lines.

mod log;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use self::log::Log;
use crate::config::LogFilter;

/// How long an ending process waits for its last lines to be written.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Where the process logs to, once it does.
static LOG: OnceLock<Log> = OnceLock::new();

/// Libraries that log each packet or query at levels where this server logs less. A filter that names one has priority.
const TAMED: [(&str, &str); 7] = [
    // Their warnings contain addresses of people. A target also matches all targets that begin with it, such as
    // rtc_ice.
    ("rtc", "off"),
    ("webrtc", "off"),
    // These would log whole frames, with passwords and tokens.
    ("tungstenite", "warn"),
    ("tokio_tungstenite", "warn"),
    ("sqlx", "warn"),
    ("sea_orm", "warn"),
    ("sea_orm_migration", "warn"),
];

/// Starts logging. Only the first call of a process has an effect, so tests may call it too.
pub fn init(filter: &LogFilter) {
    let filter = EnvFilter::builder().parse_lossy(directives(filter.as_str()));
    let log = LOG.get_or_init(|| Log::start(std::io::stderr())).clone();
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.clone())
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    match logging {
        Ok(()) => log_panics(log),
        Err(_) => tracing::debug!("Logging was set up before."),
    }
}

/// Waits a moment for unwritten lines, because the process ends.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.flush(LAST_LINES);
    }
}

/// Logs panics like other lines. The default would block while nobody reads standard error.
fn log_panics(log: Log) {
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let mut said = format!("thread '{}' {panic}\n", thread.name().unwrap_or("?"));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            said.push_str(&backtrace.to_string());
        }
        log.push(said.into_bytes());
    }));
}

/// The filter, with directives for noisy libraries before it. Of two directives for one target, the later one counts.
fn directives(filter: &str) -> String {
    let tamed = TAMED.map(|(target, level)| format!("{target}={level}"));
    format!("{},{filter}", tamed.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(raw: &str) -> String {
        let filter = LogFilter::parse(raw).unwrap();
        EnvFilter::builder()
            .parse(directives(filter.as_str()))
            .unwrap()
            .to_string()
    }

    #[test]
    fn noisy_libraries_are_tamed_unless_they_are_named() {
        assert!(filter("info").contains("sqlx=warn"));
        let asked = filter("info,sqlx=debug");
        assert!(
            asked.contains("sqlx=debug") && !asked.contains("sqlx=warn"),
            "{asked}"
        );
    }
}
