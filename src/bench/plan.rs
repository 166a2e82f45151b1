//! The settings of a run, and what they come to: how many rooms, their senders and their receivers.

use std::time::Duration;

use super::BenchError;

/// The senders and the receivers of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One sends pictures, everybody else in the room watches.
    FanOut,
    /// Everybody in one room sends pictures and watches the others.
    Meeting,
    /// Many rooms of five, in which everybody sends pictures.
    Rooms,
    /// One room in which a few speak and all listen; no pictures.
    Audio,
}

impl Scenario {
    /// Every scenario, as the command line lists them.
    pub const ALL: [Self; 4] = [Self::FanOut, Self::Meeting, Self::Rooms, Self::Audio];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::FanOut => "fan-out",
            Self::Meeting => "meeting",
            Self::Rooms => "rooms",
            Self::Audio => "audio",
        }
    }

    /// The scenario of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
    }

    /// What is sent in it.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Audio => Kind::Audio,
            Self::FanOut | Self::Meeting | Self::Rooms => Kind::Video,
        }
    }
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Audio,
    Video,
}

impl Kind {
    /// As in an m-line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// What the server is told that it comes from.
    pub fn source(self) -> &'static str {
        match self {
            Self::Audio => "microphone",
            Self::Video => "camera",
        }
    }
}

/// How packets are protected between the load and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// AEAD_AES_128_GCM, as today's browsers agree on with a server that prefers it.
    Gcm,
    /// AES128_CM_HMAC_SHA1_80, which every client has.
    AesCm,
}

/// The settings of a run. Where nothing is given, the scenario decides.
#[derive(Debug, Clone)]
pub struct Load {
    /// Who sends, and to whom.
    pub scenario: Scenario,
    /// People who only watch or listen (`fan-out`, `audio`), or people in the room (`meeting`).
    pub subscribers: Option<usize>,
    /// People who send (`audio`).
    pub speakers: usize,
    /// How many rooms (`rooms`).
    pub rooms: usize,
    /// Packets a second of each sender.
    pub rate: Option<u32>,
    /// Packets of a picture, sent at once.
    pub burst: u32,
    /// Bytes of a packet's payload.
    pub payload: Option<usize>,
    /// Slots for sound of each person who receives.
    pub audio_slots: u32,
    /// Slots for pictures of each person who receives.
    pub video_slots: u32,
    /// How long is measured.
    pub duration: Duration,
    /// Threads that send and receive.
    pub threads: usize,
    /// How many join at once.
    pub joins_at_once: usize,
    /// One packet in so many is opened.
    pub sample: u32,
    /// How packets are protected.
    pub protection: Protection,
    /// Receivers tell when each packet arrived, as browsers do.
    pub feedback: bool,
}

/// With more than these, the load itself would be the limit of what is measured.
const MOST_PEOPLE: usize = 1_000;
const MOST_PACKETS_A_SECOND: u64 = 2_000_000;
const MOST_DURATION: Duration = Duration::from_secs(600);
/// A payload has to hold the time; the packet has to fit into a path's 1,280 bytes.
const PAYLOADS: std::ops::RangeInclusive<usize> = 16..=1_200;
const PEOPLE_OF_A_ROOM: usize = 5;

/// A run with its numbers checked.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub scenario: Scenario,
    pub rooms: Vec<Room>,
    pub rate: u32,
    pub burst: u32,
    pub payload: usize,
    pub audio_slots: u32,
    pub video_slots: u32,
    pub duration: Duration,
    pub threads: usize,
    pub joins_at_once: usize,
    pub sample: u32,
    pub protection: Protection,
    pub feedback: bool,
}

/// A room. The first `senders` of its people send. [`Room::receives`] tells which of them receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub people: usize,
    pub senders: usize,
    /// Whether senders receive as well.
    pub mutual: bool,
}

impl Room {
    pub fn sends(&self, person: usize) -> bool {
        person < self.senders
    }

    pub fn receives(&self, person: usize) -> bool {
        self.mutual || !self.sends(person)
    }

    /// How many others there are whose streams this person gets, slots apart.
    pub fn streams_for(&self, person: usize) -> usize {
        if self.receives(person) {
            self.senders - usize::from(self.sends(person))
        } else {
            0
        }
    }
}

impl Load {
    /// Checks what is asked.
    pub(super) fn plan(&self) -> Result<Plan, BenchError> {
        let room = |people, senders, mutual| Room {
            people,
            senders,
            mutual,
        };
        let (rooms, rate, payload) = match self.scenario {
            Scenario::FanOut => {
                let subscribers = self.subscribers.unwrap_or(100);
                (vec![room(subscribers + 1, 1, false)], 200, 1_100)
            }
            Scenario::Meeting => {
                let people = self.subscribers.unwrap_or(10);
                (vec![room(people, people, true)], 50, 1_100)
            }
            Scenario::Rooms => {
                let five = room(PEOPLE_OF_A_ROOM, PEOPLE_OF_A_ROOM, true);
                (vec![five; self.rooms], 50, 1_100)
            }
            Scenario::Audio => {
                let subscribers = self.subscribers.unwrap_or(50);
                let speakers = self.speakers;
                (vec![room(subscribers + speakers, speakers, true)], 50, 100)
            }
        };
        let plan = Plan {
            scenario: self.scenario,
            rooms,
            rate: self.rate.unwrap_or(rate),
            burst: self.burst,
            payload: self.payload.unwrap_or(payload),
            audio_slots: self.audio_slots,
            video_slots: self.video_slots,
            duration: self.duration,
            threads: self.threads,
            joins_at_once: self.joins_at_once,
            sample: self.sample,
            protection: self.protection,
            feedback: self.feedback,
        };
        plan.check()?;
        Ok(plan)
    }
}

impl Plan {
    /// People in all rooms.
    pub fn people(&self) -> usize {
        self.rooms.iter().map(|room| room.people).sum()
    }

    /// People who send.
    pub fn senders(&self) -> usize {
        self.rooms.iter().map(|room| room.senders).sum()
    }

    /// How many of the others one person gets at once.
    pub fn slots(&self) -> usize {
        let slots = match self.scenario.kind() {
            Kind::Audio => self.audio_slots,
            Kind::Video => self.video_slots,
        };
        slots as usize
    }

    /// Packets a second that the server is to forward.
    pub fn forwarded_a_second(&self) -> u64 {
        let slots = self.slots();
        self.streams()
            .map(|streams| streams.min(slots) as u64)
            .sum::<u64>()
            * u64::from(self.rate)
    }

    /// How many streams each person gets, slots apart.
    pub fn streams(&self) -> impl Iterator<Item = usize> + '_ {
        let of_room = |room: &Room| {
            let room = *room;
            (0..room.people).map(move |person| room.streams_for(person))
        };
        self.rooms.iter().flat_map(of_room)
    }

    fn check(&self) -> Result<(), BenchError> {
        let wrong = |what: String| Err(BenchError::Load(what));
        let people = self.people();
        if people > MOST_PEOPLE {
            return wrong(format!(
                "{people} people are more than the {MOST_PEOPLE} of one run"
            ));
        }
        if self.forwarded_a_second() == 0 {
            return wrong("nobody would receive anything".to_owned());
        }
        let packets = self.forwarded_a_second() + self.senders() as u64 * u64::from(self.rate);
        if packets > MOST_PACKETS_A_SECOND {
            return wrong(format!(
                "{packets} packets a second are more than the {MOST_PACKETS_A_SECOND} of one run"
            ));
        }
        if !PAYLOADS.contains(&self.payload) {
            let (least, most) = (PAYLOADS.start(), PAYLOADS.end());
            return wrong(format!("a payload has {least} to {most} bytes"));
        }
        if self.burst == 0 || self.burst > self.rate {
            return wrong("a picture has one packet at least, and comes once a second".to_owned());
        }
        if self.duration.is_zero() || self.duration > MOST_DURATION {
            let most = MOST_DURATION.as_secs();
            return wrong(format!("a run lasts 1 to {most} seconds"));
        }
        if self.threads == 0 || self.joins_at_once == 0 || self.sample == 0 {
            return wrong("threads, joins at once and the sample are one at least".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn load(scenario: Scenario) -> Load {
        Load {
            scenario,
            subscribers: None,
            speakers: 3,
            rooms: 4,
            rate: None,
            burst: 1,
            payload: None,
            audio_slots: 4,
            video_slots: 9,
            duration: Duration::from_secs(10),
            threads: 1,
            joins_at_once: 4,
            sample: 17,
            protection: Protection::Gcm,
            feedback: false,
        }
    }

    #[test]
    fn a_scenario_comes_to_so_many_packets() {
        let forwarded = |scenario| {
            let plan = load(scenario).plan().unwrap();
            (plan.people(), plan.senders(), plan.forwarded_a_second())
        };
        assert_eq!(forwarded(Scenario::FanOut), (101, 1, 100 * 200));
        assert_eq!(forwarded(Scenario::Meeting), (10, 10, 10 * 9 * 50));
        assert_eq!(forwarded(Scenario::Rooms), (20, 20, 20 * 4 * 50));
        // The speakers hear the two others.
        assert_eq!(forwarded(Scenario::Audio), (53, 3, (50 * 3 + 3 * 2) * 50));
    }

    #[test]
    fn nobody_gets_more_than_their_slots() {
        let mut load = load(Scenario::Meeting);
        load.subscribers = Some(30);
        assert_eq!(load.plan().unwrap().forwarded_a_second(), 30 * 9 * 50);
    }

    #[test]
    fn who_sends_gets_the_others() {
        let streams = |scenario| {
            let plan = load(scenario).plan().unwrap();
            plan.streams().collect::<Vec<_>>()
        };
        let fan_out = streams(Scenario::FanOut);
        assert_eq!((fan_out[0], &fan_out[1..]), (0, &[1; 100][..]));
        assert_eq!(streams(Scenario::Rooms), [4; 20]);
        let audio = streams(Scenario::Audio);
        assert_eq!((&audio[..3], &audio[3..]), (&[2; 3][..], &[3; 50][..]));
    }

    #[test]
    fn a_run_is_bounded() {
        let refused = |change: fn(&mut Load)| {
            let mut load = load(Scenario::FanOut);
            change(&mut load);
            load.plan().is_err()
        };
        assert!(!refused(|_| {}));
        assert!(refused(|load| load.subscribers = Some(1_000)));
        assert!(refused(|load| load.subscribers = Some(0)));
        assert!(refused(|load| load.rate = Some(100_000)));
        assert!(refused(|load| load.rate = Some(0)));
        assert!(refused(|load| load.burst = 0));
        assert!(refused(|load| load.payload = Some(15)));
        assert!(refused(|load| load.duration = Duration::from_secs(601)));
        assert!(refused(|load| load.threads = 0));
        assert!(refused(|load| load.video_slots = 0));
    }
}
