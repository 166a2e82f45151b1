//! The one table of permissions: it decides everything that is refused or shown.
//!
//! Read on in [`page`](super::permissions_page) for how it is shown to people.
//!
//! The core asks it for every command, clients get its result as `actions`, and the media thread hears what may be
//! forwarded. The table also says which permissions each source needs. The sound of a shared screen needs the right to
//! unmute, because it can carry a voice.

pub use crate::protocol::object::Action;
use crate::protocol::object::{Permissions, Role, Source};

/// What somebody is to a room, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// At the door.
    Waiting,
    /// In the room.
    Member,
    /// Helps to govern it.
    Cohost,
    /// Governs it.
    Host,
    /// The owner of the room. They are always a host, and nobody can act on them.
    Owner,
}

impl Rank {
    /// Every rank, from the least to the most.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Member,
        Self::Cohost,
        Self::Host,
        Self::Owner,
    ];

    /// The rank of a participant.
    pub fn of(role: Role, is_owner: bool) -> Self {
        match role {
            _ if is_owner => Self::Owner,
            Role::Host => Self::Host,
            Role::Cohost => Self::Cohost,
            Role::Member => Self::Member,
        }
    }

    /// Whether a person of this rank may act on a person of rank `other`. Equal ranks may not.
    pub fn outranks(self, other: Self) -> bool {
        self > other
    }
}

/// One of the permissions that a room gives its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Toggle {
    /// `permissions.unmute`
    Unmute,
    /// `permissions.camera`
    Camera,
    /// `permissions.screen`
    Screen,
    /// `permissions.chat`
    Chat,
    /// `permissions.private_chat`
    PrivateChat,
    /// `permissions.files`
    Files,
    /// `permissions.rename`
    Rename,
    /// `permissions.react`
    React,
}

impl Toggle {
    /// Whether a room has it on.
    pub fn is_on(self, members: &Permissions) -> bool {
        match self {
            Self::Unmute => members.unmute,
            Self::Camera => members.camera,
            Self::Screen => members.screen,
            Self::Chat => members.chat,
            Self::PrivateChat => members.private_chat,
            Self::Files => members.files,
            Self::Rename => members.rename,
            Self::React => members.react,
        }
    }
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Never.
    No,
    /// Always.
    Yes,
    /// As far as the room lets its members.
    If(Toggle),
}

/// The entry of the table for `rank` and `action`.
pub fn cell(rank: Rank, action: Action) -> Cell {
    let (own, least) = match action {
        Action::Unmute => (Some(Toggle::Unmute), Rank::Cohost),
        Action::Camera => (Some(Toggle::Camera), Rank::Cohost),
        Action::Screen => (Some(Toggle::Screen), Rank::Cohost),
        Action::Chat => (Some(Toggle::Chat), Rank::Cohost),
        Action::PrivateChat => (Some(Toggle::PrivateChat), Rank::Cohost),
        Action::Files => (Some(Toggle::Files), Rank::Cohost),
        Action::Rename => (Some(Toggle::Rename), Rank::Cohost),
        Action::React => (Some(Toggle::React), Rank::Cohost),
        Action::EnterLocked
        | Action::SkipLobby
        | Action::EnterEarly
        | Action::Admit
        | Action::Mute
        | Action::AskUnmute
        | Action::LowerHand
        | Action::RenameOthers
        | Action::Spotlight
        | Action::Timer
        | Action::DeleteMessages
        | Action::Remove
        | Action::Secure => (None, Rank::Cohost),
        Action::Ban
        | Action::MakeCohost
        | Action::MakeHost
        | Action::Invite
        | Action::Edit
        | Action::Attendance
        | Action::End => (None, Rank::Host),
    };
    match own {
        _ if rank >= least => Cell::Yes,
        Some(toggle) if rank == Rank::Member => Cell::If(toggle),
        _ => Cell::No,
    }
}

/// Whether `rank` may do `action` in a room with these permissions of members.
pub fn allows(rank: Rank, action: Action, members: &Permissions) -> bool {
    match cell(rank, action) {
        Cell::No => false,
        Cell::Yes => true,
        Cell::If(toggle) => toggle.is_on(members),
    }
}

/// Everything that `rank` may do, as its client is told.
pub fn actions_of(rank: Rank, members: &Permissions) -> Vec<Action> {
    let mut actions = Action::ALL.to_vec();
    actions.retain(|action| allows(rank, *action, members));
    actions
}

/// The permissions of the room as they hold for `role`, for its client.
pub fn effective(role: Role, members: &Permissions) -> Permissions {
    match role {
        Role::Host | Role::Cohost => Permissions::default(),
        Role::Member => *members,
    }
}

/// The actions that sending from `source` needs, all of them. A microphone may always run muted. The sound of a screen
/// can carry a voice, so it needs the right to unmute beside the right to share. A request to unmute is for the
/// microphone only: it is no permission, and must not let other sound run on.
pub fn sending(source: Source) -> &'static [Action] {
    match source {
        Source::Microphone => &[],
        Source::Camera => &[Action::Camera],
        Source::Screen => &[Action::Screen],
        Source::ScreenAudio => &[Action::Screen, Action::Unmute],
    }
}

/// Whether `rank` may send from `source` in a room with these permissions of members.
pub fn may_send(rank: Rank, source: Source, members: &Permissions) -> bool {
    let mut needed = sending(source).iter();
    needed.all(|action| allows(rank, *action, members))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table, written once more by hand: `x` yes, `-` no, `?` as the permission of this name says. Columns:
    /// waiting, member, co-host, host, owner.
    const EXPECTED: &str = "
        unmute          - ? x x x
        camera          - ? x x x
        screen          - ? x x x
        chat            - ? x x x
        private_chat    - ? x x x
        files           - ? x x x
        rename          - ? x x x
        react           - ? x x x
        enter_locked    - - x x x
        skip_lobby      - - x x x
        enter_early     - - x x x
        admit           - - x x x
        mute            - - x x x
        ask_unmute      - - x x x
        lower_hand      - - x x x
        rename_others   - - x x x
        spotlight       - - x x x
        timer           - - x x x
        delete_messages - - x x x
        remove          - - x x x
        ban             - - - x x
        make_cohost     - - - x x
        make_host       - - - x x
        invite          - - - x x
        secure          - - x x x
        edit            - - - x x
        attendance      - - - x x
        end             - - - x x
    ";

    fn name(action: Action) -> String {
        let json = serde_json::to_value(action).unwrap();
        json.as_str().unwrap().to_owned()
    }

    /// Every combination of the eight permissions, by the names that travel.
    fn every_state() -> impl Iterator<Item = (serde_json::Value, Permissions)> {
        const NAMES: [&str; 8] = [
            "unmute",
            "camera",
            "screen",
            "chat",
            "private_chat",
            "files",
            "rename",
            "react",
        ];
        (0_u32..1 << NAMES.len()).map(|bits| {
            let on =
                |(at, name): (usize, &&str)| ((*name).to_owned(), (bits >> at & 1 == 1).into());
            let json = serde_json::Value::Object(NAMES.iter().enumerate().map(on).collect());
            let permissions = serde_json::from_value(json.clone()).unwrap();
            (json, permissions)
        })
    }

    #[test]
    fn every_cell_in_every_state_is_as_it_is_written() {
        let rows: Vec<Vec<&str>> = EXPECTED
            .lines()
            .map(|line| line.split_whitespace().collect())
            .filter(|row: &Vec<&str>| !row.is_empty())
            .collect();
        let named: Vec<String> = Action::ALL.map(name).to_vec();
        assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), named);
        let mut cells = 0;
        for (state, members) in every_state() {
            for (row, action) in rows.iter().zip(Action::ALL) {
                for (written, rank) in row[1..].iter().zip(Rank::ALL) {
                    let expected = match *written {
                        "x" => true,
                        "-" => false,
                        "?" => state[row[0]] == true,
                        other => panic!("{other} is no cell"),
                    };
                    assert_eq!(
                        allows(rank, action, &members),
                        expected,
                        "{rank:?} {} {state}",
                        row[0]
                    );
                    cells += 1;
                }
            }
        }
        assert_eq!(cells, 28 * 5 * 256);
    }

    #[test]
    fn the_list_of_actions_is_complete_and_in_order() {
        for (at, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(action as usize, at, "{action:?}");
        }
        assert_eq!(Action::End as usize + 1, Action::ALL.len());
    }

    /// What sending needs, written once more by hand. Columns: waiting, member, co-host, host, owner. A `?` means:
    /// where all these permissions of the room are on.
    const SENDING: [(Source, &[&str], &str); 4] = [
        (Source::Microphone, &[], "xxxxx"),
        (Source::Camera, &["camera"], "-?xxx"),
        (Source::Screen, &["screen"], "-?xxx"),
        (Source::ScreenAudio, &["screen", "unmute"], "-?xxx"),
    ];

    #[test]
    fn what_may_be_sent_is_as_it_is_written_in_every_state() {
        assert_eq!(SENDING.map(|(source, ..)| source), Source::ALL);
        for (state, members) in every_state() {
            for (source, names, cells) in SENDING {
                for (written, rank) in cells.chars().zip(Rank::ALL) {
                    let expected = match written {
                        'x' => true,
                        '-' => false,
                        _ => names.iter().all(|name| state[*name] == true),
                    };
                    let may = may_send(rank, source, &members);
                    assert_eq!(may, expected, "{rank:?} {source:?} {state}");
                }
            }
        }
    }

    #[test]
    fn no_sound_but_a_muted_microphone_is_sent_without_the_right_to_unmute() {
        for (state, members) in every_state() {
            for rank in Rank::ALL {
                let sounds = may_send(rank, Source::ScreenAudio, &members);
                let unmutes = allows(rank, Action::Unmute, &members);
                assert!(!sounds || unmutes, "{rank:?} {state}");
            }
        }
    }

    #[test]
    fn clients_are_told_just_what_is_allowed() {
        for (state, members) in every_state() {
            for rank in Rank::ALL {
                let told = actions_of(rank, &members);
                for action in Action::ALL {
                    let is_told = told.contains(&action);
                    assert_eq!(
                        is_told,
                        allows(rank, action, &members),
                        "{rank:?} {action:?} {state}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_allowed_never_shrinks_with_the_rank() {
        for (_, members) in every_state() {
            for pair in Rank::ALL.windows(2) {
                let (less, more) = (actions_of(pair[0], &members), actions_of(pair[1], &members));
                assert!(less.iter().all(|action| more.contains(action)), "{pair:?}");
            }
        }
    }

    #[test]
    fn nobody_acts_on_their_equals_or_betters() {
        for actor in Rank::ALL {
            for target in Rank::ALL {
                let higher = (actor as u8) > (target as u8);
                assert_eq!(actor.outranks(target), higher, "{actor:?} on {target:?}");
            }
        }
        assert_eq!(
            Rank::of(Role::Member, true),
            Rank::Owner,
            "whatever it says"
        );
    }

    #[test]
    fn the_permissions_that_are_told_agree_with_the_table() {
        for (_, members) in every_state() {
            for role in [Role::Member, Role::Cohost, Role::Host] {
                let told = effective(role, &members);
                let rank = Rank::of(role, false);
                for (toggle, action) in [
                    (Toggle::Unmute, Action::Unmute),
                    (Toggle::Camera, Action::Camera),
                    (Toggle::Screen, Action::Screen),
                    (Toggle::Chat, Action::Chat),
                    (Toggle::PrivateChat, Action::PrivateChat),
                    (Toggle::Files, Action::Files),
                    (Toggle::Rename, Action::Rename),
                    (Toggle::React, Action::React),
                ] {
                    assert_eq!(toggle.is_on(&told), allows(rank, action, &members));
                }
            }
        }
    }
}
