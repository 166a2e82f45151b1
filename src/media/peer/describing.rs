//! The descriptions of one connection: what they have in common, and how they count.

use crate::media::peer::connection::Connection;
use crate::media::peer::reach::Reach;
use crate::media::peer::sdp::{End, Setup};

/// What the descriptions of one connection have in common.
#[derive(Debug)]
pub(in crate::media) struct Describing {
    session: u64,
    version: u64,
}

impl Default for Describing {
    fn default() -> Self {
        Self {
            // RFC 9429 §5.2.1: below 2^63.
            session: rand::random::<u64>() >> 1,
            version: 0,
        }
    }
}

impl Describing {
    /// What the next description says of our end.
    pub fn end<'a>(
        &mut self,
        connection: &'a Connection,
        reach: &'a Reach,
        setup: Setup,
    ) -> End<'a> {
        self.version += 1;
        let credentials = connection.credentials();
        End {
            ufrag: &credentials.ufrag,
            password: &credentials.password,
            fingerprint: connection.fingerprint(),
            reach,
            setup,
            session: self.session,
            version: self.version,
        }
    }
}
