//! What the server answers to connectivity checks, and to strangers.

use std::net::SocketAddr;

use rtc::ice::attributes::control::AttrControlling;
use rtc::ice::attributes::priority::PriorityAttr;
use rtc::ice::attributes::use_candidate::UseCandidateAttr;
use rtc::stun::attributes::ATTR_USERNAME;
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc::stun::textattrs::Username;

use super::World;

#[test]
fn candidates_and_strangers_make_the_server_send_nothing() {
    let mut world = World::new();
    let ada = world.admit();
    world.publish(&ada);
    // The client's candidate was in its offer; nothing of the client's arrives.
    world.clients.clear();
    for _ in 0..200 {
        world.step();
    }
    for bytes in [
        &[0x16, 0xfe, 0xfd, 0, 0][..],
        &[0x80; 40],
        &[0, 1, 0, 0],
        &[0xff; 30],
        &[],
    ] {
        let stranger = SocketAddr::from(([203, 0, 113, 9], 40_000));
        world.strike(stranger, bytes);
    }
    world.step();
    assert!(world.wire.is_empty());
    assert_eq!(world.state.census().addresses, 0);
}

/// The user name fragment and the password of a description.
fn credentials(sdp: &str) -> (String, String) {
    let value = |name: &str| {
        let line = sdp.lines().find_map(|line| line.strip_prefix(name));
        line.expect("an ICE attribute").to_owned()
    };
    (value("a=ice-ufrag:"), value("a=ice-pwd:"))
}

fn stun(setters: Vec<Box<dyn Setter>>, password: &str) -> Message {
    let crypto = rtc::crypto::default_provider().unwrap();
    let password = password.to_owned();
    let integrity =
        MessageIntegrity::new_short_term_integrity_with_provider(password, crypto.crypto());
    let mut setters: Vec<Box<dyn Setter + '_>> = setters;
    setters.push(Box::new(integrity));
    setters.push(Box::new(FINGERPRINT));
    let mut message = Message::new();
    message.build(&setters).unwrap();
    message
}

#[test]
fn a_first_check_that_nominates_is_answered_without_being_repeated() {
    let mut world = World::new();
    let ada = world.admit();
    let up = world.publish(&ada);
    let client = world.clients.remove(up);
    let (theirs, _) = credentials(&client.pc.local_description().unwrap().sdp);
    let (ours, our_password) = credentials(&client.pc.remote_description().unwrap().sdp);
    let check = stun(
        vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId::new()),
            Box::new(Username::new(ATTR_USERNAME, format!("{ours}:{theirs}"))),
            Box::new(UseCandidateAttr),
            Box::new(AttrControlling(1)),
            Box::new(PriorityAttr(1)),
        ],
        &our_password,
    );
    world.strike(client.address, &check.raw);
    world.step();
    let sent = world.wire.iter().map(|datagram| {
        let mut message = Message::new();
        message.unmarshal_binary(&datagram.bytes).unwrap();
        message
    });
    let answers: Vec<Message> = sent.collect();
    // It sends no checks of its own (RFC 8445 §2.5).
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].typ, BINDING_SUCCESS);
    assert_eq!(answers[0].transaction_id, check.transaction_id);
}
