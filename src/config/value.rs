//! The values of settings: what is taken, and the sentence for what is not.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

/// More media threads than this gain nothing for the meetings one machine can carry.
pub(super) const MAX_MEDIA_THREADS: usize = 64;

/// A database's URL. Printed, it shows neither its password nor its options.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(super) String);

impl DatabaseUrl {
    /// Refuses what names no database of a known kind.
    pub fn parse(raw: &str) -> Result<Self, String> {
        // Nothing but the scheme is repeated: what follows may hold a password.
        match raw.split_once(':') {
            Some(("sqlite", rest)) if !rest.is_empty() && rest != "//" => Ok(Self(raw.to_owned())),
            Some(("sqlite", _)) => Err("names no file, as sqlite:meeting.sqlite would".to_owned()),
            Some((scheme @ ("mysql" | "postgres" | "postgresql"), rest)) => {
                let path = rest.split('?').next().unwrap_or_default();
                let named = path
                    .strip_prefix("//")
                    .and_then(|rest| rest.rsplit_once('/'));
                match named {
                    Some((host, name)) if !host.is_empty() && !name.is_empty() => {
                        Ok(Self(raw.to_owned()))
                    }
                    _ => Err(format!(
                        "names no database, as {scheme}://user:password@host/meeting would"
                    )),
                }
            }
            Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => Err(format!(
                "databases of the kind '{scheme}' are not supported, only sqlite, mysql and postgres"
            )),
            _ => Err("is not a database URL, such as sqlite:meeting.sqlite".to_owned()),
        }
    }

    /// The whole URL: for connecting only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str(&self.0);
        };
        if scheme == "sqlite" {
            return f.write_str(&self.0);
        }
        let plain = rest.split('?').next().unwrap_or_default();
        match plain.rsplit_once('@') {
            Some((user, host)) => {
                let user = user.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{user}:***@{host}")
            }
            // An '@' after a '?' may belong to a password that was not percent-encoded.
            None if rest.contains('@') => write!(f, "{scheme}://***"),
            None => write!(f, "{scheme}://{plain}"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A log filter that can be parsed: levels and targets as `tracing-subscriber` reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(pub(super) String);

impl LogFilter {
    /// Refuses what is no filter.
    pub fn parse(raw: &str) -> Result<Self, String> {
        // A single word would pass as the name of a module, and so hide a level that was mistyped.
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let word = raw.trim();
        let lone_word = !word.contains(['=', ',', ':', '[']);
        if lone_word && !levels.contains(&word.to_lowercase().as_str()) {
            return Err(format!(
                "'{raw}' is not a log filter, such as info or info,meeting::ws=debug"
            ));
        }
        EnvFilter::builder()
            .parse(word)
            .map_err(|error| format!("'{raw}' is not a log filter: {error}"))?;
        Ok(Self(word.to_owned()))
    }

    /// The filter as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A web origin (RFC 6454 §4): scheme, host and port, with the scheme's own port left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`, with at most a slash after it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let wrong = || format!("'{raw}' is not an origin, such as https://meet.example.org");
        let (scheme, rest) = raw.split_once("://").ok_or_else(wrong)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_authority(authority).ok_or_else(wrong)?;
        Ok(Self {
            secure,
            host,
            port: port.unwrap_or(if secure { 443 } else { 80 }),
        })
    }

    /// Whether a `Host` header (RFC 9110 §7.2) names the same host and port.
    pub fn is_host(&self, header: &str) -> bool {
        split_authority(header).is_some_and(|(host, port)| {
            let own = if self.secure { 443 } else { 80 };
            host == self.host && port.unwrap_or(own) == self.port
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, own) = if self.secure {
            ("https", 443)
        } else {
            ("http", 80)
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == own {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

/// Splits `host[:port]`; the host in lower case, an IPv6 address with its brackets.
pub(super) fn split_authority(raw: &str) -> Option<(String, Option<u16>)> {
    let host_end = match raw.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => raw.find(':').unwrap_or(raw.len()),
    };
    let (host, rest) = raw.split_at(host_end);
    let port = match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if rest.is_empty() => None,
        _ => return None,
    };
    let sound = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    };
    sound.then(|| (host.to_ascii_lowercase(), port))
}

pub(super) fn parse_listen(raw: &str) -> Result<SocketAddr, String> {
    raw.parse().map_err(|_| {
        format!("'{raw}' is not an IP address with a port, such as 127.0.0.1:8080 or [::]:8080")
    })
}

pub(super) fn parse_address(raw: &str) -> Result<IpAddr, String> {
    let address = raw
        .parse::<IpAddr>()
        .map_err(|_| format!("'{raw}' is not an IP address"))?;
    Ok(address.to_canonical())
}

pub(super) fn parse_media_address(raw: &str) -> Result<IpAddr, String> {
    let address = parse_address(raw)?;
    if address.is_unspecified() || address.is_multicast() {
        return Err(format!(
            "'{raw}' is not an address that browsers can send to"
        ));
    }
    Ok(address)
}

pub(super) fn parse_port(raw: &str) -> Result<u16, String> {
    raw.parse()
        .map_err(|_| format!("'{raw}' is not a port number from 0 to 65535"))
}

pub(super) fn parse_threads(raw: &str) -> Result<NonZeroUsize, String> {
    raw.parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= MAX_MEDIA_THREADS)
        .ok_or_else(|| format!("'{raw}' is not a number of threads from 1 to {MAX_MEDIA_THREADS}"))
}

pub(super) fn parse_path(raw: &str) -> Result<PathBuf, String> {
    if raw.is_empty() || raw.contains('\0') {
        return Err("is not a path".to_owned());
    }
    Ok(PathBuf::from(raw))
}

pub(super) fn parse_switch(raw: &str) -> Result<bool, String> {
    match raw.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("'{raw}' is neither on nor off")),
    }
}

pub(super) fn parse_registration(raw: &str) -> Result<bool, String> {
    match raw.to_ascii_lowercase().as_str() {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => parse_switch(raw).map_err(|_| format!("'{raw}' is neither open nor closed")),
    }
}

/// The URL of a database file; it is made when absent. What would end the path in a URL is percent-encoded.
pub(super) fn sqlite_url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for c in path.to_string_lossy().chars() {
        match c {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            other => url.push(other),
        }
    }
    url.push_str("?mode=rwc");
    url
}
