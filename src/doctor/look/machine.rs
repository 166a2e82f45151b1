//! This machine, seen without a running server.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::config::{Config, MediaAddress, RateLimits};
use crate::doctor::seen::{Clock, Database, Folder, Kernel, Port, Ports, Settings};
use crate::network::is_here;
use crate::secret_file::is_exposed;
use crate::store::{Store, StoreError};

/// The socket buffer that media asks the kernel for (`media::io`).
const MEDIA_BUFFER: u64 = 4 * 1_024 * 1_024;
/// Descriptors that belong to no WebSocket and no HTTP connection.
const OTHER_FILES: u64 = 256;
/// Begin of 2026, in seconds since the epoch: no version is older.
const MADE_AFTER: u64 = 1_767_225_600;
/// A database that takes longer is away.
const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn settings(config: &Config) -> Settings {
    let media = &config.media;
    let ips: Vec<IpAddr> = media
        .addresses
        .iter()
        .filter_map(MediaAddress::public)
        .collect();
    let all = |test: fn(IpAddr) -> bool| {
        ips.len() == media.addresses.len() && ips.iter().copied().all(test)
    };
    let mut private = media.addresses.iter().filter_map(MediaAddress::private);
    Settings {
        has_public_url: config.listen.public_url.is_some(),
        speaks_tls: config.tls.certificate.is_some(),
        is_ipv4_alone: config.listen.address.is_ipv4(),
        is_open: !config.listen.address.ip().to_canonical().is_loopback(),
        trusts_proxy: !config.listen.trusted_proxies.is_empty(),
        media_is_local: all(|ip| ip.is_loopback()),
        media_is_private: all(is_private),
        media_is_elsewhere: private.find(|ip| !is_here(*ip)),
        media_port_is_random: media.port == 0,
        is_unlimited: config.rate_limits == RateLimits::Off,
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

pub(super) fn folder(config: &Config) -> Folder {
    let path = &config.storage.data_dir;
    let mode = |path: &Path| {
        let permissions = fs::metadata(path).ok()?.permissions();
        Some(permissions.mode() & 0o7777)
    };
    let existing = existing(path);
    let free = rustix::fs::statvfs(&existing).ok();
    Folder {
        path: path.display().to_string(),
        mode: mode(path),
        unwritable: tempfile_in(&existing).err().map(|error| error.to_string()),
        free_bytes: free.map(|free| free.f_bavail.saturating_mul(free.f_frsize)),
        exposed: [
            Some(&config.auth.secret_file),
            config.relay.secret_file.as_ref(),
        ]
        .into_iter()
        .flatten()
        .filter(|path| mode(path).is_some_and(is_exposed))
        .map(|path| path.display().to_string())
        .collect(),
    }
}

/// The folder, or the nearest existing one above it.
fn existing(path: &Path) -> std::path::PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find(|path| path.exists());
    there.unwrap_or(Path::new("/")).to_owned()
}

/// The modification time that the file system gives to a new folder in this one. The folder is removed again.
fn tempfile_in(folder: &Path) -> std::io::Result<SystemTime> {
    let probe = folder.join(format!(".meeting-doctor-{}", std::process::id()));
    fs::create_dir(&probe)?;
    let made = fs::metadata(&probe).and_then(|probe| probe.modified());
    fs::remove_dir(&probe)?;
    made
}

pub(super) async fn database(config: &Config) -> Database {
    let url = config.storage.database_url.reveal();
    let looking = async {
        let store = Store::look(url).await?;
        let steps = store.migrations().await;
        store.close().await;
        steps
    };
    match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, looking).await {
        Err(_) => Database::Failed("no answer came within 10 s".to_owned()),
        Ok(Err(StoreError::File(error))) if error.kind() == ErrorKind::NotFound => {
            Database::NotMade
        }
        Ok(Err(error)) => Database::Failed(error.to_string()),
        Ok(Ok(steps)) => Database::Reached {
            missing: steps.iter().filter(|(_, is_taken)| !is_taken).count(),
        },
    }
}

pub(super) fn clock(config: &Config) -> Clock {
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let made = tempfile_in(&existing(&config.storage.data_dir)).ok();
    Clock {
        is_in_the_past: since.is_ok_and(|since| since.as_secs() < MADE_AFTER),
        folder_ahead_ms: made.map(|made| ahead_ms(made, now)),
        public_ahead_ms: None,
    }
}

/// By how many milliseconds a time is ahead of another.
pub(super) fn ahead_ms(time: SystemTime, of: SystemTime) -> i64 {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(of) {
        Ok(ahead) => millis(ahead),
        Err(behind) => -millis(behind.duration()),
    }
}

pub(super) fn kernel(config: &Config) -> Kernel {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/sys/net/core/{name}")).ok()?;
        text.trim().parse().ok()
    };
    let sockets = config.listen.max_sockets.get() as u64;
    let connections = crate::budgets::http::CONNECTIONS.most;
    Kernel {
        receive_max: number("rmem_max"),
        send_max: number("wmem_max"),
        wanted: MEDIA_BUFFER,
        files: rlimit::Resource::NOFILE.get_hard().ok(),
        files_needed: sockets
            .saturating_add(connections)
            .saturating_add(OTHER_FILES),
    }
}

pub(super) fn ports(config: &Config) -> Ports {
    let listen = config.listen.address;
    let media = config.media.port;
    Ports {
        listen_name: listen.to_string(),
        listen: match listen.port() {
            0 => Port::Any,
            _ => how(TcpListener::bind(listen).map(drop)),
        },
        media_number: media,
        media: match media {
            0 => Port::Any,
            port => how(UdpSocket::bind(SocketAddr::new([0, 0, 0, 0].into(), port)).map(drop)),
        },
    }
}

pub(super) fn how(bound: std::io::Result<()>) -> Port {
    match bound {
        Ok(()) => Port::Free,
        Err(error) => match error.kind() {
            ErrorKind::AddrInUse => Port::Taken,
            ErrorKind::PermissionDenied => Port::Privileged,
            ErrorKind::AddrNotAvailable => Port::NotHere,
            _ => Port::Failed(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;
    use crate::config::Key;

    #[test]
    fn a_port_is_free_taken_or_not_ours() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap();
        let seen = |listen: &str| ports(&config(&[(Key::Listen, listen)])).listen;
        assert_eq!(seen(&address.to_string()), Port::Taken);
        assert_eq!(seen("127.0.0.1:0"), Port::Any);
        assert_eq!(seen("192.0.2.1:8080"), Port::NotHere);
        drop(held);
        assert_eq!(seen(&address.to_string()), Port::Free);
    }

    #[test]
    fn a_private_address_that_this_machine_does_not_have_is_seen() {
        let seen = |media: &str| settings(&config(&[(Key::MediaIp, media)]));
        assert_eq!(seen("203.0.113.7/127.0.0.1").media_is_elsewhere, None);
        // What is announced is the public one.
        assert!(!seen("203.0.113.7/127.0.0.1").media_is_private);
        assert_eq!(seen("203.0.113.7").media_is_elsewhere, None);
        let strange = seen("203.0.113.7/192.0.2.1").media_is_elsewhere;
        assert_eq!(strange, Some([192, 0, 2, 1].into()));
    }

    #[test]
    fn a_folder_is_seen_as_it_is_and_left_as_it_was() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let config = config(&[(Key::DataDir, path.to_str().unwrap())]);
        let seen = folder(&config);
        assert_eq!((seen.mode, &seen.unwritable), (None, &None));
        assert!(seen.free_bytes.is_some_and(|free| free > 0));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(folder(&config).mode, Some(0o750));
        assert!(
            clock(&config)
                .folder_ahead_ms
                .is_some_and(|ahead| ahead.abs() < 10_000)
        );
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_database_is_looked_at_and_not_made() {
        let parent = tempfile::tempdir().unwrap();
        let config = config(&[(Key::DataDir, parent.path().to_str().unwrap())]);
        assert_eq!(database(&config).await, Database::NotMade);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        let store = Store::open_beside(config.storage.database_url.reveal(), 1).await;
        store.unwrap().close().await;
        assert_eq!(database(&config).await, Database::Reached { missing: 0 });
        fs::write(parent.path().join("meeting.sqlite"), "no database").unwrap();
        assert!(matches!(database(&config).await, Database::Failed(_)));
    }
}
