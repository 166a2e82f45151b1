//! The requests that need the database, over the simulated one; every other request has its own handler.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::plain::carry_out;
use super::store::{Database, ROOM, Stored, person};
use crate::meeting::command::{Join, PasswordEdit, Post};
use crate::meeting::{Command, Reply};
use crate::protocol::Request;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::frame::{self, RequestFrame};
use crate::protocol::ids::{MessageId, ParticipantId};
use crate::protocol::object::{Action, BanLength, ChatMessage, Source, WhoWaits};
use crate::protocol::text::ChatText;
use crate::protocol::time::Timestamp;
use crate::rooms::{CallError, Entered};
use crate::sessions::Services;
use crate::sessions::stand_in::{Login, Membership, Pass, Place, SessionState, StandIn, joined};

/// The handlers of one run of the server.
pub struct Handlers {
    pub database: Database,
    /// What was carried out: a request of a session is, once in a run of the server.
    pub carried_out: Mutex<BTreeSet<(String, u64)>>,
    pub faults: Arc<Mutex<Vec<String>>>,
}

impl StandIn for Handlers {
    fn carry_out<'a>(
        &'a self,
        services: &'a Services,
        state: &'a mut SessionState,
        frame: &'a RequestFrame,
    ) -> BoxFuture<'a, Option<Result<String, WireError>>> {
        self.note(state, frame);
        let data = frame.data.as_ref().map_or(Value::Null, |data| {
            serde_json::from_str(data.get()).unwrap()
        });
        async move {
            let answer = match frame.kind.as_str() {
                "auth.token" | "auth.register" | "auth.login" | "auth.guest" => {
                    Ok(self.log_in(services, state, &data))
                }
                "room.join" => self.join(services, state).await,
                "room.edit" => self.edit(services, state, &data).await,
                "chat.send" => self.send(state, &data).await,
                "media.publish" => negotiated(state).await,
                "participant.remove" if data["ban"] == "forever" => self.ban(state, &data).await,
                kind => carry_out(&self.database, services, state, (kind, &data)).await?,
            };
            Some(answer.map(|answer| frame::ok(frame.id, &answer)))
        }
        .boxed()
    }
}

impl Handlers {
    fn note(&self, state: &SessionState, frame: &RequestFrame) {
        let session = state.client.session.as_str().to_owned();
        let kind = frame.kind.as_str();
        let of_socket = kind == "session.resume" || Request::may_precede_login(kind);
        if Request::is_asked_anew(kind) {
            return;
        }
        let mut carried_out = self.carried_out.lock().unwrap();
        // A page that was loaded anew begins its ids anew: it names them beyond what was.
        if !of_socket && !carried_out.insert((session, frame.id)) {
            let fault = format!("{} {} is carried out twice", frame.kind, frame.id);
            self.faults.lock().unwrap().push(fault);
        }
    }

    fn log_in(&self, services: &Services, state: &mut SessionState, data: &Value) -> Value {
        let number = data["token"].as_u64().unwrap();
        let user = person(usize::try_from(number).unwrap());
        let now = Timestamp::now();
        let pass = Pass {
            user: user.id.clone(),
            kind: user.kind,
            jti: format!("j{number}"),
            logged_in_at: now,
            since: now,
        };
        let resume_token = services.table().log_in(&state.client.session, pass);
        state.login = Some(Login {
            user,
            account: None,
            jti: format!("j{number}"),
            logged_in_at: now,
        });
        json!({ "resume_token": resume_token })
    }

    /// As `handlers::joining` does it for somebody who has shown that they may come to the door.
    async fn join(
        &self,
        services: &Services,
        state: &mut SessionState,
    ) -> Result<Value, WireError> {
        let facts = self.database.facts();
        let identity = facts.identity.clone();
        if let Some(here) = state.location.at(&identity).cloned() {
            let participant = here.participant;
            let look = Command::Look {
                participant: participant.clone(),
            };
            match here.handle.call(look).await {
                Ok(Reply::View(view)) => {
                    state.location.admit(&participant);
                    return Ok(serde_json::to_value(joined(*view)).unwrap());
                }
                Err(CallError::Gone | CallError::Refused(ErrorCode::RoomNotJoined)) => {
                    state.location.release(&participant);
                }
                Ok(_) => return Err(ErrorCode::ServerInternal.into()),
                Err(error) => return Err(error.into()),
            }
        }
        let user = state.login()?.user.clone();
        let join = Join {
            participant: ParticipantId::random(),
            display_name: user.display_name.clone(),
            user,
            role: None,
            pass: false,
            address: state.client.address,
            first_joined_at: None,
        };
        let (participant, outbox) = (join.participant.clone(), state.location.outbox());
        let load = || self.database.load(services.states());
        let registry = services.registry();
        let entered = registry.join(&identity, join, outbox.clone(), load).await;
        let (handle, entered) = entered?;
        let membership = Membership {
            room: identity,
            key: ROOM,
            participant,
            handle,
            outbox,
        };
        match entered {
            Entered::In(view) => {
                state.location.move_to(membership, Place::Inside);
                Ok(serde_json::to_value(joined(*view)).unwrap())
            }
            Entered::Waiting => {
                state.location.move_to(membership, Place::Door);
                Err(ErrorCode::RoomWaiting.into())
            }
        }
    }

    /// Locks or opens the room, or says who waits at its door.
    async fn edit(
        &self,
        services: &Services,
        state: &SessionState,
        data: &Value,
    ) -> Result<Value, WireError> {
        authorise(state, Action::Secure).await?;
        let edited = self.database.write(|stored: &mut Stored<'_>| {
            if let Some(locked) = data["locked"].as_bool() {
                stored.facts.locked = locked;
            }
            if let Ok(waiting) = WhoWaits::deserialize(&data["waiting"]) {
                stored.facts.waiting = waiting;
                stored.facts.lobby = waiting != WhoWaits::Nobody;
            }
            stored.facts.version += 1;
            stored.facts.clone()
        });
        let facts = Box::new(edited.await?);
        if let Some(room) = services.registry().changed(&facts.identity) {
            let password = PasswordEdit::Kept;
            match room.call_surely(Command::Edited { facts, password }).await {
                Ok(_) | Err(CallError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(json!({}))
    }

    /// Stores a message once under its client's name for it, and posts it once.
    async fn send(&self, state: &SessionState, data: &Value) -> Result<Value, WireError> {
        let sender = authorise(state, Action::Chat).await?;
        let client_id = data["client_id"].as_str().unwrap().to_owned();
        let message = ChatMessage {
            id: MessageId::random(),
            participant: sender.id,
            user: sender.user,
            display_name: sender.display_name,
            to: None,
            text: ChatText::parse(&client_id).unwrap(),
            client_id: Some(client_id),
            sent_at: Timestamp::now(),
        };
        let post = Post {
            message,
            to_user: None,
        };
        let kept = self.database.write(|stored: &mut Stored<'_>| {
            let name = &post.message.client_id;
            let is_it = |kept: &&Post| kept.message.client_id == *name;
            if let Some(known) = stored.chat.iter().find(is_it) {
                return Command::PostAgain(Box::new(known.clone()));
            }
            stored.chat.push(post.clone());
            Command::Post(Box::new(post.clone()))
        });
        let kept = kept.await?;
        let is_new = matches!(kept, Command::Post(_));
        let room = &state.location.membership()?.handle;
        if let Err(error) = room.call_surely(kept).await {
            let id = &post.message.id;
            let withdrawn = self.database.write(|stored: &mut Stored<'_>| {
                stored.chat.retain(|kept| !is_new || kept.message.id != *id);
            });
            // It stays then, as it does in the product.
            let _ = withdrawn.await;
            return Err(error.into());
        }
        Ok(json!({}))
    }

    /// A ban for good is stored first.
    async fn ban(&self, state: &SessionState, data: &Value) -> Result<Value, WireError> {
        let membership = state.location.membership()?;
        let by = membership.participant.clone();
        let whom =
            ParticipantId::try_from(data["participant"].as_str().unwrap().to_owned()).unwrap();
        let until = BanLength::Forever;
        let consider = Command::ConsiderBan {
            by: by.clone(),
            whom: whom.clone(),
            until,
        };
        let Reply::Ban(ban) = membership.handle.call(consider).await? else {
            return Err(ErrorCode::ServerInternal.into());
        };
        let stored = self
            .database
            .write(|stored: &mut Stored<'_>| stored.bans.push(*ban));
        stored.await?;
        let ban = Some(until);
        membership
            .handle
            .call(Command::Remove { by, whom, ban })
            .await?;
        Ok(json!({}))
    }
}

/// What an up connection would carry; descriptions have tests of their own.
async fn negotiated(state: &SessionState) -> Result<Value, WireError> {
    let membership = state.location.membership()?;
    let negotiated = Command::Negotiated {
        participant: membership.participant.clone(),
        sources: vec![(Source::Microphone, None), (Source::Camera, None)],
    };
    membership.handle.call(negotiated).await?;
    Ok(json!({}))
}

pub async fn authorise(
    state: &SessionState,
    action: Action,
) -> Result<crate::protocol::object::Participant, WireError> {
    let membership = state.location.membership()?;
    let authorise = Command::Authorise {
        participant: membership.participant.clone(),
        action,
    };
    match membership.handle.call(authorise).await? {
        Reply::Participant(person) => Ok(*person),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}
