//! Gathers the given settings, from the highest priority to the lowest, and checks them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::key::{Arity, Given, Key};
use super::media_address::{MediaAddress, check_pairs};
use super::value::*;
use super::{
    AuthConfig, ConfigError, Guests, ListenConfig, MediaConfig, MediaTcp, Registration,
    StorageConfig, TlsConfig,
};
use crate::network::interfaces::own_addresses;
use crate::network::is_here;
use crate::secret_file;

/// The file in the data directory that the default database lives in.
pub(super) const DATABASE_FILE: &str = "meeting.sqlite";

/// The file in the data directory that the default signing secret lives in.
pub(super) const SECRET_FILE: &str = "secret";

/// The first media port if the server can be reached from elsewhere. Firewalls need a fixed number, and this one lies
/// below the range that systems assign automatically.
pub(super) const MEDIA_PORT: u16 = 20_000;

/// The default limit of open WebSockets.
pub(super) const DEFAULT_MAX_SOCKETS: NonZeroUsize =
    NonZeroUsize::new(crate::budgets::http::SOCKETS.size()).expect("a budget allows something");

/// By default there are as many media threads as cores, but at most this many.
pub(super) const DEFAULT_MAX_MEDIA_THREADS: usize = 4;

/// The given settings, each with its place.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<Key, (String, Vec<String>)>);

impl Settings {
    pub(super) fn gather(
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
                let at = format!("{name} in {}", path.display());
                if key == Key::DatabaseUrl {
                    check_password(&at, &path, &values)?;
                }
                settings.add(key, at, values);
            }
        }
        Ok(settings)
    }

    /// Adds a setting, unless it is set already: places are added from the highest priority to the lowest.
    pub(super) fn add(&mut self, key: Key, place: String, values: Vec<String>) {
        self.0.entry(key).or_insert((place, values));
    }

    pub(super) fn one<T>(
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

    pub(super) fn many<T>(
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

    /// The place of a setting. None if it was not given.
    pub(super) fn place(&self, key: Key) -> Option<&str> {
        self.0.get(&key).map(|(place, _)| place.as_str())
    }

    pub(super) fn listen(&self, tls: &TlsConfig) -> Result<ListenConfig, ConfigError> {
        Ok(ListenConfig {
            address: match self.one(Key::Listen, parse_listen)? {
                Some(address) => address,
                None => self.default_listen(tls),
            },
            public_url: self.one(Key::PublicUrl, PublicUrl::parse)?,
            allowed_origins: self.many(Key::AllowOrigin, Origin::parse)?,
            trusted_proxies: self.many(Key::TrustedProxy, parse_network)?,
            max_sockets: match self.one(Key::MaxSockets, parse_sockets)? {
                Some(count) => count,
                None => DEFAULT_MAX_SOCKETS,
            },
        })
    }

    pub(super) fn storage(&self) -> Result<StorageConfig, ConfigError> {
        let data_dir = self.data_dir()?;
        let database_url = self
            .one(Key::DatabaseUrl, DatabaseUrl::parse)?
            .unwrap_or_else(|| DatabaseUrl(sqlite_url(&data_dir.join(DATABASE_FILE))));
        Ok(StorageConfig {
            data_dir,
            database_url,
        })
    }

    pub(super) fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        Ok(self
            .one(Key::DataDir, parse_path)?
            .unwrap_or_else(|| PathBuf::from("./data")))
    }

    pub(super) fn media(&self, listen: SocketAddr) -> Result<MediaConfig, ConfigError> {
        let mut addresses = self.many(Key::MediaIp, MediaAddress::parse)?;
        check_pairs(&addresses)
            .map_err(|reason| wrong(self.place(Key::MediaIp).unwrap_or("--media-ip"), reason))?;
        let mut wildcards = Vec::new();
        if addresses.is_empty() {
            let own = default_media_addresses(listen.ip(), &own_addresses());
            addresses = own.into_iter().map(MediaAddress::Ip).collect();
            wildcards = all_of(listen.ip());
        }
        let default_port = if listen.ip().is_loopback() {
            0
        } else {
            MEDIA_PORT
        };
        let port = self
            .one(Key::MediaPort, parse_port)?
            .unwrap_or(default_port);
        let threads = match self.one(Key::MediaThreads, parse_threads)? {
            Some(threads) => threads,
            None => default_threads(),
        };
        Ok(MediaConfig {
            addresses,
            wildcards,
            port,
            tcp: self
                .one(Key::MediaTcpPort, MediaTcp::parse)?
                .unwrap_or(MediaTcp::WhereItCan),
            threads,
        })
    }

    pub(super) fn auth(&self) -> Result<AuthConfig, ConfigError> {
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

    pub(super) fn log(&self) -> Result<LogFilter, ConfigError> {
        Ok(self
            .one(Key::Log, LogFilter::parse)?
            .unwrap_or_else(|| LogFilter("info".to_owned())))
    }
}

pub(super) fn wrong(place: &str, reason: impl Into<String>) -> ConfigError {
    ConfigError {
        place: place.to_owned(),
        reason: reason.into(),
    }
}

/// Reads environment variables. An empty one counts as not given, because compose files cannot leave one out.
pub(super) fn variable_values(
    key: Key,
    raw: Option<OsString>,
) -> Result<Option<Vec<String>>, ConfigError> {
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

/// The settings of the file at `path`, which `place` names, each with its key as it is written.
pub(super) fn file_values(
    place: &str,
    path: &Path,
) -> Result<Vec<(Key, String, Vec<String>)>, ConfigError> {
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

/// Refuses a file with a password of the database that others can read.
fn check_password(place: &str, path: &Path, urls: &[String]) -> Result<(), ConfigError> {
    let has_password = |url: &String| DatabaseUrl(url.clone()).has_password();
    if urls.iter().any(has_password)
        && let Err(error) = secret_file::open(path)
    {
        return Err(wrong(place, format!("holds a password: {error}")));
    }
    Ok(())
}

pub(super) fn file_scalar(place: &str, value: toml::Value) -> Result<String, ConfigError> {
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

pub(super) fn default_threads() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores.min(DEFAULT_MAX_MEDIA_THREADS)).unwrap_or(NonZeroUsize::MIN)
}

/// The default media addresses. Only the listen address, if it is a specific one. A browser on this machine reaches
/// loopback but may gather only the address of the machine, so a server on loopback offers both.
pub fn default_media_addresses(listen: IpAddr, own: &[IpAddr]) -> Vec<IpAddr> {
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

/// What is bound so that addresses of this machine are followed. Nothing if one address is listened on.
fn all_of(listen: IpAddr) -> Vec<IpAddr> {
    let listen = listen.to_canonical();
    let (v4, v6) = (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into());
    match (listen.is_loopback(), listen.is_unspecified()) {
        (false, false) => Vec::new(),
        (false, true) if listen.is_ipv4() => vec![v4],
        // A kernel may know no IPv6.
        _ => [v4, v6].into_iter().filter(|ip| is_here(*ip)).collect(),
    }
}
