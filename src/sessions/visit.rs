//! A session without a socket, for a client that asks one thing and goes.

use tokio::time::Instant;

use super::handlers::{auth, room};
use super::services::Services;
use super::state::{Client, SessionState};
use super::table::Seat;
use crate::network::Network;
use crate::protocol::error::WireError;
use crate::protocol::ids::SessionId;
use crate::protocol::request::{
    AuthLogin, AuthToken, Authenticated, Empty, RoomAnswer, RoomCreate, RoomDelete, RoomEdit,
    RoomList, RoomPage,
};
use crate::rooms::outbox;

/// What a session is for requests, without its socket: the handlers of the WebSocket are called one by one, and each
/// method is the request of its name. It joins no room, so nothing is ever told to it.
pub struct Visit {
    services: Services,
    state: SessionState,
    /// Given up with it.
    _seat: Seat,
}

impl Visit {
    /// A visit from `address`, by which limits on attempts count. There is no login yet.
    pub fn new(services: Services, address: Network) -> Self {
        let (outbox, _) = outbox();
        let session = SessionId::random();
        let seat = services.table().open(&session);
        let client = Client {
            session,
            address,
            socket: seat.socket(),
        };
        Self {
            services,
            state: SessionState::new(client, outbox, Instant::now()),
            _seat: seat,
        }
    }

    /// `auth.login`
    ///
    /// # Errors
    /// As there.
    pub async fn login(&mut self, data: AuthLogin) -> Result<Authenticated, WireError> {
        auth::login(self.services.accounts(), &mut self.state, data).await
    }

    /// `auth.token`
    ///
    /// # Errors
    /// As there.
    pub async fn token(&mut self, data: AuthToken) -> Result<Authenticated, WireError> {
        auth::token(self.services.accounts(), &mut self.state, data).await
    }

    /// `room.list`
    ///
    /// # Errors
    /// As there.
    pub async fn list(&self, data: RoomList) -> Result<RoomPage, WireError> {
        let turn = self.services.reading().turn(self.state.client.address);
        let _turn = turn.await?;
        room::list(self.services.rooms(), self.state.asker()?, data).await
    }

    /// `room.create`
    ///
    /// # Errors
    /// As there.
    pub async fn create(&self, data: RoomCreate) -> Result<RoomAnswer, WireError> {
        room::create(self.services.rooms(), self.state.asker()?, data).await
    }

    /// `room.edit`
    ///
    /// # Errors
    /// As there.
    pub async fn edit(&self, data: RoomEdit) -> Result<RoomAnswer, WireError> {
        room::edit(self.services.rooms(), self.state.asker()?, data).await
    }

    /// `room.delete`
    ///
    /// # Errors
    /// As there.
    pub async fn delete(&self, data: RoomDelete) -> Result<Empty, WireError> {
        room::delete(self.services.rooms(), self.state.asker()?, data).await
    }
}
