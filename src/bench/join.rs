//! The way in by the wire contract: a person of the load logs in, joins the room, and connects what they send and what
//! they receive.

use std::sync::Arc;

use serde_json::{Value, json};

use super::BenchError;
use super::entrance::{Entrance, Media, Stay};
use super::link::Who;
use super::plan::Plan;
use super::session::Session;
use super::target::Target;

/// What every join needs.
pub(super) struct Door<'a> {
    pub plan: &'a Plan,
    pub target: &'a Target,
    /// The rooms' identities.
    pub rooms: &'a [String],
}

impl Entrance for Door<'_> {
    async fn join(&self, who: Who, media: &Arc<Media>) -> Result<Stay, BenchError> {
        let mut session = Session::connect(self.target).await?;
        let name = format!("Load {}.{}", who.room + 1, who.person + 1);
        session
            .ask("auth.guest", json!({ "display_name": name }))
            .await?;
        let identity = &self.rooms[who.room];
        session
            .ask("room.join", json!({ "identity": identity }))
            .await?;
        if media.sends(who) {
            self.publish(&mut session, who, media).await?;
        }
        if media.receives(who) {
            self.receive(&mut session, who, media).await?;
        }
        Ok(Box::pin(session.linger()))
    }

    async fn complete(&self, _: &Media) -> Result<(), BenchError> {
        // Slots stand before anybody fills them.
        Ok(())
    }
}

impl Door<'_> {
    /// Offers one stream, connects and starts it.
    async fn publish(
        &self,
        session: &mut Session,
        who: Who,
        media: &Media,
    ) -> Result<(), BenchError> {
        let source = self.plan.scenario.kind().source();
        let sender = media.sender(who)?;
        let sources = json!([{ "mid": "0", "source": source }]);
        let offer = json!({ "revision": 1, "sdp": sender.offer, "sources": sources });
        let answer = session.ask("media.publish", offer).await?;
        sender.connect(description(&answer), &[]).await?;
        let start = json!({ "source": source, "active": true });
        session.ask("media.source", start).await?;
        Ok(())
    }

    /// Asks for slots, answers and connects.
    async fn receive(
        &self,
        session: &mut Session,
        who: Who,
        media: &Media,
    ) -> Result<(), BenchError> {
        let slots =
            json!({ "audio_slots": self.plan.audio_slots, "video_slots": self.plan.video_slots });
        let offered = session.ask("media.receive", slots).await?;
        let receiver = media.receiver(who, description(&offered))?;
        let answer = json!({ "revision": offered["revision"], "sdp": receiver.answer });
        session.ask("media.answer", answer).await?;
        receiver.connect(&[]).await
    }
}

fn description(message: &Value) -> &str {
    message["sdp"].as_str().unwrap_or_default()
}
