//! One run of the server, from its start to its crash. All of it is the product's but the sockets, the handlers that need
//! a database, the thread around the media machine, and the clock.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::Instant;

use super::handlers::Handlers;
use super::line::Line;
use super::store::{Database, Taken};
use crate::auth::tokens::DEFAULT_LIFETIME;
use crate::auth::{Secret, Tokens};
use crate::media::by_hand::ByHand;
use crate::network::Network;
use crate::protocol::time::Timestamp;
use crate::rooms::Registry;
use crate::sessions::stand_in::take_up_all;
use crate::sessions::{
    GuestPolicy, Policy, RateLimiting, RegistrationPolicy, Services, ServicesParts,
};
use crate::store::{HistoryWriter, StateChange, StateWriter, Store};

/// How long a session is kept without a socket.
pub const KEPT: Duration = Duration::from_secs(30);

thread_local! {
    /// The time on the wall when a run began, and the runtime's then.
    static BEGAN: std::cell::Cell<Option<(i64, Instant)>> = const { std::cell::Cell::new(None) };
}

/// The time on the wall goes with the runtime's.
fn wall() -> Timestamp {
    let (millis, began) = BEGAN.get().expect("a run has begun");
    let passed = Instant::now().saturating_duration_since(began).as_millis();
    Timestamp::from_unix_millis(millis + i64::try_from(passed).unwrap()).unwrap()
}

/// A running server.
pub struct Server {
    runtime: Runtime,
    pub services: Services,
    pub media: ByHand,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Starts it at `millis` on the wall, and takes up what the last run has saved.
    pub fn start(database: &Database, millis: i64, faults: &Arc<Mutex<Vec<String>>>) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .event_interval(1)
            .build()
            .unwrap();
        let guard = runtime.enter();
        BEGAN.set(Some((millis, Instant::now())));
        crate::protocol::time::VIRTUAL.set(Some(wall));
        let (media, by_hand) = ByHand::new(Instant::now().into_std());
        let (stop, stopping) = watch::channel(false);
        let writing = database.clone();
        let states = StateWriter::start_with(move |changes: Arc<Vec<StateChange>>| {
            let writing = writing.clone();
            async move { writing.write_states(&changes).await }
        });
        let store = Store::nowhere();
        let secret = Secret::parse("a-secret-that-only-this-simulation-has-0123456789").unwrap();
        let parts = ServicesParts {
            registry: Registry::with_clock(media, Arc::new(Timestamp::now)),
            history: HistoryWriter::start(store.clone()),
            states: states.clone(),
            store,
            tokens: Tokens::new(&secret, DEFAULT_LIFETIME),
            stop: stopping,
        };
        let policy = Policy {
            guests: GuestPolicy::Admitted,
            registration: RegistrationPolicy::Open,
            rate_limiting: RateLimiting::Off,
            kept_for: KEPT,
            most_kept: 100,
        };
        let services = Services::new(parts, policy);
        services.set_stand_in(Arc::new(Handlers {
            database: database.clone(),
            carried_out: Mutex::new(BTreeSet::new()),
            faults: faults.clone(),
        }));
        let (rooms, beat) = database.begin_anew();
        drop(guard);
        let taken = Taken(database, &states);
        runtime.block_on(take_up_all(&services, &taken, rooms, Some(beat)));
        Self {
            runtime,
            services,
            media: by_hand,
            stop,
        }
    }

    /// A client opens a socket.
    pub fn open(&self, client: usize) -> Line {
        let _guard = self.runtime.enter();
        let address = Ipv4Addr::new(192, 0, 2, u8::try_from(client).unwrap());
        Line::open(Network::of(address.into()), &self.services)
    }

    /// So many tasks go on by one step.
    pub fn step(&mut self, steps: usize) {
        self.runtime.block_on(async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
        });
        self.turn_media();
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.runtime
            .block_on(async { tokio::time::sleep(time).await });
        self.turn_media();
    }

    fn turn_media(&mut self) {
        let _guard = self.runtime.enter();
        self.media.turn(Instant::now().into_std());
    }

    /// The time on the wall, in milliseconds.
    pub fn millis(&self) -> i64 {
        let _guard = self.runtime.enter();
        wall().unix_millis()
    }

    /// Asks something of it while time may pass.
    pub fn ask<T>(&self, question: impl Future<Output = T>) -> T {
        self.runtime.block_on(question)
    }

    /// Goes down in order, as far as `time` lets it.
    pub fn drain(&mut self, time: Duration) {
        let registry = self.services.registry().clone();
        self.runtime.block_on(async {
            // What is not saved by then is as after a crash.
            let _ = tokio::time::timeout(Duration::from_secs(1), registry.seal()).await;
        });
        self.stop.send_replace(true);
        self.pass(time);
    }
}

impl Drop for Server {
    /// It is killed: nothing that is under way goes on.
    fn drop(&mut self) {
        let _guard = self.runtime.enter();
    }
}
