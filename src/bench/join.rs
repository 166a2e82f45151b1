//! A person of the load comes in: logs in, joins the room, and connects what they send and what they receive.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::BenchError;
use super::feedback::Feedback;
use super::link::{Link, Receiving, Role, Sending, Socket, Who};
use super::load::{Command, LoadThread};
use super::packets::Stream;
use super::peer::{Identity, Peer};
use super::plan::Plan;
use super::sdp::{self, Description, Transport};
use super::session::Session;
use super::target::Target;

/// A connection that takes longer does not come up any more.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);

/// What every join needs.
pub(super) struct Door<'a> {
    pub plan: &'a Plan,
    pub target: &'a Target,
    pub identity: Arc<Identity>,
    /// The address of ours that the server sees.
    pub local: IpAddr,
    pub threads: &'a [LoadThread],
    /// The rooms' identities.
    pub rooms: &'a [String],
}

/// A person who is in.
pub(super) struct Joined {
    pub who: Who,
    pub took: Duration,
    pub session: Session,
    /// Ports at which the server receives media.
    pub ports: Vec<u16>,
}

impl Door<'_> {
    pub async fn join(&self, who: Who) -> Result<Joined, BenchError> {
        let began = Instant::now();
        let room = self.plan.rooms[who.room];
        let mut session = Session::connect(self.target).await?;
        let name = format!("Load {}.{}", who.room + 1, who.person + 1);
        session
            .ask("auth.guest", json!({ "display_name": name }))
            .await?;
        let identity = &self.rooms[who.room];
        session
            .ask("room.join", json!({ "identity": identity }))
            .await?;
        let mut ports = Vec::new();
        if room.sends(who.person) {
            ports.extend(self.publish(&mut session, who).await?);
        }
        if room.receives(who.person) {
            ports.extend(self.receive(&mut session, who).await?);
        }
        Ok(Joined {
            who,
            took: began.elapsed(),
            session,
            ports,
        })
    }

    /// Offers one stream, connects and starts it.
    async fn publish(&self, session: &mut Session, who: Who) -> Result<Vec<u16>, BenchError> {
        let kind = self.plan.scenario.kind();
        let (socket, mut peer) = self.peer()?;
        let ssrc = rand::random::<u32>() | 1;
        let offer = sdp::offer(&peer.transport("actpass"), kind, ssrc);
        let sources = json!([{ "mid": "0", "source": kind.source() }]);
        let answer = json!({ "revision": 1, "sdp": offer, "sources": sources });
        let answer = described(&session.ask("media.publish", answer).await?)?;
        let theirs = self.permitted(answer.transport)?;
        peer.connect(&theirs, true, Instant::now())?;
        let (rate, burst) = (f64::from(self.plan.rate), self.plan.burst);
        let pictures = rate / f64::from(burst);
        let stream = Stream::new(kind, ssrc, self.plan.payload, pictures);
        let interval = Duration::from_secs_f64(1.0 / pictures);
        let sending = Sending::new(stream, interval, burst, Instant::now());
        self.connected(who, Role::Sends(sending), socket, peer)
            .await?;
        let start = json!({ "source": kind.source(), "active": true });
        session.ask("media.source", start).await?;
        Ok(ports(&theirs))
    }

    /// Asks for slots, answers and connects.
    async fn receive(&self, session: &mut Session, who: Who) -> Result<Vec<u16>, BenchError> {
        let slots =
            json!({ "audio_slots": self.plan.audio_slots, "video_slots": self.plan.video_slots });
        let offered = session.ask("media.receive", slots).await?;
        let mut offer = described(&offered)?;
        if !self.plan.feedback {
            offer.decline_feedback();
        }
        let (socket, mut peer) = self.peer()?;
        let answer = sdp::answer(&offer, &peer.transport("active"));
        let answer = json!({ "revision": offered["revision"], "sdp": answer });
        session.ask("media.answer", answer).await?;
        let payload_types = offer
            .sections
            .iter()
            .filter_map(|section| section.payload_type);
        let id = offer.sections.iter().find_map(|section| section.feedback);
        let feedback = id.map(|id| Feedback::new(id, Instant::now()));
        let receiving = Receiving::new(payload_types.collect(), self.plan.sample, feedback);
        let theirs = self.permitted(offer.transport)?;
        peer.connect(&theirs, false, Instant::now())?;
        self.connected(who, Role::Receives(receiving), socket, peer)
            .await?;
        Ok(ports(&theirs))
    }

    fn peer(&self) -> Result<(Socket, Peer), BenchError> {
        let socket = Socket::bind(self.local)?;
        let identity = Arc::clone(&self.identity);
        let peer = Peer::new(identity, socket.address, Instant::now())?;
        Ok((socket, peer))
    }

    fn permitted(&self, mut theirs: Transport) -> Result<Transport, BenchError> {
        theirs.candidates = self.target.permitted(&theirs.candidates);
        if theirs.candidates.is_empty() {
            return Err(BenchError::Elsewhere);
        }
        Ok(theirs)
    }

    /// Gives the connection to a thread and waits until it stands.
    async fn connected(
        &self,
        who: Who,
        role: Role,
        socket: Socket,
        peer: Peer,
    ) -> Result<(), BenchError> {
        let (ready, when_ready) = oneshot::channel();
        let link = Link::new(who, role, socket, peer, ready);
        let thread = &self.threads[(who.room + who.person) % self.threads.len()];
        thread.tell(Command::Add(Box::new(link)));
        match tokio::time::timeout(CONNECTED_WITHIN, when_ready).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(why))) => Err(BenchError::Connection(why)),
            Ok(Err(_)) | Err(_) => Err(BenchError::Late("a media connection".to_owned())),
        }
    }
}

fn described(answer: &Value) -> Result<Description, BenchError> {
    let text = answer["sdp"].as_str().unwrap_or_default();
    Description::read(text).ok_or(BenchError::Connection(
        "the server's description cannot be read",
    ))
}

fn ports(theirs: &Transport) -> Vec<u16> {
    theirs
        .candidates
        .iter()
        .map(|candidate| candidate.port())
        .collect()
}
