//! The worker's state machine and clients of the sans-I/O crate in virtual time, over a lossy link.

mod budgets;
mod busy;
mod cheats;
mod checks;
mod client;
mod handshakes;
mod layers;
mod line;
mod lips;
mod loudest;
mod memory;
mod narrow;
mod quality;
mod roaming;
mod rooms;
mod sounds;
mod spread;
mod stories;
mod svc;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tokio::sync::oneshot;

use self::client::{Client, SSRC};
use self::line::{Chance, Line, Sky, Weather, is_media, is_rtp};
use self::spread::WrongThread;
use crate::media::MediaError;
use crate::media::io::shard::{Input, Opening, State};
use crate::media::peer::arena::Arena;
use crate::media::peer::path::Path;
use crate::media::peer::reach::Reach;
use crate::media::room::request::{Reply, Request};
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Source, SourceMid};
use crate::protocol::request::DownOffer;

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 1], 5000);
const DELAY: Duration = Duration::from_millis(15);
const STEP: Duration = Duration::from_millis(5);

struct Datagram {
    due: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: BytesMut,
}

struct World {
    now: Instant,
    state: State,
    out: Arena,
    /// What comes is given to this thread first.
    wrong_thread: Option<WrongThread>,
    clients: Vec<Client>,
    wire: VecDeque<Datagram>,
    loss_percent: u32,
    /// The same on the path to some clients.
    losses: HashMap<SocketAddr, u32>,
    /// How much of DTLS is lost, in per cent.
    handshake_loss_percent: u32,
    /// Whether checks reach the server.
    checks_pass: bool,
    chance: Chance,
    /// How many datagrams of media were sent to each address.
    media: HashMap<SocketAddr, usize>,
    /// How many bytes were sent to each address, whether they arrived or not.
    bytes: HashMap<SocketAddr, usize>,
    lines: Vec<Line>,
    /// Through which line what is sent to a client goes.
    through: HashMap<SocketAddr, usize>,
    /// Of all ways, to the server and to clients.
    weather: Option<Weather>,
    skies: HashMap<(SocketAddr, SocketAddr), Sky>,
    /// In which room each is.
    rooms: HashMap<ParticipantId, u64>,
    /// What the server has sealed of each stream under each number.
    sealed: HashMap<[u8; 6], BytesMut>,
    events: Arc<Mutex<Vec<MediaEvent>>>,
    alive: Arc<()>,
}

impl World {
    fn new() -> Self {
        Self::seeded(0x2545_f491)
    }

    /// Chance begins with this, which is not 0.
    fn seeded(random: u32) -> Self {
        let now = Instant::now();
        let server = SocketAddr::from(SERVER);
        let reach = Reach::new(0, &[server.ip().into()], server.port(), &[]);
        let mut world = Self {
            now,
            state: State::new(reach, now, SystemTime::UNIX_EPOCH),
            out: Arena::default(),
            wrong_thread: None,
            clients: Vec::new(),
            wire: VecDeque::new(),
            loss_percent: 0,
            losses: HashMap::new(),
            handshake_loss_percent: 0,
            checks_pass: true,
            chance: Chance(random),
            media: HashMap::new(),
            bytes: HashMap::new(),
            lines: Vec::new(),
            through: HashMap::new(),
            weather: None,
            skies: HashMap::new(),
            rooms: HashMap::new(),
            sealed: HashMap::new(),
            events: Arc::new(Mutex::new(Vec::new())),
            alive: Arc::new(()),
        };
        world.open(1);
        world
    }

    fn open(&mut self, room: u64) {
        let into = Arc::clone(&self.events);
        let opening = Opening {
            room,
            events: Box::new(move |event| {
                into.lock().unwrap().push(event);
                Ok(())
            }),
            alive: Arc::downgrade(&self.alive),
            generation: 0,
        };
        self.state.open(opening, self.now);
    }

    fn command(&mut self, command: MediaCommand) {
        self.command_in(1, command);
    }

    fn command_in(&mut self, room: u64, command: MediaCommand) {
        self.state
            .handle_input(Input::Command { room, command }, self.now);
    }

    fn room_of(&self, participant: &ParticipantId) -> u64 {
        self.rooms.get(participant).copied().unwrap_or(1)
    }

    fn ask<T>(
        &mut self,
        participant: &ParticipantId,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> T {
        self.try_ask(participant, request).expect("not refused")
    }

    fn try_ask<T>(
        &mut self,
        participant: &ParticipantId,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, MediaError> {
        let (reply, mut answer) = oneshot::channel();
        let room = self.room_of(participant);
        let (participant, request) = (participant.clone(), request(reply));
        self.state.handle_input(
            Input::Request {
                room,
                participant,
                request,
            },
            self.now,
        );
        answer.try_recv().expect("answered at once")
    }

    fn admit(&mut self) -> ParticipantId {
        self.admit_to(1)
    }

    fn admit_to(&mut self, room: u64) -> ParticipantId {
        let participant = ParticipantId::random();
        self.rooms.insert(participant.clone(), room);
        let admit = MediaCommand::Admit {
            participant: participant.clone(),
        };
        self.command_in(room, admit);
        participant
    }

    fn client(&mut self) -> usize {
        let number = self.clients.len() as u8 + 10;
        let address = SocketAddr::from(([192, 0, 2, number], 40_000));
        self.clients.push(Client::new(address, self.now));
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
        self.clients[index].add_source(Source::Camera, SSRC);
        self.offer(participant, index, 1, &[Source::Camera], change);
        index
    }

    /// Offers a connection's sources, which stand on its first m-lines in this order.
    fn offer(
        &mut self,
        participant: &ParticipantId,
        client: usize,
        revision: u64,
        sources: &[Source],
        change: impl FnOnce(String) -> String,
    ) {
        let (now, from) = (self.now, &mut self.clients[client]);
        let offer = from.pc.create_offer(None).unwrap();
        from.pc.set_local_description(now, offer).unwrap();
        let sdp = change(from.described());
        let numbered = sources.iter().enumerate();
        let sources = numbered.map(|(mid, source)| SourceMid {
            mid: mid.to_string(),
            source: *source,
        });
        let sources = sources.collect();
        let answer = self.ask(participant, |reply| Request::Publish {
            revision,
            sdp,
            sources,
            reply,
        });
        let answer = RTCSessionDescription::answer(answer.answer.sdp).unwrap();
        let from = &mut self.clients[client];
        from.pc.set_remote_description(now, answer).unwrap();
    }

    /// A down connection with one picture slot.
    fn receive(&mut self, participant: &ParticipantId) -> usize {
        self.receive_slots(participant, 0, 1)
    }

    /// A down connection.
    fn receive_slots(
        &mut self,
        participant: &ParticipantId,
        audio_slots: u32,
        video_slots: u32,
    ) -> usize {
        let index = self.client();
        let offer = self.ask(participant, |reply| Request::Receive {
            audio_slots,
            video_slots,
            reply,
        });
        self.answer(participant, index, offer);
        index
    }

    /// A down connection of a client that answers `a=setup:passive`.
    fn receive_as_dtls_server(&mut self, participant: &ParticipantId) -> usize {
        let index = self.client();
        let address = self.clients[index].address;
        self.clients[index] = Client::dtls_server(address, self.now);
        let offer = self.ask(participant, |reply| Request::Receive {
            audio_slots: 0,
            video_slots: 1,
            reply,
        });
        self.answer(participant, index, offer);
        index
    }

    /// The client answers an offer of its down connection's.
    fn answer(&mut self, participant: &ParticipantId, client: usize, offer: DownOffer) {
        self.answer_as(participant, client, offer, |sdp| sdp);
    }

    /// The same, with an answer that was changed on its way.
    fn answer_as(
        &mut self,
        participant: &ParticipantId,
        client: usize,
        offer: DownOffer,
        change: impl FnOnce(String) -> String,
    ) {
        let revision = offer.revision;
        let sdp = change(self.answer_to(client, offer));
        self.ask(participant, |reply| Request::Answer {
            revision,
            sdp,
            reply,
        });
    }

    fn answer_to(&mut self, client: usize, offer: DownOffer) -> String {
        let now = self.now;
        let client = &mut self.clients[client];
        let description = RTCSessionDescription::offer(offer.sdp).unwrap();
        client.pc.set_remote_description(now, description).unwrap();
        let answer = client.pc.create_answer(None).unwrap();
        client.pc.set_local_description(now, answer).unwrap();
        client.described()
    }

    /// The last offer that the server made by itself.
    fn last_offer(&self, to: &ParticipantId) -> DownOffer {
        let events = self.events.lock().unwrap();
        let offers = events.iter().rev().filter_map(|event| match event {
            MediaEvent::Offer { to: whom, offer } if whom == to => Some(offer.clone()),
            _ => None,
        });
        offers.into_iter().next().expect("an offer")
    }

    fn start_camera(&mut self, participant: &ParticipantId) -> TrackId {
        self.start(participant, Source::Camera)
    }

    fn start(&mut self, participant: &ParticipantId, source: Source) -> TrackId {
        let room = self.room_of(participant);
        let (participant, track) = (participant.clone(), TrackId::random());
        let start = MediaCommand::StartTrack {
            participant,
            track: track.clone(),
            source,
            muted: false,
        };
        self.command_in(room, start);
        track
    }

    /// As if a participant had just spoken.
    fn spoke(&mut self, who: &ParticipantId) {
        self.state.spoke(self.room_of(who), who);
    }

    /// A client sends these, one every 10 ms.
    fn talk(&mut self, client: usize, numbers: std::ops::Range<u16>) {
        for number in numbers {
            let now = self.now;
            self.clients[client].send(number, now);
            self.run(Duration::from_millis(10));
        }
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
        for (path, bytes) in self.sent() {
            self.post(path.local(), path.remote(), BytesMut::from(&bytes[..]));
        }
        for index in 0..self.clients.len() {
            for (to, bytes) in self.clients[index].turn(now) {
                self.post(self.clients[index].address, to, bytes);
            }
        }
    }

    /// What the server has sent since the last call.
    fn sent(&mut self) -> Vec<(Path, Vec<u8>)> {
        self.state.take_transmits(&mut self.out);
        let datagrams = self.out.iter();
        datagrams
            .map(|(path, bytes)| (path, bytes.to_vec()))
            .collect()
    }

    /// A datagram reaches the server, from any sender.
    fn strike(&mut self, from: SocketAddr, bytes: &[u8]) {
        let path = Path::udp(SERVER.into(), from);
        match &mut self.wrong_thread {
            Some(wrong) => wrong.take(&mut self.state, path, bytes, self.now),
            None => {
                self.state
                    .handle_datagram(path, &mut bytes.to_vec(), self.now, self.now);
            }
        }
    }

    fn deliver(&mut self, datagram: Datagram) {
        let Datagram {
            from, to, bytes, ..
        } = datagram;
        if to == SocketAddr::from(SERVER) {
            self.strike(from, &bytes);
        } else if let Some(client) = self.clients.iter_mut().find(|client| client.address == to) {
            let transport = TransportContext {
                local_addr: client.home,
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
        let is_rtp = is_rtp(&bytes);
        if is_rtp && from == SocketAddr::from(SERVER) {
            self.look_at_seal(&bytes);
        }
        if is_rtp {
            *self.media.entry(to).or_default() += 1;
        }
        let is_check = matches!(bytes.first(), Some(0..=3)) && to == SocketAddr::from(SERVER);
        if is_check && !self.checks_pass {
            return;
        }
        let is_dtls = matches!(bytes.first(), Some(20..=63));
        let dice = self.chance.below(100);
        let loss_percent = self.losses.get(&to).copied().unwrap_or(self.loss_percent);
        if (is_rtp && dice < loss_percent) || (is_dtls && dice < self.handshake_loss_percent) {
            return;
        }
        *self.bytes.entry(to).or_default() += bytes.len();
        let mut due = self.now + DELAY;
        if let Some(line) = self.through.get(&to) {
            let Some(passed) = self.lines[*line].pass(bytes.len(), self.now) else {
                return;
            };
            due = passed + DELAY;
        }
        let mut arrivals = [Some(due), None];
        if let Some(weather) = self.weather.filter(|_| is_media(&bytes)) {
            let sky = self.skies.entry((from, to)).or_default();
            arrivals = sky.arrivals(weather, due, &mut self.chance);
        }
        for due in arrivals.into_iter().flatten() {
            let place = self.wire.partition_point(|before| before.due <= due);
            let bytes = bytes.clone();
            let datagram = Datagram {
                due,
                from,
                to,
                bytes,
            };
            self.wire.insert(place, datagram);
        }
    }

    /// Two texts under one number would betray the key (RFC 7714 §8.1).
    fn look_at_seal(&mut self, bytes: &BytesMut) {
        let mut number = [0; 6];
        number[..2].copy_from_slice(&bytes[2..4]);
        number[2..].copy_from_slice(&bytes[8..12]);
        let before = self.sealed.insert(number, bytes.clone());
        assert!(before.is_none_or(|before| before == bytes), "{number:?}");
    }

    /// From now on all packets to this client go through a line of this width.
    fn narrow(&mut self, client: usize, kbps: u64, queue: Duration) {
        self.share(&[client], kbps, queue);
    }

    /// From now on all packets to these clients go through one line of this width.
    fn share(&mut self, clients: &[usize], kbps: u64, queue: Duration) {
        let line = self.lines.len();
        self.lines.push(Line::new(kbps, queue, self.now));
        for client in clients {
            self.through.insert(self.clients[*client].address, line);
        }
    }

    /// The line to this client is as wide as any.
    fn widen(&mut self, client: usize) {
        self.through.remove(&self.clients[client].address);
    }
}
