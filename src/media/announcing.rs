//! Addresses that change while the server runs: new connections are told of the new ones, the others stay.

use super::faults::{media, room};
use crate::media::{MediaIp, RoomMedia};
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::ParticipantId;

/// The description that a newcomer gets.
async fn offer(room: &RoomMedia) -> String {
    let participant = ParticipantId::random();
    room.try_command(MediaCommand::Admit {
        participant: participant.clone(),
    })
    .unwrap();
    room.receive(&participant, 0, 1).await.unwrap().sdp
}

fn candidates(sdp: &str) -> Vec<&str> {
    let lines = sdp.lines().filter(|line| line.starts_with("a=candidate:"));
    // RFC 8839 §5.1: foundation, component, transport, priority, address.
    lines.filter_map(|line| line.split(' ').nth(4)).collect()
}

#[tokio::test]
async fn new_connections_are_told_of_the_addresses_that_hold_now() {
    let media = media();
    let (standing, _events) = room(&media);
    assert_eq!(candidates(&offer(&standing).await), ["127.0.0.1"]);
    let others =
        ["127.0.0.2", "::1"].map(|ip| MediaIp::from(ip.parse::<std::net::IpAddr>().unwrap()));
    media.announce(&others);
    // Rooms that stand and rooms that begin.
    let (fresh, _events) = room(&media);
    for room in [&standing, &fresh] {
        let sdp = offer(room).await;
        let mut told = candidates(&sdp);
        told.sort_unstable();
        assert_eq!(told, ["127.0.0.2", "::1"]);
    }
    let ips: Vec<_> = media
        .addresses()
        .iter()
        .map(|at| at.ip().to_string())
        .collect();
    assert_eq!(ips, ["127.0.0.2", "::1"], "the relay's as well");
}
