//! What is said of TLS, and what contradicts itself.

use super::super::{Config, Given};
use super::*;

fn load(given: &[(Key, &str)]) -> Result<Config, String> {
    let mut flags = Given::new();
    for (key, value) in given {
        flags.entry(*key).or_default().push((*value).to_owned());
    }
    Config::load(flags, |_| None).map_err(|error| error.to_string())
}

#[test]
fn a_domain_is_all_that_a_server_of_its_own_needs() {
    let config = load(&[(Key::Domain, "Meet.Example.org")]).unwrap();
    assert_eq!(config.listen.address.port(), 443);
    assert!(config.listen.address.ip().is_unspecified());
    let url = config.listen.public_url.unwrap();
    assert_eq!(url.to_string(), "https://meet.example.org");
    assert_eq!(config.tls.redirect.map(|redirect| redirect.port), Some(80));
    let Some(Certificate::Acme(acme)) = config.tls.certificate else {
        panic!("no authority is asked");
    };
    assert_eq!(acme.domain.as_str(), "meet.example.org");
    assert_eq!(acme.directory.as_str(), LETS_ENCRYPT);
}

#[test]
fn without_a_word_of_tls_nothing_is_served_by_it() {
    let config = load(&[(Key::Listen, "0.0.0.0:8080")]).unwrap();
    assert_eq!(config.tls, TlsConfig::default());
    assert_eq!(config.listen.public_url, None);
}

#[test]
fn the_public_address_follows_from_the_domain_and_the_port() {
    let url = |more: &[(Key, &str)]| {
        let given = [&[(Key::Domain, "meet.example.org")], more].concat();
        load(&given).map(|config| config.listen.public_url.unwrap().to_string())
    };
    assert_eq!(
        url(&[(Key::Listen, "0.0.0.0:8443")]).unwrap(),
        "https://meet.example.org:8443"
    );
    let mapped = url(&[(Key::PublicUrl, "https://meet.example.org:444/now")]);
    assert_eq!(mapped.unwrap(), "https://meet.example.org:444/now");
}

#[test]
fn what_contradicts_itself_is_refused_in_one_sentence() {
    use Key::*;
    let domain = (Domain, "meet.example.org");
    let table: &[(&[(Key, &str)], &str)] = &[
        (
            &[(TlsCert, "a.pem")],
            "--tls-cert: needs the certificate's private key too: give --tls-key.",
        ),
        (
            &[(TlsKey, "a.pem")],
            "--tls-key: needs the key's certificate too: give --tls-cert.",
        ),
        (
            &[(TlsCert, "a"), (TlsKey, "b"), (TlsSelfSigned, "on")],
            "--tls-self-signed: cannot be on beside --tls-cert: give one of the two.",
        ),
        (
            &[(AcmeContact, "a@example.org")],
            "--acme-contact: asks an authority for a certificate, which only --domain without --tls-cert and --tls-self-signed does.",
        ),
        (
            &[
                domain,
                (TlsSelfSigned, "on"),
                (AcmeDirectory, "https://ca.example/dir"),
            ],
            "--acme-directory: asks an authority for a certificate, which only --domain without --tls-cert and --tls-self-signed does.",
        ),
        (
            &[(HttpPort, "80")],
            "--http-port: redirects to https, which is not served: give --domain, --tls-cert or --tls-self-signed too.",
        ),
        (
            &[(TlsSelfSigned, "on"), (HttpPort, "80")],
            "--http-port: redirects to the server's own name, which is not known: give --domain too.",
        ),
        (
            &[domain, (HttpPort, "443")],
            "--http-port: is the port of https too: http and https need a port each.",
        ),
        (
            &[domain, (Listen, "0.0.0.0:80")],
            "--listen: has the port that redirects http to https: give another, or --http-port off.",
        ),
        (
            &[domain, (PublicUrl, "https://other.example.org")],
            "--public-url: is at another host than --domain, or not https: leave it out.",
        ),
        (
            &[domain, (PublicUrl, "http://meet.example.org")],
            "--public-url: is at another host than --domain, or not https: leave it out.",
        ),
        (
            &[(Domain, "meet")],
            "--domain: has no dot, and no authority gives a certificate for such a name: give --tls-cert or --tls-self-signed too.",
        ),
        (
            &[(Domain, "192.0.2.1")],
            "--domain: '192.0.2.1' is not a host's name, such as meet.example.org: no address, port or https://.",
        ),
        (
            &[(Domain, "https://meet.example.org")],
            "--domain: 'https://meet.example.org' is not a host's name, such as meet.example.org: no address, port or https://.",
        ),
        (
            &[domain, (AcmeDirectory, "http://ca.example")],
            "--acme-directory: 'http://ca.example' is not an https address, such as https://acme-v02.api.letsencrypt.org/directory.",
        ),
        (
            &[domain, (AcmeContact, "admin")],
            "--acme-contact: 'admin' is not a mail address, such as admin@example.org.",
        ),
        (
            &[domain, (HttpPort, "web")],
            "--http-port: 'web' is neither a port number from 0 to 65535 nor off.",
        ),
    ];
    for (given, expected) in table {
        assert_eq!(load(given).unwrap_err(), *expected, "{given:?}");
    }
}

#[test]
fn what_can_be_said_together_is_taken() {
    use Key::*;
    let domain = (Domain, "meet.example.org");
    let table: &[&[(Key, &str)]] = &[
        &[
            domain,
            (TlsCert, "a"),
            (TlsKey, "b"),
            (Listen, "127.0.0.1:0"),
            (HttpPort, "0"),
        ],
        &[(Domain, "meet"), (TlsSelfSigned, "on"), (HttpPort, "off")],
        &[(TlsSelfSigned, "on"), (Listen, "0.0.0.0:8443")],
        &[
            domain,
            (AcmeContact, "mailto:admin@example.org"),
            (AcmeRoot, "ca.pem"),
        ],
        &[(TlsSelfSigned, "off"), (HttpPort, "off")],
    ];
    for given in table {
        load(given).unwrap();
    }
}
