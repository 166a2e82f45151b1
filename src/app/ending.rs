//! The shutdown: its order and its deadlines.

use std::time::{Duration, Instant};

use super::activation;
use crate::http::Sockets;
use crate::media::Media;
use crate::rooms::Registry;
use crate::sessions::Services;

/// The whole shutdown takes no longer than this; parts that have not ended by then are dropped. Service managers wait
/// longer, and people should not have to.
const DEADLINE: Duration = Duration::from_secs(4);

/// Each part has at least this much time to end, even if the parts before it used all of the [`DEADLINE`].
pub(super) const LEAST_TIME: Duration = Duration::from_millis(100);

/// Meetings are saved within this time, before sessions are told to come back later.
const SEAL_DEADLINE: Duration = Duration::from_secs(1);

/// A shutdown under way.
pub(super) struct Ending {
    by: Instant,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            by: Instant::now() + DEADLINE,
        }
    }
}

impl Ending {
    /// The server was told to end. Saves the meetings while everybody is still in them.
    pub(super) async fn begin(registry: &Registry) -> Self {
        tracing::info!("stopping: sessions are told to come back later");
        activation::is_stopping();
        let ending = Self::default();
        let sealed = tokio::time::timeout(SEAL_DEADLINE, registry.seal());
        if sealed.await.is_err() {
            tracing::warn!("some meetings were not saved in time");
        }
        ending
    }

    /// Waits for each part to end, from the sockets down to the database. No part ends before those that use it.
    pub(super) async fn finish(&self, sockets: &Sockets, services: &Services, media: &Media) {
        self.within("sessions", async {
            sockets.drained().await;
            services.kept().ended().await;
        })
        .await;
        self.within("rooms", services.registry().emptied()).await;
        self.within("attendance", services.history().flush()).await;
        self.within("meetings", services.states().flush()).await;
        self.within("media", media.shutdown()).await;
        self.within("the database", services.store().close()).await;
    }

    /// Gives one part its time to end.
    async fn within(&self, what: &'static str, end: impl Future<Output = ()>) {
        let left = self.by.saturating_duration_since(Instant::now());
        let left = left.max(LEAST_TIME);
        if tokio::time::timeout(left, end).await.is_err() {
            tracing::warn!(what, "did not end in time");
        }
    }
}
