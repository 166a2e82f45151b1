//! From a request to its handler.

use serde::Serialize;
use tokio::time::Instant;

use super::answers::Answered;
use super::handlers::{
    account, attendance, auth, bans, chat, check, governing, invites, joining, lobby, media,
    participant, resume, room, room_view, signal, together,
};
use super::handover::Successor;
use super::reading::{Absence, reads_much};
use super::services::Services;
use super::spending::spend;
use super::state::SessionState;
use crate::protocol::Request;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::frame::{self, RequestFrame};
use crate::protocol::request::{Joined, Pong};
use crate::protocol::time::Timestamp;

/// What comes of a request.
pub enum Outcome {
    /// What answers it.
    Answer(Answered),
    /// Another session, which answers it itself.
    TakenUp(Successor),
}

/// Carries one request out and encodes its answer. It may have to wait in line: `absence` tells when nobody waits for
/// the answer any more.
///
/// # Errors
/// What the client is told instead.
pub async fn dispatch(
    services: &Services,
    state: &mut SessionState,
    frame: RequestFrame,
    absence: Option<Absence>,
) -> Result<Outcome, WireError> {
    #[cfg(test)]
    if let Some(answer) = as_tested(services, state, &frame).await {
        return answer;
    }
    #[cfg(debug_assertions)]
    let kind = frame.kind.clone();
    let answer = carry_out(services, state, frame, absence).await;
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
    absence: Option<Absence>,
) -> Result<Outcome, WireError> {
    // This check comes first, so that a client without a login learns nothing of what there is.
    if state.login.is_none() && !Request::may_precede_login(&frame.kind) {
        return Err(ErrorCode::AuthRequired.into());
    }
    let request = Request::decode(&frame.kind, frame.data.as_deref())?;
    let id = frame.id;
    if services.is_rate_limited() {
        spend(state, &request, Instant::now())?;
    }
    if !reads_much(&frame.kind) {
        return handle(services, state, id, request).await;
    }
    let (network, reading) = (state.client.address, services.reading());
    let turn = reading.begin(network, &frame.kind, absence).await?;
    let answer = handle(services, state, id, request).await;
    drop(turn);
    if let Ok(Outcome::Answer(answered)) = &answer {
        reading.note(network, answered.text.len());
    }
    answer
}

/// Requests that come often and wait for little are carried out here. The others are in a box: together they would make
/// every request as large as the largest.
async fn handle(
    services: &Services,
    state: &mut SessionState,
    id: u64,
    request: Request,
) -> Result<Outcome, WireError> {
    match request {
        Request::SignalOffer(data) => answer(id, signal::offer(&state.location, data).await),
        Request::SignalAnswer(data) => answer(id, signal::answer(&state.location, data).await),
        Request::SignalCandidate(data) => {
            answer(id, signal::candidate(&state.location, data).await)
        }
        Request::ReactionSend(data) => answer(id, together::react(&state.location, data).await),
        Request::Ping(_) => answer(
            id,
            Ok(Pong {
                time: Timestamp::now(),
            }),
        ),
        request => Box::pin(handle_large(services, state, id, request)).await,
    }
}

async fn handle_large(
    services: &Services,
    state: &mut SessionState,
    id: u64,
    request: Request,
) -> Result<Outcome, WireError> {
    let (accounts, rooms) = (services.accounts(), services.rooms());
    match request {
        Request::AuthRegister(data) => answer(id, auth::register(accounts, state, data).await),
        Request::AuthLogin(data) => answer(id, auth::login(accounts, state, data).await),
        Request::AuthGuest(data) => answer(id, auth::guest(accounts, state, data).await),
        Request::AuthToken(data) => answer(id, auth::token(accounts, state, data).await),
        Request::AuthRefresh(_) => answer(id, auth::refresh(accounts, state).await),
        Request::AuthLogout(_) => answer(id, auth::logout(accounts, state).await),
        Request::AccountUpdate(data) => answer(id, account::update(accounts, state, data).await),
        Request::RoomCreate(data) => answer(id, room::create(rooms, state.asker()?, data).await),
        Request::RoomEdit(data) => answer(id, room::edit(rooms, state.asker()?, data).await),
        Request::RoomDelete(data) => answer(id, room::delete(rooms, state.asker()?, data).await),
        Request::RoomList(data) => answer(id, room::list(rooms, state.asker()?, data).await),
        Request::RoomGet(data) => answer(id, room::get(rooms, state.asker()?, data).await),
        Request::RoomRoster(data) => answer(id, room::roster(rooms, state.asker()?, data).await),
        Request::RoomJoin(data) => came(id, joining::join(rooms, state, data).await),
        Request::RoomLeave(_) => answer(id, joining::leave(&mut state.location).await),
        Request::RoomEnd(_) => answer(id, room::end(&rooms.store, &state.location).await),
        Request::ParticipantUpdate(data) => {
            answer(id, participant::update(&state.location, data).await)
        }
        Request::ParticipantMute(data) => {
            answer(id, governing::mute(rooms, &state.location, data).await)
        }
        Request::ParticipantAskUnmute(data) => {
            answer(id, governing::ask_unmute(&state.location, data).await)
        }
        Request::ParticipantLowerHand(data) => {
            answer(id, governing::lower_hand(&state.location, data).await)
        }
        Request::ParticipantRename(data) => {
            answer(id, governing::rename(&state.location, data).await)
        }
        Request::ParticipantSetRole(data) => {
            answer(id, governing::set_role(&state.location, data).await)
        }
        Request::ParticipantRemove(data) => answer(
            id,
            governing::remove(&rooms.store, &state.location, data).await,
        ),
        Request::LobbyAdmit(data) => answer(id, lobby::admit(&state.location, data).await),
        Request::LobbyDeny(data) => answer(id, lobby::deny(&state.location, data).await),
        Request::SpotlightSet(data) => answer(id, together::spotlight(&state.location, data).await),
        Request::TimerSet(data) => answer(id, together::timer(&state.location, data).await),
        Request::ChatSend(data) => answer(id, chat::send(&rooms.store, state.asker()?, data).await),
        Request::ChatHistory(data) => {
            answer(id, chat::history(&rooms.store, state.asker()?, data).await)
        }
        Request::MediaPublish(data) => answer(
            id,
            media::publish(&state.location, &mut state.refusals, data).await,
        ),
        Request::MediaSource(data) => answer(id, media::source(&state.location, data).await),
        Request::MediaReceive(data) => answer(
            id,
            media::receive(&state.location, &mut state.refusals, data).await,
        ),
        Request::MediaAnswer(data) => answer(
            id,
            media::answer(&state.location, &mut state.refusals, data).await,
        ),
        Request::MediaView(data) => answer(
            id,
            media::view(&state.location, &mut state.refusals, data).await,
        ),
        Request::MediaCandidate(data) => answer(
            id,
            media::candidate(&state.location, &mut state.refusals, data).await,
        ),
        Request::MediaRestart(data) => answer(
            id,
            media::restart(&state.location, &mut state.refusals, data).await,
        ),
        Request::RoomAttendance(data) => {
            answer(id, attendance::page(rooms, state.asker()?, data).await)
        }
        Request::RoomBans(data) => answer(id, bans::list(rooms, state.asker()?, data).await),
        Request::RoomUnban(data) => answer(id, bans::lift(rooms, state.asker()?, data).await),
        Request::InviteCreate(data) => {
            answer(id, invites::create(rooms, state.asker()?, data).await)
        }
        Request::InviteList(data) => answer(id, invites::list(rooms, state.asker()?, data).await),
        Request::InviteRevoke(data) => {
            answer(id, invites::revoke(rooms, state.asker()?, data).await)
        }
        Request::CheckBegin(_) => answer(id, check::begin(&rooms.checks, state.login()?)),
        Request::ChatDelete(data) => {
            answer(id, chat::delete(&rooms.store, state.asker()?, data).await)
        }
        Request::SessionResume(_) if services.kept_for().is_zero() => {
            Err(ErrorCode::SessionGone.into())
        }
        Request::SessionResume(data) => {
            let successor = resume::resume(accounts, state, id, data).await;
            successor.map(Outcome::TakenUp)
        }
        Request::SignalOffer(_)
        | Request::SignalAnswer(_)
        | Request::SignalCandidate(_)
        | Request::ReactionSend(_)
        | Request::Ping(_) => unreachable!("carried out without a box"),
    }
}

fn answer<T: Serialize>(id: u64, result: Result<T, WireError>) -> Result<Outcome, WireError> {
    result.map(|data| Outcome::Answer(frame::ok(id, &data).into()))
}

/// The answer to a request that led into a room.
fn came(id: u64, result: Result<Joined, WireError>) -> Result<Outcome, WireError> {
    result.map(|joined| {
        let text = frame::ok(id, &joined);
        let in_short = Some(frame::ok(id, &room_view::in_short(&joined)));
        Outcome::Answer(Answered { text, in_short })
    })
}

/// Handlers as tests want them: with a fault before anything is awaited or after, or at work until the server stops.
/// The last one takes the session out of the directory, by which the test sees that it has begun.
#[cfg(test)]
async fn as_tested(
    services: &Services,
    state: &mut SessionState,
    frame: &RequestFrame,
) -> Option<Result<Outcome, WireError>> {
    if let Some(stand_in) = services.stand_in() {
        let answer = stand_in.carry_out(services, state, frame).await?;
        return Some(answer.map(|text| Outcome::Answer(text.into())));
    }
    assert!(frame.kind != "test.panic", "as the test wants");
    match frame.kind.as_str() {
        "test.panic.later" => {
            tokio::task::yield_now().await;
            panic!("as the test wants");
        }
        "test.slow" => {
            services.table().log_out(&state.client.session);
            services.stopping().await;
            Some(answer(frame.id, Ok(())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How large what a call makes is. The call is never made.
    fn size_of_result<T>(_: impl FnOnce() -> T) -> usize {
        size_of::<T>()
    }

    #[test]
    fn a_request_that_waits_for_nothing_takes_little_memory_and_is_moved_at_little_cost() {
        let nothing = || -> &'static mut SessionState { unreachable!() };
        let services = || -> &'static Services { unreachable!() };
        let frame = || -> RequestFrame { unreachable!() };
        let request = || -> Request { unreachable!() };
        let any = size_of_result(|| dispatch(services(), nothing(), frame(), None));
        let large = size_of_result(|| handle_large(services(), nothing(), 1, request()));
        assert!(any < 4_000 && 3 * any < large, "{any} {large}");
    }
}
