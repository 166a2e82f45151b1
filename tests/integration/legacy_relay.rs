//! The older Meeting's relay, `/ws/p2p/{room}/{user}`: what it passes on, and to whom it does not.

use std::collections::BTreeMap;

use futures_util::{SinkExt as _, StreamExt as _};
use meeting::config::Key;
use meeting::protocol::time::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use super::legacy::{legacy_server, login};
use super::support::{Client, PASSWORD, Server, soon};

/// A browser's offer, as the older page sent it.
const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n";

/// A script of the older program.
struct Script {
    socket: WebSocketStream<TcpStream>,
    room: String,
    claimed: String,
}

/// A handshake at the relay's address, with these headers.
async fn handshake(
    server: &Server,
    room: &str,
    claimed: &str,
    headers: &[(&'static str, &str)],
) -> tungstenite::Result<(Script, Response)> {
    let stream = soon(TcpStream::connect(server.address)).await.unwrap();
    let url = format!("ws://{}/ws/p2p/{room}/{claimed}", server.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let (socket, response) = soon(tokio_tungstenite::client_async(request, stream)).await?;
    let script = Script {
        socket,
        room: room.to_owned(),
        claimed: claimed.to_owned(),
    };
    Ok((script, response))
}

impl Script {
    async fn open(server: &Server, room: &str, claimed: &str, token: &str) -> Self {
        let headers = [("authorization", token)];
        handshake(server, room, claimed, &headers).await.unwrap().0
    }

    async fn send(&mut self, message: impl Into<Message>) {
        soon(self.socket.send(message.into())).await.unwrap();
    }

    /// A frame as the older page made it.
    async fn say(&mut self, key: &str, value: Value) {
        let frame = json!({
            "user_identity": self.claimed,
            "room_identity": self.room,
            "key": key,
            "value": value,
        });
        self.send(frame.to_string()).await;
    }

    /// The next frame. Pings alone are not what is waited for.
    async fn hear(&mut self) -> Value {
        let text = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("a text frame was awaited, not {other:?}"),
                }
            }
        };
        serde_json::from_str(&soon(text).await).unwrap()
    }

    /// Waits until this script is in its room and knows who else is: a refusal comes after what was told before.
    async fn settle(&mut self) {
        self.send("{}").await;
        assert_eq!(self.hear().await["code"], -1);
    }

    /// The code that the server closes with.
    async fn closed(&mut self) -> u16 {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("a close frame was awaited, not {other:?}"),
            }
        }
    }

    /// What is refused at the door: the envelope, and the code of the close.
    async fn turned_away(mut self) -> (i64, String, u16) {
        let envelope = self.hear().await;
        let code = envelope["code"].as_i64().unwrap();
        let sentence = envelope["msg"].as_str().unwrap().to_owned();
        (code, sentence, self.closed().await)
    }
}

/// Somebody on `/ws` in the room, who sees who comes and goes.
struct Watch {
    client: Client,
    room: String,
}

impl Watch {
    /// Ada, in a room of hers.
    async fn new(server: &Server, settings: Value) -> Self {
        let (client, room) = server.meeting(settings).await;
        Self { client, room }
    }

    /// A script of an account of this name that has come in, and its participant as others see it.
    async fn script(&mut self, server: &Server, name: &str) -> (Script, Value) {
        let token = server.account(name).await.token();
        let script = Script::open(server, &self.room, "claimed", &token).await;
        let mut joined = self.client.event("participant.joined").await;
        (script, joined["participant"].take())
    }
}

/// An account, the id that others see of it, and its token.
async fn account(server: &Server, name: &str) -> (String, String) {
    let client = server.account(name).await;
    let id = client.login["user"]["id"].as_str().unwrap().to_owned();
    (id, client.token())
}

#[tokio::test]
async fn a_call_between_two_scripts_passes_as_it_is_and_from_who_they_are() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, bo_is) = watch.script(&server, "bo").await;
    let (mut cy, cy_is) = watch.script(&server, "cy").await;
    bo.settle().await;
    cy.settle().await;
    let room = watch.room.clone();
    let candidate = json!({
        "candidate": "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host",
        "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "ab",
    });
    let said = [
        ("bo", "offer_sdp", json!({ "type": "offer", "sdp": SDP })),
        ("bo", "offer_candidate", candidate.clone()),
        ("cy", "answer_sdp", json!({ "type": "answer", "sdp": SDP })),
        ("cy", "answer_candidate", candidate.clone()),
        ("bo", "answer_candidate", json!("candidate:1")),
        ("bo", "offer_sdp", json!(SDP)),
    ];
    for (name, key, value) in said {
        let (from, to, is) = match name {
            "bo" => (&mut bo, &mut cy, &bo_is),
            _ => (&mut cy, &mut bo, &cy_is),
        };
        from.say(key, value.clone()).await;
        let expected = json!({
            "user_identity": is["user"]["id"],
            "room_identity": room,
            "key": key,
            "value": value,
        });
        assert_eq!(to.hear().await, expected);
    }
    // Nothing came back to its sender, or it would have been heard before what follows.
    bo.say("offer_sdp", json!("last of bo")).await;
    cy.say("answer_sdp", json!("last of cy")).await;
    assert_eq!(cy.hear().await["value"], "last of bo");
    assert_eq!(bo.hear().await["value"], "last of cy");
}

/// Tokens of new accounts. Making them takes long, and whoever is in a room meanwhile must answer pings.
async fn tokens(server: &Server, names: &[&str]) -> Vec<String> {
    let mut tokens = Vec::new();
    for name in names {
        tokens.push(account(server, name).await.1);
    }
    tokens
}

/// Scripts that speak for these tokens in one room and know of each other, by who they are. Whoever owns the room has
/// left it: only scripts are there, as in the older program.
async fn scripts(server: &Server, watch: &mut Watch, tokens: &[String]) -> Vec<(Script, String)> {
    let mut scripts = Vec::new();
    for token in tokens {
        let script = Script::open(server, &watch.room, "claimed", token).await;
        let joined = watch.client.event("participant.joined").await;
        let user = joined["participant"]["user"]["id"].as_str().unwrap();
        scripts.push((script, user.to_owned()));
    }
    for (script, _) in &mut scripts {
        script.settle().await;
    }
    watch.client.ok("room.leave", json!({})).await;
    scripts
}

/// Who said what, in order.
type Said = BTreeMap<String, Vec<Value>>;

/// What each of them hears, all at once, until each has heard `count` frames.
async fn heard(scripts: &mut [(Script, String)], count: usize) -> Vec<Said> {
    let listening = scripts.iter_mut().map(async |(script, _)| {
        let mut said = Said::new();
        for _ in 0..count {
            let mut frame = script.hear().await;
            let from = frame["user_identity"].as_str().unwrap().to_owned();
            said.entry(from).or_default().push(frame["value"].take());
        }
        said
    });
    soon(futures_util::future::join_all(listening)).await
}

#[tokio::test]
async fn of_three_each_hears_both_others_and_never_itself() {
    // With the limits of speed that every server has.
    let server = Server::with(&[(Key::LegacyApi, "on")]).await;
    let strangers = tokens(&server, &["gus", "hal"]).await;
    let three = tokens(&server, &["bo", "cy", "dee"]).await;
    let mut watch = Watch::new(&server, json!({})).await;
    let elsewhere = watch.client.create(json!({ "name": "Elsewhere" })).await;
    let mut three = scripts(&server, &mut watch, &three).await;
    watch.room = elsewhere;
    watch.client.join(&watch.room).await;
    let mut strangers = scripts(&server, &mut watch, &strangers).await;
    // Each says 35 frames at once, which are 70 to the two others: more than a burst, and none is lost. Nor is what
    // follows, when one has left and the other's session has still to catch its breath.
    const SAID: usize = 35;
    let told: Vec<Value> = (0..SAID).map(|n| json!(format!("candidate:{n}"))).collect();
    for (script, _) in &mut three {
        for value in &told {
            script.say("offer_candidate", value.clone()).await;
        }
    }
    let ids: Vec<String> = three.iter().map(|(_, user)| user.clone()).collect();
    for (said, own) in heard(&mut three, 2 * SAID).await.iter().zip(&ids) {
        let others = ids.iter().filter(|id| *id != own);
        let expected: Said = others.map(|id| (id.clone(), told.clone())).collect();
        assert_eq!(
            *said, expected,
            "all of it, in order, and nothing of its own"
        );
    }
    // One leaves; the others go on, and nothing of it all was for another room.
    let (mut gone, _) = three.remove(0);
    soon(gone.socket.close(None)).await.unwrap();
    for (speaker, listener, value) in [(0, 1, "on we go"), (1, 0, "so we do")] {
        three[speaker].0.say("offer_sdp", json!(value)).await;
        let frame = three[listener].0.hear().await;
        let from = frame["user_identity"].as_str().unwrap();
        assert_eq!(
            (&frame["value"], from),
            (&json!(value), ids[speaker + 1].as_str())
        );
    }
    for (stranger, _) in &mut strangers {
        stranger.settle().await;
    }
}

#[tokio::test]
async fn a_crowd_of_scripts_hears_every_frame_once() {
    let server = legacy_server().await;
    let names = ["bo", "cy", "dee", "eve", "fay", "gus"];
    let tokens = tokens(&server, &names).await;
    let mut watch = Watch::new(&server, json!({})).await;
    let mut crowd = scripts(&server, &mut watch, &tokens).await;
    for round in ["first", "second", "third"] {
        for (script, _) in &mut crowd {
            script.say("offer_sdp", json!(round)).await;
            script.say("offer_candidate", json!("candidate:1")).await;
        }
        let expected = vec![json!(round), json!("candidate:1")];
        let others = crowd.len() - 1;
        for said in heard(&mut crowd, 2 * others).await {
            assert_eq!(said.len(), others);
            assert!(said.values().all(|said| *said == expected), "{said:?}");
        }
        // The next round has one less, who just vanished.
        drop(crowd.pop());
    }
}

#[tokio::test]
async fn a_script_and_a_client_of_our_own_call_each_other() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({ "topology": "p2p" })).await;
    let (mut bo, bo_is) = watch.script(&server, "bo").await;
    let ada = &mut watch.client;

    bo.say("offer_sdp", json!({ "type": "offer", "sdp": SDP }))
        .await;
    let offered = ada.event("signal.offer").await;
    let expected = json!({ "from": bo_is["id"], "connection": null, "sdp": SDP });
    assert_eq!(offered, expected);
    let candidate = json!({ "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0 });
    bo.say("offer_candidate", candidate.clone()).await;
    let came = ada.event("signal.candidate").await;
    assert_eq!(came["candidate"]["candidate"], "candidate:1");

    let (ada_id, to) = (ada.login["user"]["id"].clone(), bo_is["id"].clone());
    ada.ok(
        "signal.candidate",
        json!({ "to": to, "candidate": candidate }),
    )
    .await;
    ada.ok("signal.candidate", json!({ "to": to, "candidate": null }))
        .await;
    ada.ok("signal.answer", json!({ "to": to, "sdp": SDP }))
        .await;
    let early = bo.hear().await;
    assert_eq!(early["key"], "answer_candidate", "bo has offered");
    assert_eq!(early["value"]["sdpMid"], "0", "{early}");
    let answered = bo.hear().await;
    assert_eq!(answered["key"], "answer_sdp");
    assert_eq!(answered["value"], json!({ "type": "answer", "sdp": SDP }));
    assert_eq!(answered["user_identity"], ada_id);

    ada.ok("signal.offer", json!({ "to": to, "sdp": SDP }))
        .await;
    ada.ok(
        "signal.candidate",
        json!({ "to": to, "candidate": candidate }),
    )
    .await;
    let offered = bo.hear().await;
    assert_eq!(offered["key"], "offer_sdp");
    assert_eq!(offered["value"], json!({ "type": "offer", "sdp": SDP }));
    assert_eq!(bo.hear().await["key"], "offer_candidate");
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_of_ours() {
    let server = legacy_server().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let expected = (401, 4401);
    for headers in [
        &[][..],
        &[("authorization", "nonsense")],
        &[("sec-websocket-protocol", "meeting.legacy")],
        &[("sec-websocket-protocol", "meeting.legacy, a.b.c")],
    ] {
        let (script, _) = handshake(&server, &room, "ada", headers).await.unwrap();
        let (code, _, close) = script.turned_away().await;
        assert_eq!((code, close), expected, "{headers:?}");
    }
    assert_eq!(
        ada.events().await,
        [] as [&str; 0],
        "nobody was told of them"
    );
}

#[tokio::test]
async fn a_page_offers_its_token_beside_the_sub_protocol_and_never_gets_it_back() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (_, token) = account(&server, "bo").await;
    let offered = format!("meeting.legacy, {token}");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let (_bo, response) = handshake(&server, &watch.room, "bo", &headers)
        .await
        .unwrap();
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        "meeting.legacy"
    );
    watch.client.event("participant.joined").await;
    let headers = [
        ("authorization", token.as_str()),
        ("sec-websocket-protocol", "chat"),
    ];
    let refused = handshake(&server, &watch.room, "bo", &headers).await.err();
    assert!(matches!(refused, Some(tungstenite::Error::Http(answer)) if answer.status() == 400));
}

#[tokio::test]
async fn pages_of_other_origins_do_not_connect() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (_, token) = account(&server, "bo").await;
    let own = format!("http://{}", server.address);
    for (origin, status) in [("https://elsewhere.example", Some(403)), (&own, None)] {
        let headers = [("authorization", token.as_str()), ("origin", origin)];
        let refused = match handshake(&server, &watch.room, "bo", &headers).await {
            Err(tungstenite::Error::Http(answer)) => Some(answer.status().as_u16()),
            other => other.map(|_| None).unwrap(),
        };
        assert_eq!(refused, status, "{origin}");
    }
    watch.client.event("participant.joined").await;
}

#[tokio::test]
async fn a_room_takes_a_script_in_by_its_own_rules() {
    let server = legacy_server().await;
    let mut ada = server.account("ada").await;
    let (_, bo) = account(&server, "bo").await;
    let past = Timestamp::now().plus_millis(-60_000);
    let long_past = past.plus_millis(-60_000);
    let table = [
        (json!({ "password": "sesame" }), "asks for a password", 4403),
        (json!({ "locked": true }), "is locked", 4403),
        (json!({ "max_participants": 1 }), "is full", 4403),
        (
            json!({ "begin_at": long_past, "end_at": past }),
            "has ended",
            4404,
        ),
    ];
    for (mut settings, sentence, close) in table {
        settings["name"] = json!("Room");
        let room = ada.create(settings).await;
        if sentence == "is full" {
            ada.join(&room).await;
        }
        let script = Script::open(&server, &room, "ada", &bo).await;
        let (code, told, closed) = script.turned_away().await;
        assert!(told.contains(sentence), "{told}");
        assert_eq!((code, closed), (-1, close), "{sentence}");
    }
    let script = Script::open(&server, "no-such-room", "bo", &bo).await;
    let (code, told, closed) = script.turned_away().await;
    assert_eq!(
        (code, told.as_str(), closed),
        (-1, "There is no such room.", 4404)
    );
    // The owner needs none of it.
    let room = json!({ "name": "Room", "password": "sesame", "locked": true });
    let room = ada.create(room).await;
    let _script = Script::open(&server, &room, "x", &ada.token()).await;
    let mut other = server.account("dee").await;
    while other.ok("room.get", json!({ "identity": room })).await["room"]["participants"] != 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_script_waits_at_the_door_until_somebody_lets_it_in() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({ "lobby": true })).await;
    let mut scripts = Vec::new();
    for name in ["bo", "cy"] {
        let (_, token) = account(&server, name).await;
        let mut script = Script::open(&server, &watch.room, "ada", &token).await;
        let told = script.hear().await;
        assert!(
            told["msg"].as_str().unwrap().contains("will let you in"),
            "{told}"
        );
        let waiting = watch.client.event("lobby.waiting").await;
        assert_eq!(waiting["participant"]["display_name"], name);
        scripts.push((script, waiting["participant"]["id"].clone()));
    }
    let [(mut bo, bo_id), (cy, cy_id)] = <[_; 2]>::try_from(scripts).ok().unwrap();
    // What it sends meanwhile goes nowhere.
    bo.say("offer_sdp", json!("too early")).await;
    let told = bo.hear().await;
    assert!(
        told["msg"].as_str().unwrap().contains("will let you in"),
        "{told}"
    );

    let ada = &mut watch.client;
    ada.ok("lobby.admit", json!({ "participants": [bo_id] }))
        .await;
    let joined = ada.event("participant.joined").await;
    assert_eq!(joined["participant"]["id"], bo_id);
    ada.ok("signal.offer", json!({ "to": bo_id, "sdp": "v=0" }))
        .await;
    assert_eq!(bo.hear().await["value"]["sdp"], "v=0");
    bo.say("answer_sdp", json!("v=0 mine")).await;
    assert_eq!(ada.event("signal.answer").await["sdp"], "v=0 mine");

    ada.ok("lobby.deny", json!({ "participants": [cy_id] }))
        .await;
    let (code, told, closed) = cy.turned_away().await;
    assert_eq!((code, closed), (-1, 4403), "{told}");
    let (_, dee) = account(&server, "dee").await;
    let mut dee = Script::open(&server, &watch.room, "x", &dee).await;
    dee.hear().await;
    let waiting = watch.client.event("lobby.waiting").await["participant"]["id"].take();
    drop(dee);
    for (who, reason) in [(bo_id, "admitted"), (cy_id, "denied"), (waiting, "left")] {
        let left = watch.client.event("lobby.left").await;
        assert_eq!(left, json!({ "participant": who, "reason": reason }));
    }
    let (_, eve) = account(&server, "eve").await;
    let mut eve = Script::open(&server, &watch.room, "x", &eve).await;
    eve.hear().await;
    watch.client.ok("room.end", json!({})).await;
    let (_, told, closed) = eve.turned_away().await;
    assert_eq!((told.as_str(), closed), ("This meeting has ended.", 4404));
}

#[tokio::test]
async fn a_frame_stays_in_its_room_whatever_it_says() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, bo_is) = watch.script(&server, "bo").await;
    let mut cy = server.account("cy").await;
    let elsewhere = cy.create(json!({ "name": "Elsewhere" })).await;
    cy.join(&elsewhere).await;
    let ada_id = &watch.client.login["user"]["id"];
    let frame = json!({
        "user_identity": ada_id, "room_identity": elsewhere, "key": "offer_sdp", "value": SDP,
    });
    bo.send(frame.to_string()).await;
    let offered = watch.client.event("signal.offer").await;
    assert_eq!(offered["from"], bo_is["id"]);
    assert_eq!(cy.events().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_script_that_goes_or_breaks_off_is_gone_at_once() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    for (name, closes) in [("bo", true), ("cy", false)] {
        let (mut script, is) = watch.script(&server, name).await;
        if closes {
            let code = CloseCode::Normal;
            let reason = "done".into();
            let frame = Some(CloseFrame { code, reason });
            soon(script.socket.close(frame)).await.unwrap();
            assert_eq!(script.closed().await, 1000, "the close is answered");
        } else {
            drop(script);
        }
        let left = watch.client.event("participant.left").await;
        assert_eq!(left["participant"], is["id"], "{name}");
    }
    // The dead hold nothing up.
    let (mut dee, _) = watch.script(&server, "dee").await;
    dee.say("offer_sdp", json!(SDP)).await;
    assert_eq!(watch.client.event("signal.offer").await["sdp"], SDP);
    watch.client.close().await;
}

#[tokio::test]
async fn a_script_that_answers_no_ping_is_let_go() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    // It is there, and reads nothing.
    let (dead, is) = watch.script(&server, "bo").await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    // Ada's own client answers the pings while it waits here.
    let left = tokio::time::timeout(std::time::Duration::from_secs(100), async {
        loop {
            let frame = watch.client.socket.next().await.unwrap().unwrap();
            if let Message::Text(text) = frame {
                break serde_json::from_str::<Value>(&text).unwrap();
            }
        }
    });
    let left = left.await.unwrap();
    assert_eq!(left["type"], "participant.left");
    assert_eq!(left["data"]["participant"], is["id"]);
    // Two pings, and the time for a third.
    assert!((44..=46).contains(&before.elapsed().as_secs()));
    drop(dead);
}

#[tokio::test]
async fn a_script_that_reads_nothing_is_let_go_and_the_others_go_on() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (deaf, is) = watch.script(&server, "bo").await;
    let (mut cy, _) = watch.script(&server, "cy").await;
    // Far more than the sockets' buffers, the pipe and the outbox hold together.
    let sdp = "x".repeat(200_000);
    for _ in 0..400 {
        let offer = json!({ "to": is["id"], "sdp": sdp });
        if watch.client.ask("signal.offer", offer).await["type"] == "error" {
            break;
        }
    }
    tokio::time::pause();
    let left = watch.client.event("participant.left").await;
    tokio::time::resume();
    assert_eq!(left["participant"], is["id"]);
    cy.say("offer_sdp", json!("on we go")).await;
    assert_eq!(watch.client.event("signal.offer").await["sdp"], "on we go");
    drop(deaf);
}

#[tokio::test]
async fn a_second_log_in_replaces_the_first() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut first, is) = watch.script(&server, "bo").await;
    let token = login(&server, "bo", PASSWORD).await;
    let mut second = Script::open(&server, &watch.room, "another-name", &token).await;
    assert_eq!(first.closed().await, 4409);
    let left = watch.client.event("participant.left").await;
    assert_eq!(
        left,
        json!({ "participant": is["id"], "reason": "replaced" })
    );
    let joined = watch.client.event("participant.joined").await;
    second.say("offer_sdp", json!(SDP)).await;
    let offered = watch.client.event("signal.offer").await;
    assert_eq!(offered["from"], joined["participant"]["id"]);
}

#[tokio::test]
async fn a_room_that_ends_or_a_log_out_closes_the_socket() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    let mut session = server.connect().await;
    let (_, token) = account(&server, "cy").await;
    let mut cy = Script::open(&server, &watch.room, "cy", &token).await;
    watch.client.event("participant.joined").await;
    session.ok("auth.token", json!({ "token": token })).await;
    session.ok("auth.logout", json!({})).await;
    assert_eq!(cy.closed().await, 4401);
    watch.client.ok("room.end", json!({})).await;
    assert_eq!(bo.closed().await, 4404);
}

#[tokio::test]
async fn a_bad_frame_is_told_and_the_socket_stays_until_there_are_too_many() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    let bad: [(Message, &str); 5] = [
        ("not json".into(), "not a JSON object"),
        (
            "{\"key\":\"sdp\",\"value\":\"x\"}".into(),
            "unknown variant `sdp`",
        ),
        (
            "{\"key\":\"offer_sdp\",\"value\":7}".into(),
            "must be a session description",
        ),
        (
            json!({ "type": "room.end", "id": 99 }).to_string().into(),
            "key: is missing",
        ),
        (Message::binary(vec![1]), "Frames are text"),
    ];
    for (frame, sentence) in bad {
        bo.send(frame).await;
        let told = bo.hear().await;
        assert_eq!(told["code"], -1, "{told}");
        assert!(told["msg"].as_str().unwrap().contains(sentence), "{told}");
    }
    bo.say("offer_sdp", json!(SDP)).await;
    assert_eq!(watch.client.event("signal.offer").await["sdp"], SDP);
    for _ in 5..10 {
        bo.send("{}").await;
        assert_eq!(bo.hear().await["code"], -1);
    }
    bo.send("{}").await;
    assert_eq!(bo.closed().await, 4400);
}

#[tokio::test]
async fn size_and_speed_have_the_limits_of_the_web_socket() {
    let server = Server::with(&[(Key::LegacyApi, "on")]).await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    for _ in 0..200 {
        bo.say("offer_candidate", json!("candidate:1")).await;
    }
    let refused = bo.hear().await;
    assert_eq!(refused["code"], -1, "{refused}");
    assert!(
        refused["data"]["retry_after_ms"].as_u64() > Some(0),
        "{refused}"
    );
    let (mut cy, _) = watch.script(&server, "cy").await;
    cy.say("offer_sdp", json!("x".repeat(256 * 1024))).await;
    let told = cy.hear().await;
    assert!(told["msg"].as_str().unwrap().contains("larger"), "{told}");
    assert_eq!(cy.closed().await, 1009);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    let (running, _data) = server.stop();
    assert_eq!(bo.closed().await, 1001);
    drop((bo, watch));
    soon(running).await.unwrap();
}
