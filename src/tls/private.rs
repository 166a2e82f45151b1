//! Files that only the server may read.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::secret_file;

/// Writes `bytes` to `path` in one step, so that a crash leaves the old file. A missing folder is made, and is private
/// to the server too.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = folder.join(name);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

/// Reads the file, if only the server may. None if it does not exist.
pub(super) fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match secret_file::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_for_the_owner_alone_even_over_what_was_open() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("tls/key");
        std::fs::create_dir(data.path().join("tls")).unwrap();
        std::fs::write(&path, "old").unwrap();
        std::fs::write(data.path().join("tls/key.new"), "left over").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"new"[..]));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&data.path().join("tls")), 0o700);
        assert_eq!(read(&data.path().join("none")).unwrap(), None);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).is_err(), "others may have read it");
    }
}
