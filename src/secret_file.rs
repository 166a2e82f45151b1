//! Files with a secret in them. One rule says which ones are read: the key that signs tokens, the relays' secret, the
//! keys of certificates and of the account at an authority, and settings with a password.
//!
//! A secret that any user of the machine can read, or that anybody but its owner can change, is refused. Its group may
//! read it. Service managers and containers hand secrets over in this way: systemd as 0440, with an access list whose
//! mask stands in the group's bits (`LoadCredential=`), Kubernetes and Docker as 0440 of a group where
//! the operator says so. ssh(1) refuses a group too, and PostgreSQL allows it for the same reason as here.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What others may do and the group may change.
const EXPOSING: u32 = 0o027;

/// Others can read or change a secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "others can read or change {}: run `chmod 600 {}`, and replace the secret if they may have read it",
    .0.display(), .0.display()
)]
struct Exposed(PathBuf);

/// Whether a secret in a file of this mode is refused.
pub fn is_exposed(mode: u32) -> bool {
    mode & EXPOSING != 0
}

/// Opens a file with a secret. A link counts as what it leads to.
///
/// # Errors
/// It cannot be opened, or others can read or change it. Then the error says what to do.
pub fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && is_exposed(metadata.permissions().mode()) {
        return Err(io::Error::other(Exposed(path.to_owned())));
    }
    Ok(file)
}

/// Reads a file with a secret.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file with a secret that is text.
///
/// # Errors
/// As [`open`], or it is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn what_others_can_read_or_the_group_can_change_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("key"), folder.path().join("link"));
        fs::write(&path, "north").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for mode in [0o644, 0o604, 0o602, 0o601, 0o620, 0o660, 0o444] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            for name in [&path, &link] {
                let sentence = read(name).unwrap_err().to_string();
                let remedy = format!("run `chmod 600 {}`", name.display());
                assert!(sentence.contains(&remedy), "{mode:o}: {sentence}");
                assert_eq!(read_text(name).unwrap_err().to_string(), sentence);
            }
        }
        for mode in [0o600, 0o400, 0o640, 0o440] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap(), b"north", "{mode:o}");
            assert_eq!(read_text(&link).unwrap(), "north", "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_file_on_a_disk_has_no_mode_that_says_anything() {
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
        let missing = read(Path::new("/nowhere/key")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
