//! What another process changes in the database takes effect in the server: rooms that were ended, deleted or edited,
//! accounts that were disabled, deleted or given another password.
//!
//! The command line is another process and the database is the truth, so the server looks, once a second, and only at
//! what is live in it: with nobody there it asks nothing. What it finds becomes the same commands that requests become.
//! While the database is away there is nothing to find, and nothing is logged about it here.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::handlers::room_view;
use super::table::Table;
use crate::meeting::Command;
use crate::meeting::command::PasswordEdit;
use crate::protocol::event::EndReason;
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::time::Timestamp;
use crate::rooms::{Origin, Registry, RoomLink};
use crate::store::{Store, StoreError, WatchedRoom};

/// How often it looks. What the command line does is seen by everyone within twice this.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often it writes down that people are in rooms: a server that is killed counts its last people at most so much
/// too short.
const BEAT: Duration = Duration::from_secs(5);

/// Looks for ever; ends with the task.
pub async fn run(table: Table, registry: Registry, store: Store) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reconciler = Reconciler::new(table, registry, store);
    loop {
        interval.tick().await;
        match reconciler.look().await {
            Ok(()) => {}
            Err(error) if error.is_passing() => {
                tracing::debug!("the database is away: what was changed in it is seen later");
            }
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "what was changed beside the server cannot be read"
            ),
        }
    }
}

struct Reconciler {
    table: Table,
    registry: Registry,
    store: Store,
    /// The version of each live room that it was told of last.
    known: HashMap<RoomIdentity, u64>,
    beat_at: Option<Instant>,
}

impl Reconciler {
    fn new(table: Table, registry: Registry, store: Store) -> Self {
        Self {
            table,
            registry,
            store,
            known: HashMap::new(),
            beat_at: None,
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        self.look_at_accounts().await?;
        self.look_at_rooms().await
    }

    async fn look_at_accounts(&self) -> Result<(), StoreError> {
        let accounts = self.table.accounts();
        if accounts.is_empty() {
            return Ok(());
        }
        let wanted: Vec<UserId> = accounts.iter().cloned().collect();
        let found = self.store.watch_users(&wanted).await?;
        let found = found
            .into_iter()
            .map(|user| (user.id, user.tokens_valid_after));
        self.table.end_void(&accounts, &found.collect());
        Ok(())
    }

    async fn look_at_rooms(&mut self) -> Result<(), StoreError> {
        // Taken before the question: an answer must not be applied to a run of the room that began after it.
        let mut running = self.registry.running();
        // Nobody can have changed what is in memory alone.
        running.retain(|(_, handle)| handle.origin() == Origin::Store);
        if running.is_empty() {
            self.known.clear();
            self.beat_at = None;
            return Ok(());
        }
        self.beat().await?;
        let identities: Vec<_> = running.iter().map(|(room, _)| room.clone()).collect();
        let found = self.store.watch_rooms(&identities).await?;
        let mut found: HashMap<RoomIdentity, WatchedRoom> = found
            .into_iter()
            .map(|room| (room.identity.clone(), room))
            .collect();
        self.known.retain(|room, _| found.contains_key(room));
        for (identity, handle) in running {
            match found.remove(&identity) {
                None => tell(&handle, Command::Delete { by: None }).await,
                Some(room) if room.is_closed => {
                    let reason = EndReason::Operator;
                    tell(&handle, Command::Close { reason }).await;
                }
                Some(room) => self.tell_of_edits(room, &handle).await?,
            }
        }
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), StoreError> {
        if self.beat_at.is_none_or(|at| at.elapsed() >= BEAT) {
            self.store.beat(Timestamp::now()).await?;
            self.beat_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Tells a room how it stands in the database, when that is newer than what it was told last. A room that knows it
    /// already - its own people edited it, or it has just begun - takes no notice.
    async fn tell_of_edits(
        &mut self,
        seen: WatchedRoom,
        handle: &RoomLink,
    ) -> Result<(), StoreError> {
        if self.known.get(&seen.identity) == Some(&seen.version) {
            return Ok(());
        }
        let found = self.store.find_room(seen.identity.as_str()).await?;
        if let Some(room) = found {
            self.known.insert(seen.identity, room.version);
            let facts = Box::new(room_view::facts(&room));
            let password = PasswordEdit::Kept;
            tell(handle, Command::Edited { facts, password }).await;
        }
        Ok(())
    }
}

async fn tell(handle: &RoomLink, command: Command) {
    // A room that has just closed need not be told.
    if handle.call_surely(command).await.is_err() {
        tracing::debug!("a room was closed before it could be told");
    }
}
