//! The values of settings: what is accepted, and the sentences for what is not.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use super::MediaTcp;

/// The most media threads. More gain nothing for the meetings of one machine.
pub(super) const MAX_MEDIA_THREADS: usize = 64;

/// The most sockets. More exceed the memory of a machine and the descriptors of a process.
pub(super) const MAX_SOCKETS: usize = 500_000;

/// The default time for which a session without a socket is kept.
pub(super) const DEFAULT_RESUME: Duration = Duration::from_secs(30);

/// The longest such time. Meanwhile the others in the room see a participant who is not there.
const LONGEST_RESUME: Duration = Duration::from_secs(600);

/// The URL of a database. Its printed form hides the password and the options.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(super) String);

impl DatabaseUrl {
    /// Reads a URL. Fails if it names no database of a known kind.
    pub fn parse(raw: &str) -> Result<Self, String> {
        // Only the scheme is repeated, because the rest may contain a password.
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

    /// Whether a password stands in it.
    pub(super) fn has_password(&self) -> bool {
        let Some((_, rest)) = self.0.split_once("://") else {
            return false;
        };
        if self.0.starts_with("sqlite:") {
            return false;
        }
        let (plain, options) = rest.split_once('?').unwrap_or((rest, ""));
        let names_one = |option: &str| option.to_lowercase().starts_with("password=");
        match plain.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => true,
            Some(_) => options.split('&').any(names_one),
            // A password that was not percent-encoded may hold the question mark.
            None => options.contains('@') || options.split('&').any(names_one),
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

/// A valid log filter: levels and targets as `tracing-subscriber` reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(pub(super) String);

impl LogFilter {
    /// Refuses what is no filter.
    pub fn parse(raw: &str) -> Result<Self, String> {
        // A mistyped level would pass as the name of a module.
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let word = raw.trim();
        let lone_word = !word.contains(['=', ',', ':', '[']);
        if lone_word && !levels.contains(&word.to_lowercase().as_str()) {
            return Err(format!(
                "'{raw}' is not a log filter, such as info or info,meeting::sessions=debug"
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

    /// Whether it is of https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where it is the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
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

/// The public URL of the server: an origin, and a path if a proxy also serves other things there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Scheme, host and port.
    pub origin: Origin,
    /// Below which path.
    pub path: BasePath,
}

impl PublicUrl {
    /// Reads `https://host[:port][/path]`.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let authority = raw.find("://").map_or(0, |at| at + 3);
        let path = raw[authority..].find('/').map(|at| at + authority);
        let (origin, path) = raw.split_at(path.unwrap_or(raw.len()));
        let example =
            "is not an address, such as https://meet.example.org or https://example.org/meet";
        Ok(Self {
            origin: Origin::parse(origin).map_err(|_| format!("'{raw}' {example}"))?,
            path: BasePath::parse(path).map_err(|reason| format!("'{raw}' {reason}"))?,
        })
    }
}

impl fmt::Display for PublicUrl {
    /// Without a slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path.without_slash())
    }
}

/// A path that begins and ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

/// The begins of the addresses of the server itself. A base path with the same begin could not be told from them.
const OWN_PATHS: [&str; 14] = [
    "auth", "avatars", "check", "css", "docs", "healthz", "icons", "js", "ping", "protocol", "r",
    "user", "ws", "metrics",
];

impl Default for BasePath {
    /// The root.
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl BasePath {
    /// Reads `/path/to`; the slash at its end may be left out.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let inner = raw.strip_prefix('/').unwrap_or(raw);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return Ok(Self::default());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let is_name =
            |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain);
        if !inner.split('/').all(is_name) {
            return Err(
                "has a path that is not made of letters, digits, '-', '_' and '.'".to_owned(),
            );
        }
        let first = inner.split('/').next().unwrap_or_default();
        if OWN_PATHS.contains(&first) {
            return Err(format!(
                "has a path that begins with /{first}, as addresses of the server itself do"
            ));
        }
        Ok(Self(format!("/{inner}/")))
    }

    /// The path with both slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its last slash. Empty for the root.
    pub fn without_slash(&self) -> &str {
        self.0.strip_suffix('/').unwrap_or_default()
    }

    /// Whether it is no path at all.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl MediaTcp {
    pub(super) fn parse(raw: &str) -> Result<Self, String> {
        if raw.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        raw.parse()
            .map(Self::Port)
            .map_err(|_| format!("'{raw}' is neither a port number from 1 to 65535 nor off"))
    }
}

/// A host's name (RFC 1123 §2.1), in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// None if it is no name: a mistyped address must not be looked up.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let last = raw.rsplit('.').next().unwrap_or_default();
        let is_name = raw.len() <= 253
            && raw.split('.').all(is_label)
            && !last.bytes().all(|byte| byte.is_ascii_digit());
        is_name.then(|| Self(raw.to_ascii_lowercase()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
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

/// An address is the network of itself alone.
pub(super) fn parse_network(raw: &str) -> Result<IpNet, String> {
    let wrong = || format!("'{raw}' is neither an IP address nor a network, such as 172.18.0.0/16");
    let network = match raw.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(raw.parse::<IpAddr>().map_err(|_| wrong())?),
    };
    let network = match network {
        // An IPv4 network written as IPv6 (RFC 4291 §2.5.5.2).
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_canonical() {
            IpAddr::V4(address) => {
                IpNet::new(address.into(), v6.prefix_len() - 96).map_err(|_| wrong())?
            }
            IpAddr::V6(_) => network,
        },
        _ => network,
    };
    if network.prefix_len() == 0 {
        return Err(format!(
            "'{raw}' is everybody: anyone could pose as any address"
        ));
    }
    Ok(network.trunc())
}

pub(super) fn parse_sockets(raw: &str) -> Result<NonZeroUsize, String> {
    raw.parse()
        .ok()
        .filter(|count: &NonZeroUsize| count.get() <= MAX_SOCKETS)
        .ok_or_else(|| format!("'{raw}' is not a number of sockets from 1 to {MAX_SOCKETS}"))
}

pub(super) fn parse_resume(raw: &str) -> Result<Duration, String> {
    let longest = LONGEST_RESUME.as_millis();
    raw.parse()
        .ok()
        .map(Duration::from_millis)
        .filter(|time| *time <= LONGEST_RESUME)
        .ok_or_else(|| format!("'{raw}' is not a number of milliseconds from 0 to {longest}"))
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

/// The URL of a database file, which is made if it is missing. Characters that would end the path in a URL are
/// percent-encoded.
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
