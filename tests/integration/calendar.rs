//! A room's meetings as a calendar file.

use icalendar::{Calendar, CalendarComponent, Component as _};
use meeting::config::Key;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::{Server, soon};

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of this header.
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

async fn get(server: &Server, path: &str) -> Answer {
    ask(server, path, "*/*").await
}

async fn ask(server: &Server, path: &str, accept: &str) -> Answer {
    let mut stream = soon(TcpStream::connect(server.address)).await.unwrap();
    let host = server.address;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    soon(stream.write_all(request.as_bytes())).await.unwrap();
    let mut raw = Vec::new();
    soon(stream.read_to_end(&mut raw)).await.unwrap();
    let text = String::from_utf8(raw).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

fn weekly(name: &str) -> Value {
    json!({ "name": name, "begin_at": "2026-03-02T09:00:00Z", "end_at": "2026-03-02T10:30:00Z",
        "recurrence": "FREQ=MONTHLY;BYDAY=1MO" })
}

#[tokio::test]
async fn a_calendar_reads_what_the_room_plans() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let name = "Plan, review; \\ 每周例会每周例会每周例会 long enough to fold";
    let room = ada.create(weekly(name)).await;
    let answer = get(&server, &format!("/r/{room}/calendar.ics")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/calendar; charset=utf-8")
    );
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"Plan-review-long-enough-to-fold.ics\"")
    );
    assert!(
        answer.body.ends_with("END:VCALENDAR\r\n"),
        "{}",
        answer.body
    );
    assert!(
        answer
            .body
            .split("\r\n")
            .all(|line| line.len() <= 75 && !line.contains('\n')),
        "{}",
        answer.body
    );
    let calendar: Calendar = answer.body.parse().unwrap();
    let [CalendarComponent::Event(event)] = &calendar.components[..] else {
        panic!("{calendar:?}");
    };
    let value = |key| event.property_value(key);
    let link = format!("http://{}/r/{room}", server.address);
    for (key, expected) in [
        ("SUMMARY", name),
        ("DTSTART", "20260302T090000Z"),
        ("DTEND", "20260302T103000Z"),
        ("RRULE", "FREQ=MONTHLY;BYDAY=1MO"),
        ("URL", &link),
        ("LOCATION", &link),
        ("UID", &format!("{room}@meeting")),
    ] {
        assert_eq!(value(key), Some(expected), "{key}");
    }
    assert!(event.get_timestamp().is_some());
    let first = event.get_sequence().unwrap();
    for part in ["BEGIN:VALARM\r\n", "TRIGGER:-PT", "ACTION:DISPLAY\r\n"] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let later = json!({ "identity": room, "end_at": "2026-03-02T11:00:00Z", "recurrence": null });
    ada.ok("room.edit", later).await;
    let answer = get(&server, &format!("/r/{room}/calendar.ics")).await;
    let calendar: Calendar = answer.body.parse().unwrap();
    let [CalendarComponent::Event(event)] = &calendar.components[..] else {
        panic!("{calendar:?}");
    };
    assert_eq!(event.get_sequence(), Some(first + 1));
    assert_eq!(event.property_value("RRULE"), None);
}

#[tokio::test]
async fn a_calendar_says_how_one_comes_in_and_who_organises() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let name = "Ada \"the Countess\"; Lovelace, née Byron";
    ada.ok("account.update", json!({ "display_name": name }))
        .await;
    let mut planned = weekly("Review");
    planned["password"] = json!("sesame");
    let created = ada.ok("room.create", planned).await["room"].take();
    let room = created["identity"].as_str().unwrap();
    let number = created["number"].as_str().unwrap();
    let number = format!("{} {} {}", &number[..3], &number[3..6], &number[6..]);
    let body = get(&server, &format!("/r/{room}/calendar.ics")).await.body;
    let calendar: Calendar = body.parse().unwrap();
    let [CalendarComponent::Event(event)] = &calendar.components[..] else {
        panic!("{calendar:?}");
    };
    let link = format!("http://{}/r/{room}", server.address);
    let organizer = &event.properties()["ORGANIZER"];
    assert_eq!(organizer.value(), link);
    let who = organizer.params()["CN"].value();
    assert_eq!(
        who.trim_matches('"'),
        "Ada the Countess; Lovelace, née Byron"
    );
    let description = event.get_description().unwrap();
    assert!(!body.contains("sesame"));
    for part in [link.as_str(), &number, "password"] {
        assert!(description.contains(part), "{part} in {description}");
    }
    // A number that is hidden is not told, and what changes without an edit of the room's is not kept.
    let hidden = json!({ "identity": room, "hide_number": true, "password": null });
    ada.ok("room.edit", hidden).await;
    ada.ok("account.update", json!({ "display_name": "Ada" }))
        .await;
    let body = get(&server, &format!("/r/{room}/calendar.ics")).await.body;
    assert!(!body.contains(&number) && !body.contains("password"));
    assert!(
        body.contains("CN=\"Ada\"") || body.contains("CN=Ada"),
        "{body}"
    );
}

#[tokio::test]
async fn a_calendar_counts_by_the_clocks_of_the_room() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let zoned = |zone: &str, begin: &str, end: &str| {
        json!({ "name": "Weekly", "begin_at": begin, "end_at": end, "recurrence": "FREQ=WEEKLY;BYDAY=MO",
            "time_zone": zone })
    };
    let evening = zoned(
        "America/New_York",
        "2026-03-03T00:30:00Z",
        "2026-03-03T01:30:00Z",
    );
    let room = ada.create(evening).await;
    let path = format!("/r/{room}/calendar.ics");
    let body = get(&server, &path).await.body;
    let calendar: Calendar = body.parse().unwrap();
    let [
        CalendarComponent::Other(zone),
        CalendarComponent::Event(event),
    ] = &calendar.components[..]
    else {
        panic!("{calendar:?}");
    };
    assert_eq!(zone.component_kind(), "VTIMEZONE");
    assert_eq!(zone.property_value("TZID"), Some("America/New_York"));
    for (key, expected) in [("DTSTART", "20260302T193000"), ("DTEND", "20260302T203000")] {
        let property = &event.properties()[key];
        assert_eq!(property.value(), expected);
        assert_eq!(property.params()["TZID"].value(), "America/New_York");
    }
    assert_eq!(event.property_value("RRULE"), Some("FREQ=WEEKLY;BYDAY=MO"));
    for once in [
        "BEGIN:VTIMEZONE\r\n",
        "BEGIN:DAYLIGHT\r\n",
        "BEGIN:STANDARD\r\n",
    ] {
        assert_eq!(body.matches(once).count(), 1, "{once} in {body}");
    }
    let lines: Vec<&str> = body.split("\r\n").collect();
    assert!(
        lines
            .iter()
            .all(|line| line.len() <= 75 && !line.contains('\n')),
        "{body}"
    );
    // What comes once, or is counted in UTC, needs no zone.
    let once = json!({ "identity": room, "recurrence": null });
    let universal =
        json!({ "identity": room, "recurrence": "FREQ=WEEKLY;BYDAY=TU", "time_zone": "UTC" });
    for edit in [once, universal] {
        ada.ok("room.edit", edit).await;
        let body = get(&server, &path).await.body;
        assert!(body.contains("DTSTART:20260303T003000Z\r\n"), "{body}");
        assert!(!body.contains("TZID"), "{body}");
    }
}

#[tokio::test]
async fn links_name_the_public_address_and_files_have_plain_names() {
    let server = Server::with(&[(Key::PublicUrl, "https://meet.example.org")]).await;
    let mut ada = server.account("ada").await;
    let room = ada.create(weekly("例会")).await;
    let answer = get(&server, &format!("/r/{room}/calendar.ics")).await;
    let calendar: Calendar = answer.body.parse().unwrap();
    let url = calendar.components[0].as_event().unwrap().get_url();
    assert_eq!(
        url,
        Some(format!("https://meet.example.org/r/{room}").as_str())
    );
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"meeting.ics\"")
    );
}

#[tokio::test]
async fn what_has_no_calendar_is_not_found() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let made = ada.ok("room.create", weekly("Numbered")).await;
    let (room, number) = (
        made["room"]["identity"].clone(),
        made["room"]["number"].clone(),
    );
    let timeless = ada.create(json!({ "name": "Any time" })).await;
    let unknown = "no-such-room-0123456789";
    for known in [number.as_str().unwrap(), &timeless, unknown, "%00"] {
        let answer = get(&server, &format!("/r/{known}/calendar.ics")).await;
        assert_eq!(answer.status, 404, "{known}");
    }
    let answer = get(&server, &format!("/r/{timeless}/calendar.ics")).await;
    assert!(answer.body.contains("no planned time"), "{}", answer.body);
    // A person who follows such a link gets the page with the reason.
    for (known, notice) in [(&*timeless, "noTime"), (unknown, "notFound")] {
        let path = format!("/r/{known}/calendar.ics");
        let shown = ask(&server, &path, "text/html,*/*;q=0.8").await;
        assert_eq!(shown.status, 404, "{known}");
        assert!(
            shown
                .body
                .contains(&format!("<html data-notice=\"{notice}\" ")),
            "{known}: {}",
            shown.body
        );
    }
    ada.ok("room.delete", json!({ "identity": room })).await;
    let path = format!("/r/{}/calendar.ics", room.as_str().unwrap());
    assert_eq!(get(&server, &path).await.status, 404);
    let page = get(&server, &format!("/r/{timeless}")).await;
    assert_eq!(page.status, 200, "the page itself is still there");
}
