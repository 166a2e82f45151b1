//! What the database knows of the meetings that are taken up.

use crate::protocol::error::ErrorCode;
use crate::protocol::object::{User, UserKind};
use crate::protocol::time::Timestamp;
use crate::rooms::Start;
use crate::sessions::handlers::room_view;
use crate::sessions::services::Rooms;
use crate::store::{self, RoomKey, RoomState};

/// Why a meeting cannot be taken up.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What the database knows of the meetings that are taken up.
pub(crate) trait Records {
    /// A meeting as it was saved.
    async fn saved(&self, room: RoomKey) -> Result<Option<RoomState>, Fault>;
    /// Its room as it is stored now; none when it was deleted.
    async fn start(&self, room: RoomKey) -> Result<Option<Start>, Fault>;
    /// Writes down that these are in.
    async fn note(&self, people: &[store::Membership]) -> Result<(), Fault>;
    /// The account of `user`, none for a guest, if the log-in `jti` with a token of `since` still stands.
    async fn account(
        &self,
        user: &User,
        jti: &str,
        since: Timestamp,
    ) -> Option<Option<store::UserKey>>;
}

impl Records for Rooms {
    async fn saved(&self, room: RoomKey) -> Result<Option<RoomState>, Fault> {
        Ok(self.store.room_state(room).await?)
    }

    async fn start(&self, room: RoomKey) -> Result<Option<Start>, Fault> {
        match room_view::load(self, room).await {
            Ok(start) => Ok(Some(start)),
            Err(error) if error.code == ErrorCode::RoomNotFound => Ok(None),
            Err(error) => Err(error.code.as_str().into()),
        }
    }

    async fn note(&self, people: &[store::Membership]) -> Result<(), Fault> {
        Ok(self.store.take_up_memberships(people).await?)
    }

    async fn account(
        &self,
        user: &User,
        jti: &str,
        since: Timestamp,
    ) -> Option<Option<store::UserKey>> {
        if self.store.is_token_revoked(jti).await.ok()? {
            return None;
        }
        match user.kind {
            UserKind::Guest => Some(None),
            UserKind::Account => {
                let account = self.store.find_user(&user.id).await.ok()??;
                account.admits_token_of(since).then_some(Some(account.key))
            }
        }
    }
}
