//! What a validation reaches databases through.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::Failure;
use cutover_core::validation::catalog::{Catalog, Engine, Kind, Server, TableName};
use cutover_core::validation::digest::{Key, RowPrint, Tally};
use cutover_core::validation::facts::{DbFailure, Figures, Horizon, Load, Position, Sought};
use cutover_core::validation::plan::{Chosen, Layout, Method, RulePlan, Span, SumsPlan, TablePlan};
use cutover_core::validation::side::Side;
use futures_util::future::BoxFuture;

/// An answer of a database, or why there is none.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, DbFailure>>;

/// Opens databases.
pub trait Databases: Debug + Send + Sync {
    /// Opens one, and proves that it can be reached: one connection is made. `side` is which one it is for the plans.
    fn open<'a>(&'a self, side: Side, at: &'a Address) -> Asked<'a, Arc<dyn Database>>;
}

/// Reads secrets that programs only name.
pub trait Secrets: Debug + Send + Sync {
    /// Reads the text of a secret by its ARN or name.
    fn fetch<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Hidden, Failure>>;

    /// Sets the text of a secret that is there.
    ///
    /// # Cancellation
    /// Must not be dropped: it may or may not be set then.
    fn put<'a>(&'a self, id: &'a str, value: &'a Hidden) -> BoxFuture<'a, Result<(), Failure>>;
}

/// Where a database is, and how to come in. Complete: what stood in secrets and in the environment is here.
#[derive(Clone, Debug)]
pub struct Address {
    /// The software that is expected there; MySQL and MariaDB stand for each other.
    pub engine: Engine,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The database's name.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Hidden,
    /// Whether and how the connection is encrypted.
    pub tls: TlsWish,
    /// Connections at most, one of them for questions besides reading.
    pub connections: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// After how long a statement is cancelled by the server.
    pub statement_timeout: Duration,
}

/// Whether and how a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsWish {
    /// Encrypted, the certificate's chain and host name verified.
    Verified {
        /// Certificates of authorities in PEM; `None` for those that the system trusts.
        authorities: Option<String>,
    },
    /// Encrypted, the certificate's chain verified and its name not, for tunnels.
    AnyName {
        /// Certificates of authorities in PEM; `None` for those that the system trusts.
        authorities: Option<String>,
    },
    /// Encrypted; the certificate may be anyone's.
    Unverified,
    /// Not encrypted.
    Off,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Shows it to whoever must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// One database that is read, and its place in the plans: a method takes that side's names, kinds and keys from them.
///
/// Every method is one statement or a few of them in one session that can only read, and reports one answer; none is repeated.
/// A connection that broke is replaced at the next call. All may be dropped at any time: what runs is cancelled.
pub trait Database: Debug + Send + Sync {
    /// Meets the server.
    fn look(&self) -> Asked<'_, Server>;

    /// Reads the catalog of some schemas (databases with MySQL); of all that are not the engine's own if there are none.
    fn catalog<'a>(&'a self, schemas: &'a [String]) -> Asked<'a, Catalog>;

    /// Sees how a table is kept.
    fn layout<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, Layout>;

    /// Hashes a fixed set of literals of these kinds as [`Strategy::RecordHash`] would.
    ///
    /// [`Strategy::RecordHash`]: cutover_core::validation::plan::Strategy::RecordHash
    fn calibrate<'a>(&'a self, kinds: &'a [Kind], seed: u64) -> Asked<'a, u64>;

    /// Opens a snapshot that several connections can read; `None` where the engine has no such thing. Until it is closed
    /// the server keeps what vacuum would clear away.
    fn open_snapshot(&self) -> Asked<'_, Option<Snapshot>>;

    /// Closes a snapshot; without effect when it is closed already.
    fn close_snapshot(&self, snapshot: Snapshot) -> Asked<'_, ()>;

    /// Adds up the rows of a piece by their buckets.
    fn tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied>;

    /// Reads keys and prints of the rows of a piece that are in one of these buckets, as the method hashes them. The end
    /// of a piece is that of [`tally`](Self::tally): rows of other buckets count for it.
    fn prints<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
        buckets: &'a Chosen,
    ) -> Asked<'a, Printed>;

    /// Reads rows by their keys, in any order; those that are not there are left out. Prints of columns are comparable
    /// between engines for one seed, whatever the strategy.
    ///
    /// Of a table without a key the keys are prints that [`prints`](Self::prints) gave for this method: all rows are read,
    /// and those with such a print counted.
    fn rows<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        keys: &'a [Key],
    ) -> Asked<'a, Vec<RowPrint>>;

    /// Counts the rows of a table.
    fn count<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, u64>;

    /// Adds up keys alone by their buckets, as [`tally`](Self::tally) does with rows.
    fn key_tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied>;

    /// Tells from where rows count as changed from now on; `None` where the engine cannot tell.
    fn horizon(&self) -> Asked<'_, Option<Horizon>>;

    /// Reads the keys of rows that changed since; `None` where the engine cannot tell.
    fn touched<'a>(
        &'a self,
        plan: &'a TablePlan,
        since: &'a Horizon,
    ) -> Asked<'a, Option<Vec<Key>>>;

    /// Sums up a table by groups, keyed by the text of what they share.
    fn sums<'a>(
        &'a self,
        plan: &'a TablePlan,
        sums: &'a SumsPlan,
    ) -> Asked<'a, BTreeMap<Vec<Option<String>>, Figures>>;

    /// Counts rows that are wrong and reads up to `limit` of their keys.
    fn seek<'a>(&'a self, rule: &'a RulePlan, limit: usize) -> Asked<'a, Sought>;

    /// Runs a query of the user's that gives one row with one value, as text.
    fn value<'a>(&'a self, query: &'a str) -> Asked<'a, Option<String>>;

    /// Sees what the server is busy with.
    fn load(&self) -> Asked<'_, Load>;

    /// Notes how far a source is: by its log, or by the next marker written to this table.
    fn position<'a>(&'a self, marker: Option<&'a TableName>) -> Asked<'a, Position>;

    /// Tells whether a target has had everything up to a position of its source.
    fn has_passed<'a>(
        &'a self,
        position: &'a Position,
        marker: Option<&'a TableName>,
    ) -> Asked<'a, bool>;

    /// Waits until what was dropped has been cancelled, where the server does not notice that by itself. Whoever lets a
    /// database go waits for this first.
    fn end_dropped(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A moment of a database that several connections can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(pub String);

/// A piece of a table, at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// How the table is kept.
    pub layout: &'a Layout,
    /// Which part.
    pub span: &'a Span,
    /// The moment; `None` for now.
    pub snapshot: Option<&'a Snapshot>,
}

/// What a piece gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Its buckets.
    pub tally: Tally,
    /// The key of the last row that was read, where the piece was [`Span::After`] and was full; `None` when there is nothing
    /// after it.
    pub last: Option<Key>,
}

/// Keys and prints of the rows of a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// The rows of the buckets that were asked for, in any order.
    pub rows: Vec<(Key, u128)>,
    /// The key of the last row of any bucket, where the piece was [`Span::After`] and was full; `None` when there is
    /// nothing after it.
    pub last: Option<Key>,
}
