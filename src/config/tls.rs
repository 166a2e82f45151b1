//! The settings of TLS: where the certificate comes from, and which settings exclude each other.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use super::key::Key;
use super::settings::{Settings, wrong};
use super::value::{HostName, PublicUrl, parse_path, parse_port, parse_switch};
use super::{ConfigError, ListenConfig};

/// Where certificates are asked for unless told otherwise.
pub(super) const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The port of https (RFC 9110 §4.2.2).
pub(super) const HTTPS_PORT: u16 = 443;

/// The port of http (RFC 9110 §4.2.1).
const HTTP_PORT: u16 = 80;

/// Whether TLS is spoken, and with which certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// None if the server does not speak TLS: on loopback, or behind a proxy.
    pub certificate: Option<Certificate>,
    /// The name of the server, if it was given.
    pub domain: Option<HostName>,
    /// The port that redirects http. None if there is none.
    pub redirect: Option<Redirect>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// A certificate authority issues and renews it (RFC 8555).
    Acme(Acme),
    /// Somebody else puts it into files.
    Files {
        /// The certificate with the intermediate ones, in PEM.
        certificate: PathBuf,
        /// Its private key, in PEM.
        key: PathBuf,
    },
    /// The server makes it itself.
    SelfSigned,
}

impl TlsConfig {
    /// The settings of ACME, if it is used.
    pub fn acme(&self) -> Option<&Acme> {
        match &self.certificate {
            Some(Certificate::Acme(acme)) => Some(acme),
            Some(Certificate::Files { .. } | Certificate::SelfSigned) | None => None,
        }
    }

    /// The files of the certificate and the key, if another program writes them.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        match &self.certificate {
            Some(Certificate::Files { certificate, key }) => Some((certificate, key)),
            Some(Certificate::Acme(_) | Certificate::SelfSigned) | None => None,
        }
    }
}

/// How a certificate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// For this name.
    pub domain: HostName,
    /// At this authority.
    pub directory: AcmeDirectory,
    /// Whom the authority may write to.
    pub contacts: Vec<MailAddress>,
    /// A further root certificate for the HTTPS connection to the directory, in PEM.
    pub root: Option<PathBuf>,
}

/// The port that redirects http to https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect {
    /// 0 asks for any free one.
    pub port: u16,
    /// Whether it was set explicitly. Then the server does not start without it.
    pub is_given: bool,
}

/// The address of the directory of an authority (RFC 8555 §7.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeDirectory(String);

impl AcmeDirectory {
    fn parse(raw: &str) -> Result<Self, String> {
        let is_visible = raw.bytes().all(|byte| byte.is_ascii_graphic());
        let host = raw.strip_prefix("https://").unwrap_or_default();
        if !is_visible || host.is_empty() || host.starts_with('/') {
            return Err(format!(
                "'{raw}' is not an https address, such as {LETS_ENCRYPT}"
            ));
        }
        Ok(Self(raw.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AcmeDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where mail is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress(String);

impl MailAddress {
    fn parse(raw: &str) -> Result<Self, String> {
        let bare = raw.strip_prefix("mailto:").unwrap_or(raw);
        let is_sound = bare.bytes().all(|byte| byte.is_ascii_graphic())
            && bare
                .split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && HostName::parse(host).is_some());
        if !is_sound {
            return Err(format!(
                "'{raw}' is not a mail address, such as admin@example.org"
            ));
        }
        Ok(Self(bare.to_owned()))
    }

    /// The address, without `mailto:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parse_domain(raw: &str) -> Result<HostName, String> {
    HostName::parse(raw).ok_or_else(|| {
        format!(
            "'{raw}' is not a host's name, such as meet.example.org: no address, port or https://"
        )
    })
}

impl Settings {
    /// The settings of TLS, if they do not contradict each other.
    pub(super) fn tls(&self) -> Result<TlsConfig, ConfigError> {
        let domain = self.one(Key::Domain, parse_domain)?;
        let certificate = self.certificate(domain.as_ref())?;
        if !matches!(certificate, Some(Certificate::Acme(_))) {
            for key in [Key::AcmeDirectory, Key::AcmeContact, Key::AcmeRoot] {
                self.refuse(key, "asks an authority for a certificate, which only --domain without --tls-cert and --tls-self-signed does")?;
            }
        }
        let redirect = self.redirect(certificate.is_some(), domain.is_some())?;
        Ok(TlsConfig {
            certificate,
            domain,
            redirect,
        })
    }

    fn certificate(&self, domain: Option<&HostName>) -> Result<Option<Certificate>, ConfigError> {
        let certificate = self.one(Key::TlsCert, parse_path)?;
        let key = self.one(Key::TlsKey, parse_path)?;
        let is_self_signed = self.one(Key::TlsSelfSigned, parse_switch)? == Some(true);
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                if is_self_signed {
                    self.refuse(
                        Key::TlsSelfSigned,
                        "cannot be on beside --tls-cert: give one of the two",
                    )?;
                }
                return Ok(Some(Certificate::Files { certificate, key }));
            }
            (Some(_), None) => self.refuse(
                Key::TlsCert,
                "needs the certificate's private key too: give --tls-key",
            )?,
            (None, Some(_)) => self.refuse(
                Key::TlsKey,
                "needs the key's certificate too: give --tls-cert",
            )?,
            (None, None) => {}
        }
        if is_self_signed {
            return Ok(Some(Certificate::SelfSigned));
        }
        let Some(domain) = domain else {
            return Ok(None);
        };
        if !domain.as_str().contains('.') {
            self.refuse(Key::Domain, "has no dot, and no authority gives a certificate for such a name: give --tls-cert or --tls-self-signed too")?;
        }
        let directory = self.one(Key::AcmeDirectory, AcmeDirectory::parse)?;
        Ok(Some(Certificate::Acme(Acme {
            domain: domain.clone(),
            directory: directory.unwrap_or_else(|| AcmeDirectory(LETS_ENCRYPT.to_owned())),
            contacts: self.many(Key::AcmeContact, MailAddress::parse)?,
            root: self.one(Key::AcmeRoot, parse_path)?,
        })))
    }

    fn redirect(&self, has_tls: bool, has_domain: bool) -> Result<Option<Redirect>, ConfigError> {
        let Some(port) = self.one(Key::HttpPort, parse_http_port)? else {
            let redirect = Redirect {
                port: HTTP_PORT,
                is_given: false,
            };
            return Ok((has_tls && has_domain).then_some(redirect));
        };
        let Some(port) = port else { return Ok(None) };
        if !has_tls {
            self.refuse(Key::HttpPort, "redirects to https, which is not served: give --domain, --tls-cert or --tls-self-signed too")?;
        }
        if !has_domain {
            self.refuse(
                Key::HttpPort,
                "redirects to the server's own name, which is not known: give --domain too",
            )?;
        }
        Ok(Some(Redirect {
            port,
            is_given: true,
        }))
    }

    /// Refuses a setting where it was given.
    fn refuse(&self, key: Key, reason: &str) -> Result<(), ConfigError> {
        match self.place(key) {
            Some(place) => Err(wrong(place, reason)),
            None => Ok(()),
        }
    }

    /// The default address. With a domain it is the port of https on every address.
    pub(super) fn default_listen(&self, tls: &TlsConfig) -> SocketAddr {
        if tls.domain.is_none() {
            return SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        }
        // A machine with IPv6 switched off has no such sockets.
        match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) {
            Ok(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, HTTPS_PORT)),
            Err(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, HTTPS_PORT)),
        }
    }

    /// Checks the ports of http and https, and gives a server with a domain its public URL.
    pub(super) fn with_domain(
        &self,
        mut listen: ListenConfig,
        tls: &TlsConfig,
    ) -> Result<ListenConfig, ConfigError> {
        if let Some(redirect) = tls.redirect
            && redirect.port != 0
            && redirect.port == listen.address.port()
        {
            let both = "is the port of https too: http and https need a port each";
            self.refuse(Key::HttpPort, both)?;
            self.refuse(
                Key::Listen,
                "has the port that redirects http to https: give another, or --http-port off",
            )?;
        }
        let Some(domain) = &tls.domain else {
            return Ok(listen);
        };
        let own = match listen.address.port() {
            0 | HTTPS_PORT => format!("https://{}", domain.as_str()),
            port => format!("https://{}:{port}", domain.as_str()),
        };
        match &listen.public_url {
            None => {
                listen.public_url =
                    Some(PublicUrl::parse(&own).map_err(|reason| wrong("--domain", reason))?);
            }
            Some(url) if url.origin.is_secure() && url.origin.host() == domain.as_str() => {}
            Some(_) => self.refuse(
                Key::PublicUrl,
                "is at another host than --domain, or not https: leave it out",
            )?,
        }
        Ok(listen)
    }
}

fn parse_http_port(raw: &str) -> Result<Option<u16>, String> {
    if raw.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    parse_port(raw)
        .map(Some)
        .map_err(|_| format!("'{raw}' is neither a port number from 0 to 65535 nor off"))
}

#[cfg(test)]
mod tests;
