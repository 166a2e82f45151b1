//! A client that sends what it may not. The room decides by commands what is forwarded; nothing that a client sends
//! changes that.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rtc::sdp::extmap::{SDES_MID_URI, SDES_REPAIR_RTP_STREAM_ID_URI, SDES_RTP_STREAM_ID_URI};

use super::client::{Client, SSRC};
use super::{SERVER, World};
use crate::media::peer::sdp::Description;
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::Source;

const SOURCES: [Source; 3] = [Source::Microphone, Source::Camera, Source::Screen];
const SSRCS: [u32; 3] = [100, SSRC, 900];
/// SSRCs that were never declared.
const STRANGE: u32 = 50_000;
const OPUS: u8 = 111;
const VP8: u8 = 96;
const VP8_REPAIR: u8 = 97;

/// Ada sends, Bo receives.
struct Cheat {
    world: World,
    ada: ParticipantId,
    up: usize,
    down: usize,
    /// Counts packets, so that none is a duplicate.
    sent: u16,
    revision: u64,
}

impl Cheat {
    fn new() -> Self {
        let mut world = World::new();
        let (ada, bo) = (world.admit(), world.admit());
        let up = world.client();
        for (source, ssrc) in SOURCES.into_iter().zip(SSRCS) {
            world.clients[up].add_source(source, ssrc);
        }
        world.offer(&ada, up, 1, &SOURCES, |sdp| sdp);
        let down = world.receive_slots(&bo, 2, 3);
        world.run(Duration::from_millis(600));
        Self {
            world,
            ada,
            up,
            down,
            sent: 0,
            revision: 1,
        }
    }

    fn start(&mut self, source: Source) -> TrackId {
        let ada = self.ada.clone();
        self.world.start(&ada, source)
    }

    fn command(&mut self, command: MediaCommand) {
        self.world.command(command);
    }

    /// One packet, with these header extensions of those that were negotiated.
    fn send(&mut self, ssrc: u32, payload_type: u8, tags: &[(&str, &str)]) {
        self.sent += 1;
        let number = self.sent;
        let mut header = rtc::rtp::Header {
            version: 2,
            payload_type,
            sequence_number: number,
            timestamp: u32::from(number) * 960,
            ssrc,
            ..Default::default()
        };
        let client = &mut self.world.clients[self.up];
        let answer = &client.pc.remote_description().unwrap().sdp;
        let answer = Description::parse(answer).unwrap();
        let camera = answer.section("1").unwrap();
        for (uri, value) in tags {
            let mut extensions = camera.extensions.iter();
            let found = extensions.find(|(_, known)| known == uri);
            let id = found.expect("it was negotiated").0;
            let value = Bytes::copy_from_slice(value.as_bytes());
            header.set_extension(id, value).unwrap();
        }
        // A picture that decodes on its own. On the repair stream it is one that nobody has seen.
        let [high, low] = number.to_be_bytes();
        let mut payload = BytesMut::from(&[0x10, 0, high, low][..]);
        if payload_type == VP8_REPAIR {
            payload = BytesMut::from(&[0x20, low, 0x10, 0, high, low][..]);
        }
        client.send_packet(header, payload.freeze(), self.world.now);
        self.world.run(Duration::from_millis(10));
    }

    /// How many packets come down while the client sends everything that it can think of for a picture on the
    /// camera's m-line, mid 1.
    fn pictures(&mut self) -> usize {
        let (mid, rid) = ((SDES_MID_URI, "1"), (SDES_RTP_STREAM_ID_URI, "q"));
        let repaired = (SDES_REPAIR_RTP_STREAM_ID_URI, "q");
        let arrived = self.media_to(SERVER.into());
        let passed = self.while_doing(|cheat| {
            for round in 0..20 {
                cheat.send(SSRC, VP8, &[]);
                cheat.send(SSRC + 1, VP8_REPAIR, &[]);
                cheat.send(SSRC + 1, VP8, &[mid]);
                cheat.send(STRANGE + round, VP8, &[mid]);
                cheat.send(STRANGE, VP8, &[mid, rid]);
                cheat.send(STRANGE + 100, VP8_REPAIR, &[mid, repaired]);
                cheat.send(STRANGE + 200 + round, VP8, &[]);
                // On the microphone's stream, and as if it were the microphone's.
                cheat.send(SSRCS[0], VP8, &[]);
                cheat.send(SSRCS[0], VP8, &[mid]);
                cheat.send(SSRC, OPUS, &[]);
                cheat.send(STRANGE + 300, VP8, &[(SDES_MID_URI, "0")]);
            }
        });
        assert_eq!(self.media_to(SERVER.into()) - arrived, 20 * 11);
        passed
    }

    /// How many packets come down while the microphone's m-line is used as it is meant.
    fn sounds(&mut self) -> usize {
        self.while_doing(|cheat| {
            for _ in 0..20 {
                cheat.send(SSRCS[0], OPUS, &[]);
            }
        })
    }

    fn while_doing(&mut self, run: impl FnOnce(&mut Self)) -> usize {
        let down = self.world.clients[self.down].address;
        let before = self.media_to(down);
        run(self);
        self.world.run(Duration::from_secs(1));
        self.media_to(down) - before
    }

    fn media_to(&self, address: SocketAddr) -> usize {
        self.world.media.get(&address).copied().unwrap_or_default()
    }

    /// Offers again on the same connection.
    fn negotiate_again(&mut self, sources: &[Source]) {
        self.revision += 1;
        let (ada, revision) = (self.ada.clone(), self.revision);
        self.world
            .offer(&ada, self.up, revision, sources, |sdp| sdp);
    }
}

#[test]
fn nothing_of_a_muted_track_passes_whatever_is_sent() {
    let mut cheat = Cheat::new();
    let camera = cheat.start(Source::Camera);
    assert!(cheat.pictures() >= 20, "what is allowed passes");
    let (track, muted) = (camera, true);
    cheat.command(MediaCommand::SetMuted { track, muted });
    assert_eq!(cheat.pictures(), 0);

    // Offered again, as before and with the m-lines' sources changed about.
    cheat.negotiate_again(&SOURCES);
    assert_eq!(cheat.pictures(), 0);
    cheat.negotiate_again(&[Source::Microphone, Source::Screen, Source::Camera]);
    assert_eq!(cheat.pictures(), 0);

    // The rest of the connection goes on meanwhile.
    cheat.start(Source::Microphone);
    assert_eq!(cheat.sounds(), 20);
    assert_eq!(cheat.pictures(), 0);
}

#[test]
fn nothing_of_a_source_that_was_never_started_passes() {
    let mut cheat = Cheat::new();
    assert_eq!((cheat.pictures(), cheat.sounds()), (0, 0));
    cheat.start(Source::Microphone);
    assert_eq!((cheat.pictures(), cheat.sounds()), (0, 20));
    cheat.start(Source::Screen);
    assert_eq!(cheat.pictures(), 0, "that is the camera, not the screen");
}

#[test]
fn nothing_of_a_source_that_was_stopped_passes() {
    let mut cheat = Cheat::new();
    let track = cheat.start(Source::Camera);
    assert!(cheat.pictures() >= 20);
    cheat.command(MediaCommand::StopTrack { track });
    assert_eq!(cheat.pictures(), 0);
    cheat.negotiate_again(&SOURCES);
    assert_eq!(cheat.pictures(), 0);
}

#[test]
fn pictures_do_not_pass_as_sound() {
    let mut cheat = Cheat::new();
    cheat.start(Source::Microphone);
    assert_eq!(cheat.pictures(), 0);
    assert_eq!(cheat.sounds(), 20);
}

#[test]
fn nothing_passes_of_somebody_who_is_gone_nor_is_it_answered() {
    let mut cheat = Cheat::new();
    cheat.start(Source::Camera);
    assert!(cheat.pictures() >= 20);
    // Sealed while it was allowed, sent afterwards: the keys are right, and the address too.
    let (now, address) = (cheat.world.now, cheat.world.clients[cheat.up].address);
    for number in 0..20 {
        let client = &mut cheat.world.clients[cheat.up];
        client.send(20_000 + number, now);
    }
    let sealed = cheat.world.clients[cheat.up].turn(now);
    assert!(sealed.len() >= 20);
    let participant = cheat.ada.clone();
    cheat.command(MediaCommand::Dismiss { participant });
    assert_eq!(cheat.world.state.census().connections, 1, "Bo's alone");
    let mut out = cheat.world.sent();
    deliver(&mut cheat, address, &sealed);
    out.extend(cheat.world.sent());
    assert!(out.iter().all(|(_, bytes)| !is_media(bytes)), "forwarded");
    let reported = out.iter().filter(|(path, _)| path.remote() == address);
    assert!(reported.count() <= 1, "more than a goodbye");

    // Nor do they pass when the same client comes back and may send: they are sealed with former keys.
    let ada = cheat.world.admit();
    let again = Client::new(address, now);
    cheat.world.clients[cheat.up] = again;
    let up = cheat.up;
    cheat.world.clients[up].add_source(Source::Camera, SSRC);
    cheat.world.offer(&ada, up, 1, &[Source::Camera], |sdp| sdp);
    cheat.world.run(Duration::from_millis(600));
    cheat.world.start(&ada, Source::Camera);
    cheat.world.run(Duration::from_millis(600));
    assert!(cheat.while_doing(|cheat| cheat.world.talk(up, 0..50)) >= 40);
    let replay = |cheat: &mut Cheat| deliver(cheat, address, &sealed);
    assert_eq!(cheat.while_doing(replay), 0);
    assert_eq!(
        cheat.while_doing(|cheat| cheat.world.talk(up, 50..70)),
        20,
        "what follows is not disturbed"
    );
}

#[test]
fn streams_without_end_take_nothing_from_those_that_were_declared() {
    let mut cheat = Cheat::new();
    cheat.start(Source::Camera);
    cheat.start(Source::Microphone);
    assert_eq!(cheat.sounds(), 20);
    for ssrc in 0..500 {
        cheat.send(STRANGE + ssrc, VP8, &[]);
    }
    assert!(cheat.pictures() >= 20);
    assert_eq!(cheat.sounds(), 20);
}

fn deliver(cheat: &mut Cheat, from: SocketAddr, sealed: &[(SocketAddr, BytesMut)]) {
    let Cheat { world, .. } = cheat;
    for (to, bytes) in sealed {
        assert_eq!(*to, SocketAddr::from(SERVER));
        world.strike(from, bytes);
    }
}

fn is_media(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if !(64..96).contains(&(kind & 127)))
}
