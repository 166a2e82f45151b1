//! What those who govern and those who wait do, at random.

use super::*;

impl Shell {
    pub(super) fn command(&mut self, random: &mut StdRng) -> Command {
        self.ids += 1;
        let id = format!("{}", self.ids);
        let (by, whom) = (self.anybody(random), self.anybody(random));
        let everyone = random.random_bool(0.3);
        let who = match everyone {
            true => Targets::Everyone(Everyone::All),
            false => Targets::These(vec![self.anybody(random)]),
        };
        let target = match everyone {
            true => Target::Everyone(Everyone::All),
            false => Target::One(whom.clone()),
        };
        let roles = [Role::Host, Role::Cohost, Role::Member];
        match random.random_range(0..31) {
            0..=6 => {
                let mut join = person(random.random_range(0..PEOPLE.len()));
                join.participant = membership(&id);
                join.pass = random.random_bool(0.2);
                if random.random_bool(0.1) {
                    join.role = Some(roles[random.random_range(0..3)]);
                }
                Command::Join(join)
            }
            7 => Command::Leave { participant: whom },
            28 => Command::Detach { participant: whom },
            29..=30 => Command::Attach {
                participant: whom,
                address: person(random.random_range(0..PEOPLE.len())).address,
                anew: random.random_bool(0.3),
                look: true,
            },
            8..=9 => Command::Away {
                participant: whom,
                reason: LeaveReason::Lost,
            },
            10..=12 => Command::Admit { by, who },
            13 => Command::Deny { by, who },
            14..=16 => Command::SetRole {
                by,
                whom,
                role: roles[random.random_range(0..3)],
            },
            17..=18 => Command::Remove {
                by,
                whom,
                ban: random.random_bool(0.4).then_some(BanLength::Meeting),
            },
            19 => Command::Unban {
                user: user(PEOPLE[random.random_range(0..PEOPLE.len())]).id,
            },
            20 => Command::Mute {
                by,
                whom: target,
                source: Source::Microphone,
            },
            21 => Command::LowerHand { by, whom: target },
            22 => Command::Spotlight {
                by,
                whom: vec![whom],
            },
            23..=26 => Command::SetSource {
                participant: whom,
                source: Source::ALL[random.random_range(0..Source::ALL.len())],
                switch: Switch::On {
                    track: TrackId::try_from(format!("t-{id}")).unwrap(),
                    muted: random.random_bool(0.3),
                },
            },
            _ => {
                self.version += 1;
                let permissions = Permissions {
                    unmute: random.random_bool(0.5),
                    camera: random.random_bool(0.5),
                    screen: random.random_bool(0.5),
                    ..Permissions::default()
                };
                self.permissions = permissions;
                let waiting = [WhoWaits::Nobody, WhoWaits::Guests, WhoWaits::Everyone];
                self.door = Door {
                    waiting: waiting[random.random_range(0..3)],
                    guests: random.random_bool(0.8),
                    start_muted: random.random_bool(0.5),
                    start_camera_off: random.random_bool(0.5),
                };
                let door = self.door;
                edited(object::Room {
                    permissions,
                    max_participants: CAPACITY,
                    waiting: door.waiting,
                    guests: door.guests,
                    start_muted: door.start_muted,
                    start_camera_off: door.start_camera_off,
                    locked: random.random_bool(0.2),
                    version: self.version,
                    topology: object::Topology::P2p,
                    ..facts()
                })
            }
        }
    }

    pub(super) fn anybody(&self, random: &mut StdRng) -> ParticipantId {
        let known: Vec<&ParticipantId> = self.inside.keys().chain(self.waiting.keys()).collect();
        if known.is_empty() || random.random_bool(0.1) {
            return membership("nobody");
        }
        known[random.random_range(0..known.len())].clone()
    }
}
