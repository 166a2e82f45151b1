//! argon2id with reused memory.
//!
//! A run needs 19 MiB. Memory that each run allocates anew, on any thread, stays with the allocator once per thread. So
//! runs borrow their blocks from a [`Pool`], which holds only as many as ran at one time.
//!
//! Measured with a debug build after three storms of 60 log-ins: 46 MB stay. With memory allocated per run it was 253
//! MB.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Memory, passes and lanes (OWASP Password Storage Cheat Sheet, "Argon2id").
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The blocks of finished runs, for later ones.
#[derive(Clone, Default)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Memory>>>,
}

/// The working memory of a run. Every run writes a block before it reads it (RFC 9106 §3.2), so it need not be cleared.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
}

impl Pool {
    /// Does `work` in idle memory, or in new memory if none is idle. So the pool grows to the most that was ever used
    /// at one time.
    pub fn with<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut memory = kept.unwrap_or_default();
        let outcome = work(&mut memory);
        idle().push(memory);
        outcome
    }
}

/// Hashing failed: an impossible parameter, or no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed;

/// Hashes with a new salt; returns a PHC string.
///
/// # Errors
/// [`Failed`].
pub(super) fn hash(password: &[u8], memory: &mut Memory) -> Result<String, Failed> {
    let salt = Salt::generate();
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Failed)?;
    let written = ParamsString::try_from(&params).map_err(|_| Failed)?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let argon2 = Argon2::new(algorithm, version, params);
    let output = memory.run(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: written,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Whether `stored` was made from this password, by the algorithm and the parameters that it names.
///
/// # Errors
/// [`Failed`] when it names none that can be run.
pub(super) fn matches(
    password: &[u8],
    stored: &PasswordHash,
    memory: &mut Memory,
) -> Result<bool, Failed> {
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(Failed);
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| Failed)?;
    let version = stored.version.map(Version::try_from).transpose();
    let version = version.map_err(|_| Failed)?.unwrap_or_default();
    let params = Params::try_from(stored).map_err(|_| Failed)?;
    let argon2 = Argon2::new(algorithm, version, params);
    let output = memory.run(&argon2, password, salt, expected.len())?;
    // Compared in constant time.
    Ok(output == *expected)
}

/// Whether a new hash would have another algorithm or other parameters.
pub(super) fn is_outdated(hash: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return true;
    };
    let cost = (params.m_cost(), params.t_cost(), params.p_cost());
    hash.algorithm != Algorithm::Argon2id.ident() || cost != (MEMORY_KIB, PASSES, LANES)
}

impl Memory {
    /// One run. A hash that needs more memory than ours gets memory of its own.
    fn run(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        length: usize,
    ) -> Result<Output, Failed> {
        let mut bytes = [0; Output::MAX_LENGTH];
        let out = bytes.get_mut(..length).ok_or(Failed)?;
        let hashed = if argon2.params().block_count() > MEMORY_KIB as usize {
            argon2.hash_password_into(password, salt, out)
        } else {
            argon2.hash_password_into_with_memory(password, salt, &mut *out, self.blocks()?)
        };
        hashed.map_err(|_| Failed)?;
        Output::new(out).map_err(|_| Failed)
    }

    fn blocks(&mut self) -> Result<&mut [Block], Failed> {
        // A block is a KiB (RFC 9106 §3.1).
        let count = MEMORY_KIB as usize;
        if self.blocks.is_empty() {
            self.blocks.try_reserve_exact(count).map_err(|_| Failed)?;
            self.blocks.resize(count, Block::new());
        }
        Ok(&mut self.blocks)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    fn made_by_the_crate(algorithm: Algorithm, version: Version, params: Params) -> String {
        let argon2 = Argon2::new(algorithm, version, params);
        argon2.hash_password(b"correct horse").unwrap().to_string()
    }

    #[test]
    fn what_is_hashed_here_is_right_for_the_crate() {
        let mut memory = Memory::default();
        for _ in 0..2 {
            let hash = hash(b"correct horse", &mut memory).unwrap();
            assert!(
                hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
                "{hash}"
            );
            let verify = |password| Argon2::default().verify_password(password, hash.as_str());
            assert!(verify(b"correct horse").is_ok() && verify(b"correct horsf").is_err());
        }
    }

    #[test]
    fn a_stored_hash_is_checked_at_its_own_cost() {
        let params = |memory, passes, lanes| Params::new(memory, passes, lanes, None).unwrap();
        let (newest, oldest) = (Version::V0x13, Version::V0x10);
        let mut memory = Memory::default();
        for (algorithm, version, params) in [
            (Algorithm::Argon2id, newest, params(64, 1, 1)),
            (Algorithm::Argon2id, newest, params(MEMORY_KIB, 1, 4)),
            (Algorithm::Argon2id, newest, params(2 * MEMORY_KIB, 1, 1)),
            (Algorithm::Argon2i, oldest, params(64, 3, 2)),
            (
                Algorithm::Argon2d,
                newest,
                Params::new(64, 1, 1, Some(16)).unwrap(),
            ),
        ] {
            let stored = made_by_the_crate(algorithm, version, params);
            let stored = PasswordHash::new(&stored).unwrap();
            let mut verdict = |password| matches(password, &stored, &mut memory);
            assert_eq!(verdict(b"correct horse"), Ok(true), "{stored}");
            assert_eq!(verdict(b"correct horsf"), Ok(false), "{stored}");
            assert!(is_outdated(&stored));
        }
    }

    #[test]
    fn what_cannot_be_run_fails() {
        let mut memory = Memory::default();
        for stored in [
            "$argon2id$v=19$m=64,t=1,p=1",
            "$argon2id$v=19$m=64,t=1,p=1$bm9ib2R5J3Mgc2FsdA",
            "$argon2id$v=19$m=1,t=1,p=1$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=7$m=64,t=1,p=1$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            let stored = PasswordHash::new(stored).unwrap();
            assert_eq!(matches(b"x", &stored, &mut memory), Err(Failed), "{stored}");
        }
    }

    #[test]
    fn there_is_as_much_memory_as_was_used_at_once() {
        let pool = Pool::default();
        for _ in 0..3 {
            pool.with(|one| {
                pool.with(|other| one.blocks().unwrap().len() + other.blocks().unwrap().len())
            });
            pool.with(|memory| assert_eq!(memory.blocks.len(), MEMORY_KIB as usize));
        }
        assert_eq!(pool.idle.lock().unwrap().len(), 2);
    }
}
