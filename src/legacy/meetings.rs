//! The plain routes: logging in, and the meetings of a user. Fields that the older program does not know have the
//! defaults of `room.create` and `room.edit`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::asked::{Asked, answer};
use super::envelope::Envelope;
use super::millis::UnixMillis;
use crate::protocol::error::WireError;
use crate::protocol::object::Room;
use crate::protocol::patch::Patch;
use crate::protocol::request::{
    AuthLogin, RoomCreate, RoomDelete, RoomEdit, RoomList, decode_data,
};
use crate::protocol::text::RoomName;
use crate::protocol::time::Timestamp;

/// `POST /user/login`: `{username, password}` → `{token}`
pub async fn login(mut asked: Asked) -> Envelope {
    answer(async move {
        let login: AuthLogin = asked.json()?;
        let admitted = asked.visit.login(login).await?;
        Ok(Envelope::found(json!({ "token": admitted.token })))
    })
    .await
}

/// The query of a list. Absent fields have the defaults of `room.list`.
#[derive(Deserialize, Serialize)]
struct ListQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<String>,
    /// Both names of the field are in use.
    #[serde(skip_serializing)]
    name: Option<String>,
}

/// `GET /auth/meeting/list?page=&size=&keyword=`: one's own → `{list, count}`
pub async fn list(asked: Asked) -> Envelope {
    answer(async move {
        let asked = asked.known().await?;
        let mut query: ListQuery = asked.query()?;
        query.keyword = query.keyword.or(query.name.take());
        let list: RoomList = decode_data(&json!(query).to_string())?;
        let page = asked.visit.list(list).await?;
        let list: Vec<Value> = page.rooms.iter().map(listed).collect();
        Ok(Envelope::found(
            json!({ "list": list, "count": page.total }),
        ))
    })
    .await
}

fn listed(room: &Room) -> Value {
    json!({
        "identity": room.identity,
        "name": room.name,
        "begin_at": room.begin_at,
        "end_at": room.end_at,
    })
}

#[derive(Deserialize)]
struct CreateForm {
    name: RoomName,
    #[serde(default)]
    begin_at: Option<UnixMillis>,
    #[serde(default)]
    end_at: Option<UnixMillis>,
}

/// `POST /auth/meeting/create`: `{name, begin_at, end_at}` → `{identity}`
pub async fn create(asked: Asked) -> Envelope {
    answer(async move {
        let asked = asked.known().await?;
        let form: CreateForm = asked.json()?;
        let mut create: RoomCreate = decode_data(&json!({ "name": form.name }).to_string())?;
        create.begin_at = form.begin_at.map(Timestamp::from);
        create.end_at = form.end_at.map(Timestamp::from);
        let created = asked.visit.create(create).await?;
        let identity = created.room.identity;
        Ok(Envelope::made(json!({ "identity": identity })))
    })
    .await
}

/// An absent field stays unchanged. A time of `null` is removed.
#[derive(Deserialize)]
struct EditForm {
    identity: String,
    #[serde(default)]
    name: Option<RoomName>,
    #[serde(default)]
    begin_at: Patch<UnixMillis>,
    #[serde(default)]
    end_at: Patch<UnixMillis>,
}

impl EditForm {
    /// Whether it would change nothing.
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.begin_at == Patch::Keep && self.end_at == Patch::Keep
    }
}

/// `PUT /auth/meeting/edit`: `{identity, name, begin_at, end_at}`
pub async fn edit(asked: Asked) -> Envelope {
    answer(async move {
        let asked = asked.known().await?;
        let form: EditForm = asked.json()?;
        if form.is_empty() {
            return Err(WireError::bad_field(
                "name, begin_at or end_at",
                "is missing",
            ));
        }
        let mut edit: RoomEdit = decode_data(&json!({ "identity": form.identity }).to_string())?;
        edit.name = form.name;
        edit.begin_at = form.begin_at.map(Timestamp::from);
        edit.end_at = form.end_at.map(Timestamp::from);
        asked.visit.edit(edit).await?;
        Ok(Envelope::done())
    })
    .await
}

#[derive(Deserialize)]
struct DeleteQuery {
    #[serde(default)]
    identity: Option<String>,
}

/// `DELETE /auth/meeting/delete?identity=`; its users also sent `{identity}` as a body.
pub async fn delete(asked: Asked) -> Envelope {
    answer(async move {
        let asked = asked.known().await?;
        asked.visit.delete(to_delete(&asked)?).await?;
        Ok(Envelope::done())
    })
    .await
}

fn to_delete(asked: &Asked) -> Result<RoomDelete, WireError> {
    let query: DeleteQuery = asked.query()?;
    match query.identity {
        Some(identity) => Ok(RoomDelete { identity }),
        None if asked.has_body() => asked.json(),
        None => Err(WireError::bad_field("identity", "is missing")),
    }
}
