//! What is asked of a run, and its bounds.

use std::time::Duration;

use super::super::BenchError;

/// What goes over the sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Nothing: people log in and stay.
    Sockets,
    /// Two in a room send each other descriptions.
    Relay,
    /// One in each room sends reactions to all in it.
    FanOut,
    /// Everybody comes into their room at once, while pairs in other rooms send on.
    Storm,
    /// One of the receivers stops reading, while pairs in other rooms send on.
    Stopped,
}

impl Traffic {
    /// Every kind, as the command line lists them.
    pub const ALL: [Self; 5] = [
        Self::Sockets,
        Self::Relay,
        Self::FanOut,
        Self::Storm,
        Self::Stopped,
    ];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sockets => "sockets",
            Self::Relay => "relay",
            Self::FanOut => "fan-out",
            Self::Storm => "storm",
            Self::Stopped => "stopped",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn people(self) -> usize {
        match self {
            Self::Sockets => 10_000,
            Self::Relay => 2_000,
            Self::FanOut | Self::Storm => 1_000,
            Self::Stopped => 10,
        }
    }

    fn people_of_a_room(self) -> usize {
        match self {
            Self::Sockets => 1,
            Self::Relay => 2,
            Self::FanOut | Self::Stopped => 10,
            Self::Storm => 1_000,
        }
    }
}

/// What is asked of a run. Where nothing is given, the kind of traffic decides.
#[derive(Debug, Clone)]
pub struct SignalLoad {
    /// What goes over the sockets.
    pub traffic: Traffic,
    /// How many people there are.
    pub people: Option<usize>,
    /// How many of them are in one room.
    pub room: Option<usize>,
    /// Messages a second of all senders; none: each sends as soon as its last message has come.
    pub rate: Option<u32>,
    /// Bytes of a relayed description.
    pub bytes: usize,
    /// How long is measured.
    pub duration: Duration,
    /// How many connect at once.
    pub at_once: usize,
}

/// A run with its numbers checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub traffic: Traffic,
    pub rooms: usize,
    pub room: usize,
    pub rate: Option<u32>,
    pub bytes: usize,
    pub duration: Duration,
    pub at_once: usize,
    /// Pairs in rooms of their own, by which it is seen what others notice.
    pub probes: usize,
}

/// Each takes a port of the one address that the load has.
const MOST_PEOPLE: usize = 20_000;
/// As many as the server lets into one.
const MOST_IN_A_ROOM: usize = 1_000;
const MOST_RATE: u32 = 1_000_000;
/// As the server's table of budgets has it.
const MOST_BYTES: usize = 32 * 1024;
const MOST_DURATION: Duration = Duration::from_secs(600);
const PROBES: usize = 10;
/// What the pairs of a storm send in a second, all together.
const PROBES_RATE: u32 = 500;

impl SignalLoad {
    pub(super) fn plan(&self) -> Result<Plan, BenchError> {
        let people = self.people.unwrap_or(self.traffic.people());
        let room = match self.traffic {
            Traffic::Sockets | Traffic::Relay => self.traffic.people_of_a_room(),
            _ => self.room.unwrap_or(self.traffic.people_of_a_room()),
        };
        let has_probes = matches!(self.traffic, Traffic::Storm | Traffic::Stopped);
        let refused = |why: String| Err(BenchError::Load(why));
        if !(1..=MOST_IN_A_ROOM).contains(&room) {
            return refused(format!("a room has 1 to {MOST_IN_A_ROOM} people"));
        }
        if people < room || people > MOST_PEOPLE {
            return refused(format!(
                "{people} people are not at least one room's {room} and at most the {MOST_PEOPLE} of one run"
            ));
        }
        let rate = match self.rate {
            Some(rate) if !(1..=MOST_RATE).contains(&rate) => {
                return refused(format!("1 to {MOST_RATE} messages a second are sent"));
            }
            None if has_probes => Some(PROBES_RATE),
            rate => rate,
        };
        if !(1..=MOST_BYTES).contains(&self.bytes) {
            return refused(format!("a description has 1 to {MOST_BYTES} bytes"));
        }
        if self.duration.is_zero() || self.duration > MOST_DURATION {
            return refused("1 to 600 seconds are measured".to_owned());
        }
        if self.at_once == 0 {
            return refused("somebody has to connect".to_owned());
        }
        Ok(Plan {
            traffic: self.traffic,
            rooms: people / room,
            room,
            rate,
            bytes: self.bytes,
            duration: self.duration,
            at_once: self.at_once,
            probes: if has_probes { PROBES } else { 0 },
        })
    }
}

impl Plan {
    /// People without the pairs that look on.
    pub fn people(&self) -> usize {
        self.rooms * self.room
    }

    /// Everybody with a socket.
    pub fn sockets(&self) -> usize {
        self.people() + 2 * self.probes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(traffic: Traffic) -> SignalLoad {
        SignalLoad {
            traffic,
            people: None,
            room: None,
            rate: None,
            bytes: 1_024,
            duration: Duration::from_secs(1),
            at_once: 10,
        }
    }

    #[test]
    fn the_kind_of_traffic_decides_what_is_not_given() {
        let plan = load(Traffic::Relay).plan().unwrap();
        assert_eq!((plan.rooms, plan.room, plan.rate), (1_000, 2, None));
        let mut storm = load(Traffic::Storm);
        storm.room = Some(5);
        let plan = storm.plan().unwrap();
        assert_eq!((plan.rooms, plan.room, plan.sockets()), (200, 5, 1_020));
        assert_eq!(plan.rate, Some(PROBES_RATE));
    }

    #[test]
    fn what_goes_beyond_a_bound_is_refused() {
        type Change = fn(&mut SignalLoad);
        let changes: [Change; 6] = [
            |load| load.people = Some(20_001),
            |load| load.people = Some(9),
            |load| load.room = Some(1_001),
            |load| load.rate = Some(0),
            |load| load.bytes = 0,
            |load| load.duration = Duration::from_secs(601),
        ];
        for change in changes {
            let mut load = load(Traffic::FanOut);
            change(&mut load);
            assert!(load.plan().unwrap_err().is_wrong_value(), "{load:?}");
        }
    }
}
