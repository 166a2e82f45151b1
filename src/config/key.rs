//! The one table of settings: names, help, defaults.

use std::collections::BTreeMap;

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
    /// The server's own name, for which it gets its certificate.
    Domain,
    /// The authority that gives it.
    AcmeDirectory,
    /// Whom the authority may write to.
    AcmeContact,
    /// Who vouches for the authority.
    AcmeRoot,
    /// A file with the certificate.
    TlsCert,
    /// A file with its key.
    TlsKey,
    /// Whether the server makes its certificate itself.
    TlsSelfSigned,
    /// Which port redirects to https.
    HttpPort,
    /// How many WebSockets may be open.
    MaxSockets,
    /// How long a session is kept whose socket is lost.
    ResumeMs,
    /// Further pages that may connect.
    AllowOrigin,
    /// Whose X-Forwarded-For is believed.
    TrustedProxy,
    /// Which addresses media candidates carry.
    MediaIp,
    /// The first media thread's UDP port.
    MediaPort,
    /// Where media over TCP is listened for.
    MediaTcpPort,
    /// How many media threads.
    MediaThreads,
    /// Whether the server relays media.
    Turn,
    /// Further STUN and TURN servers.
    IceServer,
    /// Where the secret is kept that they know.
    IceServerSecretFile,
    /// Where the secret that signs tokens is kept.
    JwtSecretFile,
    /// Whether people without an account may join.
    Guests,
    /// Whether people may make accounts.
    Registration,
    /// Whether the routes of the older Meeting (Go) are served.
    LegacyApi,
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
    pub const ALL: [Self; 30] = [
        Self::Config,
        Self::Domain,
        Self::AcmeDirectory,
        Self::AcmeContact,
        Self::AcmeRoot,
        Self::TlsCert,
        Self::TlsKey,
        Self::TlsSelfSigned,
        Self::HttpPort,
        Self::Listen,
        Self::DataDir,
        Self::DatabaseUrl,
        Self::PublicUrl,
        Self::AllowOrigin,
        Self::TrustedProxy,
        Self::MaxSockets,
        Self::ResumeMs,
        Self::MediaIp,
        Self::MediaPort,
        Self::MediaTcpPort,
        Self::MediaThreads,
        Self::Turn,
        Self::IceServer,
        Self::IceServerSecretFile,
        Self::JwtSecretFile,
        Self::Guests,
        Self::Registration,
        Self::LegacyApi,
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
                default: "127.0.0.1:8080, or [::]:443 with --domain",
                help: "Serves the page and the WebSocket at this address. 0.0.0.0 or [::] means every address of the \
                       machine, port 0 any free port",
            },
            Self::DataDir => &Spec {
                name: "data-dir",
                value: "DIR",
                arity: Arity::One,
                default: "./data",
                help: "Keeps the database, the secret and certificates in this directory; it is made when absent",
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
                help: "Tells under which https://host[/path] browsers reach the server through a proxy, which may take the \
                       path away or leave it; pages from there may connect",
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
                value: "ADDRESS[/BITS]",
                arity: Arity::Many,
                default: "none",
                help: "Believes X-Forwarded-For and X-Forwarded-Host of a proxy at this address, or anywhere in this \
                       network, such as 172.18.0.0/16. May be given several times",
            },
            Self::Domain => &Spec {
                name: "domain",
                value: "NAME",
                arity: Arity::One,
                default: "none",
                help: "Serves https and wss under this name, such as meet.example.org, with a certificate that the \
                       server gets and renews by itself (ACME, TLS-ALPN-01), and redirects http to it. The name must \
                       point to this machine, and its port 443 be open",
            },
            Self::AcmeDirectory => &Spec {
                name: "acme-directory",
                value: "URL",
                arity: Arity::One,
                default: "that of Let's Encrypt",
                help: "Asks this authority for the certificate of --domain. Using it accepts its terms of service",
            },
            Self::AcmeContact => &Spec {
                name: "acme-contact",
                value: "MAIL",
                arity: Arity::Many,
                default: "none",
                help: "Tells the authority whom to write to about the certificate. May be given several times",
            },
            Self::AcmeRoot => &Spec {
                name: "acme-root",
                value: "FILE",
                arity: Arity::One,
                default: "none",
                help: "Believes an ACME server of one's own whose https certificate one of these (PEM) has signed, beside \
                       the known authorities",
            },
            Self::TlsCert => &Spec {
                name: "tls-cert",
                value: "FILE",
                arity: Arity::One,
                default: "none",
                help: "Serves https and wss with the certificate chain in this PEM file. It is read again when it changes, \
                       and at SIGHUP",
            },
            Self::TlsKey => &Spec {
                name: "tls-key",
                value: "FILE",
                arity: Arity::One,
                default: "none",
                help: "Has the private key of --tls-cert, in PEM",
            },
            Self::TlsSelfSigned => &Spec {
                name: "tls-self-signed",
                value: "on|off",
                arity: Arity::Switch,
                default: "off",
                help: "Serves https and wss with a certificate that the server makes itself: for a local network, where \
                       browsers ask each person once whether they trust it",
            },
            Self::HttpPort => &Spec {
                name: "http-port",
                value: "PORT|off",
                arity: Arity::One,
                default: "80 with --domain, else off",
                help: "Answers http at this port with nothing but a redirect to https at --domain",
            },
            Self::MaxSockets => &Spec {
                name: "max-sockets",
                value: "COUNT",
                arity: Arity::One,
                default: "5000",
                help: "Lets so many WebSockets be open at once; each person in a meeting has one, and each takes a file \
                       descriptor",
            },
            Self::ResumeMs => &Spec {
                name: "resume-ms",
                value: "MILLISECONDS",
                arity: Arity::One,
                default: "30000",
                help: "How long somebody who lost the connection is kept in the meeting. Within this time they come back \
                       to their place; 0 takes them out at once",
            },
            Self::MediaIp => &Spec {
                name: "media-ip",
                value: "ADDRESS|NAME|PUBLIC/PRIVATE",
                arity: Arity::Many,
                default: "the address of --listen if it is a single one, else those of the machine's interfaces, as they come and go",
                help: "Tells browsers to send sound and picture to this address: behind NAT, the public one. A name, \
                       such as meet.example.org, is looked up at the start and every minute. PUBLIC/PRIVATE, such as \
                       203.0.113.7/10.0.0.5, names the public one and receives at the private one, which NAT leads \
                       it to. May be given several times",
            },
            Self::MediaPort => &Spec {
                name: "media-port",
                value: "PORT",
                arity: Arity::One,
                default: "20000, or 0 while --listen is a loopback address",
                help: "Receives media at this UDP port; open it in the firewall. 0 means any free port",
            },
            Self::MediaTcpPort => &Spec {
                name: "media-tcp-port",
                value: "PORT|off",
                arity: Arity::One,
                default: "the port of --listen where browsers come to it without a proxy, else the number of --media-port",
                help: "Receives media by TCP too at this port, for networks that let no UDP pass",
            },
            Self::MediaThreads => &Spec {
                name: "media-threads",
                value: "COUNT",
                arity: Arity::One,
                default: "one per core, at most 4",
                help: "Forwards media on so many threads, which share the media port; a room stays on one of them",
            },
            Self::Turn => &Spec {
                name: "turn",
                value: "on|off",
                arity: Arity::Switch,
                default: "on",
                help: "Relays sound and picture (TURN) for people whose network lets nothing else through: at the media \
                       ports over UDP, and at the port of --listen over TCP and TLS. It leads to this server's media \
                       and to people of the same room, and nowhere else",
            },
            Self::IceServer => &Spec {
                name: "ice-server",
                value: "URL",
                arity: Arity::Many,
                default: "none",
                help: "Tells browsers of a further STUN or TURN server, such as stun:stun.example.org or \
                       turns:turn.example.org:443?transport=tcp. May be given several times",
            },
            Self::IceServerSecretFile => &Spec {
                name: "ice-server-secret-file",
                value: "FILE",
                arity: Arity::One,
                default: "none",
                help: "Makes the credentials for turn: and turns: servers of --ice-server from the secret in this file, \
                       which they have to know too (coturn: use-auth-secret and static-auth-secret)",
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
            Self::LegacyApi => &Spec {
                name: "legacy-api",
                value: "on|off",
                arity: Arity::Switch,
                default: "off",
                help: "Serves the routes of the older Meeting (Go) too, /user/login, /auth/meeting/… and /ws/p2p/…, for \
                       scripts that have not moved yet",
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
                       info,meeting::sessions=debug",
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

    pub(super) fn from_file(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|key| key.name() == name && *key != Self::Config)
    }
}

/// What was given for each setting in one place, unchecked.
pub type Given = BTreeMap<Key, Vec<String>>;
