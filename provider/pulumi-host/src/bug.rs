//! Panics: caught once, reported as a bug, without quoting what the program was working on.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use crate::error::Error;

thread_local! {
    /// Whether this thread is working on a call.
    static WORKING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Whether the whole process is a plugin, so that no panic in it may quote anything.
static PLUGIN: AtomicBool = AtomicBool::new(false);

/// Replaces the standard message of panics inside of calls, which quotes values, by one that names the place only.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let standard = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let working = WORKING.get();
            if !working && !PLUGIN.load(Ordering::Relaxed) {
                return standard(info);
            }
            let place = info
                .location()
                .map(|at| format!("{}:{}", at.file(), at.line()));
            tracing::error!(
                place = place.as_deref().unwrap_or("an unknown place"),
                "panicked"
            );
            if working {
                PLACE.with(|slot| slot.replace(place));
            }
        }));
    });
}

/// Does the same for panics anywhere in the process, for a process that is a plugin and nothing else.
pub(crate) fn watch_everything() {
    PLUGIN.store(true, Ordering::Relaxed);
    watch();
}

/// Does a piece of work that belongs to a call; a panic becomes an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    let before = WORKING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    WORKING.set(before);
    result.map_err(|payload| Error::bug(describe(payload.as_ref())))
}

/// The same for work that waits. A panic is caught on the thread on which it happens, which knows its place.
pub(crate) async fn caught_async<T>(work: impl Future<Output = T> + Send) -> Result<T, Error> {
    let mut work = Box::pin(work);
    std::future::poll_fn(
        move |context| match caught(|| work.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Err(bug) => Poll::Ready(Err(bug)),
        },
    )
    .await
}

/// Describes a panic that was just caught on this thread.
///
/// A message that was put together at run time may hold values of the program, secrets among them, and is left out;
/// a literal one cannot.
fn describe(payload: &(dyn Any + Send)) -> String {
    let place = PLACE
        .with(RefCell::take)
        .unwrap_or_else(|| "an unknown place".to_owned());
    match payload.downcast_ref::<&'static str>() {
        Some(message) => format!("{message} (at {place})"),
        None => format!("at {place}"),
    }
}
