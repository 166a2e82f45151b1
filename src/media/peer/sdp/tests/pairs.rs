//! Slots of which a sound and a picture belong together.

use super::*;

#[test]
fn a_sound_and_a_picture_of_one_place_share_stream_and_name_and_are_tracks_of_their_own() {
    let slot = |mid, kind, ssrc, pair| Slot {
        mid,
        kind,
        ssrc,
        repair_ssrc: ssrc + 1,
        pair,
        taken: &[],
    };
    let slots = [
        slot("0", MediaKind::Video, 10, 0),
        slot("1", MediaKind::Video, 20, 1),
        slot("2", MediaKind::Audio, 30, 0),
    ];
    let offer = end(1, Setup::Actpass, |end| end.offer(slots.into_iter()));
    let lines = |start: &str| {
        let lines = offer.lines().filter(|line| line.starts_with(start));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let streams = [
        "a=msid:pair-0 slot-0",
        "a=msid:pair-1 slot-1",
        "a=msid:pair-0 slot-2",
    ];
    assert_eq!(lines("a=msid:"), streams);
    for (ssrc, pair) in [(10, 0), (11, 0), (20, 1), (21, 1), (30, 0)] {
        let name = format!("a=ssrc:{ssrc} cname:pair-{pair}");
        assert_eq!(lines(&format!("a=ssrc:{ssrc} cname:")), [name]);
    }
}
