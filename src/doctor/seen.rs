//! Observations without judgement: plain data, so that each judgement can be tested without a faulty machine.

use std::net::IpAddr;

use crate::protocol::check_report::{CheckReport, WayName};

/// All observations. `None` means that there was nothing to look at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What the settings say.
    pub settings: Settings,
    /// The folder of the data.
    pub folder: Folder,
    /// The database.
    pub database: Database,
    /// The clock.
    pub clock: Clock,
    /// What the kernel allows.
    pub kernel: Kernel,
    /// The ports of this machine.
    pub ports: Ports,
    /// The server that runs here.
    pub server: Option<Answer>,
    /// TLS, where the server speaks it itself.
    pub tls: Option<Tls>,
    /// The name that people reach the server by.
    pub name: Option<Name>,
    /// The public address.
    pub public: Option<Public>,
    /// The ways of media.
    pub media: Media,
    /// The code of a page result, if one was asked for.
    pub code: Option<String>,
    /// That verdict.
    pub page: Option<CheckReport>,
}

/// The settings and how they fit together.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Browsers reach it under https.
    pub has_public_url: bool,
    /// It speaks TLS itself.
    pub speaks_tls: bool,
    /// It listens at an IPv4 address only.
    pub is_ipv4_alone: bool,
    /// Other machines reach the address that it listens on.
    pub is_open: bool,
    /// Somebody's X-Forwarded-For is believed.
    pub trusts_proxy: bool,
    /// Every address that media is announced at is a loopback address.
    pub media_is_local: bool,
    /// Every address that media is announced at is one of a private network.
    pub media_is_private: bool,
    /// An address to which a NAT is said to lead, and which this machine does not have.
    pub media_is_elsewhere: Option<IpAddr>,
    /// The media port is any free one.
    pub media_port_is_random: bool,
    /// Limits of use are off.
    pub is_unlimited: bool,
}

/// The folder of the data.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// As it is set.
    pub path: String,
    /// Its permissions. None if it does not exist.
    pub mode: Option<u32>,
    /// Why it cannot be written, in the words of the system.
    pub unwritable: Option<String>,
    /// Bytes that are free to this user.
    pub free_bytes: Option<u64>,
    /// The files with a secret of the server's own or of the relays that others can read or change.
    pub exposed: Vec<String>,
}

/// The database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Database {
    /// Not there yet, and the server makes it.
    #[default]
    NotMade,
    /// It answers.
    Reached {
        /// The number of missing migrations.
        missing: usize,
    },
    /// It does not.
    Failed(String),
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// The clock shows a day before this version was made.
    pub is_in_the_past: bool,
    /// By how many milliseconds the file system of the folder is ahead.
    pub folder_ahead_ms: Option<i64>,
    /// By how many milliseconds the server at the public address is ahead.
    pub public_ahead_ms: Option<i64>,
}

/// What the kernel allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kernel {
    /// Bytes of the largest receive buffer (`net.core.rmem_max`).
    pub receive_max: Option<u64>,
    /// Bytes of the largest send buffer (`net.core.wmem_max`).
    pub send_max: Option<u64>,
    /// Bytes that the server asks for.
    pub wanted: u64,
    /// Open files that this process may have.
    pub files: Option<u64>,
    /// Open files that the settings may need.
    pub files_needed: u64,
}

/// How a port is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Port {
    /// The settings name none.
    #[default]
    Any,
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Taken,
    /// Only root, or a service with that capability, may bind it.
    Privileged,
    /// The address is not one of this machine.
    NotHere,
    /// Something else, in the system's words.
    Failed(String),
}

/// The ports that the settings name.
#[derive(Debug, Clone, Default)]
pub struct Ports {
    /// The configured address of the page.
    pub listen_name: String,
    /// How it is.
    pub listen: Port,
    /// The number of the media port.
    pub media_number: u16,
    /// How it is, for UDP.
    pub media: Port,
}

/// An answer to a request over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The version, where a Meeting answers.
    pub version: Option<String>,
    /// The faults that a Meeting server reports.
    pub reasons: Vec<String>,
}

/// TLS that the server speaks itself.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Where the certificate comes from.
    pub source: Source,
    /// What is on the disk.
    pub stored: Stored,
    /// The file of the private key.
    pub key: String,
    /// Its permissions.
    pub key_mode: Option<u32>,
    /// Whether the running server shows the certificate on the disk. None if that is unknown.
    pub is_shown: Option<bool>,
    /// The port that redirects http to https, if any.
    pub redirect: Option<Redirect>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An authority gives it.
    Authority,
    /// Somebody else writes it.
    Files,
    /// The server makes it.
    Own,
}

/// A certificate and its key on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// There is none yet.
    Missing,
    /// This user may not read it. In the words of the system.
    Forbidden(String),
    /// It is no usable pair, and why.
    Unusable(String),
    /// It is a pair.
    Pair(Pair),
}

/// A certificate with its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    /// Whole days until it expires. Negative if it has expired.
    pub days_left: i64,
    /// Its time has not begun.
    pub is_early: bool,
    /// It should have been renewed.
    pub is_late: bool,
    /// The name of the server, if the certificate lacks it.
    pub lacks: Option<String>,
    /// It names itself as its own authority.
    pub is_self_signed: bool,
}

/// The port that redirects http to https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Its number.
    pub port: u16,
    /// How it is.
    pub how: Port,
    /// What it answers while the server runs.
    pub leads: Leads,
}

/// Where the port for http leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// To the server's https address.
    Here,
    /// Somewhere else, with this status.
    Elsewhere(u16),
    /// Nobody answers.
    Nowhere,
}

/// The name of the public address, and its addresses.
#[derive(Debug, Clone)]
pub struct Name {
    /// The name.
    pub host: String,
    /// Its addresses, or why there are none, in the words of the system.
    pub addresses: Result<Vec<IpAddr>, String>,
    /// How many of them belong to this machine or to the media settings.
    pub ours: usize,
}

/// Observations at the public address.
#[derive(Debug, Clone, Default)]
pub struct Public {
    /// As it is set.
    pub url: String,
    /// Why the connection failed, in the words of the system.
    pub unreachable: Option<String>,
    /// The certificate; none without TLS.
    pub certificate: Option<Certificate>,
    /// The answer to `/healthz`.
    pub health: Option<Answer>,
    /// What the proxy told the server.
    pub via: Option<Via>,
    /// How the handshake of a WebSocket went.
    pub socket: Option<Socket>,
    /// How long an idle socket stayed open, if that was asked for.
    pub rest: Option<Rest>,
}

/// The certificate that is shown at the public address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whole days until it expires. Negative if it has expired.
    pub days_left: Option<i64>,
    /// Why browsers refuse it.
    pub refused: Option<Refused>,
    /// Itself.
    pub bytes: Vec<u8>,
}

/// Why browsers refuse a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its time is over, or has not begun.
    Time,
    /// It is for another name.
    Name,
    /// No authority known to browsers has signed it, or a part of its chain is missing.
    Issuer,
    /// Something else.
    Other,
}

/// What the server saw of a request: `/check/via`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Via {
    /// There was an X-Forwarded-For.
    pub forwarded: bool,
    /// It came from one of `--trusted-proxy`.
    pub trusted: bool,
}

/// How the handshake of a WebSocket went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// It opened, and the server's first word came.
    Opened,
    /// It opened, and nothing came.
    Silent,
    /// The answer was another one than 101.
    Refused(u16),
    /// No answer came.
    Failed,
}

/// How an idle socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It was still open after so many seconds.
    Held(u64),
    /// Somebody closed it after so many seconds.
    Cut(u64),
}

/// How one way went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Went {
    /// An authentic answer came.
    Answered,
    /// None came.
    Silent,
    /// It was refused, in the words of the other side.
    Refused(String),
    /// Browsers do not use it, because they refuse its certificate.
    Distrusted,
}

/// The ways of media that the running server offers.
#[derive(Debug, Clone, Default)]
pub struct Media {
    /// Why the server was not asked. None if it was.
    pub not_asked: Option<String>,
    /// Each offered way, and its result.
    pub ways: Vec<(WayName, Went)>,
}
