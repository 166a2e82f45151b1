//! The composition root: puts the parts together, runs them, and ends them in order.
//!
//! Every task has an owner and an end. Connections belong to [`http::serve`](crate::http::serve()), which ends them
//! within a few seconds. Sockets belong to their sessions; [`Sockets::drained`] waits for those.

mod activation;
mod addresses;
mod descriptors;
mod others;
mod ports;
mod relays;
mod signals;

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::auth::{Limits, Passwords, RoomPasswords, Secret, Tokens, tokens::DEFAULT_LIFETIME};
use crate::budgets;
use crate::cli::Failure;
use crate::config::{Config, Guests, LegacyApi, MediaAddress, PublicUrl, RateLimits, Registration};
use crate::http::{
    self, Access, Calendars, CheckReports, Connections, Door, FrameLimit, Gate, Handshakes, Health,
    HealthProbe, HttpState, NoCalendar, Page, Parts, PlainLimits, RoomProbe, SessionRunner,
    Sharing, SocketLimits, Sockets, Traffic,
};
use crate::legacy;
use crate::media::{Media, MediaConfig, MediaIp};
use crate::protocol::time::Timestamp;
use crate::rooms::Registry;
use crate::sessions::{
    self, GuestPolicy, RateLimiting, RegistrationPolicy, Services, ServicesParts,
};
use crate::store::{Ailment, DataLock, HistoryWriter, NodeId, StateWriter, Store};
use crate::supervise;
use crate::tls::Tls;
use crate::turn::Relay;
use crate::ws;
use others::Others;
use ports::{MediaPort, Ports};
use signals::StopSignals;

/// So many tasks run before sockets are looked at again. By default it is 61, and then a frame that comes while a crowd
/// of connections is served is not even seen for several milliseconds.
const TASKS_BETWEEN_EVENTS: u32 = 8;

/// How many connections the server keeps to its database.
const DATABASE_CONNECTIONS: u32 = 8;

/// By when all has ended after the process was told to, or is ended. Service managers wait longer, and people should not.
const END_DEADLINE: Duration = Duration::from_secs(4);

/// How long each part may take to end in any case, however long those before it took.
const LEAST_TIME: Duration = Duration::from_millis(100);

/// How long meetings may take to be saved before their people are told to come back later.
const SEAL_DEADLINE: Duration = Duration::from_secs(1);

/// How often void tokens whose time is up anyway are forgotten, and meetings that nobody came back to.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs the server until it is told to stop by SIGINT, SIGTERM or SIGHUP; a second signal ends it at once. Where
/// the certificate comes from files, SIGHUP reads them again instead.
///
/// # Errors
/// One sentence when it cannot start: the port is in use, the folder cannot be written, the database does not answer.
pub fn serve(config: Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_BETWEEN_EVENTS)
        .build()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    let outcome = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        descriptors::raise_limit(config.listen.max_sockets.get());
        let app = App::start(config).await?;
        activation::is_ready();
        // Scripts and tests read the port from here; whoever closed standard output does not want it.
        let scheme = if app.tls.is_some() { "https" } else { "http" };
        let _ = writeln!(std::io::stdout(), "listening on {scheme}://{}", app.address);
        if let Some(url) = &app.public_url {
            tracing::info!("the page is at {url}");
        }
        signals.files = app.tls.clone().filter(Tls::is_from_files);
        let media = app.media().clone();
        let stop = async {
            tokio::select! {
                () = signals.first() => {}
                () = media.failed() => {}
            }
        };
        app.run(stop).await;
        if media.has_failed() {
            return Err(Failure::new(
                "a media thread failed again and again: the server has ended and is to be started anew",
            ));
        }
        Ok(())
    });
    runtime.shutdown_timeout(LEAST_TIME);
    outcome
}

/// A server that has everything it needs and takes connections when it is run.
pub struct App {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    /// Where it redirects http to https, if anywhere.
    pub redirect_address: Option<std::net::SocketAddr>,
    ports: Ports,
    /// Where streams of media come that cannot come to the page's port.
    media_listener: Option<TcpListener>,
    tls: Option<Tls>,
    services: Services,
    media: Media,
    /// None where nothing is relayed.
    relay: Option<Arc<Relay>>,
    legacy_api: LegacyApi,
    public_url: Option<PublicUrl>,
    gate: Gate,
    media_addresses: MediaAddresses,
    stop: watch::Sender<bool>,
    /// No other server runs on the same data until this is dropped.
    lock: DataLock,
}

/// Where clients send media to.
#[derive(Clone)]
struct MediaAddresses {
    /// As configured.
    given: Vec<MediaAddress>,
    /// What that came to at the start.
    known: Vec<MediaIp>,
}

impl App {
    /// Takes what can be refused first - ports, the database, the secret - so that nothing is left half made.
    ///
    /// # Errors
    /// One sentence: what cannot be had, and why.
    pub async fn start(config: Config) -> Result<Self, Failure> {
        let ports = Ports::open(&config.listen, &config.tls)?;
        let address = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.map_err(|error| Failure::because("cannot listen", &error))
        };
        let redirect_address = ports.redirect.as_ref().map(address).transpose()?;
        let address = address(&ports.page)?;
        let ips = addresses::all(&config.media.addresses).await?;
        let media_port = MediaPort::open(&config.media, &config.listen, address, &ips)?;
        let (relay, ice_servers) = relays::set_up(&config, address, &ips, media_port.own())?;
        let media = MediaConfig {
            ips: ips.clone(),
            port: config.media.first_port,
            threads: config.media.threads.get(),
            listeners: media_port.known,
        };
        let media = Media::start_with(media, relay.clone())
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
        let node = NodeId::of(&config.storage.data_dir).map_err(|error| {
            let data = config.storage.data_dir.display();
            Failure::because(format!("cannot use the data directory {data}"), &error)
        })?;
        let public: Vec<IpAddr> = ips.iter().map(|ip| ip.public).collect();
        let tls = Tls::start(&config.tls, &config.storage.data_dir, &public)
            .map_err(|error| Failure::because("cannot serve TLS", &error))?;
        let store = Store::open(database_url, node, DATABASE_CONNECTIONS)
            .await
            .map_err(|error| Failure::because(config.storage.cannot_open(), &error))?;
        let secret = load_secret(&config)?;
        let (stop, stopping) = watch::channel(false);
        let is_limited = config.rate_limits == RateLimits::On;
        let services = Services::new(ServicesParts {
            registry: Registry::with_ice_servers(media.clone(), ice_servers),
            history: HistoryWriter::start(store.clone()),
            states: StateWriter::start(store.clone()),
            store,
            passwords: Passwords::default(),
            // A lane of their own: setting many must not keep people from logging in.
            room_passwords: RoomPasswords::new(Passwords::new(
                1,
                budgets::auth::PASSWORDS_WAITING.size(),
            )),
            tokens: Tokens::new(&secret, DEFAULT_LIFETIME),
            attempts: if is_limited {
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
            kept_for: config.resume,
            most_kept: config.listen.max_sockets.get(),
            stop: stopping,
        });
        sessions::restart::take_up(&services)
            .await
            .map_err(|error| Failure::because("cannot take up the meetings", &error))?;
        let sockets = Sockets::new(SocketLimits {
            total: config.listen.max_sockets.get(),
            sharing: if is_limited {
                Sharing::Fair
            } else {
                Sharing::Unlimited
            },
        });
        let gate = Gate {
            access: Arc::new(Access::from(&config.listen)),
            sockets,
            message_bytes: sessions::MESSAGE_BYTES,
            frames: if is_limited {
                FrameLimit::On
            } else {
                FrameLimit::Off
            },
            traffic: if is_limited {
                Traffic::limited()
            } else {
                Traffic::unlimited()
            },
        };
        Ok(Self {
            address,
            redirect_address,
            ports,
            media_listener: media_port.listener,
            tls,
            services,
            media,
            relay,
            legacy_api: config.legacy_api,
            public_url: config.listen.public_url,
            gate,
            media_addresses: MediaAddresses {
                given: config.media.addresses,
                known: ips,
            },
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
            ports,
            media_listener,
            tls,
            services,
            media,
            relay,
            legacy_api,
            public_url,
            gate,
            media_addresses,
            stop: stop_sessions,
            lock,
            ..
        } = self;
        let runner = services.clone();
        let session: SessionRunner =
            Arc::new(move |socket, peer| Box::pin(ws::run(socket, peer.network(), runner.clone())));
        let sockets = gate.sockets.clone();
        let further = match legacy_api {
            LegacyApi::Off => Router::new(),
            LegacyApi::On => legacy::router(gate.clone(), services.clone()),
        };
        let connections = Connections::default();
        let (stop_further, further_stopped) = watch::channel(());
        let redirecting = match (ports.redirect, &public_url) {
            (Some(listener), Some(url)) => {
                let router = http::redirect::router(url.origin.clone(), gate.clone());
                let serving = http::serve(
                    listener,
                    Door::plain(),
                    router,
                    connections.clone(),
                    stopped(further_stopped.clone()),
                );
                Some(supervise::spawn("redirecting http", serving))
            }
            (Some(_), None) | (None, _) => None,
        };
        let keeping = tls
            .clone()
            .map(|tls| supervise::keep("keeping the certificate", move || tls.clone().keep()));
        let handshakes = match services.is_rate_limited() {
            true => Handshakes::limited(),
            false => Handshakes::unlimited(),
        };
        let others = Arc::new(Others {
            media: media.clone(),
            relay,
            stop: stop_sessions.subscribe(),
        });
        let taking_media = media_listener.map(|listener| {
            // Whoever asks for a page there gets none.
            let door = Door::shared(None, others.clone(), handshakes.clone());
            let stopping = stopped(further_stopped.clone());
            let serving = http::serve(listener, door, Router::new(), connections.clone(), stopping);
            supervise::spawn("taking streams of media", serving)
        });
        let door = Door::shared(tls, others, handshakes);
        let state = HttpState {
            gate,
            session,
            health: health_probe(services.clone(), media.clone()),
            rooms: room_probe(services.clone()),
            page: Page::new(
                public_url
                    .as_ref()
                    .map(|url| url.path.clone())
                    .unwrap_or_default(),
            ),
            public_url,
            plain: match services.is_rate_limited() {
                true => PlainLimits::default(),
                false => PlainLimits::off(),
            },
            calendars: Calendars::default(),
            check_reports: CheckReports::default(),
        };
        let router = http::router(state, further);
        let pruning = {
            let store = services.store().clone();
            supervise::keep("forgetting what is over", move || prune(store.clone()))
        };
        let reconciling = {
            let services = services.clone();
            supervise::keep("looking at the database", move || {
                sessions::reconcile::run(services.clone())
            })
        };
        let watching = {
            let media = media.clone();
            supervise::keep("looking media names up", move || {
                let MediaAddresses { given, known } = media_addresses.clone();
                addresses::watch(given, media.clone(), known)
            })
        };
        let told_to_end = OnceLock::new();
        http::serve(ports.page, door, router, connections, async {
            stop.await;
            tracing::info!("stopping: sessions are told to come back later");
            activation::is_stopping();
            let _ = told_to_end.set(Instant::now());
            // First, so that the meetings are saved with everybody in them.
            let sealed = tokio::time::timeout(SEAL_DEADLINE, services.registry().seal());
            if sealed.await.is_err() {
                tracing::warn!("some meetings were not saved in time");
            }
            stop_sessions.send_replace(true);
            drop(stop_further);
        })
        .await;
        let end_by = *told_to_end.get_or_init(Instant::now) + END_DEADLINE;
        pruning.abort();
        reconciling.abort();
        watching.abort();
        let further = redirecting.into_iter().chain(taking_media);
        for task in further.chain(keeping) {
            task.abort();
        }
        within("sessions", end_by, async {
            sockets.drained().await;
            services.kept().ended().await;
        })
        .await;
        within("rooms", end_by, services.registry().emptied()).await;
        within("attendance", end_by, services.history().flush()).await;
        within("meetings", end_by, services.states().flush()).await;
        within("media", end_by, media.shutdown()).await;
        within("the database", end_by, services.store().close()).await;
        drop(lock);
        tracing::info!("stopped");
    }
}

/// Waits until the sender is gone.
async fn stopped(mut told: watch::Receiver<()>) {
    let _ = told.changed().await;
}

fn load_secret(config: &Config) -> Result<Secret, Failure> {
    Secret::load_or_create(&config.auth.secret_file)
        .map_err(|error| Failure::because("cannot use the token secret", &error))
}

/// Gives one part its time to end.
async fn within(what: &'static str, end_by: Instant, end: impl Future<Output = ()>) {
    let left = end_by.saturating_duration_since(Instant::now());
    let left = left.max(LEAST_TIME);
    if tokio::time::timeout(left, end).await.is_err() {
        tracing::warn!(what, "did not end in time");
    }
}

fn health_probe(services: Services, media: Media) -> HealthProbe {
    Arc::new(move || {
        let seats = media.seats();
        let (services, media) = (services.clone(), media.is_well());
        Box::pin(async move {
            let live = services.registry().live();
            let ailment = services.store().ailment().await;
            let parts = Parts {
                database: ailment.map(Ailment::sentence),
                media: (!media.await).then_some("A media thread does not answer."),
            };
            let capacity = http::Capacity {
                seats: seats.free,
                steps_down: seats.steps_down,
            };
            Health::new(parts, live.rooms, live.participants, capacity)
        })
    })
}

fn room_probe(services: Services) -> RoomProbe {
    Arc::new(move |identity| {
        let services = services.clone();
        Box::pin(async move {
            let found = sessions::find_room(&services, &identity).await;
            found.map_err(|_| NoCalendar::Busy)
        })
    })
}

async fn prune(store: Store) {
    let mut interval = tokio::time::interval(PRUNE_INTERVAL);
    loop {
        interval.tick().await;
        let now = Timestamp::now();
        let tokens = store.prune_revoked_tokens(now).await;
        if let Err(error) = tokens.and(store.prune_room_states(now).await) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what is over was not forgotten"
            );
        }
    }
}
