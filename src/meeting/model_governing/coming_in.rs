//! Who comes in, waits or is refused, by hand, apart from the room's own rules.

use super::*;

impl Shell {
    /// Accounts and guests come in, wait or are refused as the door says, by hand: those who have no role, no pass, and
    /// were not in a moment ago.
    pub(super) fn passes_the_door(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        now: i64,
        context: &str,
    ) {
        let Command::Join(join) = command else {
            return;
        };
        let user = &join.user.id;
        let vanished = self.away.get(user);
        let is_back = vanished.is_some_and(|at| now < at + WELCOME_BACK);
        let is_known = is_back || self.inside.values().any(|inside| inside == user);
        let is_guest = join.user.kind == UserKind::Guest;
        let Door {
            waiting, guests, ..
        } = self.door;
        match reply {
            Ok(Reply::Waiting) => {
                // Guests may be suspected where nobody waits.
                assert!(
                    is_guest || waiting == WhoWaits::Everyone,
                    "{context}: an account waits"
                );
                assert!(guests || !is_guest, "{context}: waits for nothing");
            }
            Ok(Reply::View(view)) if view.me.role == Role::Member && !is_known => {
                assert!(guests || !is_guest, "{context}: a guest among accounts");
                let is_held = match waiting {
                    WhoWaits::Nobody => false,
                    WhoWaits::Guests => is_guest,
                    WhoWaits::Everyone => true,
                };
                assert!(join.pass || !is_held, "{context}: came in past the door");
                self.comes_in(&view.me);
            }
            Err(ErrorCode::RoomAccountsOnly) => {
                assert!(is_guest && !guests && !is_known, "{context}: refused");
            }
            _ => {}
        }
    }

    /// Takes note of a member who came in just now, and was not in a moment ago.
    pub(super) fn comes_in(&mut self, me: &Participant) {
        let mut off = Vec::new();
        if self.door.start_muted {
            off.push(Source::Microphone);
        }
        if self.door.start_camera_off {
            off.push(Source::Camera);
        }
        self.fresh.insert(me.id.clone(), (me.joined_at, off));
    }

    /// What a member brings along begins as the room says, and anything else as it was asked for.
    pub(super) fn starts(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        now: i64,
        context: &str,
    ) {
        let (
            Command::SetSource {
                participant,
                source,
                switch: Switch::On { muted, .. },
            },
            Ok(Reply::Track(Some(track))),
        ) = (command, reply)
        else {
            return;
        };
        let mut begins_off = false;
        if let Some((since, off)) = self.fresh.get_mut(participant) {
            begins_off = off.contains(source) && at(now) < since.plus_millis(10_000);
            off.retain(|off| off != source);
        }
        assert_eq!(track.muted, *muted || begins_off, "{context}: {track:?}");
    }

    /// A person who vanished a moment ago passes the waiting room and the lock.
    pub(super) fn comes_back(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        now: i64,
        context: &str,
    ) {
        match (command, reply) {
            (Command::Join(join), reply) => {
                let user = &join.user.id;
                let is_back = self
                    .away
                    .get(user)
                    .is_some_and(|at| now < at + WELCOME_BACK);
                let held_up = matches!(reply, Ok(Reply::Waiting) | Err(ErrorCode::RoomLocked));
                assert!(!is_back || !held_up, "{context}: not let back in");
                if matches!(reply, Ok(Reply::View(_))) {
                    self.away.remove(user);
                }
            }
            (Command::Away { participant, .. }, Ok(_)) => {
                if let Some(user) = self.inside.get(participant) {
                    self.away.insert(user.clone(), now);
                }
            }
            _ => {}
        }
    }

    pub(super) fn newcomer(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        context: &str,
    ) {
        match (command, reply) {
            (Command::Join(join), Ok(reply)) => {
                let is_owner = join.user.id == user("ada").id;
                let is_banned = self.banned.contains(&join.user.id);
                assert!(is_owner || !is_banned, "{context}: a banned person came in");
                let is_denied = self.denied.contains(&join.user.id);
                let place = match reply {
                    Reply::Waiting if is_denied => panic!("{context}: denied is denied"),
                    Reply::Waiting => &mut self.waiting,
                    _ => &mut self.inside,
                };
                place.insert(join.participant.clone(), join.user.id.clone());
            }
            (Command::Unban { user }, Ok(_)) => {
                self.banned.remove(user);
                self.denied.remove(user);
            }
            (Command::Deny { who, .. }, Ok(_)) => {
                let who = match who {
                    Targets::Everyone(_) => self.waiting.keys().cloned().collect(),
                    Targets::These(these) => these.clone(),
                };
                let users = who.iter().filter_map(|id| self.waiting.get(id));
                self.denied.extend(users.cloned());
            }
            (
                Command::Remove {
                    whom, ban: None, ..
                },
                Ok(_),
            ) => {
                self.denied.extend(self.waiting.get(whom).cloned());
            }
            (
                Command::Remove {
                    whom, ban: Some(_), ..
                },
                Ok(_),
            ) => {
                let user = self.inside.get(whom).or_else(|| self.waiting.get(whom));
                self.banned.extend(user.cloned());
            }
            _ => {}
        }
    }
}
