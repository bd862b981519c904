//! The function and its trigger as SQL.

use cutover_core::writer_switch::control::Told;
use cutover_driver::Fenced;

use super::ours;
use crate::postgres::quote;

/// The trigger of each table.
pub(super) const TRIGGER: &str = "cutover_fence";

/// `pg_trigger.tgtype` of a trigger before INSERT (4), DELETE (8), UPDATE (16) and TRUNCATE (32), for each statement.
pub(super) const TRIGGER_TYPE: i16 = 2 + 4 + 8 + 16 + 32;

/// What the fence is to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// Let everything through.
    Open,
    /// Refuse until this moment, as the server writes it with its offset.
    Paused(&'a str),
    /// Refuse.
    Closed,
}

impl Body<'_> {
    /// The first line of the function, by which it is known what it does.
    pub(super) fn headline(told: Told) -> &'static str {
        match told {
            Told::Open => "-- cutover: open",
            Told::Paused => "-- cutover: paused",
            Told::Closed => "-- cutover: closed",
        }
    }

    fn told(self) -> Told {
        match self {
            Self::Open => Told::Open,
            Self::Paused(_) => Told::Paused,
            Self::Closed => Told::Closed,
        }
    }
}

/// Makes the function, or replaces it.
///
/// It runs as whoever writes. An open one names nothing, so it does without a search path of its own, which each statement
/// of a payment would pay for. The probe's trigger has an argument, so that the users of replication are refused there too.
pub(super) fn function(of: &Fenced, body: Body<'_>) -> String {
    let name = ours(of, "fence");
    let headline = Body::headline(body.told());
    let (expiry, message) = match body {
        Body::Open => {
            let source = quote::text(&format!("\n{headline}\nBEGIN\n  RETURN NULL;\nEND\n"));
            return format!(
                "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS {source}"
            );
        }
        Body::Paused(until) => (
            format!(
                "  IF clock_timestamp() >= {}::timestamptz THEN RETURN NULL; END IF;\n",
                quote::text(until)
            ),
            "writes to this database are paused for a moment, while the database that takes them changes",
        ),
        Body::Closed => (
            String::new(),
            "this database does not take writes: another one does",
        ),
    };
    let source = format!(
        "\n{headline}\nBEGIN\n{expiry}{}  RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = {},\n    HINT = {};\nEND\n",
        let_through(&of.apply_users),
        quote::text(&format!("{message} (migration {})", of.migration)),
        quote::text(
            "Reconnect to the database that the service's setting names, and repeat the transaction."
        ),
    );
    format!(
        "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql \
         SET search_path = pg_catalog, pg_temp AS {}",
        quote::text(&source)
    )
}

fn let_through(users: &[String]) -> String {
    if users.is_empty() {
        return String::new();
    }
    let users: Vec<_> = users.iter().map(|user| quote::text(user)).collect();
    format!(
        "  IF TG_NARGS = 0 AND session_user IN ({}) THEN RETURN NULL; END IF;\n",
        users.join(", ")
    )
}

/// Makes the trigger of a table, in place of one that was switched off or calls something else. With `argument` it refuses
/// whoever writes.
pub(super) fn trigger(of: &Fenced, table: &str, argument: bool) -> String {
    format!(
        "CREATE OR REPLACE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} \
         FOR EACH STATEMENT EXECUTE FUNCTION {}({})",
        ours(of, "fence"),
        if argument { "'everyone'" } else { "" }
    )
}
