//! The number of a row.

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value};

/// A row's number: signed in the tables that this server makes, unsigned in those that it takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub i64);

impl From<RowId> for Value {
    fn from(id: RowId) -> Self {
        id.0.into()
    }
}

impl TryGetable for RowId {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        let signed = i64::try_get_by(row, column);
        if signed.is_ok() || row.try_as_mysql_row().is_none() {
            return signed.map(Self);
        }
        let unsigned = u64::try_get_by(row, column)?;
        Ok(Self::try_from_u64(unsigned)?)
    }
}

impl TryFromU64 for RowId {
    fn try_from_u64(number: u64) -> Result<Self, DbErr> {
        i64::try_from_u64(number).map(Self)
    }
}

impl Nullable for RowId {
    fn null() -> Value {
        i64::null()
    }
}

impl ValueType for RowId {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <i64 as ValueType>::try_from(value).map(Self)
    }

    fn type_name() -> String {
        "RowId".to_owned()
    }

    fn array_type() -> ArrayType {
        i64::array_type()
    }

    fn column_type() -> ColumnType {
        i64::column_type()
    }
}
