//! A room's planned meetings as a calendar file (RFC 5545): the room's link is what lets one read it.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use icalendar::{Alarm, CalendarDateTime, Component as _, Event, EventLike as _, Property};

use super::{HttpState, headers};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::Room;
use crate::protocol::time_zone::TimeZone;

mod zone;

/// How long before a meeting calendars remind of it.
const REMINDER: TimeDelta = TimeDelta::minutes(10);
/// What a file is called whose room's name has no letter that every file system takes.
const PLAIN_NAME: &str = "meeting";
/// The longest part of a room's name in a file's name, in bytes.
const MAX_FILE_NAME: usize = 40;

/// What every file begins with.
const HEAD: &str = concat!(
    "BEGIN:VCALENDAR\r\n",
    "VERSION:2.0\r\n",
    "PRODID:-//Meeting//Meeting//EN\r\n",
    "CALSCALE:GREGORIAN\r\n",
    "METHOD:PUBLISH\r\n",
);

/// Why there is no calendar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCalendar {
    /// No room has this identity; numbers find nothing here.
    #[error("There is no such room.")]
    NoRoom,
    /// The room has no beginning.
    #[error("This room has no planned time, so there is nothing to put into a calendar.")]
    NoTime,
    /// The database is away.
    #[error("The server is busy; try again shortly.")]
    Busy,
}

impl IntoResponse for NoCalendar {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoRoom | Self::NoTime => StatusCode::NOT_FOUND,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, headers::NO_STORE, format!("{self}\n")).into_response()
    }
}

/// `GET /r/<identity>/calendar.ics`
pub async fn calendar(
    State(state): State<HttpState>,
    Path(identity): Path<String>,
    asked: HeaderMap,
) -> Result<Response, NoCalendar> {
    let identity = RoomIdentity::try_from(identity).map_err(|_| NoCalendar::NoRoom)?;
    let room = (state.rooms)(identity).await?.ok_or(NoCalendar::NoRoom)?;
    let base = match &state.public_url {
        Some(origin) => Some(origin.to_string()),
        None => own_address(&asked),
    };
    let file = file(&room, base.as_deref(), Utc::now()).ok_or(NoCalendar::NoTime)?;
    let disposition = format!("attachment; filename=\"{}.ics\"", file_name(&room));
    let mut response = (headers::NO_STORE, file).into_response();
    let kind = HeaderValue::from_static("text/calendar; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        response
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Where the one who asks has reached this server: good for links as long as no proxy speaks TLS in front of it.
fn own_address(asked: &HeaderMap) -> Option<String> {
    let host = asked.get(HOST)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
    let is_host = !host.is_empty() && host.len() <= 255 && host.bytes().all(is_plain);
    is_host.then(|| format!("http://{host}"))
}

/// The file; none when nothing is planned. `made` is when it was asked for.
fn file(room: &Room, base: Option<&str>, made: DateTime<Utc>) -> Option<String> {
    let begin = room.begin_at?.utc();
    // One meeting is where it is whatever the clocks do; only a rule is counted by them.
    let zone = match room.recurrence {
        Some(_) => room.time_zone.unwrap_or_default(),
        None => TimeZone::UTC,
    };
    let mut event = Event::new();
    event
        .uid(&format!("{}@meeting", room.identity))
        .timestamp(made)
        // Whoever takes the file again after an edit gets the changed meeting, not a second one.
        .sequence(u32::try_from(room.version).unwrap_or(u32::MAX))
        .summary(room.name.as_str())
        .starts(written(begin, zone));
    if let Some(end) = room.end_at {
        event.ends(written(end.utc(), zone));
    }
    if let Some(rule) = &room.recurrence {
        event.append_property(Property::new("RRULE", rule.as_str()));
    }
    if let Some(base) = base {
        let url = format!("{base}/r/{}", room.identity);
        event.url(&url).location(&url);
    }
    event.alarm(Alarm::display(room.name.as_str(), -REMINDER));
    let zone = match zone {
        TimeZone::UTC => String::new(),
        zone => zone::component(zone, begin),
    };
    // The crate would write a time zone with a DTSTAMP and a UID, which it must not have (RFC 5545 §3.6.5).
    let event = event.done().try_into_string().ok()?;
    Some(format!("{HEAD}{zone}{event}END:VCALENDAR\r\n"))
}

/// A time as the clocks of `zone` show it.
fn written(at: DateTime<Utc>, zone: TimeZone) -> CalendarDateTime {
    match zone {
        TimeZone::UTC => CalendarDateTime::Utc(at),
        zone => CalendarDateTime::WithTimezone {
            date_time: zone.wall(at),
            tzid: zone.name().to_owned(),
        },
    }
}

/// The room's name as far as every file system and every header takes it.
fn file_name(room: &Room) -> String {
    let mut name = String::new();
    for letter in room.name.as_str().chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(MAX_FILE_NAME);
    match name.trim_matches('-') {
        "" => PLAIN_NAME.to_owned(),
        name => name.to_owned(),
    }
}
