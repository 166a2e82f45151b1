//! The composition root: puts the parts together, runs them, and ends them in order.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::auth::{Limits, Passwords, Secret, Tokens, tokens::DEFAULT_LIFETIME};
use crate::cli::Failure;
use crate::config::{Config, Guests, LegacyApi, Origin, RateLimits, Registration};
use crate::http::{
    self, Access, Calendars, Gate, Health, HealthProbe, HttpState, NoCalendar, Parts, PlainLimits,
    RoomProbe, SessionRunner, SocketLimits, Sockets,
};
use crate::legacy;
use crate::media::{Media, MediaConfig};
use crate::protocol::time::Timestamp;
use crate::rooms::Registry;
use crate::store::{Ailment, DataLock, HistoryWriter, Store};
use crate::supervise;
use crate::ws::{self, GuestPolicy, RateLimiting, RegistrationPolicy, Services, ServicesParts};

/// How many connections the server keeps to its database.
const DATABASE_CONNECTIONS: u32 = 8;

/// How many rooms' passwords may wait to be hashed or checked; one more is answered `server.busy`.
const ROOM_PASSWORDS_WAITING: usize = 32;

/// How long each part may take to end before the next is ended.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// How often void tokens whose time is up anyway are forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs the server until it is told to stop by SIGINT, SIGTERM or SIGHUP; a second signal ends it at once.
///
/// # Errors
/// One sentence when it cannot start: the port is in use, the folder cannot be written, the database does not answer.
pub fn serve(config: Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    let outcome = runtime.block_on(async {
        let signals = StopSignals::listen()?;
        let app = App::start(config).await?;
        // Scripts and tests read the port from here; whoever closed standard output does not want it.
        let _ = writeln!(std::io::stdout(), "listening on http://{}", app.address);
        app.run(signals.first()).await;
        Ok(())
    });
    runtime.shutdown_timeout(END_DEADLINE);
    outcome
}

/// A server that has everything it needs and takes connections when it is run.
pub struct App {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    listener: TcpListener,
    services: Services,
    sockets: Sockets,
    media: Media,
    access: Arc<Access>,
    legacy_api: LegacyApi,
    public_url: Option<Origin>,
    stop: watch::Sender<bool>,
    /// No other server runs on the same data until this is dropped.
    lock: DataLock,
}

impl App {
    /// Takes what can be refused first - ports, the database, the secret - so that nothing is left half made.
    ///
    /// # Errors
    /// One sentence: what cannot be had, and why.
    pub async fn start(config: Config) -> Result<Self, Failure> {
        let wanted = config.listen.address;
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| Failure::because(format!("cannot listen on {wanted}"), &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::because("cannot listen", &error))?;
        let media = Media::start(MediaConfig {
            ips: config.media.addresses.clone(),
            port: config.media.first_port,
            threads: config.media.threads.get(),
        })
        .map_err(|error| Failure::because("cannot start media", &error))?;
        if config.auth.secret_file.exists() {
            // One that cannot be used is found out before anything is made; a missing one is made last.
            load_secret(&config)?;
        }
        let database_url = config.storage.database_url.reveal();
        let lock = DataLock::take(&config.storage.data_dir, database_url).map_err(|error| {
            let data = config.storage.data_dir.display();
            Failure::because(format!("cannot use the data directory {data}"), &error)
        })?;
        let store = Store::open(database_url, DATABASE_CONNECTIONS)
            .await
            .map_err(|error| Failure::because(config.storage.cannot_open(), &error))?;
        let secret = load_secret(&config)?;
        let (stop, stopping) = watch::channel(false);
        let is_limited = config.rate_limits == RateLimits::On;
        let services = Services::new(ServicesParts {
            registry: Registry::new(media.clone()),
            history: HistoryWriter::start(store.clone()),
            store,
            passwords: Passwords::default(),
            room_passwords: Passwords::new(1, ROOM_PASSWORDS_WAITING),
            tokens: Tokens::new(&secret, DEFAULT_LIFETIME),
            tries: if is_limited {
                Limits::default()
            } else {
                Limits::off()
            },
            guests: match config.auth.guests {
                Guests::Admitted => GuestPolicy::Admitted,
                Guests::Refused => GuestPolicy::Refused,
            },
            registration: match config.auth.registration {
                Registration::Open => RegistrationPolicy::Open,
                Registration::Closed => RegistrationPolicy::Closed,
            },
            rate_limiting: if is_limited {
                RateLimiting::On
            } else {
                RateLimiting::Off
            },
            stop: stopping,
        });
        let defaults = SocketLimits::default();
        let per_client = if is_limited {
            defaults.per_client
        } else {
            None
        };
        let sockets = Sockets::new(SocketLimits {
            per_client,
            ..defaults
        });
        let access = Arc::new(Access::from(&config.listen));
        Ok(Self {
            address,
            listener,
            services,
            sockets,
            media,
            access,
            legacy_api: config.legacy_api,
            public_url: config.listen.public_url,
            stop,
            lock,
        })
    }

    /// The media plane: for tests, which look whether everything is freed.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// What the sessions share: for tests.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Serves until `stop` is done, then ends sessions, rooms, media and the database, in this order.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            services,
            sockets,
            media,
            access,
            legacy_api,
            public_url,
            stop: stop_sessions,
            lock,
            ..
        } = self;
        let runner = services.clone();
        let session: SessionRunner =
            Arc::new(move |socket, peer| Box::pin(ws::run(socket, peer.network(), runner.clone())));
        let gate = Gate {
            access,
            sockets: sockets.clone(),
            message_bytes: ws::MESSAGE_BYTES,
        };
        let further = match legacy_api {
            LegacyApi::Off => Router::new(),
            LegacyApi::On => legacy::router(gate.clone(), services.clone()),
        };
        let state = HttpState {
            gate,
            session,
            health: health_probe(services.clone()),
            rooms: room_probe(services.clone()),
            public_url,
            plain: match services.is_rate_limited() {
                true => PlainLimits::default(),
                false => PlainLimits::off(),
            },
            calendars: Calendars::default(),
        };
        let router = http::router(state, further);
        let pruning = {
            let store = services.store.clone();
            supervise::keep("forgetting void tokens", move || {
                prune_tokens(store.clone())
            })
        };
        let reconciling = {
            let services = services.clone();
            supervise::keep("looking at the database", move || {
                ws::reconcile::run(services.clone())
            })
        };
        http::serve(listener, router, async {
            stop.await;
            tracing::info!("stopping: sessions are told to come back later");
            stop_sessions.send_replace(true);
        })
        .await;
        pruning.abort();
        reconciling.abort();
        within("sessions", sockets.drained()).await;
        within("rooms", services.registry.emptied()).await;
        within("attendance", services.history.flush()).await;
        within("media", media.shutdown()).await;
        within("the database", services.store.close()).await;
        drop(lock);
        tracing::info!("stopped");
    }
}

fn load_secret(config: &Config) -> Result<Secret, Failure> {
    Secret::load_or_create(&config.auth.secret_file)
        .map_err(|error| Failure::because("cannot use the token secret", &error))
}

/// Gives one part its time to end.
async fn within(what: &'static str, end: impl Future<Output = ()>) {
    if tokio::time::timeout(END_DEADLINE, end).await.is_err() {
        tracing::warn!(what, "did not end in time");
    }
}

fn health_probe(services: Services) -> HealthProbe {
    Arc::new(move || {
        let services = services.clone();
        Box::pin(async move {
            let live = services.registry.live();
            let ailment = services.store.ailment().await;
            let parts = Parts {
                database: ailment.map(Ailment::sentence),
            };
            Health::new(parts, live.rooms, live.participants)
        })
    })
}

fn room_probe(services: Services) -> RoomProbe {
    Arc::new(move |identity| {
        let services = services.clone();
        Box::pin(async move {
            let found = ws::find_room(&services, &identity).await;
            found.map_err(|_| NoCalendar::Busy)
        })
    })
}

async fn prune_tokens(store: Store) {
    let mut interval = tokio::time::interval(PRUNE_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = store.prune_revoked_tokens(Timestamp::now()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "void tokens were not forgotten"
            );
        }
    }
}

/// The signals by which a process is told to end.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed, or an operator means "anew": nothing is read again here, so that it is an end in order.
    hang_up: Signal,
}

impl StopSignals {
    /// From here on the signals no longer end the process by themselves.
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::because("cannot listen for signals", &error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// Waits for the first; the second ends the process at once.
    async fn first(mut self) {
        self.next().await;
        supervise::spawn("waiting for a second signal", async move {
            self.next().await;
            tracing::warn!("told to stop a second time: ending at once");
            std::process::exit(130);
        });
    }
}
