//! Sound and picture of one person: what a subscriber computes from reports is when they were captured.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::World;
use super::client::Client;
use crate::media::rtp::clock::Pair;
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::Source;

const SECOND: i64 = 1 << 32;
const SOUND: u8 = 111;
const PICTURE: u8 = 96;

/// One who sends a voice and a camera, with a wall clock of their own.
struct Person {
    id: ParticipantId,
    client: usize,
    /// How far their wall clock is ahead of virtual time.
    ahead_ms: i64,
    /// How much too fast it runs.
    ppm: i64,
    /// How long sounds and pictures take from their capture until they are sent.
    delays: [u64; 2],
    /// Whether their reports tell nonsense.
    cheats: bool,
    tracks: Vec<TrackId>,
    numbers: [u16; 2],
}

/// One of them, the other, and one who watches with a slot for each.
struct Call {
    world: World,
    start: Instant,
    people: Vec<Person>,
    viewer: usize,
    /// What is to be sent: when, by whom, of which kind, and when it was captured.
    waiting: Vec<(u64, usize, usize, u64)>,
    /// The newest reported clock of each stream of the viewer's.
    clocks: HashMap<u32, Pair>,
    ms: u64,
}

/// By how much each packet of the viewer's was placed too late on our clock, and whose and of which kind it was.
type Placed = Vec<(usize, usize, f64)>;

const RATES: [u32; 2] = [48_000, 90_000];

fn ssrc(who: usize, kind: usize) -> u32 {
    1000 + 100 * who as u32 + 10 * kind as u32
}

impl Person {
    fn wall(&self, ms: u64) -> u64 {
        let passed = ms as i64 * SECOND / 1000;
        let drift = passed * self.ppm / 1_000_000;
        let ahead = self.ahead_ms * SECOND / 1000;
        (3_900_000_000_u64 << 32).wrapping_add_signed(passed + drift + ahead)
    }

    /// The clock of a stream of theirs, which goes by their own.
    fn rtp(&self, kind: usize, captured_ms: u64) -> u32 {
        let ticks = captured_ms as i64 * i64::from(RATES[kind]) / 1000;
        let ticks = ticks + ticks * self.ppm / 1_000_000;
        (u32::MAX - 90_000).wrapping_add(ticks as u32)
    }
}

impl Call {
    fn new(delays: [[u64; 2]; 2]) -> Self {
        let mut world = World::new();
        let start = world.now;
        let mut people = Vec::new();
        for (who, delays) in delays.into_iter().enumerate() {
            let id = world.admit();
            let client = world.client();
            let address = world.clients[client].address;
            world.clients[client] = Client::given_reports(address, world.now);
            world.clients[client].add_source(Source::Microphone, ssrc(who, 0));
            world.clients[client].add_source(Source::Camera, ssrc(who, 1));
            let sources = [Source::Microphone, Source::Camera];
            world.offer(&id, client, 1, &sources, |sdp| sdp);
            people.push(Person {
                id,
                client,
                ahead_ms: [7_200_000, -18_000_000][who],
                ppm: [100, -100][who],
                delays,
                cheats: false,
                tracks: Vec::new(),
                numbers: [0; 2],
            });
        }
        let viewer = world.admit();
        let viewer = world.receive_slots(&viewer, 1, 1);
        world.run(Duration::from_millis(600));
        Self {
            world,
            start,
            people,
            viewer,
            waiting: Vec::new(),
            clocks: HashMap::new(),
            ms: 0,
        }
    }

    fn show(&mut self, who: usize) {
        for source in [Source::Microphone, Source::Camera] {
            let track = self.world.start(&self.people[who].id.clone(), source);
            self.people[who].tracks.push(track);
        }
    }

    fn hide(&mut self, who: usize) {
        for track in std::mem::take(&mut self.people[who].tracks) {
            self.world.command(MediaCommand::StopTrack { track });
        }
    }

    /// All capture and send for so long. How the viewer places what arrives.
    fn talk(&mut self, seconds: u64) -> Placed {
        self.run(seconds, true)
    }

    fn pause(&mut self, seconds: u64) {
        self.run(seconds, false);
    }

    fn run(&mut self, seconds: u64, captures: bool) -> Placed {
        let mut placed = Vec::new();
        for _ in 0..seconds * 200 {
            self.ms = (self.world.now - self.start).as_millis() as u64;
            for who in (0..self.people.len()).filter(|_| captures) {
                let every = [20, 50];
                for (kind, every) in every.into_iter().enumerate() {
                    if self.ms.is_multiple_of(every) {
                        let due = self.ms + self.people[who].delays[kind];
                        self.waiting.push((due, who, kind, self.ms));
                    }
                }
            }
            self.send();
            self.world.step();
            self.place(&mut placed);
        }
        placed
    }

    fn send(&mut self) {
        let (now, ms) = (self.world.now, self.ms);
        let due = self.waiting.extract_if(.., |(due, ..)| *due <= ms);
        for (_, who, kind, captured) in due {
            let person = &mut self.people[who];
            person.numbers[kind] = person.numbers[kind].wrapping_add(1);
            let header = rtc::rtp::Header {
                version: 2,
                payload_type: [SOUND, PICTURE][kind],
                marker: kind == 1,
                sequence_number: person.numbers[kind],
                timestamp: person.rtp(kind, captured),
                ssrc: ssrc(who, kind),
                ..Default::default()
            };
            // A picture that decodes on its own.
            let mut payload = [&[][..], &[0x10, 0x00]][kind].to_vec();
            payload.push(who as u8);
            payload.extend_from_slice(&captured.to_be_bytes());
            let client = &mut self.world.clients[person.client];
            client.send_packet(header, Bytes::from(payload), now);
        }
        for (who, person) in self.people.iter().enumerate() {
            let client = &mut self.world.clients[person.client];
            // As browsers do: pictures are reported more often.
            for (kind, every) in [5000, 1000].into_iter().enumerate() {
                if person.numbers[kind] == 0 || ms % every != 495 {
                    continue;
                }
                let (mut ntp, mut rtp) = (person.wall(ms), person.rtp(kind, ms));
                if person.cheats {
                    ntp = ntp.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    rtp = rtp.wrapping_mul(0x9e37_79b9);
                }
                client.report(ssrc(who, kind), ntp, rtp, now);
            }
        }
    }

    fn place(&mut self, placed: &mut Placed) {
        let client = &mut self.world.clients[self.viewer];
        for report in std::mem::take(&mut client.reports) {
            let (ntp, rtp) = (report.ntp_time, report.rtp_time);
            self.clocks.insert(report.ssrc, Pair { ntp, rtp });
        }
        // Virtual time begins with the Unix epoch.
        let epoch = 2_208_988_800 << 32;
        for packet in std::mem::take(&mut client.received) {
            let kind = usize::from(packet.header.payload_type == PICTURE);
            let payload = &packet.payload[2 * kind..];
            let captured = u64::from_be_bytes(payload[1..9].try_into().unwrap());
            if let Some(clock) = self.clocks.get(&packet.header.ssrc) {
                let ntp = clock.ntp_at(packet.header.timestamp, RATES[kind]);
                let ms = ntp.wrapping_sub(epoch) as i64 as f64 * 1000.0 / SECOND as f64;
                placed.push((payload[0].into(), kind, ms - captured as f64));
            }
        }
    }
}

/// Checks that these are one person's sounds and pictures, which the viewer finds to be captured together, when they
/// were: a report needs 15 ms, and up to 5 until it is seen.
fn are_together(placed: &Placed, whose: usize) {
    for kind in [0, 1] {
        let of_kind = placed.iter().filter(|(_, of, _)| *of == kind);
        assert!(of_kind.count() >= 40, "kind {kind}");
    }
    for (who, kind, off) in placed {
        assert_eq!(*who, whose);
        assert!((10.0..=25.0).contains(off), "kind {kind}: {off} ms");
    }
}

#[test]
fn a_viewer_finds_sound_and_picture_captured_together_however_they_came() {
    for delays in [[[20, 300], [40, 60]], [[200, 30], [25, 500]]] {
        let mut call = Call::new(delays);
        call.show(0);
        call.talk(7);
        are_together(&call.talk(20), 0);
        // After an interruption.
        call.pause(30);
        call.talk(1);
        are_together(&call.talk(5), 0);
        for round in 0..4 {
            let (before, after) = (round % 2, (round + 1) % 2);
            call.hide(before);
            call.show(after);
            call.talk(7);
            are_together(&call.talk(4), after);
        }
    }
}

/// The reports that the viewer had before a switch place what comes after it.
#[test]
fn a_switch_is_on_the_line_that_the_viewer_knows() {
    let mut call = Call::new([[20, 60], [30, 200]]);
    call.show(0);
    call.talk(8);
    for round in 0..6 {
        let (before, after) = (round % 2, (round + 1) % 2);
        call.hide(before);
        call.show(after);
        let placed = call.talk(2);
        let other = placed.iter().filter(|(who, ..)| *who == after);
        assert!(other.clone().count() >= 100);
        for (_, kind, off) in other {
            // What is on its way already must not be overtaken, but where one waited longer than the other.
            let range = if round == 0 {
                -10.0..=400.0
            } else {
                -30.0..=260.0
            };
            assert!(range.contains(off), "round {round}, kind {kind}: {off} ms");
        }
    }
}

#[test]
fn a_clock_that_is_set_anew_is_followed() {
    let mut call = Call::new([[20, 300], [40, 60]]);
    call.show(0);
    call.talk(8);
    for hours in [-3, 5] {
        call.people[0].ahead_ms += hours * 3_600_000;
        let meanwhile = call.talk(11);
        let off = meanwhile.iter().map(|(_, _, off)| *off);
        let most = off.fold(0.0, |most: f64, off| most.max(off.abs()));
        assert!(most < 350.0, "{most} ms");
        are_together(&call.talk(5), 0);
    }
}

#[test]
fn who_reports_nonsense_does_not_disturb_who_comes_next() {
    let mut call = Call::new([[20, 300], [40, 60]]);
    call.people[1].cheats = true;
    call.show(0);
    call.talk(8);
    for _ in 0..3 {
        call.hide(0);
        call.show(1);
        let placed = call.talk(8);
        for (who, kind, off) in &placed {
            assert!((-50.0..=1500.0).contains(off), "{who}, {kind}: {off} ms");
        }
        call.hide(1);
        call.show(0);
        call.talk(2);
        are_together(&call.talk(4), 0);
    }
}
