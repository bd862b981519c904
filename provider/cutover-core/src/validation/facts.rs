//! Commands, and what comes of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, Server};
use super::digest::{Key, RowPrint, Tally};
use super::plan::{Chosen, Layout, Method, RulePlan, SumsPlan, TablePlan};
use super::side::{Both, Side};

/// What is to be done next. All of it only looks, but for [`Command::Note`] with a marker, which writes one row of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Meet both servers.
    Look,
    /// Read both catalogs.
    ReadCatalogs,
    /// See how both sides keep a table.
    Lay(Arc<TablePlan>),
    /// Hash a fixed set of literals of the kinds in a table on both sides.
    Calibrate(Arc<TablePlan>, u64),
    /// Read one piece of each side by each method, and take the time.
    Time(Arc<TablePlan>, Arc<Both<Layout>>, Vec<Method>),
    /// Read all of both sides.
    Pass(Arc<TablePlan>, Arc<Both<Layout>>, Method),
    /// Read keys and prints of the rows in some buckets, and tell those that are not alike.
    Drill(Arc<TablePlan>, Arc<Both<Layout>>, Method, Chosen),
    /// Count the rows of both sides with one statement each.
    Count(Arc<TablePlan>),
    /// Note how far the source is.
    Note,
    /// See whether the target has had everything up to there.
    HasPassed(Position),
    /// Read rows again, first on the source and then on the target.
    Reread(Arc<TablePlan>, Method, Arc<Vec<Key>>),
    /// Note from where on both sides rows of a table count as changed.
    Horizons(Arc<TablePlan>),
    /// Find the rows of both sides that changed since.
    Touched(Arc<TablePlan>, Both<Option<Horizon>>),
    /// Count and digest the keys of both sides, without the rest of the rows.
    Keys(Arc<TablePlan>, Arc<Both<Layout>>, Method),
    /// Sum up a table on both sides.
    Sum(Arc<TablePlan>, SumsPlan),
    /// Look for rows that are wrong, on one side.
    Seek(Side, RulePlan),
    /// Ask both sides for one value.
    Value(Both<String>),
}

/// What came of a command, in the same order.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Both servers, as they were met.
    Met(Box<Both<Server>>),
    /// Both catalogs.
    Catalogs(Box<Both<Catalog>>),
    /// How both sides keep a table.
    Laid(Both<Layout>),
    /// The hash of the literals on both sides.
    Calibrated(Both<u64>),
    /// For each method, in order, what one row costs on each side; `None` where a method failed.
    Timed(Vec<Option<Both<Cost>>>),
    /// All of both sides.
    Passed(Box<Both<Passed>>),
    /// Keys that are not alike on both sides.
    Drilled(Drilled),
    /// The number of rows.
    Counted(Both<u64>),
    /// How far the source is.
    Noted(Position),
    /// Whether the target has had it, and how far it lags if that is known.
    HasPassed {
        /// Whether everything up to the position is there.
        passed: bool,
        /// How far the target is behind.
        lag: Option<Duration>,
    },
    /// Rows that were there when they were read again; those that are missing were not.
    Reread(Both<Vec<RowPrint>>),
    /// From where rows count as changed; `None` where the engine cannot tell.
    Horizons(Both<Option<Horizon>>),
    /// Keys of rows that changed; `None` where the engine cannot tell.
    Touched(Both<Option<Vec<Key>>>),
    /// Digests of the keys.
    Keys(Both<Tally>),
    /// Groups with their figures, by the text of what they share.
    Summed(Both<BTreeMap<Vec<Option<String>>, Figures>>),
    /// Rows that are wrong.
    Sought(Sought),
    /// One value of each side; `None` for null.
    Valued(Both<Option<String>>),
    /// It could not be done on one side.
    Failed(Side, DbFailure),
}

/// What one side of a pass gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passed {
    /// Its buckets.
    pub tally: Tally,
    /// From where rows count as changed since the pass began, where the engine can tell.
    pub horizon: Option<Horizon>,
    /// Whether every piece saw the same moment, so that nothing can have moved between pieces.
    pub one_snapshot: bool,
    /// What it took.
    pub work: Work,
}

/// What reading took, of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Statements.
    pub units: u64,
    /// Statements that had to be repeated.
    pub repeated: u64,
    /// Rows that were read.
    pub rows: u64,
    /// Seconds from the first statement to the end of the last.
    pub seconds: f64,
    /// Seconds that connections were at work, added up.
    pub busy_seconds: f64,
    /// Seconds that were waited, so as to spare the server.
    pub paused_seconds: f64,
    /// How often reading paused because the server was busy or replication was late.
    pub pauses: u64,
    /// The most connections that read at a time.
    pub connections: u32,
}

/// What one row costs by one method, of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Rows that were read for it.
    pub rows: u64,
    /// Seconds for all of them.
    pub seconds: f64,
}

/// What a drill gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drilled {
    /// Keys that are on one side only, or whose prints differ; in order, up to the limit of candidates.
    pub keys: Vec<Key>,
    /// How many more there are at least.
    pub more: u64,
    /// Rows of each side that were read for it.
    pub rows: Both<u64>,
}

/// Rows that are wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// How many.
    pub count: u64,
    /// The keys of the first of them.
    pub keys: Vec<Key>,
}

/// The figures of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Rows.
    pub rows: u64,
    /// Exact sums as decimal text in the form of [`super::plan::Form::Numeric`]; `None` over no values.
    pub sums: Vec<Option<String>>,
    /// Latest values as text in the canonical form of their column.
    pub latest: Vec<Option<String>>,
}

/// How far a source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Position {
    /// A place in PostgreSQL's log, as the server prints it: `0/16B3748`.
    Lsn(String),
    /// Transactions of MariaDB or MySQL, as the server prints them.
    Gtid(String),
    /// The number of a marker.
    Marker(u64),
}

/// From where rows of one side count as changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Horizon {
    /// PostgreSQL: this transaction, a 64-bit number, and all that follow; all before it had ended.
    Transaction(u64),
}

/// Why a database could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbFailure {
    /// What can be concluded.
    pub class: DbFailureClass,
    /// What was being done: `reading public.payments`.
    pub doing: String,
    /// The server's code, SQLSTATE or error number, if it was the server that refused.
    pub code: Option<String>,
    /// What the server or the driver said, for people. Never a row value, never a credential: messages of classes that quote
    /// values are left out.
    pub message: String,
}

/// What can be concluded when a database could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DbFailureClass {
    /// No connection: unknown host, refused, no route, no answer.
    Unreachable,
    /// The certificate is not to be trusted: expired, another name, unknown issuer.
    Untrusted,
    /// The server speaks no TLS, and TLS is asked for.
    NoTls,
    /// User or password are not accepted.
    Login,
    /// There is no such database.
    NoDatabase,
    /// The user may not do that.
    Denied,
    /// A table or column is not there (any more).
    Missing,
    /// The server cannot do that: too old, or a function is switched off.
    Unsupported,
    /// A statement of the user's is not SQL that the server understands.
    Malformed,
    /// The statement took longer than it may.
    TimedOut,
    /// A row or text is larger than the server lets through, or its digest was null.
    TooBig,
    /// The connection broke, or the server is going down or coming up.
    Lost,
    /// The server has no connection or lock to spare just now.
    Busy,
    /// Another server answers than before, or it has become a replica.
    Changed,
    /// Anything else.
    Other,
}

impl DbFailureClass {
    /// Tells whether the same statement may succeed a little later, or over a smaller piece.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::TimedOut | Self::TooBig | Self::Lost | Self::Busy
        )
    }
}

/// What a server is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Sessions at work besides ours.
    pub active_sessions: u32,
    /// How far a target is behind its source, where the server knows.
    pub lag: Option<Duration>,
}
