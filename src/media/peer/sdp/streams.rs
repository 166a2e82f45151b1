//! The streams that an m-line declares: by SSRC (RFC 5576), and as layers of simulcast (RFC 8853).

use super::Refusal;
use super::section::is_tag;
use crate::budgets::media::{LAYERS, SSRC_LINES};

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
    /// The names of the layers that are sent.
    pub layers: Vec<String>,
    /// How they were declared as alternatives.
    pub simulcast: Option<String>,
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
                if words.next() == Some("send") && !self.layers.iter().any(|known| known == id) {
                    self.layers.push(id.to_owned());
                }
            }
            "simulcast" => {
                while let Some(direction) = words.next() {
                    let list = words.next().unwrap_or_default();
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_;,~".contains(&byte);
                    if direction == "send" && !list.is_empty() && list.bytes().all(plain) {
                        self.simulcast.get_or_insert_with(|| list.to_owned());
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
        assert_eq!(streams.layers, ["hi", "lo"]);
        assert_eq!(streams.simulcast.as_deref(), Some("hi;~lo"));
        streams.attribute("rid", "a,b send").unwrap_err();
    }
}
