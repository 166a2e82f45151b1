//! What checks move, and what they do not.

use std::net::SocketAddr;

use super::*;

const USERNAME: u16 = 0x0006;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;

fn path(port: u16) -> Path {
    let address = |ip: [u8; 4], port| SocketAddr::from((ip, port));
    Path::udp(
        address([192, 0, 2, 1], 9_000),
        address([198, 51, 100, 7], port),
    )
}

fn request(to: &Credentials, role: u16, nominate: bool) -> Writer {
    let user = format!("{}:them", to.ufrag);
    let writer = Writer::new(stun::BINDING_REQUEST, &[7; 12])
        .attribute(USERNAME, user.as_bytes())
        .attribute(role, &[0, 0, 0, 0, 0, 0, 0, 1]);
    match nominate {
        true => writer.attribute(USE_CANDIDATE, &[]),
        false => writer,
    }
}

fn check(to: &Credentials, nominate: bool) -> Vec<u8> {
    request(to, ICE_CONTROLLING, nominate).sign(&to.key)
}

struct Story {
    agent: Agent,
    ours: Credentials,
    now: Instant,
}

impl Story {
    fn new() -> Self {
        let (ours, now) = (Credentials::random(0), Instant::now());
        let agent = Agent::new(ours.clone(), now);
        Self { agent, ours, now }
    }

    fn check(&mut self, port: u16, nominate: bool) -> bool {
        self.check_with(&self.ours.clone(), port, nominate)
    }

    fn check_with(&mut self, to: &Credentials, port: u16, nominate: bool) -> bool {
        let datagram = check(to, nominate);
        let answer = self.agent.check(path(port), &datagram, self.now);
        answer.is_some_and(|answer| {
            let message = Message::parse(&answer).unwrap();
            assert!(message.is_signed_by(&to.key) && message.transaction == [7; 12]);
            message.kind == stun::BINDING_SUCCESS
        })
    }

    fn goes_to(&self) -> Option<u16> {
        Some(self.agent.selected()?.remote().port())
    }
}

#[test]
fn media_goes_to_the_first_way_then_follows_nominations_at_once() {
    let mut story = Story::new();
    assert!(story.check(1, false) && story.check(2, false));
    assert_eq!(story.goes_to(), Some(1));
    assert!(story.check(2, true));
    assert_eq!(story.goes_to(), Some(2));
    assert!(story.check(1, false));
    assert_eq!(story.goes_to(), Some(2), "a check is no nomination");
    assert!(story.check(3, true));
    assert_eq!(story.goes_to(), Some(3), "from Wi-Fi to mobile");
    assert_eq!(story.agent.take_fresh(), [1, 2, 3].map(path));
    assert!(story.agent.take_fresh().is_empty());
}

#[test]
fn media_follows_a_candidate_that_a_nat_moved_and_no_other() {
    let mut story = Story::new();
    let from = |story: &mut Story, port: u16, priority: u32| {
        let datagram = request(&story.ours, ICE_CONTROLLING, false)
            .attribute(0x0024, &priority.to_be_bytes())
            .sign(&story.ours.key);
        assert!(
            story
                .agent
                .check(path(port), &datagram, story.now)
                .is_some()
        );
    };
    from(&mut story, 1, 10);
    from(&mut story, 2, 20);
    assert_eq!(story.goes_to(), Some(1), "another network of the client's");
    from(&mut story, 3, 10);
    assert_eq!(story.goes_to(), Some(3));
    from(&mut story, 1, 10);
    assert_eq!(story.goes_to(), Some(3), "late");
    story.agent.vouch(path(4), story.now);
    assert!(!story.agent.heard_media(path(4), story.now));
    assert_eq!(story.goes_to(), Some(3), "the way before is not silent");
    from(&mut story, 4, 10);
    assert_eq!(story.goes_to(), Some(4), "media came before the check");
}

#[test]
fn media_follows_media_to_a_new_way_once_until_a_check_confirms_it() {
    let mut story = Story::new();
    assert!(story.check(1, true));
    let comes = |story: &mut Story, port: u16| {
        story.agent.vouch(path(port), story.now);
        story.agent.heard_media(path(port), story.now)
    };
    assert!(!comes(&mut story, 2), "nothing is known of the way before");
    story.now += DESERTED / 2;
    story.agent.heard_media(path(1), story.now);
    story.now += DESERTED / 2;
    assert!(!comes(&mut story, 2), "both ways are used");
    story.now += DESERTED / 2;
    assert!(comes(&mut story, 2));
    assert_eq!(story.goes_to(), Some(2));
    story.now += DESERTED * 2;
    assert!(!comes(&mut story, 3), "once");
    assert!(story.check(2, true));
    story.now += DESERTED;
    assert!(comes(&mut story, 3), "and again after a check");
    assert!(story.check(1, true));
    assert_eq!(story.goes_to(), Some(1), "a check says where the peer is");
    story.now += DESERTED;
    assert!(
        !story.agent.heard_media(path(3), story.now),
        "it was led astray"
    );
    assert_eq!(story.goes_to(), Some(1));
}

#[test]
fn media_leaves_a_way_that_fell_silent() {
    let mut story = Story::new();
    assert!(story.check(1, true));
    story.now += SILENCE / 2;
    assert!(story.check(2, false));
    assert_eq!(story.goes_to(), Some(1));
    story.agent.heard(path(1), story.now);
    story.now += SILENCE / 2;
    assert!(story.check(2, false));
    assert_eq!(story.goes_to(), Some(1), "media came by it");
    story.now += SILENCE;
    assert!(story.check(2, false));
    assert_eq!(story.goes_to(), Some(2));
}

#[test]
fn what_is_forged_is_not_answered_and_moves_nothing() {
    let mut story = Story::new();
    let stranger = Credentials::new(story.ours.ufrag.clone(), "guessed".to_owned());
    assert!(!story.check_with(&stranger, 1, true));
    assert!(!story.check_with(&Credentials::random(0), 1, true));
    // A sender that is not proven to be the peer is told nothing about a role or an attribute.
    for role in [ICE_CONTROLLED, 0x0099] {
        let forged = request(&story.ours, role, true).sign(&stranger.key);
        assert_eq!(story.agent.check(path(1), &forged, story.now), None);
    }
    let mut answer = check(&story.ours, true);
    answer[0] = 1;
    assert_eq!(story.agent.check(path(1), &answer, story.now), None);
    assert_eq!(story.goes_to(), None);
    assert_eq!(story.agent.paths().count(), 0);
    assert_eq!(story.agent.consent_until(), story.now + CONSENT);
}

#[test]
fn a_controlled_peer_and_an_unknown_attribute_are_refused_after_their_proof() {
    let mut story = Story::new();
    for (role, code) in [(ICE_CONTROLLED, [4, 87]), (0x0099, [4, 20])] {
        let wrong = request(&story.ours, role, true).sign(&story.ours.key);
        let answer = story.agent.check(path(1), &wrong, story.now).unwrap();
        let message = Message::parse(&answer).unwrap();
        assert!(message.is_signed_by(&story.ours.key));
        assert_eq!(message.kind, stun::BINDING_ERROR);
        assert_eq!(answer[26..28], code);
    }
    assert_eq!(story.goes_to(), None);
}

#[test]
fn only_checks_keep_consent() {
    let mut story = Story::new();
    let born = story.now;
    assert!(story.check(1, true));
    story.now += Duration::from_secs(20);
    story.agent.heard(path(1), story.now);
    assert_eq!(story.agent.consent_until(), born + CONSENT);
    assert!(story.check(1, false));
    assert_eq!(story.agent.consent_until(), story.now + CONSENT);
}

#[test]
fn old_and_new_credentials_hold_together_through_a_restart() {
    let mut story = Story::new();
    let old = story.ours.clone();
    assert!(story.check(1, true));
    let new = Credentials::random(0);
    story.agent.restart(new.clone(), story.now);
    assert_eq!(story.agent.ufrags().count(), 2);
    assert!(story.check_with(&old, 1, true));
    assert!(story.check_with(&new, 2, false));
    assert_eq!(story.goes_to(), Some(1), "media stays until the nomination");
    assert!(story.check_with(&new, 2, true));
    assert_eq!(story.goes_to(), Some(2));
    assert!(!story.check_with(&old, 1, true), "their time is over");
    assert_eq!(story.goes_to(), Some(2));
    assert_eq!(story.agent.take_stale_ufrags(), [old.ufrag]);
    assert_eq!(story.agent.ufrags().collect::<Vec<_>>(), [new.ufrag]);
}

#[test]
fn of_many_restarts_the_last_two_hold() {
    let mut story = Story::new();
    let all: Vec<Credentials> = (0..5).map(|_| Credentials::random(0)).collect();
    for one in &all {
        story.agent.restart(one.clone(), story.now);
    }
    assert_eq!(story.agent.ufrags().count(), 2);
    assert_eq!(story.agent.take_stale_ufrags().len(), 4);
    assert!(!story.check_with(&all[2], 1, false));
    assert!(story.check_with(&all[3], 1, false) && story.check_with(&all[4], 1, true));
}

#[test]
fn eight_ways_are_kept_and_never_the_one_in_use_is_dropped() {
    let mut story = Story::new();
    assert!(story.check(1, true));
    for port in 2..100 {
        story.now += Duration::from_millis(1);
        assert!(story.check(port, false));
        assert!(story.agent.paths().count() <= MOST_PATHS);
        assert_eq!(story.goes_to(), Some(1));
    }
    assert_eq!(story.agent.take_dropped().len(), 99 - MOST_PATHS);
    story.agent.remove(path(1));
    assert_eq!(story.goes_to(), Some(99));
}

#[test]
fn an_answer_names_the_address_that_the_check_came_from() {
    let mut story = Story::new();
    let remote: SocketAddr = "[2001:db8::7]:4711".parse().unwrap();
    let local: SocketAddr = "[2001:db8::1]:9000".parse().unwrap();
    let datagram = check(&story.ours, false);
    let answer = story
        .agent
        .check(Path::udp(local, remote), &datagram, story.now);
    let expected = Writer::new(stun::BINDING_SUCCESS, &[7; 12])
        .mapped_address(remote)
        .sign(&story.ours.key);
    assert_eq!(answer, Some(expected));
}
