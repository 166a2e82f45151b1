//! The estimator over links of all kinds, in virtual time: a camera in three layers and a voice, or as much as the line
//! carries; several seeds each. `cargo test --lib bwe::scenarios -- --nocapture` prints the tables.

mod call;
mod link;

use self::call::{Call, Sends};
use self::link::{Other, Way};

const SEEDS: u64 = 4;

/// What was seen of some calls over the same path; the worst, or the mean where it says so.
#[derive(Debug, Default)]
struct Seen {
    /// The mean share of what the line carries.
    used_percent: f64,
    /// Milliseconds of media in the queue that 95 of a hundred packets stay below.
    wait_ms: f64,
    lost_percent: f64,
    /// kbit/s that came through, mean.
    kbps: f64,
    /// The mean share of the time with the largest layer.
    top_percent: f64,
    switches: f64,
}

fn see(name: &str, way: &Way, sends: Sends, from: u64, to: u64) -> Seen {
    let mut seen = Seen::default();
    for seed in 0..SEEDS {
        let mut call = Call::new(way.clone(), sends, seed);
        call.run(to);
        let kbps = call.received_kbps(from, to);
        let carries = call.link.kbps(from);
        seen.used_percent += kbps / carries * 100.0 / SEEDS as f64;
        seen.kbps += kbps / SEEDS as f64;
        seen.wait_ms = seen.wait_ms.max(call.wait_ms(from, to));
        seen.lost_percent = seen.lost_percent.max(call.lost_percent(from, to));
        seen.top_percent += call.top_percent(from, to) / SEEDS as f64;
        seen.switches += call.switches(from, to) as f64 / SEEDS as f64;
    }
    println!(
        "{name:38} {:5.0} kbit/s {:3.0} % used, p95 wait {:4.0} ms, lost {:4.1} %, top layer {:3.0} %, switches {:.1}",
        seen.kbps,
        seen.used_percent,
        seen.wait_ms,
        seen.lost_percent,
        seen.top_percent,
        seen.switches
    );
    seen
}

#[test]
fn a_steady_line_is_used_and_keeps_its_queue_short() {
    for mbit in [0.3, 0.5, 1.0, 2.0, 4.0] {
        let way = Way::of(mbit * 1000.0);
        let seen = see(
            &format!("{mbit} Mbit/s, elastic"),
            &way,
            Sends::Elastic,
            10_000,
            60_000,
        );
        assert!(seen.used_percent >= 70.0, "{mbit}: {seen:?}");
        assert!(seen.wait_ms < 150.0, "{mbit}: {seen:?}");
        assert!(seen.lost_percent < 1.0, "{mbit}: {seen:?}");
        let seen = see(
            &format!("{mbit} Mbit/s, layers"),
            &way,
            Sends::Layers,
            10_000,
            60_000,
        );
        let fits = [(0.25, 150.0), (0.65, 500.0), (2.1, 1700.0)];
        let fits = fits.iter().rev().find(|(at_least, _)| mbit >= *at_least);
        assert!(
            seen.kbps >= fits.map_or(0.0, |fits| fits.1),
            "{mbit}: {seen:?}"
        );
        assert!(seen.wait_ms < 150.0, "{mbit}: {seen:?}");
        assert!(seen.lost_percent < 1.0, "{mbit}: {seen:?}");
    }
}

#[test]
fn a_line_that_narrows_and_widens_is_followed() {
    let way = Way {
        kbps: vec![(0, 4000.0), (20_000, 500.0), (50_000, 4000.0)],
        ..Way::of(4000.0)
    };
    for delay_ms in [20.0, 150.0] {
        let way = Way {
            delay_ms,
            ..way.clone()
        };
        for seed in 0..SEEDS {
            let mut call = Call::new(way.clone(), Sends::Layers, seed);
            call.run(90_000);
            let down = call.first_below(500.0, 20_000).unwrap();
            let up = call.first_top(50_000).unwrap();
            let wait = call.wait_ms(23_000, 50_000);
            println!(
                "4 → 0.5 → 4 Mbit/s, {delay_ms} ms away: down {} ms, up {} ms, p95 wait {wait:.0} ms, lost {:.1} %, top before {:.0} %",
                down - 20_000,
                up - 50_000,
                call.lost_percent(20_000, 50_000),
                call.top_percent(5_000, 20_000),
            );
            assert!(down - 20_000 <= 2_000, "{down}");
            assert!(up - 50_000 <= 10_000, "{up}");
            assert!(wait < 150.0, "{wait}");
            assert!(call.top_percent(5_000, 20_000) >= 99.0);
        }
    }
}

#[test]
fn losses_by_chance_starve_nobody() {
    for (percent, burst) in [(5, 1), (5, 5), (15, 1), (15, 4)] {
        let way = Way {
            loss_percent: percent,
            burst,
            ..Way::of(10_000.0)
        };
        let name = format!("10 Mbit/s, {percent} % lost, {burst} in a row");
        let seen = see(&name, &way, Sends::Layers, 5_000, 120_000);
        assert!(seen.kbps >= 1_000.0, "{name}: {seen:?}");
        assert!(seen.top_percent >= 90.0, "{name}: {seen:?}");
    }
    let way = Way {
        loss_percent: 30,
        ..Way::of(10_000.0)
    };
    let seen = see("10 Mbit/s, 30 % lost", &way, Sends::Layers, 5_000, 120_000);
    assert!(seen.kbps >= 300.0, "{seen:?}");
}

#[test]
fn losses_on_a_narrow_line_starve_nobody_either() {
    for percent in [5, 15] {
        let way = Way {
            loss_percent: percent,
            ..Way::of(1000.0)
        };
        let name = format!("1 Mbit/s, {percent} % lost");
        let seen = see(&name, &way, Sends::Layers, 10_000, 90_000);
        assert!(seen.kbps >= 400.0, "{name}: {seen:?}");
        assert!(seen.wait_ms < 150.0, "{name}: {seen:?}");
    }
}

#[test]
fn jitter_and_bunches_starve_nobody() {
    let wide = Way::of(10_000.0);
    let ways = [
        (
            "10 Mbit/s, 50 ms jitter",
            Way {
                jitter_ms: 50,
                ..wide.clone()
            },
        ),
        (
            "10 Mbit/s, bunches of 50 ms",
            Way {
                bunch_ms: 50.0,
                ..wide.clone()
            },
        ),
        (
            "10 Mbit/s, bunches of 80 ms",
            Way {
                bunch_ms: 80.0,
                ..wide.clone()
            },
        ),
        (
            "10 Mbit/s, 5 % reordered by 30 ms",
            Way {
                reordered: (5, 30.0),
                ..wide.clone()
            },
        ),
        (
            "10 Mbit/s, 150 ms away",
            Way {
                delay_ms: 150.0,
                ..wide
            },
        ),
    ];
    for (name, way) in ways {
        let seen = see(name, &way, Sends::Layers, 1_000, 120_000);
        assert!(seen.top_percent >= 99.0, "{name}: {seen:?}");
    }
    for (name, way) in [
        (
            "1 Mbit/s, bunches of 50 ms",
            Way {
                bunch_ms: 50.0,
                ..Way::of(1000.0)
            },
        ),
        (
            "1 Mbit/s, 50 ms jitter",
            Way {
                jitter_ms: 50,
                ..Way::of(1000.0)
            },
        ),
        (
            "1 Mbit/s, 150 ms away",
            Way {
                delay_ms: 150.0,
                ..Way::of(1000.0)
            },
        ),
        (
            "1 Mbit/s, queue of 40 ms",
            Way {
                queue_ms: 40.0,
                ..Way::of(1000.0)
            },
        ),
        (
            "1 Mbit/s, queue of 2 s",
            Way {
                queue_ms: 2000.0,
                ..Way::of(1000.0)
            },
        ),
    ] {
        let seen = see(name, &way, Sends::Layers, 10_000, 90_000);
        assert!(seen.kbps >= 450.0, "{name}: {seen:?}");
        assert!(seen.wait_ms < 200.0, "{name}: {seen:?}");
    }
}

#[test]
fn bunches_do_not_keep_the_picture_small_for_ever() {
    let way = Way {
        kbps: vec![(0, 4000.0), (5_000, 500.0), (20_000, 4000.0)],
        bunch_ms: 50.0,
        ..Way::of(4000.0)
    };
    for seed in 0..SEEDS {
        let mut call = Call::new(way.clone(), Sends::Layers, seed);
        call.run(60_000);
        let up = call.first_top(20_000).unwrap();
        println!("0.5 → 4 Mbit/s in bunches of 50 ms: up {} ms", up - 20_000);
        assert!(up - 20_000 <= 15_000, "{up}");
    }
}

#[test]
fn a_line_that_was_away_is_no_narrower_after_it() {
    for sends in [Sends::Layers, Sends::SlowLayers] {
        for (from, to) in [(1_000, 1_400), (1_000, 2_500), (20_000, 21_000)] {
            let way = Way {
                away: vec![(from, to)],
                ..Way::of(10_000.0)
            };
            let name = format!("10 Mbit/s, away for {} ms, {sends:?}", to - from);
            let seen = see(&name, &way, sends, to, to + 20_000);
            assert!(seen.top_percent >= 99.0, "{name}: {seen:?}");
        }
    }
    // What was known of a narrow one is still known.
    let way = Way {
        away: vec![(20_000, 21_000)],
        ..Way::of(1000.0)
    };
    let seen = see(
        "1 Mbit/s, away for 1 s",
        &way,
        Sends::Layers,
        21_000,
        60_000,
    );
    assert!(seen.kbps >= 500.0, "{seen:?}");
    assert!(seen.wait_ms < 150.0, "{seen:?}");
}

#[test]
fn others_on_the_line_leave_a_share() {
    for (name, other) in [
        ("2 Mbit/s, another takes 1", Other::Steady(1000.0)),
        ("2 Mbit/s, a greedy download", Other::Greedy),
    ] {
        let way = Way {
            other,
            ..Way::of(2000.0)
        };
        let seen = see(name, &way, Sends::Layers, 10_000, 120_000);
        assert!(seen.kbps >= 180.0, "{name}: {seen:?}");
        see(
            &format!("{name}, elastic"),
            &way,
            Sends::Elastic,
            10_000,
            120_000,
        );
    }
}
