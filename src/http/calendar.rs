//! The planned meetings of a room as a calendar file (RFC 5545). The link of the room is enough to read it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Extension, Path, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_DISPOSITION, CONTENT_TYPE, HOST, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use icalendar::{Alarm, CalendarDateTime, Component as _, Event, EventLike as _, Property};

use super::notice::Notice;
use super::peer::RemoteAddress;
use super::plain::{Plain, TooMany};
use super::{HttpState, headers};
use crate::budgets::http as budgets;
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::Room;
use crate::protocol::time_zone::TimeZone;

mod zone;

/// How long before a meeting calendars show a reminder.
const REMINDER: TimeDelta = TimeDelta::minutes(10);
/// The name of the file if the name of the room has no letters that all file systems accept.
const PLAIN_NAME: &str = "meeting";
/// The most bytes of the name of a room in a file name.
const MAX_FILE_NAME: usize = 40;

/// The begin of every file.
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
    /// No room has this identity. Room numbers find nothing here.
    #[error("There is no such room.")]
    NoRoom,
    /// The room has no beginning.
    #[error("This room has no planned time, so there is nothing to put into a calendar.")]
    NoTime,
    /// The database is away.
    #[error("The server is busy; try again shortly.")]
    Busy,
    /// The address has asked for too many.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

impl IntoResponse for NoCalendar {
    fn into_response(self) -> Response {
        let (status, notice) = match self {
            Self::NoRoom => (StatusCode::NOT_FOUND, Notice::NoRoom),
            Self::NoTime => (StatusCode::NOT_FOUND, Notice::NoTime),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, Notice::Busy),
            Self::TooMany(refused) => return refused.into_response(),
        };
        let sentence = format!("{self}\n");
        (status, headers::NO_STORE, Extension(notice), sentence).into_response()
    }
}

/// `GET /r/<identity>/calendar.ics`
pub async fn calendar(
    State(state): State<HttpState>,
    Extension(remote): Extension<RemoteAddress>,
    Path(identity): Path<String>,
    asked: HeaderMap,
) -> Result<Response, NoCalendar> {
    let trusted = &state.gate.access.trusted_proxies;
    state
        .plain
        .check(Plain::Calendar, remote, &asked, trusted)?;
    let identity = RoomIdentity::try_from(identity).map_err(|_| NoCalendar::NoRoom)?;
    let room = (state.rooms)(identity).await?.ok_or(NoCalendar::NoRoom)?;
    let base = match &state.public_url {
        Some(origin) => Some(origin.to_string()),
        None => own_address(&asked),
    };
    let disposition = format!("attachment; filename=\"{}.ics\"", file_name(&room));
    let language = Language::of(&asked);
    let calendars = state.calendars.clone();
    // Making a file takes milliseconds, and nobody else should wait for it.
    let made = tokio::task::spawn_blocking(move || calendars.find_or_make(room, base, language));
    let file = made.await.map_err(|_| NoCalendar::Busy)?;
    let file = file.ok_or(NoCalendar::NoTime)?;
    let mut response = (headers::NO_STORE, file.to_string()).into_response();
    let kind = HeaderValue::from_static("text/calendar; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    let varies = HeaderValue::from_static("accept-language");
    response.headers_mut().insert(VARY, varies);
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        response
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The language of the text in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Language {
    #[default]
    English,
    Chinese,
}

impl Language {
    /// The first one asked for that there is.
    fn of(asked: &HeaderMap) -> Self {
        let requested = asked
            .get(ACCEPT_LANGUAGE)
            .and_then(|line| line.to_str().ok());
        let requested = requested.unwrap_or_default().split(',').map(str::trim);
        let known = |tag: &str| match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        };
        requested.filter_map(known).next().unwrap_or_default()
    }
}

/// The files that were made last. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Calendars(Arc<Mutex<HashMap<RoomIdentity, Made>>>);

/// A file, and the input that it was made from.
#[derive(Debug)]
struct Made {
    version: u64,
    owner: String,
    base: Option<String>,
    language: Language,
    file: Arc<str>,
}

impl Calendars {
    fn find_or_make(
        &self,
        room: Room,
        base: Option<String>,
        language: Language,
    ) -> Option<Arc<str>> {
        let owner = room.owner.display_name.as_str();
        let is_current = |made: &&Made| {
            (made.version, made.language) == (room.version, language)
                && made.owner == owner
                && made.base == base
        };
        let kept = self
            .lock()
            .get(&room.identity)
            .filter(is_current)
            .map(|made| made.file.clone());
        if kept.is_some() {
            return kept;
        }
        let file: Arc<str> = file(&room, base.as_deref(), language, Utc::now())?.into();
        let made = Made {
            version: room.version,
            owner: owner.to_owned(),
            base,
            language,
            file: file.clone(),
        };
        let mut files = self.lock();
        if files.len() >= budgets::CALENDARS_KEPT.size() {
            files.clear();
        }
        files.insert(room.identity, made);
        Some(file)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomIdentity, Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address under which the client has reached this server. It is right for links unless a proxy speaks TLS in
/// front.
fn own_address(asked: &HeaderMap) -> Option<String> {
    let host = asked.get(HOST)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
    let is_host = !host.is_empty() && host.len() <= 255 && host.bytes().all(is_plain);
    is_host.then(|| format!("http://{host}"))
}

/// The file. None if nothing is planned. `made` is the time of the request.
fn file(
    room: &Room,
    base: Option<&str>,
    language: Language,
    made: DateTime<Utc>,
) -> Option<String> {
    let begin = room.begin_at?.utc();
    // A single meeting has a fixed instant. Only a rule depends on the clocks of a zone.
    let zone = match room.recurrence {
        Some(_) => room.time_zone.unwrap_or_default(),
        None => TimeZone::UTC,
    };
    let mut event = Event::new();
    event
        .uid(&format!("{}@meeting", room.identity))
        .timestamp(made)
        // After an edit, a calendar that loads the file again replaces the meeting instead of adding one.
        .sequence(u32::try_from(room.version).unwrap_or(u32::MAX))
        .summary(room.name.as_str())
        .starts(written(begin, zone));
    if let Some(end) = room.end_at {
        event.ends(written(end.utc(), zone));
    }
    if let Some(rule) = &room.recurrence {
        event.append_property(Property::new("RRULE", rule.as_str()));
    }
    let url = base.map(|base| format!("{base}/r/{}", room.identity));
    if let Some(url) = &url {
        event.url(url).location(url);
        // A published event needs an organiser (RFC 5546 §3.2.1), by an address that may be any URI (RFC 5545 §3.3.3,
        // §3.8.4.3). No address of a person is known here, so the link of the room stands for it.
        let mut organizer = Property::new("ORGANIZER", url);
        organizer.add_parameter("CN", &quoted(room.owner.display_name.as_str()));
        event.append_property(organizer);
    }
    let description = description(room, url.as_deref(), language);
    if !description.is_empty() {
        event.description(&description);
    }
    event.alarm(Alarm::display(room.name.as_str(), -REMINDER));
    let zone = match zone {
        TimeZone::UTC => String::new(),
        zone => zone::component(zone, begin),
    };
    // The crate would write a time zone with a DTSTAMP and a UID. RFC 5545 §3.6.5 forbids them.
    let event = event.done().try_into_string().ok()?;
    Some(format!("{HEAD}{zone}{event}END:VCALENDAR\r\n"))
}

/// The text for people: the link, the number, and whether a password is needed.
fn description(room: &Room, url: Option<&str>, language: Language) -> String {
    let (link, number, password) = match language {
        Language::English => (
            "Join: ",
            "Meeting number: ",
            "The meeting asks for a password.",
        ),
        Language::Chinese => ("加入会议：", "会议号：", "加入会议需要密码。"),
    };
    let mut lines = Vec::new();
    lines.extend(url.map(|url| format!("{link}{url}")));
    let grouped = |raw: &String| {
        let digits: Vec<char> = raw.chars().collect();
        let groups = digits.chunks(3).map(String::from_iter);
        groups.collect::<Vec<_>>().join(" ")
    };
    lines.extend(
        room.number
            .as_ref()
            .map(|raw| format!("{number}{}", grouped(raw))),
    );
    lines.extend(room.has_password.then(|| password.to_owned()));
    lines.join("\n")
}

/// The value of a parameter in quotes. Quotes may hold everything but quotes and line breaks (RFC 5545 §3.2).
fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| *c != '"' && !c.is_control())
        .collect();
    format!("\"{text}\"")
}

/// An instant as local time in `zone`.
fn written(at: DateTime<Utc>, zone: TimeZone) -> CalendarDateTime {
    match zone {
        TimeZone::UTC => CalendarDateTime::Utc(at),
        zone => CalendarDateTime::WithTimezone {
            date_time: zone.wall(at),
            tzid: zone.name().to_owned(),
        },
    }
}

/// The name of the room, reduced to what every file system and every header accepts.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::stories::facts;
    use crate::protocol::time::Timestamp;

    fn planned() -> Room {
        let at = |hour: i64| Timestamp::from_unix_millis(1_800_000_000_000 + hour * 3_600_000);
        Room {
            begin_at: at(0),
            end_at: at(1),
            ..facts()
        }
    }

    #[test]
    fn a_calendar_is_made_once_for_each_state_of_its_room() {
        let calendars = Calendars::default();
        let base = || Some("https://meet.example.org".to_owned());
        let make =
            |room: Room, base, language| calendars.find_or_make(room, base, language).unwrap();
        let first = make(planned(), base(), Language::English);
        let again = make(planned(), base(), Language::English);
        assert!(Arc::ptr_eq(&first, &again));
        let edited = Room {
            version: 2,
            ..planned()
        };
        for (room, base, language) in [
            (edited, base(), Language::English),
            (planned(), None, Language::English),
            (planned(), base(), Language::Chinese),
        ] {
            assert!(!Arc::ptr_eq(&make(room, base, language), &first));
        }
        for number in 0..3 * budgets::CALENDARS_KEPT.size() {
            let identity = RoomIdentity::try_from(format!("room-{number}")).unwrap();
            make(
                Room {
                    identity,
                    ..planned()
                },
                None,
                Language::English,
            );
        }
        assert!(calendars.lock().len() <= budgets::CALENDARS_KEPT.size());
        assert_eq!(
            calendars.find_or_make(facts(), None, Language::English),
            None
        );
    }

    #[test]
    fn the_language_is_the_first_one_asked_for_that_there_is() {
        for (line, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("fr-FR, en-US;q=0.7, zh;q=0.5", Language::English),
            ("fr", Language::English),
            ("é", Language::English),
            ("", Language::English),
        ] {
            let mut asked = HeaderMap::new();
            asked.insert(
                ACCEPT_LANGUAGE,
                HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
            assert_eq!(Language::of(&asked), language, "{line}");
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }
}
