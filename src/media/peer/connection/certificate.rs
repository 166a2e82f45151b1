//! Whether the client has the certificate that its description names.
//!
//! The crate compares SHA-256 alone, and takes one fingerprint. So it is told to take any certificate, and what it took
//! is compared here before the connection counts as connected: until then nothing is read from it or sent on it but
//! the handshake.

use super::Connection;
use crate::media::peer::sdp::Fingerprint;

impl Connection {
    /// Whom the client says it is. What it says first holds for as long as there is the connection, as the DTLS
    /// association does (RFC 8842 §4).
    pub(super) fn expect(&mut self, named: &[Fingerprint]) {
        if self.named.is_empty() {
            self.named = named.to_vec();
        }
    }

    /// Whether the handshake showed one of the certificates that are expected (RFC 8122 §5).
    pub(super) fn is_who_it_says(&mut self) -> bool {
        let shown = self.within(|pc| {
            let receiver = pc.get_receivers().next();
            let sender = pc.get_senders().next();
            if let Some(receiver) = receiver.and_then(|id| pc.rtp_receiver(id)) {
                return Some(
                    receiver
                        .transport()?
                        .get_remote_certificates()
                        .first()?
                        .clone(),
                );
            }
            let sender = pc.rtp_sender(sender?)?;
            Some(
                sender
                    .transport()?
                    .get_remote_certificates()
                    .first()?
                    .clone(),
            )
        });
        shown.is_some_and(|shown| self.named.iter().any(|one| one.is_of(&shown)))
    }
}
