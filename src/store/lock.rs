//! Keeps other servers from the same data: a lock that the process holds and the system releases, however the process
//! ends.
//!
//! Two servers on one data folder would close each other's memberships and not know each other's rooms. The command
//! line takes no lock: it works beside a server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::connect::{make_private_folder, sqlite_file, unusable};

/// The name of the lock in the data folder.
const LOCK: &str = "server.lock";

/// Why the data cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Locked {
    /// Another process has it.
    #[error("another server is running on {}", .0.display())]
    Held(PathBuf),
    /// The lock's file cannot be made or opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Holds the data until it is dropped, or the process ends.
#[derive(Debug)]
pub struct DataLock {
    _files: Vec<File>,
}

impl DataLock {
    /// Takes the data folder, and the file of a SQLite database, which may be elsewhere. Makes the folder if it is
    /// missing.
    ///
    /// # Errors
    /// [`Locked::Held`] when another process has one of the two.
    pub fn take(data: &Path, database_url: &str) -> Result<Self, Locked> {
        let mut files = vec![lock(data.join(LOCK), data)?];
        if database_url.starts_with("sqlite:")
            && let Some(database) = sqlite_file(database_url)?
            // A folder in its place is refused when it is opened.
            && !database.is_dir()
        {
            let mut name = database.clone().into_os_string();
            name.push(".lock");
            files.push(lock(name.into(), &database)?);
        }
        Ok(Self { _files: files })
    }
}

fn lock(path: PathBuf, of: &Path) -> Result<File, Locked> {
    let open = || {
        make_private_folder(path.parent().unwrap_or(Path::new(".")))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)
    };
    let file = open().map_err(|error| unusable(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Locked::Held(of.to_owned())),
        // Some network file systems have no locks. There, a second server is not kept out.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            tracing::warn!(path = %path.display(), "this file system cannot tell whether another server runs on it");
            Ok(file)
        }
        Err(TryLockError::Error(error)) => Err(unusable(&path, error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_held_by_one_at_a_time() {
        let [home, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let data = home.path().join("data");
        let url = format!("sqlite://{}", other.path().join("meeting.db").display());
        let held = DataLock::take(&data, &url).unwrap();
        let again = DataLock::take(&data, "sqlite::memory:").unwrap_err();
        assert_eq!(
            again.to_string(),
            format!("another server is running on {}", data.display())
        );
        // Another folder, and the same database.
        let elsewhere = home.path().join("elsewhere");
        let again = DataLock::take(&elsewhere, &url).unwrap_err();
        assert!(again.to_string().contains("meeting.db"), "{again}");
        drop(held);
        DataLock::take(&data, &url).unwrap();
    }
}
