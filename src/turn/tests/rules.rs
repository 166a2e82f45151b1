//! What a client may ask for, and to whom it may send.

use super::*;

#[test]
fn an_allocation_is_asked_for_as_the_standard_says() {
    let mut stage = Stage::new();
    let mut ada = stage.who("ada", 1);
    let family = |family: u8| (attribute::REQUESTED_ADDRESS_FAMILY, vec![family, 0, 0, 0]);
    let both = (attribute::ADDITIONAL_ADDRESS_FAMILY, vec![2, 0, 0, 0]);
    let token = (attribute::RESERVATION_TOKEN, vec![0; 8]);
    let even = (attribute::EVEN_PORT, vec![0x80]);
    let dont_fragment = (0x001a, vec![]);
    for (more, code) in [
        (vec![dont_fragment], 420),
        (vec![even.clone()], 508),
        (vec![token.clone()], 508),
        (vec![token.clone(), even], 400),
        (vec![token, family(1)], 400),
        (vec![family(1), both.clone()], 400),
        (vec![family(3)], 440),
        (vec![(attribute::LIFETIME, vec![1])], 400),
    ] {
        assert_eq!(stage.allocate(&mut ada, &more).code, Some(code), "{more:?}");
    }
    for (transport, code) in [(vec![], 400), (vec![6, 0, 0, 0], 442)] {
        let attributes = [(attribute::REQUESTED_TRANSPORT, transport)];
        let answer = stage.ask(&mut ada, method::ALLOCATE, &attributes);
        assert_eq!(answer.code, Some(code));
    }
    assert_eq!(stage.ask(&mut ada, method::ALLOCATE, &[]).code, Some(400));
    assert_eq!(stage.server.allocations(), 0);
    for port in 10..14 {
        let mut any = stage.who("bo", port);
        let even = (attribute::EVEN_PORT, vec![0]);
        let relayed = stage.allocate(&mut any, &[even]).relayed.unwrap();
        assert!(relayed.port().is_multiple_of(2), "{relayed}");
    }
    let six = stage.allocate(&mut ada, &[family(2)]);
    assert_eq!(six.relayed.unwrap().ip(), address(MEDIA_6).ip());
    let mut bo = stage.who("bo", 2);
    let answer = stage.allocate(&mut bo, &[both]);
    assert!(answer.relayed.unwrap().is_ipv4());
    let message = Message::parse(&answer.bytes).unwrap();
    let error = message.value(attribute::ADDRESS_ERROR_CODE);
    assert_eq!(error, Some(&[2, 0, 4, 40][..]));
}

#[test]
fn a_client_has_one_allocation_and_it_is_its_own() {
    let mut stage = Stage::new();
    let mut ada = stage.who("ada", 1);
    let transport = [(attribute::REQUESTED_TRANSPORT, UDP.to_vec())];
    let first = stage.ask_with(&mut ada, method::ALLOCATE, &transport, [200; 12]);
    let again = stage.ask_with(&mut ada, method::ALLOCATE, &transport, [200; 12]);
    assert_eq!(first.relayed, again.relayed, "a request that is repeated");
    assert_eq!(stage.allocate(&mut ada, &[]).code, Some(437));
    let mut bo = stage.who("bo", 1);
    for method in [
        method::REFRESH,
        method::CREATE_PERMISSION,
        method::CHANNEL_BIND,
    ] {
        assert_eq!(stage.ask(&mut bo, method, &[]).code, Some(441));
    }
    assert_eq!(stage.allocate(&mut bo, &[]).code, Some(437));
    let mut nobody = stage.who("ada", 2);
    for method in [
        method::REFRESH,
        method::CREATE_PERMISSION,
        method::CHANNEL_BIND,
    ] {
        assert_eq!(stage.ask(&mut nobody, method, &[]).code, Some(437));
    }
}

#[test]
fn an_allocation_lasts_as_long_as_it_is_refreshed() {
    let mut stage = Stage::new();
    let (mut ada, _) = stage.allocated("ada", 1);
    let lifetime = |seconds: u32| [(attribute::LIFETIME, seconds.to_be_bytes().to_vec())];
    for (wanted, granted) in [(1, 600), (1_000, 1_000), (99_999, 3_600)] {
        let answer = stage.ask(&mut ada, method::REFRESH, &lifetime(wanted));
        assert_eq!(answer.lifetime, Some(granted));
    }
    assert_eq!(stage.bind(&mut ada, 0x4001, MEDIA).code, None);
    // A channel lasts ten minutes, a permission five.
    for _ in 0..2 {
        assert_eq!(stage.permit(&mut ada, &[MEDIA]).code, None);
        stage.pass(299);
        assert_ne!(stage.by_channel(&ada, 0x4001, b"x"), Outcome::Nothing);
        stage.pass(1);
        assert_eq!(stage.by_channel(&ada, 0x4001, b"x"), Outcome::Nothing);
    }
    assert_eq!(stage.permit(&mut ada, &[MEDIA]).code, None);
    stage.pass(299);
    assert_ne!(stage.send(&ada, MEDIA, b"x").1, Outcome::Nothing);
    stage.pass(1);
    assert_eq!(stage.send(&ada, MEDIA, b"x").1, Outcome::Nothing);
    let wrong = [(attribute::REQUESTED_ADDRESS_FAMILY, vec![2, 0, 0, 0])];
    assert_eq!(stage.ask(&mut ada, method::REFRESH, &wrong).code, Some(443));
    stage.pass(2_700);
    assert_eq!(stage.ask(&mut ada, method::REFRESH, &[]).code, Some(437));
    let (mut ada, _) = stage.allocated("ada", 1);
    let answer = stage.ask(&mut ada, method::REFRESH, &lifetime(0));
    assert_eq!((answer.lifetime, stage.server.allocations()), (Some(0), 0));
    stage.allocated("ada", 1);
    stage.pass(600);
    stage.server.sweep(stage.now.instant);
    assert_eq!(stage.server.allocations(), 0);
}

#[test]
fn media_is_reached_by_indications_and_by_channels_and_answers_the_same_way() {
    let mut stage = Stage::new();
    let (mut kim, relayed) = stage.allocated("kim", 1);
    assert_eq!(stage.permit(&mut kim, &[MEDIA]).code, None);
    let (message, outcome) = stage.send(&kim, MEDIA, b"hello");
    let Outcome::Media(ToMedia {
        allocation,
        local,
        remote,
        payload,
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((local, remote), (address(MEDIA), relayed));
    assert_eq!(&message[payload], b"hello");
    let answer = stage.server.wrap(allocation, local, b"back", stage.now);
    let Wrapped { client, bytes } = answer.unwrap();
    assert_eq!(client, kim.client);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.method, message.class),
        (method::DATA, Class::Indication)
    );
    assert_eq!(message.peers().next(), Some(Some(address(MEDIA))));
    assert_eq!(message.value(attribute::DATA), Some(&b"back"[..]));
    assert_eq!(stage.bind(&mut kim, 0x4fff, MEDIA).code, None);
    let Outcome::Media(ToMedia { payload, .. }) = stage.by_channel(&kim, 0x4fff, b"hello") else {
        panic!("by its channel");
    };
    assert_eq!(payload, 4..9);
    let answer = stage.server.wrap(allocation, local, b"back!", stage.now);
    assert_eq!(answer.unwrap().bytes, channel_data(0x4fff, b"back!"));
    // Nothing of ours sends from elsewhere.
    let strange = address("203.0.113.9:1");
    assert_eq!(
        stage.server.wrap(allocation, strange, b"x", stage.now),
        None
    );
}

#[test]
fn in_a_stream_messages_are_filled_up() {
    let mut stage = Stage::new();
    let mut kim = stage.who("kim", 1);
    kim.client = Client::Stream {
        id: 5,
        remote: address("198.51.100.7:9"),
    };
    assert_eq!(stage.allocate(&mut kim, &[]).code, None);
    assert_eq!(stage.bind(&mut kim, 0x4000, MEDIA).code, None);
    let padded = [channel_data(0x4000, b"hello"), vec![0; 3]].concat();
    assert_eq!(framed(&padded), Ok(Some(padded.len())));
    let outcome = stage.server.handle(kim.client, &padded, stage.now);
    let Outcome::Media(ToMedia {
        allocation,
        local,
        payload,
        ..
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(payload, 4..9);
    let answer = stage.server.wrap(allocation, local, b"hello", stage.now);
    assert_eq!(answer.unwrap().bytes, padded);
    stage.server.stream_ended(kim.client);
    assert_eq!(stage.server.allocations(), 0);
}

#[test]
fn two_of_one_room_reach_each_other_and_nobody_else() {
    let mut stage = Stage::new();
    let (mut ada, at_ada) = stage.allocated("ada", 1);
    let (mut bo, at_bo) = stage.allocated("bo", 2);
    let (eve, at_eve) = stage.allocated("eve", 3);
    let (kim, at_kim) = stage.allocated("kim", 4);
    let (lee, at_lee) = stage.allocated("lee", 5);
    let all = [&at_ada, &at_bo, &at_eve, &at_kim, &at_lee].map(SocketAddr::to_string);
    assert_eq!(stage.bind(&mut ada, 0x4000, &all[1]).code, None);
    // The other has not permitted it yet.
    assert_eq!(stage.by_channel(&ada, 0x4000, b"x"), Outcome::Nothing);
    assert_eq!(stage.permit(&mut bo, &[&all[0]]).code, None);
    let Outcome::Other(Wrapped { client, bytes }) = stage.by_channel(&ada, 0x4000, b"x") else {
        panic!("to the other");
    };
    assert_eq!(client, bo.client);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.peers().next(), Some(Some(at_ada)));
    let mut people = [ada, bo, eve, kim, lee];
    for (who, to) in [(2, 0), (3, 0), (3, 4), (4, 3), (0, 2)] {
        let who = &mut people[who];
        assert_eq!(stage.bind(who, 0x4001, &all[to]).code, Some(403));
        assert_eq!(
            stage.permit(who, &[&all[to]]).code,
            None,
            "it is our address"
        );
        assert_eq!(stage.send(who, &all[to], b"x").1, Outcome::Nothing);
    }
}

#[test]
fn no_other_peer_is_legal_in_any_spelling() {
    let mut stage = Stage::new();
    let (mut ada, _) = stage.allocated("ada", 1);
    let mut bo = stage.who("bo", 2);
    let six = (attribute::REQUESTED_ADDRESS_FAMILY, vec![2, 0, 0, 0]);
    assert_eq!(stage.allocate(&mut bo, &[six]).code, None);
    for (peer, code) in [
        ("0.0.0.0:80", 403),
        ("127.0.0.2:80", 403),
        ("10.0.0.1:80", 403),
        ("169.254.169.254:80", 403),
        ("192.168.1.1:80", 403),
        ("100.64.0.1:80", 403),
        ("224.0.0.1:80", 403),
        ("255.255.255.255:80", 403),
        ("192.0.2.2:20000", 403),
        ("8.8.8.8:53", 403),
        ("[2001:db8::1]:20000", 443),
        ("[::ffff:127.0.0.1]:20000", 443),
    ] {
        assert_eq!(stage.permit(&mut ada, &[peer]).code, Some(code), "{peer}");
        assert_eq!(
            stage.bind(&mut ada, 0x4000, peer).code,
            Some(code),
            "{peer}"
        );
        // One of many spoils them all.
        assert_eq!(stage.permit(&mut ada, &[MEDIA, peer]).code, Some(code));
        assert_eq!(stage.send(&ada, peer, b"x").1, Outcome::Nothing, "{peer}");
        assert_eq!(stage.send(&ada, MEDIA, b"x").1, Outcome::Nothing);
    }
    for peer in [
        "[::]:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:20000",
        "[::ffff:192.0.2.1]:20000",
        "[::127.0.0.1]:20000",
        "[64:ff9b::192.0.2.1]:20000",
        "[64:ff9b::127.0.0.1]:20000",
        "[2002:c000:201::1]:20000",
        "[2002:7f00:1::]:20000",
        "[fe80::1]:80",
        "[fd00::1]:80",
        "[ff02::1]:80",
        "[2001:db8::2]:80",
    ] {
        assert_eq!(stage.permit(&mut bo, &[peer]).code, Some(403), "{peer}");
        assert_eq!(stage.bind(&mut bo, 0x4000, peer).code, Some(403), "{peer}");
    }
    // Of our own addresses, the ports of media alone.
    for port in [
        "192.0.2.1:22",
        "192.0.2.1:8080",
        "192.0.2.1:20001",
        "127.0.0.1:80",
    ] {
        assert_eq!(stage.bind(&mut ada, 0x4000, port).code, Some(403), "{port}");
        assert_eq!(stage.permit(&mut ada, &[port]).code, None);
        assert_eq!(stage.send(&ada, port, b"x").1, Outcome::Nothing, "{port}");
    }
}

#[test]
fn a_channel_is_for_one_peer_and_a_peer_has_one_channel() {
    let mut stage = Stage::new();
    let (mut ada, own) = stage.allocated("ada", 1);
    let own = own.to_string();
    for number in [0, 0x3fff, 0x5000, 0x7fff] {
        assert_eq!(stage.bind(&mut ada, number, MEDIA).code, Some(400));
    }
    assert_eq!(stage.bind(&mut ada, 0x4000, MEDIA).code, None);
    assert_eq!(stage.bind(&mut ada, 0x4000, MEDIA).code, None, "once more");
    assert_eq!(stage.bind(&mut ada, 0x4000, &own).code, Some(400));
    assert_eq!(stage.bind(&mut ada, 0x4001, MEDIA).code, Some(400));
    assert_eq!(stage.bind(&mut ada, 0x4001, &own).code, None);
    assert_eq!(
        stage.ask(&mut ada, method::CHANNEL_BIND, &[]).code,
        Some(400)
    );
    assert_eq!(
        stage.ask(&mut ada, method::CREATE_PERMISSION, &[]).code,
        Some(400)
    );
    let lying = [&channel_data(0x4000, b"hello")[..], b"more"].concat();
    let outcome = stage.server.handle(ada.client, &lying, stage.now);
    assert!(matches!(outcome, Outcome::Media(ToMedia { payload, .. }) if payload == (4..9)));
    let cut = &channel_data(0x4000, b"hello")[..8];
    assert_eq!(
        stage.server.handle(ada.client, cut, stage.now),
        Outcome::Nothing
    );
}
