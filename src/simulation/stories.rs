//! Bugs that the simulation has found, each as a story.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::store::ROOM;
use crate::store::{StateWriter, StoreError};

/// Nobody could come into a room with a waiting room any more after the database had been away.
#[tokio::test(start_paused = true)]
async fn a_meeting_is_saved_when_the_database_is_back_though_nothing_else_waits() {
    let is_away = Arc::new(AtomicBool::new(true));
    let seen = is_away.clone();
    let states = StateWriter::start_with(move |_| {
        let is_away = seen.load(Ordering::Relaxed);
        async move { (!is_away).then_some(()).ok_or_else(StoreError::away) }
    });
    assert!(states.keep_surely(ROOM, None).await.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    is_away.store(false, Ordering::Relaxed);
    assert_eq!(states.keep_surely(ROOM, None).await, Ok(()));
}
