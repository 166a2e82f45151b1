//! How a search compares names: by a key beside the name of each room, so that the database searches. The key is made
//! here, because databases differ in what they know of letters and case.

use caseless::default_case_fold_str;
use entity::room_basic::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LikeExpr, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use unicode_normalization::UnicodeNormalization as _;

use super::db::Db;
use super::room_rows::shown_name;
use super::{AdoptionMode, StoreError};

/// How many rooms get their keys in one transaction.
const BATCH: u64 = 500;
/// Escapes a character in a pattern. A backslash would not do, because some servers interpret it.
const ESCAPE: char = '!';

/// The key of a name: the compatibility caseless match of Unicode (The Unicode Standard, chapter 3.13, D146). So
/// full-width letters, ligatures, `ß` and `ss`, `ς` and `σ` find each other. The dots of the Turkish and the Latin i
/// are also left out: `İ` would keep one that nobody types, and `I` stands for `ı` there.
pub(super) fn search_key(name: &str) -> String {
    // Case folding can undo the normalisation, and the other way round. Doing it twice is enough (D146).
    let once: String = default_case_fold_str(&name.nfd().collect::<String>())
        .nfkd()
        .collect();
    let twice: String = default_case_fold_str(&once).nfkd().collect();
    let mut key = String::with_capacity(twice.len());
    for letter in twice.chars() {
        match letter {
            'ı' => key.push('i'),
            '\u{307}' if key.ends_with('i') => {}
            letter => key.push(letter),
        }
    }
    key.nfc().collect()
}

/// The condition under which the name of a room contains `keyword`. No character is special.
pub(super) fn is_named(keyword: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for letter in search_key(keyword).chars() {
        if matches!(letter, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Column::NameKey.like(LikeExpr::new(pattern).escape(ESCAPE))
}

/// Makes the missing keys of rooms that are older than the column, or that another program has written.
pub(super) async fn adopt(db: &Db, mode: AdoptionMode) -> Result<(), StoreError> {
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let mut after = None;
    loop {
        let waiting: Vec<(entity::row_id::RowId, String, Option<String>)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name, Column::Number])
            .filter(super::rooms::exists().and(Column::NameKey.is_null()))
            .filter(Column::Id.gt(after.unwrap_or(i64::MIN)))
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .into_tuple()
            .all(db)
            .await?;
        let Some(last) = waiting.last().map(|(id, ..)| id.0) else {
            return Ok(());
        };
        after = Some(last);
        let write = db.write_many(async |writing| {
            for (id, name, number) in waiting {
                let shown = shown_name(&name, number.as_deref().unwrap_or_default())?;
                let row = ActiveModel {
                    name_key: Set(Some(search_key(shown.as_str()))),
                    ..Default::default()
                };
                Entity::update_many()
                    .set(row)
                    .filter(Column::Id.eq(id).and(Column::NameKey.is_null()))
                    .exec(writing)
                    .await?;
            }
            Ok(())
        });
        write.await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page searches by the same table (`tests/client/text.test.mjs`).
    #[test]
    fn what_people_type_finds_what_people_wrote() {
        #[derive(serde::Deserialize)]
        struct Table {
            same: Vec<(String, String)>,
            different: Vec<(String, String)>,
        }
        let table = include_str!("../../tests/fixtures/search.json");
        let table: Table = serde_json::from_str(table).unwrap();
        assert!(table.same.len() > 10 && !table.different.is_empty());
        for (typed, written) in &table.same {
            assert_eq!(search_key(typed), search_key(written), "{typed} {written}");
        }
        for (one, other) in &table.different {
            assert_ne!(search_key(one), search_key(other), "{one} {other}");
        }
    }

    #[test]
    fn a_key_is_its_own_key() {
        for name in [
            "Straße",
            "İstanbul",
            "ΣΊΣΥΦΟΣ",
            "ﷺ",
            "ŉ ǰ ΐ",
            "周会 🎉",
            "i\u{307}\u{301}",
        ] {
            let key = search_key(name);
            assert_eq!(search_key(&key), key, "{name}");
        }
    }
}
