//! Which paths lead to which connections, and, where several threads share a port, to which thread.
//!
//! A path comes in here only when its connection has authenticated something that came by it, and goes with its
//! connection. So strangers can neither fill these tables nor lead a path elsewhere.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::media::peer::path::Path;
use crate::media::room::{RoomKey, Route};

/// The paths of one thread's connections.
#[derive(Default)]
pub(in crate::media) struct Paths {
    routes: HashMap<Path, Route, Folding>,
    /// Where other threads look them up, and which thread this is.
    listed: Option<(Arc<Directory>, usize)>,
}

impl Paths {
    /// Of this thread; the others find them in the directory.
    pub fn listed(directory: Arc<Directory>, thread: usize) -> Self {
        Self {
            routes: HashMap::default(),
            listed: Some((directory, thread)),
        }
    }

    /// None of the same thread's.
    pub fn begin_anew(&self) -> Self {
        Self {
            routes: HashMap::default(),
            listed: self.listed.clone(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Where a path leads.
    pub fn get(&self, path: &Path) -> Option<&Route> {
        self.routes.get(path)
    }

    /// From now on a path leads there. Whether it does: a path that another thread has stays with it.
    pub fn claim(&mut self, path: Path, route: Route) -> bool {
        let is_free = match &self.listed {
            Some((directory, thread)) => directory.claim(path, *thread),
            None => true,
        };
        if is_free {
            self.routes.insert(path, route);
        }
        is_free
    }

    /// Gives a path up; where it led.
    pub fn remove(&mut self, path: &Path) -> Option<Route> {
        let route = self.routes.remove(path)?;
        if let Some((directory, thread)) = &self.listed {
            directory.release(*path, *thread);
        }
        Some(route)
    }

    /// Gives up all paths of a room.
    pub fn remove_room(&mut self, room: RoomKey) {
        let of_room = |(path, route): (&Path, &Route)| (route.room == room).then_some(*path);
        let gone: Vec<Path> = self.routes.iter().filter_map(of_room).collect();
        for path in gone {
            self.remove(&path);
        }
    }

    /// The connections whose datagrams come from this IP address, by any port.
    pub fn around(&self, path: Path) -> Vec<Route> {
        let here = |known: &Path| {
            let is_near =
                known.local() == path.local() && known.remote().ip() == path.remote().ip();
            is_near && matches!(known, Path::Udp { .. })
        };
        let found = self.routes.iter().filter(|(known, _)| here(known));
        let mut routes: Vec<Route> = found.map(|(_, route)| *route).collect();
        routes.sort_unstable_by_key(|route| (route.room, route.member, route.side));
        routes.dedup();
        routes
    }
}

impl Drop for Paths {
    fn drop(&mut self) {
        if let Some((directory, thread)) = &self.listed {
            for path in self.routes.keys() {
                directory.release(*path, *thread);
            }
        }
    }
}

/// The paths of all threads that share a port. Threads read it for what comes to them by a path that they do not know,
/// and write it when a path begins or ends, which is seldom.
#[derive(Default)]
pub(in crate::media) struct Directory(RwLock<Listed>);

#[derive(Default)]
struct Listed {
    threads: HashMap<Path, usize, Folding>,
    /// How many paths each thread has between one address of ours and one IP address.
    near: HashMap<(SocketAddr, IpAddr), HashMap<usize, usize>, Folding>,
}

impl Directory {
    /// Which thread has a path.
    pub fn thread_of(&self, path: Path) -> Option<usize> {
        self.read().threads.get(&path).copied()
    }

    /// The threads that have datagrams from this IP address, by any port.
    pub fn around(&self, path: Path) -> Vec<usize> {
        let listed = self.read();
        let near = listed.near.get(&(path.local(), path.remote().ip()));
        near.map_or_else(Vec::new, |threads| threads.keys().copied().collect())
    }

    /// How many paths there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.read().threads.len()
    }

    /// Whether the thread has the path from now on.
    fn claim(&self, path: Path, thread: usize) -> bool {
        let mut listed = self.write();
        match listed.threads.entry(path) {
            Entry::Occupied(holder) => return *holder.get() == thread,
            Entry::Vacant(place) => place.insert(thread),
        };
        if matches!(path, Path::Udp { .. }) {
            let near = listed.near.entry((path.local(), path.remote().ip()));
            *near.or_default().entry(thread).or_default() += 1;
        }
        true
    }

    fn release(&self, path: Path, thread: usize) {
        let mut listed = self.write();
        if listed.threads.get(&path) != Some(&thread) {
            return;
        }
        listed.threads.remove(&path);
        let key = (path.local(), path.remote().ip());
        if !matches!(path, Path::Udp { .. }) {
            return;
        }
        if let Some(near) = listed.near.get_mut(&key) {
            let count = near.entry(thread).or_default();
            *count = count.saturating_sub(1);
            near.retain(|_, count| *count > 0);
            if near.is_empty() {
                listed.near.remove(&key);
            }
        }
    }

    /// What is done under this lock cannot fail half-way.
    fn read(&self) -> RwLockReadGuard<'_, Listed> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Listed> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How paths are hashed. Each datagram is looked up, and the standard library's hash costs more than the rest of the
/// look-up. The seed keeps a stranger from choosing addresses with the same hash.
#[derive(Clone)]
pub(in crate::media) struct Folding(u64);

impl Default for Folding {
    fn default() -> Self {
        Self(rand::random())
    }
}

impl BuildHasher for Folding {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

/// What was hashed so far: each word is multiplied in, and the halves of the product laid over each other.
pub(in crate::media) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // An odd number without a pattern: the golden ratio's fraction.
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::room::Side;

    fn path(port: u16) -> Path {
        let here = SocketAddr::from(([192, 0, 2, 1], 20_000));
        Path::udp(here, SocketAddr::from(([203, 0, 113, 9], port)))
    }

    fn route(room: RoomKey) -> Route {
        Route {
            room,
            member: 1,
            side: Side::Down,
        }
    }

    fn two() -> (Arc<Directory>, [Paths; 2]) {
        let directory = Arc::new(Directory::default());
        let paths = [0, 1].map(|thread| Paths::listed(Arc::clone(&directory), thread));
        (directory, paths)
    }

    #[test]
    fn a_path_stays_with_the_thread_that_has_it_until_that_gives_it_up() {
        let (directory, [mut one, mut other]) = two();
        assert!(one.claim(path(5_000), route(1)));
        assert!(!other.claim(path(5_000), route(2)));
        assert_eq!(other.get(&path(5_000)), None);
        // A thread that does not have the path cannot give it up.
        assert_eq!(other.remove(&path(5_000)), None);
        assert_eq!(directory.thread_of(path(5_000)), Some(0));
        // Within a thread it may change hands.
        assert!(one.claim(path(5_000), route(3)));
        assert_eq!(one.remove(&path(5_000)), Some(route(3)));
        assert_eq!(directory.thread_of(path(5_000)), None);
        assert!(other.claim(path(5_000), route(2)));
        assert_eq!(directory.thread_of(path(5_000)), Some(1));
    }

    #[test]
    fn the_directory_has_what_the_threads_have_and_nothing_else() {
        let (directory, [mut one, mut other]) = two();
        for port in 5_000..5_010 {
            assert!(one.claim(path(port), route(u64::from(port % 2))));
            assert!(other.claim(path(port + 100), route(7)));
        }
        let mut near = directory.around(path(9_999));
        near.sort_unstable();
        assert_eq!((directory.len(), near), (20, vec![0, 1]));
        one.remove_room(1);
        assert_eq!((one.len(), directory.len()), (5, 15));
        let anew = one.begin_anew();
        drop(std::mem::replace(&mut one, anew));
        assert_eq!(
            (directory.len(), directory.around(path(9_999))),
            (10, vec![1])
        );
        assert!(
            one.claim(path(5_000), route(1)),
            "it goes on as the same thread"
        );
        drop((one, other));
        let listed = directory.read();
        assert!(listed.threads.is_empty() && listed.near.is_empty());
    }

    #[test]
    fn only_datagrams_have_others_near_them() {
        let (directory, [mut one, _]) = two();
        let Path::Udp { local, remote } = path(5_000) else {
            unreachable!("it is one of datagrams");
        };
        let relayed = Path::Relayed {
            allocation: 1,
            local,
            remote,
        };
        assert!(one.claim(relayed, route(1)));
        assert_eq!(directory.thread_of(relayed), Some(0));
        assert!(directory.around(path(6_000)).is_empty());
        one.remove(&relayed);
        assert_eq!(directory.len(), 0);
    }
}
