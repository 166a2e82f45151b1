//! The composition root: puts the server together and takes it down in order.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Failure;
use crate::config::{Config, RateLimits};
use crate::http::{self, Access, Database, Health, HttpState, SocketLimits, Sockets};

/// `limits.message_bytes`.
const MESSAGE_BYTES: usize = 256 * 1024;

/// Serves until SIGINT or SIGTERM; a second one ends the process at once.
pub fn serve(config: Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    runtime.block_on(run(config))
}

async fn run(config: Config) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    make_data_directory(&config.storage.data_dir)?;
    let address = config.listen.address;
    let cannot_listen = |error| Failure::because(format!("cannot listen on {address}"), &error);
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let limits = match config.rate_limits {
        RateLimits::On => SocketLimits::default(),
        RateLimits::Off => SocketLimits {
            per_client: None,
            ..SocketLimits::default()
        },
    };
    let router = http::router(HttpState {
        access: Arc::new(Access::from(&config.listen)),
        sockets: Sockets::new(limits),
        message_bytes: MESSAGE_BYTES,
        session: Arc::new(|_socket, _peer| async {}.boxed()),
        health: Arc::new(|| async { Health::new(Database::Ok, 0, 0) }.boxed()),
    });
    announce(&format!("listening on http://{address}"));
    http::serve(listener, router, signals.first()).await;
    Ok(())
}

/// Makes the directory, for its owner alone, and makes sure that files can be made in it.
fn make_data_directory(directory: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let failed = |what: &str, error: std::io::Error| {
        let directory = directory.display();
        Failure::because(
            format!("cannot {what} the data directory {directory}"),
            &error,
        )
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| failed("make", error))?;
    let probe = directory.join(".writable");
    std::fs::write(&probe, "")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| failed("write to", error))
}

/// Whoever started the server may have closed its standard output; that is no reason to end.
fn announce(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// The two signals that ask a process to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::because("cannot listen for signals", &error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the first signal; from then on, a second one ends the process at once.
    async fn first(mut self) {
        self.next().await;
        tracing::info!("The server is ending; a second signal ends it at once.");
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
