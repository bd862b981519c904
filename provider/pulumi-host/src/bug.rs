//! Panics: caught once, reported as a bug, without quoting what the program was working on.

use std::any::Any;
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the standard panic message, which quotes values, by one that names the place only.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
            let place = info
                .location()
                .map(|at| format!("{}:{}", at.file(), at.line()));
            tracing::error!(
                place = place.as_deref().unwrap_or("an unknown place"),
                "panicked"
            );
            PLACE.with(|slot| slot.replace(place));
        }));
    });
}

/// Describes a panic that was just caught on this thread.
///
/// A message that was put together at run time may hold values of the program, secrets among them, and is left out;
/// a literal one cannot.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let place = PLACE
        .with(RefCell::take)
        .unwrap_or_else(|| "an unknown place".to_owned());
    match payload.downcast_ref::<&'static str>() {
        Some(message) => format!("{message} (at {place})"),
        None => format!("at {place}"),
    }
}
