//! The parts of the packet path that cost the most, for `benches/packets.rs`. Each is a closure that does its work
//! once.

use std::time::{Duration, Instant};

use super::arena::Arena;
use super::ice::stun;
use super::path::Path;
use super::srtp::{Inbound, Outbound, Profile, ciphers};
use crate::media::rtp::counters::Offsets;
use crate::media::rtp::encoding::Encoding;
use crate::media::rtp::extensions::{Extension, ExtensionIds};
use crate::media::rtp::history::Incoming;
use crate::media::rtp::outgoing::Outgoing;
use crate::media::rtp::packet::{ExtensionSet, Extensions, Form, Header, View};
use crate::media::rtp::rtcp::transport::Recorder;
use crate::media::rtp::rtcp::write::Writer;
use crate::media::rtp::rtcp::{Compound, Report};

/// A part's name, and what does its work once.
pub type Part = (&'static str, Box<dyn FnMut()>);

/// The bytes of a packet of a picture.
const PAYLOAD: usize = 1_100;
/// Longer than the keys and salts of any profile.
const EXPORTED: [u8; 60] = [7; 60];

/// All of them.
///
/// # Panics
/// When a part does not do what it is for.
pub fn parts() -> Vec<Part> {
    vec![
        ("read an RTP packet", read_rtp()),
        ("write a packet for a subscriber", write_rtp()),
        ("seal with AES-GCM", seal(Profile::Gcm)),
        ("seal with AES-CM and HMAC-SHA1", seal(Profile::CounterMode)),
        ("seal and open with AES-GCM", seal_and_open(Profile::Gcm)),
        (
            "seal and open with AES-CM and HMAC-SHA1",
            seal_and_open(Profile::CounterMode),
        ),
        ("gather 64 packets into runs", gather()),
        ("read a signed STUN request", read_stun()),
        ("read transport feedback on 100 packets", read_feedback()),
    ]
}

fn header(sequence: u16) -> Header {
    Header {
        marker: false,
        payload_type: 96,
        sequence,
        timestamp: 90_000,
        ssrc: 0x1234_5678,
    }
}

fn packet(sequence: u16) -> Vec<u8> {
    let number = sequence.to_be_bytes();
    let mut extensions = ExtensionSet::default();
    extensions.push(1, b"0");
    extensions.push(3, &number);
    let mut bytes = Vec::new();
    header(sequence).write(&extensions, &mut bytes);
    bytes.resize(bytes.len() + PAYLOAD, 0x10);
    bytes
}

fn read_rtp() -> Box<dyn FnMut()> {
    let bytes = packet(1);
    Box::new(move || {
        let view = View::parse(std::hint::black_box(&bytes)).expect("a packet");
        assert!(view.extensions.get(3).is_some());
    })
}

fn write_rtp() -> Box<dyn FnMut()> {
    let payload = vec![0x10; PAYLOAD];
    let ids = ExtensionIds::of([(3, Extension::TransportNumber.uri())]);
    let mut into = Vec::with_capacity(2 * PAYLOAD);
    let mut number = 0_u16;
    Box::new(move || {
        number = number.wrapping_add(1);
        into.clear();
        let packet = Incoming {
            sequence: u64::from(number),
            timestamp: 90_000,
            marker: false,
            encoding: Encoding::Vp8,
            extensions: Extensions {
                form: Form::Other,
                bytes: &[],
            },
            ids,
            payload: &payload,
        };
        let outgoing = Outgoing {
            packet: &packet,
            offsets: Offsets::default(),
            header: header(number),
            active: None,
            ids: &ids,
            mixes: true,
            stamp: Some(number),
            original: None,
        };
        outgoing.write(std::hint::black_box(&mut into));
    })
}

fn seal(profile: Profile) -> Box<dyn FnMut()> {
    let (ours, _) = ciphers(profile, &EXPORTED).expect("keys");
    let mut outbound = Outbound::new(ours);
    let plain = packet(0);
    let mut bytes = Vec::with_capacity(2 * PAYLOAD);
    let mut number = 0_u16;
    Box::new(move || {
        number = number.wrapping_add(1);
        bytes.clear();
        bytes.extend_from_slice(&plain);
        bytes[2..4].copy_from_slice(&number.to_be_bytes());
        assert!(outbound.seal_rtp(&mut bytes, 0));
    })
}

fn seal_and_open(profile: Profile) -> Box<dyn FnMut()> {
    let both = || ciphers(profile, &EXPORTED).expect("keys").0;
    let mut outbound = Outbound::new(both());
    let mut inbound = Inbound::new(both());
    let plain = packet(0);
    let mut bytes = Vec::with_capacity(2 * PAYLOAD);
    let mut number = 0_u16;
    Box::new(move || {
        number = number.wrapping_add(1);
        bytes.clear();
        bytes.extend_from_slice(&plain);
        bytes[2..4].copy_from_slice(&number.to_be_bytes());
        assert!(outbound.seal_rtp(&mut bytes, 0));
        assert!(inbound.open_rtp(&mut bytes).is_some());
    })
}

fn gather() -> Box<dyn FnMut()> {
    let local = ([127, 0, 0, 1], 3_478).into();
    let paths: Vec<Path> = (0..8)
        .map(|port| Path::udp(local, ([127, 0, 0, 1], 50_000 + port).into()))
        .collect();
    let bytes = packet(0);
    let mut arena = Arena::default();
    Box::new(move || {
        arena.clear();
        for n in 0..64 {
            arena.push(paths[n % paths.len()], |into| {
                into.extend_from_slice(&bytes)
            });
        }
        arena.group();
        let (mut from, mut runs) = (0, 0);
        while from < 64 {
            from += arena.run_length(from, 64);
            runs += 1;
        }
        assert_eq!(runs, paths.len());
    })
}

fn read_stun() -> Box<dyn FnMut()> {
    let key = stun::key("a password of twenty-four");
    let request = stun::Writer::new(stun::BINDING_REQUEST, &[9; 12])
        .attribute(0x0006, b"here:there")
        .sign(&key);
    Box::new(move || {
        let message = stun::Message::parse(std::hint::black_box(&request)).expect("a message");
        assert!(message.is_signed_by(&key));
    })
}

fn read_feedback() -> Box<dyn FnMut()> {
    let begin = Instant::now();
    let mut recorder = Recorder::default();
    for number in 0..100_u16 {
        recorder.note(number, begin + Duration::from_millis(5) * u32::from(number));
    }
    let mut bytes = Vec::new();
    assert!(Writer::new(&mut bytes).transport(1, 2, &mut recorder));
    Box::new(move || {
        let compound = Compound::parse(std::hint::black_box(&bytes)).expect("a report");
        let came = compound.iter().map(|report| match report {
            Report::Transport(feedback) => feedback.iter().count(),
            _ => 0,
        });
        assert_eq!(came.sum::<usize>(), 100);
    })
}
