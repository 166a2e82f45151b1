//! The door of the shared port: the first bytes of a connection tell what it speaks, in TLS and outside.
//!
//! Each step has a limit in time and in bytes, and the connection holds its place meanwhile. A client that is silent,
//! slow or sends nonsense costs a place of its own network for a few seconds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use super::connections::Held;
use super::handshakes::Handshakes;
use super::kind::{ENOUGH, Kind, classify};
use super::other::{BoxedStream, OtherStreams, Way};
use super::prefixed::Prefixed;
use crate::network::Network;
use crate::tls::Tls;

/// The first bytes must arrive within this time. The handshake of TLS gets the same time again.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// The most that TLS buffers of answers that a client does not read, beside the buffer of the system.
const UNSENT_BYTES: usize = 16 * 1_024;
/// The name of HTTP/2 in a handshake (RFC 9113 §3.2).
const HTTP_2: &[u8] = b"h2";

/// Who serves a port. Clones share it.
#[derive(Clone)]
pub struct Door {
    tls: Option<Tls>,
    others: Option<Arc<dyn OtherStreams>>,
    handshakes: Handshakes,
}

/// A connection that speaks HTTP.
pub(super) struct Visitor {
    pub(super) stream: BoxedStream,
    pub(super) manner: Manner,
}

/// How a connection speaks HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) version: Version,
    /// None outside of TLS.
    pub(super) secured: Option<Secured>,
    /// The connection is without TLS, on a port that speaks TLS.
    pub(super) is_exposed: bool,
}

impl Manner {
    const PLAIN: Self = Self {
        version: Version::One,
        secured: None,
        is_exposed: false,
    };
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.1 or 1.0.
    One,
    /// HTTP/2, agreed on in the handshake.
    Two,
}

/// Marks a request that came in TLS. [`serve`](super::serve()) adds it to each one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured {
    /// Whether browsers trust the certificate that was shown.
    pub is_trusted: bool,
}

/// Why a connection goes no further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unheard {
    #[error("it did not tell in time what it speaks")]
    TooLate,
    #[error("it ended before it told what it speaks")]
    Ended(#[from] std::io::Error),
    #[error("its network makes too many handshakes")]
    TooMany,
    #[error("it speaks TLS inside TLS")]
    Twice,
}

impl Door {
    /// Nothing but HTTP.
    pub fn plain() -> Self {
        Self {
            tls: None,
            others: None,
            handshakes: Handshakes::unlimited(),
        }
    }

    /// HTTP, with or without TLS, and the other streams.
    pub fn shared(tls: Option<Tls>, others: Arc<dyn OtherStreams>, handshakes: Handshakes) -> Self {
        Self {
            tls,
            others: Some(others),
            handshakes,
        }
    }

    /// Finds out what the connection speaks. None if it was no HTTP and was handed on.
    pub(super) async fn open(
        &self,
        mut stream: TcpStream,
        remote: SocketAddr,
        held: &Held,
    ) -> Result<Option<Visitor>, Unheard> {
        let Some(others) = &self.others else {
            return Ok(Some(Visitor {
                stream: Box::new(stream),
                manner: Manner::PLAIN,
            }));
        };
        let way = Way {
            local: stream.local_addr()?,
            remote,
            tls: false,
        };
        let (first, kind) = hear(&mut stream).await?;
        held.place.moved();
        match (kind, &self.tls) {
            (Kind::Tls, Some(tls)) => {
                let stream = Prefixed::new(first, stream);
                let agreed = self.handshake(tls, stream, Network::of(remote.ip()));
                let Some(stream) = in_time(agreed).await? else {
                    return Ok(None);
                };
                held.place.moved();
                self.inside(stream, way, held, tls.is_trusted()).await
            }
            (Kind::IceTcp, _) => {
                others.media(Box::new(stream), first, way, held.clone());
                Ok(None)
            }
            (Kind::Turn, _) => {
                others.turn(Box::new(stream), first, way, held.clone());
                Ok(None)
            }
            (Kind::Http, Some(_)) => {
                let manner = Manner {
                    is_exposed: true,
                    ..Manner::PLAIN
                };
                Ok(Some(Visitor::new(first, stream, manner)))
            }
            // For TLS on a port without it, the HTTP library refuses clearly enough.
            (Kind::Http | Kind::Tls, None) => Ok(Some(Visitor::new(first, stream, Manner::PLAIN))),
        }
    }

    /// Does the TLS handshake. None if it was the check of a certificate authority.
    async fn handshake(
        &self,
        tls: &Tls,
        stream: Prefixed<TcpStream>,
        network: Network,
    ) -> Result<Option<TlsStream<Prefixed<TcpStream>>>, Unheard> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        // From here on it costs a signature.
        let _turn = self.handshakes.wait(network).await?;
        if let Some(proof) = tls.proof()
            && rustls_acme::is_tls_alpn_challenge(&hello.client_hello())
        {
            hello.into_stream(proof).await?.shutdown().await?;
            return Ok(None);
        }
        let mut stream = hello.into_stream(tls.talk()).await?;
        stream.get_mut().1.set_buffer_limit(Some(UNSENT_BYTES));
        Ok(Some(stream))
    }

    /// Finds out what is spoken inside TLS.
    async fn inside(
        &self,
        mut stream: TlsStream<Prefixed<TcpStream>>,
        way: Way,
        held: &Held,
        is_trusted: bool,
    ) -> Result<Option<Visitor>, Unheard> {
        let Some(others) = &self.others else {
            return Ok(None);
        };
        let manner = Manner {
            secured: Some(Secured { is_trusted }),
            ..Manner::PLAIN
        };
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            return Ok(Some(Visitor {
                stream: Box::new(stream),
                manner: Manner {
                    version: Version::Two,
                    ..manner
                },
            }));
        }
        let (first, kind) = hear(&mut stream).await?;
        let way = Way { tls: true, ..way };
        match kind {
            Kind::IceTcp => others.media(Box::new(stream), first, way, held.clone()),
            Kind::Turn => others.turn(Box::new(stream), first, way, held.clone()),
            Kind::Tls => return Err(Unheard::Twice),
            Kind::Http => return Ok(Some(Visitor::new(first, stream, manner))),
        }
        Ok(None)
    }
}

impl Visitor {
    fn new<S>(first: Bytes, stream: S, manner: Manner) -> Self
    where
        Prefixed<S>: super::other::Duplex + 'static,
    {
        Self {
            stream: Box::new(Prefixed::new(first, stream)),
            manner,
        }
    }
}

async fn in_time<T>(step: impl Future<Output = Result<T, Unheard>>) -> Result<T, Unheard> {
    let done = tokio::time::timeout(TOLD_WITHIN, step).await;
    done.map_err(|_| Unheard::TooLate)?
}

/// Reads until it is clear what the connection speaks.
async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Result<(Bytes, Kind), Unheard> {
    in_time(async {
        let mut first = BytesMut::with_capacity(ENOUGH);
        loop {
            if let Some(kind) = classify(&first) {
                return Ok((first.freeze(), kind));
            }
            let left = ENOUGH - first.len();
            let mut part = [0; ENOUGH];
            let count = stream.read(&mut part[..left]).await?;
            if count == 0 {
                let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                return Err(Unheard::Ended(ended));
            }
            first.extend_from_slice(&part[..count]);
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_show_its_protocol_in_time_is_closed() {
        let (mut client, mut server) = duplex(64);
        let began = Instant::now();
        let trickling = tokio::spawn(async move {
            // A byte at a time of what could still be media.
            for byte in [0, 100, 0, 1, 0, 80, 0x21] {
                client.write_all(&[byte]).await.unwrap();
                tokio::time::sleep(TOLD_WITHIN / 5).await;
            }
            client
        });
        let outcome = hear(&mut server).await;
        assert!(matches!(outcome, Err(Unheard::TooLate)));
        assert_eq!(began.elapsed(), TOLD_WITHIN);
        trickling.abort();
    }

    #[tokio::test]
    async fn what_was_read_to_tell_is_handed_on() {
        let (mut client, mut server) = duplex(64);
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let (first, kind) = hear(&mut server).await.unwrap();
        assert_eq!(kind, Kind::Http);
        let mut whole = Prefixed::new(first, server);
        let mut text = [0; 16];
        whole.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"GET / HTTP/1.1\r\n");
        drop(client);
        assert_eq!(whole.read(&mut text).await.unwrap(), 0);
    }
}
