//! Every variable that the plugin reads itself.
//!
//! Configuration falls back on variables that `cutover_resources::Config` names beside each property. The SDK reads
//! those that every AWS tool reads for credentials.

use tracing_subscriber::EnvFilter;

/// What to write to standard error, as a filter such as `debug` or `cutover_driver=trace`. Without it: warnings.
const LOG: &str = "CUTOVER_LOG";

/// The name server to ask instead of the authoritative ones, as `host:port`, when the configuration names none.
pub(crate) const NAME_SERVER: &str = "CUTOVER_NAME_SERVER";

/// When the session keys of the environment end. AWS tools write it beside the keys; the SDK does not read it.
pub(crate) const SESSION_END: &str = "AWS_CREDENTIAL_EXPIRATION";

/// What is written when nothing is asked for, and when what is asked for cannot be read.
const LOG_DEFAULT: &str = "warn";

/// Reads a variable; an empty one counts as absent.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns what to write to standard error.
pub(crate) fn log_filter() -> EnvFilter {
    let asked_for = variable(LOG).and_then(|filter| EnvFilter::try_new(filter).ok());
    asked_for.unwrap_or_else(|| EnvFilter::new(LOG_DEFAULT))
}
