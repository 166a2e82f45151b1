//! The configuration: every setting, where its value may come from, and the checked result.
//!
//! A leaf: it imports nothing of this crate. [`Key`] is the one table of settings; the command line, `--help`, the
//! environment, the file and `config check` are all made from it. [`Config::load`] reads each value once, in the order
//! flag, environment variable, file, default, and checks it; whoever gets a [`Config`] need not check again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

/// The file in the data directory that the default database lives in.
const DATABASE_FILE: &str = "meeting.sqlite";
/// The file in the data directory that the default signing secret lives in.
const SECRET_FILE: &str = "secret";
/// The first media port when the server can be reached from elsewhere: firewalls need a number, and this one lies below
/// the range that systems hand out by themselves.
const MEDIA_PORT: u16 = 20_000;
/// More media threads than this gain nothing for the meetings one machine can carry.
const MAX_MEDIA_THREADS: usize = 64;
/// As many media threads as cores, but at most so many unless told otherwise.
const DEFAULT_MAX_MEDIA_THREADS: usize = 4;

/// One setting. Its name is the flag's, the file's key, and in capitals the environment variable's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A TOML file with further settings.
    Config,
    /// Where the page and the WebSocket are served.
    Listen,
    /// Where the server keeps what it keeps.
    DataDir,
    /// Which database.
    DatabaseUrl,
    /// How browsers reach the server.
    PublicUrl,
    /// Further pages that may connect.
    AllowOrigin,
    /// Whose X-Forwarded-For is believed.
    TrustedProxy,
    /// Which addresses media candidates carry.
    MediaIp,
    /// The first media thread's UDP port.
    MediaPort,
    /// How many media threads.
    MediaThreads,
    /// Where the secret that signs tokens is kept.
    JwtSecretFile,
    /// Whether people without an account may join.
    Guests,
    /// Whether people may make accounts.
    Registration,
    /// Whether limits of use are off.
    NoRateLimit,
    /// What is logged.
    Log,
}

/// How often a setting may be given, and what it means without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Once, with a value.
    One,
    /// Any number of times; comma-separated in the environment, an array in the file.
    Many,
    /// Once; without a value it means `on`.
    Switch,
}

/// What people are told of a setting.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The name, as a flag without its dashes.
    pub name: &'static str,
    /// What stands for the value in `--help`.
    pub value: &'static str,
    /// How often.
    pub arity: Arity,
    /// What holds when nothing is given.
    pub default: &'static str,
    /// What the setting does.
    pub help: &'static str,
}

impl Key {
    /// Every setting, in the order in which they are listed.
    pub const ALL: [Self; 15] = [
        Self::Config,
        Self::Listen,
        Self::DataDir,
        Self::DatabaseUrl,
        Self::PublicUrl,
        Self::AllowOrigin,
        Self::TrustedProxy,
        Self::MediaIp,
        Self::MediaPort,
        Self::MediaThreads,
        Self::JwtSecretFile,
        Self::Guests,
        Self::Registration,
        Self::NoRateLimit,
        Self::Log,
    ];

    /// The settings that say where things are stored; all that `user` and `room` need.
    pub const STORAGE: [Self; 4] = [Self::Config, Self::DataDir, Self::DatabaseUrl, Self::Log];

    /// What people are told of it.
    pub fn spec(self) -> &'static Spec {
        match self {
            Self::Config => &Spec {
                name: "config",
                value: "FILE",
                arity: Arity::One,
                default: "none",
                help: "Reads further settings from this TOML file. Its keys are the names of these flags; a flag or \
                       variable wins over the file",
            },
            Self::Listen => &Spec {
                name: "listen",
                value: "ADDRESS:PORT",
                arity: Arity::One,
                default: "127.0.0.1:8080",
                help: "Serves the page and the WebSocket at this address. 0.0.0.0 or [::] means every address of the \
                       machine, port 0 any free port",
            },
            Self::DataDir => &Spec {
                name: "data-dir",
                value: "DIR",
                arity: Arity::One,
                default: "./data",
                help: "Keeps the database and the secret in this directory; it is made when absent",
            },
            Self::DatabaseUrl => &Spec {
                name: "database-url",
                value: "URL",
                arity: Arity::One,
                default: "meeting.sqlite in the data directory",
                help: "Stores accounts, rooms and chat in this database: sqlite:PATH, sqlite::memory:, \
                       mysql://USER:PASSWORD@HOST/NAME (MySQL 8 or MariaDB) or postgres://USER:PASSWORD@HOST/NAME",
            },
            Self::PublicUrl => &Spec {
                name: "public-url",
                value: "URL",
                arity: Arity::One,
                default: "none",
                help: "Tells under which https://host browsers reach the server through a proxy; pages from there may \
                       connect",
            },
            Self::AllowOrigin => &Spec {
                name: "allow-origin",
                value: "URL",
                arity: Arity::Many,
                default: "none",
                help: "Lets pages from this origin, https://host[:port], connect too. May be given several times",
            },
            Self::TrustedProxy => &Spec {
                name: "trusted-proxy",
                value: "ADDRESS",
                arity: Arity::Many,
                default: "none",
                help: "Believes X-Forwarded-For and X-Forwarded-Host of a proxy at this address. May be given several \
                       times",
            },
            Self::MediaIp => &Spec {
                name: "media-ip",
                value: "ADDRESS",
                arity: Arity::Many,
                default: "the address of --listen if it is a single one, else the machine's own",
                help: "Tells browsers to send sound and picture to this address: behind NAT, the public one. May be \
                       given several times",
            },
            Self::MediaPort => &Spec {
                name: "media-port",
                value: "PORT",
                arity: Arity::One,
                default: "20000, or 0 while --listen is a loopback address",
                help: "Receives media at this UDP port and, with several media threads, the ones after it; open them in \
                       the firewall. 0 means any free ports",
            },
            Self::MediaThreads => &Spec {
                name: "media-threads",
                value: "COUNT",
                arity: Arity::One,
                default: "one per core, at most 4",
                help: "Forwards media on so many threads; a room stays on one of them",
            },
            Self::JwtSecretFile => &Spec {
                name: "jwt-secret-file",
                value: "FILE",
                arity: Arity::One,
                default: "secret in the data directory",
                help: "Signs session tokens with the secret in this file; it is made, readable by the owner alone, when \
                       absent",
            },
            Self::Guests => &Spec {
                name: "guests",
                value: "on|off",
                arity: Arity::Switch,
                default: "on",
                help: "Lets people join by link without an account, or keeps them out",
            },
            Self::Registration => &Spec {
                name: "registration",
                value: "open|closed",
                arity: Arity::Switch,
                default: "open",
                help: "Lets anybody make an account, or leaves that to `meeting user add`",
            },
            Self::NoRateLimit => &Spec {
                name: "no-rate-limit",
                value: "on|off",
                arity: Arity::Switch,
                default: "off",
                help: "Takes away the limits per client on requests, log-ins and sockets, for tests and load runs",
            },
            Self::Log => &Spec {
                name: "log",
                value: "FILTER",
                arity: Arity::One,
                default: "info",
                help: "Logs from this level on: error, warn, info, debug or trace, also per module, such as \
                       info,meeting::ws=debug",
            },
        }
    }

    /// The flag and the file's key.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The environment variable.
    pub fn variable(self) -> String {
        format!("MEETING_{}", self.name().replace('-', "_").to_uppercase())
    }

    fn from_file(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|key| key.name() == name && *key != Self::Config)
    }
}

/// What was given for each setting in one place, unchecked.
pub type Given = BTreeMap<Key, Vec<String>>;

/// Everything the server needs to know to start, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The page and the WebSocket.
    pub listen: ListenConfig,
    /// What is kept, and where.
    pub storage: StorageConfig,
    /// Sound and picture.
    pub media: MediaConfig,
    /// Who may come in.
    pub auth: AuthConfig,
    /// Whether limits of use hold.
    pub rate_limits: RateLimits,
    /// What is logged.
    pub log: LogFilter,
}

/// Where the page and the WebSocket are served, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenConfig {
    /// Port 0 asks for any free one.
    pub address: SocketAddr,
    /// How browsers reach the server, if that is not the address itself.
    pub public_url: Option<Origin>,
    /// Further pages that may connect.
    pub allowed_origins: Vec<Origin>,
    /// Whose X-Forwarded-For and X-Forwarded-Host are believed; in canonical form.
    pub trusted_proxies: Vec<IpAddr>,
}

/// Where the server keeps what outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// Need not exist yet.
    pub data_dir: PathBuf,
    /// Of a known kind; a SQLite file need not exist yet.
    pub database_url: DatabaseUrl,
}

/// A database's URL. Printed, it shows neither its password nor its options.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

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

/// The media sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// The addresses that candidates carry; at least one.
    pub addresses: Vec<IpAddr>,
    /// The first thread's UDP port, the others' follow; 0 asks for any free ones.
    pub first_port: u16,
    /// At least one.
    pub threads: NonZeroUsize,
}

/// Who may come in, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// Where the secret that signs tokens is kept; need not exist yet.
    pub secret_file: PathBuf,
    /// People without an account.
    pub guests: Guests,
    /// People who want an account.
    pub registration: Registration,
}

/// Whether people without an account may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// By link, with a name.
    Admitted,
    /// Only accounts.
    Refused,
}

/// Whether people may make accounts themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Only `meeting user add` makes accounts.
    Closed,
}

/// Whether the limits per client on requests, log-ins and sockets hold. Limits that protect memory always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimits {
    /// As in production.
    On,
    /// For tests and load runs.
    Off,
}

/// A log filter that can be parsed: levels and targets as `tracing-subscriber` reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

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
fn split_authority(raw: &str) -> Option<(String, Option<u16>)> {
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

/// A setting that cannot be used: where it was given, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}.")]
pub struct ConfigError {
    /// The flag, variable or file with its key.
    pub place: String,
    /// What is wrong, without a full stop.
    pub reason: String,
}

impl Config {
    /// Reads and checks every setting. `flags` win over `environment`, which wins over the file that either names.
    pub fn load(
        flags: Given,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let settings = Settings::gather(flags, environment)?;
        let listen = settings.listen()?;
        Ok(Self {
            media: settings.media(listen.address)?,
            storage: settings.storage()?,
            auth: settings.auth()?,
            rate_limits: settings.one(Key::NoRateLimit, parse_switch)?.map_or(
                RateLimits::On,
                |off| {
                    if off { RateLimits::Off } else { RateLimits::On }
                },
            ),
            log: settings.log()?,
            listen,
        })
    }
}

impl StorageConfig {
    /// Reads and checks only where things are stored and what is logged, as the commands that do not serve need it.
    pub fn load(
        flags: Given,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Self, LogFilter), ConfigError> {
        let settings = Settings::gather(flags, environment)?;
        Ok((settings.storage()?, settings.log()?))
    }

    /// How a sentence begins that tells why the database did not open. The URL shows no password.
    pub fn cannot_open(&self) -> String {
        format!("cannot open the database {}", self.database_url)
    }
}

/// What was given, with the place it was given in.
#[derive(Debug, Default)]
struct Settings(BTreeMap<Key, (String, Vec<String>)>);

impl Settings {
    fn gather(
        flags: Given,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        for (key, values) in flags {
            settings.add(key, format!("--{}", key.name()), values);
        }
        for key in Key::ALL {
            let variable = key.variable();
            if let Some(values) = variable_values(key, environment(&variable))? {
                settings.add(key, variable, values);
            }
        }
        if let Some(path) = settings.one(Key::Config, parse_path)? {
            let (place, _) = &settings.0[&Key::Config];
            for (key, name, values) in file_values(place, &path)? {
                settings.add(key, format!("{name} in {}", path.display()), values);
            }
        }
        Ok(settings)
    }

    /// Keeps what is there already: places are added from the strongest to the weakest.
    fn add(&mut self, key: Key, place: String, values: Vec<String>) {
        self.0.entry(key).or_insert((place, values));
    }

    fn one<T>(
        &self,
        key: Key,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((place, values)) = self.0.get(&key) else {
            return Ok(None);
        };
        let [value] = values.as_slice() else {
            return Err(wrong(place, "takes a single value"));
        };
        parse(value)
            .map(Some)
            .map_err(|reason| wrong(place, reason))
    }

    fn many<T>(
        &self,
        key: Key,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some((place, values)) = self.0.get(&key) else {
            return Ok(Vec::new());
        };
        let parsed = values.iter().map(|value| parse(value));
        parsed
            .collect::<Result<_, _>>()
            .map_err(|reason| wrong(place, reason))
    }

    fn listen(&self) -> Result<ListenConfig, ConfigError> {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        Ok(ListenConfig {
            address: self.one(Key::Listen, parse_listen)?.unwrap_or(default),
            public_url: self.one(Key::PublicUrl, Origin::parse)?,
            allowed_origins: self.many(Key::AllowOrigin, Origin::parse)?,
            trusted_proxies: self.many(Key::TrustedProxy, parse_address)?,
        })
    }

    fn storage(&self) -> Result<StorageConfig, ConfigError> {
        let data_dir = self.data_dir()?;
        let database_url = self
            .one(Key::DatabaseUrl, DatabaseUrl::parse)?
            .unwrap_or_else(|| DatabaseUrl(sqlite_url(&data_dir.join(DATABASE_FILE))));
        Ok(StorageConfig {
            data_dir,
            database_url,
        })
    }

    fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        Ok(self
            .one(Key::DataDir, parse_path)?
            .unwrap_or_else(|| PathBuf::from("./data")))
    }

    fn media(&self, listen: SocketAddr) -> Result<MediaConfig, ConfigError> {
        let mut addresses = self.many(Key::MediaIp, parse_media_address)?;
        if addresses.is_empty() {
            addresses = default_media_addresses(listen.ip(), &own_addresses());
        }
        let default_port = if listen.ip().is_loopback() {
            0
        } else {
            MEDIA_PORT
        };
        let first_port = self
            .one(Key::MediaPort, parse_port)?
            .unwrap_or(default_port);
        let threads = match self.one(Key::MediaThreads, parse_threads)? {
            Some(threads) => threads,
            None => default_threads(),
        };
        if first_port != 0 && usize::from(first_port) + threads.get() - 1 > usize::from(u16::MAX) {
            let given = self
                .0
                .get(&Key::MediaPort)
                .or(self.0.get(&Key::MediaThreads));
            return Err(wrong(
                given.map_or("--media-port", |(place, _)| place),
                format!(
                    "{first_port} leaves no room below 65536 for {threads} media threads, which take a port each"
                ),
            ));
        }
        Ok(MediaConfig {
            addresses,
            first_port,
            threads,
        })
    }

    fn auth(&self) -> Result<AuthConfig, ConfigError> {
        let secret_file = match self.one(Key::JwtSecretFile, parse_path)? {
            Some(path) => path,
            None => self.data_dir()?.join(SECRET_FILE),
        };
        Ok(AuthConfig {
            secret_file,
            guests: match self.one(Key::Guests, parse_switch)? {
                Some(false) => Guests::Refused,
                Some(true) | None => Guests::Admitted,
            },
            registration: match self.one(Key::Registration, parse_registration)? {
                Some(false) => Registration::Closed,
                Some(true) | None => Registration::Open,
            },
        })
    }

    fn log(&self) -> Result<LogFilter, ConfigError> {
        Ok(self
            .one(Key::Log, LogFilter::parse)?
            .unwrap_or_else(|| LogFilter("info".to_owned())))
    }
}

fn wrong(place: &str, reason: impl Into<String>) -> ConfigError {
    ConfigError {
        place: place.to_owned(),
        reason: reason.into(),
    }
}

/// An empty variable counts as not given, as compose files cannot leave one out.
fn variable_values(key: Key, raw: Option<OsString>) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(raw) = raw else { return Ok(None) };
    let raw = raw
        .into_string()
        .map_err(|_| wrong(&key.variable(), "is not valid UTF-8"))?;
    if raw.trim().is_empty() {
        return Ok(None);
    }
    Ok(Some(match key.spec().arity {
        Arity::Many => raw
            .split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect(),
        Arity::One | Arity::Switch => vec![raw],
    }))
}

/// The settings of the file at `path`, which `place` names; each with its key as it is written there.
fn file_values(place: &str, path: &Path) -> Result<Vec<(Key, String, Vec<String>)>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(place, format!("{} cannot be read: {error}", path.display())))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(String::new(), |span| {
            format!(" in line {}", text[..span.start].matches('\n').count() + 1)
        });
        wrong(
            &path.display().to_string(),
            format!("is not TOML{at}: {}", error.message()),
        )
    })?;
    let mut found: Vec<(Key, String, Vec<String>)> = Vec::new();
    for (name, value) in table {
        let at = format!("{name} in {}", path.display());
        let Some(key) = Key::from_file(&name) else {
            return Err(wrong(&at, "is not a key that this server knows"));
        };
        if found.iter().any(|(other, ..)| *other == key) {
            return Err(wrong(&at, "is given twice, in two spellings"));
        }
        let values = match (value, key.spec().arity) {
            (toml::Value::Array(values), Arity::Many) => values
                .into_iter()
                .map(|value| file_scalar(&at, value))
                .collect::<Result<_, _>>()?,
            (value, _) => vec![file_scalar(&at, value)?],
        };
        found.push((key, name, values));
    }
    Ok(found)
}

fn file_scalar(place: &str, value: toml::Value) -> Result<String, ConfigError> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => Err(wrong(place, "is not a string, an integer or a boolean")),
    }
}

fn parse_listen(raw: &str) -> Result<SocketAddr, String> {
    raw.parse().map_err(|_| {
        format!("'{raw}' is not an IP address with a port, such as 127.0.0.1:8080 or [::]:8080")
    })
}

fn parse_address(raw: &str) -> Result<IpAddr, String> {
    let address = raw
        .parse::<IpAddr>()
        .map_err(|_| format!("'{raw}' is not an IP address"))?;
    Ok(address.to_canonical())
}

fn parse_media_address(raw: &str) -> Result<IpAddr, String> {
    let address = parse_address(raw)?;
    if address.is_unspecified() || address.is_multicast() {
        return Err(format!(
            "'{raw}' is not an address that browsers can send to"
        ));
    }
    Ok(address)
}

fn parse_port(raw: &str) -> Result<u16, String> {
    raw.parse()
        .map_err(|_| format!("'{raw}' is not a port number from 0 to 65535"))
}

fn parse_threads(raw: &str) -> Result<NonZeroUsize, String> {
    raw.parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= MAX_MEDIA_THREADS)
        .ok_or_else(|| format!("'{raw}' is not a number of threads from 1 to {MAX_MEDIA_THREADS}"))
}

fn parse_path(raw: &str) -> Result<PathBuf, String> {
    if raw.is_empty() || raw.contains('\0') {
        return Err("is not a path".to_owned());
    }
    Ok(PathBuf::from(raw))
}

fn parse_switch(raw: &str) -> Result<bool, String> {
    match raw.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("'{raw}' is neither on nor off")),
    }
}

fn parse_registration(raw: &str) -> Result<bool, String> {
    match raw.to_ascii_lowercase().as_str() {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => parse_switch(raw).map_err(|_| format!("'{raw}' is neither open nor closed")),
    }
}

/// The URL of a database file; it is made when absent. What would end the path in a URL is percent-encoded.
fn sqlite_url(path: &Path) -> String {
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

fn default_threads() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores.min(DEFAULT_MAX_MEDIA_THREADS)).unwrap_or(NonZeroUsize::MIN)
}

/// One address, if the server listens at one. A browser on this machine reaches loopback, but may gather only the
/// machine's own address, so that a server on loopback gives both.
fn default_media_addresses(listen: IpAddr, own: &[IpAddr]) -> Vec<IpAddr> {
    let listen = listen.to_canonical();
    if listen.is_loopback() {
        return [&[listen], own].concat();
    }
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let reachable: Vec<IpAddr> = own
        .iter()
        .copied()
        .filter(|address| address.is_ipv4() || listen.is_ipv6())
        .collect();
    if reachable.is_empty() {
        return vec![Ipv4Addr::LOCALHOST.into()];
    }
    reachable
}

/// The addresses this machine would send from. Connecting a UDP socket only asks for the route; nothing is sent.
fn own_addresses() -> Vec<IpAddr> {
    // Addresses of the documentation ranges (RFC 5737, RFC 3849): routed like any other, and nobody's.
    let probes: [(IpAddr, IpAddr); 2] = [
        (
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::new(192, 0, 2, 1).into(),
        ),
        (
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        ),
    ];
    let source = |(from, to): (IpAddr, IpAddr)| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    probes
        .into_iter()
        .filter_map(source)
        .filter(|address| !address.is_unspecified() && !address.is_loopback())
        .collect()
}

impl fmt::Display for Config {
    /// The effective configuration as a TOML file that would bring it about, but for a database's password: it holds no
    /// secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in Key::ALL {
            let Some(value) = self.effective(key) else {
                continue;
            };
            writeln!(f, "{} = {value}", key.name())?;
        }
        Ok(())
    }
}

impl Config {
    fn effective(&self, key: Key) -> Option<toml::Value> {
        let switch = |on: bool| toml::Value::Boolean(on);
        let text = |value: &dyn fmt::Display| toml::Value::String(value.to_string());
        Some(match key {
            Key::Config => return None,
            Key::Listen => text(&self.listen.address),
            Key::DataDir => text(&self.storage.data_dir.display()),
            Key::DatabaseUrl => text(&self.storage.database_url),
            Key::PublicUrl => text(self.listen.public_url.as_ref()?),
            Key::AllowOrigin => list(&self.listen.allowed_origins),
            Key::TrustedProxy => list(&self.listen.trusted_proxies),
            Key::MediaIp => list(&self.media.addresses),
            Key::MediaPort => toml::Value::Integer(self.media.first_port.into()),
            Key::MediaThreads => {
                toml::Value::Integer(i64::try_from(self.media.threads.get()).unwrap_or(i64::MAX))
            }
            Key::JwtSecretFile => text(&self.auth.secret_file.display()),
            Key::Guests => switch(self.auth.guests == Guests::Admitted),
            Key::Registration => text(match self.auth.registration {
                Registration::Open => &"open",
                Registration::Closed => &"closed",
            }),
            Key::NoRateLimit => switch(self.rate_limits == RateLimits::Off),
            Key::Log => text(&self.log.as_str()),
        })
    }
}

fn list(values: &[impl fmt::Display]) -> toml::Value {
    toml::Value::Array(
        values
            .iter()
            .map(|value| toml::Value::String(value.to_string()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        load(&[(Key::Config, &[path])], &[])
            .map_err(|error| error.to_string().replace(path, "FILE"))
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
        assert_eq!(config.rate_limits, RateLimits::On);
        assert_eq!(config.media.first_port, 0);
        assert_eq!(config.media.addresses[0], IpAddr::from(Ipv4Addr::LOCALHOST));
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
        let expected: Vec<IpAddr> = ["192.0.2.1", "192.0.2.2"]
            .map(|raw| raw.parse().unwrap())
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
                "--public-url: 'meet.example' is not an origin, such as https://meet.example.org.",
            ),
            (
                Key::AllowOrigin,
                "*",
                "--allow-origin: '*' is not an origin, such as https://meet.example.org.",
            ),
            (
                Key::TrustedProxy,
                "proxy",
                "--trusted-proxy: 'proxy' is not an IP address.",
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
                "--log: 'inof' is not a log filter, such as info or info,meeting::ws=debug.",
            ),
        ];
        for (key, value, expected) in table {
            assert_eq!(refusal(&[(*key, &[value])], &[]), *expected);
        }
        assert_eq!(
            refusal(&[], &[("MEETING_MEDIA_PORT", "x")]),
            "MEETING_MEDIA_PORT: 'x' is not a port number from 0 to 65535."
        );
        let two: &[(Key, &[&str])] = &[(Key::MediaPort, &["65534"]), (Key::MediaThreads, &["3"])];
        assert_eq!(
            refusal(two, &[]),
            "--media-port: 65534 leaves no room below 65536 for 3 media threads, which take a port each."
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
    fn the_media_port_is_fixed_where_others_must_reach_it() {
        let beyond = load(&[(Key::Listen, &["0.0.0.0:8080"])], &[]).unwrap();
        assert_eq!(beyond.media.first_port, MEDIA_PORT);
    }

    #[test]
    fn a_database_path_cannot_end_early_in_its_url() {
        let url = sqlite_url(Path::new("/a b/50%?#.sqlite"));
        assert_eq!(url, "sqlite:///a b/50%25%3F%23.sqlite?mode=rwc");
    }

    #[test]
    fn a_database_url_is_printed_without_its_secrets() {
        for (raw, printed) in [
            (
                "mysql://ada:se/cr@et@db:3306/meeting?ssl-key=k",
                "mysql://ada:***@db:3306/meeting",
            ),
            (
                "postgres://db/meeting?password=secret",
                "postgres://db/meeting",
            ),
            ("postgres://ada:se?cr@db/meeting", "postgres://***"),
            ("sqlite:a/b.sqlite", "sqlite:a/b.sqlite"),
        ] {
            let url = DatabaseUrl(raw.to_owned());
            assert_eq!(url.to_string(), printed);
            assert_eq!(format!("{url:?}"), printed);
            assert_eq!(url.reveal(), raw);
        }
        let url = "mysql://ada:hunter2@db/meeting";
        let config = load(&[(Key::DatabaseUrl, &[url])], &[]).unwrap();
        assert!(
            !format!("{config} {config:?} {}", config.storage.cannot_open()).contains("hunter2")
        );
        assert_eq!(config.storage.database_url.reveal(), url);
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let given: &[(Key, &[&str])] = &[
            (Key::Listen, &["[::]:443"]),
            (Key::PublicUrl, &["https://meet.example"]),
            (
                Key::AllowOrigin,
                &["https://a.example", "https://b.example"],
            ),
            (Key::TrustedProxy, &["10.0.0.1"]),
            (Key::MediaIp, &["192.0.2.1"]),
            (Key::Guests, &["off"]),
            (Key::Registration, &["closed"]),
            (Key::NoRateLimit, &["on"]),
            (Key::Log, &["info,meeting::ws=debug"]),
        ];
        let config = load(given, &[]).unwrap();
        assert_eq!(load_file(&config.to_string()), Ok(config));
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
}
