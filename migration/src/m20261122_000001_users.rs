//! Accounts, and the tokens that were logged out.

use sea_orm_migration::prelude::*;

use crate::columns::{
    LIFE, create_or_extend, drop, index, moment, row, string, switch, text_null, unique,
};
use crate::older::{Grain, Holds, fit_text, fit_times, is_inherited};

/// What the older Meeting (Go) keeps of an account.
pub const USER: [(&str, Holds); 7] = [
    ("id", Holds::Number),
    ("created_at", Holds::Time),
    ("updated_at", Holds::Time),
    ("deleted_at", Holds::Time),
    ("username", Holds::Text),
    ("password", Holds::Text),
    ("sdp", Holds::Note),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut inherited = row(manager);
        inherited.extend([
            string(manager, "username", 100),
            string(manager, "password", 255),
            text_null(manager, "sdp"),
        ]);
        create_or_extend(manager, "user_basic", inherited, own_of_user(manager)).await?;
        if is_inherited(manager, "user_basic").await? {
            fit_times(manager, "user_basic", &LIFE, Grain::Any).await?;
            // MD5 in hex fits into 36 characters, a better hash does not.
            fit_text(manager, "user_basic", "password", 255).await?;
            fit_text(manager, "user_basic", "username", 100).await?;
        } else {
            unique(manager, "user_basic", "username").await?;
        }
        for column in ["username_key", "identity"] {
            unique(manager, "user_basic", column).await?;
        }
        index(manager, "user_basic", &["deleted_at"]).await?;

        manager.create_table(revoked_tokens(manager)).await?;
        index(manager, "revoked_token", &["expires_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "revoked_token").await?;
        drop(manager, "user_basic").await
    }
}

/// What this server keeps beside it.
pub fn own_of_user(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![
        string(manager, "identity", 64),
        // Lower case can be longer than the name: 'İ' becomes two characters.
        string(manager, "username_key", 191),
        string(manager, "display_name", 100).default("").take(),
        switch("password_legacy"),
        moment(manager, "tokens_valid_after"),
        moment(manager, "disabled_at"),
    ]
}

/// The tokens that were logged out.
pub fn revoked_tokens(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut tokens = Table::create();
    tokens
        .table("revoked_token")
        .if_not_exists()
        .col(string(manager, "jti", 64).primary_key())
        .col(moment(manager, "expires_at").not_null());
    tokens
}
