//! What a person does about a database that could not be asked.

use super::facts::{DbFailure, DbFailureClass};
use super::side::Side;

/// The number of the stable code of a failure, as in `docs/errors.md`, and what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The number: 210 is `CUT-210`.
    pub code: u16,
    /// What to do next, without a period at the end.
    pub next: &'static str,
}

/// Says what to do about a class of failures.
pub const fn advice_on(class: DbFailureClass) -> Advice {
    let (code, next) = match class {
        DbFailureClass::Unreachable => (
            210,
            "check host and port, and that security groups, firewalls and name resolution let this machine reach it",
        ),
        DbFailureClass::Untrusted => (
            211,
            "give the certificate of its authority with `tls.ca` or `tls.caFile`, for Amazon RDS the bundle of its region, \
             and use the host name that the certificate bears",
        ),
        DbFailureClass::NoTls => (
            212,
            "switch TLS on in the server; where the network is trusted instead, say so with `tls.mode` `off`",
        ),
        DbFailureClass::Login => (
            213,
            "check user and password or the secret that holds them, and that the server lets this user in from here",
        ),
        DbFailureClass::NoDatabase => (214, "check the name of the database"),
        DbFailureClass::Denied => (
            215,
            "grant the user the rights to read that docs/data-validation.md lists for this engine",
        ),
        DbFailureClass::Missing => (
            216,
            "see whether a migration is changing tables just now; when it is over, run the validation again",
        ),
        DbFailureClass::Unsupported => (
            217,
            "see docs/data-validation.md for engines and versions; another `strategy` may do where one function is missing",
        ),
        DbFailureClass::Malformed => (
            203,
            "try the statement in a client of the database; where engines differ give `targetQuery`",
        ),
        DbFailureClass::TimedOut => (
            218,
            "run the validation again when the server is less busy, or raise `statementTimeout`",
        ),
        DbFailureClass::Lost => (
            218,
            "see whether the server was restarted or failed over; when it is up, run the validation again",
        ),
        DbFailureClass::Busy => (
            218,
            "run the validation again when the server is less busy, or lower `connections` for it",
        ),
        DbFailureClass::TooBig => (
            220,
            "raise `max_allowed_packet` of the server, use the strategy `stream`, or leave the column out",
        ),
        DbFailureClass::Changed => (
            221,
            "see whether it was failed over or its name leads elsewhere; then run the validation again",
        ),
        DbFailureClass::Other => (
            222,
            "mend what the server names, then run the validation again",
        ),
    };
    Advice { code, next }
}

/// Says what happened, in one line: side, what was being done, what the server said, and its code.
pub fn render_failure(side: Side, failure: &DbFailure) -> String {
    let DbFailure {
        doing,
        code,
        message,
        ..
    } = failure;
    let code = code.as_deref();
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    format!("the {side} failed at {doing}: {message}{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_its_side_and_the_servers_code() {
        let failure = DbFailure {
            class: DbFailureClass::Denied,
            doing: "reading public.payments".to_owned(),
            code: Some("42501".to_owned()),
            message: "permission denied for table payments".to_owned(),
        };

        assert_eq!(
            render_failure(Side::Source, &failure),
            "the source failed at reading public.payments: permission denied for table payments (42501)"
        );
        assert_eq!(advice_on(failure.class).code, 215);
    }
}
