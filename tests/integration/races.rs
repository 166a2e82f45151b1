//! Requests of several people at the same moment: whichever the room takes first, what is so afterwards is one of the
//! two that may be.

use serde_json::{Value, json};

use super::support::{Client, Server, soon};

/// How often each race is run.
const ROUNDS: usize = 12;

/// Who is in, by user name and role, as `client` sees it from inside.
async fn inside(client: &mut Client, room: &str) -> Vec<(String, String)> {
    let roster = client.ok("room.roster", json!({ "identity": room })).await;
    let people = roster["participants"].as_array().unwrap();
    let name = |person: &Value| person["user"]["username"].as_str().unwrap().to_owned();
    let role = |person: &Value| person["role"].as_str().unwrap().to_owned();
    people
        .iter()
        .map(|person| (name(person), role(person)))
        .collect()
}

async fn is_alone(client: &mut Client, room: &str) {
    soon(async { while inside(client, room).await.len() > 1 {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in_while_they_go_is_neither_in_nor_at_the_door() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "lobby": true })).await;
    let mut bo = server.account("bo").await;
    for round in 0..ROUNDS {
        let join = json!({ "identity": room });
        let refused = bo.refused("room.join", join.clone()).await;
        assert_eq!(refused, "room.waiting", "round {round}");
        ada.event("lobby.waiting").await;
        let all = json!({ "participants": "all" });
        let (admitted, left) =
            tokio::join!(ada.ask("lobby.admit", all), bo.ask("room.leave", json!({})));
        assert_eq!(
            (&admitted["type"], &left["type"]),
            (&json!("ok"), &json!("ok"))
        );
        is_alone(&mut ada, &room).await;
        let view = ada.ok("room.join", join).await;
        assert_eq!(view["lobby"], json!([]), "round {round}");
        let chat = bo
            .refused("chat.send", json!({ "text": "still here" }))
            .await;
        assert_eq!(chat, "room.not_joined", "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_banned_while_another_session_of_theirs_comes_in_memberships_out() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.account("bo").await;
    let user = bo.login["user"]["id"].clone();
    let join = || json!({ "identity": room });
    for round in 0..ROUNDS {
        bo.join(&room).await;
        let mut newer = server.again("bo").await;
        let ban = json!({ "participant": bo.membership(), "ban": "meeting" });
        let (banned, joined) = tokio::join!(
            ada.ask("participant.remove", ban),
            newer.ask("room.join", join())
        );
        if banned["type"] == "error" {
            // The newer session was there first, and is somebody else to the room.
            assert_eq!(banned["error"]["code"], "participant.not_found");
            let ban = json!({ "participant": joined["data"]["self"]["id"], "ban": "meeting" });
            ada.ok("participant.remove", ban).await;
        }
        is_alone(&mut ada, &room).await;
        let mut again = server.again("bo").await;
        let refused = again.refused("room.join", join()).await;
        assert_eq!(refused, "room.banned", "round {round}");
        let unban = json!({ "identity": room, "user": user });
        ada.ok("room.unban", unban).await;
        bo = again;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_come_at_once_into_a_small_room_the_owner_is_always_one() {
    const PLACES: usize = 3;
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let mut guests = Vec::new();
    for number in 0..8 {
        guests.push(server.guest(&format!("Guest {number}")).await);
    }
    for round in 0..ROUNDS {
        let small = json!({ "name": "Small", "max_participants": PLACES });
        let room = ada.create(small).await;
        let join = || json!({ "identity": room });
        let knocks = guests
            .iter_mut()
            .map(|guest| guest.ask("room.join", join()));
        let knocks = futures_util::future::join_all(knocks);
        let (owner, others) = tokio::join!(ada.ask("room.join", join()), knocks);
        assert_eq!(owner["type"], "ok", "round {round}: {owner}");
        let (came, refused): (Vec<_>, Vec<_>) =
            others.iter().partition(|answer| answer["type"] == "ok");
        assert!((PLACES - 1..=PLACES).contains(&came.len()), "round {round}");
        let is_full = |answer: &&Value| answer["error"]["code"] == "room.full";
        assert!(refused.iter().all(is_full), "round {round}: {refused:?}");
        let roster = ada.ok("room.roster", join()).await;
        let inside = roster["participants"].as_array().unwrap().len();
        assert_eq!(inside, came.len() + 1, "round {round}");
        let late = server
            .guest("Late")
            .await
            .refused("room.join", join())
            .await;
        assert_eq!(late, "room.full", "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hosts_who_both_let_go_at_once_somebody_governs_after_them() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let mut people = Vec::new();
    for name in ["hal", "bo", "cy"] {
        people.push(server.account(name).await);
    }
    let [hal, bo, cy] = people.as_mut_slice() else {
        unreachable!("three")
    };
    for round in 0..ROUNDS {
        let room = ada.create(json!({ "name": "Race" })).await;
        ada.join(&room).await;
        for one in [&mut *hal, &mut *bo, &mut *cy] {
            one.join(&room).await;
        }
        for host in [hal.membership(), bo.membership()] {
            let set = json!({ "participant": host, "role": "host" });
            ada.ok("participant.set_role", set).await;
        }
        ada.ok("room.leave", json!({})).await;
        let down = json!({ "participant": bo.membership(), "role": "member" });
        let (left, stepped) = tokio::join!(
            hal.ask("room.leave", json!({})),
            bo.ask("participant.set_role", down)
        );
        assert_eq!(
            (&left["type"], &stepped["type"]),
            (&json!("ok"), &json!("ok"))
        );
        let people = inside(cy, &room).await;
        let mut names: Vec<&str> = people.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["bo", "cy"]);
        let hosts = people.iter().filter(|(_, role)| role == "host").count();
        assert_eq!(hosts, 1, "round {round}: {people:?}");
    }
}
