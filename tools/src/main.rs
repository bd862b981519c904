//! What developers run on this repository. `make help` lists the targets that call it.

mod dist;
mod faults;
mod install;
mod platform;
mod sdk;
mod tally;
mod tidy;

#[cfg(feature = "schema")]
mod schema;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;
use clap::{Parser, Subcommand};

/// What developers run on this repository.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check which crate uses which, the manifests, and the texts of all files.
    Tidy,
    /// Render the package schema from the Rust types.
    #[cfg(feature = "schema")]
    Schema {
        /// Compare with the committed file instead of writing it.
        #[arg(long)]
        check: bool,
    },
    /// Write into the catalogue of faults which tests prove what.
    Faults {
        /// Check what is written instead of writing it.
        #[arg(long)]
        check: bool,
    },
    /// Compile the TypeScript SDK and pack it into target/sdk.
    Sdk,
    /// Put a plugin where the Pulumi CLI finds it.
    Install {
        /// The plugin.
        binary: PathBuf,
    },
    /// Build release archives into target/dist.
    Dist {
        /// Rust's names of the platforms; without any, this machine's.
        targets: Vec<String>,
    },
    /// Run tests and add up what the runners report.
    Tally {
        /// The command that runs the tests, with its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Tidy => tidy::run()?,
        #[cfg(feature = "schema")]
        Command::Schema { check } => schema::run(&Repository::find()?, check)?,
        Command::Faults { check } => faults::run(&Repository::find()?, check)?,
        Command::Sdk => sdk::run(&Repository::find()?)?,
        Command::Install { binary } => install::run(&Repository::find()?, &binary)?,
        Command::Dist { targets } => dist::run(&Repository::find()?, &targets)?,
        Command::Tally { command } => return tally::run(&command),
    }
    Ok(ExitCode::SUCCESS)
}

/// The crate that the engine starts.
const PLUGIN: &str = "pulumi-resource-cutover";

/// The operator's command: its crate, and its file.
const COMMAND: (&str, &str) = ("cutover-cli", "cutover");

/// Where things are, and which release they belong to.
#[derive(Debug)]
struct Repository {
    root: PathBuf,
    /// Cargo's folder for what is built.
    target: PathBuf,
    version: String,
}

impl Repository {
    fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cannot read the workspace")?;
        let plugin = metadata
            .packages
            .iter()
            .find(|package| package.name == PLUGIN)
            .with_context(|| format!("there is no crate {PLUGIN}"))?;
        Ok(Self {
            version: plugin.version.to_string(),
            root: metadata.workspace_root.into_std_path_buf(),
            target: metadata.target_directory.into_std_path_buf(),
        })
    }

    #[cfg(feature = "schema")]
    fn schema(&self) -> PathBuf {
        self.root.join("provider").join(PLUGIN).join("schema.json")
    }
}

/// Prints a line for the developer.
fn say(line: &str) {
    // Whoever closed the output does not want to read it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Runs a command to its end.
fn command(command: &mut std::process::Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    anyhow::ensure!(status.success(), "{name}: {status}");
    Ok(())
}
