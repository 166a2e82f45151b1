//! A bell that one task listens for. Ringing never waits. A task that listens later still hears it, once.
//!
//! A session listens for many things at once and starts again with each frame, so listening must be very cheap. A
//! waiter of [`tokio::sync::Notify`] takes a lock and a place in a list each time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// See [`bell`](self). When several tasks listen, only the last one is woken.
#[derive(Debug, Default)]
pub struct Bell {
    is_rung: AtomicBool,
    listener: AtomicWaker,
}

impl Bell {
    /// Rings it.
    pub fn ring(&self) {
        self.is_rung.store(true, Ordering::Release);
        self.listener.wake();
    }

    /// Waits until it rings, or has rung since it was last heard. A cancelled wait has heard nothing.
    pub async fn heard(&self) {
        std::future::poll_fn(|context| {
            // This comes first, so that no ringing is missed in between.
            self.listener.register(context.waker());
            match self.is_rung.swap(false, Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn each_ringing_is_heard_once_and_not_by_who_stops_waiting() {
        let bell = Bell::default();
        assert!(bell.heard().now_or_never().is_none());
        bell.ring();
        bell.ring();
        drop(bell.heard());
        assert!(bell.heard().now_or_never().is_some());
        assert!(bell.heard().now_or_never().is_none());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_listens_is_woken() {
        let (bell, answer) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let (heard, answers) = (bell.clone(), answer.clone());
        let listener = tokio::spawn(async move {
            for _ in 0..10_000 {
                heard.heard().await;
                answers.ring();
            }
        });
        let rings = async {
            for _ in 0..10_000 {
                bell.ring();
                answer.heard().await;
            }
            listener.await.unwrap();
        };
        let patience = std::time::Duration::from_secs(60);
        tokio::time::timeout(patience, rings).await.unwrap();
    }
}
