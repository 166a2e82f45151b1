//! What a stranger sends, as functions of bytes: for the fuzzer in `fuzz/`, and for the test here that plays its corpora.
//!
//! Each target takes any bytes and must come back: it may refuse them, and may not panic, recurse or grow without bound.

/// The name of a target's folder in `fuzz/corpus`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// What is fuzzed.
pub const TARGETS: &[Target] = &[
    ("candidate", crate::media::fuzzing::candidate),
    ("description", crate::media::fuzzing::description),
    ("dtls_guard", crate::media::fuzzing::dtls_guard),
    ("envelope", envelope),
    ("recurrence", recurrence),
    ("request_head", crate::http::fuzzing::request_head),
    ("rtcp", crate::media::fuzzing::rtcp),
    ("rtp", crate::media::fuzzing::rtp),
    ("stun", crate::media::fuzzing::stun),
];

/// Gives bytes to the target of this name.
///
/// # Panics
/// Where there is no such target, and where the target finds a fault.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.expect("a target of this name");
    target(bytes);
}

/// A frame on `/ws`, and the request in it.
pub fn envelope(bytes: &[u8]) {
    use crate::protocol::frame::RequestFrame;
    use crate::protocol::request::Request;
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(frame) = RequestFrame::decode(text) {
        let _ = Request::decode(&frame.kind, frame.data.as_deref());
    }
}

/// A recurrence rule, and the first days that it names.
pub fn recurrence(bytes: &[u8]) {
    use crate::meeting::recurrence::{Pattern, rule::Rule};
    use crate::protocol::time_zone::TimeZone;
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(rule) = Rule::read(text, TimeZone::UTC, chrono::NaiveTime::MIN) {
        let first = chrono::NaiveDate::default();
        let days = Pattern::new(rule, first);
        let found = days.days(first, first + chrono::Days::new(1_000));
        assert!(found.take(10).is_sorted());
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    /// Changed copies of each input.
    const COPIES: usize = 100;

    #[test]
    fn every_corpus_is_survived_and_so_are_its_changed_copies() {
        for (name, target) in TARGETS {
            let inputs = corpus(name);
            assert!(!inputs.is_empty(), "{name} has a corpus");
            let mut random = StdRng::seed_from_u64(7);
            for input in &inputs {
                target(input);
                for _ in 0..COPIES {
                    target(&changed(input, &inputs, &mut random));
                }
            }
        }
    }

    #[test]
    fn every_target_has_its_program_and_its_folder() {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        for (folder, ending) in [("targets", ".rs"), ("corpus", "")] {
            let entries = std::fs::read_dir(root().join(folder)).unwrap();
            let mut found: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            let wanted: Vec<String> = names.iter().map(|name| format!("{name}{ending}")).collect();
            assert_eq!(found, wanted);
        }
    }

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
    }

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("corpus").join(name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// As a fuzzer changes what it has: some bytes set, cut out, doubled, or taken from another input.
    fn changed(input: &[u8], others: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..random.random_range(1..5) {
            let at = random.random_range(0..=bytes.len());
            let end = random.random_range(at..=bytes.len().min(at + 16));
            match random.random_range(0..5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.insert(at, random.random()),
                3 => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => {
                    let other = &others[random.random_range(0..others.len())];
                    let from = random.random_range(0..=other.len());
                    let to = random.random_range(from..=other.len());
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
            }
        }
        bytes
    }
}
