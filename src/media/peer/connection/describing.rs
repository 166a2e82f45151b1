//! Session descriptions: offers and answers of one connection, and the ICE credentials in them.

use std::net::SocketAddr;
use std::time::Instant;

use rtc::ice::candidate::CandidateConfig;
use rtc::ice::candidate::candidate_host::CandidateHostConfig;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{RTCIceCandidate, RTCIceCandidateInit};

use super::{Connection, Refused};
use crate::media::peer::sdp::{self, Description, Fingerprint};

const NO_CANDIDATE: &str = "The server has no address that can be a candidate.";
const NO_DESCRIPTION: &str = "The connection has no description of the server's.";

impl Connection {
    /// Answers an offer as [`sdp::offer_for_engine`] writes it; with one that has other ICE credentials, restarts ICE.
    pub(in crate::media) fn answer(
        &mut self,
        offer: String,
        named: &[Fingerprint],
        now: Instant,
    ) -> Result<String, Refused> {
        self.streams.declare(&offer);
        self.expect(named);
        let offer = RTCSessionDescription::offer(offer)?;
        self.attempt(|pc| {
            pc.set_remote_description(now, offer)?;
            let answer = pc.create_answer(None)?;
            pc.set_local_description(now, answer)
        })?;
        self.described()
    }

    /// Makes an offer.
    pub(in crate::media) fn offer(
        &mut self,
        restart: bool,
        now: Instant,
    ) -> Result<String, Refused> {
        self.attempt(|pc| {
            if restart {
                pc.restart_ice();
            }
            let offer = pc.create_offer(None)?;
            pc.set_local_description(now, offer)
        })?;
        self.described()
    }

    /// Takes the answer to the last offer, as [`sdp::answer_for_engine`] writes it.
    pub(in crate::media) fn accept(
        &mut self,
        answer: String,
        named: &[Fingerprint],
        now: Instant,
    ) -> Result<(), Refused> {
        self.streams.declare(&answer);
        self.expect(named);
        let answer = RTCSessionDescription::answer(answer)?;
        self.attempt(|pc| pc.set_remote_description(now, answer))?;
        self.due = now;
        Ok(())
    }

    /// Our description with our candidates in it. A restarted or failed agent has forgotten them.
    fn described(&mut self) -> Result<String, Refused> {
        let candidates: Option<Vec<_>> = self
            .local
            .iter()
            .map(|address| host_candidate(*address))
            .collect();
        let candidates = candidates.ok_or(Refused::because(NO_CANDIDATE))?;
        let sdp = self.attempt(|pc| {
            let described = |pc: &RTCPeerConnection| pc.local_description().map(|ours| ours.sdp);
            if described(pc).is_some_and(|sdp| !sdp.contains("a=candidate:")) {
                for candidate in candidates {
                    pc.add_local_candidate(candidate)?;
                }
            }
            pc.add_local_candidate(RTCIceCandidateInit::default())?;
            Ok(described(pc))
        })?;
        let sdp = sdp.ok_or(Refused::because(NO_DESCRIPTION))?;
        self.described += 1;
        let sdp = sdp::with_version(&sdp::with_candidates_everywhere(&sdp), self.described);
        let ufrag = Description::parse(&sdp)?.origin.ufrag;
        if self.ufrags.last() != Some(&ufrag) {
            let password = password(&sdp).ok_or(Refused::because(NO_DESCRIPTION))?;
            self.ufrags.push(ufrag);
            self.passwords.push(password.to_owned());
            self.tries.clear();
            self.restarting = self.connected;
            self.paired = false;
        }
        self.failed_at = None;
        Ok(sdp)
    }

    /// The user name fragments by which checks find this connection: the newest, and during a restart the one before.
    pub(in crate::media) fn ufrags(&self) -> &[String] {
        &self.ufrags
    }

    /// Those that no check needs any more.
    pub(in crate::media) fn take_stale_ufrags(&mut self) -> Vec<String> {
        let keep = self.ufrags.len().saturating_sub(2);
        self.passwords.drain(..keep);
        self.ufrags.drain(..keep).collect()
    }
}

/// The ICE password of a description of ours, the same for all its m-lines.
fn password(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-pwd:"))
}

/// A host candidate (RFC 8445 §5.1.1.1) at this address.
pub(in crate::media) fn host_candidate(address: SocketAddr) -> Option<RTCIceCandidateInit> {
    let base_config = CandidateConfig {
        network: "udp".to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..Default::default()
    };
    let candidate = CandidateHostConfig {
        base_config,
        ..Default::default()
    }
    .new_candidate_host()
    .ok()?;
    RTCIceCandidate::from(&candidate).to_json().ok()
}
