//! More voices than a participant has slots for: the loudest are heard, and the speakers are told to everybody.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use super::World;
use crate::media::rtp::extensions::Extension;
use crate::meeting::media::MediaEvent;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Source;

const VOICES: usize = 5;
/// The id of the header extension that tells how loud a packet is.
const LEVEL: u8 = 14;
/// How loud a packet is, in -dBov.
const SILENT: u8 = 127;
const FAINT: u8 = 90;

/// Five participants with a microphone, and one with slots for two voices.
struct Call {
    world: World,
    people: Vec<ParticipantId>,
    clients: Vec<usize>,
    listener: usize,
    number: u16,
}

impl Call {
    fn new() -> Self {
        let mut world = World::new();
        let people: Vec<_> = (0..VOICES).map(|_| world.admit()).collect();
        let level = format!("a=extmap:{LEVEL} {}\r\n", Extension::AudioLevel.uri());
        let mut clients = Vec::new();
        for (place, person) in people.iter().enumerate() {
            let client = world.client();
            world.clients[client].add_source(Source::Microphone, ssrc(place));
            world.offer(person, client, 1, &[Source::Microphone], |sdp| {
                sdp.replacen("a=mid:0\r\n", &format!("a=mid:0\r\n{level}"), 1)
            });
            clients.push(client);
        }
        let listener = world.admit();
        let listener = world.receive_slots(&listener, 2, 0);
        for person in &people {
            world.start(person, Source::Microphone);
        }
        world.run(Duration::from_millis(600));
        Self {
            world,
            people,
            clients,
            listener,
            number: 0,
        }
    }

    /// All send for so long, each at its level. Returns the voices that were heard.
    fn talk(&mut self, millis: u64, levels: [u8; VOICES]) -> BTreeSet<u8> {
        self.world.clients[self.listener].received.clear();
        for _ in 0..millis / 20 {
            self.number += 1;
            for (place, level) in levels.into_iter().enumerate() {
                let mut header = rtc::rtp::Header {
                    version: 2,
                    payload_type: 111,
                    sequence_number: self.number,
                    timestamp: u32::from(self.number) * 960,
                    ssrc: ssrc(place),
                    ..Default::default()
                };
                header
                    .set_extension(LEVEL, Bytes::from(vec![level]))
                    .unwrap();
                let now = self.world.now;
                let payload = Bytes::from(vec![place as u8; 40]);
                self.world.clients[self.clients[place]].send_packet(header, payload, now);
            }
            self.world.run(Duration::from_millis(20));
        }
        let received = &self.world.clients[self.listener].received;
        received.iter().map(|packet| packet.payload[0]).collect()
    }

    /// The speakers that were told, at each change.
    fn speakers(&self) -> Vec<Vec<usize>> {
        let place = |id| self.people.iter().position(|one| one == id).unwrap();
        let events = self.world.events.lock().unwrap();
        let told = events.iter().filter_map(|event| match event {
            MediaEvent::Speakers { participants } => Some(participants),
            _ => None,
        });
        told.map(|told| told.iter().map(place).collect()).collect()
    }
}

fn ssrc(place: usize) -> u32 {
    900 + 10 * place as u32
}

#[test]
fn the_loudest_are_forwarded_and_keep_their_slots_over_a_breath() {
    let mut call = Call::new();
    let two = [FAINT, FAINT, 20, 25, SILENT];
    call.talk(2000, two);
    assert_eq!(call.talk(2000, two), BTreeSet::from([2, 3]));
    let sent = call.world.clients[call.listener].received.len();
    assert!((190..=200).contains(&sent), "{sent}");
    // Another is as loud, or a little louder.
    let third = [FAINT, FAINT, 20, 25, 18];
    assert_eq!(call.talk(2000, third), BTreeSet::from([2, 3]));
    // A breath.
    let breath = [FAINT, FAINT, SILENT, 25, 18];
    assert_eq!(call.talk(100, breath), BTreeSet::from([2, 3]));
    assert_eq!(call.talk(1000, third), BTreeSet::from([2, 3]));
    // The end of a speech.
    call.talk(2000, breath);
    assert_eq!(call.talk(1000, breath), BTreeSet::from([3, 4]));
}

#[test]
fn who_speaks_is_told_in_order_and_does_not_flicker() {
    let mut call = Call::new();
    call.talk(1000, [FAINT; VOICES]);
    assert!(call.speakers().is_empty(), "{:?}", call.speakers());
    call.talk(1000, [FAINT, 40, FAINT, FAINT, FAINT]);
    call.talk(1000, [FAINT, 40, FAINT, 40, FAINT]);
    assert_eq!(call.speakers(), [vec![1], vec![1, 3]]);
    // Now the one is louder, and now the other; and both pause between words.
    for _ in 0..10 {
        call.talk(400, [FAINT, 40, FAINT, 36, FAINT]);
        call.talk(100, [FAINT, SILENT, FAINT, SILENT, FAINT]);
        call.talk(400, [FAINT, 36, FAINT, 40, FAINT]);
    }
    assert_eq!(call.speakers().len(), 2, "{:?}", call.speakers());
    call.talk(3000, [FAINT, FAINT, FAINT, 40, FAINT]);
    call.talk(1500, [FAINT; VOICES]);
    assert_eq!(call.speakers()[2..], [vec![3], vec![]]);
}
