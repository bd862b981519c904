//! Reading the binary log, as a replica does.
//!
//! Connections are not encrypted: both ends are on loopback.

use std::io::ErrorKind;

use cutover_sim::cloud::MovedDatabase;
use futures_util::StreamExt as _;
use mysql_async::binlog::events::Event;
use mysql_async::{
    BinlogStream, BinlogStreamRequest, Conn, DriverError, Error, IoError, OptsBuilder,
};
use tokio::time::timeout;

use super::CONNECT_WITHIN;
use super::events::Position;
use crate::problem::Problem;

/// What is said before the log is asked for: that all kinds of events are understood, as since MariaDB 10.0.2; and that a
/// sign of life is wished five times a second, in nanoseconds, of which the figure is ours.
const SETUP: &[&str] = &[
    "SET @mariadb_slave_capability = 4",
    "SET @master_heartbeat_period = 200000000",
];

/// The largest event that a server may send: 1 GiB, the most that `max_allowed_packet` can be.
const LARGEST: usize = 1 << 30;

/// A log that is being read.
pub(super) struct Log {
    stream: BinlogStream,
}

impl Log {
    /// Connects and asks for the log from a position on. No other replica of the server may have the same number.
    pub(super) async fn open(
        database: &MovedDatabase,
        number: u32,
        from: &Position,
    ) -> Result<Self, Problem> {
        let options = OptsBuilder::default()
            .ip_or_hostname(database.host.as_str())
            .tcp_port(database.port)
            .user(Some(database.user.as_str()))
            .pass(Some(database.password.as_str()))
            .prefer_socket(false)
            .max_allowed_packet(Some(LARGEST))
            .setup(SETUP.to_vec());
        let request = BinlogStreamRequest::new(number)
            .with_filename(from.file.as_bytes())
            .with_pos(from.offset.into());
        let opening = async { Conn::new(options).await?.get_binlog_stream(request).await };
        match timeout(CONNECT_WITHIN, opening).await {
            Ok(opened) => opened
                .map(|stream| Self { stream })
                .map_err(|error| problem(&error)),
            Err(_) => Err(Problem::passing("reading the binary log: no answer")),
        }
    }

    /// Waits for the next event.
    pub(super) async fn next(&mut self) -> Result<Event, Problem> {
        match self.stream.next().await {
            Some(event) => event.map_err(|error| problem(&error)),
            None => Err(Problem::passing(
                "reading the binary log: the server ended it",
            )),
        }
    }
}

/// What reading came to. Nothing of what a packet holds is told, as it may be a row; what a server says when it does not go
/// on is about files and positions.
fn problem(error: &Error) -> Problem {
    match error {
        Error::Server(refused) => {
            let text = format!(
                "reading the binary log: {} ({})",
                refused.message, refused.code
            );
            // 1053 and 1927: the server shuts down, or was told to end the connection.
            if matches!(refused.code, 1053 | 1927) {
                Problem::passing(text)
            } else {
                Problem::lasting(text)
            }
        }
        // An event that cannot be read stays so, however often it is asked for.
        Error::Io(IoError::Io(io)) if is_about_bytes(io.kind()) => {
            Problem::lasting(format!("reading the binary log: {error}"))
        }
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => {
            Problem::passing(format!("reading the binary log: {error}"))
        }
        other => Problem::lasting(format!("reading the binary log: {other}")),
    }
}

fn is_about_bytes(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::Other)
}
