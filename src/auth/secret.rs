//! The key that signs tokens: made on the first run, kept in a file that only its owner can read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;

use crate::secret_file;

/// The shortest accepted secret: as long as the output of the HMAC (RFC 7518 §3.2).
pub const MIN_SECRET_BYTES: usize = 32;
/// A secret with fewer different bytes is a word repeated, not a secret.
const MIN_DIFFERENT_BYTES: usize = 10;
/// The length of a generated secret, before base64.
const RANDOM_BYTES: usize = 64;
/// Secrets from examples and tutorials.
const KNOWN: [&str; 8] = [
    "meeting",
    "secret",
    "password",
    "changeme",
    "change-me",
    "jwt-secret",
    "example",
    "test",
];

/// The key that signs tokens. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It stands in public examples.
    #[error("the token secret is a publicly known word; remove it, and one is made")]
    Known,
    /// It could be guessed.
    #[error(
        "the token secret is shorter than 32 bytes or hardly random; remove it, and one is made"
    )]
    Weak,
    /// The file cannot be read or made, or others can read or change it.
    #[error("the token secret's file {path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Secret {
    /// Takes a configured secret as it is, without surrounding white space.
    ///
    /// # Errors
    /// [`SecretError::Known`], [`SecretError::Weak`].
    pub fn parse(raw: &str) -> Result<Self, SecretError> {
        let raw = raw.trim();
        let lower = raw.to_ascii_lowercase();
        if KNOWN.contains(&lower.as_str()) {
            return Err(SecretError::Known);
        }
        let different: std::collections::BTreeSet<u8> = raw.bytes().collect();
        if raw.len() < MIN_SECRET_BYTES || different.len() < MIN_DIFFERENT_BYTES {
            return Err(SecretError::Weak);
        }
        Ok(Self(raw.as_bytes().to_vec()))
    }

    /// Reads the secret in `path`, or makes one there: mode 0600, in a directory of mode 0700 if that is made too.
    /// Of several processes that do so at once, all come to use the same.
    ///
    /// # Errors
    /// [`SecretError`], each variant.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::File {
            path: path.to_owned(),
            source,
        };
        let text = match secret_file::read_text(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                secret_file::read_text(path).map_err(failed)?
            }
            read => read.map_err(failed)?,
        };
        Self::parse(&text)
    }

    /// The key's bytes: for signing and verifying only.
    pub(super) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Writes a new secret to another file and links it into place, so that nobody reads half of one. A file that another
/// process has put there stays.
fn create(path: &Path) -> std::io::Result<()> {
    let directory = path
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    make_directory(directory)?;
    let mut bytes = [0u8; RANDOM_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    let aside = directory.join(format!(".secret-{:016x}", rand::rng().next_u64()));
    let written = create_private(&aside).and_then(|mut file| {
        writeln!(file, "{}", STANDARD.encode(bytes))?;
        file.sync_all()
    });
    let linked = written.and_then(|()| std::fs::hard_link(&aside, path));
    let removed = std::fs::remove_file(&aside);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => removed,
    }
}

fn make_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_others_know_or_guess_are_refused() {
        for known in ["meeting", "SECRET", " changeme\n"] {
            assert!(
                matches!(Secret::parse(known), Err(SecretError::Known)),
                "{known:?}"
            );
        }
        for weak in [
            "",
            "short but random 8fK2",
            &"meeting".repeat(10),
            &"a".repeat(64),
        ] {
            assert!(
                matches!(Secret::parse(weak), Err(SecretError::Weak)),
                "{weak:?}"
            );
        }
        assert!(Secret::parse("kX9!vQ2mZ7#pL4wT8rB1nC6yD3fG5hJ0").is_ok());
    }

    #[test]
    fn the_first_run_makes_a_secret_and_later_ones_keep_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data/secret");
        let first = Secret::load_or_create(&path).unwrap();
        let second = Secret::load_or_create(&path).unwrap();
        assert_eq!(first.reveal(), second.reveal());
        assert_eq!(first.reveal().len(), 88);
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
    }

    #[test]
    fn several_first_runs_agree_on_one_secret() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Secret::load_or_create(&path).unwrap()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(
            secrets
                .iter()
                .all(|secret| secret.reveal() == secrets[0].reveal())
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_made_secret() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data/secret");
        Secret::load_or_create(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_others_can_read_is_refused_and_left_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        let first = Secret::load_or_create(&path).unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for mode in [0o644, 0o604, 0o620] {
            set(&path, mode);
            let refused = Secret::load_or_create(&path).unwrap_err();
            let SecretError::File { source, .. } = refused else {
                panic!("{mode:o}: {refused}");
            };
            let sentence = source.to_string();
            assert!(
                sentence.contains(&format!("chmod 600 {}", path.display())),
                "{sentence}"
            );
            assert!(!sentence.contains('\n'), "{sentence}");
        }
        for mode in [0o600, 0o400, 0o440] {
            set(&path, mode);
            assert_eq!(
                Secret::load_or_create(&path).unwrap().reveal(),
                first.reveal()
            );
        }
    }

    #[test]
    fn a_known_secret_in_the_file_stops_the_start() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        create_private(&path)
            .unwrap()
            .write_all(b"meeting\n")
            .unwrap();
        assert!(matches!(
            Secret::load_or_create(&path),
            Err(SecretError::Known)
        ));
        assert_eq!(format!("{:?}", Secret(b"visible".to_vec())), "Secret(…)");
    }
}
