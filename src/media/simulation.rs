//! The worker's state machine and clients of the sans-I/O crate in virtual time, over a lossy link.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use rtc::ice::attributes::control::AttrControlling;
use rtc::ice::attributes::priority::PriorityAttr;
use rtc::ice::attributes::use_candidate::UseCandidateAttr;
use rtc::interceptor::{Registry, Slot as ChainSlot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use rtc::stun::attributes::ATTR_USERNAME;
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc::stun::textattrs::Username;
use tokio::sync::oneshot;

use super::connection::host_candidate;
use super::interceptor::{FEEDBACK_SLOT, Feedback, REPAIR_SLOT, RepairUnwrapper};
use super::request::Request;
use super::state::{Input, Opening, State};
use super::{Census, codec};
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Leg, Source, SourceMid};

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 1], 5000);
const DELAY: Duration = Duration::from_millis(15);
const STEP: Duration = Duration::from_millis(5);
const SSRC: u32 = 4711;

struct Datagram {
    due: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: BytesMut,
}

struct Client {
    address: SocketAddr,
    pc: RTCPeerConnection,
    keyframe_asked: bool,
    received: Vec<rtc::rtp::Packet>,
}

struct World {
    now: Instant,
    state: State,
    clients: Vec<Client>,
    wire: VecDeque<Datagram>,
    loss_percent: u32,
    random: u32,
    events: Arc<Mutex<Vec<MediaEvent>>>,
    _alive: Arc<()>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let local = [SocketAddr::from(SERVER)];
        let mut state = State::new(Arc::from(local), now, SystemTime::UNIX_EPOCH);
        let (events, alive) = (Arc::new(Mutex::new(Vec::new())), Arc::new(()));
        let into = Arc::clone(&events);
        let sink = Box::new(move |event| {
            into.lock().unwrap().push(event);
            Ok(())
        });
        let alive_for_room = Arc::downgrade(&alive);
        state.open(
            Opening {
                room: 1,
                events: sink,
                alive: alive_for_room,
            },
            now,
        );
        Self {
            now,
            state,
            clients: Vec::new(),
            wire: VecDeque::new(),
            loss_percent: 0,
            random: 0x2545_f491,
            events,
            _alive: alive,
        }
    }

    fn command(&mut self, command: MediaCommand) {
        self.state
            .handle_input(Input::Command { room: 1, command }, self.now);
    }

    fn ask<T>(
        &mut self,
        participant: &ParticipantId,
        request: impl FnOnce(super::request::Reply<T>) -> Request,
    ) -> T {
        let (reply, mut answer) = oneshot::channel();
        let (participant, request) = (participant.clone(), request(reply));
        self.state.handle_input(
            Input::Request {
                room: 1,
                participant,
                request,
            },
            self.now,
        );
        answer
            .try_recv()
            .expect("answered at once")
            .expect("not refused")
    }

    fn admit(&mut self) -> ParticipantId {
        let participant = ParticipantId::random();
        self.command(MediaCommand::Admit {
            participant: participant.clone(),
        });
        participant
    }

    fn client(&mut self) -> usize {
        let number = self.clients.len() as u8 + 10;
        let address = SocketAddr::from(([192, 0, 2, number], 40_000));
        let pc = connection(self.now);
        self.clients.push(Client {
            address,
            pc,
            keyframe_asked: false,
            received: Vec::new(),
        });
        self.clients.len() - 1
    }

    /// A camera's connection; offered and answered.
    fn publish(&mut self, participant: &ParticipantId) -> usize {
        self.publish_as(participant, |sdp| sdp)
    }

    /// The same, with an offer that was changed on its way.
    fn publish_as(
        &mut self,
        participant: &ParticipantId,
        change: impl FnOnce(String) -> String,
    ) -> usize {
        let index = self.client();
        let now = self.now;
        let client = &mut self.clients[index];
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            ..Default::default()
        };
        client
            .pc
            .add_transceiver_from_track(camera(), Some(init))
            .unwrap();
        let offer = client.pc.create_offer(None).unwrap();
        client.pc.set_local_description(now, offer).unwrap();
        let sdp = change(client.described());
        let sources = vec![SourceMid {
            mid: "0".to_owned(),
            source: Source::Camera,
        }];
        let answer = self.ask(participant, |reply| Request::Publish {
            revision: 1,
            sdp,
            sources,
            reply,
        });
        let answer = RTCSessionDescription::answer(answer.answer.sdp).unwrap();
        self.clients[index]
            .pc
            .set_remote_description(now, answer)
            .unwrap();
        index
    }

    /// A down connection with one picture slot.
    fn receive(&mut self, participant: &ParticipantId) -> usize {
        let index = self.client();
        let (audio_slots, video_slots) = (0, 1);
        let offer = self.ask(participant, |reply| Request::Receive {
            audio_slots,
            video_slots,
            reply,
        });
        let now = self.now;
        let client = &mut self.clients[index];
        let description = RTCSessionDescription::offer(offer.sdp).unwrap();
        client.pc.set_remote_description(now, description).unwrap();
        let answer = client.pc.create_answer(None).unwrap();
        client.pc.set_local_description(now, answer).unwrap();
        let sdp = client.described();
        let revision = offer.revision;
        self.ask(participant, |reply| Request::Answer {
            revision,
            sdp,
            reply,
        });
        index
    }

    fn start_camera(&mut self, participant: &ParticipantId) -> TrackId {
        let track = TrackId::random();
        let (participant, source) = (participant.clone(), Source::Camera);
        let start = MediaCommand::StartTrack {
            participant,
            track: track.clone(),
            source,
            muted: false,
        };
        self.command(start);
        track
    }

    fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        let now = self.now;
        while self
            .wire
            .front()
            .is_some_and(|datagram| datagram.due <= now)
        {
            let Some(datagram) = self.wire.pop_front() else {
                break;
            };
            self.deliver(datagram);
        }
        self.state.handle_timeout(now);
        let mut out = Vec::new();
        self.state.take_transmits(&mut out);
        for transmit in out {
            self.post(transmit.from, transmit.to, transmit.bytes);
        }
        for index in 0..self.clients.len() {
            for (to, bytes) in self.clients[index].turn(now) {
                self.post(self.clients[index].address, to, bytes);
            }
        }
    }

    fn deliver(&mut self, datagram: Datagram) {
        let Datagram {
            from, to, bytes, ..
        } = datagram;
        if to == SocketAddr::from(SERVER) {
            self.state.handle_datagram(from, to, &bytes, self.now);
        } else if let Some(client) = self.clients.iter_mut().find(|client| client.address == to) {
            let transport = TransportContext {
                local_addr: to,
                peer_addr: from,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let _ = client.pc.handle_read(TaggedBytesMut {
                now: self.now,
                transport,
                message: bytes,
            });
        }
    }

    /// Media is lost at the link's rate; what sets up connections passes, to keep the test short.
    fn post(&mut self, from: SocketAddr, to: SocketAddr, bytes: BytesMut) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        let is_rtp = bytes.len() > 2 && bytes[0] >> 6 == 2 && !(64..96).contains(&(bytes[1] & 127));
        if is_rtp && self.random % 100 < self.loss_percent {
            return;
        }
        self.wire.push_back(Datagram {
            due: self.now + DELAY,
            from,
            to,
            bytes,
        });
    }
}

impl Client {
    fn described(&mut self) -> String {
        let candidate = host_candidate(self.address).unwrap();
        self.pc.add_local_candidate(candidate).unwrap();
        self.pc
            .add_local_candidate(RTCIceCandidateInit::default())
            .unwrap();
        self.pc.local_description().unwrap().sdp
    }

    fn turn(&mut self, now: Instant) -> Vec<(SocketAddr, BytesMut)> {
        if self.pc.poll_timeout().is_some_and(|due| due <= now) {
            self.pc.handle_timeout(now).unwrap();
        }
        while self.pc.poll_event().is_some() {}
        while let Some(message) = self.pc.poll_read() {
            match message.message {
                RTCMessage::RtpPacket(_, packet) => self.received.push(packet),
                RTCMessage::RtcpPacket(_, reports) => {
                    self.keyframe_asked |= reports
                        .iter()
                        .any(|report| report.as_any().is::<PictureLossIndication>());
                }
                _ => {}
            }
        }
        let mut out = Vec::new();
        while let Some(datagram) = self.pc.poll_write() {
            out.push((datagram.transport.peer_addr, datagram.message));
        }
        out
    }

    /// Sends one VP8 packet that says which it is; a keyframe where one was asked for.
    fn send(&mut self, number: u16, now: Instant) {
        let inter = u8::from(!std::mem::take(&mut self.keyframe_asked));
        let [high, low] = number.to_be_bytes();
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: 96,
            sequence_number: number,
            timestamp: u32::from(number) * 1800,
            ssrc: SSRC,
            ..Default::default()
        };
        let payload = Bytes::from(vec![0x10, inter, high, low]);
        let message = RTCMessage::RtpPacket(String::new(), rtc::rtp::Packet { header, payload });
        self.pc
            .handle_write(TaggedRTCMessage { now, message })
            .unwrap();
    }
}

fn connection(now: Instant) -> RTCPeerConnection {
    let mut media = MediaEngine::default();
    for codec in codec::video() {
        media.register_codec(codec, RtpCodecKind::Video).unwrap();
    }
    let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
    let registry = registry
        .with(
            ChainSlot::from(REPAIR_SLOT),
            RepairUnwrapper::new(HashMap::from([(97, 96)])),
        )
        .with(ChainSlot::from(FEEDBACK_SLOT), Feedback::default());
    let settings = SettingEngineBuilder::default().with_include_loopback_candidate(true);
    RTCPeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings.build())
        .build(now)
        .unwrap()
}

fn camera() -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(SSRC),
            rtx: Some(RTCRtpRtxParameters { ssrc: SSRC + 1 }),
            ..Default::default()
        },
        codec: codec::video()[0].rtp_codec.clone(),
        ..Default::default()
    };
    let name = "camera".to_owned();
    MediaStreamTrack::new(
        name.clone(),
        name.clone(),
        name,
        RtpCodecKind::Video,
        vec![encoding],
    )
}

/// Which of the sender's packets arrived, by the number in their payloads; keyframes apart.
fn numbers(client: &Client) -> (BTreeSet<u16>, usize) {
    let number = |packet: &rtc::rtp::Packet| {
        let payload = packet.payload.get(..4)?;
        Some(u16::from_be_bytes([payload[2], payload[3]]))
    };
    let keyframes = client
        .received
        .iter()
        .filter(|packet| packet.payload.get(1) == Some(&0));
    (
        client.received.iter().filter_map(number).collect(),
        keyframes.count(),
    )
}

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
    let offer = {
        let events = world.events.lock().unwrap();
        events.iter().rev().find_map(|event| match event {
            MediaEvent::Offer { to, offer } if *to == bo => Some(offer.clone()),
            _ => None,
        })
    };
    let offer = offer.expect("a new offer");
    assert_eq!(offer.revision, 2);
    let origin = offer.sdp.lines().find(|line| line.starts_with("o="));
    assert_eq!(origin.unwrap().split(' ').nth(2), Some("2"));
    let now = world.now;
    let client = &mut world.clients[down];
    client
        .pc
        .set_remote_description(now, RTCSessionDescription::offer(offer.sdp).unwrap())
        .unwrap();
    let answer = client.pc.create_answer(None).unwrap();
    client.pc.set_local_description(now, answer).unwrap();
    let sdp = client.pc.local_description().unwrap().sdp;
    world.ask(&bo, |reply| Request::Answer {
        revision: 2,
        sdp,
        reply,
    });
    world.run(Duration::from_millis(600));
    for number in 0..50 {
        let now = world.now;
        world.clients[up].send(number, now);
        world.run(Duration::from_millis(10));
    }
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
    for number in 0..50 {
        let now = world.now;
        world.clients[up].send(number, now);
        world.run(Duration::from_millis(10));
    }
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
    let talk = |world: &mut World, numbers: std::ops::Range<u16>| {
        for number in numbers {
            let now = world.now;
            world.clients[up].send(number, now);
            world.run(Duration::from_millis(10));
        }
    };
    talk(&mut world, 0..50);
    world.run(Duration::from_millis(600));

    // Sent before the restart, to arrive within it: the client's crate does not use the old way any longer than ours.
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
    for (to, bytes) in on_its_way {
        world.state.handle_datagram(address, to, &bytes, now);
    }
    let answer = RTCSessionDescription::answer(answer.answer.sdp).unwrap();
    let client = &mut world.clients[up];
    client.pc.set_remote_description(now, answer).unwrap();
    let keyframes = numbers(&world.clients[down]).1;
    world.run(Duration::from_millis(600));
    talk(&mut world, 70..100);
    world.run(Duration::from_millis(600));

    let (arrived, keyframes_then) = numbers(&world.clients[down]);
    let missing: Vec<u16> = (50..100)
        .filter(|number| !arrived.contains(number))
        .collect();
    assert_eq!(missing, [0u16; 0]);
    assert_eq!(keyframes_then, keyframes + 1, "one was asked for");
}

#[test]
fn candidates_and_strangers_make_the_server_send_nothing() {
    let mut world = World::new();
    let ada = world.admit();
    world.publish(&ada);
    // The client's candidate was in its offer; nothing of the client's arrives.
    world.clients.clear();
    for _ in 0..200 {
        world.step();
    }
    for bytes in [
        &[0x16, 0xfe, 0xfd, 0, 0][..],
        &[0x80; 40],
        &[0, 1, 0, 0],
        &[0xff; 30],
        &[],
    ] {
        let stranger = SocketAddr::from(([203, 0, 113, 9], 40_000));
        world
            .state
            .handle_datagram(stranger, SERVER.into(), bytes, world.now);
    }
    world.step();
    assert!(world.wire.is_empty());
    assert_eq!(world.state.census().addresses, 0);
}

/// The user name fragment and the password of a description.
fn credentials(sdp: &str) -> (String, String) {
    let value = |name: &str| {
        let line = sdp.lines().find_map(|line| line.strip_prefix(name));
        line.expect("an ICE attribute").to_owned()
    };
    (value("a=ice-ufrag:"), value("a=ice-pwd:"))
}

fn stun(setters: Vec<Box<dyn Setter>>, password: &str) -> Message {
    let crypto = rtc::crypto::default_provider().unwrap();
    let password = password.to_owned();
    let integrity =
        MessageIntegrity::new_short_term_integrity_with_provider(password, crypto.crypto());
    let mut setters: Vec<Box<dyn Setter + '_>> = setters;
    setters.push(Box::new(integrity));
    setters.push(Box::new(FINGERPRINT));
    let mut message = Message::new();
    message.build(&setters).unwrap();
    message
}

#[test]
fn a_first_check_that_nominates_is_answered_without_being_repeated() {
    let mut world = World::new();
    let ada = world.admit();
    let up = world.publish(&ada);
    let client = world.clients.remove(up);
    let (theirs, their_password) = credentials(&client.pc.local_description().unwrap().sdp);
    let (ours, our_password) = credentials(&client.pc.remote_description().unwrap().sdp);
    let check = stun(
        vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId::new()),
            Box::new(Username::new(ATTR_USERNAME, format!("{ours}:{theirs}"))),
            Box::new(UseCandidateAttr),
            Box::new(AttrControlling(1)),
            Box::new(PriorityAttr(1)),
        ],
        &our_password,
    );
    let exchange = |world: &mut World, bytes: &[u8]| {
        world
            .state
            .handle_datagram(client.address, SERVER.into(), bytes, world.now);
        let mut out = Vec::new();
        world.state.take_transmits(&mut out);
        let messages = out.into_iter().map(|transmit| {
            let mut message = Message::new();
            message.unmarshal_binary(&transmit.bytes).unwrap();
            message
        });
        messages.collect::<Vec<_>>()
    };
    let first = exchange(&mut world, &check.raw);
    let their_check = first.iter().find(|message| message.typ == BINDING_REQUEST);
    let their_check = their_check.expect("the server checks too");
    let answer = stun(
        vec![Box::new(their_check.clone()), Box::new(BINDING_SUCCESS)],
        &their_password,
    );
    let then = exchange(&mut world, &answer.raw);
    let answers = first.iter().chain(&then);
    let answers = answers.filter(|message| {
        message.typ == BINDING_SUCCESS && message.transaction_id == check.transaction_id
    });
    assert_eq!(answers.count(), 1);
    // Nothing is kept that would be answered once more.
    assert!(
        exchange(&mut world, &answer.raw)
            .iter()
            .all(|message| message.typ != BINDING_SUCCESS)
    );
}
