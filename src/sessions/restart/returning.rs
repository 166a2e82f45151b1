//! Sessions over a restart: how they are written down, and how they are there again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Records;
use crate::meeting::taking_up::Survivor;
use crate::network::Network;
use crate::protocol::ids::{ParticipantId, SessionId};
use crate::protocol::time::Timestamp;
use crate::rooms::{Outbox, OutboxReader, SavedSession, Ticket, outbox};
use crate::sessions::live::Live;
use crate::sessions::location::{Location, Membership, Place};
use crate::sessions::services::Services;
use crate::sessions::state::Login;
use crate::sessions::table::{Pass, Seat, Table};

/// A session as it is saved.
#[derive(Debug, Serialize, Deserialize)]
struct SessionRecord {
    session: SessionId,
    jti: String,
    logged_in_at: Timestamp,
    since: Timestamp,
    /// Hashes.
    tokens: Vec<String>,
}

/// Writes a session down as it is.
#[derive(Debug)]
pub(in crate::sessions) struct SessionTicket {
    session: SessionId,
    table: Table,
}

impl SessionTicket {
    pub(in crate::sessions) fn new(session: SessionId, table: Table) -> Self {
        Self { session, table }
    }
}

impl Ticket for SessionTicket {
    fn written(&self) -> Option<Box<RawValue>> {
        let (pass, tokens) = self.table.pass(&self.session)?;
        let record = SessionRecord {
            session: self.session.clone(),
            jti: pass.jti,
            logged_in_at: pass.logged_in_at,
            since: pass.since,
            tokens,
        };
        serde_json::value::to_raw_value(&record).ok()
    }
}

/// A session that is taken up.
pub(in crate::sessions) struct Revived {
    pub seat: Seat,
    pub address: Network,
    pub login: Login,
    pub events: OutboxReader,
    pub location: Location,
}

/// A session whose client may come back.
pub(super) struct Returning {
    pub participant: ParticipantId,
    address: Network,
    place: Place,
    login: Login,
    seat: Seat,
    pub outbox: Outbox,
    events: OutboxReader,
}

impl Returning {
    /// The session of a participant, if their log-in still stands.
    pub async fn find(
        table: &Table,
        records: &impl Records,
        person: &Survivor,
        saved: &SavedSession,
    ) -> Option<Self> {
        let record: SessionRecord = serde_json::from_str(saved.ticket.get()).ok()?;
        let account = records.account(&person.user, &record.jti, record.since);
        let login = Login {
            user: person.user.clone(),
            account: account.await?,
            jti: record.jti.clone(),
            logged_in_at: record.logged_in_at,
        };
        let seat = table.open(&record.session);
        let pass = Pass {
            user: login.user.id.clone(),
            kind: login.user.kind,
            jti: record.jti,
            logged_in_at: record.logged_in_at,
            since: record.since,
        };
        table.restore(&record.session, pass, &record.tokens);
        let (outbox, events) = outbox();
        let ticket = SessionTicket::new(record.session, table.clone());
        Some(Self {
            participant: person.participant.clone(),
            address: person.address,
            place: match person.role {
                Some(_) => Place::Inside,
                None => Place::Door,
            },
            login,
            seat,
            outbox: outbox.with_ticket(Arc::new(ticket)),
            events,
        })
    }

    pub fn revive(self, membership: Membership, services: &Services) -> Option<Live> {
        let revived = Revived {
            seat: self.seat,
            address: self.address,
            login: self.login,
            events: self.events,
            location: Location::restored(membership, self.place),
        };
        Live::restore(revived, services.clone())
    }
}
