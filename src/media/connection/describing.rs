//! Session descriptions: offers and answers of one connection, and the ICE credentials in them.

use std::net::SocketAddr;
use std::time::Instant;

use rtc::ice::candidate::CandidateConfig;
use rtc::ice::candidate::candidate_host::CandidateHostConfig;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{RTCIceCandidate, RTCIceCandidateInit};

use super::{Connection, Refused};
use crate::media::sdp::{self, Description};

impl Connection {
    /// Answers an offer; with one that has other ICE credentials, restarts ICE.
    pub(in crate::media) fn answer(
        &mut self,
        offer: &str,
        now: Instant,
    ) -> Result<String, Refused> {
        self.streams.declare(offer);
        let offer = sdp::with_directions(&sdp::without_candidates(offer));
        let offer = RTCSessionDescription::offer(offer).map_err(|_| Refused)?;
        self.within(|pc| {
            pc.set_remote_description(now, offer).ok()?;
            let answer = pc.create_answer(None).ok()?;
            pc.set_local_description(now, answer).ok()
        })?;
        self.described()
    }

    /// Makes an offer.
    pub(in crate::media) fn offer(
        &mut self,
        restart: bool,
        now: Instant,
    ) -> Result<String, Refused> {
        self.within(|pc| {
            if restart {
                pc.restart_ice();
            }
            let offer = pc.create_offer(None).ok()?;
            pc.set_local_description(now, offer).ok()
        })?;
        self.described()
    }

    /// Takes the answer to the last offer.
    pub(in crate::media) fn accept(&mut self, answer: &str, now: Instant) -> Result<(), Refused> {
        self.streams.declare(answer);
        let answer =
            RTCSessionDescription::answer(sdp::without_candidates(answer)).map_err(|_| Refused)?;
        self.within(|pc| pc.set_remote_description(now, answer).ok())?;
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
        let candidates = candidates.ok_or(Refused)?;
        let sdp = self.within(|pc| {
            if !pc.local_description()?.sdp.contains("a=candidate:") {
                for candidate in candidates {
                    pc.add_local_candidate(candidate).ok()?;
                }
            }
            pc.add_local_candidate(RTCIceCandidateInit::default())
                .ok()?;
            Some(pc.local_description()?.sdp)
        })?;
        self.described += 1;
        let sdp = sdp::with_version(&sdp::with_candidates_everywhere(&sdp), self.described);
        let ufrag = Description::parse(&sdp).map_err(|_| Refused)?.origin.ufrag;
        if self.ufrags.last() != Some(&ufrag) {
            let password = password(&sdp).ok_or(Refused)?;
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
