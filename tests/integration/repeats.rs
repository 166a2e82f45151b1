//! What is sent again because its answer was lost is done once.

use serde_json::json;

use super::support::Server;

#[tokio::test]
async fn a_message_that_is_sent_again_is_answered_as_the_first_time() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    ada.events().await;
    bo.events().await;
    let said = json!({ "text": "hello", "client_id": "c-1" });
    let first = ada.ok("chat.send", said.clone()).await;
    assert_eq!(ada.ok("chat.send", said.clone()).await, first);
    // The socket was cut; the same person comes back with another membership.
    ada.close().await;
    let mut ada = server.again("ada").await;
    let joined = ada.join(&room).await;
    assert_eq!(joined["chat"].as_array().unwrap().len(), 1, "{joined}");
    assert_eq!(ada.ok("chat.send", said.clone()).await, first);
    let heard = bo.events().await;
    let messages = heard.iter().filter(|kind| *kind == "chat.message");
    assert_eq!(messages.count(), 1, "{heard:?}");

    let else_said = json!({ "text": "bye", "client_id": "c-1" });
    let refused = ada.error("chat.send", else_said).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("protocol.bad_field"), &json!("data.client_id"))
    );
    // Another's name for a message is another name.
    let others = bo.ok("chat.send", said.clone()).await;
    assert_ne!(others["message"]["id"], first["message"]["id"]);
    let deleted = json!({ "message": first["message"]["id"] });
    ada.ok("chat.delete", deleted).await;
    bo.events().await;
    assert_eq!(ada.ok("chat.send", said).await, first);
    assert_eq!(bo.events().await, Vec::<String>::new());
    let page = ada.ok("chat.history", json!({})).await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn an_empty_name_is_none_and_a_private_message_is_the_same_to_a_person_who_came_back() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    for text in ["one", "two"] {
        let sent = json!({ "text": text, "client_id": "" });
        ada.ok("chat.send", sent).await;
    }
    for bad in ["a\u{0}b", &"x".repeat(65)] {
        let sent = json!({ "text": "one", "client_id": bad });
        assert_eq!(ada.refused("chat.send", sent).await, "protocol.bad_field");
    }
    let mut bo = server.account("bo").await;
    bo.join(&room).await;
    let whisper = |to: String| json!({ "text": "for bo", "client_id": "c-2", "to": to });
    let first = ada.ok("chat.send", whisper(bo.membership())).await;
    let gone = bo.membership();
    bo.ok("room.leave", json!({})).await;
    assert_eq!(ada.ok("chat.send", whisper(gone)).await, first);
    bo.join(&room).await;
    assert_eq!(ada.ok("chat.send", whisper(bo.membership())).await, first);
    let to_all = json!({ "text": "for bo", "client_id": "c-2" });
    assert_eq!(ada.refused("chat.send", to_all).await, "protocol.bad_field");
}
