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
    ("frames", crate::http::fuzzing::frames),
    ("recurrence", recurrence),
    ("request_head", crate::http::fuzzing::request_head),
    ("rtcp", crate::media::fuzzing::rtcp),
    ("rtp", crate::media::fuzzing::rtp),
    ("snapshot", snapshot),
    ("stun", crate::media::fuzzing::stun),
    ("text", text),
    ("token", token),
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

/// A recurrence rule: the first days that it names, the form in which it is kept, and the meetings of a room that comes
/// again by it, where clocks are changed and where not.
pub fn recurrence(bytes: &[u8]) {
    use crate::meeting::recurrence::{Pattern, rule};
    use crate::meeting::schedule;
    use crate::protocol::time::Timestamp;
    use crate::protocol::time_zone::TimeZone;
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // A Monday in summer, the last of its month.
    let begin = Timestamp::from_unix_millis(1_969_606_800_000).expect("a time");
    let after = |hours: i64| Timestamp::from_unix_millis(begin.unix_millis() + hours * 3_600_000);
    let (end, later) = (after(1).expect("a time"), after(2_000).expect("a time"));
    let zone = |name: &str| TimeZone::try_from(name.to_owned()).expect("a zone");
    let zones = ["Europe/Berlin", "America/New_York"].map(zone);
    for zone in [TimeZone::UTC].into_iter().chain(zones) {
        let first = zone.wall(begin.utc());
        let Ok(read) = rule::Rule::read(text, zone, first.time()) else {
            continue;
        };
        let Ok(kept) = rule::written(text, zone) else {
            // Its end takes more letters in UTC than are left.
            assert!(text.len() > rule::MAX_RULE_BYTES - 8);
            continue;
        };
        let again = rule::Rule::read(&kept, zone, first.time());
        assert_eq!(again.as_ref(), Ok(&read), "{kept}");
        let days = Pattern::new(read, first.date());
        let found = days.days(first.date(), first.date() + chrono::Days::new(1_000));
        assert!(found.take(10).is_sorted());
        if let Ok(kept) = schedule::check(Some(begin), Some(end), zone, text) {
            let again = schedule::check(Some(begin), Some(end), zone, &kept);
            assert_eq!(again.as_ref(), Ok(&kept));
            if let Some(next) = schedule::search(&kept, begin, end, zone, later) {
                assert!(next.begin_at > begin && next.end_at > Some(later), "{kept}");
            }
        }
    }
}

/// What was saved of a meeting, as a damaged database may give it: what is read of it is written and read again the same.
pub fn snapshot(bytes: &[u8]) {
    use crate::meeting::state::pause::Memory;
    use crate::meeting::{Command, Room};
    use crate::protocol::time::Timestamp;
    use crate::rooms::Restored;
    match Restored::read(bytes) {
        Ok(Restored::Room { mut room, .. }) => {
            let written = room.to_bytes().expect("what was read is written");
            let again = Room::from_bytes(&written).expect("what was written is read");
            assert_eq!(again.to_bytes().ok(), Some(written));
            let now = Timestamp::from_unix_millis(0).expect("a time");
            let _ = room.handle(Command::Tick, now);
        }
        Ok(Restored::Memory(memory)) => {
            let written = memory.to_bytes().expect("what was read is written");
            let again = Memory::from_bytes(&written).expect("what was written is read");
            assert_eq!(again.to_bytes().ok(), Some(written));
        }
        Err(_) => {}
    }
}

/// Names and messages: what was cleaned once is clean.
pub fn text(bytes: &[u8]) {
    use crate::protocol::text::{ChatText, DisplayName, Password, RoomName, Username};
    let Ok(raw) = std::str::from_utf8(bytes) else {
        return;
    };
    macro_rules! is_clean {
        ($($kind:ident)*) => {$(
            let taken = [$kind::parse(raw).ok(), $kind::cut(raw)];
            for text in taken.into_iter().flatten() {
                assert_eq!($kind::parse(text.as_str()).as_ref(), Ok(&text));
            }
        )*};
    }
    is_clean!(DisplayName RoomName Username ChatText);
    let adopted = Username::adopted(raw);
    assert_eq!(Username::parse(adopted.as_str()).as_ref(), Ok(&adopted));
    let password = Password::new(raw.to_owned());
    assert!(password.is_too_long() || Password::new(password.reveal().to_owned()) == password);
}

/// A token: nothing but what was issued is good, also when it differs from that in a few places.
pub fn token(bytes: &[u8]) {
    use std::time::Duration;

    use crate::auth::{InviteToken, ResumeTokens, Secret, Subject, Tokens};
    use crate::protocol::ids::UserId;
    use crate::protocol::object::UserKind;
    use crate::protocol::time::Timestamp;
    let secret = Secret::parse("any letters that are many and differ enough").expect("a secret");
    let tokens = Tokens::new(&secret, Duration::from_secs(3_600));
    let now = Timestamp::from_unix_millis(1_000_000_000_000).expect("a time");
    let subject = Subject {
        id: UserId::random(),
        kind: UserKind::Account,
        name: None,
    };
    let issued = tokens.issue(subject, now).token;
    let mut changed = issued.clone().into_bytes();
    for change in bytes.as_chunks::<3>().0 {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % changed.len();
        changed[at] = change[2];
    }
    if let Ok(changed) = std::str::from_utf8(&changed) {
        assert_eq!(tokens.verify(changed, now).is_ok(), changed == issued);
    }
    let Ok(raw) = std::str::from_utf8(bytes) else {
        return;
    };
    assert!(tokens.verify(raw, now).is_err());
    assert!(!ResumeTokens::restored(&[raw.to_owned()]).admits(raw));
    if let Some(invite) = InviteToken::parse(raw) {
        assert_eq!(invite.reveal(), raw);
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
