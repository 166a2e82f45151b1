//! Clients of TLS: with any trust, with HTTP/1.1, with HTTP/2, and with frames of HTTP/2 as bytes.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;

use super::super::support::soon;

pub type Stream = TlsStream<TcpStream>;

/// Whom a client believes.
pub enum Roots {
    /// Anybody, as a person does who has looked.
    Any,
    /// This authority, and for this server's name alone.
    Of(CertificateDer<'static>),
}

pub async fn connect(address: SocketAddr, roots: Roots, protocols: &[&[u8]]) -> Stream {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = match roots {
        Roots::Any => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(ring::default_provider())))
            .with_no_client_auth(),
        Roots::Of(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root).unwrap();
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = soon(TcpStream::connect(address)).await.unwrap();
    let name = ServerName::try_from("meet.example.org").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    soon(connecting).await.unwrap()
}

/// The whole answer of HTTP/1.1.
pub async fn get(mut stream: Stream, path: &str) -> String {
    let asked =
        format!("GET {path} HTTP/1.1\r\nHost: meet.example.org\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

pub type Two = http2::SendRequest<Body>;

/// A connection of HTTP/2.
pub async fn two(address: SocketAddr) -> Two {
    let stream = connect(address, Roots::Any, &[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (asking, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    asking
}

/// The status and the length of the body.
pub async fn get_two(two: &mut Two, path: &str) -> (u16, usize) {
    let request = hyper::Request::get(format!("https://meet.example.org{path}"))
        .body(Body::empty())
        .unwrap();
    let answer = soon(two.send_request(request)).await.unwrap();
    let status = answer.status().as_u16();
    let mut body = std::pin::pin!(answer.into_body());
    let mut length = 0;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        length += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    (status, length)
}

/// What a page of `origin` opens a WebSocket with.
pub fn opening(address: SocketAddr, origin: &str) -> Request {
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse().unwrap());
    headers.insert("sec-websocket-protocol", "meeting.v1".parse().unwrap());
    request
}

/// The answer to something said in the clear, until the server has closed.
pub async fn clear(address: SocketAddr, said: &str) -> String {
    let mut stream = soon(TcpStream::connect(address)).await.unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

/// What a client of HTTP/2 begins with: the preface and empty settings (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// A frame (RFC 9113 §4.1).
pub struct Frame {
    pub kind: u8,
    pub payload: Vec<u8>,
}

pub async fn frame(stream: &mut Stream) -> Frame {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    Frame {
        kind: head[3],
        payload,
    }
}

/// A request for / and its end at once: HEADERS and RST_STREAM.
pub fn ask_and_take_back(id: u32) -> Vec<u8> {
    let id = id.to_be_bytes();
    // GET, /, https from the static table, and an authority (RFC 7541 §6).
    let block = [0x82, 0x84, 0x87, 0x41, 1, b'x'];
    let mut frames = vec![0, 0, 6, 1, 5];
    frames.extend(id);
    frames.extend(block);
    frames.extend([0, 0, 4, 3, 0]);
    frames.extend(id);
    frames.extend(8_u32.to_be_bytes());
    frames
}

/// A certificate of an authority of our own in files, and how to renew it.
pub struct Files {
    folder: TempDir,
    root: CertificateDer<'static>,
    root_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

pub fn certificate_files(name: &str) -> Files {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "an authority for tests");
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap();
    let files = Files {
        folder: tempfile::tempdir().unwrap(),
        root: root.der().clone(),
        root_pem: root.pem(),
        issuer: Issuer::new(params, key),
    };
    files.renew(name);
    files
}

impl Files {
    /// Another certificate with another key.
    pub fn renew(&self, name: &str) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let [path, key_path] = self.both();
        std::fs::write(path, padded(certificate.pem())).unwrap();
        std::fs::write(&key_path, padded(key.serialize_pem())).unwrap();
        std::fs::set_permissions(key_path, Permissions::from_mode(0o600)).unwrap();
    }

    /// The same in files that nobody sees to have changed: they have the same numbers, lengths and times.
    pub fn renew_unseen(&self, name: &str) {
        let before = self
            .both()
            .map(|path| path.metadata().unwrap().modified().unwrap());
        self.renew(name);
        for (path, modified) in self.both().iter().zip(before) {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(modified).unwrap();
        }
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    pub fn paths(&self) -> (String, String) {
        let [certificate, key] = self.both().map(|path| path.to_str().unwrap().to_owned());
        (certificate, key)
    }

    fn both(&self) -> [PathBuf; 2] {
        ["certificate.pem", "key.pem"].map(|name| self.folder.path().join(name))
    }
}

/// Signatures differ in length by a byte or two.
fn padded(mut pem: String) -> String {
    const LENGTH: usize = 2_048;
    pem.extend(std::iter::repeat_n('\n', LENGTH - pem.len()));
    pem
}

#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
