//! Writes the lines of the log. A task that logs never waits for a reader, and a log that cannot be written stops
//! nothing.
//!
//! One thread writes. A task that logs hands over its line and goes on. If the reader or the disk stands still, lines
//! are lost, and the next written line is preceded by their number. An ending process waits a moment for unwritten
//! lines.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The most bytes that wait for a slow reader. A busy server logs less in a minute. Further lines are dropped.
const WAITING_BYTES: usize = 1024 * 1024;
/// How often a terminal that accepts nothing is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// A log. Clones share it.
#[derive(Clone)]
pub(super) struct Log(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    came: Condvar,
    went: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Waiting>,
    bytes: usize,
    /// How many lines were accepted, and how many of these do not wait any more.
    taken: u64,
    gone: u64,
    /// Since the last one that was taken in.
    left_out: u64,
}

struct Waiting {
    line: Vec<u8>,
    /// How many were left out before it.
    left_out: u64,
}

impl Log {
    /// Writes to `to` on a thread of its own. If no thread can be started, nothing is written; then nothing else would
    /// run either.
    pub fn start(mut to: impl Write + Send + 'static) -> Self {
        let log = Self(Arc::new(Shared {
            queue: Mutex::default(),
            came: Condvar::new(),
            went: Condvar::new(),
        }));
        let shared = Arc::clone(&log.0);
        let writing = std::thread::Builder::new().name("log".to_owned());
        let _ = writing.spawn(move || {
            let mut lost = 0;
            loop {
                let waiting = shared.next();
                let is_cut = lost > 0;
                lost += waiting.left_out;
                let write = || write(&mut to, is_cut, lost, &waiting.line);
                // A failure in there loses one line.
                let is_written = matches!(catch_unwind(AssertUnwindSafe(write)), Ok(Ok(())));
                lost = if is_written { 0 } else { lost + 1 };
                shared.is_gone();
            }
        });
        log
    }

    /// Takes a line in.
    pub fn push(&self, line: Vec<u8>) {
        let mut queue = self.0.queue();
        if queue.bytes + line.len() > WAITING_BYTES {
            queue.left_out += 1;
            return;
        }
        queue.bytes += line.len();
        queue.taken += 1;
        let left_out = std::mem::take(&mut queue.left_out);
        queue.lines.push_back(Waiting { line, left_out });
        self.0.came.notify_one();
    }

    /// Waits until all accepted lines are written or given up, but no longer than `most`.
    pub fn flush(&self, most: Duration) {
        let queue = self.0.queue();
        let last = queue.taken;
        let waits = |queue: &mut Queue| queue.gone < last;
        // The result does not matter, because the process ends.
        drop(self.0.went.wait_timeout_while(queue, most, waits));
    }
}

impl Shared {
    /// No panic can leave the queue half changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Waiting {
        let mut queue = self.queue();
        loop {
            if let Some(waiting) = queue.lines.pop_front() {
                queue.bytes -= waiting.line.len();
                return waiting;
            }
            let waited = self.came.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One waits no more.
    fn is_gone(&self) {
        self.queue().gone += 1;
        self.went.notify_all();
    }
}

/// Writes a line, after the number of lines that were lost before it. With `is_cut`, a part of a lost line may be
/// written already, and is ended first.
fn write(to: &mut impl Write, is_cut: bool, lost: u64, line: &[u8]) -> Result<(), Error> {
    if is_cut {
        put(to, b"\n")?;
    }
    if lost > 0 {
        let said = format!("lines of the log that could not be written: {lost}\n");
        put(to, said.as_bytes())?;
    }
    put(to, line)
}

/// Writes all bytes. A terminal can be in non-blocking mode because of another program.
fn put(to: &mut impl Write, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(AGAIN),
            Err(error) => return Err(error),
        }
    }
    to.flush()
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            log: self.clone(),
            text: Vec::new(),
        }
    }
}

/// One line under construction. It is queued when dropped.
pub(super) struct Line {
    log: Log,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.text.write(bytes)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.log.push(std::mem::take(&mut self.text));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// The results of the first writes.
    enum Outcome {
        Fails(ErrorKind),
        Panics,
        /// It takes until the other end is dropped.
        Hangs(Receiver<()>),
    }

    /// Fails as configured at first, and then writes.
    struct Fickle {
        outcomes: VecDeque<Outcome>,
        out: SyncSender<String>,
    }

    impl Write for Fickle {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            match self.outcomes.pop_front() {
                Some(Outcome::Fails(kind)) => return Err(kind.into()),
                Some(Outcome::Panics) => panic!("as the test wants"),
                Some(Outcome::Hangs(until)) => assert!(until.recv().is_err()),
                None => {}
            }
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.out.send(text).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    fn log(outcomes: impl IntoIterator<Item = Outcome>) -> (Log, Receiver<String>) {
        let (out, written) = sync_channel(100_000);
        let outcomes = outcomes.into_iter().collect();
        (Log::start(Fickle { outcomes, out }), written)
    }

    fn say(log: &Log, line: &str) {
        let mut writer = log.make_writer();
        writer.write_all(line.as_bytes()).unwrap();
        writer.write_all(b"\n").unwrap();
    }

    /// All that was written.
    fn written(log: &Log, out: &Receiver<String>) -> String {
        log.flush(PATIENCE);
        out.try_iter().collect()
    }

    #[test]
    fn lines_are_out_in_their_order_when_the_process_ends() {
        let (log, out) = log([]);
        (0..100).for_each(|number| say(&log, &number.to_string()));
        let said: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(written(&log, &out), said);
    }

    #[test]
    fn nobody_who_logs_waits_for_a_slow_reader_and_what_is_left_out_is_counted() {
        let (end, until) = sync_channel(0);
        let (out, told) = sync_channel(100_000);
        let outcomes = VecDeque::from([Outcome::Hangs(until)]);
        let log = Log::start(Fickle { outcomes, out });
        let out = told;
        let line = "x".repeat(1023);
        let fit = WAITING_BYTES / 1024;
        say(&log, &line);
        while log.0.queue().bytes > 0 {
            std::thread::yield_now();
        }
        // The first is being written meanwhile.
        for _ in 0..fit + 7 {
            say(&log, &line);
        }
        assert!(out.try_recv().is_err());
        drop(end);
        assert_eq!(written(&log, &out).lines().count(), 1 + fit);
        say(&log, "on");
        let told = written(&log, &out);
        assert_eq!(told, "lines of the log that could not be written: 7\non\n");
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_stops_nothing() {
        let full = || Outcome::Fails(ErrorKind::StorageFull);
        let (log, out) = log([full(), full(), Outcome::Fails(ErrorKind::BrokenPipe)]);
        for line in ["one", "two", "three", "four", "five"] {
            say(&log, line);
        }
        let told = written(&log, &out);
        assert_eq!(
            told,
            "\nlines of the log that could not be written: 3\nfour\nfive\n"
        );
    }

    #[test]
    fn a_write_that_panics_loses_its_line_alone() {
        let (log, out) = log([Outcome::Panics]);
        say(&log, "one");
        say(&log, "two");
        let told = written(&log, &out);
        assert_eq!(
            told,
            "\nlines of the log that could not be written: 1\ntwo\n"
        );
    }

    #[test]
    fn a_terminal_that_takes_nothing_just_now_is_tried_again() {
        let kinds = [ErrorKind::WouldBlock, ErrorKind::Interrupted];
        let (log, out) = log(kinds.map(Outcome::Fails));
        say(&log, "one");
        assert_eq!(written(&log, &out), "one\n");
    }
}
