//! The data directory, with its lock and its secret.

use crate::auth::Secret;
use crate::cli::Failure;
use crate::config::Config;
use crate::store::{DataLock, NodeId};

/// The data directory. It is this server's alone while the lock is held.
pub(super) struct Data {
    pub(super) lock: DataLock,
    pub(super) node: NodeId,
}

impl Data {
    /// Takes the directory.
    ///
    /// # Errors
    /// The secret cannot be used, another server has the directory, or it cannot be written.
    pub(super) fn take(config: &Config) -> Result<Self, Failure> {
        if config.auth.secret_file.exists() {
            // A secret that cannot be used is refused before anything is made. A missing one is made last.
            secret(config)?;
        }
        let storage = &config.storage;
        let data = storage.data_dir.display();
        let unusable = format!("cannot use the data directory {data}");
        let lock = DataLock::take(&storage.data_dir, storage.database_url.reveal())
            .map_err(|error| Failure::because(unusable.clone(), &error))?;
        let node =
            NodeId::of(&storage.data_dir).map_err(|error| Failure::because(unusable, &error))?;
        Ok(Self { lock, node })
    }
}

/// Reads the secret that signs log-in tokens; makes it if there is none.
///
/// # Errors
/// It cannot be read or written.
pub(super) fn secret(config: &Config) -> Result<Secret, Failure> {
    Secret::load_or_create(&config.auth.secret_file)
        .map_err(|error| Failure::because("cannot use the token secret", &error))
}
