//! A participant as a WebRTC client of another make sees the server: two connections over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use meeting::media::RoomMedia;
use meeting::protocol::ids::ParticipantId;
use meeting::protocol::object::{MediaKind, Source, SourceMid};
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState,
};
use webrtc::runtime::TokioRuntime;

use crate::support;

/// Nothing in these tests takes longer, on a slow machine too.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Packets that a client has not looked at yet; the rest is dropped, as a socket would.
const INBOX: usize = 4096;

/// A packet that came down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub kind: MediaKind,
    pub ssrc: u32,
    pub sequence: u16,
    pub payload: Bytes,
}

impl Received {
    /// The number that [`picture`](super::picture) or [`sound`](super::sound) gave it.
    pub fn number(&self) -> u32 {
        let (head, number) = self.payload.split_at(self.payload.len() - 4);
        let whole = match self.kind {
            MediaKind::Video => &[0x10, 0x00][..],
            MediaKind::Audio => &[0xfc][..],
        };
        assert_eq!(head, whole, "payloads pass unchanged");
        u32::from_be_bytes(number.try_into().unwrap())
    }
}

/// By what descriptions are exchanged with the server.
pub trait Signalling {
    /// Gives the answer to an offer of a participant's.
    async fn publish(
        &mut self,
        who: &ParticipantId,
        offer: String,
        sources: Vec<SourceMid>,
    ) -> String;

    /// Gives the revision of the server's offer, and the offer.
    async fn receive(&mut self, who: &ParticipantId, audio: u32, video: u32) -> (u64, String);

    /// Answers it.
    async fn answer(&mut self, who: &ParticipantId, revision: u64, answer: String);
}

/// The media workers themselves.
impl Signalling for RoomMedia {
    async fn publish(
        &mut self,
        who: &ParticipantId,
        offer: String,
        sources: Vec<SourceMid>,
    ) -> String {
        let count = sources.len();
        let published = RoomMedia::publish(self, who, 1, offer, sources);
        let published = published.await.unwrap();
        assert_eq!(published.sources.len(), count);
        published.answer.sdp
    }

    async fn receive(&mut self, who: &ParticipantId, audio: u32, video: u32) -> (u64, String) {
        let offer = RoomMedia::receive(self, who, audio, video).await.unwrap();
        assert_eq!(offer.slots.len(), (audio + video) as usize);
        (offer.revision, offer.sdp)
    }

    async fn answer(&mut self, who: &ParticipantId, revision: u64, answer: String) {
        let taken = RoomMedia::answer(self, who, revision, answer);
        taken.await.unwrap();
    }
}

/// The whole server, which knows by itself who asks.
impl Signalling for support::Client {
    async fn publish(
        &mut self,
        _: &ParticipantId,
        offer: String,
        sources: Vec<SourceMid>,
    ) -> String {
        let offer = json!({ "revision": 1, "sdp": offer, "sources": sources });
        let answer = self.ok("media.publish", offer).await;
        answer["sdp"].as_str().unwrap().to_owned()
    }

    async fn receive(&mut self, _: &ParticipantId, audio: u32, video: u32) -> (u64, String) {
        let slots = json!({ "audio_slots": audio, "video_slots": video });
        let offer = self.ok("media.receive", slots).await;
        let sdp = offer["sdp"].as_str().unwrap().to_owned();
        (offer["revision"].as_u64().unwrap(), sdp)
    }

    async fn answer(&mut self, _: &ParticipantId, revision: u64, answer: String) {
        let answer = json!({ "revision": revision, "sdp": answer });
        self.ok("media.answer", answer).await;
    }
}

/// One participant's two connections.
pub struct Client {
    pub id: ParticipantId,
    up: Option<Arc<dyn PeerConnection>>,
    down: Option<Arc<dyn PeerConnection>>,
    microphone: Arc<TrackLocalStaticRTP>,
    camera: Arc<TrackLocalStaticRTP>,
    ssrcs: [u32; 2],
    received: mpsc::Receiver<Received>,
    incoming: mpsc::Sender<Received>,
    sequences: [AtomicU16; 2],
}

impl Client {
    pub fn new() -> Self {
        let (incoming, received) = mpsc::channel(INBOX);
        let ssrcs = [rand::random::<u32>() | 1, rand::random::<u32>() & !1];
        Self {
            id: ParticipantId::random(),
            up: None,
            down: None,
            microphone: local_track("microphone", MediaKind::Audio, ssrcs[0]),
            camera: local_track("camera", MediaKind::Video, ssrcs[1]),
            ssrcs,
            received,
            incoming,
            // Near the wrap, which every test then passes.
            sequences: [AtomicU16::new(65_500), AtomicU16::new(65_510)],
        }
    }

    /// Offers microphone and camera; returns when the connection stands.
    pub async fn publish(&mut self, signalling: &mut impl Signalling) {
        let (pc, events) = self.connection().await;
        for track in [&self.microphone, &self.camera] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Sendonly,
                ..Default::default()
            };
            let track = Arc::clone(track) as Arc<dyn TrackLocal>;
            pc.add_transceiver_from_track(track, Some(init))
                .await
                .unwrap();
        }
        let offer = pc.create_offer(None).await.unwrap();
        pc.set_local_description(offer).await.unwrap();
        events.gathered().await;
        let offer = pc.local_description().await.unwrap().sdp;
        let sources = [("0", Source::Microphone), ("1", Source::Camera)];
        let sources = sources.map(|(mid, source)| SourceMid {
            mid: mid.to_owned(),
            source,
        });
        let answer = signalling.publish(&self.id, offer, sources.to_vec());
        let answer = RTCSessionDescription::answer(answer.await).unwrap();
        pc.set_remote_description(answer).await.unwrap();
        events.connected().await;
        self.up = Some(pc);
    }

    /// Opens the down connection; returns when it stands.
    pub async fn receive(&mut self, signalling: &mut impl Signalling, audio: u32, video: u32) {
        let (revision, offer) = signalling.receive(&self.id, audio, video).await;
        let (pc, events) = self.connection().await;
        pc.set_remote_description(RTCSessionDescription::offer(offer).unwrap())
            .await
            .unwrap();
        let answer = pc.create_answer(None).await.unwrap();
        pc.set_local_description(answer).await.unwrap();
        events.gathered().await;
        let answer = pc.local_description().await.unwrap().sdp;
        signalling.answer(&self.id, revision, answer).await;
        events.connected().await;
        self.down = Some(pc);
    }

    /// Sends one packet, if the connection still stands.
    pub async fn send(&self, kind: MediaKind, payload: Bytes) {
        let (track, index, payload_type) = match kind {
            MediaKind::Audio => (&self.microphone, 0, 111),
            MediaKind::Video => (&self.camera, 1, 96),
        };
        let (ssrc, sequence) = (
            self.ssrcs[index],
            self.sequences[index].fetch_add(1, Ordering::Relaxed),
        );
        let header = rtc::rtp::Header {
            version: 2,
            payload_type,
            sequence_number: sequence,
            timestamp: u32::from(sequence) * 960,
            ssrc,
            ..Default::default()
        };
        let packet = rtc::rtp::Packet { header, payload };
        let _ = track.write_rtp(packet).await;
    }

    /// The next packet that came down, of whatever kind.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        next.expect("nothing came down")
            .expect("the client holds a sender itself")
    }

    /// Forgets what came so far.
    pub fn drain(&mut self) -> usize {
        std::iter::from_fn(|| self.received.try_recv().ok()).count()
    }

    /// Closes both connections.
    pub async fn close(self) {
        for pc in [self.up, self.down].into_iter().flatten() {
            pc.close().await.unwrap();
        }
    }

    async fn connection(&self) -> (Arc<dyn PeerConnection>, Events) {
        let (gathering, gathered) = watch::channel(false);
        let (connecting, connected) = watch::channel(false);
        let handler = Handler {
            gathering,
            connecting,
            incoming: self.incoming.clone(),
        };
        let mut media = MediaEngine::default();
        media.register_default_codecs().unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let pc = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_runtime(Arc::new(TokioRuntime))
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build()
            .await
            .unwrap();
        (
            Arc::new(pc),
            Events {
                gathered,
                connected,
            },
        )
    }
}

struct Events {
    gathered: watch::Receiver<bool>,
    connected: watch::Receiver<bool>,
}

impl Events {
    async fn gathered(&self) {
        wait(self.gathered.clone(), "candidates were not gathered").await;
    }

    async fn connected(&self) {
        wait(self.connected.clone(), "the connection did not stand").await;
    }
}

async fn wait(mut flag: watch::Receiver<bool>, otherwise: &str) {
    let waited = tokio::time::timeout(PATIENCE, flag.wait_for(|set| *set)).await;
    waited.expect(otherwise).expect(otherwise);
}

struct Handler {
    gathering: watch::Sender<bool>,
    connecting: watch::Sender<bool>,
    incoming: mpsc::Sender<Received>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathering.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            self.connecting.send_replace(true);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let incoming = self.incoming.clone();
        let kind = match track.kind().await {
            RtpCodecKind::Audio => MediaKind::Audio,
            _ => MediaKind::Video,
        };
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                match event {
                    TrackRemoteEvent::OnRtpPacket(packet) => {
                        let (ssrc, sequence) = (packet.header.ssrc, packet.header.sequence_number);
                        let received = Received {
                            kind,
                            ssrc,
                            sequence,
                            payload: packet.payload,
                        };
                        let _ = incoming.try_send(received);
                    }
                    TrackRemoteEvent::OnEnded => break,
                    _ => {}
                }
            }
        });
    }
}

/// A track of one encoding, Opus or VP8.
pub fn track(name: &str, kind: MediaKind, ssrc: u32) -> MediaStreamTrack {
    let (kind, mime_type, clock_rate, channels) = match kind {
        MediaKind::Audio => (RtpCodecKind::Audio, MIME_TYPE_OPUS, 48_000, 2),
        MediaKind::Video => (RtpCodecKind::Video, MIME_TYPE_VP8, 90_000, 0),
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..Default::default()
        },
        codec: RTCRtpCodec {
            mime_type: mime_type.to_owned(),
            clock_rate,
            channels,
            ..Default::default()
        },
        ..Default::default()
    };
    let name = name.to_owned();
    MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![encoding])
}

fn local_track(name: &str, kind: MediaKind, ssrc: u32) -> Arc<TrackLocalStaticRTP> {
    Arc::new(TrackLocalStaticRTP::new(track(name, kind, ssrc)))
}
