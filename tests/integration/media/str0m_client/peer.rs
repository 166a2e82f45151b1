//! One connection of str0m's, on a socket of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use meeting::protocol::object::{Source, SourceMid};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, MediaData, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::crypto;

/// Frames and events that nobody has looked at yet; with more of them the test has failed anyhow.
const QUEUE: usize = 1024;

/// So many packets are waited for before a missing one is given up: more than come in these tests.
const PATIENCE: usize = 1_000;

/// A frame to send.
pub struct Frame {
    pub kind: MediaKind,
    /// In ticks of the codec's clock.
    pub time: u64,
    pub data: Vec<u8>,
}

/// What came of a connection.
pub enum Happened {
    Connected,
    KeyframeAsked,
    Came(Box<MediaData>),
    /// The socket lost the packet that it was to lose.
    Lost,
}

/// Which packet the socket loses, in the order of those with this payload type.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    pub way: Way,
    pub payload_type: u8,
    pub number: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Out,
    In,
}

pub struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    sending: Vec<(MediaKind, Mid)>,
    pending: Option<SdpPendingOffer>,
    loss: Option<Loss>,
    events: Option<mpsc::Sender<Happened>>,
}

/// A connection that is driven by a task, which ends with this.
pub struct Running {
    pub frames: mpsc::Sender<Frame>,
    pub events: mpsc::Receiver<Happened>,
}

impl Peer {
    pub async fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut rtc = Rtc::builder()
            .set_crypto_provider(Arc::new(crypto::provider()))
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_reordering_size_video(PATIENCE)
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut peer = Self {
            rtc,
            socket,
            address,
            sending: Vec::new(),
            pending: None,
            loss: None,
            events: None,
        };
        peer.drain().await;
        peer
    }

    /// Offers a microphone and a camera.
    pub async fn offer(&mut self) -> (String, Vec<SourceMid>) {
        let mut changes = self.rtc.sdp_api();
        let sources = [
            (MediaKind::Audio, Source::Microphone),
            (MediaKind::Video, Source::Camera),
        ];
        let sources = sources.map(|(kind, source)| {
            let mid = changes.add_media(kind, Direction::SendOnly, None, None, None);
            self.sending.push((kind, mid));
            SourceMid {
                mid: mid.to_string(),
                source,
            }
        });
        let (offer, pending) = changes.apply().unwrap();
        self.pending = Some(pending);
        self.drain().await;
        (offer.to_sdp_string(), sources.to_vec())
    }

    pub async fn answered(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.drain().await;
    }

    pub async fn answer(&mut self, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).unwrap();
        let answer = self.rtc.sdp_api().accept_offer(offer).unwrap();
        self.drain().await;
        answer.to_sdp_string()
    }

    pub fn run(mut self, loss: Option<Loss>) -> Running {
        self.loss = loss;
        let (events, happened) = mpsc::channel(QUEUE);
        let (frames, to_send) = mpsc::channel(QUEUE);
        self.events = Some(events);
        tokio::spawn(self.drive(to_send));
        Running {
            frames,
            events: happened,
        }
    }

    /// str0m wants to be asked for its output until there is none after each thing that is done to it.
    async fn drive(mut self, mut frames: mpsc::Receiver<Frame>) {
        let mut datagram = vec![0; 2_048];
        // Its ICE begins once it is told the time, but does not ask for that. As the passive side of DTLS nothing else
        // does either.
        self.rtc
            .handle_input(Input::Timeout(Instant::now()))
            .unwrap();
        loop {
            let deadline = self.drain().await;
            tokio::select! {
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
                }
                received = self.socket.recv_from(&mut datagram) => {
                    let (length, source) = received.unwrap();
                    self.receive(source, &datagram[..length]);
                }
                frame = frames.recv() => match frame {
                    Some(frame) => self.write(frame),
                    None => return,
                },
            }
        }
    }

    async fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(deadline) => return deadline,
                Output::Transmit(datagram) => {
                    if !self.loses(Way::Out, &datagram.contents) {
                        let sent = self
                            .socket
                            .send_to(&datagram.contents, datagram.destination);
                        sent.await.unwrap();
                    }
                }
                Output::Event(Event::Connected) => self.tell(Happened::Connected),
                Output::Event(Event::KeyframeRequest(_)) => self.tell(Happened::KeyframeAsked),
                Output::Event(Event::MediaData(data)) => self.tell(Happened::Came(Box::new(data))),
                Output::Event(_) => {}
            }
        }
    }

    fn receive(&mut self, source: SocketAddr, datagram: &[u8]) {
        if self.loses(Way::In, datagram) {
            return;
        }
        let receive = Receive {
            proto: Protocol::Udp,
            source,
            destination: self.address,
            contents: datagram.try_into().unwrap(),
        };
        self.rtc
            .handle_input(Input::Receive(Instant::now(), receive))
            .unwrap();
    }

    fn write(&mut self, Frame { kind, time, data }: Frame) {
        let (codec, clock) = match kind {
            MediaKind::Audio => (Codec::Opus, Frequency::FORTY_EIGHT_KHZ),
            MediaKind::Video => (Codec::Vp8, Frequency::NINETY_KHZ),
        };
        let (_, mid) = self
            .sending
            .iter()
            .find(|(sends, _)| *sends == kind)
            .unwrap();
        let writer = self.rtc.writer(*mid).unwrap();
        let mut formats = writer.payload_params();
        let format = formats.find(|format| format.spec().codec == codec);
        let payload_type = format.unwrap().pt();
        drop(formats);
        let time = MediaTime::new(time, clock);
        writer
            .write(payload_type, Instant::now(), time, data)
            .unwrap();
    }

    fn loses(&mut self, way: Way, datagram: &[u8]) -> bool {
        let Some(loss) = self.loss.as_mut().filter(|loss| loss.way == way) else {
            return false;
        };
        // RFC 7983 §7 and RFC 3550 §5.1.
        let is_media = datagram[0] >> 6 == 2 && datagram[1] & 0x7f == loss.payload_type;
        if !is_media {
            return false;
        }
        loss.number -= 1;
        if loss.number > 0 {
            return false;
        }
        self.loss = None;
        self.tell(Happened::Lost);
        true
    }

    fn tell(&self, happened: Happened) {
        if let Some(events) = &self.events {
            // Nobody listens any more when the test is over.
            let _ = events.try_send(happened);
        }
    }
}

impl Running {
    pub async fn connected(&mut self) {
        let connected = self.events.recv().await;
        assert!(matches!(connected, Some(Happened::Connected)));
    }
}
