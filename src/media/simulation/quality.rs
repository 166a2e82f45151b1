//! What is told of people's connections.

use std::time::Duration;

use bytes::Bytes;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::sansio::Protocol as _;

use super::World;
use super::client::{SSRC, numbers};
use crate::meeting::media::MediaEvent;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Source;

/// What was told of a participant: score, round trip, loss.
fn all_reported(world: &World, whose: &ParticipantId) -> Vec<(u8, u32, f32)> {
    let events = world.events.lock().unwrap();
    let about = events.iter().filter_map(|event| match event {
        MediaEvent::Quality {
            participant,
            score,
            rtt_ms,
            loss,
        } if participant == whose => Some((*score, rtt_ms.expect("it was measured"), *loss)),
        _ => None,
    });
    about.collect()
}

/// The last report.
fn reported(world: &World, whose: &ParticipantId) -> (u8, u32, f32) {
    *all_reported(world, whose).last().expect("it was reported")
}

/// A microphone of which nothing is repaired, and its listener.
struct Call {
    world: World,
    ada: ParticipantId,
    bo: ParticipantId,
    up: usize,
    number: u16,
}

impl Call {
    fn new() -> Self {
        let mut world = World::new();
        let (ada, bo) = (world.admit(), world.admit());
        let up = world.client();
        world.clients[up].add_source(Source::Microphone, SSRC);
        world.offer(&ada, up, 1, &[Source::Microphone], |sdp| sdp);
        world.receive_slots(&bo, 1, 0);
        world.start(&ada, Source::Microphone);
        world.run(Duration::from_millis(600));
        Self {
            world,
            ada,
            bo,
            up,
            number: 0,
        }
    }

    /// A hundred packets a second, of which only these are sent.
    fn talk(&mut self, seconds: u16, is_sent: impl Fn(u16) -> bool) {
        for _ in 0..seconds * 100 {
            self.number += 1;
            let header = rtc::rtp::Header {
                version: 2,
                payload_type: 111,
                sequence_number: self.number,
                timestamp: u32::from(self.number) * 480,
                ssrc: SSRC,
                ..Default::default()
            };
            let now = self.world.now;
            if is_sent(self.number) {
                let payload = Bytes::from_static(&[0xfc, 1, 2, 3]);
                self.world.clients[self.up].send_packet(header, payload, now);
            }
            self.world.run(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_lossy_link_is_told_and_its_recovery_too() {
    let mut call = Call::new();
    call.talk(8, |_| true);
    for person in [&call.ada, &call.bo] {
        let (score, rtt, loss) = reported(&call.world, person);
        assert_eq!((score, loss), (3, 0.0));
        // 15 ms in each direction, and the grain of the simulation.
        assert!((30..=50).contains(&rtt), "{rtt}");
    }
    for (percent, expected, losses) in [(6, 2, 0.02..=0.1), (30, 1, 0.2..=0.4), (0, 3, 0.0..=0.02)]
    {
        call.world.events.lock().unwrap().clear();
        call.world.loss_percent = percent;
        call.talk(20, |_| true);
        for person in [&call.ada, &call.bo] {
            let reported = all_reported(&call.world, person);
            let fits =
                |(score, _, loss): &(u8, u32, f32)| *score == expected && losses.contains(loss);
            assert!(reported.iter().any(fits), "{percent} %: {reported:?}");
        }
    }
    for person in [&call.ada, &call.bo] {
        assert_eq!(reported(&call.world, person).0, 3);
    }
}

#[test]
fn what_a_publisher_loses_is_not_its_subscribers_loss() {
    let mut call = Call::new();
    call.talk(12, |number| number % 5 != 4);
    let (score, _, loss) = reported(&call.world, &call.ada);
    assert!((0.15..0.25).contains(&loss), "{loss}");
    assert_eq!(score, 1);
    let heard = all_reported(&call.world, &call.bo);
    assert!(
        heard
            .iter()
            .all(|(score, _, loss)| (*score, *loss) == (3, 0.0)),
        "{heard:?}"
    );
}

#[test]
fn losses_count_though_they_are_repaired() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive(&bo);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    world.loss_percent = 6;
    world.talk(up, 0..1000);
    world.loss_percent = 0;
    world.run(Duration::from_secs(1));
    assert!(numbers(&world.clients[down]).0.len() > 980, "repaired");
    let reported = all_reported(&world, &ada);
    assert!(
        reported.iter().any(|(score, ..)| *score == 2),
        "{reported:?}"
    );
}

/// Reports come before requests in one datagram (RFC 3550 §6.1), and may be empty or about repair streams alone.
#[test]
fn a_report_about_nothing_takes_no_request_along() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive(&bo);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    world.talk(up, 0..50);
    let slot = world.clients[down].received.last().unwrap().header.ssrc;
    for about in [None, Some(slot.wrapping_add(1))] {
        world.run(Duration::from_secs(1));
        world.clients[up].keyframe_asked = false;
        let reports = about.map(|ssrc| ReceptionReport {
            ssrc,
            ..Default::default()
        });
        let report = ReceiverReport {
            ssrc: 1,
            reports: reports.into_iter().collect(),
            ..Default::default()
        };
        let request = PictureLossIndication {
            sender_ssrc: 1,
            media_ssrc: slot,
        };
        let packets =
            RTCMessage::RtcpPacket(String::new(), vec![Box::new(report), Box::new(request)]);
        let message = TaggedRTCMessage {
            now: world.now,
            message: packets,
        };
        world.clients[down].pc.handle_write(message).unwrap();
        world.run(Duration::from_millis(200));
        assert!(world.clients[up].keyframe_asked, "{about:?}");
    }
}

#[test]
fn a_steady_connection_is_told_now_and_then() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    world.publish(&ada);
    world.run(Duration::from_secs(61));
    assert_eq!(all_reported(&world, &ada).len(), 6, "every 10 s");
    assert_eq!(all_reported(&world, &bo), [], "no connection, no quality");
}
