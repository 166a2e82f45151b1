//! Stand-ins for the handlers that only the scripted meeting asks for. What the database would have answered matters to
//! nobody there; what the room is told is as in the product.

use serde_json::{Value, json};

use super::handlers::authorise;
use super::store::{Database, Stored};
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{MessageId, UserId};
use crate::protocol::object::Action;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;
use crate::rooms::CallError;
use crate::sessions::Services;
use crate::sessions::stand_in::{Pass, SessionState};

type Answer = Result<Value, WireError>;

/// Carries one out; none for one that has its own handler.
pub async fn carry_out(
    database: &Database,
    services: &Services,
    state: &mut SessionState,
    (kind, data): (&str, &Value),
) -> Option<Answer> {
    let room = || json!({ "room": database.facts() });
    Some(match kind {
        "auth.refresh" => refresh(services, state),
        "auth.logout" => log_out(services, state).await,
        "account.update" => rename(state, data).await,
        "room.create" | "room.get" => Ok(room()),
        "room.list" => Ok(json!({ "rooms": [database.facts()], "total": 1 })),
        "room.roster" => ask(database, services, Command::Roster).await,
        "room.bans" => ask(database, services, Command::Bans).await,
        "room.attendance" => Ok(json!({ "entries": database.open_memberships() })),
        "room.unban" => unban(database, services, data).await,
        "room.end" => end(state).await,
        "room.delete" => delete(state).await,
        "invite.create" => Ok(json!({ "invite": { "id": "i-1" } })),
        "invite.list" => Ok(json!({ "invites": [] })),
        "invite.revoke" => Ok(json!({})),
        "chat.history" => Ok(json!({ "messages": database.messages(), "more": false })),
        "chat.delete" => take_back(database, state, data).await,
        _ => return None,
    })
}

fn refresh(services: &Services, state: &SessionState) -> Answer {
    let login = state.login()?.clone();
    let pass = Pass {
        user: login.user.id,
        kind: login.user.kind,
        jti: login.jti,
        logged_in_at: login.logged_in_at,
        since: Timestamp::now(),
    };
    let token = services.table().log_in(&state.client.session, pass);
    Ok(json!({ "resume_token": token }))
}

async fn log_out(services: &Services, state: &mut SessionState) -> Answer {
    services.table().log_out(&state.client.session);
    state.location.leave().await;
    state.login = None;
    Ok(json!({}))
}

async fn rename(state: &mut SessionState, data: &Value) -> Answer {
    let mut user = state.login()?.user.clone();
    user.display_name = DisplayName::parse(data["display_name"].as_str().unwrap()).unwrap();
    if let Some(login) = &mut state.login {
        login.user = user.clone();
    }
    let membership = state.location.membership()?;
    let renamed = Command::Renamed {
        participant: membership.participant.clone(),
        user: Box::new(user.clone()),
    };
    membership.handle.call_surely(renamed).await?;
    Ok(json!({ "user": user }))
}

async fn ask(database: &Database, services: &Services, command: Command) -> Answer {
    let Some(room) = services.registry().find(&database.facts().identity) else {
        return Ok(json!({}));
    };
    match room.call(command).await {
        Ok(Reply::Roster(participants)) => Ok(json!({ "participants": participants })),
        Ok(Reply::Bans(bans)) => Ok(json!({ "bans": bans })),
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(CallError::Gone) => Ok(json!({})),
        Err(error) => Err(error.into()),
    }
}

async fn unban(database: &Database, services: &Services, data: &Value) -> Answer {
    let user = UserId::try_from(data["user"].as_str().unwrap().to_owned()).unwrap();
    let identity = database.facts().identity;
    services.registry().unban(&identity, user).await?;
    Ok(json!({}))
}

async fn end(state: &SessionState) -> Answer {
    let by = authorise(state, Action::End).await?.id;
    let room = &state.location.membership()?.handle;
    room.call_surely(Command::End { by }).await?;
    Ok(json!({}))
}

async fn delete(state: &SessionState) -> Answer {
    let membership = state.location.membership()?;
    let by = Some(membership.participant.clone());
    let deleted = membership.handle.call_surely(Command::Delete { by });
    deleted.await?;
    Ok(json!({}))
}

async fn take_back(database: &Database, state: &SessionState, data: &Value) -> Answer {
    let id = MessageId::try_from(data["message"].as_str().unwrap().to_owned()).unwrap();
    let gone = database.write(|stored: &mut Stored<'_>| {
        stored.chat.retain(|kept| kept.message.id != id);
    });
    gone.await?;
    let deleted = Command::Deleted {
        message: id,
        between: None,
    };
    state
        .location
        .membership()?
        .handle
        .call_surely(deleted)
        .await?;
    Ok(json!({}))
}
