//! `meeting bench media` from its command line to its figures, with a server of its own.

use serde_json::Value;

use crate::launch::{meeting, refusal};

#[test]
fn a_small_load_is_measured_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let line = "bench media --scenario fan-out --subscribers 3 --rate 60 --burst 3 --duration 1 --sample 1 --json";
    let output = meeting(line.split(' '))
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();

    let number = |path: &str| report.pointer(path).and_then(Value::as_u64);
    let sent = number("/packets/sent").unwrap();
    assert!(sent > 0 && sent % 3 == 0, "whole pictures: {report}");
    for came in [
        "/packets/expected",
        "/packets/forwarded",
        "/latency/samples",
    ] {
        assert_eq!(number(came), Some(3 * sent), "{came}: {report}");
    }
    for not in [
        "/packets/lost",
        "/packets/missing",
        "/packets/refused",
        "/join/failed",
    ] {
        assert_eq!(number(not), Some(0), "{not}: {report}");
    }
    assert_eq!(report["scenario"], "fan-out");
    assert_eq!(number("/settings/people"), Some(4));
    assert_eq!(number("/join/joined"), Some(4));
    assert!(number("/latency/p50_us") <= number("/latency/p99_us"));
    assert!(number("/memory/before_kib") > Some(0));
    for positive in [
        "/cpu/per_packet_us",
        "/cpu/media_per_packet_us",
        "/join/p50_ms",
        "/join/cpu_ms",
        "/load/cores",
    ] {
        let figure = report.pointer(positive).and_then(Value::as_f64);
        assert!(figure > Some(0.0), "{positive}: {report}");
    }
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        0,
        "its server's data are gone"
    );
}

#[test]
fn another_machine_is_not_loaded_without_consent() {
    let output = meeting(["bench", "media", "--target", "http://192.0.2.1:8080"]).output();
    let expected = "error: 192.0.2.1:8080 is not this machine: who loads it needs its owner's consent, and says so with \
                    --i-may-load-it.";
    assert_eq!(refusal(output.unwrap()), (Some(2), expected.to_owned()));
}

#[test]
fn a_load_beyond_its_bounds_is_refused() {
    let output = meeting("bench media --subscribers 2000".split(' ')).output();
    let expected = "error: 2001 people are more than the 1000 of one run.";
    assert_eq!(refusal(output.unwrap()), (Some(2), expected.to_owned()));
}

#[test]
fn a_small_load_of_messages_is_measured_and_loses_nothing() {
    for (line, people) in [
        ("--scenario relay --people 4 --rate 50", 4),
        ("--scenario fan-out --people 4 --room 4 --rate 50", 4),
        ("--scenario storm --people 4 --room 4", 4),
        ("--scenario sockets --people 3", 3),
        ("--scenario stopped --people 3 --room 3 --rate 50", 3),
    ] {
        let line = format!("bench signal {line} --duration 1 --json");
        let output = meeting(line.split(' ')).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let number = |path: &str| report.pointer(path).and_then(Value::as_u64);
        assert_eq!(number("/join/joined"), Some(people), "{report}");
        for not in ["/join/failed", "/messages/refused", "/closed"] {
            assert_eq!(number(not), Some(0), "{not}: {report}");
        }
        assert!(number("/memory/before_kib") > Some(0), "{report}");
        if report["traffic"] != "sockets" && report["traffic"] != "storm" {
            let delivered = number("/messages/delivered");
            assert!(delivered > Some(0), "{report}");
            assert!(number("/latency/p50_us") <= number("/latency/p99_us"));
            let each = report
                .pointer("/cpu/per_delivery_us")
                .and_then(Value::as_f64);
            assert!(each > Some(0.0), "{report}");
        }
        if report["traffic"] == "storm" {
            assert!(number("/others/quiet/samples") > Some(100), "{report}");
        }
    }
}

#[test]
fn more_messages_than_there_may_be_are_refused() {
    let output = meeting("bench signal --people 20001".split(' ')).output();
    let expected =
        "error: 20001 people are not at least one room's 2 and at most the 20000 of one run.";
    assert_eq!(refusal(output.unwrap()), (Some(2), expected.to_owned()));
}
