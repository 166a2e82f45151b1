//! What it costs, and what it does not.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::budgets::{lowered, turn as budgets};

#[test]
fn floods_without_credentials_are_answered_within_a_bound_and_remembered_nowhere() {
    let mut stage = Stage::new();
    let request = Writer::new(method::ALLOCATE, Class::Request, &[1; 12]).finish();
    let binding = Writer::new(method::BINDING, Class::Request, &[1; 12]).finish();
    let mut answered = 0;
    for port in 1_024..11_024 {
        let flood = if port % 2 == 0 { &request } else { &binding };
        answered += u64::from(stage.give(client(port), flood).is_some());
    }
    assert_eq!(answered, budgets::UNPROVEN_BURST.most);
    assert_eq!(stage.server.allocations(), 0);
    // Somebody elsewhere is not kept from it, unless their hash is the same by chance.
    let elsewhere = (0..20_u8).filter(|last| {
        let far = Client::Udp {
            local: address(MEDIA),
            remote: SocketAddr::from(([203, 0, 113, *last], 9)),
        };
        stage.give(far, &request).is_some()
    });
    assert!(elsewhere.count() > 15);
    stage.pass(1);
    let again = (0..1_000).filter(|_| stage.give(client(1), &request).is_some());
    assert_eq!(again.count() as u64, budgets::UNPROVEN.most);
}

#[test]
fn answers_to_the_unproven_are_short() {
    let mut stage = Stage::new();
    let request = Writer::new(method::ALLOCATE, Class::Request, &[1; 12]).finish();
    let answer = stage.give(client(1), &request).unwrap();
    assert!(
        answer.bytes.len() <= 4 * request.len(),
        "{}",
        answer.bytes.len()
    );
}

#[test]
fn a_person_has_so_many_allocations_and_no_more() {
    let mut stage = Stage::new();
    let most = budgets::ALLOCATIONS.most as u16;
    for port in 0..most {
        stage.allocated("ada", 2_000 + port);
    }
    let mut more = stage.who("ada", 1);
    assert_eq!(stage.allocate(&mut more, &[]).code, Some(486));
    stage.allocated("bo", 2);
    let mut one = stage.who("ada", 2_000);
    let nothing = [(attribute::LIFETIME, vec![0; 4])];
    assert_eq!(stage.ask(&mut one, method::REFRESH, &nothing).code, None);
    assert_eq!(stage.allocate(&mut more, &[]).code, None);
}

#[test]
fn the_server_has_so_many_allocations_and_no_more() {
    lowered::set(&[(budgets::ALLOCATIONS_IN_ALL.name, 300)]);
    let mut stage = Stage::new();
    let each = budgets::ALLOCATIONS.most;
    for number in 0..300 {
        let name = format!("p{}", number / each);
        stage
            .server
            .admit(&name, 50, Reach::Media, stage.now.instant);
        stage.now.instant += Duration::from_millis(60);
        stage.allocated(&name, 2_000 + number as u16);
    }
    let mut more = stage.who("ada", 1);
    assert_eq!(stage.allocate(&mut more, &[]).code, Some(508));
    stage.server.close(50);
    assert_eq!(stage.allocate(&mut more, &[]).code, None);
}

#[test]
fn an_allocation_has_so_many_channels_and_no_more() {
    let mut stage = Stage::new();
    let media = (0..40).map(|last| SocketAddr::from(([192, 0, 2, last], 20_000)));
    let media: Vec<SocketAddr> = media.collect();
    stage.server.set_media(media.clone());
    let (mut ada, _) = stage.allocated("ada", 1);
    let most = budgets::CHANNELS.size();
    assert_eq!(most, budgets::PERMISSIONS.size());
    for (number, peer) in (0x4000..).zip(&media[..most]) {
        assert_eq!(stage.bind(&mut ada, number, &peer.to_string()).code, None);
    }
    let next = media[most].to_string();
    assert_eq!(stage.bind(&mut ada, 0x4f00, &next).code, Some(508));
    assert_eq!(stage.permit(&mut ada, &[&next]).code, Some(508));
    // What is there is kept all the same.
    assert_eq!(
        stage.bind(&mut ada, 0x4000, &media[0].to_string()).code,
        None
    );
}

#[test]
fn what_is_relayed_is_bounded_in_speed_and_in_all() {
    let mut stage = Stage::new();
    let (mut kim, _) = stage.allocated("kim", 1);
    assert_eq!(stage.bind(&mut kim, 0x4000, MEDIA).code, None);
    let payload = [0; 1_000];
    let send = |stage: &mut Stage, most: u64| {
        (0..most)
            .take_while(|_| stage.by_channel(&kim, 0x4000, &payload) != Outcome::Nothing)
            .count() as u64
    };
    let burst = send(&mut stage, u64::MAX);
    assert_eq!(burst, budgets::RELAYED_BURST.most / 1_000);
    stage.pass(600);
    assert_eq!(
        stage.ask(&mut kim, method::REFRESH, &[]).code,
        Some(437),
        "time passes"
    );
    let (mut kim, _) = stage.allocated("kim", 1);
    assert_eq!(stage.bind(&mut kim, 0x4000, MEDIA).code, None);
    stage.server.spend_all_but("kim", 2_500);
    let sent = (0..10).filter(|_| stage.by_channel(&kim, 0x4000, &payload) != Outcome::Nothing);
    assert_eq!(sent.count(), 2);
    stage.pass(10);
    assert_eq!(stage.by_channel(&kim, 0x4000, &payload), Outcome::Nothing);
    // What is too long for media is not even looked at.
    let long = vec![0; 4_000];
    let (mut lee, _) = stage.allocated("lee", 2);
    assert_eq!(stage.bind(&mut lee, 0x4000, MEDIA).code, None);
    assert_eq!(stage.by_channel(&lee, 0x4000, &long), Outcome::Nothing);
}

#[test]
fn streams_are_cut_into_messages_and_strangers_are_told_apart() {
    let request = Writer::new(method::ALLOCATE, Class::Request, &[1; 12])
        .attribute(attribute::LIFETIME, &[0; 4])
        .finish();
    assert_eq!(framed(&request), Ok(Some(request.len())));
    for end in 0..8 {
        assert!(matches!(framed(&request[..end]), Ok(None)), "{end}");
    }
    assert_eq!(framed(&request[..8]), Ok(Some(request.len())));
    assert_eq!(framed(b"POST / HTTP/1.1"), Err(NotTurn));
    assert_eq!(framed(&[0; 8]), Err(NotTurn));
    assert_eq!(framed(&[0x80; 8]), Err(NotTurn));
    assert_eq!(framed(&channel_data(0x4000, b"12345")), Ok(Some(12)));
    assert!(is_turn(&request) && is_turn(&channel_data(0x4000, b"")));
    let check = Writer::new(method::BINDING, Class::Request, &[1; 12]);
    let check = check.attribute(attribute::USERNAME, b"a:b").finish();
    assert!(!is_turn(&check), "that is a check of ICE");
    assert!(!is_turn(&[0x80; 30]) && !is_turn(&[22; 30]) && !is_turn(b""));
}

/// No request can make the server send to anything but our own media and neighbours, and quotas hold.
#[test]
fn random_requests_break_no_rule() {
    let mut random = StdRng::seed_from_u64(11);
    let peers = [
        MEDIA,
        MEDIA_6,
        "127.0.0.1:20000",
        "127.0.0.1:80",
        "10.0.0.1:1",
        "[::1]:1",
    ];
    for _ in 0..20 {
        let mut stage = Stage::new();
        let names = ["ada", "bo", "eve", "kim"];
        let mut people: Vec<Who> = (0..8)
            .map(|at| stage.who(names[at % 4], 3_000 + at as u16))
            .collect();
        let mut relayed: Vec<String> = Vec::new();
        for _ in 0..400 {
            let at = random.random_range(0..people.len());
            let who = &mut people[at];
            let any = random.random_range(0..peers.len() + relayed.len());
            let peer = peers.get(any).map(|peer| (*peer).to_owned());
            let peer = peer.unwrap_or_else(|| relayed[any - peers.len()].clone());
            let number = 0x3fff + random.random_range(0..4_u16);
            let outcome = match random.random_range(0..8) {
                0 => {
                    let answer = stage.allocate(who, &[]);
                    relayed.extend(answer.relayed.map(|address| address.to_string()));
                    Outcome::Nothing
                }
                1 => {
                    stage.permit(who, &[&peer]);
                    Outcome::Nothing
                }
                2 => {
                    stage.bind(who, number, &peer);
                    Outcome::Nothing
                }
                3 => {
                    let name = names[random.random_range(0..4)];
                    stage.server.dismiss(name);
                    let room = u64::from(name == "eve") + 1;
                    stage
                        .server
                        .admit(name, room, Reach::EachOther, stage.now.instant);
                    Outcome::Nothing
                }
                4 => {
                    let seconds = random.random_range(0..200);
                    stage.pass(seconds);
                    Outcome::Nothing
                }
                5 => stage.by_channel(who, number, b"x"),
                6 => stage.send(who, &peer, b"x").1,
                _ => {
                    let mut garbage = who.request(method::CHANNEL_BIND, &[], [3; 12]);
                    let bent = random.random_range(0..garbage.len());
                    garbage[bent] = random.random();
                    stage.server.handle(who.client, &garbage, stage.now)
                }
            };
            match outcome {
                Outcome::Media(ToMedia { local, .. }) => {
                    let media = [MEDIA, MEDIA_6, "127.0.0.1:20000"].map(address);
                    assert!(media.contains(&local));
                }
                Outcome::Other(wrapped) => {
                    let other = people.iter().position(|who| who.client == wrapped.client);
                    let is_eve = |at: usize| names[at % 4] == "eve";
                    assert_eq!(is_eve(at), is_eve(other.unwrap()), "of one room");
                }
                Outcome::Answer(_) | Outcome::Nothing => {}
            }
        }
    }
}
