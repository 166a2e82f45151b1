//! The composition root: it puts the parts together, runs them, and ends them in order.
//!
//! Every task has an owner and an end. Connections belong to [`http::serve`](crate::http::serve()), which ends them
//! within a few seconds. Sockets belong to their sessions; [`Sockets::drained`](crate::http::Sockets::drained) waits for
//! those.
//!
//! Read on in [`data`] for the data directory, in [`media`] for the media threads and their relay, in [`ports`] for the
//! bound ports, in [`listening`] for serving them, in [`routes`] for the routes of the page, in [`tasks`] for
//! background tasks, and in [`ending`] for the shutdown.

mod activation;
mod addresses;
mod data;
mod descriptors;
mod ending;
mod limits;
mod listening;
mod media;
mod others;
mod ports;
mod relays;
mod routes;
mod signals;
mod tasks;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::auth::{Tokens, tokens::DEFAULT_LIFETIME};
use crate::cli::Failure;
use crate::config::{Config, LegacyApi, PublicUrl};
use crate::http::{Connections, Gate};
use crate::media::Media;
use crate::rooms::Registry;
use crate::sessions::{self, Services, ServicesParts};
use crate::store::{DataLock, HistoryWriter, StateWriter, Store};
use crate::tls::Tls;
use data::Data;
use ending::Ending;
use listening::Listening;
use media::MediaPlane;
use others::Others;
use ports::Ports;
use signals::StopSignals;

/// The runtime looks at its sockets after this many tasks. Its default is 61. With that, a frame that arrives while many
/// connections are served waits for several milliseconds.
const TASKS_BETWEEN_EVENTS: u32 = 8;

/// How many connections the server keeps to its database.
const DATABASE_CONNECTIONS: u32 = 8;

/// Runs the server until SIGINT, SIGTERM or SIGHUP tells it to stop. A second signal ends it at once. If the certificate
/// comes from files, SIGHUP reads them again instead.
///
/// # Errors
/// One sentence when it cannot start: the port is in use, the folder cannot be written, the database does not answer.
pub fn serve(config: Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_BETWEEN_EVENTS)
        .build()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    let outcome = runtime.block_on(serve_until_told(config));
    runtime.shutdown_timeout(ending::LEAST_TIME);
    outcome
}

async fn serve_until_told(config: Config) -> Result<(), Failure> {
    let mut signals = StopSignals::listen()?;
    descriptors::raise_limit(config.listen.max_sockets.get());
    let app = App::start(config).await?;
    activation::is_ready();
    // Scripts and tests read the port from here. If standard output is closed, nobody wants it.
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
}

/// A server that has everything it needs and takes connections when it is run.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it redirects http to https, if anywhere.
    pub redirect_address: Option<SocketAddr>,
    ports: Ports,
    tls: Option<Tls>,
    media: MediaPlane,
    services: Services,
    gate: Gate,
    legacy_api: LegacyApi,
    public_url: Option<PublicUrl>,
    stop: watch::Sender<bool>,
    /// No other server runs on the same data until this is dropped.
    lock: DataLock,
}

impl App {
    /// First takes everything that can fail - ports, the database, the secret - so that nothing is left half made.
    ///
    /// # Errors
    /// One sentence: what cannot be had, and why.
    pub async fn start(config: Config) -> Result<Self, Failure> {
        let ports = Ports::open(&config.listen, &config.tls)?;
        let (address, redirect_address) = ports.addresses()?;
        let media = MediaPlane::start(&config, address).await?;
        let data = Data::take(&config)?;
        let tls = Tls::start(&config.tls, &config.storage.data_dir, &media.public_ips())
            .map_err(|error| Failure::because("cannot serve TLS", &error))?;
        let database_url = config.storage.database_url.reveal();
        let store = Store::open(database_url, data.node, DATABASE_CONNECTIONS)
            .await
            .map_err(|error| Failure::because(config.storage.cannot_open(), &error))?;
        let secret = data::secret(&config)?;
        let (stop, stopping) = watch::channel(false);
        let parts = ServicesParts {
            registry: Registry::with_ice_servers(media.media.clone(), media.ice_servers.clone()),
            history: HistoryWriter::start(store.clone()),
            states: StateWriter::start(store.clone()),
            store,
            tokens: Tokens::new(&secret, DEFAULT_LIFETIME),
            stop: stopping,
        };
        let services = Services::new(parts, limits::policy(&config));
        sessions::restart::take_up(&services)
            .await
            .map_err(|error| Failure::because("cannot take up the meetings", &error))?;
        Ok(Self {
            address,
            redirect_address,
            ports,
            tls,
            media,
            services,
            gate: limits::gate(&config),
            legacy_api: config.legacy_api,
            public_url: config.listen.public_url,
            stop,
            lock: data.lock,
        })
    }

    /// The media plane: for tests, which look whether everything is freed.
    pub fn media(&self) -> &Media {
        &self.media.media
    }

    /// What the sessions share: for tests.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Serves until `stop` is done, then ends sessions, rooms, media and the database, in this order.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            ports,
            tls,
            media,
            services,
            gate,
            legacy_api,
            public_url,
            stop: stop_sessions,
            lock,
            ..
        } = self;
        let sockets = gate.sockets.clone();
        let (stop_others, others_stopped) = watch::channel(());
        let listening = Listening {
            connections: Connections::default(),
            handshakes: limits::handshakes(&services),
            others: Arc::new(Others {
                media: media.media.clone(),
                relay: media.relay,
                stop: stop_sessions.subscribe(),
            }),
            stopped: others_stopped,
        };
        let redirect = ports.redirect.zip(public_url.as_ref());
        let tasks = [
            redirect.map(|(listener, url)| listening.redirect(listener, &url.origin, gate.clone())),
            media
                .listener
                .map(|listener| listening.take_media(listener)),
            tls.clone().map(tasks::keep_certificate),
            Some(tasks::watch_addresses(media.media.clone(), media.addresses)),
            Some(tasks::forget(services.store().clone())),
            Some(tasks::reconcile(&services)),
        ];
        let further = routes::further(legacy_api, &gate, &services);
        let router = routes::router(&services, &media.media, gate, public_url, further);
        let mut ending = None;
        let told = async {
            stop.await;
            ending = Some(Ending::begin(services.registry()).await);
            stop_sessions.send_replace(true);
            drop(stop_others);
        };
        listening.serve_page(ports.page, tls, router, told).await;
        for task in tasks.into_iter().flatten() {
            task.abort();
        }
        let ending = ending.unwrap_or_default();
        ending.finish(&sockets, &services, &media.media).await;
        drop(lock);
        tracing::info!("stopped");
    }
}
