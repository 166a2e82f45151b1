//! What a stranger sends over HTTP, as functions of bytes.

use super::frames::Frames;
use super::heads::Heads;

/// The bytes of a connection, in two reads: the first byte says where the second begins.
pub(crate) fn request_head(bytes: &[u8]) {
    let Some((at, bytes)) = bytes.split_first() else {
        return;
    };
    let (first, second) = bytes.split_at(usize::from(*at).min(bytes.len()));
    let judge = |parts: &[&[u8]]| {
        let mut heads = Heads::default();
        parts.iter().for_each(|part| heads.read(part));
        heads.next()
    };
    // Where the reads are cut changes no verdict.
    assert_eq!(judge(&[first, second]), judge(&[bytes]));
}

/// The bytes of an open WebSocket, in two reads as above. The cut must not change the number of frames or the position
/// of the reader.
pub(crate) fn frames(bytes: &[u8]) {
    let Some((at, bytes)) = bytes.split_first() else {
        return;
    };
    let (first, second) = bytes.split_at(usize::from(*at).min(bytes.len()));
    let mut cut = Frames::default();
    let begun = cut.read(first) + cut.read(second);
    let mut whole = Frames::default();
    assert_eq!(begun, whole.read(bytes));
    assert_eq!(cut.place(), whole.place());
}
