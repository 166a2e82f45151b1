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
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState,
};
use webrtc::runtime::TokioRuntime;

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
    pub async fn publish(&mut self, room: &RoomMedia) {
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
        let answer = room
            .publish(&self.id, 1, offer, sources.to_vec())
            .await
            .unwrap();
        assert_eq!(answer.sources.len(), 2);
        let answer = RTCSessionDescription::answer(answer.answer.sdp).unwrap();
        pc.set_remote_description(answer).await.unwrap();
        events.connected().await;
        self.up = Some(pc);
    }

    /// Opens the down connection; returns when it stands.
    pub async fn receive(&mut self, room: &RoomMedia, audio_slots: u32, video_slots: u32) {
        let offer = room
            .receive(&self.id, audio_slots, video_slots)
            .await
            .unwrap();
        assert_eq!(offer.slots.len(), (audio_slots + video_slots) as usize);
        let (pc, events) = self.connection().await;
        pc.set_remote_description(RTCSessionDescription::offer(offer.sdp).unwrap())
            .await
            .unwrap();
        let answer = pc.create_answer(None).await.unwrap();
        pc.set_local_description(answer).await.unwrap();
        events.gathered().await;
        let answer = pc.local_description().await.unwrap().sdp;
        room.answer(&self.id, offer.revision, answer).await.unwrap();
        events.connected().await;
        self.down = Some(pc);
    }

    /// Sends one packet.
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
        track.write_rtp(packet).await.unwrap();
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
