//! Rooms that were saved and restored.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::meeting::command::{Command, Switch};
use crate::meeting::effect::{Outcome, Reply};
use crate::meeting::stories::{
    address, at, edited, facts, join, lost, membership, newcomer, post, room_of, track, user,
};
use crate::protocol::object::{self, BanLength, Role, Source, Topology, UserKind, WhoWaits};
use crate::protocol::time::Timestamp;

/// What is written as JSON and read again.
pub(in crate::meeting) fn crossed<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A room that is restored from another at random steps, and from then on has to answer as the other does. Commands and
/// answers cross a wire on the way to it.
pub(in crate::meeting) struct Twin {
    random: StdRng,
    room: Option<Room>,
}

impl Twin {
    pub(in crate::meeting) fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { random, room: None }
    }

    /// Before a command: becomes the room's twin anew, at times, and was the same until then.
    pub(in crate::meeting) fn look_at(&mut self, room: &Room) {
        if self.random.random_bool(0.05) {
            let saved = room.to_bytes().unwrap();
            if let Some(twin) = &self.room {
                assert!(
                    twin.to_bytes().unwrap() == saved,
                    "what was restored changed"
                );
            }
            self.room = Some(Room::from_bytes(&saved).unwrap());
        }
    }

    /// The room is another one now.
    pub(in crate::meeting) fn forget(&mut self) {
        self.room = None;
    }

    /// After a command: has to answer as `outcome` says.
    pub(in crate::meeting) fn follow(
        &mut self,
        command: &Command,
        now: Timestamp,
        outcome: &Outcome,
        context: &str,
    ) {
        let Some(twin) = &mut self.room else { return };
        let arrived = match self.random.random_bool(0.2) {
            true => crossed(command),
            false => command.clone(),
        };
        assert_eq!(arrived, *command, "{context}: on its way");
        let same = twin.handle(arrived, now);
        assert_eq!(same, *outcome, "{context}: what was restored says");
        if self.random.random_bool(0.2) {
            assert_eq!(crossed(&same.reply), outcome.reply, "{context}: answered");
        }
    }
}

/// A room in which something of everything is.
fn full_room() -> Room {
    let start = object::Room {
        topology: Topology::P2p,
        waiting: WhoWaits::Guests,
        history: object::HistoryAccess::Joined,
        ..facts()
    };
    let mut room = room_of(start.clone(), &["ada", "bo", "cy", "dee", "eve"]);
    let by = || membership("ada");
    let mut guest = newcomer("gus", "gus");
    guest.user.kind = UserKind::Guest;
    guest.address = address(7);
    let mut banned = newcomer("gwen", "gwen");
    banned.user.kind = UserKind::Guest;
    banned.pass = true;
    let on = Switch::On {
        track: track("t-1"),
        muted: false,
    };
    let commands = [
        Command::Join(banned),
        Command::Remove {
            by: by(),
            whom: membership("gwen"),
            ban: Some(BanLength::Meeting),
        },
        Command::Join(guest),
        Command::SetRole {
            by: by(),
            whom: membership("bo"),
            role: Role::Cohost,
        },
        Command::SetSource {
            participant: membership("bo"),
            source: Source::Screen,
            switch: on,
        },
        Command::AskUnmute {
            by: by(),
            whom: membership("cy"),
            source: Source::Microphone,
        },
        Command::Spotlight {
            by: by(),
            whom: vec![membership("bo")],
        },
        Command::SetTimer {
            by: by(),
            duration_ms: Some(60_000),
        },
        post("ada", None, "hello"),
        post("ada", Some("bo"), "psst"),
        lost("dee"),
        Command::Leave {
            participant: membership("eve"),
        },
        edited(object::Room {
            start_muted: true,
            version: 2,
            ..start
        }),
        join("fay"),
    ];
    for (second, command) in (1..).zip(commands) {
        let context = format!("{command:?}");
        let reply = room.handle(command, at(second)).reply;
        assert!(reply.is_ok(), "{context}: {reply:?}");
    }
    room
}

fn golden() -> std::path::PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/golden/snapshot/1.json")
}

/// A file of this version never changes; `UPDATE_PROTOCOL=1` writes it where there is none.
#[test]
fn a_snapshot_of_version_1_stays_readable() {
    let mut room = full_room();
    let file = golden();
    if std::env::var("UPDATE_PROTOCOL").is_ok() && !file.exists() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, room.to_bytes().unwrap()).unwrap();
    }
    let mut restored = Room::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    assert!(room.to_bytes().unwrap() == restored.to_bytes().unwrap());
    let look = |room: &mut Room, name| {
        let participant = membership(name);
        room.handle(Command::Look { participant }, at(20))
    };
    for name in ["ada", "bo", "fay", "gus", "nobody"] {
        assert_eq!(look(&mut restored, name), look(&mut room, name), "{name}");
    }
    let bans = restored.handle(Command::Bans, at(20)).reply;
    let Ok(Reply::Bans(bans)) = bans else {
        panic!("{bans:?}");
    };
    assert_eq!(bans[0].user.id, user("gwen").id);
}

#[test]
fn what_this_server_does_not_know_is_refused_in_words() {
    let saved = String::from_utf8(full_room().to_bytes().unwrap()).unwrap();
    let newer = saved.replacen("\"version\":1", "\"version\":2", 1);
    let refused = Room::from_bytes(newer.as_bytes()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the snapshot has version 2, and this server reads version 1"
    );
    for damaged in ["", "{}", &saved[..saved.len() / 2], "[1]"] {
        let refused = Room::from_bytes(damaged.as_bytes()).unwrap_err();
        assert!(matches!(refused, SnapshotError::Unreadable(_)), "{damaged}");
    }
}
