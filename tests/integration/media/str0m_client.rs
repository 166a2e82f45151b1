//! str0m, a WebRTC stack that shares no code with the server, sends and receives through the whole server: its ICE, its
//! DTLS (dimpl), its SRTP, its packets and its repairs.

mod crypto;
mod dtls;
mod peer;

use std::time::Duration;

use meeting::protocol::ids::ParticipantId;
use serde_json::json;
use str0m::media::MediaKind;

use self::peer::{Frame, Happened, Loss, Peer, Running, Way};
use super::client::Signalling as _;
use crate::support::{self, Server, soon};

/// So many of each kind have to come.
const ENOUGH: u32 = 60;
/// Large enough for several packets, and 520 kbit/s.
const PICTURE: usize = 2_600;
/// In the order of the packets of pictures: one in the midst of them.
const LOST: usize = 40;

/// A frame that VP8's header calls a picture of 320 × 240 (RFC 6386 §9.1), and that says which it is.
fn picture(number: u32, is_key: bool) -> Vec<u8> {
    let mut frame = vec![if is_key { 0x10 } else { 0x11 }, 0, 0];
    if is_key {
        frame.extend([0x9d, 0x01, 0x2a, 64, 1, 240, 0]);
    }
    frame.extend(number.to_be_bytes());
    frame.resize(PICTURE, number as u8);
    frame
}

/// Something that could be Opus, and says which it is.
fn sound(number: u32) -> Vec<u8> {
    [&[0xfc][..], &number.to_be_bytes()].concat()
}

/// Checks that what comes is what was sent, nothing missing between.
#[derive(Default)]
struct Check {
    first: Option<u32>,
    came: u32,
}

impl Check {
    fn next(&mut self, data: &[u8], is_video: bool) {
        let is_key = data[0] & 1 == 0;
        let at = match (is_video, is_key) {
            (true, true) => 10,
            (true, false) => 3,
            (false, _) => 1,
        };
        let number = u32::from_be_bytes(data[at..at + 4].try_into().unwrap());
        let whole = match is_video {
            true => picture(number, is_key),
            false => sound(number),
        };
        assert!(data == whole, "frame {number} is not what was sent");
        let first = *self.first.get_or_insert_with(|| {
            assert!(!is_video || is_key, "pictures begin with a keyframe");
            number
        });
        assert_eq!(number, first + self.came, "nothing is missing or twice");
        self.came += 1;
    }
}

/// Which side of DTLS str0m is where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Active,
    Passive,
}

/// A description of either side that leaves no choice to the other: str0m takes what is left.
fn settled(sdp: &str, offerer: Role) -> String {
    assert!(sdp.contains("a=setup:actpass\r\n"));
    let setup = match offerer {
        Role::Active => "a=setup:active\r\n",
        Role::Passive => "a=setup:passive\r\n",
    };
    sdp.replace("a=setup:actpass\r\n", setup)
}

fn vp8(sdp: &str) -> u8 {
    let (before, _) = sdp.split_once(" VP8/90000").unwrap();
    let (_, payload_type) = before.rsplit_once(':').unwrap();
    payload_type.parse().unwrap()
}

/// Somebody who sends, somebody who receives, and their sessions.
struct Meeting {
    sending: Running,
    receiving: Running,
    _sessions: [support::Client; 2],
    _server: Server,
}

impl Meeting {
    async fn hold(role: Role, loses: Option<Way>) -> Self {
        let server = Server::start().await;
        let (mut ada, room) = server.meeting(json!({})).await;
        let mut bo = server.member("Bo", &room).await;
        let nobody = ParticipantId::random();
        let loss = |way, sdp| {
            let loss = Loss {
                way,
                payload_type: vp8(sdp),
                number: LOST,
            };
            Some(loss).filter(|_| loses == Some(way))
        };

        let mut up = Peer::new().await;
        let (offer, sources) = up.offer().await;
        let answer = ada.publish(&nobody, settled(&offer, role), sources).await;
        let ours = match role {
            Role::Active => "a=setup:passive\r\n",
            Role::Passive => "a=setup:active\r\n",
        };
        assert!(answer.contains(ours), "{answer}");
        up.answered(&answer).await;
        for source in ["microphone", "camera"] {
            let source = json!({ "source": source, "active": true });
            ada.ok("media.source", source).await;
        }

        let mut down = Peer::new().await;
        let (revision, slots) = bo.receive(&nobody, 1, 1).await;
        let other = match role {
            Role::Active => Role::Passive,
            Role::Passive => Role::Active,
        };
        let answer = down.answer(&settled(&slots, other)).await;
        bo.answer(&nobody, revision, answer).await;

        let (mut sending, mut receiving) = (
            up.run(loss(Way::Out, &offer)),
            down.run(loss(Way::In, &slots)),
        );
        tokio::join!(soon(sending.connected()), soon(receiving.connected()));
        Self {
            sending,
            receiving,
            _sessions: [ada, bo],
            _server: server,
        }
    }

    /// Sends until enough of both came, and answers how many packets were lost on the way.
    async fn pass(&mut self) -> u32 {
        let (mut pictures, mut sounds) = (Check::default(), Check::default());
        let (mut number, mut wants_key, mut lost) = (0_u32, true, 0);
        let mut every = tokio::time::interval(Duration::from_millis(40));
        while pictures.came < ENOUGH || sounds.came < ENOUGH {
            let happened = tokio::select! {
                _ = every.tick() => {
                    self.send(MediaKind::Video, number, picture(number, wants_key)).await;
                    self.send(MediaKind::Audio, number, sound(number)).await;
                    (number, wants_key) = (number + 1, false);
                    continue;
                }
                happened = self.sending.events.recv() => happened,
                happened = self.receiving.events.recv() => happened,
            };
            match happened.expect("the connection is driven") {
                Happened::KeyframeAsked => wants_key = true,
                Happened::Lost => lost += 1,
                Happened::Came(media) => match media.params.spec().codec.is_video() {
                    true => pictures.next(&media.data, true),
                    false => sounds.next(&media.data, false),
                },
                Happened::Connected => panic!("it was connected already"),
            }
        }
        lost
    }

    async fn send(&self, kind: MediaKind, number: u32, data: Vec<u8>) {
        let ticks = match kind {
            MediaKind::Audio => 1_920,
            MediaKind::Video => 3_600,
        };
        let frame = Frame {
            kind,
            time: u64::from(number) * ticks,
            data,
        };
        let sent = self.sending.frames.send(frame).await;
        assert!(sent.is_ok(), "the connection is driven");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn str0m_as_the_active_side_of_dtls_sends_and_receives_whole_frames() {
    let mut meeting = Meeting::hold(Role::Active, None).await;
    assert_eq!(soon(meeting.pass()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn str0m_as_the_passive_side_of_dtls_sends_and_receives_whole_frames() {
    let mut meeting = Meeting::hold(Role::Passive, None).await;
    assert_eq!(soon(meeting.pass()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_lost_on_the_way_to_the_server_is_sent_again_by_str0m() {
    let mut meeting = Meeting::hold(Role::Active, Some(Way::Out)).await;
    assert_eq!(soon(meeting.pass()).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_lost_on_the_way_to_str0m_is_sent_again_by_the_server() {
    let mut meeting = Meeting::hold(Role::Active, Some(Way::In)).await;
    assert_eq!(soon(meeting.pass()).await, 1);
}
