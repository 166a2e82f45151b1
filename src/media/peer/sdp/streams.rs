//! The streams that an m-line declares: by SSRC (RFC 5576), and as layers of simulcast (RFC 8853).

use super::Refusal;
use super::section::is_tag;
use crate::budgets::media::{LAYERS, SSRC_LINES};

/// More layers of one m-line are not taken.
pub(in crate::media) const MAX_LAYERS: usize = 3;

const TOO_MANY_SSRCS: &str = "An m-line has too many SSRC lines.";
const BAD_RIDS: &str = "An m-line has too many rids, or a malformed one.";

/// What an m-line declares of its streams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::media) struct Streams {
    /// All SSRCs.
    ssrcs: Vec<u32>,
    /// SSRCs of repairs, and what they repair.
    pub repairs: Vec<(u32, u32)>,
    /// SSRCs of forward error correction, which is not understood here.
    corrections: Vec<u32>,
    /// The rids that are sent.
    sent: Vec<String>,
    /// Those of them that are layers of one picture, of each layer the first alternative.
    simulcast: Vec<String>,
    lines: usize,
    rids: usize,
}

impl Streams {
    /// The SSRCs that carry media of their own.
    pub fn media(&self) -> impl Iterator<Item = u32> {
        let is_beside = |ssrc: &u32| {
            self.repairs.iter().any(|(repair, _)| repair == ssrc) || self.corrections.contains(ssrc)
        };
        self.ssrcs
            .iter()
            .copied()
            .filter(move |ssrc| !is_beside(ssrc))
    }

    /// The layers that are taken. Of rids whose simulcast is not understood, only the first is.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        let is_sent = |name: &&String| self.sent.contains(name);
        let layers = self.simulcast.iter().filter(is_sent);
        let any = layers.clone().next().is_some();
        let alone = self.sent.first().filter(|_| !any);
        let names = layers.chain(alone).map(String::as_str);
        names.take(MAX_LAYERS)
    }

    /// Whether the layers were declared as simulcast.
    pub fn is_simulcast(&self) -> bool {
        self.simulcast.iter().any(|name| self.sent.contains(name))
    }

    /// Takes one attribute.
    pub(super) fn attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let mut words = value.split_ascii_whitespace();
        match name {
            "ssrc" | "ssrc-group" => {
                self.lines += 1;
                if self.lines > SSRC_LINES.size() {
                    return Err(TOO_MANY_SSRCS);
                }
                if name == "ssrc" {
                    let ssrc = words.next().and_then(|ssrc| ssrc.parse().ok());
                    let is_new = |ssrc: &u32| !self.ssrcs.contains(ssrc);
                    self.ssrcs.extend(ssrc.filter(is_new));
                } else {
                    let semantics = words.next().unwrap_or_default();
                    let ssrcs: Vec<u32> = words.filter_map(|ssrc| ssrc.parse().ok()).collect();
                    self.group(semantics, &ssrcs);
                }
            }
            "rid" => {
                self.rids += 1;
                let id = words.next().unwrap_or_default();
                if self.rids > LAYERS.size() || !is_tag(id) {
                    return Err(BAD_RIDS);
                }
                if words.next() == Some("send") && !self.sent.iter().any(|known| known == id) {
                    self.sent.push(id.to_owned());
                }
            }
            "simulcast" => {
                while let Some(direction) = words.next() {
                    let list = words.next().unwrap_or_default();
                    if direction == "send" && self.simulcast.is_empty() {
                        self.simulcast = simulcast(list);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn group(&mut self, semantics: &str, ssrcs: &[u32]) {
        let [of, beside] = *ssrcs else { return };
        match semantics {
            "FID" => self.repairs.push((beside, of)),
            "FEC-FR" => self.corrections.push(beside),
            _ => {}
        }
    }
}

/// `q;~h,x;f` as q, h and f (RFC 8853 §5.1): a tilde says that a layer is paused at first. Empty if the list is not
/// understood.
fn simulcast(list: &str) -> Vec<String> {
    let first = |layer: &str| {
        let alternative = layer.split(',').next().unwrap_or_default();
        let name = alternative.strip_prefix('~').unwrap_or(alternative);
        is_tag(name).then(|| name.to_owned())
    };
    let mut names: Vec<String> = Vec::new();
    for layer in list.split(';').take(LAYERS.size()) {
        match first(layer) {
            Some(name) if names.contains(&name) => {}
            Some(name) => names.push(name),
            None => return Vec::new(),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_are_no_streams_of_their_own() {
        let mut streams = Streams::default();
        for (name, value) in [
            ("ssrc-group", "FID 1 2"),
            ("ssrc-group", "FEC-FR 1 3"),
            ("ssrc-group", "SIM 1 4"),
            ("ssrc", "1 cname:a"),
            ("ssrc", "1 msid:a b"),
            ("ssrc", "2 cname:a"),
            ("ssrc", "3 cname:a"),
            ("ssrc", "4 cname:a"),
            ("ssrc", "x cname:a"),
            ("rid", "hi send"),
            ("rid", "back recv"),
            ("rid", "lo send pt=96"),
            ("simulcast", "recv back send hi;~lo"),
        ] {
            streams.attribute(name, value).unwrap();
        }
        assert_eq!(streams.media().collect::<Vec<_>>(), [1, 4]);
        assert_eq!(streams.repairs, [(2, 1)]);
        assert_eq!(streams.layers().collect::<Vec<_>>(), ["hi", "lo"]);
        assert!(streams.is_simulcast());
        streams.attribute("rid", "a,b send").unwrap_err();
    }

    #[test]
    fn simulcast_that_is_not_understood_is_one_layer() {
        let layers = |simulcast: &str| {
            let mut streams = Streams::default();
            for rid in ["f send", "h send", "q send", "x send", "back recv"] {
                streams.attribute("rid", rid).unwrap();
            }
            streams.attribute("simulcast", simulcast).unwrap();
            (
                streams.is_simulcast(),
                streams.layers().collect::<Vec<_>>().join(" "),
            )
        };
        let are = |is, names: &str| (is, names.to_owned());
        assert_eq!(layers("send q;h;f"), are(true, "q h f"));
        assert_eq!(layers("send q;h;f;x"), are(true, "q h f"));
        assert_eq!(layers("recv back send ~q,x;h;h"), are(true, "q h"));
        // A rid that is not declared does not count.
        assert_eq!(layers("send gone;h"), are(true, "h"));
        for strange in [
            " send rid=q;h;f",
            "send rid=q;h",
            "send",
            "recv q;h",
            "send q;;h",
            "",
        ] {
            assert_eq!(layers(strange), are(false, "f"), "{strange}");
        }
        let mut none = Streams::default();
        none.attribute("simulcast", "send q;h").unwrap();
        assert_eq!(none.layers().count(), 0);
    }
}
