//! Time zones: what the clocks on the wall of a place show.

use chrono::{DateTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;

/// A time zone by its name in the IANA time zone database (RFC 6557), as this server was built with it; UTC by default.
///
/// Changes of clocks are known until the year 2099; after it the last offset stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, JsonSchema, TS)]
#[schemars(transparent)]
#[ts(type = "string")]
pub struct TimeZone(#[schemars(with = "String")] Tz);

impl TimeZone {
    /// Universal time: no clock is ever changed.
    pub const UTC: Self = Self(Tz::UTC);

    /// Its name: ASCII letters, digits and `/_+-`, at most 64 of them.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The zone for chrono.
    pub fn clocks(self) -> Tz {
        self.0
    }

    /// What the clock on the wall shows at `at`.
    pub fn wall(self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// When the clock on the wall shows `wall` (RFC 5545 §3.3.5): what it shows twice, when clocks are put back, is the
    /// first of both; what it leaves out, when they are put forward, counts by the offset before, so that 2:30 becomes
    /// 3:30.
    pub fn instant(self, wall: NaiveDateTime) -> DateTime<Utc> {
        let offset = self.0.offset_from_local_datetime(&wall).earliest();
        // No zone is a day away from UTC, so for every offset this reading is from before the gap.
        let before_gap = || {
            self.0
                .offset_from_utc_datetime(&(wall - TimeDelta::days(1)))
        };
        let offset = offset.unwrap_or_else(before_gap);
        (wall - offset.fix()).and_utc()
    }
}

/// No zone has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a time zone in the IANA database, such as Europe/Berlin")]
pub struct UnknownZone;

impl TryFrom<String> for TimeZone {
    type Error = UnknownZone;
    fn try_from(raw: String) -> Result<Self, UnknownZone> {
        raw.parse().map(Self).map_err(|_| UnknownZone)
    }
}

impl std::fmt::Display for TimeZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::try_from(raw).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::try_from(name.to_owned()).unwrap()
    }

    /// The instant of what a wall in `name` shows, and what it shows then.
    fn read(name: &str, wall: &str) -> (String, String) {
        let instant = zone(name).instant(wall.parse().unwrap());
        let shown = zone(name).wall(instant);
        (
            instant.format("%FT%TZ").to_string(),
            shown.format("%FT%T").to_string(),
        )
    }

    #[test]
    fn names_are_known_and_travel_as_they_are() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Etc/GMT+5",
            "Asia/Calcutta",
        ] {
            let zone: TimeZone = serde_json::from_value(name.into()).unwrap();
            assert_eq!(serde_json::to_value(zone).unwrap(), name);
        }
        let longest = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().len());
        assert!(longest.max().is_some_and(|length| length <= 64));
        assert_eq!(TimeZone::default(), TimeZone::UTC);
    }

    #[test]
    fn what_names_no_zone_is_refused() {
        for raw in [
            "",
            "utc",
            "Mars/Base",
            "europe/berlin",
            "+01:00",
            "Europe/Berlin ",
        ] {
            assert_eq!(
                TimeZone::try_from(raw.to_owned()),
                Err(UnknownZone),
                "{raw}"
            );
        }
        assert!(serde_json::from_value::<TimeZone>(1.into()).is_err());
    }

    #[test]
    fn what_clocks_show_twice_is_the_first_and_what_they_leave_out_comes_after_the_gap() {
        for (name, wall, instant, shown) in [
            (
                "Europe/Berlin",
                "2026-03-29T02:30:00",
                "2026-03-29T01:30:00Z",
                "2026-03-29T03:30:00",
            ),
            (
                "Europe/Berlin",
                "2026-10-25T02:30:00",
                "2026-10-25T00:30:00Z",
                "2026-10-25T02:30:00",
            ),
            (
                "Europe/Berlin",
                "2026-10-25T03:00:00",
                "2026-10-25T02:00:00Z",
                "2026-10-25T03:00:00",
            ),
            // Clocks that are changed at midnight.
            (
                "Africa/Cairo",
                "2026-04-24T00:30:00",
                "2026-04-23T22:30:00Z",
                "2026-04-24T01:30:00",
            ),
            (
                "America/Havana",
                "2026-11-01T00:30:00",
                "2026-11-01T04:30:00Z",
                "2026-11-01T00:30:00",
            ),
            // Half an hour, in the south.
            (
                "Australia/Lord_Howe",
                "2026-10-04T02:15:00",
                "2026-10-03T15:45:00Z",
                "2026-10-04T02:45:00",
            ),
            // A day that never was.
            (
                "Pacific/Apia",
                "2011-12-30T09:00:00",
                "2011-12-30T19:00:00Z",
                "2011-12-31T09:00:00",
            ),
            (
                "Asia/Shanghai",
                "2026-03-29T02:30:00",
                "2026-03-28T18:30:00Z",
                "2026-03-29T02:30:00",
            ),
        ] {
            let expected = (instant.to_owned(), shown.to_owned());
            assert_eq!(read(name, wall), expected, "{wall} in {name}");
        }
    }
}
