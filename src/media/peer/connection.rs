//! One WebRTC connection of the crate's, made safe to hold many of: bounded, deaf to unproven addresses, and a
//! panic inside it ends it alone.
//!
//! Read on in [`describing`] for its session descriptions, in [`receiving`] for what arrives, in [`handshaking`] for
//! DTLS and in [`streams`] for whose media is heard.

mod certificate;
mod describing;
mod handshaking;
mod receiving;
mod streams;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{Registry, Slot};
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::state::{RTCIceConnectionState, RTCPeerConnectionState};
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol as _;
use rtc::shared::error::Error as EngineError;
use rtc::statistics::StatsSelector;

#[cfg(test)]
pub(in crate::media) use self::describing::host_candidate;
use self::receiving::{Held, Nomination};
use self::streams::{FIRST_REPORTS, Streams, Trailer};
pub(in crate::media) use crate::media::error::Refused;
use crate::media::peer::dtls::Guard;
use crate::media::peer::identity::Identity;
use crate::media::peer::interceptor::{WITNESS_SLOT, Witness};
use crate::media::peer::sdp::Fingerprint;
use crate::media::peer::stun;

/// ICE says `disconnected` after this silence, and `failed` after [`FAILED_AFTER`] more.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(6);
const FAILED_AFTER: Duration = Duration::from_secs(20);
/// RFC 7675 §5.1: consent lapses after 30 s; at 2 s many checks may be lost.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// Checks while connecting, and the wait for a nomination; 100 of them span two seconds.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const MAX_CHECKS: u16 = 100;
/// A connection that stays failed for this long is closed: the client did not restart ICE.
const CLOSE_FAILED_AFTER: Duration = Duration::from_secs(60);
/// Addresses by which one connection is reached at once; the oldest gives way.
const MAX_ADDRESSES: usize = 8;
/// Checks of ours that wait for an answer; the oldest give way.
const MAX_CHECKS_KEPT: usize = 16;
/// Packets that are told from replays (RFC 3711 §3.3.2): half of all numbers. The crate's window begins where the
/// first packet of a stream says, before that was authenticated; a smaller one would let a forged packet shut out
/// what the client sends.
const REPLAY_WINDOW: usize = 1 << 15;
/// Nothing is due sooner than this when nothing says so; crate timers that a packet started wait no longer.
const IDLE: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_millis(50);
const NO_KEY: &str = "The server cannot make a key.";
const BROKEN: &str = "The connection broke down on the server; begin a new one.";

/// A datagram to be sent.
#[derive(Debug)]
pub(in crate::media) struct Transmit {
    /// The address of ours that the client knows, from which it is sent.
    pub from: SocketAddr,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: BytesMut,
}

/// What happened on a connection.
pub(in crate::media) enum Happening {
    /// Media may flow.
    Connected,
    /// A stream was seen for the first time on an m-line.
    Stream {
        /// The m-line.
        mid: String,
        /// Its SSRC.
        ssrc: u32,
        /// Its simulcast layer.
        rid: Option<String>,
    },
}

/// One connection.
pub(in crate::media) struct Connection {
    pc: RTCPeerConnection,
    local: Arc<[SocketAddr]>,
    addresses: Vec<SocketAddr>,
    adopted: Vec<SocketAddr>,
    tries: Vec<SocketAddr>,
    nomination: Option<Nomination>,
    /// ICE restarts on a connection that had been up.
    restarting: bool,
    held: VecDeque<Held>,
    /// ICE has a pair, without which the crate drops all but checks.
    paired: bool,
    guard: Guard,
    /// Where the last DTLS datagram came to and from.
    shaken: Option<(SocketAddr, SocketAddr)>,
    /// Flights that are sent again.
    repeats: Vec<Transmit>,
    streams: Streams,
    /// How SRTCP ends, once there are keys.
    trailer: Option<Trailer>,
    witness: Witness,
    /// What the client's certificate hashes to, by its first description.
    named: Vec<Fingerprint>,
    ufrags: Vec<String>,
    /// Those that belong to the fragments.
    passwords: Vec<String>,
    /// How many descriptions it has given.
    described: u64,
    connected: bool,
    failed_at: Option<Instant>,
    heard_at: Instant,
    /// When something last was done.
    at: Instant,
    /// Checks of ours by transaction, and when they were sent.
    checks: VecDeque<(Vec<u8>, Instant)>,
    round_trip: Option<Duration>,
    due: Instant,
    broken: bool,
    panicked: bool,
}

impl Connection {
    /// A connection with these codecs and interceptors, reachable at `local`.
    pub fn new(
        media: MediaEngine,
        interceptors: Registry,
        local: &Arc<[SocketAddr]>,
        now: Instant,
    ) -> Result<Self, Refused> {
        let settings = SettingEngineBuilder::default()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .with_ice_timeouts(
                Some(DISCONNECTED_AFTER),
                Some(FAILED_AFTER),
                Some(KEEPALIVE),
            )
            .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(MAX_CHECKS))
            .with_host_acceptance_min_wait(Some(Duration::ZERO))
            .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
            .with_answering_dtls_role(RTCDtlsRole::Server)
            // It knows one hash function only; what the certificate is compared with is ours.
            .with_disable_certificate_fingerprint_verification(true)
            .with_srtp_replay_protection_window(REPLAY_WINDOW)
            .with_srtcp_replay_protection_window(FIRST_REPORTS as usize)
            // The client's order decides. Browsers begin with AES-CM; foreign clients may know nothing else.
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ]);
        let identity = Identity::of_process().ok_or(Refused::because(NO_KEY))?;
        let configuration = RTCConfigurationBuilder::new()
            .with_certificates(vec![identity.certificate.clone()])
            .build();
        let witness = Witness::default();
        let interceptors = interceptors.with(Slot::from(WITNESS_SLOT), witness.link());
        let builder = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_media_engine(media)
            .with_interceptor_registry(interceptors)
            .with_setting_engine(settings.build());
        let pc = builder.build(now)?;
        Ok(Self {
            pc,
            local: Arc::clone(local),
            addresses: Vec::new(),
            adopted: Vec::new(),
            tries: Vec::new(),
            nomination: None,
            restarting: false,
            held: VecDeque::new(),
            paired: false,
            guard: Guard::new(now),
            shaken: None,
            repeats: Vec::new(),
            streams: Streams::new(now),
            trailer: None,
            witness,
            named: Vec::new(),
            ufrags: Vec::new(),
            passwords: Vec::new(),
            described: 0,
            connected: false,
            failed_at: None,
            heard_at: now,
            at: now,
            checks: VecDeque::new(),
            round_trip: None,
            due: now,
            broken: false,
            panicked: false,
        })
    }

    /// Runs something in the crate. A panic there, or one before, makes it refuse from then on.
    pub fn attempt<T>(
        &mut self,
        run: impl FnOnce(&mut RTCPeerConnection) -> Result<T, EngineError>,
    ) -> Result<T, Refused> {
        let outcome = self.within(|pc| Some(run(pc)));
        Ok(outcome.ok_or(Refused::because(BROKEN))??)
    }

    /// The same for what refuses nothing: none also where there was a panic.
    pub fn within<T>(
        &mut self,
        run: impl FnOnce(&mut RTCPeerConnection) -> Option<T>,
    ) -> Option<T> {
        if self.broken {
            return None;
        }
        let pc = &mut self.pc;
        catch_unwind(AssertUnwindSafe(|| run(pc))).unwrap_or_else(|_| {
            self.broken = true;
            self.panicked = true;
            tracing::error!("a media connection panicked and is closed");
            None
        })
    }

    /// When [`Connection::tend`] wants to be called again.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Lets the crate's timers run.
    pub fn tend(&mut self, now: Instant) {
        self.at = now;
        let next = self.within(|pc| {
            pc.handle_timeout(now).ok()?;
            Some(pc.poll_timeout())
        });
        self.repeat_overdue(now);
        let next = next.flatten().unwrap_or(now + IDLE);
        let next = self.guard.due().map_or(next, |due| due.min(next));
        self.due = next.clamp(now + Duration::from_millis(10), now + IDLE);
    }

    /// What happened since the last call; drain it before the messages.
    pub fn next_happening(&mut self, now: Instant) -> Option<Happening> {
        loop {
            let event = self.within(|pc| pc.poll_event())?;
            let happening = match event {
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                    self.note_state(state, now)
                }
                RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(
                    RTCIceConnectionState::Connected | RTCIceConnectionState::Completed,
                ) => {
                    self.resume(now);
                    None
                }
                RTCPeerConnectionEvent::OnTrack(event) => self.opened(event),
                _ => None,
            };
            if happening.is_some() {
                return happening;
            }
        }
    }

    fn note_state(&mut self, state: RTCPeerConnectionState, now: Instant) -> Option<Happening> {
        match state {
            RTCPeerConnectionState::Connected if !self.is_who_it_says() => {
                tracing::info!(
                    "a media connection is closed: its certificate is not the one that its description names"
                );
                self.broken = true;
            }
            RTCPeerConnectionState::Connected => {
                self.connected = true;
                self.failed_at = None;
                self.guard.complete();
                self.trailer = self.trailer.or_else(|| self.negotiated_trailer(now));
                return Some(Happening::Connected);
            }
            RTCPeerConnectionState::Failed => {
                self.connected = false;
                self.restarting = false;
                self.held.clear();
                self.failed_at.get_or_insert(now);
            }
            // The other side said goodbye (DTLS close_notify).
            RTCPeerConnectionState::Closed => self.broken = true,
            _ => {}
        }
        None
    }

    fn negotiated_trailer(&mut self, now: Instant) -> Option<Trailer> {
        let report = self.within(|pc| Some(pc.get_stats(now, StatsSelector::None)));
        match report?.transport()?.srtp_cipher.as_str() {
            "" => None,
            cipher if cipher.contains("GCM") => Some(Trailer::Index),
            _ => Some(Trailer::IndexAndTag),
        }
    }

    fn opened(&mut self, event: rtc::peer_connection::event::RTCTrackEvent) -> Option<Happening> {
        let rtc::peer_connection::event::RTCTrackEvent::OnOpen(open) = event else {
            return None;
        };
        let mid = self.within(|pc| pc.rtp_transceiver(open.receiver_id.into())?.mid().clone())?;
        Some(Happening::Stream {
            mid,
            ssrc: open.ssrc,
            rid: open.rid,
        })
    }

    /// The next packet that arrived.
    pub fn next_message(&mut self) -> Option<RTCMessage> {
        self.within(|pc| pc.poll_read())
            .map(|tagged| tagged.message)
    }

    /// Sends an RTP packet.
    pub fn send_rtp(&mut self, header: rtc::rtp::Header, payload: Bytes, now: Instant) {
        let packet = rtc::rtp::Packet { header, payload };
        self.send(RTCMessage::RtpPacket(String::new(), packet), now);
    }

    /// Sends RTCP packets.
    pub fn send_rtcp(&mut self, packets: Vec<Box<dyn rtc::rtcp::Packet>>, now: Instant) {
        self.send(RTCMessage::RtcpPacket(String::new(), packets), now);
    }

    fn send(&mut self, message: RTCMessage, now: Instant) {
        let _ = self.within(|pc| pc.handle_write(TaggedRTCMessage { now, message }).ok());
    }

    /// Takes the datagrams to be sent. An address that STUN goes out to has proven by a check with the session's
    /// password that a client is there: from then on it is heard.
    pub fn drain(&mut self, out: &mut Vec<Transmit>) {
        out.append(&mut self.repeats);
        while let Some(datagram) = self.within(|pc| pc.poll_write()) {
            let (from, to) = (datagram.transport.local_addr, datagram.transport.peer_addr);
            if stun::is_success(&datagram.message) {
                let answered = stun::transaction(&datagram.message);
                self.nomination
                    .take_if(|kept| stun::transaction(&kept.bytes) == answered);
            }
            if stun::is_request(&datagram.message)
                && let Some(transaction) = stun::transaction(&datagram.message)
            {
                if self.checks.len() >= MAX_CHECKS_KEPT {
                    self.checks.pop_front();
                }
                self.checks.push_back((transaction.to_vec(), self.at));
            }
            if stun::is_dtls(&datagram.message) {
                self.guard.sent(&datagram.message, self.at);
                self.shaken = Some((from, to));
            }
            if stun::is_stun(&datagram.message) && !self.addresses.contains(&to) {
                self.adopted.push(to);
            }
            out.push(Transmit {
                from,
                to,
                bytes: datagram.message,
            });
        }
    }

    /// Addresses that proved themselves and are not known yet.
    pub fn take_adopted(&mut self) -> Vec<SocketAddr> {
        std::mem::take(&mut self.adopted)
    }

    /// From now on reached by this address; gives back the one that made room.
    pub fn add_address(&mut self, address: SocketAddr) -> Option<SocketAddr> {
        self.addresses.push(address);
        (self.addresses.len() > MAX_ADDRESSES).then(|| self.addresses.remove(0))
    }

    /// No longer reached by this address.
    pub fn remove_address(&mut self, address: SocketAddr) {
        self.addresses.retain(|known| *known != address);
    }

    /// The addresses by which it is reached.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Notes that something came from the client.
    pub fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// When something last came from the client.
    pub fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Whether media may flow.
    pub fn is_connected(&self) -> bool {
        self.connected && !self.broken
    }

    /// Whether it broke here, and the other side knows nothing of it.
    pub fn has_panicked(&self) -> bool {
        self.panicked
    }

    /// How many datagrams wait for ICE to find its pair.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing more is to be expected of it.
    pub fn is_over(&self, now: Instant) -> bool {
        let failed = self
            .failed_at
            .is_some_and(|at| now.saturating_duration_since(at) >= CLOSE_FAILED_AFTER);
        self.broken || failed
    }

    /// Says goodbye.
    pub fn close(&mut self, out: &mut Vec<Transmit>) {
        let _ = self.within(|pc| pc.close().ok());
        self.drain(out);
    }
}
