//! TLS that the server speaks itself.

use super::{sound, the_one};
use crate::doctor::Level;
use crate::doctor::judge::judge;
use crate::doctor::seen::{
    Certificate, Leads, Pair, Port, Redirect, Refused, Seen, Source, Stored, Tls,
};

/// A sound installation that needs no proxy.
fn domain(seen: &mut Seen) {
    seen.settings.speaks_tls = true;
    seen.settings.trusts_proxy = false;
    seen.public.as_mut().unwrap().via = None;
    seen.ports.listen = Port::Privileged;
    seen.tls = Some(Tls {
        source: Source::Authority,
        stored: Stored::Pair(Pair {
            days_left: 60,
            ..Pair::default()
        }),
        key: "/var/lib/meeting/tls/acme-certificate.pem".to_owned(),
        key_mode: Some(0o600),
        is_shown: Some(true),
        redirect: Some(Redirect {
            port: 80,
            how: Port::Privileged,
            leads: Leads::Here,
        }),
    });
}

fn tls(seen: &mut Seen) -> &mut Tls {
    seen.tls.as_mut().unwrap()
}

fn pair(seen: &mut Seen) -> &mut Pair {
    match &mut tls(seen).stored {
        Stored::Pair(pair) => pair,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_domain_with_its_certificate_is_sound_without_a_proxy() {
    let mut seen = sound();
    domain(&mut seen);
    let found = judge(&seen);
    assert!(
        found.iter().all(|finding| finding.level == Level::Ok),
        "{found:#?}"
    );
    for words in ["holds for 60 days", "leads from http to https"] {
        let is_told = found.iter().any(|found| found.sentence.contains(words));
        assert!(is_told, "{words}: {found:#?}");
    }
}

type Change = fn(&mut Seen);

#[test]
fn what_is_wrong_with_tls_is_told() {
    let table: &[(&str, Level, &str, Change)] = &[
        ("tls", Level::Wrong, "has come from the authority", |seen| {
            tls(seen).stored = Stored::Missing
        }),
        ("tls", Level::Note, "may not read", |seen| {
            tls(seen).stored = Stored::Forbidden("key: Permission denied".into())
        }),
        ("tls", Level::Wrong, "is not the certificate's", |seen| {
            tls(seen).stored = Stored::Unusable("the private key is not the certificate's".into());
        }),
        ("tls", Level::Wrong, "is over", |seen| {
            pair(seen).days_left = -1
        }),
        ("tls", Level::Wrong, "has not begun", |seen| {
            pair(seen).is_early = true
        }),
        ("tls", Level::Wrong, "not for meet.example.org", |seen| {
            pair(seen).lacks = Some("meet.example.org".into())
        }),
        ("tls", Level::Note, "1 day more", |seen| {
            let pair = pair(seen);
            (pair.days_left, pair.is_late) = (1, true);
        }),
        ("tls", Level::Note, "signed itself", |seen| {
            tls(seen).source = Source::Own;
            pair(seen).is_self_signed = true;
        }),
        ("tls", Level::Wrong, "mode 0660", |seen| {
            tls(seen).key_mode = Some(0o660)
        }),
        ("tls", Level::Wrong, "mode 0644", |seen| {
            tls(seen).source = Source::Files;
            tls(seen).key_mode = Some(0o644);
        }),
        ("tls", Level::Note, "shows another certificate", |seen| {
            tls(seen).is_shown = Some(false)
        }),
        ("name", Level::Note, "listens on IPv4 alone", |seen| {
            seen.settings.is_ipv4_alone = true;
            let name = seen.name.as_mut().unwrap();
            let ipv6 = std::net::Ipv6Addr::LOCALHOST.into();
            name.addresses = Ok(vec![[192, 0, 2, 1].into(), ipv6]);
            name.ours = 2;
        }),
        ("redirect", Level::Note, "with status 404", |seen| {
            tls(seen).redirect.as_mut().unwrap().leads = Leads::Elsewhere(404)
        }),
        ("redirect", Level::Note, "Nothing answers", |seen| {
            tls(seen).redirect.as_mut().unwrap().leads = Leads::Nowhere
        }),
    ];
    for (check, level, words, change) in table {
        let (told, how, sentence) = the_one(|seen| {
            domain(seen);
            change(seen);
        });
        assert_eq!((told, how), (*check, *level), "{sentence}");
        assert!(sentence.contains(words), "{sentence}");
    }
}

#[test]
fn a_group_may_read_a_key_that_somebody_else_writes() {
    let mut seen = sound();
    domain(&mut seen);
    tls(&mut seen).source = Source::Files;
    tls(&mut seen).key_mode = Some(0o640);
    assert!(judge(&seen).iter().all(|found| found.level == Level::Ok));
}

#[test]
fn a_certificate_that_signs_itself_is_told_once() {
    let (check, level, sentence) = the_one(|seen| {
        domain(seen);
        tls(seen).source = Source::Own;
        pair(seen).is_self_signed = true;
        seen.public.as_mut().unwrap().certificate = Some(Certificate {
            refused: Some(Refused::Issuer),
            ..Certificate::default()
        });
    });
    assert_eq!((check, level), ("tls", Level::Note), "{sentence}");
}

#[test]
fn before_the_first_start_a_missing_certificate_is_wrong_only_in_files() {
    for (source, level) in [
        (Source::Authority, Level::Ok),
        (Source::Own, Level::Ok),
        (Source::Files, Level::Wrong),
    ] {
        let mut seen = sound();
        domain(&mut seen);
        seen.server = None;
        tls(&mut seen).source = source;
        tls(&mut seen).stored = Stored::Missing;
        let found = judge(&seen);
        let found = found.iter().find(|found| found.check == "tls").unwrap();
        assert_eq!(found.level, level, "{source:?}: {}", found.sentence);
    }
}
