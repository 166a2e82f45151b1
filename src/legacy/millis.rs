//! Unix milliseconds. Seconds are refused: read as milliseconds, they would put meetings into 1970.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::protocol::time::Timestamp;

/// 2001-09-09T01:46:40Z. Seconds reach this number only in the year 33658.
const EARLIEST: i64 = 1_000_000_000_000;

/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
const LATEST: i64 = 253_402_300_799_999;

/// A time from a client of the older program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixMillis(Timestamp);

impl From<UnixMillis> for Timestamp {
    fn from(time: UnixMillis) -> Self {
        time.0
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(Millis)
    }
}

struct Millis;

impl Visitor<'_> for Millis {
    type Value = UnixMillis;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a time in Unix milliseconds such as 1767225600000")
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<UnixMillis, E> {
        if millis < EARLIEST {
            return Err(E::custom(format_args!(
                "{millis} lies before September 2001: give milliseconds since 1970, not seconds"
            )));
        }
        let time = Timestamp::from_unix_millis(millis).filter(|_| millis <= LATEST);
        time.map(UnixMillis)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(millis), &self))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<UnixMillis, E> {
        let signed = i64::try_from(millis)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(millis), &self))?;
        self.visit_i64(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_taken_as_they_are() {
        let time: UnixMillis = serde_json::from_str("1767225600123").unwrap();
        let time = Timestamp::from(time).to_string();
        assert_eq!(time, "2026-01-01T00:00:00.123Z");
    }

    #[test]
    fn seconds_and_what_is_no_time_are_refused() {
        for (raw, reason) in [
            ("1724766216", "not seconds"),
            ("0", "not seconds"),
            ("-1", "not seconds"),
            ("253402300800000", "Unix milliseconds"),
            ("18446744073709551615", "Unix milliseconds"),
            ("1767225600000.5", "Unix milliseconds"),
            ("\"1767225600000\"", "Unix milliseconds"),
            ("\"2026-01-01T00:00:00Z\"", "Unix milliseconds"),
        ] {
            let error = serde_json::from_str::<UnixMillis>(raw).unwrap_err();
            assert!(error.to_string().contains(reason), "{raw}: {error}");
        }
    }
}
