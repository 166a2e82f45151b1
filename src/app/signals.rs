//! The signals that the process hears.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Failure;
use crate::supervise;
use crate::telemetry;
use crate::tls::Tls;

/// The signals by which a process is told to end.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed, or an operator means "anew": nothing is read again here, so that it is an end in order.
    hang_up: Signal,
    /// Where somebody else writes the certificate, the third means that there is a new one.
    pub(super) files: Option<Tls>,
}

impl StopSignals {
    /// From here on the signals no longer end the process by themselves.
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::because("cannot listen for signals", &error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            files: None,
        })
    }

    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => match &self.files {
                    Some(tls) => tls.reload(),
                    None => return,
                },
            }
        }
    }

    /// Waits for the first; the second ends the process at once.
    pub(super) async fn first(mut self) {
        self.next().await;
        supervise::spawn("waiting for a second signal", async move {
            self.next().await;
            tracing::warn!("told to stop a second time: ending at once");
            telemetry::flush();
            std::process::exit(130);
        });
    }
}
