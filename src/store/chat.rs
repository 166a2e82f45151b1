//! What was written in rooms.

use entity::chat_message::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};

use super::error::taken;
use super::retention::forget_messages;
use super::row::{column, name, named, parsed, stamp};
use super::{Conflict, RoomKey, Store, StoreError};
use crate::budgets::store;
use crate::protocol::ids::{MessageId, ParticipantId, UserId};
use crate::protocol::object::UserKind;
use crate::protocol::text::{ChatText, DisplayName, Username};
use crate::protocol::time::Timestamp;

/// So much text is looked through before other tasks have their turn: in the worst of scripts it takes two milliseconds.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// The author of a message, as they were then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAuthor {
    /// Their id.
    pub id: UserId,
    /// Account or guest.
    pub kind: UserKind,
    /// None for guests.
    pub username: Option<Username>,
    /// The name of the account or guest.
    pub display_name: DisplayName,
}

/// The receiver of a private message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Their membership.
    pub participant: ParticipantId,
    /// The receiver as a user. They may read it in a later membership too.
    pub user: UserId,
}

/// A message.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its id.
    pub id: MessageId,
    /// The author's membership.
    pub participant: ParticipantId,
    /// The author.
    pub author: ChatAuthor,
    /// Their display name in that meeting.
    pub display_name: DisplayName,
    /// None if it is for everybody.
    pub to: Option<Recipient>,
    /// The text.
    pub text: ChatText,
    /// The name that the sending client gave it, at most 64 bytes.
    pub client_id: Option<String>,
    /// When the server took it.
    pub sent_at: Timestamp,
}

impl std::fmt::Debug for StoredMessage {
    /// Leaves the text out: chat must not get into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredMessage")
            .field("id", &self.id)
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

/// Whether a message is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is, and is kept.
    New,
    /// The author has sent it before. This is the stored message.
    Known(Box<StoredMessage>),
}

impl StoredMessage {
    /// Checks that the same message is sent again. An author who came back has another membership and is the same
    /// person.
    ///
    /// # Errors
    /// [`Conflict::ClientId`] when it is something else.
    pub fn check_is_again(&self, text: &ChatText, to: Option<&UserId>) -> Result<(), StoreError> {
        let is_same = self.text == *text && self.to.as_ref().map(|to| &to.user) == to;
        is_same
            .then_some(())
            .ok_or(StoreError::Conflict(Conflict::ClientId))
    }
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPage {
    /// Oldest first.
    pub messages: Vec<StoredMessage>,
    /// Whether there are older ones.
    pub more: bool,
}

impl Store {
    /// Stores a message. This is called before anybody sees it, so that a crash loses nothing that was read. A message
    /// that its author has already sent under the same client id is not stored again, even if both arrive at once. The
    /// oldest are deleted when a room has more than [`store::MESSAGES`].
    ///
    /// # Errors
    /// [`Conflict::ClientId`] when the author has sent something else under this client id; [`Conflict::Identity`] when
    /// there is a message of this id.
    pub async fn insert_message(
        &self,
        room: RoomKey,
        message: &StoredMessage,
    ) -> Result<Kept, StoreError> {
        let row = new_row(room, message)?;
        let is_due = self.turns.is_due();
        let write = self.db.write(async |writing| {
            let inserted = row.insert(writing).await;
            inserted.map_err(taken(Conflict::Identity))?;
            if is_due {
                forget_messages(writing, room, store::MESSAGES.most).await?;
            }
            Ok(())
        });
        match write.await {
            Ok(()) => Ok(Kept::New),
            Err(StoreError::Conflict(conflict)) => {
                let known = match &message.client_id {
                    Some(id) => self.find_sent(room, &message.author.id, id).await?,
                    None => None,
                };
                let known = known.ok_or(StoreError::Conflict(conflict))?;
                known.check_is_again(&message.text, message.to.as_ref().map(|to| &to.user))?;
                Ok(Kept::Known(Box::new(known)))
            }
            Err(error) => Err(error),
        }
    }

    /// Finds the message that a person has sent to a room under this client id, even if it was deleted since.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_sent(
        &self,
        room: RoomKey,
        author: &UserId,
        client_id: &str,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let sent = Entity::find()
            .filter(Column::Rid.eq(room.0))
            .filter(Column::UserIdentity.eq(author.as_str()))
            .filter(Column::ClientId.eq(client_id));
        let row = sent.one(&self.db).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Removes a message that nobody saw, because the room refused it.
    ///
    /// # Errors
    /// When the database cannot be written: then it is found among the older ones.
    pub async fn withdraw_message(
        &self,
        room: RoomKey,
        message: &MessageId,
    ) -> Result<(), StoreError> {
        let write = self.db.write(async |writing| {
            Entity::delete_many()
                .filter(Column::Rid.eq(room.0))
                .filter(Column::Identity.eq(message.as_str()))
                .exec(writing)
                .await?;
            Ok(())
        });
        write.await
    }

    /// Finds a message of a room, unless it was deleted.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_message(
        &self,
        room: RoomKey,
        message: &MessageId,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let found = Entity::find()
            .filter(standing(room))
            .filter(Column::Identity.eq(message.as_str()));
        let row = found.one(&self.db).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Deletes a message. Doing so again changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_message(
        &self,
        room: RoomKey,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let write = self.db.write(async |writing| {
            Entity::update_many()
                .col_expr(Column::DeletedAt, SimpleExpr::from(column(now)))
                .filter(standing(room).and(Column::Identity.eq(message.as_str())))
                .exec(writing)
                .await?;
            Ok(())
        });
        write.await
    }

    /// The last `limit` messages of a room that `viewer` may read, or those before the message `before`, and none older
    /// than `since`. Only its author and its receiver may read a private message. An unknown `before` has nothing
    /// before it.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_messages(
        &self,
        room: RoomKey,
        viewer: &UserId,
        before: Option<&MessageId>,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<StoredPage, StoreError> {
        let mut visible = visible_to(room, viewer);
        if let Some(since) = since {
            visible = visible.filter(Column::SentAt.gte(column(since)));
        }
        if let Some(before) = before {
            let before = visible
                .clone()
                .filter(Column::Identity.eq(before.as_str()))
                .one(&self.db)
                .await?;
            let Some(before) = before else {
                return Ok(StoredPage {
                    messages: Vec::new(),
                    more: false,
                });
            };
            visible = visible.filter(Column::Id.lt(before.id));
        }
        // A deleted message is still a valid `before`.
        self.newest_messages(visible.filter(standing(room)), limit)
            .await
    }

    /// The last `limit` messages of a room with the private ones, for the room itself. The room shows each person only
    /// what they may read.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn recent_messages(
        &self,
        room: RoomKey,
        limit: u32,
    ) -> Result<StoredPage, StoreError> {
        self.newest_messages(Entity::find().filter(standing(room)), limit)
            .await
    }

    async fn newest_messages(
        &self,
        of: Select<Entity>,
        limit: u32,
    ) -> Result<StoredPage, StoreError> {
        let one_more = u64::from(limit) + 1;
        let mut rows = of
            .order_by_desc(Column::Id)
            .limit(one_more)
            .all(&self.db)
            .await?;
        let more = rows.len() as u64 == one_more;
        if more {
            rows.pop();
        }
        let mut messages = Vec::with_capacity(rows.len());
        let mut bytes = 0;
        for row in rows.into_iter().rev() {
            bytes += row.text.len();
            if bytes > BYTES_AT_ONCE {
                bytes = 0;
                tokio::task::yield_now().await;
            }
            messages.push(row.try_into()?);
        }
        Ok(StoredPage { messages, more })
    }
}

/// A message as it is first written.
fn new_row(room: RoomKey, message: &StoredMessage) -> Result<ActiveModel, StoreError> {
    let owned = |text: &str| text.to_owned();
    Ok(ActiveModel {
        identity: Set(owned(message.id.as_str())),
        rid: Set(room.0),
        participant: Set(owned(message.participant.as_str())),
        user_identity: Set(owned(message.author.id.as_str())),
        user_kind: Set(name(&message.author.kind)?),
        username: Set(message
            .author
            .username
            .as_ref()
            .map(|name| owned(name.as_str()))),
        user_display_name: Set(owned(message.author.display_name.as_str())),
        display_name: Set(owned(message.display_name.as_str())),
        to_participant: Set(message.to.as_ref().map(|to| owned(to.participant.as_str()))),
        to_user_identity: Set(message.to.as_ref().map(|to| owned(to.user.as_str()))),
        text: Set(owned(message.text.as_str())),
        client_id: Set(message.client_id.clone()),
        sent_at: Set(column(message.sent_at)),
        ..Default::default()
    })
}

/// The condition under which a message is in the room and not deleted.
fn standing(room: RoomKey) -> SimpleExpr {
    Column::Rid.eq(room.0).and(Column::DeletedAt.is_null())
}

fn visible_to(room: RoomKey, viewer: &UserId) -> Select<Entity> {
    let public = Column::ToParticipant.is_null();
    let sent = Column::UserIdentity.eq(viewer.as_str());
    let received = Column::ToUserIdentity.eq(viewer.as_str());
    Entity::find()
        .filter(Column::Rid.eq(room.0))
        .filter(public.or(sent).or(received))
}

impl TryFrom<Model> for StoredMessage {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self, StoreError> {
        let to = row
            .to_participant
            .zip(row.to_user_identity)
            .map(|(participant, user)| {
                Ok::<_, StoreError>(Recipient {
                    participant: parsed(participant, "recipient")?,
                    user: parsed(user, "recipient")?,
                })
            });
        Ok(Self {
            id: parsed(row.identity, "message identity")?,
            participant: parsed(row.participant, "participant")?,
            author: ChatAuthor {
                id: parsed(row.user_identity, "user identity")?,
                kind: named(&row.user_kind, "user kind")?,
                username: row
                    .username
                    .map(|name| parsed(name, "user name"))
                    .transpose()?,
                display_name: parsed(row.user_display_name, "display name")?,
            },
            display_name: parsed(row.display_name, "display name")?,
            to: to.transpose()?,
            text: parsed(row.text, "chat text")?,
            client_id: row.client_id,
            sent_at: stamp(row.sent_at),
        })
    }
}
