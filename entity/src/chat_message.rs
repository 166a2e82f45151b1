//! What was written in rooms.

use sea_orm::entity::prelude::*;

/// One message, with its author as they were then.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chat_message")]
pub struct Model {
    /// Rises in the order of sending.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The id on the wire.
    #[sea_orm(unique)]
    pub identity: String,
    /// The room's row.
    pub rid: i64,
    /// The author's stay.
    pub participant: String,
    /// The author's id on the wire.
    pub user_identity: String,
    /// `account` or `guest`.
    pub user_kind: String,
    /// Null for guests.
    pub username: Option<String>,
    /// The account's or guest's own name.
    pub user_display_name: String,
    /// The name in that meeting.
    pub display_name: String,
    /// The stay that a private message is for.
    pub to_participant: Option<String>,
    /// The person behind that stay, who may read it in a later stay too.
    pub to_user_identity: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// The sending client's own name for it; unique among its author's in the room.
    pub client_id: Option<String>,
    pub sent_at: DateTime,
    /// When it was taken back.
    pub deleted_at: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
