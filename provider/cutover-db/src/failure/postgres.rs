//! What PostgreSQL's codes mean for us. Codes are those of its manual, appendix "PostgreSQL Error Codes".

use cutover_core::validation::facts::DbFailureClass;

use super::Concluded;

/// Concludes from a code and the message with it. The message is kept only where the code is one that we know.
pub(super) fn conclude(code: &str, message: &str) -> Concluded {
    match class(code) {
        Some((class, "")) => Concluded::new(class, message),
        Some((class, next)) => Concluded::new(class, format!("{message}: {next}")),
        None => Concluded::new(
            DbFailureClass::Other,
            format!("{} (what the server said may quote a value)", meaning(code)),
        ),
    }
}

/// The class of a code, and what to do where the message does not say so; `None` where the message may quote values.
fn class(code: &str) -> Option<(DbFailureClass, &'static str)> {
    use DbFailureClass as Class;
    Some(match code {
        "28000" | "28P01" => (Class::Login, ""),
        "3D000" | "57P04" => (Class::NoDatabase, ""),
        "42501" => (Class::Denied, ""),
        "42P01" | "42703" | "42704" | "3F000" => (Class::Missing, ""),
        "42883" | "0A000" | "55000" | "58P01" => (Class::Unsupported, ""),
        // Sessions prepare statements, which a pooler between us and the server forgets.
        "26000" | "08P01" => (
            Class::Unsupported,
            "connect to the server itself, not through a pooler of transactions",
        ),
        "57014" => (Class::TimedOut, ""),
        "25006" => (
            Class::Changed,
            "the server follows another one, or the statement writes and may only read",
        ),
        "55P03" | "55006" | "40001" | "40P01" => (Class::Busy, ""),
        "08001" | "08004" => (Class::Unreachable, ""),
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => (Class::Lost, ""),
        _ => match code.get(..2)? {
            "08" => (Class::Lost, ""),
            "42" => (Class::Malformed, ""),
            "53" => (Class::Busy, ""),
            "54" => (Class::TooBig, ""),
            _ => return None,
        },
    })
}

/// The standard meaning of a code whose message may quote a value.
fn meaning(code: &str) -> &'static str {
    match code {
        "21000" => "a query in place of a value gave more than one row",
        "22001" => "a text is too long for its type",
        "22003" => "a number is out of the range of its type",
        "22007" | "22008" => "a text is not a date or time, or is out of range",
        "22012" => "a division by zero",
        "22021" | "22P05" => "bytes are not text in the database's encoding",
        "22023" => "a parameter of a function is not valid",
        "22P02" => "a text is not of the form of its type",
        "23502" => "a value is null and must not be",
        "23503" => "a foreign key is violated",
        "23505" => "a unique key is violated",
        "23514" => "a check constraint is violated",
        "XX001" | "XX002" => "data or an index of the server are corrupted",
        _ => match code.get(..2).unwrap_or_default() {
            "21" => "a cardinality violation",
            "22" => "a value is not right for what was to be done with it",
            "23" => "a constraint is violated",
            "P0" => "a function or trigger of the database raised an error",
            "38" | "39" => "an external function failed",
            "58" => "a system error on the server",
            "XX" => "an internal error of the server",
            _ => "the server refused it",
        },
    }
}
