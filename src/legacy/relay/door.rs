//! How a relay's client comes in, or waits at the door until somebody lets it in, or is turned away.

use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{Farewell, Knock, Membership, Person, Relay, User, parsed};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::LobbyDenial;
use crate::protocol::ids::RoomIdentity;
use crate::sessions::End;

/// The close codes of a refused join: the contract's for a room that is no more, and for somebody who may not be there.
const NO_ROOM: u16 = 4404;
const NOT_ADMITTED: u16 = 4403;

#[derive(Deserialize)]
struct Known {
    user: User,
}

#[derive(Deserialize)]
struct Joined {
    room: Room,
    #[serde(rename = "self")]
    me: Person,
    participants: Vec<Person>,
}

#[derive(Deserialize)]
struct Room {
    identity: RoomIdentity,
}

#[derive(Deserialize)]
struct Denied {
    reason: LobbyDenial,
}

impl Relay {
    /// Shows who the client is and joins the room.
    pub(super) async fn enter(&mut self, knock: Knock) -> Result<Membership, Farewell> {
        let known = match knock.token {
            Some(token) => self.ask("auth.token", json!({ "token": token })).await?,
            None => Err(ErrorCode::AuthRequired.into()),
        };
        let known: Known = match known {
            Ok(known) => parsed(&known)?,
            Err(error) => {
                self.refuse(error).await?;
                return Err(End::NotAuthenticated.into());
            }
        };
        let _entering = self.clients.expect(known.user.id, &knock.room);
        let joined = self.ask("room.join", json!({ "identity": knock.room }));
        let joined: Joined = match joined.await? {
            Ok(joined) => parsed(&joined)?,
            Err(error) if error.code == ErrorCode::RoomWaiting => {
                self.refuse(error).await?;
                self.wait().await?
            }
            Err(error) => return Err(self.turn_away(error).await?),
        };
        let people = joined.participants.into_iter();
        Ok(Membership {
            room: joined.room.identity,
            _seat: self.clients.enter(joined.me.id.clone()),
            others: people
                .filter(|person| person.id != joined.me.id)
                .map(Person::into)
                .collect(),
        })
    }

    /// Waits until somebody lets the client in. What it sends meanwhile is refused.
    async fn wait(&mut self) -> Result<Joined, Farewell> {
        loop {
            let Some((kind, data)) = self.early.pop_front() else {
                tokio::select! {
                    biased;
                    heard = self.link.next() => {
                        let told = self.heed(heard).await?;
                        self.early.extend(told);
                    }
                    message = self.client.next() => self.read(None, message).await?,
                }
                continue;
            };
            let error = match kind.as_str() {
                "lobby.admitted" => return parsed(&data),
                "lobby.denied" => {
                    let Denied { reason } = parsed(&data)?;
                    match reason {
                        LobbyDenial::Denied => ErrorCode::RoomDenied,
                        LobbyDenial::Banned => ErrorCode::RoomBanned,
                        LobbyDenial::Password => ErrorCode::RoomPasswordRequired,
                        LobbyDenial::Ended => ErrorCode::RoomEnded,
                        LobbyDenial::AccountsOnly => ErrorCode::RoomAccountsOnly,
                    }
                }
                // What happens at the door concerns those inside.
                _ => continue,
            };
            return Err(self.turn_away(error.into()).await?);
        }
    }

    /// Says why the client does not come in, and with which code its socket is closed.
    async fn turn_away(&mut self, error: WireError) -> Result<Farewell, Farewell> {
        let is_gone = matches!(error.code, ErrorCode::RoomNotFound | ErrorCode::RoomEnded);
        let code = if is_gone { NO_ROOM } else { NOT_ADMITTED };
        self.refuse(error).await?;
        Ok(Farewell(Some(CloseFrame {
            code: code.into(),
            reason: "not admitted".into(),
        })))
    }
}
