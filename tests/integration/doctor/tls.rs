//! A server that speaks TLS itself.

use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::launch::meeting;
use super::super::start::Running;
use super::super::tls::client::certificate_files;
use super::doctor;

#[test]
fn a_server_that_signs_itself_is_asked_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path(), &["--tls-self-signed"]);
    let told = doctor(
        directory.path(),
        &[
            "--listen",
            &running.address,
            "--tls-self-signed",
            "--media-ip",
            "127.0.0.1",
        ],
    );
    told.assert("server", "ok", "is well");
    told.assert("tls", "note", "signed itself");
    told.assert("media", "ok", "answers over UDP");
    told.assert("media", "note", "TURN over TLS, which browsers do not use");
    assert_eq!(told.of("tls").len(), 1, "{:#}", told.report);
    assert_eq!(told.code, Some(0), "{:#}", told.report);
}

/// A server at an address that it is told, which stands in the one that people reach it by.
fn start(directory: &Path, settings: &[&str]) -> Running {
    let mut serve = meeting(["serve", "--log", "off", "--media-ip", "127.0.0.1"]);
    serve.arg("--data-dir").arg(directory).args(settings);
    Running::of(serve)
}

#[test]
fn a_domain_with_files_is_followed_from_http_to_its_name_and_its_key() {
    let directory = tempfile::tempdir().unwrap();
    // The one name that leads to every machine itself.
    let files = certificate_files("localhost");
    let (certificate, key) = files.paths();
    let only_owner = || set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    only_owner();
    let [listen, http] = {
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        free.each_ref().map(|port| port.local_addr().unwrap())
    };
    let (listen, http) = (listen.to_string(), http.port().to_string());
    let settings = [
        "--domain",
        "localhost",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--http-port",
        &http,
        "--listen",
        &listen,
    ];
    let _running = start(directory.path(), &settings);
    let told = doctor(directory.path(), &settings);
    told.assert("tls", "ok", "belongs to its key");
    told.assert("redirect", "ok", "leads from http to https");
    told.assert("name", "ok", "leads to this machine");
    told.assert("public", "ok", "leads to the server");
    told.assert("websocket", "ok", "opens");
    // Its authority is one of the tests alone.
    told.assert("certificate", "wrong", "do not know who signed");
    assert_eq!(told.code, Some(1));

    set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    doctor(directory.path(), &settings).assert("tls", "wrong", "mode 0644");
    only_owner();
    files.renew("meet.example.org");
    doctor(directory.path(), &settings).assert("tls", "wrong", "is not for localhost");
    let others = certificate_files("localhost");
    let (_, other) = others.paths();
    let without_server = [
        "--tls-cert",
        &certificate,
        "--tls-key",
        &other,
        "--listen",
        "127.0.0.1:0",
    ];
    let told = doctor(directory.path(), &without_server);
    told.assert("tls", "wrong", "the private key is not the certificate's");
}
