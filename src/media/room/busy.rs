//! What a room does without while its media thread has too much to do.

use crate::media::room::{Key, Room};
use crate::media::seats::Step;
use crate::protocol::object::Source;

/// So many people's pictures are kept the longest: those who spoke last.
const LAST_SPEAKERS: usize = 4;

/// The step that holds, and the last speakers.
#[derive(Debug, Default)]
pub(in crate::media) struct Busy {
    step: Step,
    /// The last speaker first.
    spoke: Vec<Key>,
}

impl Busy {
    /// Takes those who speak now.
    pub fn heard(&mut self, speakers: &[Key]) {
        if speakers.is_empty() {
            return;
        }
        self.spoke.retain(|key| !speakers.contains(key));
        self.spoke.splice(0..0, speakers.iter().copied());
        self.spoke.truncate(LAST_SPEAKERS);
    }

    /// A participant is gone.
    pub fn forget(&mut self, key: Key) {
        self.spoke.retain(|one| *one != key);
    }
}

impl Room {
    /// This step holds from the next tick on.
    pub(in crate::media) fn step(&mut self, step: Step) {
        self.busy.step = step;
    }

    /// How many people are in it.
    pub(in crate::media) fn people(&self) -> usize {
        self.members.len()
    }

    /// Says of each camera how many of its layers there is time for. Screens and sounds are never touched.
    pub(super) fn give_way(&mut self) {
        let Busy { step, spoke } = &self.busy;
        let mut is_other = false;
        for track in self.tracks.values_mut() {
            let is_given_up = *step != Step::Everything && track.source == Source::Camera;
            let most = is_given_up.then(|| {
                let spoke = spoke.contains(&track.owner);
                step.layers(track.ladder.sizes(), spoke)
            });
            is_other |= std::mem::replace(&mut track.most_layers, most) != most;
        }
        if is_other {
            let members = self.members.values_mut();
            for down in members.filter_map(|member| member.down.as_mut()) {
                down.is_touched = true;
            }
        }
    }
}
