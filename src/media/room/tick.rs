//! What is done in a room from time to time.

use std::time::{Duration, Instant};

use crate::media::room::quality::REVIEW_EVERY;
use crate::media::room::speech::speakers;
use crate::media::room::{Member, Room, Side, Turn};
use crate::meeting::media::MediaEvent;
use crate::protocol::object::{MediaKind, Source};

/// The speakers are told at most this often.
const SPEAKERS_EVERY: Duration = Duration::from_millis(300);
/// Sender reports go out this often.
const REPORTS_EVERY: Duration = Duration::from_secs(1);
/// The layers of tracks are looked at this often when nothing of them is new.
const LAYERS_EVERY: Duration = Duration::from_millis(100);

impl Room {
    /// Does what is due by now.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        self.tend_connections(turn);
        let members = self.members.values_mut();
        for up in members.flat_map(|member| &mut member.ups) {
            up.tell(turn.ntp, turn.out, turn.now);
        }
        self.give_way();
        let is_due_anyway = is_due(&mut self.clocks.layers, LAYERS_EVERY, turn.now);
        self.review_layers(is_due_anyway, turn);
        self.narrow(turn);
        if is_due_anyway {
            self.review_demand(turn);
        }
        self.ask_for_keyframes(turn);
        if is_due(&mut self.clocks.speakers, SPEAKERS_EVERY, turn.now) {
            self.review_speakers(turn);
        }
        if is_due(&mut self.clocks.reports, REPORTS_EVERY, turn.now) {
            self.note_onward_losses();
            self.send_reports(turn);
        }
        if is_due(&mut self.clocks.quality, REVIEW_EVERY, turn.now) {
            self.review_quality(turn);
        }
        self.outbox.flush();
    }

    /// Asks for the keyframes that could not be asked for when they were wanted.
    fn ask_for_keyframes(&mut self, turn: &mut Turn<'_>) {
        let wanted = self.tracks.iter().flat_map(|(key, track)| {
            let layers = track.layers.iter().enumerate();
            let wanted = layers.filter(|(_, layer)| layer.keyframe_wanted);
            wanted.map(|(layer, _)| (*key, layer))
        });
        for (key, layer) in wanted.collect::<Vec<_>>() {
            self.want_keyframe(key, layer, turn);
        }
    }

    fn tend_connections(&mut self, turn: &mut Turn<'_>) {
        let mut due = Vec::new();
        for (key, member) in self.members.iter_mut() {
            let ups = member.ups.iter_mut();
            let ups = ups.map(|up| (Side::Up(up.number), &mut up.connection));
            let down = member.down.as_mut();
            let down = down.map(|down| (Side::Down, &mut down.connection));
            for (side, connection) in ups.chain(down) {
                let is_due = connection.due().is_some_and(|due| due <= turn.now);
                if is_due {
                    connection.handle_timeout(turn.now);
                }
                if is_due || connection.is_over(turn.now) {
                    due.push((key, side));
                }
            }
        }
        for (key, side) in due {
            self.attend(key, side, turn);
        }
    }

    fn review_speakers(&mut self, turn: &mut Turn<'_>) {
        let voices = self
            .tracks
            .values()
            .filter(|track| track.source == Source::Microphone && !track.muted);
        let speaking = voices.filter(|track| track.loudness.is_speech(turn.now));
        let now = speakers(
            speaking.map(|track| (track.owner, track.loudness.now(turn.now))),
            &self.speakers,
        );
        if now != self.speakers {
            let ids = now
                .iter()
                .filter_map(|key| self.members.get(key))
                .map(|member| member.id.clone());
            self.outbox.push(MediaEvent::Speakers {
                participants: ids.collect(),
            });
            self.speakers = now;
        }
        self.busy.heard(&self.speakers);
        let sounds = self
            .tracks
            .values()
            .filter(|track| track.source.kind() == MediaKind::Audio && !track.muted);
        let sounds = sounds.count();
        let audio_slots = |member: &Member| {
            let slots = member.down.iter().flat_map(|down| &down.slots);
            slots.filter(|slot| slot.kind == MediaKind::Audio).count()
        };
        // Only where not all voices fit does loudness decide.
        if self
            .members
            .values()
            .any(|member| (1..sounds).contains(&audio_slots(member)))
        {
            self.reassign(turn);
        }
    }

    fn send_reports(&mut self, turn: &mut Turn<'_>) {
        let members = self.members.values_mut();
        for down in members.filter_map(|member| member.down.as_mut()) {
            down.report(turn.ntp, turn.out, turn.now);
        }
    }
}

/// As NTP: 32 bits of seconds, 32 of their fraction.
pub(in crate::media) fn ntp_duration(duration: Duration) -> u64 {
    (duration.as_secs() << 32) | ((u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000)
}

fn is_due(last: &mut Instant, every: Duration, now: Instant) -> bool {
    let due = now.saturating_duration_since(*last) >= every;
    if due {
        *last = now;
    }
    due
}
