//! One connection of the load, without sockets or a clock: ICE, DTLS and SRTP of the WebRTC crates, a datagram in,
//! datagrams out.
//!
//! It is a full ICE agent, and checks full and lite servers alike. After the handshake it is lighter than a browser:
//! the receiver decides for each packet whether to [open](Peer::open) it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_ice::candidate::CandidateConfig;
use rtc_ice::candidate::candidate_host::CandidateHostConfig;
use rtc_ice::crypto::RTCCryptoProvider;
use rtc_ice::mdns::MulticastDnsMode;
use rtc_ice::{Agent, AgentConfig, Event};
use rtc_shared::error::Error;
use rtc_shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use rtc_srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use sansio::Protocol as _;
use sha2::{Digest as _, Sha256};

use super::BenchError;
use super::plan::Protection;
use super::sdp::Transport;

/// The library finds handshakes by address. Every peer has this one, independent of its real address. The port must not
/// be 0.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// As often as the threads of the load look after it; a slower beat would be taken for the server's slowness.
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// A datagram to be sent.
pub(super) type Outgoing = (SocketAddr, BytesMut);

/// The certificate and the ready settings, one for all peers.
pub(super) struct Identity {
    fingerprint: String,
    client: Arc<HandshakeConfig>,
    server: Arc<HandshakeConfig>,
    crypto: Arc<dyn RTCCryptoProvider>,
}

impl Identity {
    pub fn new(protection: Protection) -> Result<Self, BenchError> {
        let crypto = rtc_ice::crypto::default_provider().map_err(BenchError::webrtc)?;
        let certificate =
            Certificate::generate_self_signed(vec!["load".to_owned()], crypto.crypto())
                .map_err(BenchError::webrtc)?;
        let profile = match protection {
            Protection::Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            Protection::AesCm => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        };
        let build = |is_client| {
            let built = ConfigBuilder::default()
                .with_crypto_provider(Arc::clone(&crypto))
                .with_certificates(vec![certificate.clone()])
                .with_srtp_protection_profiles(vec![profile])
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                // The fingerprint in the description is what is trusted (RFC 8827 §6.5); it is compared afterwards.
                .with_insecure_skip_verify(true)
                .build(is_client, Some(PEER));
            built.map(Arc::new).map_err(BenchError::webrtc)
        };
        let der = certificate.certificate.first();
        Ok(Self {
            fingerprint: der.map(|der| fingerprint(der)).unwrap_or_default(),
            client: build(true)?,
            server: build(false)?,
            crypto,
        })
    }
}

/// `AB:CD:…` over SHA-256 (RFC 8122 §5).
fn fingerprint(der: &[u8]) -> String {
    let bytes = Sha256::digest(der);
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Connecting,
    /// Packets can be sealed and opened.
    Ready,
    /// It will not come up, or is over.
    Over(&'static str),
}

/// One end of a connection to the server.
pub(super) struct Peer {
    identity: Arc<Identity>,
    local: SocketAddr,
    ice: Agent,
    dtls: Endpoint,
    is_dtls_client: bool,
    their_fingerprint: String,
    /// Where the server is, once the agent has chosen.
    remote: Option<SocketAddr>,
    progress: Progress,
    keys: Option<Keys>,
}

struct Keys {
    inbound: Context,
    outbound: Context,
}

impl Peer {
    pub fn new(
        identity: Arc<Identity>,
        local: SocketAddr,
        now: Instant,
    ) -> Result<Self, BenchError> {
        let config = AgentConfig {
            multicast_dns_mode: MulticastDnsMode::Disabled,
            is_controlling: true,
            check_interval: CHECK_EVERY,
            ..AgentConfig::default()
        };
        let mut ice = Agent::new(now, Arc::new(config), Arc::clone(&identity.crypto))
            .map_err(BenchError::webrtc)?;
        let candidate = host(local).map_err(BenchError::webrtc)?;
        ice.add_local_candidate(candidate)
            .map_err(BenchError::webrtc)?;
        Ok(Self {
            identity,
            local,
            ice,
            dtls: Endpoint::new(PEER, TransportProtocol::UDP, None),
            is_dtls_client: true,
            their_fingerprint: String::new(),
            remote: None,
            progress: Progress::Connecting,
            keys: None,
        })
    }

    /// What our description says of this end.
    pub fn transport(&self, setup: &str) -> Transport {
        let credentials = self.ice.get_local_credentials();
        Transport {
            ufrag: credentials.ufrag.clone(),
            password: credentials.pwd.clone(),
            fingerprint: self.identity.fingerprint.clone(),
            setup: setup.to_owned(),
            lite: false,
            candidates: vec![self.local],
        }
    }

    /// Starts connecting to the described server. The offering side controls ICE, and so does a full agent that meets a
    /// lite one (RFC 8445 §6.1.1).
    pub fn connect(
        &mut self,
        theirs: &Transport,
        we_offered: bool,
        now: Instant,
    ) -> Result<(), BenchError> {
        // Our offers leave the choice to the server; our answers are active.
        self.is_dtls_client = !(we_offered && theirs.setup == "active");
        if !self.is_dtls_client {
            let server = Arc::clone(&self.identity.server);
            self.dtls.set_server_config(Some(server));
        }
        self.their_fingerprint.clone_from(&theirs.fingerprint);
        for candidate in &theirs.candidates {
            let candidate = host(*candidate).map_err(BenchError::webrtc)?;
            self.ice
                .add_remote_candidate(candidate)
                .map_err(BenchError::webrtc)?;
        }
        self.ice
            .start_connectivity_checks(
                now,
                we_offered || theirs.lite,
                theirs.ufrag.clone(),
                theirs.password.clone(),
            )
            .map_err(BenchError::webrtc)
    }

    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Where packets go.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// Takes a datagram of ICE or DTLS (RFC 7983 §7); sealed packets are not for here.
    pub fn handle(
        &mut self,
        datagram: &[u8],
        from: SocketAddr,
        now: Instant,
        out: &mut Vec<Outgoing>,
    ) {
        match datagram.first() {
            Some(0..=3) => {
                let transport = TransportContext {
                    local_addr: self.local,
                    peer_addr: from,
                    ecn: None,
                    transport_protocol: TransportProtocol::UDP,
                };
                let message = BytesMut::from(datagram);
                // What is not authentic is an error of its sender's.
                let _ = self.ice.handle_read(TaggedBytesMut {
                    now,
                    transport,
                    message,
                });
            }
            Some(20..=63) => {
                let read = self.dtls.read(now, PEER, None, BytesMut::from(datagram));
                self.handshaken(read);
            }
            _ => {}
        }
        self.drain(now, out);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        if self.ice.poll_timeout().is_some_and(|at| at <= now) {
            let _ = self.ice.handle_timeout(now);
        }
        if self.dtls.poll_timeout(&PEER).is_some_and(|at| at <= now)
            && self.dtls.handle_timeout(PEER, now).is_err()
        {
            self.end("the server does not answer the handshake");
        }
        self.drain(now, out);
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        let ice = self.ice.poll_timeout();
        let dtls = self.dtls.poll_timeout(&PEER);
        ice.into_iter().chain(dtls).min()
    }

    /// A sound or picture packet as it goes out.
    pub fn seal(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.keys.as_mut()?.outbound.encrypt_rtp(packet).ok()
    }

    /// A control packet as it goes out.
    pub fn seal_control(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.keys.as_mut()?.outbound.encrypt_rtcp(packet).ok()
    }

    /// A packet that came in, header and payload, if it is authentic.
    pub fn open(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.keys.as_mut()?.inbound.decrypt_rtp(packet).ok()
    }

    /// A control packet that came in, if it is authentic.
    pub fn open_control(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.keys.as_mut()?.inbound.decrypt_rtcp(packet).ok()
    }

    fn drain(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        while let Some(tagged) = self.ice.poll_event() {
            match tagged.event {
                Event::SelectedCandidatePairChange(_, remote) => self.chosen(remote.addr(), now),
                Event::ConnectionStateChange(rtc_ice::state::ConnectionState::Failed) => {
                    self.end("no candidate of the server's answers");
                }
                _ => {}
            }
        }
        while let Some(check) = self.ice.poll_write() {
            out.push((check.transport.peer_addr, check.message));
        }
        while let Some(record) = self.dtls.poll_transmit() {
            if let Some(remote) = self.remote {
                out.push((remote, record.message));
            }
        }
    }

    fn chosen(&mut self, remote: SocketAddr, now: Instant) {
        let is_first = self.remote.replace(remote).is_none();
        if is_first && self.is_dtls_client {
            let client = Arc::clone(&self.identity.client);
            if self.dtls.connect(now, PEER, client, None).is_err() {
                self.end("the handshake cannot begin");
            }
        }
    }

    fn handshaken(&mut self, read: Result<Vec<EndpointEvent>, Error>) {
        let Ok(events) = read else {
            if self.progress == Progress::Connecting {
                self.end("the handshake failed");
            }
            return;
        };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => match self.agree() {
                    Ok(keys) => {
                        self.keys = Some(keys);
                        self.progress = Progress::Ready;
                    }
                    Err(why) => self.end(why),
                },
                EndpointEvent::PeerClosed => self.end("the server closed the connection"),
                _ => {}
            }
        }
    }

    /// The keys of both directions (RFC 5764 §4.2).
    fn agree(&self) -> Result<Keys, &'static str> {
        let state = self
            .dtls
            .get_connection_state(PEER)
            .ok_or("the handshake left nothing")?;
        let certificate = state.peer_certificates.first();
        if certificate.map(|der| fingerprint(der)).as_ref() != Some(&self.their_fingerprint) {
            return Err("the server's certificate is another one than described");
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => {
                ProtectionProfile::Aes128CmHmacSha1_80
            }
            _ => return Err("the server does not protect packets as asked"),
        };
        let failed = |_: Error| "no keys came of the handshake";
        let mut config = Config {
            profile,
            ..Config::default()
        };
        let exported = state
            .export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], config.keying_material_len())
            .map_err(failed)?;
        config
            .set_session_keys_from_keying_material(exported.as_ref(), state.is_client())
            .map_err(failed)?;
        let crypto = self.identity.crypto.crypto();
        let context =
            |key: &[u8], salt: &[u8]| Context::new(key, salt, profile, None, None, crypto);
        let keys = &config.keys;
        Ok(Keys {
            inbound: context(&keys.remote_master_key, &keys.remote_master_salt).map_err(failed)?,
            outbound: context(&keys.local_master_key, &keys.local_master_salt).map_err(failed)?,
        })
    }

    fn end(&mut self, why: &'static str) {
        if !matches!(self.progress, Progress::Over(_)) {
            self.progress = Progress::Over(why);
        }
    }
}

fn host(address: SocketAddr) -> Result<rtc_ice::candidate::Candidate, Error> {
    let candidate = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    };
    candidate.new_candidate_host()
}
