//! Rooms.

use sea_orm::entity::prelude::*;

use crate::row_id::RowId;

/// One room.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_basic")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: RowId,
    pub created_at: Option<DateTime>,
    pub updated_at: Option<DateTime>,
    pub deleted_at: Option<DateTime>,
    /// What links carry; random and never used again.
    #[sea_orm(unique)]
    pub identity: String,
    pub name: String,
    pub begin_at: Option<DateTime>,
    pub end_at: Option<DateTime>,
    /// The owner's row.
    pub create_id: RowId,
    /// Nine digits; null once deleted, so that the number is free again.
    #[sea_orm(unique)]
    pub number: Option<String>,
    /// A PHC string.
    pub password: Option<String>,
    pub locked: bool,
    /// Somebody waits: what older servers of the same database read.
    pub lobby: bool,
    /// `nobody`, `guests` or `everyone`: who waits until a host lets them in.
    pub waiting: String,
    /// Guests come in as well.
    pub guests: bool,
    /// Members come in muted.
    pub start_muted: bool,
    /// Members come in with their camera off.
    pub start_camera_off: bool,
    /// `sfu` or `p2p`.
    pub topology: String,
    pub max_participants: i32,
    /// A JSON object.
    #[sea_orm(column_type = "Text")]
    pub permissions: String,
    /// `all` or `joined`: what newcomers may read of the chat.
    pub history: String,
    /// The number is shown to nobody and finds nothing.
    pub hide_number: bool,
    /// How long before its beginning people may come in, in milliseconds.
    pub early_ms: i64,
    /// The meeting ends at `end_at`, even while people are in it.
    pub ends_on_time: bool,
    /// How the meeting comes again (RFC 5545 §3.3.10).
    pub recurrence: Option<String>,
    /// On whose clocks the recurrence is counted, as the IANA database names it; null is UTC.
    pub time_zone: Option<String>,
    /// False: once its meeting is over, it is over for good.
    pub permanent: bool,
    /// Rises with every edit.
    pub version: i64,
    /// When a host ended the meeting.
    pub ended_at: Option<DateTime>,
    /// `host` or `operator`; null in rows that are older than the column.
    pub ended_by: Option<String>,
    /// What is compared of the name by those who look for it; null until it is made.
    #[sea_orm(column_type = "Text", nullable)]
    pub name_key: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::user_basic::Entity",
        from = "Column::CreateId",
        to = "super::user_basic::Column::Id"
    )]
    Owner,
}

impl Related<super::user_basic::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Owner.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
