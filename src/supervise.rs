//! Long-lived tasks, and what happens when one panics. The panic is caught and logged once under the name of the task.
//! Then the part that the task carried ends in order, or the task begins again.
//!
//! A panic is an unknown fault of ours. The owner of a task decides what others must hear of its end. This module only
//! ensures that no end is silent.
//!
//! What others hear: when a room panics, everybody in it is taken out as if their sockets were lost, so that
//! attendance ends and bans last, and the sockets close with 1001. A handler's panic is answered `server.internal`.
//! A session that panics departs by a guard. A room's media that fail are opened anew, and `media.failed` tells its
//! people. A media thread begins anew, and gives up with the process when it fails again and again.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// How long a task that panicked rests before it begins again, so that one that always does costs little.
const PAUSE: Duration = Duration::from_secs(1);

/// A panic that was caught and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it panicked")]
pub struct Panicked;

/// Carries `work` out. A panic in it is logged under `what`. Data that `work` borrowed may be half changed then: its
/// owner drops it, or knows that it is valid.
///
/// # Errors
/// [`Panicked`]
pub async fn caught<T>(what: &'static str, work: impl Future<Output = T>) -> Result<T, Panicked> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|panic| log(what, &*panic))
}

/// The same for synchronous work.
///
/// # Errors
/// [`Panicked`]
pub fn caught_now<T>(what: &'static str, work: impl FnOnce() -> T) -> Result<T, Panicked> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| log(what, &*panic))
}

/// Starts a task whose panic ends only it. Its data is dropped then, which must tell everybody affected.
pub fn spawn(
    what: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let task = async move {
        // It is logged, and nobody else must be told.
        let _ = caught(what, task).await;
    };
    tokio::spawn(task.in_current_span())
}

/// Starts a task that the server needs. After a panic it begins again, made anew by `make`.
pub fn keep<F>(what: &'static str, mut make: impl FnMut() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let task = async move {
        while caught(what, make()).await.is_err() {
            tokio::time::sleep(PAUSE).await;
            tracing::warn!(task = what, "begins again");
        }
    };
    tokio::spawn(task.in_current_span())
}

#[cfg(test)]
thread_local! {
    /// How many panics were caught on this thread: a simulation wants none.
    pub(crate) static CAUGHT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

fn log(what: &'static str, panic: &(dyn Any + Send)) -> Panicked {
    #[cfg(test)]
    CAUGHT.set(CAUGHT.get() + 1);
    let said = panic.downcast_ref::<&'static str>().copied();
    // Only what stands in our source as it is: a sentence that was put together may hold what people sent.
    let said = said.unwrap_or("see the line before");
    tracing::error!(
        task = what,
        panic = said,
        "a task panicked: this is a fault in the server"
    );
    Panicked
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_and_what_is_well_comes_through() {
        let well = caught("a test", async { 7 }).await;
        assert_eq!(well, Ok(7));
        let ill = caught("a test", async { panic!("as the test wants") });
        assert_eq!(ill.await, Err::<(), _>(Panicked));
        assert_eq!(
            caught_now("a test", || panic!("{}", 1)),
            Err::<(), _>(Panicked)
        );
        spawn("a test", async { panic!("as the test wants") })
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_kept_begins_again_until_it_ends_by_itself() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let kept = keep("a test", move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(run == 3, "as the test wants") }
        });
        kept.await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 4);
    }
}
