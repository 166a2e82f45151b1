//! What it takes this machine to send a packet, measured once.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::srtp::{Outbound, Profile, ciphers};
use crate::media::rtp::packet::{ExtensionSet, Header};

/// The bytes of a packet of a picture.
const BYTES: usize = 1_100;
/// Packets of one round, and rounds. The quickest round counts, as no other program had the processor in it.
const PACKETS: u32 = 200;
const ROUNDS: u32 = 8;
/// It ends early on a machine that is too slow.
const LONGEST: Duration = Duration::from_millis(100);
/// Longer than the keys and salts of any profile.
const EXPORTED: [u8; 60] = [7; 60];
/// Where it cannot be measured: as much as a slow machine takes.
const UNKNOWN: Duration = Duration::from_micros(20);

/// What it takes to seal and send one packet, here and now.
pub(in crate::media) fn packet_cost() -> Duration {
    measure().unwrap_or(UNKNOWN)
}

fn measure() -> Option<Duration> {
    let (cipher, _) = ciphers(Profile::Gcm, &EXPORTED)?;
    let mut outbound = Outbound::new(cipher);
    // What is sent stays on this machine, and is thrown away with the socket.
    let end = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    from.connect(end.local_addr().ok()?).ok()?;
    from.set_nonblocking(true).ok()?;
    let mut bytes = Vec::with_capacity(2 * BYTES);
    let began = Instant::now();
    let mut quickest: Option<Duration> = None;
    for number in 0..ROUNDS {
        let round = Instant::now();
        for sequence in 0..PACKETS {
            bytes.clear();
            let header = Header {
                marker: false,
                payload_type: 96,
                sequence: (number * PACKETS + sequence) as u16,
                timestamp: 0,
                ssrc: 1,
            };
            header.write(&ExtensionSet::default(), &mut bytes);
            bytes.resize(bytes.len() + BYTES, 0);
            if !outbound.seal_rtp(&mut bytes, 0) {
                return None;
            }
            // A packet that finds the queue full has cost as much.
            let _ = from.send(&bytes);
        }
        let each = Instant::now().saturating_duration_since(round) / PACKETS;
        quickest = Some(quickest.map_or(each, |least| least.min(each)));
        if Instant::now().saturating_duration_since(began) > LONGEST {
            break;
        }
    }
    quickest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_costs_something_and_measuring_is_short() {
        let began = Instant::now();
        let cost = measure().expect("loopback sockets");
        assert!(cost > Duration::ZERO);
        assert!(Instant::now().saturating_duration_since(began) < 20 * LONGEST);
    }
}
