//! Points in time as they travel: RFC 3339, UTC, to the millisecond.

use chrono::{DateTime, Datelike as _, SecondsFormat, SubsecRound as _, Timelike as _, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;

#[cfg(test)]
thread_local! {
    /// What a simulation sets in place of the clock on the wall, for its own thread.
    pub(crate) static VIRTUAL: std::cell::Cell<Option<fn() -> Timestamp>> = const { std::cell::Cell::new(None) };
}

/// A point in time, cut to the millisecond. The core is given it; only the shells read a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, TS)]
#[schemars(transparent)]
#[ts(type = "string")]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The time of the clock on the wall.
    pub fn now() -> Self {
        #[cfg(test)]
        if let Some(clock) = VIRTUAL.get() {
            return clock();
        }
        Self::from(Utc::now())
    }

    /// The time as the database takes it.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// The time `millis` milliseconds after 1970-01-01T00:00:00Z, if the calendar reaches that far.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(millis).map(Self)
    }

    /// This time moved by `millis` milliseconds; stays where it is past the calendar's ends.
    pub fn plus_millis(self, millis: i64) -> Self {
        chrono::TimeDelta::try_milliseconds(millis)
            .and_then(|delta| self.0.checked_add_signed(delta))
            .map_or(self, Self)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.trunc_subsecs(3))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// Takes any RFC 3339 offset; a number (seconds or milliseconds?) is refused with a sentence, and so is what no
    /// database keeps: a leap second, and a year that in UTC is not one of 0 to 9999.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl serde::de::Visitor<'_> for Rfc3339 {
            type Value = Timestamp;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an RFC 3339 time such as \"2026-01-31T09:30:00Z\"")
            }
            fn visit_str<E: serde::de::Error>(self, raw: &str) -> Result<Timestamp, E> {
                let invalid = || E::invalid_value(serde::de::Unexpected::Str(raw), &self);
                let at = DateTime::parse_from_rfc3339(raw).map_err(|_| invalid())?;
                let at = at.with_timezone(&Utc);
                // Within a leap second the fraction goes beyond one.
                let is_kept = (0..=9999).contains(&at.year()) && at.nanosecond() < 1_000_000_000;
                is_kept.then(|| Timestamp::from(at)).ok_or_else(invalid)
            }
        }
        deserializer.deserialize_str(Rfc3339)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_travel_in_utc_to_the_millisecond() {
        let at: Timestamp = serde_json::from_str("\"2026-01-31T09:30:00.123456+08:00\"").unwrap();
        assert_eq!(
            serde_json::to_string(&at).unwrap(),
            "\"2026-01-31T01:30:00.123Z\""
        );
    }

    #[test]
    fn numbers_and_half_times_are_refused() {
        for raw in [
            "1700000000",
            "\"2026-01-31\"",
            "\"tomorrow\"",
            "\"2026-13-31T00:00:00Z\"",
            "\"2030-01-01T12:34:60Z\"",
            "\"9999-12-31T23:59:59-05:00\"",
            "\"0000-01-01T00:00:00+23:59\"",
        ] {
            assert!(serde_json::from_str::<Timestamp>(raw).is_err(), "{raw}");
        }
    }
}
