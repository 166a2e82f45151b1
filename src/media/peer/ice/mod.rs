//! The server's half of ICE, as a *lite* agent (RFC 8445 §2.5): it answers checks, follows nominations, and lets
//! consent lapse. It never sends a check.
//!
//! Nothing moves before a check's MESSAGE-INTEGRITY has been verified: what an outsider can forge changes nothing.
//!
//! Pure: datagrams and the time in, answers out.

pub(in crate::media) mod stun;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use rand::RngExt as _;
use ring::hmac;

use self::stun::{Message, Writer};
use super::path::Path;

/// RFC 7675 §5.1: consent lapses this long after the last check. Browsers send one every 2 to 5 s.
pub(super) const CONSENT: Duration = Duration::from_secs(30);
/// How many paths of one peer are kept at once; the oldest makes room.
const MOST_PATHS: usize = 8;
/// Media moves from a path that was silent for this long to one that is checked. A client behind a NAT that gave it
/// another port does not know of the change, so not all clients nominate. Firefox checks every 5 s.
const SILENCE: Duration = Duration::from_secs(6);
/// Media follows the peer's own media to another port when nothing came by the selected path for this long meanwhile.
/// That is three times the pause between packets of sound, and three times the interval of feedback on pictures.
const DESERTED: Duration = Duration::from_millis(300);
/// The alphabet of user name fragments and passwords (RFC 8839 §5.4).
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// The first one tells the thread.
const UFRAG_LETTERS: usize = 8;
/// 6 bits each: 144, where RFC 8445 §5.3 asks for 128.
const PASSWORD_LETTERS: usize = 24;

/// The credentials by which checks find an agent and prove themselves. A secret: they are not printed.
#[derive(Clone)]
pub(in crate::media) struct Credentials {
    /// The user name fragment.
    pub ufrag: String,
    /// The password.
    pub password: String,
    key: hmac::Key,
}

impl Credentials {
    /// Credentials with this fragment and password.
    pub fn new(ufrag: String, password: String) -> Self {
        let key = stun::key(&password);
        Self {
            ufrag,
            password,
            key,
        }
    }

    /// Credentials that nobody can guess, for a connection of this thread.
    pub fn random(thread: usize) -> Self {
        Self::beginning_with(LETTERS[thread % LETTERS.len()])
    }

    /// Other credentials for the same connection.
    pub fn successor(&self) -> Self {
        Self::beginning_with(*self.ufrag.as_bytes().first().unwrap_or(&LETTERS[0]))
    }

    fn beginning_with(first: u8) -> Self {
        let mut random = rand::rng();
        let mut letters = |count: usize| -> String {
            let letter = |_| char::from(LETTERS[random.random_range(0..LETTERS.len())]);
            (0..count).map(letter).collect()
        };
        let ufrag = format!("{}{}", char::from(first), letters(UFRAG_LETTERS - 1));
        Self::new(ufrag, letters(PASSWORD_LETTERS))
    }
}

/// Which thread has the connection that a check is for, if it is one of ours.
pub(in crate::media) fn thread_of(check: &[u8]) -> Option<usize> {
    let first = *stun::ufrag(check)?.as_bytes().first()?;
    LETTERS.iter().position(|letter| *letter == first)
}

/// A path that has proven itself.
#[derive(Debug, Clone, Copy)]
struct Proven {
    path: Path,
    /// When something authentic came by it last.
    heard: Instant,
    /// What the last check by it told.
    priority: Option<u32>,
}

/// One peer's agent.
pub(super) struct Agent {
    current: Credentials,
    /// Those before a restart. They hold until the new ones have nominated a path (RFC 8445 §9).
    former: Option<Credentials>,
    /// What no check may name any more.
    stale: Vec<String>,
    proven: Vec<Proven>,
    selected: Option<Path>,
    /// The selected path was nominated, and is not only the first.
    nominated: bool,
    /// No check came by the selected path yet: only media led there.
    unchecked: bool,
    checked_at: Instant,
    /// Proven since they were last asked for.
    fresh: Vec<Path>,
    /// What had to make room since then.
    dropped: Vec<Path>,
}

impl Agent {
    /// An agent that nobody has found yet.
    pub fn new(credentials: Credentials, now: Instant) -> Self {
        Self {
            current: credentials,
            former: None,
            stale: Vec::new(),
            proven: Vec::new(),
            selected: None,
            nominated: false,
            unchecked: false,
            checked_at: now,
            fresh: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Begins a restart: the next description has these credentials. Media goes on meanwhile.
    pub fn restart(&mut self, credentials: Credentials, now: Instant) {
        // One whose consent has lapsed gets as long again to come back.
        if now >= self.consent_until() {
            self.checked_at = now;
        }
        let replaced = std::mem::replace(&mut self.current, credentials);
        // The peer may never have seen those of a restart that was begun twice, but may be about to use them.
        let older = self.former.replace(replaced);
        self.stale.extend(older.map(|older| older.ufrag));
        self.nominated = false;
    }

    /// The newest credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.current
    }

    /// The fragments by which checks find this agent.
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        let both = [Some(&self.current), self.former.as_ref()];
        both.into_iter().flatten().map(|one| one.ufrag.as_str())
    }

    /// Those that no longer do.
    pub fn take_stale_ufrags(&mut self) -> Vec<String> {
        std::mem::take(&mut self.stale)
    }

    /// Where media goes: the nominated path, or before a nomination the first one.
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// The paths that have proven themselves.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.proven.iter().map(|known| known.path)
    }

    /// Whether this path has proven itself.
    pub fn knows(&self, path: Path) -> bool {
        self.proven.iter().any(|known| known.path == path)
    }

    /// The paths that have proven themselves since the last call.
    pub fn take_fresh(&mut self) -> Vec<Path> {
        std::mem::take(&mut self.fresh)
    }

    /// The paths that had to make room since the last call.
    pub fn take_dropped(&mut self) -> Vec<Path> {
        std::mem::take(&mut self.dropped)
    }

    /// Gives a path up.
    pub fn remove(&mut self, path: Path) {
        self.proven.retain(|known| known.path != path);
        if self.selected == Some(path) {
            let newest = self.proven.iter().max_by_key(|known| known.heard);
            self.selected = newest.map(|known| known.path);
            self.nominated = false;
        }
    }

    /// When consent lapses unless there is another check.
    pub fn consent_until(&self) -> Instant {
        self.checked_at + CONSENT
    }

    /// Notes that something authentic came by this path, which has proven itself.
    pub fn heard(&mut self, path: Path, now: Instant) {
        if let Some(known) = self.proven.iter_mut().find(|known| known.path == path) {
            known.heard = now;
        }
    }

    /// Notes that media came by this path, which has proven itself. Returns whether our media leaves by it from now on.
    ///
    /// A NAT that gives a client another port tells nobody, and the client's next check may be five seconds away. Our
    /// media does not wait for that check when the client's media comes by a new path and nothing comes by the selected
    /// one.
    ///
    /// An attacker who copies packets and is faster than the peer could lead media astray this way. That lasts until
    /// the peer's next check, and happens once: media moves nothing again before a check came by the path that it
    /// chose.
    pub fn heard_media(&mut self, path: Path, now: Instant) -> bool {
        self.heard(path, now);
        let is_new = |known: &Proven| known.path == path && known.priority.is_none();
        let moves = !self.unchecked
            && self.selected != Some(path)
            && self.is_silent_for(DESERTED, now)
            && self.proven.iter().any(is_new);
        if moves {
            (self.selected, self.unchecked) = (Some(path), true);
        }
        moves
    }

    /// Takes a path as proven. A packet came by it that only the peer can have sealed, and that is no replay.
    pub fn vouch(&mut self, path: Path, now: Instant) {
        self.prove(path, now);
    }

    /// Takes a STUN datagram. Returns the answer, which goes back by the same path. An unsigned datagram gets none.
    pub fn check(&mut self, path: Path, datagram: &[u8], now: Instant) -> Option<Vec<u8>> {
        let message = Message::parse(datagram)?;
        if message.kind != stun::BINDING_REQUEST {
            return None;
        }
        let ufrag = message.ufrag?;
        let is_current = self.current.ufrag == ufrag;
        let former = self.former.as_ref().filter(|former| former.ufrag == ufrag);
        let credentials = if is_current { &self.current } else { former? };
        if !message.is_signed_by(&credentials.key) {
            return None;
        }
        let (answer, accepted) = answer(&message, path, &credentials.key);
        if accepted {
            self.accept(path, &message, is_current, now);
        }
        Some(answer)
    }

    fn accept(&mut self, path: Path, check: &Message<'_>, is_current: bool, now: Instant) {
        self.checked_at = now;
        if self.selected == Some(path) {
            self.unchecked = false;
        }
        let nominates = check.nominates;
        let leaves = self.is_silent_for(SILENCE, now) || self.is_rebound(path, check.priority);
        self.prove(path, now);
        if let Some(known) = self.proven.iter_mut().find(|known| known.path == path) {
            known.priority = check.priority;
        }
        // Old credentials still nominate during a restart, but not behind a nomination by the new ones.
        let moves = nominates && (is_current || !self.nominated);
        if self.selected.is_none() || moves || leaves {
            self.selected = Some(path);
        }
        if nominates && is_current {
            self.nominated = true;
            let former = self.former.take();
            self.stale.extend(former.map(|former| former.ufrag));
        }
    }

    /// Whether a NAT gave the client another address. Then this path is checked for the first time, from the same
    /// candidate as the selected path, and to the same address of ours. Media may have come by it before.
    fn is_rebound(&self, path: Path, priority: Option<u32>) -> bool {
        let mut proven = self.proven.iter();
        let known = proven.find(|known| known.path == path);
        let is_first = known.is_none_or(|known| known.priority.is_none());
        self.selected_way().is_some_and(|selected| {
            let same = priority.is_some() && selected.priority == priority;
            is_first && same && selected.path.local() == path.local()
        })
    }

    fn selected_way(&self) -> Option<&Proven> {
        let mut proven = self.proven.iter();
        proven.find(|known| Some(known.path) == self.selected)
    }

    /// Whether nothing came by the selected path for so long.
    fn is_silent_for(&self, time: Duration, now: Instant) -> bool {
        self.selected_way()
            .is_some_and(|known| now.saturating_duration_since(known.heard) >= time)
    }

    fn prove(&mut self, path: Path, now: Instant) {
        if self.knows(path) {
            self.heard(path, now);
            return;
        }
        if self.proven.len() >= MOST_PATHS {
            let others = self.proven.iter();
            let others = others.filter(|known| Some(known.path) != self.selected);
            if let Some(oldest) = others.min_by_key(|known| known.heard).copied() {
                self.proven.retain(|known| known.path != oldest.path);
                self.fresh.retain(|fresh| *fresh != oldest.path);
                self.dropped.push(oldest.path);
            }
        }
        self.proven.push(Proven {
            path,
            heard: now,
            priority: None,
        });
        self.dropped.retain(|dropped| *dropped != path);
        self.fresh.push(path);
    }
}

/// What an authentic request is answered, and whether it counts as a check.
fn answer(message: &Message<'_>, path: Path, key: &hmac::Key) -> (Vec<u8>, bool) {
    let error = |error| Writer::new(stun::BINDING_ERROR, &message.transaction).error(error);
    if let Some(unknown) = message.unknown {
        let answer = error(stun::UNKNOWN_ATTRIBUTE).unknown_attribute(unknown);
        return (answer.sign(key), false);
    }
    // A lite agent is always the controlled one (RFC 8445 §6.1.1).
    if message.controlled {
        return (error(stun::ROLE_CONFLICT).sign(key), false);
    }
    let answer = Writer::new(stun::BINDING_SUCCESS, &message.transaction);
    (answer.mapped_address(path.remote()).sign(key), true)
}
