//! What can be typed.

mod validate;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use cutover_core::Timestamp;
pub(crate) use validate::{Keys, Mode, Preset, Rows, Strategy, TlsMode, ValidateArgs};

const EXIT_CODES: &str = "Exit codes:
  0  done, or there was nothing to do
  1  finding: what was looked at is not as it should be
  2  usage: what was typed cannot be meant
  3  failed: it could not be done

Results go to standard output, progress and errors to standard error.";

/// Look at shifts of traffic, and take them back; compare databases.
///
/// Needs a hosted zone, a name and AWS credentials, or two databases; neither the Pulumi program nor its state.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// Print results and errors as JSON, one object to a line
    #[arg(long, global = true)]
    pub json: bool,
    /// How AWS is reached.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Returns the definition of the command line, for completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// How AWS is reached. What is not given is looked for where every AWS tool looks.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// The region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of the shared configuration files
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where to send the calls of all services, for rehearsals
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Which name server to ask in place of all others, for rehearsals
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub name_server: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show weights, journal and fence of a name, and what is wrong with them
    #[command(after_help = EXIT_CODES)]
    Status(StatusArgs),
    /// Send everything back to old
    ///
    /// With `--zone` and `--name` the records are written at once, whoever is running. With `--parameter` the shift that
    /// runs is asked to do it itself.
    #[command(after_help = EXIT_CODES)]
    Rollback(RollbackArgs),
    /// Ask a running shift to stop where it is
    #[command(after_help = EXIT_CODES)]
    Hold(HoldArgs),
    /// Ask a shift that is held to go on
    #[command(after_help = EXIT_CODES)]
    Resume(ResumeArgs),
    /// Approve a step that waits for a person, and all before it
    #[command(after_help = EXIT_CODES)]
    Approve(ApproveArgs),
    /// Take away the fence of a run that is gone
    ///
    /// Deletes the journal, unless somebody has changed it meanwhile. How far the shift was is forgotten with it.
    #[command(after_help = EXIT_CODES)]
    Unlock(UnlockArgs),
    /// Ask every authoritative name server, and compare its answers with the weights
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyArgs),
    /// Shift a throw-away name forward and back, and measure how long it takes
    ///
    /// Makes two weighted records under a name that must not exist, and removes them whatever happens.
    #[command(after_help = EXIT_CODES)]
    Drill(DrillArgs),
    /// Replay gates over metrics of the past, and say when each would have fired
    #[command(after_help = EXIT_CODES)]
    Simulate(SimulateArgs),
    /// Compare two live databases until they are proven equal, or proven different
    ///
    /// Writes to neither, but for one row of a marker table with `--follow marker=TABLE`. Exits with 1 when they differ, and
    /// when it cannot be told.
    #[command(after_help = EXIT_CODES)]
    Validate(Box<ValidateArgs>),
    /// Explain an error code; without one, list them
    #[command(after_help = EXIT_CODES)]
    Explain(ExplainArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which records.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArgs {
    /// The hosted zone's id
    #[arg(long, value_name = "ID", value_parser = zone)]
    pub(crate) zone: String,
    /// The name whose traffic is shifted; the first, where several move together
    #[arg(long, value_name = "NAME", value_parser = domain)]
    pub(crate) name: String,
}

/// The sides, where no journal names them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SideArgs {
    /// The set identifier of the old side, where no journal names it
    #[arg(long, value_name = "SET_IDENTIFIER", requires = "new")]
    pub(crate) old: Option<String>,
    /// The set identifier of the new side, where no journal names it
    #[arg(long, value_name = "SET_IDENTIFIER", requires = "old")]
    pub(crate) new: Option<String>,
}

/// How often the fence is renewed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct HeartbeatArgs {
    /// How often the shift renews its fence; three times as much later it is stale
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) heartbeat: Duration,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) sides: SideArgs,
    #[command(flatten)]
    pub(crate) heartbeat: HeartbeatArgs,
    /// Look again and again, and print what has changed, until the shift is over
    #[arg(long)]
    pub(crate) watch: bool,
    /// How long to wait between two looks
    #[arg(long, value_name = "DURATION", default_value = "5s", requires = "watch", value_parser = pause)]
    pub(crate) every: Duration,
}

#[derive(Args, Debug)]
pub(crate) struct RollbackArgs {
    /// The hosted zone's id
    #[arg(long, value_name = "ID", value_parser = zone, required_unless_present = "parameter", conflicts_with = "parameter")]
    pub(crate) zone: Option<String>,
    /// The name whose traffic is shifted; the first, where several move together
    #[arg(long, value_name = "NAME", value_parser = domain, required_unless_present = "parameter", conflicts_with = "parameter")]
    pub(crate) name: Option<String>,
    /// The parameter that is the shift's kill switch
    #[arg(long, value_name = "NAME", value_parser = parameter)]
    pub(crate) parameter: Option<String>,
    #[command(flatten)]
    pub(crate) sides: SideArgs,
    #[command(flatten)]
    pub(crate) reason: ReasonArgs,
    /// Do not ask; needed where there is no terminal
    #[arg(long)]
    pub(crate) yes: bool,
    /// How long to wait until every name server has the change
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

/// Why a person does it.
#[derive(Args, Debug)]
pub(crate) struct ReasonArgs {
    /// Why, for those who read the events
    #[arg(long, value_name = "TEXT", default_value = "asked for by the operator", value_parser = reason)]
    pub(crate) reason: String,
}

/// The kill switch.
#[derive(Args, Debug)]
pub(crate) struct SwitchArgs {
    /// The parameter that is the shift's kill switch
    #[arg(long, value_name = "NAME", value_parser = parameter)]
    pub(crate) parameter: String,
    /// Replace what somebody else has asked for there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    pub(crate) switch: SwitchArgs,
    #[command(flatten)]
    pub(crate) reason: ReasonArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) switch: SwitchArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) switch: SwitchArgs,
    /// The step, counted from 1, as the preview numbers it
    #[arg(long, value_name = "STEP", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) step: u32,
}

#[derive(Args, Debug)]
pub(crate) struct UnlockArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) heartbeat: HeartbeatArgs,
    /// Take the fence away from a run that may be alive, or delete a journal that cannot be read
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) sides: SideArgs,
    /// How often each server is asked for each name and type
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) times: u32,
}

#[derive(Args, Debug)]
pub(crate) struct DrillArgs {
    /// The hosted zone's id
    #[arg(long, value_name = "ID", value_parser = zone)]
    pub(crate) zone: String,
    /// A name in the zone that does not exist
    #[arg(long, value_name = "NAME", value_parser = domain)]
    pub(crate) name: String,
    /// The TTL of the records, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) ttl: u32,
    /// How long to wait for each change until every name server has it
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    /// A JSON file with the gates, as `docs/command.md` describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: PathBuf,
    /// From when, such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Timestamp,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Timestamp,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The code, such as CUT-118 or 118
    pub(crate) code: Option<String>,
}

fn zone(text: &str) -> Result<String, String> {
    let id = text.strip_prefix("/hostedzone/").unwrap_or(text);
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("not the id of a hosted zone, such as Z0123456789ABCDEFGHIJ".to_owned());
    }
    Ok(id.to_owned())
}

fn domain(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte))
    };
    if name.len() > 253 || !name.contains('.') || !name.split('.').all(is_label) {
        return Err("not a name such as pay.example.com".to_owned());
    }
    Ok(name)
}

fn parameter(text: &str) -> Result<String, String> {
    if text.len() < 2 || !text.starts_with('/') || text.ends_with('/') {
        return Err("not a path such as /cutover/pay".to_owned());
    }
    Ok(text.to_owned())
}

/// A reason is a part of one line.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("a reason is one line of up to 256 characters".to_owned());
    }
    Ok(text.to_owned())
}

fn pause(text: &str) -> Result<Duration, String> {
    let pause = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if pause < Duration::from_secs(1) {
        return Err("less than a second uses up what others need".to_owned());
    }
    Ok(pause)
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time = humantime::parse_rfc3339_weak(text)
        .map_err(|_| "not a time such as 2026-03-01T12:00:00Z".to_owned())?;
    let since = time
        .duration_since(std::time::UNIX_EPOCH)
        .map_err(|_| "before 1970".to_owned())?;
    let millis = i64::try_from(since.as_millis()).map_err(|error| error.to_string())?;
    Ok(Timestamp::from_unix_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn names_are_taken_as_people_write_them() {
        assert_eq!(domain("Pay.Example.COM."), Ok("pay.example.com".to_owned()));
        assert_eq!(zone("/hostedzone/Z0AB"), Ok("Z0AB".to_owned()));
        for bad in ["", "pay", "pay..com", "pay .com", "https://pay.com"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(reason(" too slow "), Ok("too slow".to_owned()));
        assert!(reason("a\nrun").is_err());
        assert!(reason(" ").is_err());
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(
            time("2023-11-14T22:13:20Z"),
            Ok(Timestamp::from_unix_millis(1_700_000_000_000))
        );
        assert!(time("yesterday").is_err());
    }
}
