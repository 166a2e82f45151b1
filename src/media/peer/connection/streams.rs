//! Which streams of a connection are heard: the crate keeps something for every SSRC that it is shown, and its replay
//! lists move before a packet is authenticated (against RFC 3711 §3.3), so it is not shown what could only hurt.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::budgets::media::{STREAM_TRIES, STREAMS, STREAMS_TRIED};
use crate::media::room::allowance::Allowance;

/// A sender's first authentic SRTCP packet has an index below this, as it counts from 0 or 1 (RFC 3711 §3.4), or one
/// as near to the last, where one counter serves all its streams. The crate's window begins where the first packet
/// says, forged or not, and is as wide.
pub(super) const FIRST_REPORTS: u32 = 1024;

/// How SRTCP packets end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trailer {
    /// AES-GCM: the index is last (RFC 7714 §9.2).
    Index,
    /// AES-CM: a tag of 80 bits follows the index (RFC 3711 §3.4).
    IndexAndTag,
}

/// A protected packet, as far as it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Protected {
    ssrc: u32,
    /// The SRTCP index, for RTCP.
    index: Option<u32>,
}

impl Protected {
    /// Reads the SSRC of whoever sent this packet, which is never encrypted (RFC 3711 §3.1, §3.4).
    pub fn parse(bytes: &[u8], trailer: Trailer) -> Option<Self> {
        let word = |at: usize| {
            let word = bytes.get(at..at.checked_add(4)?)?;
            Some(u32::from_be_bytes(word.try_into().ok()?))
        };
        // RFC 5761 §4: these second bytes are RTCP's packet types.
        if !matches!(bytes.get(1)?, 192..=223) {
            return Some(Self {
                ssrc: word(8)?,
                index: None,
            });
        }
        let behind = match trailer {
            Trailer::Index => 4,
            Trailer::IndexAndTag => 14,
        };
        Some(Self {
            ssrc: word(4)?,
            index: Some(word(bytes.len().checked_sub(behind)?)? & 0x7fff_ffff),
        })
    }

    fn key(&self) -> (u32, bool) {
        (self.ssrc, self.index.is_some())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The crate was shown it; nothing of it was authentic.
    Tried,
    /// Something of it was.
    Heard,
}

/// The streams of a connection.
pub(super) struct Streams {
    /// By SSRC, and apart for RTP and RTCP, as the crate keeps them.
    seen: HashMap<(u32, bool), Standing>,
    /// What the client's description declares.
    declared: HashSet<u32>,
    heard: usize,
    tried: usize,
    tries: Allowance,
    /// The SRTCP index that was authentic last.
    last_index: u32,
}

impl Streams {
    pub fn new(now: Instant) -> Self {
        Self {
            seen: HashMap::new(),
            declared: HashSet::new(),
            heard: 0,
            tried: 0,
            tries: Allowance::new(&STREAM_TRIES, now),
            last_index: 0,
        }
    }

    /// Takes the SSRCs of a description of the client's (RFC 5576 §4.1): they need no try.
    pub fn declare(&mut self, sdp: &str) {
        let declared = sdp.lines().filter_map(|line| {
            let rest = line.strip_prefix("a=ssrc:")?;
            rest.split(' ').next()?.parse::<u32>().ok()
        });
        for ssrc in declared {
            if self.declared.len() < STREAMS.size() {
                self.declared.insert(ssrc);
            }
        }
    }

    /// Whether the crate may be shown this packet.
    pub fn admit(&mut self, packet: &Protected, now: Instant) -> bool {
        let standing = self.seen.get(&packet.key()).copied();
        if standing == Some(Standing::Heard) {
            return true;
        }
        let far = |index: u32| index.min(index.abs_diff(self.last_index)) >= FIRST_REPORTS;
        if packet.index.is_some_and(far) {
            return false;
        }
        if standing.is_some() {
            return true;
        }
        if !self.declared.contains(&packet.ssrc) {
            let room = self.heard < STREAMS.size() && self.tried < STREAMS_TRIED.size();
            if !room || self.tries.take(now).is_err() {
                return false;
            }
            self.tried += 1;
        }
        self.seen.insert(packet.key(), Standing::Tried);
        true
    }

    /// Notes that this packet was authentic.
    pub fn hear(&mut self, packet: &Protected) {
        self.last_index = packet.index.unwrap_or(self.last_index);
        if self.seen.insert(packet.key(), Standing::Heard) == Some(Standing::Tried) {
            self.heard += 1;
        }
    }
}
