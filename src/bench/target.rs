//! Which server is loaded, and whether it may be: one of our own, one on this machine, or one whose owner agrees.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::BenchError;
use super::process::is_here;

/// A debug build on a busy machine takes some seconds to start.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// What the server says when it can be reached.
const ANNOUNCEMENT: &str = "listening on ";
/// Sockets of the server's that are not a person's.
const SPARE_SOCKETS: usize = 64;

/// Which server is loaded.
#[derive(Debug, Clone)]
pub enum Server {
    /// One of this run's own, on loopback, in a folder that is thrown away.
    Own {
        /// How many media threads it has.
        media_threads: usize,
        /// A command that it is started through, such as `taskset -c 0`.
        through: Vec<String>,
    },
    /// One that runs already.
    Running {
        /// `http://HOST:PORT[/PATH]`.
        url: String,
        /// Its process, if it is on this machine and its processor and memory are to be measured.
        process: Option<u32>,
        /// Its owner agrees. Without this only this machine is loaded.
        consent: bool,
    },
}

/// A server that can be reached.
pub(super) struct Target {
    pub address: SocketAddr,
    /// The URL of its WebSocket.
    pub url: String,
    pub process: Option<u32>,
    pub consent: Consent,
    /// Ends with this.
    _own: Option<OwnServer>,
}

impl Target {
    /// Finds the server, or starts one for so many people.
    pub async fn reach(server: &Server, people: usize) -> Result<Self, BenchError> {
        match server {
            Server::Own {
                media_threads,
                through,
            } => {
                let own = OwnServer::start(*media_threads, through, people)?;
                own.announced().await
            }
            Server::Running {
                url,
                process,
                consent,
            } => {
                let (authority, path) = split(url)?;
                let refused = || BenchError::Target(format!("{url} names no server"));
                let address = authority
                    .to_socket_addrs()
                    .ok()
                    .and_then(|mut addresses| addresses.next())
                    .ok_or_else(refused)?;
                if !consent && !is_here(address) {
                    return Err(BenchError::Consent(authority.to_owned()));
                }
                Ok(Self {
                    address,
                    url: format!("ws://{authority}{path}/ws"),
                    process: *process,
                    consent: Consent(*consent),
                    _own: None,
                })
            }
        }
    }

    /// The path of its WebSocket.
    pub fn path(&self) -> &str {
        let rest = self.url.trim_start_matches("ws://");
        rest.find('/').map_or("/", |at| &rest[at..])
    }
}

/// Whether the owner of another machine agrees that it is loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent(pub bool);

impl Consent {
    /// Those of the server's media addresses that may be loaded. A server on this machine must not point the load at
    /// another.
    pub fn permitted(self, candidates: &[SocketAddr]) -> Vec<SocketAddr> {
        let candidates = candidates.iter().copied();
        candidates
            .filter(|candidate| self.0 || is_here(*candidate))
            .collect()
    }
}

/// The `HOST:PORT` and the path of a URL.
fn split(url: &str) -> Result<(&str, &str), BenchError> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("ws://"))
        .ok_or_else(|| {
            BenchError::Target(format!(
                "{url} does not begin with http://; a server behind TLS is loaded at the address behind its proxy"
            ))
        })?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Ok((authority, path.trim_end_matches('/')))
}

/// A server in a process of its own, with a folder of its own. Both go when this is dropped.
struct OwnServer {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    folder: PathBuf,
}

impl OwnServer {
    fn start(media_threads: usize, through: &[String], people: usize) -> Result<Self, BenchError> {
        let name = format!(
            "meeting-bench-{}-{:08x}",
            std::process::id(),
            rand::random::<u32>()
        );
        let folder = std::env::temp_dir().join(name);
        let mut line = through
            .iter()
            .map(Into::into)
            .collect::<Vec<std::ffi::OsString>>();
        line.push(std::env::current_exe()?.into());
        let (program, before) = line
            .split_first()
            .ok_or_else(|| BenchError::Target("there is nothing to start".to_owned()))?;
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("MEETING_") {
                command.env_remove(variable);
            }
        }
        command
            .args(before)
            .args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--media-ip", "127.0.0.1", "--media-port", "0"]);
        command.args(["--no-rate-limit", "--guests", "--registration", "open"]);
        command.args(["--log", "error"]);
        command.args(["--media-threads", &media_threads.to_string()]);
        command.args(["--max-sockets", &(people + SPARE_SOCKETS).to_string()]);
        command.arg("--data-dir").arg(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().map_err(BenchError::Start)?;
        let mut own = Self {
            child,
            stdout: None,
            folder,
        };
        own.stdout = own.child.stdout.take().map(BufReader::new);
        Ok(own)
    }

    /// Waits until it can be reached.
    async fn announced(mut self) -> Result<Target, BenchError> {
        let stdout = self.stdout.take();
        let read = tokio::task::spawn_blocking(move || {
            let mut stdout = stdout?;
            let mut line = String::new();
            stdout.read_line(&mut line).ok()?;
            Some((stdout, line))
        });
        let silent = || BenchError::Target("the server did not start".to_owned());
        let read = tokio::time::timeout(STARTS_WITHIN, read).await;
        let Ok(Ok(Some((stdout, line)))) = read else {
            return Err(silent());
        };
        // Held, so that the server may write on.
        self.stdout = Some(stdout);
        let url = line
            .trim_end()
            .strip_prefix(ANNOUNCEMENT)
            .ok_or_else(silent)?;
        let (authority, _) = split(url)?;
        Ok(Target {
            address: authority.parse().map_err(|_| silent())?,
            url: format!("ws://{authority}/ws"),
            process: Some(self.child.id()),
            consent: Consent(false),
            _own: Some(self),
        })
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It has nothing to keep.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split() {
        let split = |url| split(url).ok();
        assert_eq!(split("http://h:1"), Some(("h:1", "")));
        assert_eq!(split("ws://h:1/a/b/"), Some(("h:1", "/a/b")));
        assert_eq!(split("https://h"), None);
    }

    #[test]
    fn a_server_here_does_not_point_the_load_elsewhere() {
        let here = SocketAddr::from(([127, 0, 0, 1], 9));
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 9));
        assert_eq!(Consent(false).permitted(&[here, elsewhere]), [here]);
        assert_eq!(Consent(true).permitted(&[here, elsewhere]).len(), 2);
    }

    #[tokio::test]
    async fn another_machine_takes_consent() {
        let running = |consent| Server::Running {
            url: "http://192.0.2.1:8080".to_owned(),
            process: None,
            consent,
        };
        let refused = Target::reach(&running(false), 1).await;
        assert!(matches!(refused, Err(BenchError::Consent(_))));
        assert!(Target::reach(&running(true), 1).await.is_ok());
    }
}
