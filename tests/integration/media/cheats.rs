//! A client that goes on sending whatever it is told, through the whole server. What it could send besides, packet by
//! packet, is tried in the media module's simulation.

use meeting::protocol::object::MediaKind;
use serde_json::{Value, json};

use super::client::{Client, Received};
use super::{Sending, next_number, nothing_forbidden};
use crate::support::{self, Server};

/// Cy's numbers begin here, so that they are told from Ada's.
const CYS: u32 = 1_000_000;

async fn start(client: &mut support::Client, sources: &[&str]) {
    for source in sources {
        let source = json!({ "source": source, "active": true });
        client.ok("media.source", source).await;
    }
}

/// Returns once the room's media worker knows all that was asked so far. Each step goes through the room or the worker,
/// in order.
async fn settled(client: &mut support::Client) {
    client.ok("participant.update", json!({})).await;
    let end = json!({ "connection": "up", "candidate": Value::Null });
    client.ok("media.candidate", end).await;
}

/// Of what Ada sends from now on nothing forbidden comes, while Cy is heard, but never seen.
async fn nothing_of_adas(
    bo: &mut Client,
    ada: &Sending,
    cy: &Sending,
    is_forbidden: impl Fn(MediaKind) -> bool,
) {
    let (from, since) = (ada.next(), cy.next());
    let forbidden = |received: &Received| match received.number() {
        CYS.. => received.kind == MediaKind::Video,
        number => number >= from && is_forbidden(received.kind),
    };
    nothing_forbidden(bo, forbidden, |received| {
        received.kind == MediaKind::Audio && received.number() >= since
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_muted_stopped_or_gone_does_not_pass() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    let [mut adas, mut bos, mut cys] = [Client::new(), Client::new(), Client::new()];
    adas.publish(&mut ada).await;
    cys.publish(&mut cy).await;
    bos.receive(&mut bo, 4, 4).await;
    let (adas, cys) = (Sending::start(adas), Sending::numbered(cys, CYS));

    // Cy sends pictures too, but never started a camera.
    start(&mut cy, &["microphone"]).await;
    start(&mut ada, &["microphone", "camera"]).await;
    for kind in [MediaKind::Audio, MediaKind::Video] {
        while next_number(&mut bos, kind).await.0 >= CYS {}
    }

    ada.ok("participant.update", json!({ "audio": false }))
        .await;
    settled(&mut bo).await;
    nothing_of_adas(&mut bos, &adas, &cys, |kind| kind == MediaKind::Audio).await;
    let since = adas.next();
    while next_number(&mut bos, MediaKind::Video).await.0 < since {}

    let stop = json!({ "source": "camera", "active": false });
    ada.ok("media.source", stop).await;
    settled(&mut bo).await;
    nothing_of_adas(&mut bos, &adas, &cys, |_| true).await;

    ada.ok("participant.update", json!({ "audio": true })).await;
    while next_number(&mut bos, MediaKind::Audio).await.0 >= CYS {}
    ada.ok("room.leave", json!({})).await;
    settled(&mut bo).await;
    nothing_of_adas(&mut bos, &adas, &cys, |_| true).await;

    for client in [adas.stop().await, cys.stop().await, bos] {
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_members_come_in_with_and_a_camera_without_the_right_do_not_pass() {
    let server = Server::start().await;
    let quiet = json!({ "start_muted": true, "start_camera_off": true });
    let (mut host, room) = server.meeting(quiet).await;
    let mut ada = server.member("Ada", &room).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    let [mut adas, mut bos, mut cys] = [Client::new(), Client::new(), Client::new()];
    adas.publish(&mut ada).await;
    cys.publish(&mut cy).await;
    bos.receive(&mut bo, 4, 4).await;
    let (adas, cys) = (Sending::start(adas), Sending::numbered(cys, CYS));
    start(&mut cy, &["microphone"]).await;
    cy.ok("participant.update", json!({ "audio": true })).await;

    // A client that knows nothing of the setting: what the server answers is what holds.
    for source in ["microphone", "camera"] {
        let begin = json!({ "source": source, "active": true, "muted": false });
        let track = ada.ok("media.source", begin).await["track"].take();
        assert_eq!(track["muted"], true, "{source}");
    }
    settled(&mut bo).await;
    nothing_of_adas(&mut bos, &adas, &cys, |_| true).await;
    let on = json!({ "audio": true, "video": true });
    ada.ok("participant.update", on).await;
    for kind in [MediaKind::Audio, MediaKind::Video] {
        while next_number(&mut bos, kind).await.0 >= CYS {}
    }

    let unseen = json!({ "identity": room, "permissions": { "camera": false } });
    host.ok("room.edit", unseen).await;
    let rights = ada.event("permissions.changed").await;
    assert_eq!(rights["permissions"]["camera"], false);
    let again = json!({ "source": "camera", "active": true });
    assert_eq!(ada.refused("media.source", again).await, "perm.denied");
    let claim = json!({ "video": true });
    assert_eq!(
        ada.refused("participant.update", claim).await,
        "perm.denied"
    );
    settled(&mut bo).await;
    nothing_of_adas(&mut bos, &adas, &cys, |kind| kind == MediaKind::Video).await;

    for client in [adas.stop().await, cys.stop().await, bos] {
        client.close().await;
    }
}
