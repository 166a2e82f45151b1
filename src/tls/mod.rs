//! TLS: the certificate that the server shows, where it comes from, and how it stays valid.
//!
//! Owns certificates and keys on disk and in memory. It knows nothing of the traffic inside. `http` asks [`Tls`] for
//! what a handshake needs, and `app` runs [`Tls::keep`]. Read on in [`acme`] for certificates of an authority, in
//! [`files`] for those that another program writes, in [`own`] for self-signed ones, and in [`stored`] for code that
//! only looks at them.

mod acme;
mod files;
mod own;
mod private;
mod show;
pub mod stored;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring as suite;

use crate::config::{Certificate, TlsConfig};
use acme::Authority;
use files::Files;
use own::Own;
use show::Shown;

/// HTTP/2 first: it loads the page with one connection. Browsers open WebSockets with HTTP/1.1 by themselves.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// The protocol name of the challenge of an authority (RFC 8737 §6.2).
const PROOF_PROTOCOL: &[u8] = b"acme-tls/1";

/// The TLS of this server. Clones share it.
#[derive(Clone)]
pub struct Tls {
    talk: Arc<ServerConfig>,
    proof: Arc<ServerConfig>,
    shown: Arc<Shown>,
    source: Arc<Source>,
    again: Arc<Notify>,
}

enum Source {
    Authority(Authority),
    Files(Files),
    Own(Own),
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key cannot be read or written.
    #[error("{0}: {1}")]
    File(String, #[source] std::io::Error),
    /// There is something else in the file.
    #[error("{0} holds {1}")]
    Content(String, &'static str),
    /// The key does not belong to the certificate.
    #[error("the private key is not the certificate's")]
    Mismatch,
    /// The library refuses it.
    #[error("the certificate cannot be used: {0}")]
    Unusable(String),
}

impl Tls {
    /// Starts TLS as `config` says. None without TLS. Certificates are stored below `data`. A self-signed one also
    /// names `addresses`.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn start(
        config: &TlsConfig,
        data: &Path,
        addresses: &[IpAddr],
    ) -> Result<Option<Self>, TlsError> {
        let Some(certificate) = &config.certificate else {
            return Ok(None);
        };
        let folder = folder(data);
        let domain = config.domain.as_ref().map(|domain| domain.as_str());
        let (source, shown) = match certificate {
            Certificate::Acme(acme) => {
                let meanwhile = own::make(&own::names(domain, &[]))?.certified()?;
                let authority = Authority::new(acme.clone(), folder)?;
                (Source::Authority(authority), Shown::until_given(meanwhile))
            }
            Certificate::Files { certificate, key } => {
                let files = Files::new(certificate, key);
                let shown = Shown::given(files.load()?);
                (Source::Files(files), shown)
            }
            Certificate::SelfSigned => {
                let own = Own::new(folder, own::names(domain, addresses));
                let shown = Shown::own(own.load_or_make()?);
                (Source::Own(own), shown)
            }
        };
        let shown = Arc::new(shown);
        Ok(Some(Self {
            talk: server(&shown, &PROTOCOLS)?,
            proof: server(&shown, &[PROOF_PROTOCOL])?,
            shown,
            source: Arc::new(source),
            again: Arc::default(),
        }))
    }

    /// For clients.
    pub fn talk(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.talk)
    }

    /// The configuration for the challenge of an authority (RFC 8737) only. None without an authority.
    pub fn proof(&self) -> Option<Arc<ServerConfig>> {
        matches!(&*self.source, Source::Authority(_)).then(|| Arc::clone(&self.proof))
    }

    /// Whether browsers trust the current certificate. Only then may they be told to use https only (RFC 6797).
    pub fn is_trusted(&self) -> bool {
        self.shown.is_trusted()
    }

    /// Whether another program writes the certificate. Then a signal may mean that there is a new one.
    pub fn is_from_files(&self) -> bool {
        matches!(&*self.source, Source::Files(_))
    }

    /// The certificate is to be read again, now.
    pub fn reload(&self) {
        self.again.notify_one();
    }

    /// Keeps the certificate valid while it is awaited.
    pub async fn keep(self) {
        match &*self.source {
            Source::Authority(authority) => authority.keep(&self.shown).await,
            Source::Files(files) => files.keep(&self.shown, &self.again).await,
            Source::Own(own) => own.keep(&self.shown).await,
        }
    }
}

/// Where the server keeps its own.
fn folder(data: &Path) -> PathBuf {
    data.join("tls")
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(suite::default_provider())
}

fn server(shown: &Arc<Shown>, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
    let unusable = |error: tokio_rustls::rustls::Error| TlsError::Unusable(error.to_string());
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::<Shown>::clone(shown));
    server.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // A returning client resumes without a signature, and the server stores nothing for it (RFC 8446 §2.2).
    server.ticketer = suite::Ticketer::new().map_err(unusable)?;
    Ok(Arc::new(server))
}
