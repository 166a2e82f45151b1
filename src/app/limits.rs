//! From the settings to the rules of sessions and sockets.

use std::sync::Arc;

use crate::config::{Config, Guests, RateLimits, Registration};
use crate::http::{
    Access, FrameLimit, Gate, Handshakes, PlainLimits, Sharing, SocketLimits, Sockets, Traffic,
};
use crate::sessions::{self, GuestPolicy, Policy, RateLimiting, RegistrationPolicy, Services};

/// The rules of sessions.
pub(super) fn policy(config: &Config) -> Policy {
    Policy {
        guests: match config.auth.guests {
            Guests::Admitted => GuestPolicy::Admitted,
            Guests::Refused => GuestPolicy::Refused,
        },
        registration: match config.auth.registration {
            Registration::Open => RegistrationPolicy::Open,
            Registration::Closed => RegistrationPolicy::Closed,
        },
        rate_limiting: match config.rate_limits {
            RateLimits::On => RateLimiting::On,
            RateLimits::Off => RateLimiting::Off,
        },
        kept_for: config.resume,
        most_kept: config.listen.max_sockets.get(),
    }
}

/// The rules of sockets.
pub(super) fn gate(config: &Config) -> Gate {
    let (sharing, frames, traffic) = match config.rate_limits {
        RateLimits::On => (Sharing::Fair, FrameLimit::On, Traffic::limited()),
        RateLimits::Off => (Sharing::Unlimited, FrameLimit::Off, Traffic::unlimited()),
    };
    let total = config.listen.max_sockets.get();
    Gate {
        access: Arc::new(Access::from(&config.listen)),
        sockets: Sockets::new(SocketLimits { total, sharing }),
        message_bytes: sessions::MESSAGE_BYTES,
        frames,
        traffic,
    }
}

/// How many handshakes of TLS a network may begin.
pub(super) fn handshakes(services: &Services) -> Handshakes {
    match services.is_rate_limited() {
        true => Handshakes::limited(),
        false => Handshakes::unlimited(),
    }
}

/// The limits of costly requests per address.
pub(super) fn plain(services: &Services) -> PlainLimits {
    match services.is_rate_limited() {
        true => PlainLimits::default(),
        false => PlainLimits::off(),
    }
}
