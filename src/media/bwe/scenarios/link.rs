//! A path with a narrowest part: rate, queue, delay, jitter, bunches, losses, reordering, and other traffic.

/// A generator of chance that always begins alike (xorshift).
pub(super) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(0x2545_f491_4f6c_dd1d ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Evenly from 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }
}

/// What else is sent into the queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Other {
    Nobody,
    /// A constant rate in kbit/s.
    Steady(f64),
    /// As TCP does: a packet more in flight each round trip, half as many after a loss.
    Greedy,
}

/// What a path is like.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The rate in kbit/s, each from a millisecond on.
    pub kbps: Vec<(u64, f64)>,
    /// A packet that would wait longer is dropped.
    pub queue_ms: f64,
    /// In one direction.
    pub delay_ms: f64,
    /// Each packet takes up to so much longer; order is kept.
    pub jitter_ms: u64,
    /// Packets are held back and let go together, so often.
    pub bunch_ms: f64,
    pub loss_percent: u64,
    /// Losses come so many in a row, as often in all.
    pub burst: u64,
    /// So many of a hundred come so many milliseconds late.
    pub reordered: (u64, f64),
    pub other: Other,
    /// It carries nothing from one millisecond to another.
    pub away: Vec<(u64, u64)>,
}

impl Way {
    pub fn of(kbps: f64) -> Self {
        Self {
            kbps: vec![(0, kbps)],
            queue_ms: 300.0,
            delay_ms: 20.0,
            jitter_ms: 0,
            bunch_ms: 0.0,
            loss_percent: 0,
            burst: 1,
            reordered: (0, 0.0),
            other: Other::Nobody,
            away: Vec::new(),
        }
    }

    fn is_away(&self, ms: u64) -> bool {
        let mut away = self.away.iter();
        away.any(|(from, to)| (*from..*to).contains(&ms))
    }
}

pub(super) struct Link {
    pub way: Way,
    chance: Chance,
    /// When all that it holds is sent, in milliseconds.
    free_at: f64,
    last_arrival: f64,
    burst_left: u64,
    other_credit: f64,
    window: f64,
    /// When the packets of the other flow are acknowledged.
    in_flight: Vec<f64>,
    recovers_until: f64,
    /// How long each packet that came through waited.
    pub waits: Vec<(u64, f64)>,
    pub dropped: usize,
}

impl Link {
    pub fn new(way: Way, seed: u64) -> Self {
        Self {
            way,
            chance: Chance::new(seed),
            free_at: 0.0,
            last_arrival: 0.0,
            burst_left: 0,
            other_credit: 0.0,
            window: 10.0,
            in_flight: Vec::new(),
            recovers_until: 0.0,
            waits: Vec::new(),
            dropped: 0,
        }
    }

    pub fn kbps(&self, ms: u64) -> f64 {
        let past = self.way.kbps.iter().rev();
        past.clone()
            .find(|(from, _)| *from <= ms)
            .map_or(0.0, |(_, kbps)| *kbps)
    }

    /// Puts bytes into the queue; when they are out of it.
    fn enqueue(&mut self, ms: u64, bytes: usize) -> Option<f64> {
        let begin = self.free_at.max(ms as f64);
        if begin - ms as f64 > self.way.queue_ms {
            return None;
        }
        self.free_at = begin + bytes as f64 * 8.0 / self.kbps(ms);
        Some(self.free_at)
    }

    /// Lets the others send.
    pub fn pass(&mut self, ms: u64) {
        match self.way.other {
            Other::Nobody => {}
            Other::Steady(kbps) => {
                self.other_credit += kbps / 8.0;
                while self.other_credit >= 1200.0 {
                    self.other_credit -= 1200.0;
                    self.enqueue(ms, 1200);
                }
            }
            Other::Greedy => {
                let now = ms as f64;
                let before = self.in_flight.len();
                self.in_flight.retain(|at| *at > now);
                self.window += (before - self.in_flight.len()) as f64 / self.window;
                while (self.in_flight.len() as f64) < self.window {
                    match self.enqueue(ms, 1448) {
                        Some(out) => self.in_flight.push(out + 2.0 * self.way.delay_ms),
                        None => {
                            if now > self.recovers_until {
                                self.window = (self.window / 2.0).max(2.0);
                                self.recovers_until = now + 2.0 * self.way.delay_ms + 300.0;
                            }
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Sends a packet; when it arrives.
    pub fn send(&mut self, ms: u64, bytes: usize) -> Option<f64> {
        if self.way.is_away(ms) {
            return None;
        }
        let is_lost = if self.burst_left > 0 {
            self.burst_left -= 1;
            true
        } else {
            let begins = self.chance.below(100 * self.way.burst) < self.way.loss_percent;
            self.burst_left = if begins { self.way.burst - 1 } else { 0 };
            begins
        };
        let Some(out) = self.enqueue(ms, bytes) else {
            self.dropped += 1;
            return None;
        };
        self.waits.push((ms, out - ms as f64));
        if is_lost {
            return None;
        }
        let mut at = out + self.way.delay_ms + self.chance.below(self.way.jitter_ms + 1) as f64;
        if self.way.bunch_ms > 0.0 {
            at = (at / self.way.bunch_ms).ceil() * self.way.bunch_ms;
        }
        at = at.max(self.last_arrival);
        self.last_arrival = at;
        let (percent, late) = self.way.reordered;
        if self.chance.below(100) < percent {
            at += late;
        }
        Some(at)
    }
}
