//! How fast, and how long.

use cutover_core::validation::spec::Settling;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the target follows the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationFollow {
    /// By what.
    pub mode: FollowMode,
    /// With `marker`: the table on the source, such as `cutover_control.marker`. Each wait writes one row into it.
    pub marker_table: Option<String>,
    /// With `delay`: the longest lag, such as `30s`.
    pub longest: Option<String>,
}

/// By what a target follows its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FollowMode {
    /// It does not.
    None,
    /// The databases' own replication; positions in their logs are compared.
    Native,
    /// Something that carries a marker table too, such as AWS DMS.
    Marker,
    /// Something that is never further behind than `longest`.
    Delay,
}

/// How hard each server may be worked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationLimits {
    /// The source. By default 2 connections that read half of the time.
    pub source: Option<ValidationSideLimits>,
    /// The target. By default 4 connections that read all of the time.
    pub target: Option<ValidationSideLimits>,
}

/// How hard a server may be worked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationSideLimits {
    /// Connections that read at a time. One more is used for questions in between.
    #[schemars(range(min = 1, max = 64))]
    pub connections: Option<u32>,
    /// How long one statement of a pass should take; its piece of the table grows and shrinks for it. By default `700ms`.
    pub unit_target: Option<String>,
    /// After how long a statement of a pass is cancelled, and its piece halved. By default `30s`.
    pub unit_limit: Option<String>,
    /// The share of its time that a connection reads, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub duty: Option<u8>,
    /// How many sessions may be at work on the server besides ours before reading pauses. By default any.
    pub max_active_sessions: Option<u32>,
    /// How far the target may lag before reading pauses. By default any.
    pub max_lag: Option<String>,
    /// After how long the server cancels any other statement: counts, sums, rules. By default `30m`.
    pub statement_timeout: Option<String>,
}

/// When rows that differ are settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationSettling {
    /// After so many rounds a row that still changes counts as hot.
    #[serde(default = "max_rounds")]
    #[schemars(range(min = 1, max = 100))]
    pub max_rounds: u32,
    /// So many hot rows leave a verdict of `matched` possible.
    #[serde(default = "max_hot")]
    pub max_hot: u32,
    /// How many rows that differ are followed to the end; of more, this many are.
    #[serde(default = "max_candidates")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_candidates: u32,
    /// How long to wait for the target to have what the source had, in each round.
    #[serde(default = "max_wait")]
    pub max_wait: String,
}

impl Default for ValidationSettling {
    fn default() -> Self {
        Self {
            max_rounds: max_rounds(),
            max_hot: max_hot(),
            max_candidates: max_candidates(),
            max_wait: max_wait(),
        }
    }
}

fn max_rounds() -> u32 {
    Settling::default().max_rounds
}

fn max_hot() -> u32 {
    saturated(Settling::default().max_hot)
}

fn max_candidates() -> u32 {
    saturated(Settling::default().max_candidates)
}

/// That of the core, in the words of an input.
fn max_wait() -> String {
    "5m".to_owned()
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
