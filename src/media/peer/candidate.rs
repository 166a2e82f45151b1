//! The form of remote ICE candidates (RFC 8839 §5.1).
//!
//! They are read and left aside: the server only ever sends to addresses that checked it first (RFC 8445 §7.3.1.3,
//! peer-reflexive candidates), so that no client can point it at others. It loses nothing: every client can reach the
//! server, and the server needs to reach none. A malformed candidate is refused with a reason all the same.

use std::net::IpAddr;

use crate::media::peer::sdp::Refusal;

/// A longer candidate is refused.
const MAX_BYTES: usize = 1024;
/// RFC 8839 §5.1: `1*32ice-char`.
const MAX_FOUNDATION_BYTES: usize = 32;
const TOO_SHORT: &str = "The candidate has too few words: foundation, component, transport, priority, address, port, typ and type.";
/// RFC 1035 §2.3.4.
const MAX_NAME_BYTES: usize = 255;

/// Checks the form of a candidate-attribute; an empty one ends the candidates (RFC 8838 §13).
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(in crate::media) fn check(candidate: &str) -> Result<(), Refusal> {
    let line = candidate.trim();
    if line.is_empty() {
        return Ok(());
    }
    if line.len() > MAX_BYTES {
        return Err("The candidate is too long.");
    }
    let line = line.strip_prefix("a=").unwrap_or(line);
    let line = line.strip_prefix("candidate:").unwrap_or(line);
    let mut words = line.split_ascii_whitespace();
    let mut next = || words.next().ok_or(TOO_SHORT);
    let (foundation, component, transport) = (next()?, next()?, next()?);
    let (priority, address, port) = (next()?, next()?, next()?);
    let (label, kind) = (next()?, next()?);
    if !is_foundation(foundation) {
        return Err("The candidate's foundation is not 1 to 32 letters, digits, + or / .");
    }
    if !matches!(component.parse::<u16>(), Ok(1..=256)) {
        return Err("The candidate's component is not a number from 1 to 256.");
    }
    if !is_word(transport) || priority.parse::<u32>().is_err() {
        return Err("The candidate's transport or priority is malformed.");
    }
    if label != "typ" || !is_word(kind) {
        return Err("The candidate's type (typ) is missing.");
    }
    // What follows comes in pairs of a name and a value.
    if !words.count().is_multiple_of(2) {
        return Err("The candidate ends in a name without its value.");
    }
    if !is_address(address) {
        return Err("The candidate has an impossible address.");
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        // A client that connects from there listens nowhere (RFC 6544 §4.5).
        Ok(0) if transport.eq_ignore_ascii_case("tcp") => Ok(()),
        _ => Err("The candidate has an impossible port."),
    }
}

fn is_foundation(word: &str) -> bool {
    let is_ice_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    word.len() <= MAX_FOUNDATION_BYTES && word.bytes().all(is_ice_char)
}

fn is_zone(word: &str) -> bool {
    let fits = (1..=16).contains(&word.len());
    fits && word
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_word(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An address of one host, or a name: browsers hide their own addresses behind names under `.local`.
fn is_address(word: &str) -> bool {
    // An address of a link may name the link (RFC 4007 §11).
    let (bare, zone) = word.split_once('%').unwrap_or((word, "0"));
    if let (Ok(ip), true) = (bare.parse::<IpAddr>(), is_zone(zone)) {
        let broadcast = ip == IpAddr::from([255, 255, 255, 255]);
        return !ip.is_unspecified() && !ip.is_multicast() && !broadcast;
    }
    let is_label = |label: &str| {
        let inner = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len()) && inner && is_word(label)
    };
    // A name's last label is no number (RFC 3696 §2): such a name would be a malformed address.
    let last = word.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    word.len() <= MAX_NAME_BYTES && !numeric && word.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_is_taken() {
        for candidate in [
            "",
            " ",
            "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host",
            "1 1 UDP 2122260223 192.0.2.1 50000 typ host",
            "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EEtu network-cost 999",
            "candidate:0 1 UDP 2122252543 4b2a1b5e-3f40-4c8a-a0f8-6d3a7b1f2d3c.local 51472 typ host",
            "candidate:1 1 TCP 2105458943 192.0.2.1 9 typ host tcptype active",
            "candidate:1 1 tcp 2105458943 192.0.2.1 0 typ host tcptype active",
            "candidate:H1+/ 2 udp 1 2001:db8::1 1 typ relay raddr 192.0.2.1 rport 65535",
            "candidate:1 1 udp 1 fe80::1 5000 typ host",
            "candidate:1 1 udp 1 fe80::1%eth0 5000 typ host",
            "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
            "candidate:1 1 udp 1 turn.example.org 5000 typ relay",
        ] {
            assert_eq!(check(candidate), Ok(()), "{candidate}");
        }
    }

    #[test]
    fn what_is_no_candidate_is_refused() {
        let good = "candidate:1 1 udp 1 192.0.2.1 50000 typ host";
        let with = |from: &str, to: &str| good.replacen(from, to, 1);
        for candidate in [
            "candidate:".to_owned(),
            "candidate".to_owned(),
            "garbage".to_owned(),
            "candidate:1 1 udp 1 192.0.2.1 50000 typ".to_owned(),
            with("candidate:1", "candidate:"),
            with("candidate:1", &format!("candidate:{}", "1".repeat(33))),
            with("candidate:1", "candidate:a=b"),
            with("1 1 udp", "1 0 udp"),
            with("1 1 udp", "1 257 udp"),
            with("1 1 udp", "1 x udp"),
            with("udp", "u/p"),
            with("udp 1", "udp -1"),
            with("udp 1", "udp 4294967296"),
            with("50000", "0"),
            with("50000", "65536"),
            with("50000", "-1"),
            with("50000", "port"),
            with("192.0.2.1", "0.0.0.0"),
            with("192.0.2.1", "::"),
            with("192.0.2.1", "224.0.0.1"),
            with("192.0.2.1", "255.255.255.255"),
            with("192.0.2.1", "ff02::1"),
            with("192.0.2.1", "192.0.2.999"),
            with("192.0.2.1", "192.0.2"),
            with("192.0.2.1", "-a.local"),
            with("192.0.2.1", "a..local"),
            with("192.0.2.1", "[::1]"),
            with("192.0.2.1", "fe80::1%"),
            with("192.0.2.1", "fe80::1%a b"),
            with("192.0.2.1", "a%eth0"),
            with("192.0.2.1", &"a.".repeat(200)),
            with("typ", "type"),
            with("host", "host tcptype"),
            format!("{good} {}", "x ".repeat(600)),
        ] {
            assert!(check(&candidate).is_err(), "{candidate}");
        }
    }
}
