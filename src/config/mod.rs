//! The configuration: every setting, where its value may come from, and the checked result.
//!
//! It imports the budgets and [`network`](crate::network) alone. [`Key`] is the one table of settings. The command line, `--help`, the
//! environment, the file and `config check` are all made from it. [`Config::load`] reads each value once, in the order
//! flag, environment variable, file, default, and checks it. A [`Config`] needs no further checks.

mod key;
mod media_address;
mod relay;
mod settings;
mod tls;
mod value;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use key::{Arity, Given, Key, Spec};
pub use media_address::{MediaAddress, can_be_sent_to};
pub use relay::{IceUrl, OwnRelay, RelayConfig};
use settings::Settings;
pub use settings::default_media_addresses;
pub use tls::{Acme, AcmeDirectory, Certificate, MailAddress, Redirect, TlsConfig};
pub use value::{BasePath, DatabaseUrl, HostName, LogFilter, Origin, PublicUrl};
use value::{DEFAULT_RESUME, parse_resume, parse_switch};

/// The checked settings of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The page and the WebSocket.
    pub listen: ListenConfig,
    /// Whether they are served by TLS.
    pub tls: TlsConfig,
    /// What is kept, and where.
    pub storage: StorageConfig,
    /// Sound and picture.
    pub media: MediaConfig,
    /// What relays them.
    pub relay: RelayConfig,
    /// Who may come in.
    pub auth: AuthConfig,
    /// Whether the routes of the older Meeting (Go) are served.
    pub legacy_api: LegacyApi,
    /// Whether limits of use hold.
    pub rate_limits: RateLimits,
    /// How long a session without a socket is kept. Zero means that none is kept.
    pub resume: Duration,
    /// What is logged.
    pub log: LogFilter,
}

/// Where the page and the WebSocket are served, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenConfig {
    /// Port 0 asks for any free one.
    pub address: SocketAddr,
    /// How browsers reach the server, if that is not the address itself.
    pub public_url: Option<PublicUrl>,
    /// Further pages that may connect.
    pub allowed_origins: Vec<Origin>,
    /// The proxies whose X-Forwarded-For and X-Forwarded-Host are trusted, in canonical form.
    pub trusted_proxies: Vec<IpNet>,
    /// How many WebSockets may be open at once.
    pub max_sockets: NonZeroUsize,
}

/// Where the server stores its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// Need not exist yet.
    pub data_dir: PathBuf,
    /// A database of a known kind. A SQLite file need not exist yet.
    pub database_url: DatabaseUrl,
}

/// The media sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// The addresses that candidates carry; at least one.
    pub addresses: Vec<MediaAddress>,
    /// What is bound so that media comes to addresses that this machine gets later. Empty if the addresses were given, or
    /// are that of `--listen`: then they do not change with the interfaces.
    pub wildcards: Vec<IpAddr>,
    /// The UDP port, which all threads share. 0 means any free port.
    pub port: u16,
    /// Whether media comes by TCP too.
    pub tcp: MediaTcp,
    /// At least one.
    pub threads: NonZeroUsize,
}

/// Where media comes by TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaTcp {
    /// At the port of the page if browsers reach it without a proxy. Otherwise at a TCP port with the number of the
    /// media port.
    WhereItCan,
    /// At this port.
    Port(NonZeroU16),
    /// Nowhere.
    Off,
}

/// Who may join, and the secret of log-ins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// The file of the secret that signs tokens. It need not exist yet.
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

/// Whether the routes of the older Meeting (Go) are served beside our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyApi {
    /// They are.
    On,
    /// There is nothing at their addresses.
    Off,
}

/// Whether the limits per client on requests, log-ins and sockets apply. Limits that protect memory always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimits {
    /// As in production.
    On,
    /// For tests and load runs.
    Off,
}

/// An invalid setting: where it was given, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}.")]
pub struct ConfigError {
    /// The flag, variable or file with its key.
    pub place: String,
    /// What is wrong, without a full stop.
    pub reason: String,
}

impl Config {
    /// Reads and checks every setting. `flags` have priority over `environment`, which has priority over the file that
    /// either names.
    pub fn load(
        flags: Given,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let settings = Settings::gather(flags, environment)?;
        let tls = settings.tls()?;
        let listen = settings.with_domain(settings.listen(&tls)?, &tls)?;
        Ok(Self {
            tls,
            media: settings.media(listen.address)?,
            relay: settings.relay()?,
            storage: settings.storage()?,
            auth: settings.auth()?,
            legacy_api: match settings.one(Key::LegacyApi, parse_switch)? {
                Some(true) => LegacyApi::On,
                Some(false) | None => LegacyApi::Off,
            },
            rate_limits: settings.one(Key::NoRateLimit, parse_switch)?.map_or(
                RateLimits::On,
                |off| {
                    if off { RateLimits::Off } else { RateLimits::On }
                },
            ),
            resume: match settings.one(Key::ResumeMs, parse_resume)? {
                Some(time) => time,
                None => DEFAULT_RESUME,
            },
            log: settings.log()?,
            listen,
        })
    }
}

impl StorageConfig {
    /// Reads and checks the settings of storage and logging only, for commands that do not serve.
    pub fn load(
        flags: Given,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Self, LogFilter), ConfigError> {
        let settings = Settings::gather(flags, environment)?;
        Ok((settings.storage()?, settings.log()?))
    }

    /// The begin of a sentence that tells why the database did not open. The URL shows no password.
    pub fn cannot_open(&self) -> String {
        format!("cannot open the database {}", self.database_url)
    }
}

impl fmt::Display for Config {
    /// The effective configuration as an equivalent TOML file, without the password of the database. It contains no
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
            Key::Domain => text(&self.tls.domain.as_ref()?.as_str()),
            Key::AcmeDirectory => text(&self.tls.acme()?.directory),
            Key::AcmeContact => list(&self.tls.acme()?.contacts),
            Key::AcmeRoot => text(&self.tls.acme()?.root.as_ref()?.display()),
            Key::TlsCert => text(&self.tls.files()?.0.display()),
            Key::TlsKey => text(&self.tls.files()?.1.display()),
            Key::TlsSelfSigned => switch(self.tls.certificate == Some(Certificate::SelfSigned)),
            Key::HttpPort => match self.tls.redirect {
                Some(redirect) => toml::Value::Integer(redirect.port.into()),
                None => text(&"off"),
            },
            Key::DataDir => text(&self.storage.data_dir.display()),
            Key::DatabaseUrl => text(&self.storage.database_url),
            Key::PublicUrl => text(self.listen.public_url.as_ref()?),
            Key::AllowOrigin => list(&self.listen.allowed_origins),
            Key::TrustedProxy => {
                let shown = self.listen.trusted_proxies.iter().map(shown_network);
                list(&shown.collect::<Vec<_>>())
            }
            Key::MaxSockets => toml::Value::Integer(
                i64::try_from(self.listen.max_sockets.get()).unwrap_or(i64::MAX),
            ),
            // Read again, the addresses of now would be fixed ones.
            Key::MediaIp if !self.media.wildcards.is_empty() => return None,
            Key::MediaIp => list(&self.media.addresses),
            Key::MediaPort => toml::Value::Integer(self.media.port.into()),
            Key::MediaTcpPort => match self.media.tcp {
                MediaTcp::WhereItCan => return None,
                MediaTcp::Port(port) => toml::Value::Integer(port.get().into()),
                MediaTcp::Off => text(&"off"),
            },
            Key::MediaThreads => {
                toml::Value::Integer(i64::try_from(self.media.threads.get()).unwrap_or(i64::MAX))
            }
            Key::Turn => switch(self.relay.own == OwnRelay::On),
            Key::IceServer => list(&self.relay.others),
            Key::IceServerSecretFile => text(&self.relay.secret_file.as_ref()?.display()),
            Key::JwtSecretFile => text(&self.auth.secret_file.display()),
            Key::Guests => switch(self.auth.guests == Guests::Admitted),
            Key::Registration => text(match self.auth.registration {
                Registration::Open => &"open",
                Registration::Closed => &"closed",
            }),
            Key::LegacyApi => switch(self.legacy_api == LegacyApi::On),
            Key::NoRateLimit => switch(self.rate_limits == RateLimits::Off),
            Key::ResumeMs => {
                toml::Value::Integer(i64::try_from(self.resume.as_millis()).unwrap_or(i64::MAX))
            }
            Key::Log => text(&self.log.as_str()),
        })
    }
}

/// A network of one address is shown as that address.
fn shown_network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
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
