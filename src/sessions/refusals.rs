//! What is logged of a session's refused requests: a client that asks the same again and again is one story.

use std::time::Duration;

use tokio::time::Instant;

/// So many refusals of a session are logged in a minute, each with its reason. The others are counted.
const LOGGED: u32 = 5;

const MINUTE: Duration = Duration::from_secs(60);

/// The refusals of one session.
#[derive(Debug, Default)]
pub struct Refusals {
    /// When this minute began; none before the first refusal.
    since: Option<Instant>,
    /// How many there were in it.
    count: u32,
}

impl Refusals {
    /// Takes one into account: whether it is logged.
    pub fn is_logged(&mut self, now: Instant) -> bool {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= MINUTE;
        if self.since.is_none_or(is_over) {
            self.sum_up();
            self.since = Some(now);
        }
        self.count = self.count.saturating_add(1);
        self.count <= LOGGED
    }

    /// One line for all that were only counted.
    fn sum_up(&mut self) {
        let count = std::mem::take(&mut self.count).saturating_sub(LOGGED);
        if count > 0 {
            tracing::info!(count, "Further media requests were refused.");
        }
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        self.sum_up();
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn five_lines_a_minute_are_logged_and_then_one_with_the_count() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let start = Instant::now();
            let mut refusals = Refusals::default();
            // Twenty a second for two minutes and a bit.
            for at in 0..2_410 {
                if refusals.is_logged(start + Duration::from_millis(at * 50)) {
                    tracing::info!("refused");
                }
            }
            let mut expected = String::new();
            for rest in [1_195, 1_195] {
                for _ in 0..5 {
                    writeln!(expected, "refused").unwrap();
                }
                writeln!(expected, "count={rest}").unwrap();
            }
            expected.push_str(&"refused\n".repeat(5));
            let lines = log.lines();
            assert_eq!(lines.len(), expected.lines().count(), "{lines:?}");
            for (line, expected) in lines.iter().zip(expected.lines()) {
                assert!(line.contains(expected), "{line}");
            }
            // What was only counted is told at the session's end.
            drop(refusals);
            let lines = log.lines();
            assert!(
                lines.len() == 1 && lines[0].contains("count=5"),
                "{lines:?}"
            );
        });
    }
}
