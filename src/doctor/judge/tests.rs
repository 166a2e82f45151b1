//! Each thing that can be the matter has its sentence and its remedy, and a sound installation has none.

mod tls;

use super::judge;
use crate::doctor::seen::{
    Answer, Certificate, Clock, Database, Folder, Kernel, Media, Name, Port, Ports, Public,
    Refused, Rest, Seen, Settings, Socket, Via, Went,
};
use crate::doctor::{Level, Report};
use crate::protocol::check_report::{CheckReport, WayName};

/// A server behind a proxy with everything as it should be.
fn sound() -> Seen {
    let meeting = Answer {
        status: 200,
        version: Some("0.1.0".to_owned()),
        reasons: Vec::new(),
    };
    Seen {
        settings: Settings {
            has_public_url: true,
            trusts_proxy: true,
            ..Settings::default()
        },
        folder: Folder {
            path: "/var/lib/meeting".to_owned(),
            mode: Some(0o700),
            unwritable: None,
            free_bytes: Some(1 << 34),
            exposed: Vec::new(),
        },
        database: Database::Reached { missing: 0 },
        clock: Clock {
            folder_ahead_ms: Some(3),
            public_ahead_ms: Some(-900),
            ..Clock::default()
        },
        kernel: Kernel {
            receive_max: Some(8 << 20),
            send_max: Some(8 << 20),
            wanted: 4 << 20,
            files: Some(65_536),
            files_needed: 9_352,
        },
        ports: Ports {
            listen_name: "127.0.0.1:8080".to_owned(),
            listen: Port::Taken,
            media_number: 20_000,
            media: Port::Taken,
        },
        server: Some(meeting.clone()),
        tls: None,
        name: Some(Name {
            host: "meet.example.org".to_owned(),
            addresses: Ok(vec![[192, 0, 2, 1].into()]),
            ours: 1,
        }),
        public: Some(Public {
            url: "https://meet.example.org".to_owned(),
            unreachable: None,
            certificate: Some(Certificate {
                days_left: Some(60),
                refused: None,
                bytes: Vec::new(),
            }),
            health: Some(meeting),
            via: Some(Via {
                forwarded: true,
                trusted: true,
            }),
            socket: Some(Socket::Opened),
            rest: None,
        }),
        media: Media {
            not_asked: None,
            ways: vec![(WayName::Udp, Went::Answered)],
        },
        code: None,
        page: None,
    }
}

/// The one finding that is not as it should be.
fn the_one(change: impl FnOnce(&mut Seen)) -> (&'static str, Level, String) {
    let mut seen = sound();
    change(&mut seen);
    let mut found = judge(&seen);
    found.retain(|finding| finding.level != Level::Ok);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    let remedy = finding.remedy.unwrap();
    for text in [&finding.sentence, &remedy] {
        assert!(
            !text.is_empty() && !text.contains("  ") && !text.contains('\n'),
            "{text:?}"
        );
    }
    assert!(finding.sentence.ends_with('.'), "{}", finding.sentence);
    (finding.check, finding.level, finding.sentence)
}

#[test]
fn a_sound_installation_has_no_finding_but_good_ones() {
    let found = judge(&sound());
    assert!(
        found.iter().all(|finding| finding.level == Level::Ok),
        "{found:#?}"
    );
    assert!(found.iter().all(|finding| finding.remedy.is_none()));
    assert!(found.len() >= 12);
    assert!(Report::new(found, None).ok);
}

type Change = fn(&mut Seen);

fn public(seen: &mut Seen) -> &mut Public {
    seen.public.as_mut().unwrap()
}

#[test]
fn what_is_wrong_here_is_told_by_its_subject() {
    let table: &[(&str, Level, &str, Change)] = &[
        ("settings", Level::Note, "no --trusted-proxy", |seen| {
            seen.settings.trusts_proxy = false
        }),
        ("settings", Level::Wrong, "loopback", |seen| {
            seen.settings.media_is_local = true
        }),
        ("settings", Level::Note, "private", |seen| {
            seen.settings.media_is_private = true
        }),
        (
            "settings",
            Level::Wrong,
            "10.0.0.5 behind a slash",
            |seen| seen.settings.media_is_elsewhere = Some([10, 0, 0, 5].into()),
        ),
        (
            "settings",
            Level::Wrong,
            "another one after every start",
            |seen| seen.settings.media_port_is_random = true,
        ),
        ("settings", Level::Wrong, "--no-rate-limit", |seen| {
            seen.settings.is_unlimited = true
        }),
        ("settings", Level::Note, "without https", |seen| {
            seen.settings = Settings {
                is_open: true,
                ..Settings::default()
            };
        }),
        ("data", Level::Wrong, "Nothing can be written", |seen| {
            seen.folder.unwritable = Some("Permission denied".into())
        }),
        ("data", Level::Wrong, "Every user", |seen| {
            seen.folder.mode = Some(0o777)
        }),
        ("data", Level::Wrong, "secret", |seen| {
            seen.folder.exposed = vec!["/var/lib/meeting/secret".into()]
        }),
        ("data", Level::Wrong, "100 MiB left", |seen| {
            seen.folder.free_bytes = Some(100 << 20)
        }),
        ("database", Level::Note, "2 steps are", |seen| {
            seen.database = Database::Reached { missing: 2 }
        }),
        ("database", Level::Wrong, "cannot be used", |seen| {
            seen.database = Database::Failed("it is away".into())
        }),
        ("clock", Level::Wrong, "before the day", |seen| {
            seen.clock.is_in_the_past = true
        }),
        ("clock", Level::Wrong, "differ by 40 s", |seen| {
            seen.clock.folder_ahead_ms = Some(-40_000)
        }),
        ("clock", Level::Wrong, "at the public address", |seen| {
            seen.clock.public_ahead_ms = Some(31_000)
        }),
        ("buffers", Level::Note, "smaller buffers", |seen| {
            seen.kernel.receive_max = Some(212_992)
        }),
        ("files", Level::Note, "1024 files", |seen| {
            seen.kernel.files = Some(1_024)
        }),
        ("ports", Level::Note, "other settings", |seen| {
            seen.ports.media = Port::Free
        }),
        (
            "ports",
            Level::Wrong,
            "no address of this machine",
            |seen| seen.ports.listen = Port::NotHere,
        ),
        ("ports", Level::Wrong, "too many open files", |seen| {
            seen.ports.media = Port::Failed("too many open files".into())
        }),
        ("server", Level::Wrong, "The disk is full.", |seen| {
            seen.server.as_mut().unwrap().reasons = vec!["The disk is full.".into()];
        }),
        ("server", Level::Wrong, "no Meeting", |seen| {
            seen.server = Some(Answer {
                status: 404,
                ..Answer::default()
            })
        }),
    ];
    for (check, level, words, change) in table {
        let (told, how, sentence) = the_one(change);
        assert_eq!((told, how), (*check, *level), "{sentence}");
        assert!(sentence.contains(words), "{sentence}");
    }
}

#[test]
fn without_a_server_a_port_that_is_taken_is_another_programs() {
    let mut seen = sound();
    seen.server = None;
    let found = judge(&seen);
    let told = |words: &str| {
        found
            .iter()
            .filter(|finding| finding.sentence.contains(words))
            .count()
    };
    assert_eq!(
        (told("taken by another program"), told("No server answers")),
        (2, 1),
        "{found:#?}"
    );
    (seen.ports.listen, seen.ports.media) = (Port::Free, Port::Any);
    assert!(
        judge(&seen)
            .iter()
            .any(|finding| finding.sentence == "TCP 127.0.0.1:8080 is free.")
    );
}

#[test]
fn what_is_wrong_on_the_way_is_told_by_its_place() {
    let table: &[(&str, Level, &str, Change)] = &[
        ("name", Level::Wrong, "is not found", |seen| {
            seen.name.as_mut().unwrap().addresses = Err("no such name".into())
        }),
        ("name", Level::Wrong, "has no address", |seen| {
            seen.name.as_mut().unwrap().addresses = Ok(Vec::new())
        }),
        (
            "name",
            Level::Note,
            "leads to 192.0.2.1, and none",
            |seen| seen.name.as_mut().unwrap().ours = 0,
        ),
        ("name", Level::Note, "of which 1 is not", |seen| {
            seen.name.as_mut().unwrap().addresses =
                Ok(vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()]);
        }),
        ("public", Level::Wrong, "cannot be reached", |seen| {
            public(seen).unreachable = Some("connection refused".into())
        }),
        ("public", Level::Wrong, "status 502", |seen| {
            public(seen).health = Some(Answer {
                status: 502,
                ..Answer::default()
            })
        }),
        ("proxy", Level::Wrong, "is not believed", |seen| {
            public(seen).via = Some(Via {
                forwarded: true,
                trusted: false,
            })
        }),
        ("proxy", Level::Wrong, "X-Forwarded-For", |seen| {
            public(seen).via = Some(Via {
                forwarded: false,
                trusted: true,
            })
        }),
        (
            "websocket",
            Level::Wrong,
            "takes the upgrade away",
            |seen| public(seen).socket = Some(Socket::Refused(426)),
        ),
        ("websocket", Level::Wrong, "another site", |seen| {
            public(seen).socket = Some(Socket::Refused(403))
        }),
        ("websocket", Level::Wrong, "status 504", |seen| {
            public(seen).socket = Some(Socket::Refused(504))
        }),
        ("websocket", Level::Wrong, "holds it back", |seen| {
            public(seen).socket = Some(Socket::Silent)
        }),
        ("websocket", Level::Wrong, "no answer", |seen| {
            public(seen).socket = Some(Socket::Failed)
        }),
        ("rest", Level::Wrong, "cut after 60 s", |seen| {
            public(seen).rest = Some(Rest::Cut(60))
        }),
        ("media", Level::Note, "were not tried", |seen| {
            seen.media.not_asked = Some("the server takes no guests".into())
        }),
        (
            "media",
            Level::Wrong,
            "offers UDP and does not answer",
            |seen| seen.media.ways = vec![(WayName::Udp, Went::Silent)],
        ),
        ("media", Level::Wrong, "error 486", |seen| {
            seen.media.ways = vec![(WayName::TurnTls, Went::Refused("error 486".into()))]
        }),
    ];
    for (check, level, words, change) in table {
        let (told, how, sentence) = the_one(change);
        assert_eq!((told, how), (*check, *level), "{sentence}");
        assert!(sentence.contains(words), "{sentence}");
    }
}

#[test]
fn a_certificate_is_judged_by_what_browsers_would_say() {
    let table = [
        (Some(-2), Some(Refused::Time), "is over", Level::Wrong),
        (Some(9), Some(Refused::Time), "machine's time", Level::Wrong),
        (Some(9), Some(Refused::Name), "another name", Level::Wrong),
        (Some(9), Some(Refused::Issuer), "who signed", Level::Wrong),
        (None, Some(Refused::Other), "refuse", Level::Wrong),
        (Some(1), None, "1 day more", Level::Note),
    ];
    for (days_left, refused, words, expected) in table {
        let (check, level, sentence) = the_one(|seen| {
            public(seen).certificate = Some(Certificate {
                days_left,
                refused,
                bytes: Vec::new(),
            });
        });
        assert_eq!((check, level), ("certificate", expected), "{sentence}");
        assert!(sentence.contains(words), "{sentence}");
    }
}

#[test]
fn the_pages_half_joins_by_its_code() {
    let (check, level, sentence) = the_one(|seen| seen.code = Some("ABCD-EFGH".into()));
    assert_eq!((check, level), ("page", Level::Wrong));
    assert!(sentence.contains("ABCD-EFGH"), "{sentence}");
    let page = |verdict: &str, ways: &[(&str, &str)]| -> CheckReport {
        let ways: Vec<_> = ways
            .iter()
            .map(|(way, result)| serde_json::json!({ "way": way, "result": result }))
            .collect();
        let report = serde_json::json!({ "place": "check", "verdict": verdict, "ways": ways });
        serde_json::from_value(report).unwrap()
    };
    let told = |report: CheckReport| {
        let mut seen = sound();
        seen.code = Some("ABCD-EFGH".into());
        seen.page = Some(report);
        let found = judge(&seen);
        let ok = Report::new(found.clone(), None).ok;
        let page = found.into_iter().filter(|finding| finding.check == "page");
        (
            ok,
            page.map(|finding| finding.sentence)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let (ok, text) = told(page("good", &[("udp", "ok"), ("tcp", "failed")]));
    assert!(
        ok && text.contains("open: UDP; and these are not: TCP"),
        "{text}"
    );
    let (ok, text) = told(page(
        "blocked",
        &[
            ("udp", "failed"),
            ("turn_tls", "failed"),
            ("tcp", "not_offered"),
        ],
    ));
    assert!(
        !ok && text.contains("none of these ways is open: UDP, TURN over TLS"),
        "{text}"
    );
    for verdict in ["weak", "sound", "guests", "unfinished"] {
        assert!(told(page(verdict, &[("udp", "ok")])).0, "{verdict}");
    }
    for verdict in ["silent", "unreachable"] {
        assert!(!told(page(verdict, &[("udp", "ok")])).0, "{verdict}");
    }
}
