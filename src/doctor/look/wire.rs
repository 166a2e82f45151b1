//! Connections to an HTTP server, with and without TLS: requests with their answers, and a WebSocket.
//!
//! A certificate that browsers refuse is noted, and the connection goes on. So one finding does not hide the next.
//! Nothing secret is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::doctor::seen::{Certificate, Refused};

/// A server that takes longer counts as not answering.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(8);
/// An answer of ours is shorter.
const MOST_BYTES: usize = 64 * 1_024;

/// A stream of bytes, in TLS or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where to connect to.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `host:port`, to be looked up.
    pub authority: String,
    /// The name for the certificate. None without TLS.
    pub tls: Option<String>,
}

/// A connection, and the certificate that was shown.
pub(super) struct Connected {
    pub stream: Box<dyn Stream>,
    pub certificate: Option<Certificate>,
}

pub(super) async fn connect(place: &Place) -> Result<Connected, String> {
    in_time(async {
        let stream = TcpStream::connect(&place.authority).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let Some(name) = &place.tls else {
            return Ok(Connected {
                stream: Box::new(stream),
                certificate: None,
            });
        };
        let shown = Arc::new(Mutex::new(Certificate::default()));
        let config = client_config(Arc::clone(&shown)).map_err(|error| error.to_string())?;
        let name = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        let stream = stream.map_err(|error| format!("TLS: {error}"))?;
        let certificate = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Connected {
            stream: Box::new(stream),
            certificate: Some(certificate),
        })
    })
    .await
}

/// Bounds what is awaited.
pub(super) async fn in_time<T>(
    coming: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let late = || Err("no answer came in time".to_owned());
    tokio::time::timeout(ANSWERS_WITHIN, coming)
        .await
        .unwrap_or_else(|_| late())
}

/// An answer over HTTP/1.1.
pub(super) struct Answered {
    pub status: u16,
    pub date: Option<SystemTime>,
    pub location: Option<String>,
    pub body: String,
}

/// Requests a path on a new connection.
pub(super) async fn get(
    place: &Place,
    host: &str,
    path: &str,
) -> Result<(Answered, Option<Certificate>), String> {
    let Connected {
        mut stream,
        certificate,
    } = connect(place).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: meeting-doctor\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    );
    let read = in_time(async {
        let sent = stream.write_all(request.as_bytes()).await;
        sent.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        // A TLS connection may end without its closing message, and a proxy may leave it open.
        while !is_whole(&bytes) && bytes.len() < MOST_BYTES {
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        Ok(bytes)
    });
    let bytes = read.await?;
    let answered = parse(&bytes).ok_or("the answer is not HTTP")?;
    Ok((answered, certificate))
}

/// Whether the whole answer is there, by its head.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length
        .next()
        .and_then(|(_, value)| value.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn parse(bytes: &[u8]) -> Option<Answered> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let header = |wanted: &str| {
        let mut found = headers.iter();
        let found = found.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    };
    let date = header("date").and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
    Some(Answered {
        status: status.parse().ok()?,
        date: date.map(SystemTime::from),
        location: header("location").map(str::to_owned),
        body: body.to_owned(),
    })
}

fn client_config(shown: Arc<Mutex<Certificate>>) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let roots = Arc::new(RootCertStore::from_iter(
        webpki_roots::TLS_SERVER_ROOTS.iter().cloned(),
    ));
    let browsers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let witness = Arc::new(Witness { browsers, shown });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(witness)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Checks a certificate as browsers do and notes the result. The connection goes on in any case.
#[derive(Debug)]
struct Witness {
    browsers: Arc<WebPkiServerVerifier>,
    shown: Arc<Mutex<Certificate>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.browsers.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Certificate {
            days_left: days_left(end_entity, now),
            refused: verdict.err().map(|error| refused(&error)),
            bytes: end_entity.to_vec(),
        };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.browsers.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.browsers.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.browsers.supported_verify_schemes()
    }
}

fn refused(error: &Error) -> Refused {
    let Error::InvalidCertificate(why) = error else {
        return Refused::Other;
    };
    match why {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Refused::Time,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Refused::Name
        }
        CertificateError::UnknownIssuer => Refused::Issuer,
        _ => Refused::Other,
    }
}

fn days_left(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<i64> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let until = read.validity().not_after.timestamp();
    let now = i64::try_from(now.as_secs()).ok()?;
    Some((until - now).div_euclid(86_400))
}

/// The address of `host:port`, for datagrams.
pub(super) async fn look_up(authority: &str) -> Option<SocketAddr> {
    let found = tokio::time::timeout(ANSWERS_WITHIN, tokio::net::lookup_host(authority)).await;
    found.ok()?.ok()?.next()
}
