//! What is answered to plain requests: the page, health and avatars.

use std::io::Read as _;

use meeting::config::BasePath;
use meeting::http::{Access, Connections, SocketLimits};

use super::Server;

#[tokio::test]
async fn the_page_is_served_for_the_start_and_every_room() {
    let server = Server::plain().await;
    let start = server.get("/").await;
    assert_eq!(
        (start.status, start.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(
        start.text().starts_with("<!doctype html>") || start.text().starts_with("<!DOCTYPE html>")
    );
    for path in ["/r/k3v9", "/r/k3v9/", "/r/123456789", "/index.html"] {
        assert_eq!(server.get(path).await.body, start.body, "{path}");
    }
    let head = server.ask("HEAD /", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    let server = Server::plain().await;
    let first = server.get("/").await;
    assert_eq!(first.header("cache-control"), "no-cache");
    let known = format!("If-None-Match: {}", first.header("etag"));
    let again = server.ask("GET /", &[&known]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = server.ask("GET /", &["If-None-Match: \"other\""]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_compressed_page_is_the_same_page() {
    let server = Server::plain().await;
    let plain = server.get("/").await;
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        ("", "accept-encoding")
    );
    let packed = server.ask("GET /", &["Accept-Encoding: gzip"]).await;
    assert_eq!(packed.header("etag"), plain.header("etag"));
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn what_the_page_names_by_its_content_is_kept_and_plain_names_are_asked_for() {
    let server = Server::plain().await;
    let start = server.get("/").await;
    let text = start.text();
    let (_, rest) = text.split_once("<script type=\"module\" src=\"").unwrap();
    let (first, _) = rest.split_once('"').unwrap();
    let kept = server.get(first).await;
    assert_eq!(
        (kept.status, kept.header("cache-control")),
        (200, "public, max-age=31536000, immutable")
    );
    assert_eq!(
        kept.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    for plain in [
        "/js/app.js",
        "/js/client/index.js",
        "/js/first.000000000000.js",
    ] {
        let asked = server.get(plain).await;
        assert_eq!(
            (asked.status, asked.header("cache-control")),
            (200, "no-cache"),
            "{plain}"
        );
    }
    // The map in its head runs by its hash alone, also when the browser has the page already.
    let policy = start.header("content-security-policy");
    assert!(policy.contains("script-src 'self' 'sha256-"), "{policy}");
    let known = format!("If-None-Match: {}", start.header("etag"));
    let again = server.ask("GET /", &[&known]).await;
    assert_eq!(
        (again.status, again.header("content-security-policy")),
        (304, policy)
    );
}

#[tokio::test]
async fn there_is_nothing_beside_the_page() {
    let server = Server::plain().await;
    for path in [
        "/nothing",
        "/../Cargo.toml",
        "/js/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/js/",
        "//etc/passwd",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "text/plain; charset=utf-8",
            "{path}"
        );
    }
    assert_eq!(
        server.ask("POST /", &["Content-Length: 0"]).await.status,
        405
    );
    let deleted = server.ask("DELETE /index.html", &[]).await;
    assert_eq!(deleted.status, 405);
    assert_eq!(server.ask("DELETE /nothing", &[]).await.status, 404);
}

#[tokio::test]
async fn people_who_go_astray_get_the_page_and_programs_a_sentence() {
    let server = Server::plain().await;
    let page = server.get("/").await;
    let browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in [
        "/nothing",
        "/room/x",
        "/r",
        "/r/a/b",
        "/r/a.b",
        "/r/%ff",
        "/js/gone.js",
        "/docs/gone",
        "/%ff",
    ] {
        let astray = server.ask(&format!("GET {path}"), &[browser]).await;
        assert_eq!((astray.status, &astray.body), (404, &page.body), "{path}");
        assert_eq!(astray.header("content-type"), "text/html; charset=utf-8");
        let program = server.ask(&format!("GET {path}"), &["Accept: */*"]).await;
        assert_eq!(program.status, 404, "{path}");
        assert_eq!(program.text(), "There is nothing at this address.\n");
    }
    let known = format!("If-None-Match: {}", page.header("etag"));
    let again = server.ask("GET /nothing", &[browser, &known]).await;
    assert_eq!(again.status, 404, "what is not there is never unchanged");
    let posted = server
        .ask("POST /nothing", &[browser, "Content-Length: 0"])
        .await;
    assert_eq!(
        (posted.status, posted.text()),
        (404, "There is nothing at this address.\n")
    );
    let icon = server.get("/favicon.ico").await;
    assert_eq!(
        (icon.status, icon.header("content-type")),
        (200, "image/x-icon")
    );
}

#[tokio::test]
async fn a_link_that_is_refused_shows_the_page_with_a_notice() {
    let below = BasePath::parse("/meet").unwrap();
    let server = Server::with(
        Access::default(),
        SocketLimits::default(),
        below,
        Connections::default(),
    )
    .await;
    let browser = "Accept: text/html,*/*;q=0.8";
    let path = "/meet/r/k3v9/calendar.ics";
    let shown = server.ask(&format!("GET {path}"), &[browser]).await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (503, "text/html; charset=utf-8")
    );
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("vary"), "accept, accept-encoding");
    let html = shown.text();
    for part in [
        "<html data-notice=\"busy\" lang=",
        "href=\"/meet/icons/favicon.",
        "src=\"/meet/js/first.",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let policy = shown.header("content-security-policy");
    let start = server.get("/meet/").await;
    assert_eq!(policy, start.header("content-security-policy"));
    let astray = server.ask("GET /meet/nothing", &[browser]).await;
    assert_eq!((astray.status, astray.text()), (404, start.text()));
    let wrong = server.ask("GET /meet/check/report", &[browser]).await;
    assert_eq!((wrong.status, wrong.text()), (405, start.text()));
    assert!(!wrong.header("allow").is_empty());
    // Programs get a sentence, and what is no sentence stays as it is.
    let program = server.ask(&format!("GET {path}"), &["Accept: */*"]).await;
    assert_eq!(
        (program.status, program.text()),
        (503, "The server is busy; try again shortly.\n")
    );
    let health = server.ask("GET /meet/healthz", &[browser]).await;
    assert_eq!(
        (health.status, health.header("content-type")),
        (503, "application/json")
    );
}

#[tokio::test]
async fn health_and_ping_answer_at_once_and_are_not_stored() {
    let server = Server::plain().await;
    let ping = server.get("/ping").await;
    assert_eq!((ping.status, ping.text()), (200, "{\"message\":\"pong\"}"));
    let health = server.get("/healthz").await;
    let read: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
    let expected = serde_json::json!({
        "status": "degraded",
        "version": env!("CARGO_PKG_VERSION"),
        "rooms": 2,
        "participants": 7,
        "seats": 40,
        "steps_down": 0,
        "database": "unavailable",
        "media": "ok",
        "reasons": ["The database does not answer."],
    });
    assert_eq!((health.status, read), (503, expected));
    for answer in [ping, health] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn avatars_show_initials_and_nothing_else() {
    let server = Server::plain().await;
    let sound = server.get("/avatars/u1.svg?n=AL").await;
    assert_eq!(
        (sound.status, sound.header("content-type")),
        (200, "image/svg+xml")
    );
    assert!(
        sound
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert!(sound.header("cache-control").contains("max-age"));
    assert!(sound.text().contains(">AL</text>"));
    let hostile = [
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "%22%3E%3C",
        "%26lt%3B",
        "%00%01",
        "%ED%A0%80",
        "%E9%99%88",
        "",
    ];
    for initials in hostile {
        let answer = server.get(&format!("/avatars/u1.svg?n={initials}")).await;
        assert!(
            [200, 400].contains(&answer.status),
            "{initials}: {}",
            answer.status
        );
        assert!(
            !answer.text().contains("<s>") && !answer.text().contains("<script"),
            "{initials}"
        );
        assert_eq!(
            answer.text().matches('<').count(),
            if answer.status == 200 { 5 } else { 0 }
        );
    }
    for path in [
        "/avatars/u1",
        "/avatars/.svg",
        "/avatars/a%20b.svg",
        "/avatars/a/b.svg",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}
