//! Files: certificates that are read, the report, and the progress of a run that was interrupted.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cutover_core::validation::report::Report;
use cutover_core::validation::side::Side;
use cutover_driver::Checkpoint;
use serde::{Deserialize, Serialize};

use super::error::ValidationError;

/// What is added to the name of the report for the progress of a run that was interrupted.
const PROGRESS: &str = ".progress";

/// The progress of a run that was interrupted.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// What was asked for, hashed: progress of anything else is of no use.
    pub(super) asked: String,
    /// How far it was.
    pub(super) checkpoint: Checkpoint,
}

/// Reads certificates of authorities.
///
/// # Errors
/// When there is no such file, or no certificate in it.
pub(super) fn read_authorities(side: Side, path: &str) -> Result<String, ValidationError> {
    let unusable =
        |why: &str| ValidationError::Unusable(side, format!("the `caFile` `{path}` {why}"));
    let text = fs::read_to_string(path)
        .map_err(|error| unusable(&format!("cannot be read: {}", cause(&error))))?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text)
    } else {
        Err(unusable("holds no certificate in PEM"))
    }
}

/// Makes sure that a report could be written, before hours are spent on it.
///
/// # Errors
/// When its directory is not there.
pub(super) fn check_place(path: &str) -> Result<(), ValidationError> {
    let directory = Path::new(path).parent();
    let directory = directory.filter(|directory| !directory.as_os_str().is_empty());
    if directory.is_none_or(Path::is_dir) && !Path::new(path).is_dir() {
        return Ok(());
    }
    Err(ValidationError::ReportFile {
        path: path.to_owned(),
        why: "there is no such directory, or it is one".to_owned(),
    })
}

/// Writes the report: a page for people where the name says so, else the JSON that is also in the outputs.
///
/// # Errors
/// What the system says.
pub(super) fn write_report(path: &str, report: &Report, json: &str) -> io::Result<()> {
    let is_page = Path::new(path)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    if is_page {
        fs::write(path, cutover_report::render_html(report))
    } else {
        fs::write(path, json)
    }
}

/// Reads the progress of an interrupted run of what is asked for; what cannot be read is of no use.
pub(super) fn read_progress(report_file: &str, asked: &str) -> Option<Kept> {
    let text = fs::read_to_string(progress_file(report_file)).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    (kept.asked == asked).then_some(kept)
}

/// Keeps the progress of an interrupted run. Nobody else can read it, since it may hold keys of rows.
///
/// # Errors
/// What the system says.
pub(super) fn write_progress(report_file: &str, kept: &Kept) -> io::Result<()> {
    let path = progress_file(report_file);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = serde_json::to_vec(kept)?;
    options.open(path)?.write_all(&text)
}

/// Removes the progress of a run that is over.
pub(super) fn forget_progress(report_file: &str) {
    // There seldom is any, and what is left of another wish is told from this one.
    let _ = fs::remove_file(progress_file(report_file));
}

fn progress_file(report_file: &str) -> PathBuf {
    PathBuf::from(format!("{report_file}{PROGRESS}"))
}

/// What the system says, without the number.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}
