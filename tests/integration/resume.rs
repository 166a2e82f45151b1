//! A session outlives its socket: what was missed, what was asked, and who is not taken back.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{Client, Lost, PASSWORD, Server, soon};

/// Ada's meeting with Bo in it.
async fn meeting(server: &Server) -> (Client, Client, String) {
    let (mut ada, room) = server.meeting(json!({})).await;
    let bo = server.member("Bo", &room).await;
    ada.event("participant.joined").await;
    (ada, bo, room)
}

/// Loses a socket, which the others see.
async fn lose(client: Client, ada: &mut Client) -> Lost {
    let participant = client.membership();
    let lost = client.lose();
    let seen = ada.event("participant.updated").await["participant"].take();
    assert_eq!(seen["id"], participant);
    assert_eq!(seen["connection"], "reconnecting");
    lost
}

#[tokio::test]
async fn who_loses_the_socket_comes_back_as_if_nothing_had_been() {
    let server = Server::start().await;
    let (mut ada, mut bo, _) = meeting(&server).await;
    assert_eq!(bo.hello["data"]["limits"]["resume_ms"], 30_000);
    bo.ok("participant.update", json!({ "hand": true })).await;
    for one in [&mut ada, &mut bo] {
        one.event("participant.updated").await;
    }
    let lost = lose(bo, &mut ada).await;
    ada.ok("chat.send", json!({ "text": "one" })).await;
    ada.ok("chat.send", json!({ "text": "two" })).await;
    let (mut bo, answer) = lost.back(&server).await;
    assert_eq!(answer["replayed"], 2);
    assert_eq!(answer.get("view"), None);
    assert_eq!(answer["user"]["display_name"], "Bo");
    for text in ["one", "two"] {
        assert_eq!(bo.event("chat.message").await["message"]["text"], text);
    }
    let back = ada.event("participant.updated").await["participant"].take();
    assert_eq!(back["connection"], "online");
    assert!(back["hand_raised_at"].is_string(), "the hand is still up");
    assert_eq!(back["id"], bo.membership());
    bo.ok("chat.send", json!({ "text": "three" })).await;
    // Nobody came, and nobody went.
    assert!(!ada.has_heard("participant.left") && !ada.has_heard("participant.joined"));
}

#[tokio::test]
async fn a_request_whose_answer_was_cut_off_is_carried_out_once() {
    let server = Server::start().await;
    let (mut ada, mut bo, _) = meeting(&server).await;
    let id = bo.next_id();
    let say = json!({ "type": "chat.send", "id": id, "data": { "text": "once" } });
    bo.send(say.to_string()).await;
    let first = ada.event("chat.message").await;
    let lost = lose(bo, &mut ada).await;
    let (mut bo, _) = lost.back(&server).await;
    bo.send(say.to_string()).await;
    let answer = bo.reply().await;
    assert_eq!((&answer["re"], &answer["type"]), (&json!(id), &json!("ok")));
    assert_eq!(answer["data"]["message"]["id"], first["message"]["id"]);
    bo.ok("chat.send", json!({ "text": "twice?" })).await;
    assert_eq!(ada.event("chat.message").await["message"]["text"], "twice?");
}

#[tokio::test]
async fn a_token_is_good_once_and_the_one_before_until_the_new_one_was_used() {
    let server = Server::start().await;
    let (_ada, bo, _) = meeting(&server).await;
    let first = bo.lose();
    // The answer is cut off as well: nobody reads it.
    let mut unread = server.connect().await;
    let resume = json!({ "type": "session.resume", "id": 1, "data": {
        "session": first.session, "resume_token": first.token, "last_seq": first.last_seq } });
    unread.send(resume.to_string()).await;
    drop(unread);
    let (bo, _) = first.back(&server).await;
    let second = bo.lose();
    let (_bo, _) = second.back(&server).await;
    assert_eq!(first.refused(&server).await, "session.gone", "used twice");
    let stolen = Lost {
        token: "A".repeat(22),
        ..second
    };
    assert_eq!(stolen.refused(&server).await, "session.gone");
}

#[tokio::test]
async fn the_socket_that_still_seems_alive_gives_way_to_the_new_one() {
    let server = Server::start().await;
    let (mut ada, mut bo, _) = meeting(&server).await;
    let mut newer = server.connect().await;
    let resume = json!({ "session": bo.hello["data"]["session"], "resume_token": bo.login["resume_token"],
        "last_seq": 0 });
    let answer = newer.ok("session.resume", resume).await;
    assert_eq!(answer["resumed"], true);
    assert_eq!(bo.closed().await, 4409);
    assert_eq!(ada.events().await, [""; 0], "the others hear nothing of it");
}

#[tokio::test]
async fn a_page_that_was_loaded_anew_keeps_its_participant_its_role_and_its_hand() {
    let server = Server::start().await;
    let (mut ada, mut bo, room) = meeting(&server).await;
    let role = json!({ "participant": bo.membership(), "role": "cohost" });
    ada.ok("participant.set_role", role).await;
    bo.ok("participant.update", json!({ "hand": true })).await;
    for _ in 0..2 {
        ada.event("participant.updated").await;
    }
    let lost = lose(bo, &mut ada).await;
    ada.ok("chat.send", json!({ "text": "meanwhile" })).await;
    let mut bo = server.connect().await;
    let answer = bo.resume(&lost, None).await;
    let view = &answer["view"];
    assert_eq!(view["room"]["identity"], room);
    assert_eq!(view["self"]["id"], bo.membership());
    assert_eq!(view["self"]["role"], "cohost");
    assert_eq!(view["self"]["connection"], "online");
    assert!(view["self"]["hand_raised_at"].is_string());
    assert_eq!(view["chat"][0]["text"], "meanwhile");
    assert_eq!(answer["replayed"], 0);
    // It knows no ids: they begin anew, and so do its numbers after the one that the answer names.
    let frame = json!({ "type": "ping", "id": 1 });
    bo.send(frame.to_string()).await;
    assert_eq!(bo.reply().await["re"], 1);
    ada.ok("chat.send", json!({ "text": "after" })).await;
    assert_eq!(bo.event("chat.message").await["message"]["text"], "after");
}

#[tokio::test]
async fn who_is_in_no_room_or_at_a_door_is_shown_that() {
    let server = Server::start().await;
    let gus = server.guest("Gus").await.lose();
    let mut gus_again = server.connect().await;
    let answer = gus_again.resume(&gus, None).await;
    assert!(answer.get("view").is_some_and(Value::is_null), "{answer}");

    let (mut ada, room) = server.meeting(json!({ "lobby": true })).await;
    let mut cy = server.guest("Cy").await;
    let join = json!({ "identity": room });
    assert_eq!(cy.refused("room.join", join).await, "room.waiting");
    let waiting = ada.event("lobby.waiting").await;
    cy.event("lobby.updated").await;
    let lost = cy.lose();
    let mut cy = server.connect().await;
    let answer = cy.resume(&lost, None).await;
    assert_eq!(answer["view"], json!({ "waiting": room }));
    assert_eq!(cy.event("lobby.updated").await["hosted"], true);
    // Who is let in while there is no socket is in when there is one.
    let lost = cy.lose();
    let one = json!({ "participants": [waiting["participant"]["id"]] });
    ada.ok("lobby.admit", one).await;
    let (mut cy, answer) = lost.back(&server).await;
    assert_eq!(answer["replayed"], 1);
    let joined = cy.event("lobby.admitted").await;
    assert_eq!(joined["self"]["id"], waiting["participant"]["id"]);
    cy.ok("chat.send", json!({ "text": "here" })).await;
}

#[tokio::test]
async fn who_comes_back_too_late_was_lost() {
    let server = Server::with(&[(Key::NoRateLimit, "on"), (Key::ResumeMs, "50")]).await;
    let (mut ada, bo, room) = meeting(&server).await;
    let (token, lost) = (bo.token(), lose(bo, &mut ada).await);
    assert_eq!(ada.event("participant.left").await["reason"], "lost");
    assert_eq!(lost.refused(&server).await, "session.gone");
    // The refusal left the socket open, for a log-in.
    let mut bo = server.connect().await;
    bo.ok("auth.token", json!({ "token": token })).await;
    bo.join(&room).await;
}

#[tokio::test]
async fn without_resumption_nobody_is_kept() {
    let server = Server::forgetful().await;
    let (mut ada, bo, _) = meeting(&server).await;
    assert_eq!(bo.hello["data"]["limits"]["resume_ms"], 0);
    let resume = json!({ "session": bo.hello["data"]["session"], "resume_token": bo.login["resume_token"],
        "last_seq": 0 });
    let mut other = server.connect().await;
    let refused = other.refused("session.resume", resume).await;
    assert_eq!(refused, "session.gone", "nor is a socket replaced");
    let lost = bo.lose();
    assert_eq!(ada.event("participant.left").await["reason"], "lost");
    assert_eq!(lost.refused(&server).await, "session.gone");
}

#[tokio::test]
async fn a_session_that_was_removed_or_whose_meeting_is_over_is_not_taken_back() {
    let server = Server::start().await;
    let (mut ada, bo, room) = meeting(&server).await;
    let cy = server.member("Cy", &room).await;
    let participant = bo.membership();
    let (bo, cy) = (lose(bo, &mut ada).await, lose(cy, &mut ada).await);
    let ban = json!({ "participant": participant, "ban": "meeting" });
    ada.ok("participant.remove", ban).await;
    assert_eq!(bo.refused(&server).await, "session.gone");
    ada.ok("room.end", json!({})).await;
    assert_eq!(cy.refused(&server).await, "session.gone");
}

#[tokio::test]
async fn a_log_out_a_new_password_and_a_leave_end_what_is_kept() {
    let server = Server::start().await;
    let ada = server.account("ada").await;
    let token = json!({ "token": ada.token() });
    let kept = ada.lose();
    let mut other = server.connect().await;
    other.ok("auth.token", token).await;
    other.ok("auth.logout", json!({})).await;
    assert_eq!(kept.refused(&server).await, "session.gone");

    let kept = server.again("ada").await.lose();
    let mut other = server.again("ada").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse 8" });
    other.ok("account.update", change).await;
    assert_eq!(kept.refused(&server).await, "session.gone");
    // The session that changed it goes on.
    other.lose().back(&server).await;

    let mut gus = server.guest("Gus").await;
    let session = gus.hello["data"]["session"].clone();
    let token = gus.login["resume_token"].clone();
    gus.ok("ping", json!({})).await;
    gus.close().await;
    let resume = json!({ "session": session, "resume_token": token, "last_seq": 0 });
    let mut late = server.connect().await;
    assert_eq!(late.refused("session.resume", resume).await, "session.gone");
}

#[tokio::test]
async fn the_same_person_who_joins_anew_replaces_their_ghost_at_once() {
    let server = Server::start().await;
    let (mut ada, bo, room) = meeting(&server).await;
    let (token, ghost) = (bo.token(), bo.membership());
    let lost = lose(bo, &mut ada).await;
    let mut bo = server.connect().await;
    bo.ok("auth.token", json!({ "token": token })).await;
    let joined = bo.join(&room).await;
    assert_eq!(joined["participants"].as_array().unwrap().len(), 2);
    let left = ada.event("participant.left").await;
    assert_eq!(left, json!({ "participant": ghost, "reason": "replaced" }));
    assert_eq!(lost.refused(&server).await, "session.gone");
}

#[tokio::test]
async fn what_browsers_say_to_each_other_waits_for_who_is_away() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    let bo = server.member("Bo", &room).await;
    let to = bo.membership();
    ada.event("participant.joined").await;
    let lost = lose(bo, &mut ada).await;
    let offer = json!({ "to": to, "sdp": "v=0" });
    ada.ok("signal.offer", offer).await;
    let end = json!({ "to": to, "candidate": null });
    ada.ok("signal.candidate", end).await;
    let (mut bo, answer) = lost.back(&server).await;
    assert_eq!(answer["replayed"], 2);
    assert_eq!(bo.event("signal.offer").await["sdp"], "v=0");
    bo.event("signal.candidate").await;
}

#[tokio::test]
async fn what_is_too_much_to_replay_is_shown_as_it_is_now() {
    let server = Server::start().await;
    let (mut ada, bo, _) = meeting(&server).await;
    let lost = lose(bo, &mut ada).await;
    for number in 0..=1_024 {
        let text = format!("{number}");
        ada.ok("chat.send", json!({ "text": text })).await;
    }
    let (bo, answer) = lost.back(&server).await;
    let chat = answer["view"]["chat"].as_array().unwrap();
    assert_eq!(chat.last().unwrap()["text"], "1024");
    // The answer with the view may be lost too: a client that has not seen it gets another.
    let (mut bo, again) = Lost {
        last_seq: lost.last_seq,
        ..bo.lose()
    }
    .back(&server)
    .await;
    assert!(again["view"].is_object());
    let (_, after) = {
        bo.ok("ping", json!({})).await;
        bo.lose().back(&server).await
    };
    assert_eq!(after.get("view"), None, "who has seen it needs no other");
}

#[tokio::test]
async fn guests_who_move_to_where_a_guest_was_banned_come_in_like_anybody_from_there() {
    let trusted = [(Key::NoRateLimit, "on"), (Key::TrustedProxy, "127.0.0.1")];
    let server = Server::with(&trusted).await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut from = async |address: &str, name: &str| {
        let mut guest = Client::connect_from(server.address, address).await;
        let login = guest
            .ok("auth.guest", json!({ "display_name": name }))
            .await;
        guest.login = login;
        guest.join(&room).await;
        ada.event("participant.joined").await;
        guest
    };
    let bad = from("203.0.113.5", "Bad").await;
    let cy = from("203.0.113.9", "Cy").await;
    let ban = json!({ "participant": bad.membership(), "ban": "meeting" });
    ada.ok("participant.remove", ban).await;
    ada.event("participant.left").await;
    let participant = cy.membership();
    let token = json!({ "token": cy.token() });
    let lost = lose(cy, &mut ada).await;
    let resume = json!({ "session": lost.session, "resume_token": lost.token,
        "last_seq": lost.last_seq });
    let mut moved = Client::connect_from(server.address, "203.0.113.5").await;
    assert_eq!(
        moved.refused("session.resume", resume).await,
        "session.gone"
    );
    assert_eq!(
        ada.event("participant.left").await["participant"],
        participant
    );
    let mut moved = Client::connect_from(server.address, "203.0.113.5").await;
    moved.ok("auth.token", token).await;
    let join = json!({ "identity": room });
    assert_eq!(moved.refused("room.join", join).await, "room.waiting");
}

#[tokio::test]
async fn wrong_resume_tokens_are_limited_and_right_ones_are_not() {
    let server = Server::with(&[]).await;
    let gus = server.guest("Gus").await.lose();
    let wrong = Lost {
        token: "A".repeat(22),
        session: gus.session.clone(),
        last_seq: 0,
        ..server.guest("Bo").await.lose()
    };
    let mut codes = Vec::new();
    for _ in 0..=meeting::budgets::auth::WRONG_RESUMES_BURST.most {
        codes.push(wrong.refused(&server).await);
    }
    assert!(codes.iter().any(|code| code == "session.gone"));
    assert_eq!(codes.last().map(String::as_str), Some("rate.limited"));
}

#[tokio::test]
async fn a_server_that_stops_ends_those_without_a_socket_too() {
    let server = Server::start().await;
    let (mut ada, bo, _) = meeting(&server).await;
    drop(lose(bo, &mut ada).await);
    let services = server.services.clone();
    assert_eq!(services.kept().count(), 1);
    let (running, _data) = server.stop();
    soon(running).await.unwrap();
    assert_eq!(services.kept().count(), 0);
    assert_eq!(services.table().count(), 0);
}
