//! Events of a binary log: which rows of which tables a transaction has changed.
//!
//! Rows themselves are not read, only carried.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use mysql_async::binlog::events::{BinlogEventHeader, Event, EventData};
use mysql_async::binlog::{BinlogChecksumAlg, BinlogVersion};

use crate::problem::Problem;
use crate::tables::Table;

/// Kinds of events whose rows are compressed, which only MariaDB has ("2-Binlog Event Header").
const COMPRESSED_ROWS: &[u8] = &[166, 167, 168, 169, 170, 171];

/// Where the header of an event tells its length.
const LENGTH: std::ops::Range<usize> = 9..13;

/// Where an event of rows has its flags: after the header and the six bytes of the table's number.
const FLAGS: usize = BinlogEventHeader::LEN + 6;

/// In the flags of an event of rows: the statement ends here.
const STATEMENT_ENDS: u8 = 1;

/// A place in a binary log; later ones are greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The file. Their names end in numbers of equal length.
    pub(super) file: String,
    /// The bytes before it.
    pub(super) offset: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

impl Position {
    /// Reads `file:position`.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let parts = text.rsplit_once(':');
        let read = parts.and_then(|(file, offset)| Some((file, offset.trim().parse().ok()?)));
        let (file, offset) = read.ok_or_else(|| {
            Problem::lasting(format!(
                "`{text}` is no place in a binary log: `file:position` is one"
            ))
        })?;
        Ok(Self {
            file: file.to_owned(),
            offset,
        })
    }
}

/// What comes out of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Something was committed, or a file has ended.
    Commit(Transaction),
    /// There is nothing more to read for the moment.
    Idle,
}

/// A transaction. One without changes moves the position only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    /// The number of the server where it was written first.
    pub(super) server: u32,
    /// Where it ends.
    pub(super) end: Position,
    /// What it has changed, in order.
    pub(super) changes: Vec<Change>,
    /// The event that tells how the others are to be read.
    pub(super) format: Arc<Vec<u8>>,
}

/// Rows of a table that were changed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The table.
    pub(super) table: Table,
    /// The events that say so, each with its header: the table's columns, then the rows. A statement ends with them.
    pub(super) events: Vec<u8>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The events hold values of rows.
        f.debug_struct("Change")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// Puts transactions together from events.
#[derive(Debug)]
pub(super) struct Assembler {
    file: String,
    format: Arc<Vec<u8>>,
    maps: BTreeMap<u64, (Table, Vec<u8>)>,
    server: u32,
    changes: Vec<Change>,
}

impl Assembler {
    /// Begins at a place between two transactions.
    pub(super) fn new(from: &Position) -> Self {
        Self {
            file: from.file.clone(),
            format: Arc::default(),
            maps: BTreeMap::new(),
            server: 0,
            changes: Vec::new(),
        }
    }

    /// Takes the next event, and returns what it completes.
    pub(super) fn take(&mut self, event: &Event) -> Result<Option<Item>, Problem> {
        let header = event.header();
        if COMPRESSED_ROWS.contains(&header.event_type_raw()) {
            return Err(Problem::lasting(
                "the binary log is compressed: set `log_bin_compress` to OFF on the source",
            ));
        }
        // Kinds that only MariaDB has are not known, and not needed: GTIDs and the texts of statements.
        match event.read_data().map_err(|error| unreadable(&error))? {
            Some(EventData::HeartbeatEvent) => return Ok(Some(Item::Idle)),
            Some(EventData::FormatDescriptionEvent(_)) => {
                self.format = Arc::new(format(event)?);
            }
            Some(EventData::RotateEvent(moved)) => {
                let offset = u32::try_from(moved.position())
                    .map_err(|_| Problem::lasting("the binary log has a file beyond 4 GiB"))?;
                // MariaDB puts a checksum after the first name that it tells, before it has told whether events have
                // any. All files have names of equal length.
                let name = moved.name_raw().get(..self.file.len());
                let name = name.ok_or_else(|| unreadable(&ErrorKind::UnexpectedEof.into()))?;
                self.file = String::from_utf8_lossy(name).into_owned();
                return Ok(Some(self.commit(offset)));
            }
            Some(EventData::TableMapEvent(map)) => {
                let table = Table::new(map.database_name(), map.table_name());
                self.maps.insert(map.table_id(), (table, plain(event)?));
            }
            Some(EventData::RowsEvent(rows)) => self.take_rows(event, rows.table_id())?,
            Some(EventData::XidEvent(_)) => return Ok(Some(self.commit(header.log_pos()))),
            Some(EventData::QueryEvent(statement)) => match statement.query_raw() {
                b"BEGIN" => {}
                b"COMMIT" => return Ok(Some(self.commit(header.log_pos()))),
                // Any other statement stands alone, and is not followed.
                _ => {
                    self.changes.clear();
                    return Ok(Some(self.commit(header.log_pos())));
                }
            },
            _ => {}
        }
        Ok(None)
    }

    fn take_rows(&mut self, event: &Event, table: u64) -> Result<(), Problem> {
        let (table, map) = self.maps.get(&table).ok_or_else(|| {
            Problem::lasting("reading the binary log: it does not say whose rows these are")
        })?;
        let mut rows = plain(event)?;
        // Each is applied as if it were the last of its statement, since those of other tables may be left out.
        rows[FLAGS] |= STATEMENT_ENDS;
        self.server = event.header().server_id();
        self.changes.push(Change {
            table: table.clone(),
            events: [map.as_slice(), &rows].concat(),
        });
        Ok(())
    }

    fn commit(&mut self, offset: u32) -> Item {
        self.maps.clear();
        Item::Commit(Transaction {
            server: self.server,
            end: Position {
                file: self.file.clone(),
                offset,
            },
            changes: std::mem::take(&mut self.changes),
            format: self.format.clone(),
        })
    }
}

fn unreadable(error: &io::Error) -> Problem {
    Problem::lasting(format!(
        "reading the binary log: an event cannot be read: {error}"
    ))
}

/// An event with its header and without its checksum, which would not be right any more once flags are set.
fn plain(event: &Event) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    event
        .write(BinlogVersion::Version4, &mut bytes)
        .map_err(|error| unreadable(&error))?;
    bytes.truncate(BinlogEventHeader::LEN + event.data().len());
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    bytes[LENGTH].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// The event that tells how the others are to be read, changed to say that they have no checksums. It has one itself all
/// the same.
fn format(event: &Event) -> Result<Vec<u8>, Problem> {
    let none = BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_OFF;
    let mut bytes = plain(event)?;
    bytes[LENGTH].copy_from_slice(&event.header().event_size().to_le_bytes());
    bytes.push(none as u8);
    bytes.extend(event.calc_checksum(none).to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use mysql_async::binlog::events::{
        BinlogEventFooter, BinlogEventHeader, Event, FormatDescriptionEvent,
    };
    use mysql_async::binlog::{BinlogChecksumAlg, BinlogVersion, EventType};

    use super::{Assembler, COMPRESSED_ROWS, FLAGS, Item, Position, format};
    use crate::tables::Table;

    #[test]
    fn a_transaction_is_complete_with_its_end() {
        let mut assembler = Assembler::new(&start());

        let mut items = Vec::new();
        for event in [query("BEGIN"), map(7, "payments"), rows(7), xid()] {
            items.push(assembler.take(&event).expect("it can be read"));
        }

        assert_eq!(items[..3], [None, None, None]);
        let Some(Item::Commit(transaction)) = &items[3] else {
            panic!("it is complete: {items:?}");
        };
        assert_eq!(transaction.server, 5);
        assert_eq!(transaction.end.to_string(), "log.000001:99");
        assert_eq!(transaction.changes.len(), 1);
        assert_eq!(transaction.changes[0].table, Table::new("shop", "payments"));
    }

    #[test]
    fn each_change_ends_its_statement() {
        let changes = changes(&[map(7, "payments"), rows(7), rows(7)]);

        assert_eq!(changes.len(), 2);
        let before = bytes(&map(7, "payments"));
        for change in changes {
            let (map, rows) = change.split_at(before.len());
            assert_eq!(map, before);
            assert_eq!((bytes(&self::rows(7))[FLAGS], rows[FLAGS]), (0, 1));
        }
    }

    #[test]
    fn changes_carry_no_checksums_and_neither_does_their_format() {
        let summed = |event: &Event| {
            let footer = BinlogEventFooter::new(BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_CRC32);
            let format = FormatDescriptionEvent::new(BinlogVersion::Version4).with_footer(footer);
            let mut bytes = [&bytes(event), b"0123".as_slice()].concat();
            let length = u32::try_from(bytes.len()).expect("it is short");
            bytes[9..13].copy_from_slice(&length.to_le_bytes());
            Event::read(&format, bytes.as_slice()).expect("it is whole")
        };
        let events = [map(7, "payments"), rows(7)];

        assert_eq!(changes(&events.each_ref().map(summed)), changes(&events));
        assert_eq!(format(&described(1)).ok(), format(&described(0)).ok());
        assert_eq!(format(&described(0)).ok(), Some(bytes(&described(0))));
    }

    #[test]
    fn the_name_of_the_next_file_ends_before_a_checksum() {
        for after in [b"".as_slice(), b"0123"] {
            let mut assembler = Assembler::new(&start());
            let body = [&4_u64.to_le_bytes(), b"log.000002".as_slice(), after].concat();

            let moved = assembler.take(&event(EventType::ROTATE_EVENT as u8, &body));

            let Ok(Some(Item::Commit(moved))) = moved else {
                panic!("a file has ended: {moved:?}");
            };
            assert_eq!(moved.end.to_string(), "log.000002:4");
            assert!(moved.changes.is_empty());
        }
    }

    #[test]
    fn kinds_that_only_mariadb_has_are_passed_over_but_for_compressed_rows() {
        let mut assembler = Assembler::new(&start());

        for kind in [160, 161, 162, 163] {
            assert_eq!(assembler.take(&event(kind, b"0123")), Ok(None));
        }
        for kind in COMPRESSED_ROWS {
            assert!(assembler.take(&event(*kind, b"0123")).is_err());
        }
    }

    #[test]
    fn an_event_that_is_cut_short_is_a_problem_and_no_panic() {
        let rotate = event(EventType::ROTATE_EVENT as u8, &[4; 8]);
        for whole in [query("BEGIN"), map(7, "payments"), rows(7), rotate] {
            for length in 0..whole.data().len() {
                let kind = whole.header().event_type_raw();
                // Whatever it comes to.
                let _ = Assembler::new(&start()).take(&event(kind, &whole.data()[..length]));
            }
        }
        let cut = event(EventType::TABLE_MAP_EVENT as u8, &[7; 8]);
        assert!(Assembler::new(&start()).take(&cut).is_err());
        assert!(Assembler::new(&start()).take(&rows(7)).is_err());
    }

    #[test]
    fn places_are_read_as_they_are_written_and_come_one_after_the_other() {
        let read = |text: &str| Position::read(text).expect("it is a place");

        assert_eq!(read("log.000001:99").to_string(), "log.000001:99");
        assert!(read("log.000001:99") < read("log.000001:100"));
        assert!(read("log.000001:100") < read("log.000002:4"));
        for text in ["", "log.000001", "log.000001:", "log.000001:x", "0/16B3748"] {
            assert!(Position::read(text).is_err(), "{text}");
        }
    }

    fn start() -> Position {
        Position::read("log.000001:4").expect("it is a place")
    }

    /// What a transaction of these events changes.
    fn changes(events: &[Event]) -> Vec<Vec<u8>> {
        let mut assembler = Assembler::new(&start());
        for event in events {
            assembler.take(event).expect("it can be read");
        }
        let Ok(Some(Item::Commit(transaction))) = assembler.take(&xid()) else {
            panic!("it is complete");
        };
        transaction
            .changes
            .into_iter()
            .map(|change| change.events)
            .collect()
    }

    /// An event of server 5 that ends at 99, without a checksum.
    fn event(kind: u8, body: &[u8]) -> Event {
        let length = u8::try_from(BinlogEventHeader::LEN + body.len()).expect("it is short");
        let mut event = vec![
            0, 0, 0, 0, kind, 5, 0, 0, 0, length, 0, 0, 0, 99, 0, 0, 0, 0, 0,
        ];
        event.extend(body);
        let format = FormatDescriptionEvent::new(BinlogVersion::Version4);
        Event::read(&format, event.as_slice()).expect("it is whole")
    }

    fn bytes(event: &Event) -> Vec<u8> {
        let mut bytes = Vec::new();
        event
            .write(BinlogVersion::Version4, &mut bytes)
            .expect("memory takes all");
        bytes
    }

    fn query(text: &str) -> Event {
        let body = [[0; 13].as_slice(), b"\0", text.as_bytes()].concat();
        event(EventType::QUERY_EVENT as u8, &body)
    }

    /// A table of one column, of integers.
    fn map(number: u8, table: &str) -> Event {
        let length = u8::try_from(table.len()).expect("it is short");
        let head = [number, 0, 0, 0, 0, 0, 0, 0, 4];
        let body = [
            &head,
            b"shop\0".as_slice(),
            &[length],
            table.as_bytes(),
            b"\0",
            &[1, 3, 0, 0],
        ]
        .concat();
        event(EventType::TABLE_MAP_EVENT as u8, &body)
    }

    fn rows(number: u8) -> Event {
        let body = [number, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 42, 0, 0, 0];
        event(EventType::WRITE_ROWS_EVENT_V1 as u8, &body)
    }

    fn xid() -> Event {
        event(EventType::XID_EVENT as u8, &[0; 8])
    }

    /// The format of a log with checksums (1) or without (0).
    fn described(checksums: u8) -> Event {
        let mut version = [0; 50];
        version[..7].copy_from_slice(b"10.11.0");
        let body = [
            [4, 0].as_slice(),
            &version,
            &[0; 4],
            &[19],
            &[8; 40],
            &[checksums],
            b"0123",
        ]
        .concat();
        event(EventType::FORMAT_DESCRIPTION_EVENT as u8, &body)
    }
}
