use super::super::write::Writer;
use super::super::{Compound, Report};
use super::*;

/// All reports that are due.
fn reports(recorder: &mut Recorder) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while recorder.has_news() {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).transport(1, 2, recorder);
        all.push(bytes);
    }
    all
}

fn read(bytes: &[u8]) -> Vec<(u16, Fate)> {
    let compound = Compound::parse(bytes).unwrap();
    let Some(Report::Transport(feedback)) = compound.iter().next() else {
        panic!("feedback: {bytes:?}");
    };
    assert_eq!(usize::from(feedback.count()), feedback.iter().count());
    feedback.iter().collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn what_is_recorded_is_read_again() {
    let start = Instant::now();
    let mut recorder = Recorder::default();
    // Over the wrap; some lost, one late, one long after the others.
    let arrivals = [
        (65_530, 0),
        (65_531, 1),
        (65_535, 2),
        (0, 60),
        (65_533, 65),
        (3, 200),
        (4, 20_000),
    ];
    for (number, at) in arrivals {
        recorder.note(number, start + ms(at));
    }
    let reported: Vec<_> = reports(&mut recorder)
        .iter()
        .flat_map(|r| read(r))
        .collect();
    let numbers: Vec<u16> = reported.iter().map(|(number, _)| *number).collect();
    assert_eq!(
        numbers,
        [
            65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 0, 1, 2, 3, 4
        ]
    );
    for (number, fate) in reported {
        let came = arrivals.iter().find(|(known, _)| *known == number);
        let came = came.map_or(Fate::Lost, |(_, at)| Fate::Came(ms(*at + 64)));
        assert_eq!(fate, came, "{number}");
    }
}

#[test]
fn one_that_comes_late_is_told_after_all() {
    let start = Instant::now();
    let mut recorder = Recorder::default();
    for number in [10, 12] {
        recorder.note(number, start);
    }
    assert_eq!(read(&reports(&mut recorder)[0])[1], (11, Fate::Lost));
    assert!(!recorder.has_news());
    recorder.note(11, start + ms(5));
    recorder.note(11, start + ms(9));
    let reported = read(&reports(&mut recorder)[0]);
    assert_eq!(reported[0], (11, Fate::Came(ms(69))));
    assert_eq!(reported.len(), 2);
    recorder.note(9, start);
    assert!(!recorder.has_news(), "before the first nothing is known");
}

#[test]
fn jumps_begin_anew_and_nothing_grows() {
    let start = Instant::now();
    let mut recorder = Recorder::default();
    let mut random = 0x2545_f491_u32;
    for step in 0..50_000_u64 {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        recorder.note(random as u16, start + ms(step));
        assert!(recorder.arrivals.len() <= 40_000);
        if step % 20 == 0 {
            for report in reports(&mut recorder) {
                assert!(report.len() < 1_200, "{}", report.len());
                read(&report);
            }
            assert!(recorder.arrivals.len() as u64 <= REMEMBERED + MAX_JUMP);
        }
    }
}

#[test]
fn every_pattern_of_states_is_read_as_it_was_written() {
    let start = Instant::now();
    let mut random = 0x9e37_79b9_u32;
    let mut next = |below: u32| {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random % below
    };
    for round in 0..500 {
        let mut recorder = Recorder::default();
        let (mut at, mut number) = (0, 100_u16);
        recorder.note(number, start);
        let mut expected = vec![(number, Fate::Came(ms(64)))];
        for _ in 0..next(200) + 1 {
            number = number.wrapping_add(1 + next(3).pow(round % 4) as u16);
            at += match next(5) {
                0 => 400,
                _ => u64::from(next(60)),
            };
            recorder.note(number, start + ms(at));
            expected.push((number, Fate::Came(ms(at + 64))));
        }
        let reports = reports(&mut recorder);
        let reported = reports.iter().flat_map(|report| read(report));
        let came: Vec<_> = reported.filter(|(_, fate)| *fate != Fate::Lost).collect();
        assert_eq!(came, expected, "round {round}");
    }
}

#[test]
fn a_foreign_feedback_is_read() {
    // Base 0x00f0, seven packets, reference 0x000102, a run of two small, then two bits each: lost, large, 3.
    let body = [
        0, 0, 0, 1, 0, 0, 0, 2, 0x00, 0xf0, 0, 5, 0, 1, 2, 9, 0x20, 2, 0xcb, 0x00, 4, 8, 0xff, 0xfc,
    ];
    let feedback = TransportFeedback::parse(&body).unwrap();
    let at = |ticks: u32| Fate::Came(TICK * ticks);
    let base = 0x102 * 256;
    assert_eq!(
        feedback.iter().collect::<Vec<_>>(),
        [
            (0xf0, at(base + 4)),
            (0xf1, at(base + 12)),
            (0xf2, Fate::Lost),
            (0xf3, at(base + 8)),
            (0xf4, Fate::CameSometime),
        ]
    );
    for end in 0..body.len() {
        assert_eq!(TransportFeedback::parse(&body[..end]), None, "{end}");
    }
}

#[test]
fn mutations_are_read_or_refused() {
    let start = Instant::now();
    let mut recorder = Recorder::default();
    for number in [1_u16, 2, 3, 9, 10, 30, 31, 32, 60] {
        recorder.note(number, start + ms(u64::from(number) * 7));
    }
    let whole = reports(&mut recorder).remove(0);
    for place in 0..whole.len() {
        for value in 0..=255 {
            let mut changed = whole.clone();
            changed[place] = value;
            for report in Compound::parse(&changed).iter().flat_map(|one| one.iter()) {
                if let Report::Transport(feedback) = report {
                    assert!(feedback.iter().count() <= usize::from(u16::MAX));
                }
            }
        }
    }
    // All ones, all twos, all threes: runs of the longest kind.
    for run in [0x3fff_u16, 0x5fff, 0x7fff, 0x1fff, 0, 0x2000] {
        let mut body = vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
        for _ in 0..9 {
            body.extend(run.to_be_bytes());
        }
        if let Some(feedback) = TransportFeedback::parse(&body) {
            assert!(feedback.iter().count() <= 65_535);
        }
    }
}
