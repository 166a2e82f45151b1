//! What a list of rooms costs whose recurrence rules were made to be slow: `cargo bench --bench schedule`.
//!
//! One account may list a hundred rooms by one request. The goal is less than 20 ms of processor time for a hundred rules
//! that nobody has asked for before, the slowest ones that can be written.

use std::time::{Duration, Instant};

use meeting::meeting::schedule;
use meeting::protocol::time::Timestamp;
use meeting::protocol::time_zone::TimeZone;

/// Slow in different ways: never again, as rare as can be, far into the days of their year, counted from the first.
const RULES: &[&str] = &[
    "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
    "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;COUNT=3",
    "FREQ=DAILY;COUNT=1000",
    "FREQ=WEEKLY;BYDAY=SA;COUNT=1000",
    "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=1;COUNT=1000",
    "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;BYDAY=SA;COUNT=1000",
    "FREQ=YEARLY;BYDAY=1SA,2SU,3MO,-1TU,-2WE,10TH,20FR,30SA,40SU;BYMONTHDAY=1;COUNT=1000",
    "FREQ=YEARLY;BYYEARDAY=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,-1,-2,-3;BYDAY=SA;BYSETPOS=1;COUNT=1000",
    "FREQ=YEARLY;BYWEEKNO=52,53,1;BYDAY=SA;COUNT=1000",
    "FREQ=DAILY;BYMONTH=1;BYMONTHDAY=1;BYDAY=SA;COUNT=1000",
];
/// The first Saturday of the century, at nine.
const BEGIN: &str = "2000-01-01T09:00:00.000Z";
const HOUR_MS: i64 = 3_600_000;
const ROOMS: usize = 100;
const RUNS: u32 = 15;

fn main() {
    let begin: Timestamp = serde_json::from_value(BEGIN.into()).expect("a time");
    let now = Timestamp::now();
    let zone: TimeZone = serde_json::from_value("Europe/Berlin".into()).expect("a zone");
    let end = begin.plus_millis(HOUR_MS);
    let mut of_rule: Vec<(Duration, &str)> = Vec::new();
    for rule in RULES {
        let rule = schedule::check(Some(begin), Some(end), zone, rule).expect("a rule");
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let started = Instant::now();
                for _ in 0..ROOMS {
                    std::hint::black_box(schedule::search(&rule, begin, end, zone, now));
                }
                started.elapsed()
            })
            .collect();
        times.sort();
        of_rule.push((times[times.len() / 2], RULES[of_rule.len()]));
    }
    of_rule.sort();
    for (time, rule) in of_rule.iter().rev() {
        println!("{:>9.3} ms  {ROOMS} × {rule}", time.as_secs_f64() * 1e3);
    }
}
