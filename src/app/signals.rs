//! Signals to the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Failure;
use crate::supervise;
use crate::telemetry;
use crate::tls::Tls;

/// The signals that tell the process to end.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed, or an operator asks for a reload. There is nothing to reload, so the server ends in
    /// order.
    hang_up: Signal,
    /// Set if another program writes the certificate: then the hang-up signal reloads it.
    pub(super) files: Option<Tls>,
}

impl StopSignals {
    /// From now on the signals do not end the process by themselves.
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

    /// Waits for the first signal. A second one ends the process at once.
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
