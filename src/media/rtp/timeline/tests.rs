use super::*;

const PICTURES: u32 = 90_000;
const SECOND: u64 = 1 << 32;

/// Our wall clock, and what a slot sends.
struct Slot {
    start: Instant,
    timeline: Timeline,
}

/// A source whose clock runs this much too fast, and stood at `base` at the start.
#[derive(Clone, Copy)]
struct Source {
    base: u32,
    ppm: i64,
}

impl Source {
    fn own(self, captured_ms: u64) -> u32 {
        let ticks = captured_ms as i64 * i64::from(PICTURES / 1000);
        let ticks = ticks + ticks * self.ppm / 1_000_000;
        self.base.wrapping_add(ticks as u32)
    }

    fn clock(self, ms: u64) -> Option<Pair> {
        let (ntp, rtp) = (ntp(ms), self.own(ms));
        Some(Pair { ntp, rtp })
    }
}

fn ntp(ms: u64) -> u64 {
    (3_900_000_000 << 32) + ms * SECOND / 1000
}

impl Slot {
    fn new(timestamp: u32) -> Self {
        Self {
            start: Instant::now(),
            timeline: Timeline::new(PICTURES, 1, timestamp),
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// The offset of a source from its first packet on, which was captured then and came then.
    fn switch(&mut self, source: Source, clock: Option<Pair>, captured_ms: u64, ms: u64) -> u32 {
        let (now, own) = (self.at(ms), source.own(captured_ms));
        let coming = Coming {
            now,
            ntp: ntp(ms),
            clock,
        };
        let first = self.timeline.begin(own, &coming);
        self.timeline.note(first, now);
        first.wrapping_sub(own)
    }

    /// A further packet.
    fn send(&mut self, source: Source, offset: u32, captured_ms: u64, ms: u64) -> u32 {
        let timestamp = source.own(captured_ms).wrapping_add(offset);
        let now = self.at(ms);
        self.timeline.note(timestamp, now);
        timestamp
    }

    fn tell(&mut self, clock: Option<Pair>, offset: u32, ms: u64) -> Option<Pair> {
        let now = self.at(ms);
        let rtp = self.timeline.tell(clock, offset, ntp(ms), now)?;
        Some(Pair { ntp: ntp(ms), rtp })
    }
}

/// How many milliseconds a line places an instant too late.
fn off_ms(line: Pair, rtp: u32, captured_ms: u64) -> f64 {
    let off = line.ntp_at(rtp, PICTURES).wrapping_sub(ntp(captured_ms)) as i64;
    off as f64 * 1000.0 / SECOND as f64
}

#[test]
fn another_source_begins_where_it_was_captured_and_never_back() {
    let mut slot = Slot::new(u32::MAX - 1000);
    let (ada, bo) = (
        Source { base: 7, ppm: 0 },
        Source {
            base: 1 << 31,
            ppm: 0,
        },
    );
    // A picture needs 40 ms to come, and another's 90.
    let offset = slot.switch(ada, ada.clock(0), 1000, 1040);
    let last = slot.send(ada, offset, 2000, 2040);
    let line = slot.tell(ada.clock(0), offset, 2041).unwrap();
    assert!(off_ms(line, last, 2000).abs() < 0.1);
    let offset = slot.switch(bo, bo.clock(1900), 2100, 2190);
    let first = bo.own(2100).wrapping_add(offset);
    assert!(off_ms(line, first, 2100).abs() < 0.1, "on the same line");
    let told = slot.tell(bo.clock(1900), offset, 3000).unwrap();
    assert!(off_ms(line, told.rtp, 3000).abs() < 0.1);
    // One that was captured before what was sent comes after it all the same.
    let last = slot.send(bo, offset, 3000, 3090);
    let offset = slot.switch(ada, ada.clock(0), 2990, 3091);
    assert_eq!(ada.own(2990).wrapping_add(offset), last.wrapping_add(1));
    // The line tells of the difference, and is one line further on.
    let told = slot.tell(ada.clock(0), offset, 4000).unwrap();
    assert!((off_ms(line, told.rtp, 4000) - 10.0).abs() < 0.1);
    let offset = slot.switch(bo, bo.clock(1900), 4100, 4190);
    assert!(off_ms(told, bo.own(4100).wrapping_add(offset), 4100).abs() < 0.1);
}

#[test]
fn the_line_does_not_jump_over_an_hour_of_clocks_that_drift() {
    let sources = [
        Source { base: 5, ppm: 100 },
        Source {
            base: 1 << 30,
            ppm: -100,
        },
    ];
    let mut slot = Slot::new(1 << 31);
    let (mut told, mut offset) = (None::<Pair>, 0);
    let mut source = sources[0];
    for second in 0..3600_u64 {
        let ms = second * 1000;
        // Each ten minutes somebody else; their last report is some seconds old.
        if second % 600 == 0 {
            source = sources[(second / 600 % 2) as usize];
            let clock = source.clock(ms.saturating_sub(3000));
            offset = slot.switch(source, clock, ms, ms + 60);
        }
        let clock = source.clock(ms);
        let sent = slot.send(source, offset, ms + 900, ms + 960);
        let line = slot.tell(clock, offset, ms + 970).unwrap();
        assert!(off_ms(line, sent, ms + 900).abs() < 0.1, "second {second}");
        if let Some(before) = told {
            let jump = off_ms(before, line.rtp, ms + 970).abs();
            assert!(jump < 1.0, "{jump} ms in second {second}");
        }
        told = Some(line);
    }
}

#[test]
fn a_slot_that_was_empty_for_hours_goes_on_on_its_line() {
    let mut slot = Slot::new(9);
    let ada = Source { base: 0, ppm: 0 };
    let offset = slot.switch(ada, ada.clock(0), 0, 30);
    let line = slot.tell(ada.clock(0), offset, 1000).unwrap();
    for hours in [1, 7, 31] {
        let ms = hours * 3_600_000;
        let bo = Source { base: 77, ppm: 0 };
        let offset = slot.switch(bo, bo.clock(ms - 500), ms, ms + 100);
        let first = bo.own(ms).wrapping_add(offset);
        assert_eq!(line.rtp_at(ntp(ms), PICTURES).abs_diff(first) / 90, 0);
    }
}

#[test]
fn a_new_line_is_told_once_its_source_has_reported() {
    let mut slot = Slot::new(9);
    let ada = Source { base: 0, ppm: 0 };
    let offset = slot.switch(ada, None, 0, 300);
    assert_eq!(slot.tell(None, offset, 1000), None);
    let told = slot.tell(ada.clock(1500), offset, 2000).unwrap();
    assert!(off_ms(told, ada.own(0).wrapping_add(offset), 0).abs() < 0.1);
    // One of a sender that never reports goes by when its packets come.
    let mut slot = Slot::new(9);
    let offset = slot.switch(ada, None, 0, 300);
    assert_eq!(slot.tell(None, offset, 5_000), None);
    let told = slot.tell(None, offset, 6_300).unwrap();
    assert!((off_ms(told, ada.own(0).wrapping_add(offset), 0) - 300.0).abs() < 1.1);
}

#[test]
fn without_reports_the_line_creeps_to_where_packets_come() {
    let mut slot = Slot::new(9);
    let ada = Source { base: 0, ppm: 100 };
    let offset = slot.switch(ada, None, 0, 30);
    let mut told = None::<Pair>;
    for second in 7..3600 {
        let ms = second * 1000;
        // Each third packet waits.
        let late = 30 + 80 * u64::from(second % 3 == 0);
        slot.send(ada, offset, ms, ms + late);
        let line = slot.tell(None, offset, ms + 500).unwrap();
        let off = off_ms(line, ada.own(ms).wrapping_add(offset), ms);
        assert!((-5.0..=110.0).contains(&off), "{off} ms in second {second}");
        if let Some(before) = told {
            assert!(off_ms(before, line.rtp, ms + 500).abs() < 1.1);
        }
        told = Some(line);
    }
}

/// A sender harms the clock of its own streams alone.
#[test]
fn nonsense_moves_neither_the_line_nor_who_comes_next() {
    let ada = Source { base: 0, ppm: 0 };
    let mut random = 0x9e37_79b9_u32;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random
    };
    let mut slot = Slot::new(9);
    let offset = slot.switch(ada, ada.clock(0), 0, 30);
    slot.tell(ada.clock(0), offset, 1000).unwrap();
    let mut sent = slot.send(ada, offset, 1000, 1030);
    for round in 1..2000_u64 {
        let ms = round * 5000;
        let cheat = Source {
            base: next(),
            ppm: 0,
        };
        let nonsense = Some(Pair {
            ntp: (u64::from(next()) << 32) | u64::from(next()),
            rtp: next(),
        });
        let offset = slot.switch(cheat, nonsense, ms, ms + 30);
        let first = slot.send(cheat, offset, ms, ms + 30);
        assert!(first.wrapping_sub(sent) as i32 > 0, "it only goes on");
        if let Some(told) = slot.tell(nonsense, offset, ms + 1000) {
            let off = off_ms(told, first, ms);
            assert!(off.abs() <= 2100.0, "{off} ms");
        }
        let offset = slot.switch(ada, ada.clock(ms), ms + 2000, ms + 2030);
        let honest = slot.send(ada, offset, ms + 2000, ms + 2030);
        let passed = honest.wrapping_sub(first);
        assert!((1..=3 * PICTURES).contains(&passed), "{passed} in 2 s");
        let told = slot.tell(ada.clock(ms), offset, ms + 3000).unwrap();
        assert!(off_ms(told, honest, ms + 2000).abs() < 0.1);
        sent = honest;
    }
}
