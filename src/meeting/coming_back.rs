//! People whose socket is lost, and who come back.
//!
//! They stay in. Their place, their role, their hand and what is muted do not change, and their media goes on while its
//! path works. The others see that they are reconnecting. They are taken out when their session ends.

use super::command::Attach;
use super::effect::{Effect, Reply};
use super::media::MediaCommand;
use super::permissions::{Action, allows};
use super::room::{Answer, Room, broadcast, media, tell};
use crate::network::Network;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, LeaveReason, MediaFailed, ParticipantData};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{Connection, Source, Topology};
use crate::protocol::time::Timestamp;

impl Room {
    pub(super) fn detach(&mut self, id: &ParticipantId, out: &mut Vec<Effect>) -> Answer {
        if self.lobby.find(id).is_none() {
            self.person(id)?;
            self.connect(id, Connection::Reconnecting, out);
        }
        Ok(Reply::Done)
    }

    pub(super) fn attach(
        &mut self,
        id: &ParticipantId,
        address: Network,
        how: Attach,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        if self.lobby.find(id).is_some() {
            if how.look {
                out.push(self.hosted_for(vec![id.clone()]));
            }
            return Ok(Reply::Waiting);
        }
        if self.has_moved_among_banned(id, address)? {
            // They come in again like anybody from there.
            self.leave(id, LeaveReason::Lost, now, out)?;
            return Ok(Reply::TurnedAway);
        }
        let mut is_unaware = false;
        if let Some(person) = self.roster.find_mut(id) {
            person.move_to(address);
            is_unaware = person.has_come_back(how);
        }
        if how.anew {
            self.begin_their_media_anew(id, out);
        }
        self.connect(id, Connection::Online, out);
        if how.look {
            out.push(Effect::Show {
                participant: id.clone(),
                view: Box::new(self.view(id, now)?),
            });
        }
        if is_unaware && self.facts.topology == Topology::Sfu {
            // The restart of the server has ended their media connections.
            out.push(tell(id, Event::MediaFailed(MediaFailed {})));
        } else if how.look && !how.anew {
            out.push(media(MediaCommand::TellSlots {
                participant: id.clone(),
            }));
        }
        Ok(Reply::Done)
    }

    /// Whether a guest has moved to the network of a banned guest. Guests who were there before the ban are not sent
    /// away.
    fn has_moved_among_banned(
        &self,
        id: &ParticipantId,
        address: Network,
    ) -> Result<bool, ErrorCode> {
        let person = self.person(id)?;
        let rank = self.rank_of(person);
        Ok(person.address() != address
            && self.is_suspect(&person.seen.user, address)
            && !allows(rank, Action::SkipLobby, &self.facts.permissions))
    }

    /// Closes their media connections and stops their tracks.
    fn begin_their_media_anew(&mut self, id: &ParticipantId, out: &mut Vec<Effect>) {
        for source in Source::ALL {
            if self
                .roster
                .find(id)
                .and_then(|person| person.track(source))
                .is_some()
            {
                self.stop(id, source, out);
            }
        }
        if let Some(person) = self.roster.find_mut(id) {
            person.set_negotiated(Vec::new());
        }
        let participant = id.clone();
        out.push(media(MediaCommand::Dismiss { participant }));
        let participant = id.clone();
        out.push(media(MediaCommand::Admit { participant }));
    }

    /// Tells the others whether a participant is connected.
    fn connect(&mut self, id: &ParticipantId, connection: Connection, out: &mut Vec<Effect>) {
        let Some(person) = self.roster.find_mut(id) else {
            return;
        };
        if person.seen.connection != connection {
            person.seen.connection = connection;
            let participant = person.seen.clone();
            let updated = Event::ParticipantUpdated(ParticipantData { participant });
            out.push(broadcast(Some(id.clone()), updated));
        }
    }
}
