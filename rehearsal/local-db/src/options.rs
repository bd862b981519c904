//! How a server differs from the others.

/// How a server differs from the others; [`Options::default`] is plain and boring.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(crate) tls: Tls,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) other_version: bool,
    pub(crate) replicating: bool,
}

/// Whether connections can be encrypted, and with what certificate. Unencrypted ones are always possible, unless a
/// setting of the engine forbids them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tls {
    /// Connections cannot be encrypted.
    #[default]
    Off,
    /// A certificate for `localhost` and `127.0.0.1`, signed by the server's own authority.
    Valid,
    /// The same, but it ran out years ago.
    Expired,
    /// A certificate for another host.
    WrongHost,
}

impl Options {
    /// Lets connections be encrypted.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets one of the engine's own settings, for instance `log_min_duration_statement` or `binlog_format`. What is set
    /// later wins, over this crate's own settings too.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes another major version than the default. There is one for PostgreSQL.
    #[must_use]
    pub fn other_version(mut self) -> Self {
        self.other_version = true;
        self
    }

    /// Logs changes so that another server can follow: `wal_level=logical` for PostgreSQL, a binary log by row for
    /// MariaDB. Every MariaDB server has a `server_id` of its own in any case.
    #[must_use]
    pub fn replicating(mut self) -> Self {
        self.replicating = true;
        self
    }
}
