//! What can be typed about a validation.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cutover_core::validation::side::Both;

/// What is given here goes before what the file says.
///
/// Nothing of a connection is read here: what clap refuses it repeats, and there may be a password in it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ValidateArgs {
    /// A JSON file with the inputs of a `DataValidation`, as `docs/command.md` describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
    /// The database that rows come from: engine://user@host:port/database, without a password
    #[arg(long, value_name = "URL", help_heading = "Connections")]
    pub(crate) source: Option<String>,
    /// The database that rows go to
    #[arg(long, value_name = "URL", help_heading = "Connections")]
    pub(crate) target: Option<String>,
    /// The variable that holds the password [default: `CUTOVER_SOURCE_PASSWORD`]
    #[arg(long, value_name = "NAME", help_heading = "Connections")]
    pub(crate) source_password_env: Option<String>,
    /// The variable that holds the password [default: `CUTOVER_TARGET_PASSWORD`]
    #[arg(long, value_name = "NAME", help_heading = "Connections")]
    pub(crate) target_password_env: Option<String>,
    /// A secret of AWS Secrets Manager with user, password and the rest of the address
    #[arg(long, value_name = "ARN", help_heading = "Connections")]
    pub(crate) source_secret: Option<String>,
    /// The same for the target
    #[arg(long, value_name = "ARN", help_heading = "Connections")]
    pub(crate) target_secret: Option<String>,
    /// What of both certificates is verified [default: verifyFull]
    #[arg(long, value_name = "MODE", help_heading = "Connections")]
    pub(crate) tls: Option<TlsMode>,
    /// Certificates of the authorities of both servers, in PEM [default: those of the system]
    #[arg(long, value_name = "FILE", help_heading = "Connections")]
    pub(crate) ca_file: Option<String>,
    /// Connections that read at a time, of both sides or source,target [default: 2,4]
    #[arg(long, value_name = "N[,N]", value_parser = connections, help_heading = "Connections")]
    pub(crate) connections: Option<Both<u32>>,
    /// Tables by their names on the source, with `*` for any rest of a part [default: all]
    #[arg(long, value_name = "TABLE", value_delimiter = ',', num_args = 1..)]
    pub(crate) tables: Vec<String>,
    /// Those of them that are left out
    #[arg(long, value_name = "TABLE", value_delimiter = ',', num_args = 1..)]
    pub(crate) exclude: Vec<String>,
    /// When in a migration this is [default: preMigration]
    #[arg(long)]
    pub(crate) mode: Option<Mode>,
    /// How rows are compared [default: full]
    #[arg(long)]
    pub(crate) rows: Option<Rows>,
    /// How the target follows the source: none, native, marker=TABLE or delay=DURATION [default: none]
    #[arg(long, value_name = "HOW")]
    pub(crate) follow: Option<String>,
    /// A ready set of checks
    #[arg(long)]
    pub(crate) preset: Option<Preset>,
    /// How rows are hashed [default: the fastest]
    #[arg(long)]
    pub(crate) strategy: Option<Strategy>,
    /// How keys of rows are shown [default: plain]
    #[arg(long)]
    pub(crate) keys: Option<Keys>,
    /// Where the report is written, as a page (`.html`) or as JSON (`.json`); may be given again
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Where progress is kept, so that the next run goes on where this one was stopped
    #[arg(long, value_name = "FILE")]
    pub(crate) progress: Option<PathBuf>,
}

/// What of a certificate is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum TlsMode {
    /// Chain and host name
    VerifyFull,
    /// The chain alone, for tunnels
    VerifyCa,
    /// Nothing: encrypted, with whomever it is
    Require,
    /// Not encrypted
    Off,
}

/// When in a migration a validation happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// Before the switch
    PreMigration,
    /// Within the write pause
    Final,
    /// After the switch
    PostMigration,
}

/// How rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Rows {
    /// All of them, all columns
    Full,
    /// Some of them, which proves nothing
    Sample,
    /// Only their number
    Count,
    /// Not at all
    Skip,
}

/// A ready set of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Preset {
    /// Payments, transactions, customers and an audit log
    Payments,
}

/// How rows are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Strategy {
    /// In the servers, by PostgreSQL's own hash of records
    RecordHash,
    /// Here, of rows that are read in binary
    Stream,
    /// In the servers, by SHA-256 of canonical text
    TextDigest,
}

/// How keys of rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Keys {
    /// As they are
    Plain,
    /// Hashed with the report's own salt
    Hashed,
    /// Not at all
    None,
}

fn connections(text: &str) -> Result<Both<u32>, String> {
    let number = |text: &str| {
        let number = text.trim().parse().ok();
        number
            .filter(|number| (1..=64).contains(number))
            .ok_or_else(|| format!("`{text}` is not a number from 1 to 64"))
    };
    let (source, target) = text.split_once(',').unwrap_or((text, text));
    Ok(Both {
        source: number(source)?,
        target: number(target)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_of_both_sides_or_of_each() {
        let both = |source, target| Ok(Both { source, target });
        assert_eq!(connections("3"), both(3, 3));
        assert_eq!(connections("2,8"), both(2, 8));
        for bad in ["", "0", "65", "2,", "two", "1,2,3"] {
            assert!(connections(bad).is_err(), "{bad}");
        }
    }
}
