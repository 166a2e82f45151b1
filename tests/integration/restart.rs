//! The real binary, killed and told to end in the middle of a meeting, and started again on the same data.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::databases::{Server, database_on};
use super::support::{Client, Lost, names};

const PASSWORD: &str = "correct horse 7";

/// How long a server may take to end that was told to.
const END: Duration = Duration::from_secs(5);

async fn account(server: &Server, name: &str) -> Client {
    let mut client = Client::connect(server.address()).await;
    let request = json!({ "username": name, "password": PASSWORD });
    client.login = client.ok("auth.register", request).await;
    client
}

async fn guest(server: &Server, name: &str) -> Client {
    let mut client = Client::connect(server.address()).await;
    let request = json!({ "display_name": name });
    client.login = client.ok("auth.guest", request).await;
    client
}

async fn back(server: &Server, lost: &Lost) -> (Client, Value) {
    let mut client = Client::connect(server.address()).await;
    let answer = client.resume(lost, Some(lost.last_seq)).await;
    (client, answer)
}

/// The same log-in on a new socket, of which nothing else is known.
async fn anew(server: &Server, token: &Value) -> Client {
    let mut client = Client::connect(server.address()).await;
    client.login = client.ok("auth.token", json!({ "token": token })).await;
    client
}

fn named<'a>(people: &'a Value, name: &str) -> &'a Value {
    let mut people = people.as_array().unwrap().iter();
    let found = people.find(|person| person["user"]["display_name"] == name);
    found.unwrap_or(&Value::Null)
}

/// A meeting that is governed in every way, and its people.
struct Meeting {
    room: String,
    ada: Client,
    bo: Client,
    cy: Client,
    /// Banned for this meeting.
    eve: Client,
    /// Waits at the door.
    gus: Client,
    /// Was sent away from it.
    gil: Client,
    timer: Value,
}

async fn meeting(server: &Server) -> Meeting {
    let mut ada = account(server, "ada").await;
    let room = ada
        .create(json!({ "name": "Hall", "waiting": "guests" }))
        .await;
    ada.join(&room).await;
    let [mut bo, mut cy, mut eve] = [
        account(server, "bo").await,
        account(server, "cy").await,
        account(server, "eve").await,
    ];
    for one in [&mut bo, &mut cy, &mut eve] {
        one.join(&room).await;
    }
    let join = json!({ "identity": room });
    let [mut gil, mut gus] = [guest(server, "Gil").await, guest(server, "Gus").await];
    for one in [&mut gil, &mut gus] {
        assert_eq!(one.refused("room.join", join.clone()).await, "room.waiting");
    }
    let waiting = ada.event("lobby.waiting").await;
    assert_eq!(waiting["participant"]["display_name"], "Gil");
    let deny = json!({ "participants": [waiting["participant"]["id"]] });
    ada.ok("lobby.deny", deny).await;
    let bo_is = bo.membership();
    cy.ok("participant.update", json!({ "hand": true })).await;
    let timer = ada.ok("timer.set", json!({ "duration_ms": 3_600_000 }));
    let timer = timer.await["timer"].clone();
    for (kind, data) in [
        (
            "participant.set_role",
            json!({ "participant": bo_is, "role": "cohost" }),
        ),
        (
            "participant.remove",
            json!({ "participant": eve.membership(), "ban": "meeting" }),
        ),
        ("spotlight.set", json!({ "participants": [bo_is] })),
        (
            "participant.rename",
            json!({ "participant": cy.membership(), "display_name": "Cyril" }),
        ),
        (
            "room.edit",
            json!({ "identity": room, "locked": true, "permissions": { "unmute": false } }),
        ),
    ] {
        ada.ok(kind, data).await;
    }
    Meeting {
        room,
        ada,
        bo,
        cy,
        eve,
        gus,
        gil,
        timer,
    }
}

/// Whether a view of the room shows all that was governed.
fn is_as_it_was(view: &Value, timer: &Value) {
    let bo = named(&view["participants"], "bo");
    assert_eq!(bo["role"], "cohost", "{view}");
    assert_eq!(view["spotlight"], json!([bo["id"]]));
    assert_eq!(view["timer"], *timer);
    assert_eq!(view["room"]["locked"], true);
    assert_eq!(view["room"]["permissions"]["unmute"], false);
    let cy = named(&view["participants"], "cy");
    assert!(cy["hand_raised_at"].is_string(), "{cy}");
    assert_eq!(cy["display_name"], "Cyril");
    assert_eq!(names(&view["lobby"]), ["Gus"]);
}

async fn what_was_answered_about_a_meeting_survives(url: &str) {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), url);
    let Meeting {
        room,
        ada,
        bo,
        cy,
        eve,
        gus,
        gil,
        timer,
    } = meeting(&server).await;
    server.kill();
    let [ada, bo, gus] = [ada.lose(), bo.lose(), gus.lose()];
    let tokens = [&cy, &eve, &gil].map(|one| one.login["token"].clone());

    let mut server = Server::start(data.path(), url);
    let (ada, answer) = back(&server, &ada).await;
    let view = &answer["view"];
    is_as_it_was(view, &timer);
    assert_eq!(view["self"]["role"], "host");
    assert_eq!(view["self"]["connection"], "online");
    for name in ["bo", "cy"] {
        let one = named(&view["participants"], name);
        assert_eq!(one["connection"], "reconnecting", "{view}");
    }
    // Killed again before anybody else is back.
    server.kill();
    let ada = ada.lose();

    let server = Server::start(data.path(), url);
    let (mut ada, answer) = back(&server, &ada).await;
    is_as_it_was(&answer["view"], &timer);
    assert_eq!(answer["replayed"], 0);
    let (mut bo, answer) = back(&server, &bo).await;
    is_as_it_was(&answer["view"], &timer);
    assert_eq!(answer["view"]["self"]["id"], bo.membership());
    bo.event("media.failed").await;
    let told = ada.event("participant.updated").await;
    assert_eq!(told["participant"]["connection"], "online");
    let (_gus, answer) = back(&server, &gus).await;
    assert_eq!(answer["view"], json!({ "waiting": room }));
    who_comes_anew_takes_their_place(&server, &mut ada, &room, &tokens).await;

    let page = ada.ok("room.attendance", json!({ "identity": room })).await;
    let memberships = page["attendance"].as_array().unwrap();
    let of = |name: &str| {
        let of_one = memberships.iter();
        let of_one = of_one.filter(|one| one["display_name"] == name);
        of_one.map(|one| one["left_at"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("ada"), [Value::Null], "{page}");
    assert_eq!(of("bo"), [Value::Null], "{page}");
}

/// Those who know nothing but their log-in.
async fn who_comes_anew_takes_their_place(
    server: &Server,
    ada: &mut Client,
    room: &str,
    [cy, eve, gil]: &[Value; 3],
) {
    let join = json!({ "identity": room });
    let mut eve = anew(server, eve).await;
    assert_eq!(eve.refused("room.join", join.clone()).await, "room.banned");
    let mut gil = anew(server, gil).await;
    assert_eq!(gil.refused("room.join", join).await, "room.denied");
    // The room is locked, and Cy is in.
    let mut cy = anew(server, cy).await;
    let joined = cy.join(room).await;
    let people = joined["participants"].as_array().unwrap();
    let mine = people.iter().filter(|one| one["user"]["username"] == "cy");
    assert_eq!(mine.count(), 1, "{joined}");
    let left = ada.event("participant.left").await;
    assert_eq!(left["reason"], "replaced");
}

#[tokio::test]
async fn killed_on_sqlite_a_meeting_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("meeting.sqlite");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    what_was_answered_about_a_meeting_survives(&url).await;
}

#[tokio::test]
async fn killed_on_mysql_a_meeting_goes_on() {
    let url = database_on("MEETING_TEST_MYSQL", "").await;
    what_was_answered_about_a_meeting_survives(&url).await;
}

#[tokio::test]
async fn killed_on_postgres_a_meeting_goes_on() {
    let url = database_on("MEETING_TEST_POSTGRES", "postgres").await;
    what_was_answered_about_a_meeting_survives(&url).await;
}

fn sqlite(data: &Path) -> String {
    format!(
        "sqlite://{}?mode=rwc",
        data.join("meeting.sqlite").display()
    )
}

#[tokio::test]
async fn told_to_end_it_saves_the_meeting_and_says_so() {
    let data = tempfile::tempdir().unwrap();
    let url = sqlite(data.path());
    let mut server = Server::start(data.path(), &url);
    let mut people = meeting(&server).await;
    let began = Instant::now();
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    people.bo.event("server.draining").await;
    for one in [&mut people.ada, &mut people.bo, &mut people.gus] {
        assert_eq!(one.closed().await, 1001);
    }
    assert_eq!(stopping.await.unwrap(), Some(0));
    assert!(began.elapsed() < END, "{:?}", began.elapsed());

    let server = Server::start(data.path(), &url);
    let (mut ada, answer) = back(&server, &people.ada.lose()).await;
    is_as_it_was(&answer["view"], &people.timer);
    let page = json!({ "identity": people.room });
    let page = ada.ok("room.attendance", page).await;
    let memberships = page["attendance"].as_array().unwrap().iter();
    let mine: Vec<_> = memberships
        .filter(|one| one["display_name"] == "ada")
        .collect();
    assert!(mine.len() == 1 && mine[0]["left_at"].is_null(), "{page}");
}

#[tokio::test]
async fn what_was_given_up_before_is_not_taken_up() {
    let data = tempfile::tempdir().unwrap();
    let url = sqlite(data.path());
    let mut server = Server::start(data.path(), &url);
    let mut people = meeting(&server).await;
    // It logs out, and nobody takes the session up that was its.
    let bo = people.bo.login["token"].clone();
    people.bo.ok("auth.logout", json!({})).await;
    people.cy.ok("room.leave", json!({})).await;
    people
        .ada
        .ok("timer.set", json!({ "duration_ms": null }))
        .await;
    server.kill();
    let [ada, bo_is, cy] = [people.ada.lose(), people.bo.lose(), people.cy.lose()];

    let mut server = Server::start(data.path(), &url);
    for gone in [&bo_is, &cy] {
        let mut client = Client::connect(server.address()).await;
        let resume = json!({
            "session": gone.session,
            "resume_token": gone.token,
            "last_seq": gone.last_seq,
        });
        assert_eq!(
            client.refused("session.resume", resume).await,
            "session.gone"
        );
    }
    let mut client = Client::connect(server.address()).await;
    let token = client.refused("auth.token", json!({ "token": bo })).await;
    assert_eq!(token, "auth.token_invalid");
    let (mut ada, answer) = back(&server, &ada).await;
    assert_eq!(answer["view"]["timer"], Value::Null);
    assert!(named(&answer["view"]["participants"], "bo").is_null());
    assert!(named(&answer["view"]["participants"], "cy").is_null());
    // A meeting that is over does not come back.
    ada.ok("room.end", json!({})).await;
    server.kill();
    let server = Server::start(data.path(), &url);
    let mut eve = anew(&server, &people.eve.login["token"]).await;
    let join = json!({ "identity": people.room });
    assert_eq!(eve.refused("room.join", join).await, "room.ended");
}
