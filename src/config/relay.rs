//! The settings of relays: the own one, and others.

use std::fmt;
use std::path::PathBuf;

use super::ConfigError;
use super::key::Key;
use super::settings::{Settings, wrong};
use super::value::{parse_path, parse_switch, split_authority};

/// The relays for clients that cannot connect directly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayConfig {
    /// The server's own.
    pub own: OwnRelay,
    /// Other relays of the operator. Relays with credentials require a secret.
    pub others: Vec<IceUrl>,
    /// The file of the secret that these relays share.
    pub secret_file: Option<PathBuf>,
}

/// Whether the server relays by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OwnRelay {
    /// At its own ports.
    #[default]
    On,
    /// Not at all.
    Off,
}

/// The address of a STUN or TURN server (RFC 7064, RFC 7065), in the form that browsers accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceUrl(String);

impl IceUrl {
    fn parse(raw: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{raw}' is not the address of a STUN or TURN server, such as turn:turn.example.org:3478?transport=udp"
            )
        };
        let (scheme, rest) = raw.split_once(':').ok_or_else(wrong)?;
        let scheme = scheme.to_ascii_lowercase();
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };
        // A browser makes no connection at all if one of the addresses is invalid.
        let is_sound = match (scheme.as_str(), query) {
            ("stun" | "turn" | "turns", None) => true,
            ("turn", Some(query)) => ["transport=udp", "transport=tcp"].contains(&query),
            ("turns", Some(query)) => query == "transport=tcp",
            _ => false,
        };
        let (host, port) = split_authority(authority)
            .filter(|(_, port)| is_sound && *port != Some(0))
            .ok_or_else(wrong)?;
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self(format!("{scheme}:{host}{port}{query}")))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it asks for credentials.
    pub fn is_guarded(&self) -> bool {
        !self.0.starts_with("stun:")
    }
}

impl fmt::Display for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings {
    pub(super) fn relay(&self) -> Result<RelayConfig, ConfigError> {
        let own = match self.one(Key::Turn, parse_switch)? {
            Some(false) => OwnRelay::Off,
            Some(true) | None => OwnRelay::On,
        };
        let others = self.many(Key::IceServer, IceUrl::parse)?;
        let secret_file = self.one(Key::IceServerSecretFile, parse_path)?;
        let is_guarded = others.iter().any(IceUrl::is_guarded);
        if let (true, None, Some(place)) = (is_guarded, &secret_file, self.place(Key::IceServer)) {
            return Err(wrong(
                place,
                "names a server that asks for credentials: give --ice-server-secret-file too",
            ));
        }
        if let (false, Some(place)) = (is_guarded, self.place(Key::IceServerSecretFile)) {
            return Err(wrong(
                place,
                "is for a server that asks for credentials: give --ice-server turn:… too",
            ));
        }
        Ok(RelayConfig {
            own,
            others,
            secret_file,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Given};

    fn load(given: &[(Key, &[&str])]) -> Result<RelayConfig, String> {
        let given = given.iter().map(|(key, values)| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            (*key, values)
        });
        let config = Config::load(given.collect::<Given>(), |_| None);
        config
            .map(|config| config.relay)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_server_relays_unless_it_is_told_not_to() {
        assert_eq!(load(&[]), Ok(RelayConfig::default()));
        let off = load(&[(Key::Turn, &["off"])]).unwrap();
        assert_eq!(off.own, OwnRelay::Off);
    }

    #[test]
    fn other_servers_are_named_as_browsers_take_them() {
        for (raw, expected) in [
            ("STUN:Stun.Example.org", "stun:stun.example.org"),
            ("turn:192.0.2.1:3478", "turn:192.0.2.1:3478"),
            (
                "turn:[2001:db8::1]?transport=udp",
                "turn:[2001:db8::1]?transport=udp",
            ),
            (
                "turns:turn.example.org:443?transport=tcp",
                "turns:turn.example.org:443?transport=tcp",
            ),
        ] {
            let url = IceUrl::parse(raw).unwrap();
            assert_eq!(url.as_str(), expected);
            assert_eq!(url.is_guarded(), !expected.starts_with("stun"));
        }
        for raw in [
            "",
            "stun.example.org",
            "stun:",
            "stun:host?transport=udp",
            "stuns:host",
            "turn:host:0",
            "turn:host:65536",
            "turn:host?transport=tls",
            "turn:host?x",
            "turns:host?transport=udp",
            "turn://host",
            "turn:user@host",
            "https:host",
        ] {
            let reason = IceUrl::parse(raw).unwrap_err();
            assert!(reason.contains("such as turn:"), "{reason}");
        }
    }

    #[test]
    fn a_secret_and_the_servers_that_ask_for_one_belong_together() {
        let turn: (Key, &[&str]) = (Key::IceServer, &["stun:a.example", "turn:a.example"]);
        let secret: (Key, &[&str]) = (Key::IceServerSecretFile, &["/etc/turn-secret"]);
        let both = load(&[turn, secret]).unwrap();
        assert_eq!(both.others.len(), 2);
        assert!(both.secret_file.is_some());
        assert_eq!(
            load(&[turn]).unwrap_err(),
            "--ice-server: names a server that asks for credentials: give --ice-server-secret-file too."
        );
        let stun: (Key, &[&str]) = (Key::IceServer, &["stun:a.example"]);
        assert!(load(&[stun]).is_ok());
        for given in [&[secret][..], &[stun, secret]] {
            assert_eq!(
                load(given).unwrap_err(),
                "--ice-server-secret-file: is for a server that asks for credentials: give --ice-server turn:… too."
            );
        }
    }
}
