//! Tasks that run beside the requests until they are aborted.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::addresses::{self, MediaAddresses};
use crate::media::Media;
use crate::protocol::time::Timestamp;
use crate::sessions::{self, Services};
use crate::store::Store;
use crate::supervise;
use crate::tls::Tls;

/// How often expired records are deleted: tokens that were made void, and meetings that nobody came back to.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3_600);

/// Renews the certificate, or reads it again.
pub(super) fn keep_certificate(tls: Tls) -> JoinHandle<()> {
    supervise::keep("keeping the certificate", move || tls.clone().keep())
}

/// Looks again and again which addresses media has now.
pub(super) fn watch_addresses(media: Media, addresses: MediaAddresses) -> JoinHandle<()> {
    supervise::keep("looking at the media addresses", move || {
        addresses::watch(addresses.clone(), media.clone())
    })
}

/// Looks for changes that other processes made in the database.
pub(super) fn reconcile(services: &Services) -> JoinHandle<()> {
    let (table, registry) = (services.table().clone(), services.registry().clone());
    let store = services.store().clone();
    supervise::keep("looking at the database", move || {
        sessions::reconcile::run(table.clone(), registry.clone(), store.clone())
    })
}

/// Deletes expired records.
pub(super) fn forget(store: Store) -> JoinHandle<()> {
    supervise::keep("forgetting what is over", move || prune(store.clone()))
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
