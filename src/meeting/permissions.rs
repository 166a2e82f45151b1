//! The one table of who may do what in a room.

use crate::protocol::object::{Permissions, Role, Source};

/// Something that not everyone may do at all times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Come into a locked room.
    EnterLocked,
    /// End the meeting for everyone.
    End,
    /// Change one's own name.
    Rename,
    /// Switch one's own microphone on.
    Unmute,
    /// Write to everyone.
    Chat,
    /// Write to one person.
    ChatPrivately,
    /// Send from a source.
    Publish(Source),
}

/// Whether `role` may do `action` in a room with these permissions of members.
pub fn allows(role: Role, action: Action, members: &Permissions) -> bool {
    let governs = matches!(role, Role::Host | Role::Cohost);
    match action {
        Action::End => role == Role::Host,
        Action::EnterLocked => governs,
        Action::Rename => governs || members.rename,
        Action::Unmute => governs || members.unmute,
        Action::Chat => governs || members.chat,
        Action::ChatPrivately => governs || members.private_chat,
        Action::Publish(Source::Screen | Source::ScreenAudio) => governs || members.screen,
        Action::Publish(Source::Microphone | Source::Camera) => true,
    }
}

/// What `role` may do, as its client is told.
pub fn effective(role: Role, members: &Permissions) -> Permissions {
    match role {
        Role::Host | Role::Cohost => Permissions::default(),
        Role::Member => *members,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_may_what_members_may_not() {
        let nothing = Permissions {
            unmute: false,
            screen: false,
            chat: false,
            private_chat: false,
            files: false,
            rename: false,
            react: false,
        };
        for action in [
            Action::Rename,
            Action::Unmute,
            Action::Chat,
            Action::ChatPrivately,
            Action::Publish(Source::Screen),
        ] {
            assert!(allows(Role::Host, action, &nothing), "{action:?}");
            assert!(!allows(Role::Member, action, &nothing), "{action:?}");
            assert!(
                allows(Role::Member, action, &Permissions::default()),
                "{action:?}"
            );
        }
    }

    #[test]
    fn only_a_host_ends_the_meeting() {
        let all = Permissions::default();
        assert!(allows(Role::Host, Action::End, &all));
        assert!(!allows(Role::Cohost, Action::End, &all));
        assert!(!allows(Role::Member, Action::End, &all));
    }
}
