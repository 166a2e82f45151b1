//! What people send, and what the media worker tells of it.

mod coming_in;

use super::*;

#[test]
fn a_source_is_negotiated_before_it_runs() {
    let mut room = room_with(&["ada"]);
    assert_eq!(
        room.handle(start("ada", Source::Camera, "t1"), at(1)).reply,
        Err(ErrorCode::MediaUnsupported)
    );
    negotiate(&mut room, "ada");
    let outcome = room.handle(start("ada", Source::Camera, "t1"), at(2));
    let Ok(Reply::Track(Some(published))) = outcome.reply else {
        panic!("the track runs")
    };
    assert_eq!(
        (published.codec.as_deref(), published.muted),
        (Some("VP8"), false)
    );
    assert_eq!(
        told(&outcome.effects),
        ["all: media.track.published", "all: participant.updated"]
    );
    assert!(view(&mut room, "ada").me.video);
}

#[test]
fn starting_twice_keeps_the_track_and_stopping_twice_is_quiet() {
    let mut room = room_with(&["ada"]);
    negotiate(&mut room, "ada");
    room.handle(start("ada", Source::Screen, "t1"), at(1))
        .reply
        .unwrap();
    let again = room.handle(start("ada", Source::Screen, "t2"), at(2));
    let Ok(Reply::Track(Some(kept))) = again.reply else {
        panic!("the track runs on")
    };
    assert_eq!((kept.id, again.effects), (track("t1"), vec![]));
    let off = Command::SetSource {
        participant: membership("ada"),
        source: Source::Screen,
        switch: Switch::Off,
    };
    assert_eq!(
        told(&room.handle(off.clone(), at(3)).effects),
        ["all: media.track.unpublished"]
    );
    assert_eq!(room.handle(off, at(4)).effects, []);
}

#[test]
fn muting_reaches_the_worker_and_everyone() {
    let mut room = room_with(&["ada", "bo"]);
    negotiate(&mut room, "bo");
    room.handle(start("bo", Source::Microphone, "t1"), at(1))
        .reply
        .unwrap();
    let muted = Changes {
        audio: Some(false),
        ..Changes::default()
    };
    let outcome = room.handle(update("bo", muted.clone()), at(2));
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::SetMuted {
            track: track("t1"),
            muted: true
        }]
    );
    assert_eq!(
        told(&outcome.effects),
        ["all: media.track.muted", "all: participant.updated"]
    );
    assert_eq!(
        room.handle(update("bo", muted), at(3)).effects,
        [],
        "muting what is muted says nothing"
    );
}

#[test]
fn what_a_worker_reports_goes_to_whom_it_concerns() {
    let mut room = room_with(&["ada", "bo"]);
    negotiate(&mut room, "ada");
    room.handle(start("ada", Source::Camera, "t1"), at(1))
        .reply
        .unwrap();
    let slots = |to| MediaEvent::Slots {
        to: membership(to),
        slots: SlotsData { slots: vec![] },
    };
    assert_eq!(
        told(&room.handle(Command::Media(slots("bo")), at(2)).effects),
        ["p-bo: media.slots"]
    );
    assert_eq!(room.handle(Command::Media(slots("cy")), at(2)).effects, []);
    let format = MediaEvent::Format {
        track: track("t1"),
        codec: "AV1".into(),
        layers: vec![],
    };
    assert_eq!(
        told(&room.handle(Command::Media(format.clone()), at(3)).effects),
        ["all: participant.updated"]
    );
    assert_eq!(room.handle(Command::Media(format), at(4)).effects, []);
    let speakers = MediaEvent::Speakers {
        participants: vec![membership("cy"), membership("bo")],
    };
    let effects = room.handle(Command::Media(speakers), at(5)).effects;
    let [Effect::Broadcast { event, .. }] = &effects[..] else {
        panic!("one event")
    };
    let Event::SpeakerActive(active) = &**event else {
        panic!("about speakers")
    };
    assert_eq!(active.participants, [membership("bo")]);
}

#[test]
fn a_worker_that_lost_the_room_is_told_everything_and_everyone_is_told_to_connect() {
    let mut room = room_with(&["ada", "bo"]);
    negotiate(&mut room, "ada");
    for (source, id) in [(Source::Microphone, "t1"), (Source::Camera, "t2")] {
        room.handle(start("ada", source, id), at(1)).reply.unwrap();
    }
    let effects = room
        .handle(Command::Media(MediaEvent::Failed), at(2))
        .effects;
    let commands: Vec<&MediaCommand> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Media(command) => Some(command),
            _ => None,
        })
        .collect();
    let started = |id: &str, source| MediaCommand::StartTrack {
        participant: membership("ada"),
        track: track(id),
        source,
        muted: false,
    };
    let admitted = |who| MediaCommand::Admit {
        participant: membership(who),
    };
    assert_eq!(
        commands,
        [
            &admitted("ada"),
            &admitted("bo"),
            &started("t1", Source::Microphone),
            &started("t2", Source::Camera)
        ]
    );
    assert_eq!(told(&effects), ["all: media.failed", "all: speaker.active"]);
}

#[test]
fn what_a_new_offer_cannot_carry_any_more_stops() {
    let mut room = room_with(&["ada", "bo"]);
    negotiate(&mut room, "ada");
    for (source, id) in [(Source::Microphone, "t1"), (Source::Camera, "t2")] {
        room.handle(start("ada", source, id), at(1)).reply.unwrap();
    }
    let anew = Command::Negotiated {
        participant: membership("ada"),
        sources: vec![(Source::Microphone, None)],
    };
    let outcome = room.handle(anew, at(2));
    assert_eq!(
        told(&outcome.effects),
        ["all: media.track.unpublished", "all: participant.updated"]
    );
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::StopTrack { track: track("t2") }]
    );
    let me = view(&mut room, "ada").me;
    assert_eq!((me.audio, me.video, me.tracks.len()), (true, false, 1));
}
