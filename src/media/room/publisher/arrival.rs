//! A packet that a publisher sent, as the room takes it.

use std::sync::Arc;

use super::recovery::Recoveries;
use super::standing::Standing;
use crate::media::peer::sdp::Codec;
use crate::media::rtp::clock::Coming;
use crate::media::rtp::history::Incoming;
use crate::media::rtp::packet::Extensions;
use crate::protocol::object::Source;

/// A packet to be forwarded.
pub(in crate::media) struct Arrival<'a> {
    /// Its source.
    pub source: Source,
    /// The place of its layer among those of its source, in the offer's order.
    pub layer: usize,
    /// Its stream.
    pub ssrc: u32,
    /// As it came.
    pub packet: Incoming<'a>,
    /// How it is encoded.
    pub codec: Arc<Codec>,
    /// How loud it is in -dBov (RFC 6464).
    pub level: Option<u8>,
    /// It decodes on its own.
    pub keyframe: bool,
    /// Where it stands in a stream of several layers.
    pub standing: Standing,
    /// When it came, and where its stream's clock stands on our wall clock.
    pub coming: Coming,
    /// Where the newest sound begins in a payload that carries what came before it as well (RFC 2198).
    pub newest: Option<usize>,
    /// Whether packets of its stream were lately lost before they came here.
    pub is_lossy: bool,
    /// What it carries of the packets before it that are missing.
    pub(super) recoveries: Recoveries<'a>,
    /// It did not come itself, but in the packet behind it.
    pub is_recovered: bool,
}

impl<'a> Arrival<'a> {
    /// The sounds that it recovers, as if their packets had come, the oldest first.
    pub fn recovered(&self) -> impl Iterator<Item = Arrival<'a>> {
        let recoveries = self.recoveries.into_iter().flatten();
        recoveries.map(|recovered| Arrival {
            packet: Incoming {
                sequence: recovered.sequence,
                timestamp: recovered.timestamp,
                marker: false,
                extensions: Extensions::default(),
                payload: recovered.payload,
                ..self.packet
            },
            codec: Arc::clone(&self.codec),
            newest: None,
            recoveries: Recoveries::default(),
            is_recovered: true,
            ..*self
        })
    }
}
