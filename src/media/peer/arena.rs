//! The datagrams of one turn, in one buffer that is used again and again: a packet is written and sealed where it
//! leaves from.

use std::ops::Range;

use super::path::Path;

/// A buffer that the kernel cuts may not be longer than a UDP datagram; this leaves room for headers.
const LONGEST_RUN: usize = 60_000;

/// What one turn of a worker sends.
#[derive(Default)]
pub(in crate::media) struct Arena {
    bytes: Vec<u8>,
    datagrams: Vec<Datagram>,
    /// Whether more waits to be sent soon.
    expects_more: bool,
}

/// One datagram: where it goes, and where it stands.
struct Datagram {
    path: Path,
    place: Range<usize>,
}

impl Arena {
    /// What `write` appends becomes one datagram; if it appends nothing there is none.
    pub fn push(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > start {
            let place = start..self.bytes.len();
            self.datagrams.push(Datagram { path, place });
        }
    }

    /// More waits for its pace, and is to be asked for soon.
    pub fn expect_more(&mut self) {
        self.expects_more = true;
    }

    /// Whether more waits; told once.
    pub fn take_expectation(&mut self) -> bool {
        std::mem::take(&mut self.expects_more)
    }

    /// Whether there is nothing to send.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// How many datagrams from this one on the kernel can cut out of one buffer (generic segmentation offload). They go
    /// by the same path and have one size, but for the last, which may be shorter.
    pub fn run_length(&self, from: usize, most: usize) -> usize {
        let rest = self.datagrams.get(from..).unwrap_or_default();
        let Some(first) = rest.first() else {
            return 0;
        };
        let (size, mut bytes, mut run) = (first.place.len(), 0, 0);
        for datagram in rest.iter().take(most.max(1)) {
            let length = datagram.place.len();
            bytes += length;
            let fits = datagram.path == first.path && length <= size && bytes <= LONGEST_RUN;
            if run > 0 && !fits {
                break;
            }
            run += 1;
            if length < size {
                break;
            }
        }
        run
    }

    /// The path of a run, the size of its first datagram, and its bytes in one piece. They are brought together in
    /// `apart` where other datagrams lie between them.
    pub fn run<'a>(
        &'a self,
        from: usize,
        length: usize,
        apart: &'a mut Vec<u8>,
    ) -> Option<(Path, usize, &'a [u8])> {
        let run = self.datagrams.get(from..from + length)?;
        let (first, last) = (run.first()?, run.last()?);
        let bytes: usize = run.iter().map(|datagram| datagram.place.len()).sum();
        let whole = first.place.start..last.place.end;
        let contents = if whole.len() == bytes {
            &self.bytes[whole]
        } else {
            apart.clear();
            for datagram in run {
                apart.extend_from_slice(&self.bytes[datagram.place.clone()]);
            }
            apart
        };
        Some((first.path, first.place.len(), contents))
    }

    /// The datagrams from this one on that go by the same path.
    pub fn way(&self, from: usize) -> impl Iterator<Item = &[u8]> {
        let rest = self.datagrams.get(from..).unwrap_or_default();
        let path = rest.first().map(|first| first.path);
        rest.iter()
            .take_while(move |datagram| Some(datagram.path) == path)
            .map(|datagram| &self.bytes[datagram.place.clone()])
    }

    /// One datagram.
    pub fn get(&self, at: usize) -> Option<(Path, &[u8])> {
        let datagram = self.datagrams.get(at)?;
        Some((datagram.path, &self.bytes[datagram.place.clone()]))
    }

    /// The datagrams, in order.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (Path, &[u8])> {
        let bytes = &self.bytes;
        let datagrams = self.datagrams.iter();
        datagrams.map(|datagram| (datagram.path, &bytes[datagram.place.clone()]))
    }

    /// Brings together the datagrams of each path; within a path they keep their order.
    pub fn group(&mut self) {
        self.datagrams
            .sort_unstable_by_key(|datagram| (datagram.path, datagram.place.start));
    }

    /// Forgets all datagrams, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        Path::udp(address(1), address(port))
    }

    #[test]
    fn what_goes_one_way_is_brought_together_in_order() {
        let mut arena = Arena::default();
        for (port, byte) in [(2, 1), (3, 2), (2, 3), (3, 4)] {
            arena.push(path(port), |bytes| bytes.push(byte));
        }
        arena.push(path(4), |_| {});
        arena.group();
        let sent: Vec<_> = arena.iter().map(|(path, bytes)| (path, bytes[0])).collect();
        let (two, three) = (path(2), path(3));
        assert_eq!(sent, [(two, 1), (two, 3), (three, 2), (three, 4)]);
        let mut apart = Vec::new();
        assert_eq!(arena.run_length(0, 64), 2);
        assert_eq!(
            arena.run(0, 2, &mut apart),
            Some((two, 1, &[1_u8, 3][..])),
            "something lay between them"
        );
        let lengths = [0, 1, 2, 4, 5].map(|from| arena.way(from).count());
        assert_eq!(lengths, [2, 1, 2, 0, 0]);
        arena.clear();
        assert!(arena.is_empty() && arena.iter().next().is_none());
    }

    #[test]
    fn a_run_goes_one_way_in_one_size() {
        let run = |datagrams: &[(u16, usize)], most: usize| {
            let mut arena = Arena::default();
            for (port, size) in datagrams {
                arena.push(path(*port), |bytes| bytes.resize(bytes.len() + size, 0));
            }
            arena.run_length(0, most)
        };
        assert_eq!(run(&[], 64), 0);
        assert_eq!(run(&[(1, 100)], 64), 1);
        assert_eq!(run(&[(1, 100), (1, 100), (2, 100)], 64), 2);
        assert_eq!(run(&[(1, 100), (1, 60), (1, 60)], 64), 2);
        assert_eq!(run(&[(1, 60), (1, 100)], 64), 1);
        let long = [(1, 1_200); 100];
        assert_eq!(run(&long, 64), 50);
        assert_eq!(run(&long, 8), 8);
        assert_eq!(run(&long, 0), 1);
    }
}
