//! Who may use the relay, and for how long.

use super::*;

#[test]
fn a_client_with_valid_credentials_gets_an_address() {
    let mut stage = Stage::new();
    let mut ada = stage.who("ada", 1024);
    let request = ada.request(method::ALLOCATE, &[], [1; 12]);
    let challenge = stage.give(ada.client, &request).unwrap();
    assert_eq!(challenge.code, Some(401));
    assert!(challenge.nonce.is_some());
    let answer = stage.allocate(&mut ada, &[]);
    assert_eq!((answer.code, answer.lifetime), (None, Some(600)));
    let relayed = answer.relayed.unwrap();
    assert_eq!(
        relayed.ip(),
        address(MEDIA).ip(),
        "not the loopback address"
    );
    assert!(relayed.port() >= 16_384);
    let message = Message::parse(&answer.bytes).unwrap();
    assert!(message.is_signed_by(&ada.key()));
    assert_eq!(
        message.address(attribute::XOR_MAPPED_ADDRESS),
        Some(ada.client.remote())
    );
}

#[test]
fn wrong_credentials_get_nothing() {
    let mut stage = Stage::new();
    let (real, _) = stage.allocated("ada", 1);
    let forgeries = [
        (real.username.clone(), "guess".to_owned()),
        // Somebody else's name, a later end, a name that nobody has.
        (real.username.replace("ada", "bo"), real.password.clone()),
        (format!("9{}", real.username), real.password.clone()),
        ("9999999999:nobody".to_owned(), real.password.clone()),
        ("ada".to_owned(), real.password.clone()),
        (String::new(), String::new()),
    ];
    for (username, password) in forgeries {
        let mut who = stage.who("ada", 2);
        (who.username, who.password) = (username, password);
        let answer = stage.allocate(&mut who, &[]);
        assert_eq!(answer.code, Some(401), "{}", who.username);
    }
    assert_eq!(stage.server.allocations(), 1);
}

#[test]
fn a_nonce_is_good_for_one_client_and_not_for_ever() {
    let mut stage = Stage::new();
    let (mut ada, _) = stage.allocated("ada", 1);
    let mut thief = stage.who("ada", 2);
    thief.nonce = ada.nonce.clone();
    for nonce in [ada.nonce.clone(), "AAAA".to_owned(), "~".to_owned()] {
        thief.nonce = nonce;
        let request = thief.request(method::ALLOCATE, &[], [3; 12]);
        let answer = stage.give(thief.client, &request).unwrap();
        assert_eq!(answer.code, Some(438));
    }
    let old = ada.nonce.clone();
    stage.pass(599);
    let request = ada.request(method::REFRESH, &[], [4; 12]);
    assert_eq!(stage.give(ada.client, &request).unwrap().code, None);
    stage.pass(1);
    let request = ada.request(method::REFRESH, &[], [5; 12]);
    assert_eq!(stage.give(ada.client, &request).unwrap().code, Some(438));
    assert_eq!(stage.ask(&mut ada, method::REFRESH, &[]).code, None);
    assert_ne!(ada.nonce, old);
}

#[test]
fn expired_credentials_make_no_allocation_and_hold_what_is_allocated() {
    let mut stage = Stage::new();
    let (mut ada, _) = stage.allocated("ada", 1);
    for _ in 0..8 {
        stage.pass(500);
        assert_eq!(stage.ask(&mut ada, method::REFRESH, &[]).code, None);
    }
    let mut late = stage.who("ada", 2);
    (late.username, late.password) = (ada.username.clone(), ada.password.clone());
    assert_eq!(stage.allocate(&mut late, &[]).code, Some(401));
    let (_, relayed) = stage.allocated("ada", 2);
    assert_eq!(stage.server.allocations(), 2, "{relayed}");
}

#[test]
fn a_person_who_leaves_loses_all_allocations_at_once() {
    let mut stage = Stage::new();
    let (mut ada, _) = stage.allocated("ada", 1);
    let (mut kim, _) = stage.allocated("kim", 2);
    let (mut lee, _) = stage.allocated("lee", 3);
    for who in [&mut ada, &mut kim, &mut lee] {
        assert_eq!(stage.bind(who, 0x4000, MEDIA).code, None);
    }
    stage.server.dismiss("ada");
    assert_eq!(stage.by_channel(&ada, 0x4000, b"x"), Outcome::Nothing);
    assert_eq!(stage.ask(&mut ada, method::REFRESH, &[]).code, Some(401));
    assert_eq!(stage.allocate(&mut ada, &[]).code, Some(401));
    assert!(matches!(
        stage.by_channel(&kim, 0x4000, b"x"),
        Outcome::Media(_)
    ));
    stage.server.close(3);
    assert_eq!(stage.by_channel(&kim, 0x4000, b"x"), Outcome::Nothing);
    assert_eq!(stage.allocate(&mut lee, &[]).code, Some(401));
    assert_eq!(stage.server.allocations(), 0);
    // In another room the same credentials of theirs hold again, with nothing left of before.
    stage
        .server
        .admit("ada", 9, Reach::Media, stage.now.instant);
    assert_eq!(stage.allocate(&mut ada, &[]).code, None);
}

#[test]
fn requests_out_of_shape_are_refused_or_dropped() {
    let mut stage = Stage::new();
    let (mut ada, _) = stage.allocated("ada", 1);
    // Signed, with nothing that says by whom.
    let bare = Writer::new(method::ALLOCATE, Class::Request, &[6; 12]).sign(b"key");
    assert_eq!(stage.give(ada.client, &bare).unwrap().code, Some(400));
    assert!(stage.give(ada.client, b"hello").is_none());
    let answer = Writer::new(method::ALLOCATE, Class::Success, &[6; 12]).finish();
    assert!(stage.give(ada.client, &answer).is_none());
    let unknown = [(0x7777, vec![1])];
    let answer = stage.ask(&mut ada, method::REFRESH, &unknown);
    assert_eq!((answer.code, answer.unknown), (Some(420), Some(0x7777)));
    let whole = ada.request(method::REFRESH, &[], [7; 12]);
    for end in 0..whole.len() {
        assert!(stage.give(ada.client, &whole[..end]).is_none());
    }
    for bit in 64..whole.len() * 8 {
        let mut bent = whole.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        if let Some(answer) = stage.give(ada.client, &bent) {
            assert!(answer.code.is_some(), "bit {bit}");
        }
        stage.now.instant += Duration::from_millis(50);
    }
}
