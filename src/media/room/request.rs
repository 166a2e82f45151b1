//! What participants ask of their room's media, one answer each.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::media::PublishAnswer;
use crate::media::error::{MediaError, Refused};
use crate::media::peer::sdp::{Description, Setup};
use crate::media::peer::{candidate, codec};
use crate::media::room::publisher::{self, Assigned, Up, check_sources};
use crate::media::room::subscriber::Down;
use crate::media::room::wall_clock::WallClock;
use crate::media::room::{Key, Room, Side, Turn};
use crate::meeting::media::MediaEvent;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{IceCandidate, Leg, Slot, SourceMid};
use crate::protocol::request::{DownOffer, Published, RefusedSource, Tile};

/// More sounds at once are refused.
const MAX_AUDIO_SLOTS: u32 = 8;
/// More pictures at once are refused.
const MAX_VIDEO_SLOTS: u32 = 25;
/// A longer list is refused.
const MAX_TILES: usize = 256;

const ICE_LITE: &str = "An ICE-lite client cannot be served: it must send connectivity checks.";
const NOT_ACTPASS: &str = "An answer must be a=setup:active or passive (RFC 8842 §5.3).";
const NO_DOWN: &str = "There is no down connection; media.receive makes one.";
const NO_SLOT: &str = "At least one slot must be asked for.";
const TOO_MANY_SLOTS: &str = "More than 8 audio or 25 video slots are asked for.";
const TOO_MANY_TILES: &str = "The preference list has more than 256 tiles.";
const REPLACED: &str = "The connection was replaced meanwhile.";

/// Where an answer goes. The client may have gone: then the answer is dropped.
pub(in crate::media) type Reply<T> = oneshot::Sender<Result<T, MediaError>>;

/// A request.
pub(in crate::media) enum Request {
    Publish {
        revision: u64,
        sdp: String,
        sources: Vec<SourceMid>,
        reply: Reply<PublishAnswer>,
    },
    Receive {
        audio_slots: u32,
        video_slots: u32,
        reply: Reply<DownOffer>,
    },
    Answer {
        revision: u64,
        sdp: String,
        reply: Reply<()>,
    },
    View {
        tiles: Vec<Tile>,
        reply: Reply<()>,
    },
    Candidate {
        candidate: Option<IceCandidate>,
        reply: Reply<()>,
    },
    Restart {
        leg: Leg,
        reply: Reply<()>,
    },
}

impl Request {
    /// Whether it has descriptions read or written, which takes a media thread milliseconds.
    pub fn negotiates(&self) -> bool {
        match self {
            Self::Publish { .. }
            | Self::Receive { .. }
            | Self::Answer { .. }
            | Self::Restart { leg: Leg::Down, .. } => true,
            Self::View { .. } | Self::Candidate { .. } | Self::Restart { leg: Leg::Up, .. } => {
                false
            }
        }
    }

    /// Whether nobody waits for the answer any more. A client that asks again would else be told that its request was
    /// done.
    pub fn is_abandoned(&self) -> bool {
        match self {
            Self::Publish { reply, .. } => reply.is_closed(),
            Self::Receive { reply, .. } => reply.is_closed(),
            Self::Answer { reply, .. }
            | Self::View { reply, .. }
            | Self::Candidate { reply, .. }
            | Self::Restart { reply, .. } => reply.is_closed(),
        }
    }

    /// Answers that nothing can be done.
    pub fn refuse(self, error: MediaError) {
        match self {
            Self::Publish { reply, .. } => drop(reply.send(Err(error))),
            Self::Receive { reply, .. } => drop(reply.send(Err(error))),
            Self::Answer { reply, .. }
            | Self::View { reply, .. }
            | Self::Candidate { reply, .. }
            | Self::Restart { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

impl Room {
    /// Carries out a request and answers it.
    pub fn request(&mut self, participant: &ParticipantId, request: Request, turn: &mut Turn<'_>) {
        let Some(key) = self.member_keys.get(participant).copied() else {
            request.refuse(MediaError::NotAdmitted);
            return;
        };
        if request.is_abandoned() {
            return;
        }
        match request {
            Request::Publish {
                revision,
                sdp,
                sources,
                reply,
            } => {
                let _ = reply.send(self.publish(key, revision, &sdp, &sources, turn));
            }
            Request::Receive {
                audio_slots,
                video_slots,
                reply,
            } => {
                let _ = reply.send(self.open_down(key, audio_slots, video_slots, turn));
            }
            Request::Answer {
                revision,
                sdp,
                reply,
            } => {
                // The answer goes out before the events that follow from it.
                let accepted = self.accept(key, revision, &sdp, turn);
                let open = accepted.is_ok();
                let _ = reply.send(accepted);
                if open {
                    self.reassign(turn);
                }
            }
            Request::View { tiles, reply } => {
                let _ = reply.send(self.set_view(key, tiles, turn));
            }
            Request::Candidate { candidate, reply } => {
                // They may come before the description (RFC 9429 §3.5.2), so a missing connection is no error.
                let text = candidate
                    .as_ref()
                    .map_or("", |candidate| &candidate.candidate);
                let _ = reply.send(candidate::check(text).map_err(MediaError::bad_sdp));
            }
            Request::Restart { leg, reply } => {
                let _ = reply.send(self.restart(key, leg, turn));
            }
        }
    }

    /// Spends one negotiation of the participant's; what is refused by its form costs none.
    fn negotiate(&mut self, key: Key, now: Instant) -> Result<(), MediaError> {
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        member.negotiations.take(now).map_err(MediaError::TooFast)
    }

    fn publish(
        &mut self,
        key: Key,
        revision: u64,
        sdp: &str,
        sources: &[SourceMid],
        turn: &mut Turn<'_>,
    ) -> Result<PublishAnswer, MediaError> {
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        // What is out of date is not read.
        if revision <= member.up_revision {
            return Err(MediaError::Stale);
        }
        let offer = Description::offer(sdp, codec::is_forwarded)?;
        // It waits for checks (RFC 8445 §2.5), and so does the server: it never sends to an address that did not check
        // it first.
        if offer.is_lite {
            return Err(MediaError::unsupported(ICE_LITE));
        }
        check_sources(&offer, sources)?;
        self.negotiate(key, turn.now)?;
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        let reach = self.reach.clone();
        let answer = match publisher::continues(&member.ups, &offer) {
            true => publisher::renegotiate(&mut member.ups, &offer, &reach, turn.now),
            false => {
                let another = member.connections[Leg::Up as usize].take(turn.now);
                another.map_err(MediaError::TooFast)?;
                self.close_leg(key, Leg::Up, turn);
                let opened = publisher::open(&offer, &reach, turn.now);
                opened.map(|(ups, answer)| self.begin_up(key, ups, answer))
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            // What is half negotiated cannot be used further; the client begins anew.
            Err(reason) => {
                self.close_leg(key, Leg::Up, turn);
                return Err(MediaError::BadSdp(reason));
            }
        };
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        let Assigned { carried, refused } = publisher::assign(&mut member.ups, sources);
        if let (true, Some((_, why))) = (carried.is_empty(), refused.first()) {
            let refusal = why.refusal();
            self.close_leg(key, Leg::Up, turn);
            return Err(refusal);
        }
        let refused = refused.into_iter().map(|(source, why)| RefusedSource {
            source,
            reason: why.sentence().to_owned(),
        });
        let refused = refused.collect();
        member.up_revision = revision;
        self.agree_layers(key, turn.now);
        self.settle_ups(key, turn);
        Ok(PublishAnswer {
            answer: Published {
                revision,
                sdp: answer,
                refused,
            },
            sources: carried,
        })
    }

    /// Sends what the participant's up connections have to send, and closes those that carry nothing any more.
    fn settle_ups(&mut self, key: Key, turn: &mut Turn<'_>) {
        let ups = self.members.get(&key).into_iter();
        let ups = ups.flat_map(|member| &member.ups);
        let ups: Vec<_> = ups.map(|up| (up.number, up.is_given_up())).collect();
        for (number, is_given_up) in ups {
            match is_given_up {
                true => self.close_side(key, Side::Up(number), turn),
                false => self.settle_connection(key, Side::Up(number), turn),
            }
        }
    }

    /// A participant's new connection sends all that was agreed, until it is told otherwise.
    fn begin_up(&mut self, key: Key, ups: Vec<Up>, answer: String) -> String {
        if let Some(member) = self.members.get_mut(&key) {
            for (_, track) in member.started.iter() {
                if let Some(track) = self.tracks.get_mut(&track) {
                    track.demanded = None;
                }
            }
            member.ups = ups;
            member.wall = WallClock::default();
        }
        answer
    }

    /// Makes a down connection in place of the one that there may be; a request for more slots than it has renegotiates
    /// it instead.
    fn open_down(
        &mut self,
        key: Key,
        audio_slots: u32,
        video_slots: u32,
        turn: &mut Turn<'_>,
    ) -> Result<DownOffer, MediaError> {
        if audio_slots > MAX_AUDIO_SLOTS || video_slots > MAX_VIDEO_SLOTS {
            return Err(MediaError::Limit(Refused::because(TOO_MANY_SLOTS)));
        }
        if audio_slots + video_slots == 0 {
            return Err(MediaError::unsupported(NO_SLOT));
        }
        self.negotiate(key, turn.now)?;
        let (audio_slots, video_slots) = (audio_slots as usize, video_slots as usize);
        if let Some(more) = self.wanting(key, audio_slots, video_slots) {
            return self.widen_down(key, more, turn);
        }
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        let another = member.connections[Leg::Down as usize].take(turn.now);
        another.map_err(MediaError::TooFast)?;
        let mut down = Down::open(audio_slots, video_slots, &self.reach, turn.now)
            .map_err(MediaError::Unsupported)?;
        self.close_leg(key, Leg::Down, turn);
        self.rebuild_targets();
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        member.down_revision += 1;
        down.revision = member.down_revision;
        member.down = Some(down);
        self.settle_connection(key, Side::Down, turn);
        self.down_offer(key)
            .ok_or_else(|| MediaError::unsupported(REPLACED))
    }

    fn wanting(&self, key: Key, audio_slots: usize, video_slots: usize) -> Option<(usize, usize)> {
        let down = self.members.get(&key)?.down.as_ref()?;
        down.wanting(audio_slots, video_slots)
    }

    fn widen_down(
        &mut self,
        key: Key,
        (audio_slots, video_slots): (usize, usize),
        turn: &mut Turn<'_>,
    ) -> Result<DownOffer, MediaError> {
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        let down = member
            .down
            .as_mut()
            .ok_or_else(|| MediaError::unsupported(NO_DOWN))?;
        down.widen(audio_slots, video_slots, &self.reach, turn.now);
        member.down_revision += 1;
        down.revision = member.down_revision;
        self.settle_connection(key, Side::Down, turn);
        self.down_offer(key)
            .ok_or_else(|| MediaError::unsupported(REPLACED))
    }

    /// The offer that waits for an answer.
    fn down_offer(&self, key: Key) -> Option<DownOffer> {
        let down = self.members.get(&key)?.down.as_ref()?;
        Some(DownOffer {
            revision: down.revision,
            sdp: down.unanswered.clone()?,
            slots: self.told_slots(key),
        })
    }

    fn accept(
        &mut self,
        key: Key,
        revision: u64,
        sdp: &str,
        turn: &mut Turn<'_>,
    ) -> Result<(), MediaError> {
        let down = self
            .members
            .get_mut(&key)
            .and_then(|member| member.down.as_mut());
        let down = down
            .filter(|down| down.unanswered.is_some() && down.revision == revision)
            .ok_or(MediaError::Stale)?;
        let answer = Description::parse(sdp).map_err(MediaError::bad_sdp)?;
        if answer.is_lite {
            return Err(MediaError::unsupported(ICE_LITE));
        }
        if answer.setup == Some(Setup::Actpass) {
            return Err(MediaError::bad_sdp(NOT_ACTPASS));
        }
        if !answer.answers(&down.lines()) {
            return Err(MediaError::bad_sdp(
                "The answer's m-lines are not the offer's: as many, in its order, with its mids.",
            ));
        }
        self.negotiate(key, turn.now)?;
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        let down = member.down.as_mut().ok_or(MediaError::Stale)?;
        down.accept(&answer, &mut self.taken, turn.now);
        self.settle_connection(key, Side::Down, turn);
        Ok(())
    }

    fn set_view(
        &mut self,
        key: Key,
        tiles: Vec<Tile>,
        turn: &mut Turn<'_>,
    ) -> Result<(), MediaError> {
        if tiles.len() > MAX_TILES {
            return Err(MediaError::Limit(Refused::because(TOO_MANY_TILES)));
        }
        self.members
            .get_mut(&key)
            .ok_or(MediaError::NotAdmitted)?
            .view = Some(tiles);
        self.reassign(turn);
        Ok(())
    }

    fn restart(&mut self, key: Key, leg: Leg, turn: &mut Turn<'_>) -> Result<(), MediaError> {
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        if leg == Leg::Up {
            // The client offers there; its next offer restarts ICE.
            return Ok(());
        }
        if member.down.is_none() {
            return Err(MediaError::unsupported(NO_DOWN));
        }
        self.negotiate(key, turn.now)?;
        let member = self.members.get_mut(&key).ok_or(MediaError::NotAdmitted)?;
        let down = member.down.as_mut();
        let down = down.ok_or_else(|| MediaError::unsupported(NO_DOWN))?;
        // Also where an offer is still unanswered: what is told of a restart must be one.
        down.restart(&self.reach, turn.now);
        member.down_revision += 1;
        down.revision = member.down_revision;
        let to = member.id.clone();
        let offer = self
            .down_offer(key)
            .ok_or_else(|| MediaError::unsupported(REPLACED))?;
        self.outbox.push(MediaEvent::Offer { to, offer });
        self.settle_connection(key, Side::Down, turn);
        Ok(())
    }

    fn told_slots(&self, key: Key) -> Vec<Slot> {
        let slots = self
            .members
            .get(&key)
            .and_then(|member| member.down.as_ref())
            .map(|down| &down.slots);
        let reported = slots.into_iter().flatten();
        reported.map(|slot| slot.reported(&self.tracks)).collect()
    }
}
