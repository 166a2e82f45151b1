//! The id of this server, as several may share one database. Memberships and beats carry it. So after a crash each
//! server closes only what it left open itself.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::StoreError;
use super::connect::{make_private_folder, new_private_file, unusable};

/// The name of its file in the data folder.
const FILE: &str = "node";
/// Lower rows of the beats have other meanings: 1 is the server from before nodes had names, and 2 is the health check.
const FIRST: i64 = 3;

/// The number of a server: random, made at its first start, kept in its data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub(super) i64);

impl NodeId {
    /// The server from before nodes had names, and every process that is no server.
    pub const UNNAMED: Self = Self(1);

    /// Reads the number from the data folder, or makes one there.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be read or made, or holds no number.
    pub fn of(data: &Path) -> Result<Self, StoreError> {
        let path = data.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).ok_or_else(|| {
                StoreError::File(std::io::Error::new(
                    ErrorKind::InvalidData,
                    format!("{} holds no node number", path.display()),
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let node = Self::random();
                node.write(&path).map_err(|error| unusable(&path, error))?;
                Ok(node)
            }
            Err(error) => Err(unusable(&path, error)),
        }
    }

    /// Positive, and small enough to be exact in every language.
    fn random() -> Self {
        Self(rand::random_range(FIRST..1 << 53))
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.trim().parse().ok()?;
        (number >= FIRST).then_some(Self(number))
    }

    /// Writes the file completely or not at all: a crash in between leaves another file.
    fn write(self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            make_private_folder(folder)?;
        }
        let draft = path.with_extension("new");
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => new_private_file(&draft)?,
        }
        let mut file = std::fs::OpenOptions::new().write(true).open(&draft)?;
        writeln!(file, "{}", self.0)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_number_and_another_has_another() {
        let [home, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let data = home.path().join("data");
        let node = NodeId::of(&data).unwrap();
        assert!(node.0 >= FIRST);
        assert_eq!(NodeId::of(&data).unwrap(), node);
        assert_ne!(NodeId::of(other.path()).unwrap(), node);
    }

    #[test]
    fn a_file_without_a_number_is_refused_and_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        for text in ["", "one", "-7", "2"] {
            std::fs::write(home.path().join(FILE), text).unwrap();
            assert!(matches!(NodeId::of(home.path()), Err(StoreError::File(_))));
            let left = std::fs::read_to_string(home.path().join(FILE)).unwrap();
            assert_eq!(left, text);
        }
    }
}
