//! What settings mean, told as tests.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::settings::*;
use super::value::*;
use super::*;

mod secrets;

fn flags(given: &[(Key, &[&str])]) -> Given {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    given
        .iter()
        .map(|(key, values)| (*key, owned(values)))
        .collect()
}

fn load(given: &[(Key, &[&str])], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(*value))
    };
    Config::load(flags(given), environment)
}

fn refusal(given: &[(Key, &[&str])], variables: &[(&str, &str)]) -> String {
    load(given, variables).unwrap_err().to_string()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn load_file(text: &str) -> Result<Config, String> {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    load(&[(Key::Config, &[path])], &[]).map_err(|error| error.to_string().replace(path, "FILE"))
}

#[test]
fn without_any_setting_the_defaults_hold() {
    let config = load(&[], &[]).unwrap();
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.storage.data_dir, Path::new("./data"));
    assert_eq!(
        config.storage.database_url.reveal(),
        "sqlite://./data/meeting.sqlite?mode=rwc"
    );
    assert_eq!(config.auth.secret_file, Path::new("./data/secret"));
    assert_eq!(config.auth.guests, Guests::Admitted);
    assert_eq!(config.auth.registration, Registration::Open);
    assert_eq!(config.legacy_api, LegacyApi::Off);
    assert_eq!(config.rate_limits, RateLimits::On);
    assert_eq!(config.media.port, 0);
    let first = &config.media.addresses[0];
    assert_eq!(*first, MediaAddress::Ip(Ipv4Addr::LOCALHOST.into()));
    assert_eq!(config.listen.max_sockets.get(), 5_000);
    assert_eq!(config.resume, std::time::Duration::from_secs(30));
    assert_eq!(config.log.as_str(), "info");
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let file = file("listen = '127.0.0.1:1'\nlog = 'warn'\nguests = false");
    let path = file.path().to_str().unwrap();
    let variables = [
        ("MEETING_CONFIG", path),
        ("MEETING_LISTEN", "127.0.0.1:2"),
        ("MEETING_LOG", "debug"),
    ];
    let config = load(&[(Key::Listen, &["127.0.0.1:3"])], &variables).unwrap();
    assert_eq!(config.listen.address.port(), 3);
    assert_eq!(config.log.as_str(), "debug");
    assert_eq!(config.auth.guests, Guests::Refused);
}

#[test]
fn lists_are_comma_separated_in_variables_and_arrays_in_the_file() {
    let variables = [("MEETING_MEDIA_IP", "192.0.2.1, ::ffff:192.0.2.2,")];
    let expected: Vec<MediaAddress> = ["192.0.2.1", "192.0.2.2"]
        .map(|raw| MediaAddress::Ip(raw.parse().unwrap()))
        .into();
    assert_eq!(load(&[], &variables).unwrap().media.addresses, expected);
    let config = load_file("media-ip = ['192.0.2.1', '192.0.2.2']").unwrap();
    assert_eq!(config.media.addresses, expected);
    assert_eq!(
        load_file("media_ip = '192.0.2.1'").unwrap().media.addresses,
        expected[..1]
    );
}

#[test]
fn pairs_of_addresses_are_given_wherever_addresses_are_and_shown_as_they_were() {
    let both = ["203.0.113.7/10.0.0.5", "10.0.0.5"];
    let by_flags = load(&[(Key::MediaIp, &both)], &[]).unwrap();
    let by_variable = load(&[], &[("MEETING_MEDIA_IP", &both.join(","))]).unwrap();
    let by_file = load_file("media-ip = ['203.0.113.7/10.0.0.5', '10.0.0.5']").unwrap();
    for config in [by_flags, by_variable, by_file] {
        let shown = config.media.addresses.iter().map(ToString::to_string);
        assert_eq!(shown.collect::<Vec<_>>(), both);
        let text = config.to_string();
        assert!(
            text.contains(r#"["203.0.113.7/10.0.0.5", "10.0.0.5"]"#),
            "{text}"
        );
    }
    let twice = [(
        "MEETING_MEDIA_IP",
        "203.0.113.7/10.0.0.5,203.0.113.7/10.0.0.5",
    )];
    assert_eq!(
        load(&[], &twice).unwrap_err().to_string(),
        "MEETING_MEDIA_IP: '203.0.113.7/10.0.0.5' is given twice."
    );
}

#[test]
fn an_empty_variable_is_none() {
    let config = load(&[], &[("MEETING_PUBLIC_URL", ""), ("MEETING_LISTEN", " ")]).unwrap();
    assert_eq!(config.listen.public_url, None);
}

#[test]
fn a_wrong_value_is_refused_in_one_sentence_that_names_its_flag() {
    let table: &[(Key, &str, &str)] = &[
        (
            Key::Listen,
            "8080",
            "--listen: '8080' is not an IP address with a port, such as 127.0.0.1:8080 or [::]:8080.",
        ),
        (
            Key::Listen,
            "localhost:x",
            "--listen: 'localhost:x' is not an IP address with a port, such as 127.0.0.1:8080 or [::]:8080.",
        ),
        (Key::DataDir, "", "--data-dir: is not a path."),
        (
            Key::DatabaseUrl,
            "oracle://u:secret@h/d",
            "--database-url: databases of the kind 'oracle' are not supported, only sqlite, mysql and postgres.",
        ),
        (
            Key::DatabaseUrl,
            "mysql://u:secret@h",
            "--database-url: names no database, as mysql://user:password@host/meeting would.",
        ),
        (
            Key::DatabaseUrl,
            "meeting",
            "--database-url: is not a database URL, such as sqlite:meeting.sqlite.",
        ),
        (
            Key::DatabaseUrl,
            "sqlite:",
            "--database-url: names no file, as sqlite:meeting.sqlite would.",
        ),
        (
            Key::PublicUrl,
            "meet.example",
            "--public-url: 'meet.example' is not an address, such as https://meet.example.org or https://example.org/meet.",
        ),
        (
            Key::PublicUrl,
            "https://example.org/me et/",
            "--public-url: 'https://example.org/me et/' has a path that is not made of letters, digits, '-', '_' and '.'.",
        ),
        (
            Key::PublicUrl,
            "https://example.org/r/x",
            "--public-url: 'https://example.org/r/x' has a path that begins with /r, as addresses of the server itself do.",
        ),
        (
            Key::AllowOrigin,
            "*",
            "--allow-origin: '*' is not an origin, such as https://meet.example.org.",
        ),
        (
            Key::TrustedProxy,
            "proxy",
            "--trusted-proxy: 'proxy' is neither an IP address nor a network, such as 172.18.0.0/16.",
        ),
        (
            Key::TrustedProxy,
            "0.0.0.0/0",
            "--trusted-proxy: '0.0.0.0/0' is everybody: anyone could pose as any address.",
        ),
        (
            Key::MaxSockets,
            "0",
            "--max-sockets: '0' is not a number of sockets from 1 to 500000.",
        ),
        (
            Key::ResumeMs,
            "30s",
            "--resume-ms: '30s' is not a number of milliseconds from 0 to 600000.",
        ),
        (
            Key::ResumeMs,
            "600001",
            "--resume-ms: '600001' is not a number of milliseconds from 0 to 600000.",
        ),
        (
            Key::MediaIp,
            "meet.example.org:3478",
            "--media-ip: 'meet.example.org:3478' is neither an IP address nor a host's name.",
        ),
        (
            Key::MediaIp,
            "192.0.2.300",
            "--media-ip: '192.0.2.300' is neither an IP address nor a host's name.",
        ),
        (
            Key::MediaIp,
            "0.0.0.0",
            "--media-ip: '0.0.0.0' is not an address that browsers can send to.",
        ),
        (
            Key::MediaPort,
            "65536",
            "--media-port: '65536' is not a port number from 0 to 65535.",
        ),
        (
            Key::MediaTcpPort,
            "0",
            "--media-tcp-port: '0' is neither a port number from 1 to 65535 nor off.",
        ),
        (
            Key::MediaThreads,
            "0",
            "--media-threads: '0' is not a number of threads from 1 to 64.",
        ),
        (
            Key::MediaThreads,
            "65",
            "--media-threads: '65' is not a number of threads from 1 to 64.",
        ),
        (
            Key::Guests,
            "maybe",
            "--guests: 'maybe' is neither on nor off.",
        ),
        (
            Key::Registration,
            "ajar",
            "--registration: 'ajar' is neither open nor closed.",
        ),
        (
            Key::NoRateLimit,
            "2",
            "--no-rate-limit: '2' is neither on nor off.",
        ),
        (
            Key::Log,
            "inof",
            "--log: 'inof' is not a log filter, such as info or info,meeting::sessions=debug.",
        ),
    ];
    for (key, value, expected) in table {
        assert_eq!(refusal(&[(*key, &[value])], &[]), *expected);
    }
    assert_eq!(
        refusal(&[], &[("MEETING_MEDIA_PORT", "x")]),
        "MEETING_MEDIA_PORT: 'x' is not a port number from 0 to 65535."
    );
}

#[test]
fn a_wrong_file_is_refused_in_one_sentence_that_names_it() {
    let table = [
        (
            "lissten = 'x'",
            "lissten in FILE: is not a key that this server knows.",
        ),
        (
            "config = 'x'",
            "config in FILE: is not a key that this server knows.",
        ),
        (
            "[server]\nlisten = 'x'",
            "server in FILE: is not a key that this server knows.",
        ),
        (
            "media-port = -1",
            "media-port in FILE: '-1' is not a port number from 0 to 65535.",
        ),
        (
            "media-port = 1.5",
            "media-port in FILE: is not a string, an integer or a boolean.",
        ),
        (
            "listen = ['a', 'b']",
            "listen in FILE: is not a string, an integer or a boolean.",
        ),
        (
            "data-dir = 'a'\ndata_dir = 'b'",
            "data_dir in FILE: is given twice, in two spellings.",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(load_file(text).unwrap_err(), expected);
    }
    let broken = load_file("log = 'info'\nlisten = ").unwrap_err();
    assert!(
        broken.starts_with("FILE: is not TOML in line 2: "),
        "{broken}"
    );
    let absent = refusal(&[(Key::Config, &["/nowhere/meeting.toml"])], &[]);
    assert!(
        absent.starts_with("--config: /nowhere/meeting.toml cannot be read: "),
        "{absent}"
    );
}

#[test]
fn switches_take_every_common_word() {
    for (word, expected) in [
        ("on", true),
        ("TRUE", true),
        ("yes", true),
        ("1", true),
        ("off", false),
        ("no", false),
    ] {
        assert_eq!(parse_switch(word), Ok(expected), "{word}");
        assert_eq!(parse_registration(word), Ok(expected), "{word}");
    }
    assert_eq!(parse_registration("open"), Ok(true));
    assert_eq!(parse_registration("Closed"), Ok(false));
}

#[test]
fn an_origin_is_its_scheme_host_and_port() {
    let table = [
        ("https://Meet.Example", Some("https://meet.example")),
        ("https://meet.example:443/", Some("https://meet.example")),
        ("http://meet.example:443", Some("http://meet.example:443")),
        ("http://[::1]:8080", Some("http://[::1]:8080")),
        ("https://meet.example/path", None),
        ("https://user@meet.example", None),
        ("https://meet.example?x", None),
        ("https://", None),
        ("https://:80", None),
        ("https://meet.example:", None),
        ("https://meet.example:+80", None),
        ("https://meet.example:65536", None),
        ("https://[::1", None),
        ("https://[x]", None),
        ("ftp://meet.example", None),
        ("null", None),
    ];
    for (raw, expected) in table {
        let parsed = Origin::parse(raw).ok().map(|origin| origin.to_string());
        assert_eq!(parsed.as_deref(), expected, "{raw}");
    }
}

#[test]
fn an_origin_knows_its_host_header() {
    let table = [
        ("https://meet.example", "meet.example", true),
        ("https://meet.example", "MEET.example:443", true),
        ("http://meet.example:8080", "meet.example:8080", true),
        ("http://meet.example:8080", "meet.example", false),
        ("http://meet.example", "meet.example:443", false),
        ("https://meet.example", "evil.example", false),
        ("https://meet.example", "", false),
        ("http://[::1]:8080", "[::1]:8080", true),
    ];
    for (origin, host, expected) in table {
        assert_eq!(
            Origin::parse(origin).unwrap().is_host(host),
            expected,
            "{origin} {host}"
        );
    }
}

#[test]
fn media_goes_to_the_address_that_is_listened_on() {
    let own: [IpAddr; 2] = ["192.0.2.9", "2001:db8::9"].map(|raw| raw.parse().unwrap());
    let table: [(&str, &[&str]); 5] = [
        ("198.51.100.1", &["198.51.100.1"]),
        ("127.0.0.1", &["127.0.0.1", "192.0.2.9", "2001:db8::9"]),
        ("::1", &["::1", "192.0.2.9", "2001:db8::9"]),
        ("0.0.0.0", &["192.0.2.9"]),
        ("::", &["192.0.2.9", "2001:db8::9"]),
    ];
    for (listen, expected) in table {
        let found = default_media_addresses(listen.parse().unwrap(), &own);
        let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
        assert_eq!(found, expected, "{listen}");
    }
    let alone = default_media_addresses(Ipv4Addr::UNSPECIFIED.into(), &[]);
    assert_eq!(alone, [IpAddr::from(Ipv4Addr::LOCALHOST)]);
}

#[test]
fn the_interfaces_are_followed_unless_one_address_is_given_or_listened_on() {
    type Row<'a> = (&'a [(Key, &'a [&'a str])], &'a [&'a str]);
    let table: [Row<'_>; 5] = [
        (&[(Key::Listen, &["0.0.0.0:80"])], &["0.0.0.0"]),
        (&[(Key::Listen, &["[::]:80"])], &["0.0.0.0", "::"]),
        (&[(Key::Listen, &["127.0.0.1:80"])], &["0.0.0.0", "::"]),
        (&[(Key::Listen, &["192.0.2.9:80"])], &[]),
        (
            &[
                (Key::Listen, &["0.0.0.0:80"]),
                (Key::MediaIp, &["192.0.2.9"]),
            ],
            &[],
        ),
    ];
    for (given, expected) in table {
        let found = load(given, &[]).unwrap().media.wildcards;
        let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
        assert_eq!(found, expected, "{given:?}");
    }
}

#[test]
fn a_proxy_is_an_address_or_a_network_however_it_is_written() {
    let table = [
        ("10.0.0.1", "10.0.0.1/32"),
        ("172.18.4.5/16", "172.18.0.0/16"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("fd00::/8", "fd00::/8"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
    ];
    for (raw, expected) in table {
        assert_eq!(parse_network(raw).unwrap().to_string(), expected, "{raw}");
    }
}

#[test]
fn a_public_url_is_an_origin_and_a_path() {
    let table = [
        ("https://Meet.example:443", "https://meet.example", "/"),
        ("https://meet.example/", "https://meet.example", "/"),
        (
            "https://example.org/meet",
            "https://example.org/meet",
            "/meet/",
        ),
        (
            "http://[::1]:8080/a/b-c/",
            "http://[::1]:8080/a/b-c",
            "/a/b-c/",
        ),
    ];
    for (raw, shown, path) in table {
        let url = PublicUrl::parse(raw).unwrap();
        assert_eq!((url.to_string().as_str(), url.path.as_str()), (shown, path));
    }
    for raw in [
        "https://example.org//meet",
        "https://example.org/meet//",
        "https://example.org/../meet",
        "https://example.org/meet?a",
        "https://example.org/ws",
        "https://ada@example.org/meet",
        "ftp://example.org/meet",
        "/meet",
    ] {
        assert!(PublicUrl::parse(raw).is_err(), "{raw}");
    }
}

#[test]
fn the_media_port_is_fixed_where_others_must_reach_it() {
    let beyond = load(&[(Key::Listen, &["0.0.0.0:8080"])], &[]).unwrap();
    assert_eq!(beyond.media.port, MEDIA_PORT);
}

#[test]
fn a_database_path_cannot_end_early_in_its_url() {
    let url = sqlite_url(Path::new("/a b/50%?#.sqlite"));
    assert_eq!(url, "sqlite:///a b/50%25%3F%23.sqlite?mode=rwc");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let given: &[(Key, &[&str])] = &[
        (Key::Listen, &["[::]:443"]),
        (Key::PublicUrl, &["https://example.org/meet/"]),
        (
            Key::AllowOrigin,
            &["https://a.example", "https://b.example"],
        ),
        (Key::TrustedProxy, &["10.0.0.1", "172.18.0.0/16"]),
        (Key::MaxSockets, &["70"]),
        (Key::MediaIp, &["192.0.2.1", "meet.example.org"]),
        (Key::MediaTcpPort, &["20000"]),
        (Key::Turn, &["off"]),
        (
            Key::IceServer,
            &["stun:a.example", "turns:a.example:443?transport=tcp"],
        ),
        (Key::IceServerSecretFile, &["/etc/turn-secret"]),
        (Key::Guests, &["off"]),
        (Key::Registration, &["closed"]),
        (Key::LegacyApi, &["on"]),
        (Key::NoRateLimit, &["on"]),
        (Key::Log, &["info,meeting::sessions=debug"]),
    ];
    let config = load(given, &[]).unwrap();
    assert_eq!(load_file(&config.to_string()), Ok(config));
    let without = load(&[(Key::MediaTcpPort, &["off"])], &[]).unwrap();
    assert_eq!(without.media.tcp, MediaTcp::Off);
    assert_eq!(load_file(&without.to_string()), Ok(without));
}

#[test]
fn every_setting_is_named_once_in_each_place() {
    assert_eq!(Key::JwtSecretFile.variable(), "MEETING_JWT_SECRET_FILE");
    for key in Key::ALL {
        let named = Key::ALL.iter().filter(|other| other.name() == key.name());
        assert_eq!(named.count(), 1);
        assert!(!key.spec().help.ends_with('.'), "{}", key.name());
    }
}

/// The table of settings, as the documentation has it.
fn table() -> String {
    let mut text = String::from("| flag | what it does | default |\n|---|---|---|\n");
    for spec in Key::ALL.map(Key::spec) {
        let value = spec.value.replace('|', "\\|");
        let help = spec.help.replace('|', "\\|");
        text += &format!(
            "| `--{} {value}` | {help}. | {} |\n",
            spec.name, spec.default
        );
    }
    text
}

#[test]
fn the_table_of_settings_in_the_documentation_is_current() {
    let page = "static/docs/settings.md";
    crate::protocol::catalogue::assert_part_current(page, "settings", &table());
}
