//! Offers of simulcast as browsers write them: Chromium 156 and Firefox 153.

use super::{answered, taken};
use crate::media::peer::sdp::Description;
use crate::media::rtp::extensions::{Extension, ExtensionIds};

const CHROMIUM: &str = include_str!("chromium-simulcast.sdp");
const FIREFOX: &str = include_str!("firefox-simulcast.sdp");

fn pictures(offer: &Description) -> &crate::media::peer::sdp::Section {
    offer.section("1").unwrap()
}

/// The lines of an m-line that begin so.
fn lines<'a>(answer: &'a str, begin: &str) -> Vec<&'a str> {
    let section = answer.split("\r\nm=").nth(2).unwrap();
    let lines = section.lines().filter(|line| line.starts_with(begin));
    lines.collect()
}

#[test]
fn browsers_layers_are_taken_and_answered() {
    for (offer, ids) in [(CHROMIUM, [4, 10, 11]), (FIREFOX, [3, 9, 10])] {
        let offer = taken(offer);
        let layers: Vec<&str> = pictures(&offer).streams.layers().collect();
        assert_eq!(layers, ["q", "h", "f"]);
        let answer = answered(&offer);
        assert_eq!(
            lines(&answer, "a=rid:"),
            ["a=rid:q recv", "a=rid:h recv", "a=rid:f recv"]
        );
        assert_eq!(lines(&answer, "a=simulcast:"), ["a=simulcast:recv q;h;f"]);
        let agreed = Description::parse(&answer).unwrap();
        let named = &pictures(&agreed).extensions;
        let agreed = ExtensionIds::of(named.iter().map(|(id, uri)| (*id, uri.as_str())));
        let needed = [Extension::Mid, Extension::Rid, Extension::RepairedRid];
        assert_eq!(needed.map(|one| agreed.get(one)), ids.map(Some));
        assert!(agreed.get(Extension::Dependencies).is_some());
    }
}

/// Firefox declares a stream and a repair stream for each rid, in the order of the rids.
#[test]
fn declared_streams_are_known_beside_their_names() {
    let offer = taken(FIREFOX);
    let streams = &pictures(&offer).streams;
    let declared: Vec<u32> = streams.media().collect();
    assert_eq!(declared, [2957090752, 90644339, 72771795]);
    let repaired: Vec<u32> = streams.repairs.iter().map(|(_, of)| *of).collect();
    assert_eq!(repaired, declared);
    assert_eq!(pictures(&taken(CHROMIUM)).streams.media().count(), 0);
}

#[test]
fn what_is_not_understood_of_simulcast_is_one_layer() {
    let legacy = CHROMIUM.replace("a=simulcast:send q;h;f", "a=simulcast: send rid=q;h;f");
    assert_ne!(legacy, CHROMIUM);
    let answer = answered(&taken(&legacy));
    assert_eq!(lines(&answer, "a=rid:"), ["a=rid:q recv"]);
    assert_eq!(lines(&answer, "a=simulcast:").len(), 0);
    // More than three are not served.
    let many = CHROMIUM
        .replace("a=rid:f send", "a=rid:f send\na=rid:x send")
        .replace("send q;h;f", "send x;~q;h,f;f");
    let answer = answered(&taken(&many));
    assert_eq!(lines(&answer, "a=simulcast:"), ["a=simulcast:recv x;q;h"]);
}
