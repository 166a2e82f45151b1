//! From a request to its handler.

use serde::Serialize;

use super::handlers::{
    account, attendance, auth, bans, chat, check, governing, invites, joining, lobby, media,
    participant, room, signal, together,
};
use super::services::Services;
use super::spending::spend;
use super::state::SessionState;
use crate::protocol::Request;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::frame::{self, RequestFrame};
use crate::protocol::request::Pong;
use crate::protocol::time::Timestamp;

/// Carries one request out and encodes its answer.
///
/// # Errors
/// What the client is told instead.
pub async fn dispatch(
    services: &Services,
    state: &mut SessionState,
    frame: RequestFrame,
) -> Result<String, WireError> {
    #[cfg(test)]
    if let Some(answer) = as_tested(services, state, &frame).await {
        return answer;
    }
    #[cfg(debug_assertions)]
    let kind = frame.kind.clone();
    let answer = carry_out(services, state, frame).await;
    // Client authors rely on static/docs/protocol.md §4.3.
    #[cfg(debug_assertions)]
    if let Err(error) = &answer {
        let code = error.code;
        assert!(
            Request::may_answer(&kind, code),
            "{kind} answers {}",
            code.as_str()
        );
    }
    answer
}

async fn carry_out(
    services: &Services,
    state: &mut SessionState,
    frame: RequestFrame,
) -> Result<String, WireError> {
    // Before anything is looked at, so that whoever is nobody learns nothing of what there is.
    if state.login.is_none() && !Request::may_precede_login(&frame.kind) {
        return Err(ErrorCode::AuthRequired.into());
    }
    let request = Request::decode(&frame.kind, frame.data.as_deref())?;
    let id = frame.id;
    if services.is_rate_limited() {
        spend(state, &request)?;
    }
    match request {
        Request::AuthRegister(data) => answer(id, auth::register(services, state, data).await),
        Request::AuthLogin(data) => answer(id, auth::login(services, state, data).await),
        Request::AuthGuest(data) => answer(id, auth::guest(services, state, data).await),
        Request::AuthToken(data) => answer(id, auth::token(services, state, data).await),
        Request::AuthRefresh(_) => answer(id, auth::refresh(services, state).await),
        Request::AuthLogout(_) => answer(id, auth::logout(services, state).await),
        Request::AccountUpdate(data) => answer(id, account::update(services, state, data).await),
        Request::RoomCreate(data) => answer(id, room::create(services, state, data).await),
        Request::RoomEdit(data) => answer(id, room::edit(services, state, data).await),
        Request::RoomDelete(data) => answer(id, room::delete(services, state, data).await),
        Request::RoomList(data) => answer(id, room::list(services, state, data).await),
        Request::RoomGet(data) => answer(id, room::get(services, state, data).await),
        Request::RoomRoster(data) => answer(id, room::roster(services, state, data).await),
        Request::RoomJoin(data) => answer(id, joining::join(services, state, data).await),
        Request::RoomLeave(_) => answer(id, joining::leave(state).await),
        Request::RoomEnd(_) => answer(id, room::end(services, state).await),
        Request::ParticipantUpdate(data) => answer(id, participant::update(state, data).await),
        Request::ParticipantMute(data) => answer(id, governing::mute(services, state, data).await),
        Request::ParticipantAskUnmute(data) => answer(id, governing::ask_unmute(state, data).await),
        Request::ParticipantLowerHand(data) => answer(id, governing::lower_hand(state, data).await),
        Request::ParticipantRename(data) => answer(id, governing::rename(state, data).await),
        Request::ParticipantSetRole(data) => answer(id, governing::set_role(state, data).await),
        Request::ParticipantRemove(data) => {
            answer(id, governing::remove(services, state, data).await)
        }
        Request::LobbyAdmit(data) => answer(id, lobby::admit(state, data).await),
        Request::LobbyDeny(data) => answer(id, lobby::deny(state, data).await),
        Request::ReactionSend(data) => answer(id, together::react(state, data).await),
        Request::SpotlightSet(data) => answer(id, together::spotlight(state, data).await),
        Request::TimerSet(data) => answer(id, together::timer(state, data).await),
        Request::ChatSend(data) => answer(id, chat::send(services, state, data).await),
        Request::ChatHistory(data) => answer(id, chat::history(services, state, data).await),
        Request::SignalOffer(data) => answer(id, signal::offer(state, data).await),
        Request::SignalAnswer(data) => answer(id, signal::answer(state, data).await),
        Request::SignalCandidate(data) => answer(id, signal::candidate(state, data).await),
        Request::MediaPublish(data) => answer(id, media::publish(state, data).await),
        Request::MediaSource(data) => answer(id, media::source(state, data).await),
        Request::MediaReceive(data) => answer(id, media::receive(state, data).await),
        Request::MediaAnswer(data) => answer(id, media::answer(state, data).await),
        Request::MediaView(data) => answer(id, media::view(state, data).await),
        Request::MediaCandidate(data) => answer(id, media::candidate(state, data).await),
        Request::MediaRestart(data) => answer(id, media::restart(state, data).await),
        Request::RoomAttendance(data) => answer(id, attendance::page(services, state, data).await),
        Request::RoomBans(data) => answer(id, bans::list(services, state, data).await),
        Request::RoomUnban(data) => answer(id, bans::lift(services, state, data).await),
        Request::InviteCreate(data) => answer(id, invites::create(services, state, data).await),
        Request::InviteList(data) => answer(id, invites::list(services, state, data).await),
        Request::InviteRevoke(data) => answer(id, invites::revoke(services, state, data).await),
        Request::CheckBegin(_) => answer(id, check::begin(services, state)),
        Request::ChatDelete(data) => answer(id, chat::delete(services, state, data).await),
        // Lost sessions are not kept, so there is none to take up.
        Request::SessionResume(_) => Err(ErrorCode::SessionGone.into()),
        Request::Ping(_) => answer(
            id,
            Ok(Pong {
                time: Timestamp::now(),
            }),
        ),
    }
}

fn answer<T: Serialize>(id: u64, result: Result<T, WireError>) -> Result<String, WireError> {
    result.map(|data| frame::ok(id, &data))
}

/// Handlers as tests want them: with a fault before anything is awaited or after, or at work until the server stops. The
/// last one takes the session out of the directory, by which the test sees that it has begun.
#[cfg(test)]
async fn as_tested(
    services: &Services,
    state: &SessionState,
    frame: &RequestFrame,
) -> Option<Result<String, WireError>> {
    assert!(frame.kind != "test.panic", "as the test wants");
    match frame.kind.as_str() {
        "test.panic.later" => {
            tokio::task::yield_now().await;
            panic!("as the test wants");
        }
        "test.slow" => {
            services.directory().leave(&state.id);
            services.stopping().await;
            Some(Ok(crate::protocol::frame::ok(frame.id, &())))
        }
        _ => None,
    }
}
