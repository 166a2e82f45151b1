//! What lasts of how meetings are governed: bans, attendance, what was taken back; and rooms to try oneself in.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::Server;

#[tokio::test]
async fn a_ban_for_good_outlasts_the_meeting_and_the_server_until_it_is_lifted() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.account("bo").await;
    let joined = bo.join(&room).await;
    let id = joined["self"]["id"].clone();
    ada.ok(
        "participant.remove",
        json!({ "participant": id, "ban": "forever" }),
    )
    .await;
    assert_eq!(bo.closed().await, 4403);
    let mut cy = server.guest("Cy").await;
    let joined = cy.join(&room).await;
    let cy_id = joined["self"]["id"].clone();
    ada.ok(
        "participant.remove",
        json!({ "participant": cy_id, "ban": true }),
    )
    .await;
    let bans = ada.ok("room.bans", json!({ "identity": room })).await;
    let lengths: Vec<_> = bans["bans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| &ban["until"])
        .collect();
    assert_eq!(
        lengths,
        ["meeting", "forever"],
        "those of the meeting are told too"
    );
    assert_eq!(bans["bans"][1]["user"]["username"], "bo");
    assert_eq!(bans["bans"][1]["by"], ada.login["user"]["id"]);
    ada.ok("room.leave", json!({})).await;
    ada.close().await;
    let (running, data) = server.stop();
    running.await.unwrap();

    let server = Server::in_directory(data, &[(Key::NoRateLimit, "on")]).await;
    let mut bo = server.again("bo").await;
    let joined = bo.refused("room.join", json!({ "identity": room })).await;
    assert_eq!(joined, "room.banned");
    let mut ada = server.again("ada").await;
    let bans = ada.ok("room.bans", json!({ "identity": room })).await;
    let bans = bans["bans"].as_array().unwrap();
    let users: Vec<_> = bans.iter().map(|ban| ban["user"]["id"].clone()).collect();
    assert_eq!(
        users.len(),
        2,
        "that of the meeting holds as well, which others may take up"
    );
    ada.join(&room).await;
    for user in users.iter().chain(&users) {
        ada.ok("room.unban", json!({ "identity": room, "user": user }))
            .await;
    }
    let bans = ada.ok("room.bans", json!({ "identity": room })).await;
    assert_eq!(bans["bans"], json!([]));
    bo.join(&room).await;
}

#[tokio::test]
async fn attendance_tells_who_was_in_and_counts_those_who_are_until_now() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    bo.ok("room.leave", json!({})).await;
    server.services.history().flush().await;
    let page = ada.ok("room.attendance", json!({ "identity": room })).await;
    assert_eq!(page["total"], 2);
    let [bo_membership, ada_membership] = [&page["attendance"][0], &page["attendance"][1]];
    assert_eq!(bo_membership["display_name"], "Bo");
    assert_eq!(
        (&bo_membership["role"], &bo_membership["reason"]),
        (&json!("member"), &json!("left"))
    );
    assert_eq!(bo_membership["user"], bo.login["user"]);
    assert!(bo_membership["left_at"].is_string());
    assert_eq!(ada_membership["user"], ada.login["user"]);
    assert_eq!(
        (&ada_membership["role"], &ada_membership["left_at"]),
        (&json!("host"), &Value::Null)
    );
    let earlier = ada_membership["duration_ms"].as_u64().unwrap();
    let one = json!({ "identity": room, "page": 2, "size": 1 });
    loop {
        let page = ada.ok("room.attendance", one.clone()).await;
        assert_eq!(
            (&page["total"], &page["attendance"][0]["role"]),
            (&json!(2), &json!("host"))
        );
        if page["attendance"][0]["duration_ms"].as_u64().unwrap() > earlier {
            break;
        }
    }
    for (field, wrong) in [("page", 0), ("size", 0), ("size", 1001)] {
        let wrong = json!({ "identity": room, field: wrong });
        let error = ada.error("room.attendance", wrong).await;
        assert_eq!(error["field"], format!("data.{field}"));
    }
}

#[tokio::test]
async fn a_message_is_taken_back_by_its_author_or_by_those_who_keep_order() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        let sent = bo.ok("chat.send", json!({ "text": text })).await;
        said.push(sent["message"]["id"].clone());
    }
    let private = json!({ "text": "psst", "to": cy.membership() });
    let private = bo.ok("chat.send", private).await["message"]["id"].clone();
    let delete = |id: &Value| json!({ "message": id });
    assert_eq!(
        cy.refused("chat.delete", delete(&said[0])).await,
        "perm.denied"
    );
    bo.ok("chat.delete", delete(&said[0])).await;
    ada.ok("chat.delete", delete(&said[1])).await;
    assert_eq!(cy.event("chat.deleted").await["message"], said[0]);
    assert_eq!(cy.event("chat.deleted").await["message"], said[1]);
    for unreadable in [&private, &json!("nothing"), &said[0]] {
        let error = ada.error("chat.delete", delete(unreadable)).await;
        assert_eq!(error["field"], "data.message", "{unreadable}");
    }
    bo.ok("chat.delete", delete(&private)).await;
    assert_eq!(cy.event("chat.deleted").await["message"], private);
    let kinds = ada.events().await;
    let deleted = kinds.iter().filter(|kind| *kind == "chat.deleted").count();
    assert_eq!(deleted, 2, "who could not read it is not told: {kinds:?}");
    let history = cy.ok("chat.history", json!({})).await;
    let texts: Vec<_> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["text"])
        .collect();
    assert_eq!(texts, ["three"]);
    let mut dee = server.guest("Dee").await;
    let joined = dee.join(&room).await;
    assert_eq!(joined["chat"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn newcomers_read_what_was_written_since_they_came_first() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "history": "joined" })).await;
    let texts = |messages: &Value| -> Vec<String> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|m| m["text"].as_str().unwrap().to_owned())
            .collect()
    };
    ada.ok("chat.send", json!({ "text": "before" })).await;
    let mut bo = server.guest("Bo").await;
    let joined = bo.join(&room).await;
    assert!(texts(&joined["chat"]).is_empty());
    ada.ok("chat.send", json!({ "text": "while in" })).await;
    bo.ok("room.leave", json!({})).await;
    ada.ok("chat.send", json!({ "text": "while away" })).await;
    server.services.history().flush().await;
    let joined = bo.join(&room).await;
    assert_eq!(texts(&joined["chat"]), ["while in", "while away"]);
    let history = bo.ok("chat.history", json!({})).await;
    assert_eq!(texts(&history["messages"]), ["while in", "while away"]);
    assert_eq!(history["more"], false);
}

#[tokio::test]
async fn one_tries_the_connection_with_oneself_from_two_sessions() {
    let server = Server::start().await;
    let mut one = server.account("ada").await;
    let mut two = server.again("ada").await;
    let room = one.ok("check.begin", json!({})).await["identity"].clone();
    let room = room.as_str().unwrap();
    let first = one.join(room).await;
    assert_eq!(first["room"]["topology"], "sfu");
    let second = two.join(room).await;
    assert_eq!(
        second["participants"].as_array().unwrap().len(),
        2,
        "neither replaces the other"
    );
    assert_eq!(
        one.event("participant.joined").await["participant"]["id"],
        second["self"]["id"]
    );
    for kind in ["media.publish", "media.receive"] {
        let answer = one
            .ask(kind, json!({ "revision": 1, "sdp": "", "sources": [] }))
            .await;
        assert_ne!(
            answer["error"]["code"], "room.not_joined",
            "{kind}: {answer}"
        );
    }
    assert_eq!(
        one.refused("chat.send", json!({ "text": "kept?" })).await,
        "perm.denied"
    );
    assert_eq!(
        one.ok("chat.history", json!({})).await["messages"],
        json!([])
    );
    assert_eq!(one.refused("room.end", json!({})).await, "perm.denied");
    let mut third = server.again("ada").await;
    assert_eq!(
        third
            .refused("room.join", json!({ "identity": room }))
            .await,
        "room.full"
    );
    let mut bo = server.guest("Bo").await;
    for kind in ["room.join", "room.get", "room.roster"] {
        assert_eq!(
            bo.refused(kind, json!({ "identity": room })).await,
            "room.not_found",
            "{kind}"
        );
    }
    for client in [&mut one, &mut two] {
        client.ok("room.leave", json!({})).await;
    }
    server.services.history().flush().await;
    let joined = one.ok("room.list", json!({ "scope": "joined" })).await;
    assert_eq!(joined["total"], 0, "nothing is stored");
    one.ok("check.begin", json!({})).await;
    assert_eq!(
        two.refused("room.join", json!({ "identity": room })).await,
        "room.not_found"
    );
}
