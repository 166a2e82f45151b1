//! Free names and numbers.

use entity::{room_basic, user_basic};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _,
};

use crate::protocol::text::Username;
use crate::store::StoreError;
use crate::store::rooms::random_number;
use crate::store::users::folded;

/// How many characters of a name are kept when something is appended.
const STEM_CHARS: usize = 48;

/// The id of the person, if it is valid and free as a user name. Otherwise a name made from it.
pub(super) async fn free_username(
    connection: &impl ConnectionTrait,
    id: &str,
) -> Result<Username, StoreError> {
    use user_basic::{Column, Entity};
    let plain = Username::adopted(id);
    let stem: String = plain.as_str().chars().take(STEM_CHARS).collect();
    for number in 0u32.. {
        let candidate = match number {
            0 => plain.clone(),
            1 => Username::adopted(&format!("{stem}-imweb")),
            _ => Username::adopted(&format!("{stem}-imweb-{number}")),
        };
        // Both columns are unique. In tables that were taken over, the database compares the second by its own rules.
        let taken = Column::UsernameKey
            .eq(folded(candidate.as_str()))
            .or(Column::Username.eq(candidate.as_str()));
        if Entity::find().filter(taken).count(connection).await? == 0 {
            return Ok(candidate);
        }
    }
    unreachable!("there are fewer accounts than numbers")
}

/// A number that no room has.
pub(super) async fn free_number(connection: &impl ConnectionTrait) -> Result<String, StoreError> {
    use room_basic::{Column, Entity};
    loop {
        let number = random_number();
        let taken = Entity::find().filter(Column::Number.eq(number.as_str()));
        if taken.count(connection).await? == 0 {
            return Ok(number);
        }
    }
}
