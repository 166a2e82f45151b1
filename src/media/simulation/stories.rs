//! What becomes of media when the link loses, fails or moves.

use std::collections::BTreeSet;
use std::time::Duration;

use rtc::peer_connection::sdp::RTCSessionDescription;

use super::World;
use super::client::{Client, SSRC, numbers};
use crate::media::room::request::Request;
use crate::media::{Census, MediaError};
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::protocol::object::{Leg, Source, SourceMid};

#[test]
fn what_a_lossy_link_loses_is_repaired() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive(&bo);
    let began = world.now;
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    world.loss_percent = 8;
    for number in 0..1000u16 {
        let now = world.now;
        world.clients[up].send(number.wrapping_add(65_000), now);
        world.run(Duration::from_millis(10));
    }
    world.loss_percent = 0;
    world.run(Duration::from_secs(1));

    let (arrived, keyframes) = numbers(&world.clients[down]);
    assert!(keyframes >= 1);
    let first = world.clients[down]
        .received
        .first()
        .expect("something arrived");
    assert_eq!(first.payload[1], 0, "it begins with a keyframe");
    assert!(
        arrived.len() >= 980,
        "{} of 1000 arrived after {:?}",
        arrived.len(),
        world.now - began
    );
    let events = world.events.lock().unwrap();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, MediaEvent::Slots { to, .. } if *to == bo))
    );
}

#[test]
fn a_connection_that_stays_away_is_closed_and_a_restart_brings_it_back() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive(&bo);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));

    world.ask(&bo, |reply| Request::Restart {
        leg: Leg::Down,
        reply,
    });
    let offer = world.last_offer(&bo);
    assert_eq!(offer.revision, 2);
    let origin = offer.sdp.lines().find(|line| line.starts_with("o="));
    assert_eq!(origin.unwrap().split(' ').nth(2), Some("2"));
    world.answer(&bo, down, offer);
    world.run(Duration::from_millis(600));
    world.talk(up, 0..50);
    assert!(numbers(&world.clients[down]).0.len() >= 40);

    // Now Bo's network is gone: after ICE has given up, and a minute more, so is the connection.
    world.clients.remove(down);
    world.run(Duration::from_secs(60));
    assert_eq!(
        world.state.census().connections,
        2,
        "there is time to come back"
    );
    world.run(Duration::from_secs(40));
    assert_eq!(world.state.census().connections, 1);
    world.command(MediaCommand::Close);
    assert_eq!(world.state.census(), Census::default());
}

#[test]
fn an_offer_that_leaves_its_direction_to_the_default_is_received() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish_as(&ada, |sdp| sdp.replace("a=sendonly\r\n", ""));
    let down = world.receive(&bo);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    let answer = &world.clients[up].pc.remote_description().unwrap().sdp;
    assert!(answer.contains("a=recvonly"), "{answer}");
    world.talk(up, 0..50);
    assert!(numbers(&world.clients[down]).0.len() >= 40);
}

#[test]
fn a_data_channel_is_refused_and_the_rest_of_its_connection_works() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.client();
    let client = &mut world.clients[up];
    client.add_source(Source::Camera, SSRC);
    client.pc.create_data_channel("chat", None).unwrap();
    world.offer(&ada, up, 1, &[Source::Camera], |sdp| sdp);
    let client = &world.clients[up];
    let offer = &client.pc.local_description().unwrap().sdp;
    assert!(offer.contains("m=application 9"), "{offer}");
    let answer = &client.pc.remote_description().unwrap().sdp;
    assert!(answer.contains("m=application 0"), "{answer}");
    let down = world.receive(&bo);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    world.talk(up, 0..50);
    assert!(numbers(&world.clients[down]).0.len() >= 40);
}

#[test]
fn what_comes_on_the_old_way_while_ice_restarts_is_not_lost() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive(&bo);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    world.talk(up, 0..50);
    world.run(Duration::from_millis(600));

    // Sent before the restart, to arrive within it: the client's crate uses the old path no longer than ours.
    let now = world.now;
    for number in 50..70 {
        world.clients[up].send(number, now);
    }
    let on_its_way = world.clients[up].turn(now);
    let client = &mut world.clients[up];
    client.pc.restart_ice();
    let offer = client.pc.create_offer(None).unwrap();
    client.pc.set_local_description(now, offer).unwrap();
    let sdp = client.pc.local_description().unwrap().sdp;
    let sources = vec![SourceMid {
        mid: "0".to_owned(),
        source: Source::Camera,
    }];
    let answer = world.ask(&ada, |reply| Request::Publish {
        revision: 2,
        sdp,
        sources,
        reply,
    });
    let address = world.clients[up].address;
    for (_, bytes) in on_its_way {
        world.strike(address, &bytes);
    }
    let answer = RTCSessionDescription::answer(answer.answer.sdp).unwrap();
    let client = &mut world.clients[up];
    client.pc.set_remote_description(now, answer).unwrap();
    let keyframes = numbers(&world.clients[down]).1;
    world.run(Duration::from_millis(600));
    world.talk(up, 70..100);
    world.run(Duration::from_millis(600));

    let (arrived, keyframes_then) = numbers(&world.clients[down]);
    let missing: Vec<u16> = (50..100)
        .filter(|number| !arrived.contains(number))
        .collect();
    assert_eq!(missing, [0u16; 0]);
    assert_eq!(
        keyframes_then, keyframes,
        "nothing was lost, so none was asked for"
    );
}

#[test]
fn a_preference_for_more_slots_adds_them_to_the_connection_and_what_flows_goes_on() {
    let mut world = World::new();
    let (ada, bo, cy) = (world.admit(), world.admit(), world.admit());
    let up = world.publish(&ada);
    world.start_camera(&ada);
    let down = world.receive(&bo);
    world.run(Duration::from_millis(600));
    world.talk(up, 0..20);
    let first = *numbers(&world.clients[down]).0.first().unwrap();
    let connections = world.state.census().connections;
    let preference = |world: &mut World, audio_slots, video_slots| {
        world.ask(&bo, |reply| Request::Receive {
            audio_slots,
            video_slots,
            reply,
        })
    };

    let wider = preference(&mut world, 1, 2);
    assert_eq!((wider.revision, wider.slots.len()), (2, 3));
    assert!(wider.slots[0].track.is_some(), "it is carried as before");
    // Before the answer they ask for one more.
    let widest = preference(&mut world, 1, 3);
    assert_eq!((widest.revision, widest.slots.len()), (3, 4));
    let mids: BTreeSet<_> = widest.slots.iter().map(|slot| &slot.mid).collect();
    assert_eq!(mids.len(), 4);
    world.talk(up, 20..40);
    world.answer(&bo, down, widest);
    world.talk(up, 40..80);
    let (received, _) = numbers(&world.clients[down]);
    let all = (first..first + received.len() as u16).collect();
    assert_eq!(received, all, "nothing of the picture that runs is lost");
    assert!(received.len() >= 60);

    let second = world.publish(&cy);
    world.start_camera(&cy);
    world.run(Duration::from_millis(600));
    world.talk(second, 0..50);
    let streams: BTreeSet<u32> = world.clients[down]
        .received
        .iter()
        .map(|packet| packet.header.ssrc)
        .collect();
    assert_eq!(streams.len(), 2, "the new slot carries the new picture");
    assert_eq!(world.state.census().connections, connections + 1);
    assert_eq!(world.state.census().slots, 4);

    // A connection whose offer was never answered takes more slots as well.
    let before = preference(&mut world, 0, 1);
    let after = preference(&mut world, 2, 1);
    assert_eq!((before.revision, after.revision), (4, 5));
    let late = world.client();
    world.answer(&bo, late, after);
    world.run(Duration::from_millis(600));
    let seen = world.clients[late].received.len();
    world.talk(up, 80..100);
    assert!(world.clients[late].received.len() > seen + 10);

    // A request for as many slots as there are, or fewer, makes a new connection. A third one cannot be had at once.
    world.run(Duration::from_secs(7));
    let anew = preference(&mut world, 1, 1);
    assert_eq!((anew.revision, anew.slots.len()), (6, 2));
    assert!(anew.slots.iter().all(|slot| slot.track.is_none()));
}

#[test]
fn slots_are_added_with_the_codecs_that_the_client_takes() {
    for taken in [&["VP8"][..], &["H264"], &["VP8", "H264", "VP9"], &["AV1"]] {
        let mut world = World::new();
        let bo = world.admit();
        let down = world.client();
        let preference = |world: &mut World, video_slots| {
            world.ask(&bo, |reply| Request::Receive {
                audio_slots: 1,
                video_slots,
                reply,
            })
        };
        let offer = preference(&mut world, 1);
        world.answer_as(&bo, down, offer, |sdp| only(&sdp, taken));
        world.run(Duration::from_millis(600));

        let wider = preference(&mut world, 3);
        let pictures = wider.sdp.split("m=video").skip(1);
        for picture in pictures.clone() {
            for codec in ["VP8", "VP9", "H264", "AV1"] {
                let named = picture.contains(&format!(" {codec}/90000"));
                assert_eq!(named, taken.contains(&codec), "{codec} of {taken:?}");
            }
        }
        assert_eq!(pictures.count(), 3);
        world.answer_as(&bo, down, wider, |sdp| only(&sdp, taken));
        assert_eq!(world.state.census().slots, 4);
    }
}

/// The description of a client that knows no other pictures.
fn only(sdp: &str, codecs: &[&str]) -> String {
    let mut sections: Vec<String> = sdp.split("m=").map(str::to_owned).collect();
    for section in sections
        .iter_mut()
        .filter(|section| section.starts_with("video"))
    {
        let maps = section
            .lines()
            .filter_map(|line| line.strip_prefix("a=rtpmap:"));
        let kept: BTreeSet<&str> = maps
            .filter(|map| {
                codecs
                    .iter()
                    .any(|codec| map.contains(&format!(" {codec}/")))
            })
            .filter_map(|map| map.split(' ').next())
            .collect();
        let is_kept = |line: &&str| {
            let named = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
                .iter()
                .find_map(|name| line.strip_prefix(name));
            named.is_none_or(|rest| kept.contains(rest.split(' ').next().unwrap()))
        };
        let mut lines: Vec<String> = section.lines().filter(is_kept).map(str::to_owned).collect();
        let formats: Vec<&str> = kept.iter().copied().collect();
        lines[0] = format!(
            "{} {}",
            lines[0]
                .splitn(4, ' ')
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
            formats.join(" ")
        );
        *section = lines.join("\r\n") + "\r\n";
    }
    sections.join("m=")
}

#[test]
fn a_restart_is_one_also_while_an_offer_waits() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    world.start_camera(&ada);
    let down = world.receive(&bo);
    world.run(Duration::from_millis(600));
    let wider = world.ask(&bo, |reply| Request::Receive {
        audio_slots: 0,
        video_slots: 2,
        reply,
    });
    world.ask(&bo, |reply| Request::Restart {
        leg: Leg::Down,
        reply,
    });
    let restart = world.last_offer(&bo);
    let ufrag = |sdp: &str| {
        let line = sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"));
        line.unwrap().to_owned()
    };
    assert_eq!((wider.revision, restart.revision), (2, 3));
    assert_ne!(ufrag(&wider.sdp), ufrag(&restart.sdp));
    world.answer(&bo, down, restart);
    world.run(Duration::from_millis(600));
    let seen = world.clients[down].received.len();
    world.talk(up, 0..50);
    assert!(world.clients[down].received.len() >= seen + 40);
}

#[test]
fn a_receiver_may_be_the_dtls_server() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    world.start_camera(&ada);
    let down = world.client();
    let (address, now) = (world.clients[down].address, world.now);
    world.clients[down] = Client::dtls_server(address, now);
    let offer = world.ask(&bo, |reply| Request::Receive {
        audio_slots: 0,
        video_slots: 1,
        reply,
    });
    let answer = world.answer_to(down, offer);
    assert!(answer.contains("a=setup:passive"));
    let undecided = answer.replace("a=setup:passive", "a=setup:actpass");
    let mut ask = |sdp| {
        world.try_ask(&bo, |reply| Request::Answer {
            revision: 1,
            sdp,
            reply,
        })
    };
    assert!(matches!(ask(undecided), Err(MediaError::BadSdp(_))));
    assert_eq!(ask(answer), Ok(()));
    world.run(Duration::from_secs(2));
    world.talk(up, 0..50);
    assert!(world.clients[down].received.len() >= 40);
}

#[test]
fn a_sender_may_be_the_dtls_server() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish_as(&ada, |sdp| {
        sdp.replace("a=setup:actpass", "a=setup:passive")
    });
    world.start_camera(&ada);
    let down = world.receive(&bo);
    world.run(Duration::from_secs(2));
    world.talk(up, 0..50);
    assert!(world.clients[down].received.len() >= 40);
}

/// Whether the pictures of a publisher get through if its offer was changed in the fingerprint.
fn is_believed(change: impl FnOnce(String) -> String) -> bool {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish_as(&ada, change);
    world.start_camera(&ada);
    let down = world.receive(&bo);
    world.run(Duration::from_secs(1));
    world.talk(up, 0..20);
    !world.clients[down].received.is_empty()
}

#[test]
fn who_does_not_have_the_certificate_that_it_names_is_not_heard() {
    assert!(is_believed(|sdp| sdp));
    let other = |sdp: &str, function: &str, bytes: usize| {
        let lines = sdp
            .lines()
            .map(|line| match line.starts_with("a=fingerprint:") {
                true => format!(
                    "a=fingerprint:{function} {}\r\n",
                    vec!["AB"; bytes].join(":")
                ),
                false => format!("{line}\r\n"),
            });
        lines.collect::<String>()
    };
    assert!(!is_believed(|sdp| other(&sdp, "sha-256", 32)));
    assert!(!is_believed(|sdp| other(&sdp, "sha-384", 48)));
    assert!(!is_believed(|sdp| other(&sdp, "sha-512", 64)));
    // One of several is enough, of the strongest function.
    let beside = |sdp: &str, function: &str, bytes: usize| {
        let line = format!(
            "a=fingerprint:{function} {}\r\na=fingerprint:",
            vec!["AB"; bytes].join(":")
        );
        sdp.replace("a=fingerprint:", &line)
    };
    assert!(is_believed(|sdp| beside(&sdp, "sha-256", 32)));
    assert!(is_believed(|sdp| beside(&sdp, "sha-1", 20)));
    assert!(!is_believed(|sdp| beside(&sdp, "sha-512", 64)));
}
