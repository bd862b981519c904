//! Values of a row, handed to the printer that knows their forms.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::digest::KeyPart;
use cutover_core::validation::plan::Form;
use sqlx::mysql::MySqlRow;

use super::columns::Column;
use super::wire::{Value, Wire};
use crate::canonical::Printer;

/// Reads rows of some columns into a printer.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    columns: &'a [Column<'a>],
    /// How each column is sent; empty until the first row has told.
    wires: Vec<Wire>,
}

impl<'a> Rows<'a> {
    /// Reads rows whose first columns are these.
    pub(crate) fn of(columns: &'a [Column<'a>]) -> Self {
        Self {
            columns,
            wires: Vec::new(),
        }
    }

    /// Pushes the values of a row.
    ///
    /// # Errors
    /// When the row is not made of these columns.
    pub(crate) fn push(
        &mut self,
        row: &MySqlRow,
        printer: &mut Printer,
    ) -> Result<(), sqlx::Error> {
        if self.wires.is_empty() {
            self.wires = Wire::of_row(row, |place| {
                self.columns.get(place).is_some_and(Column::is_unsigned)
            });
        }
        printer.begin();
        for (place, (column, wire)) in self.columns.iter().zip(&self.wires).enumerate() {
            push(printer, column, wire.read(row, place)?);
        }
        Ok(())
    }
}

fn push(printer: &mut Printer, column: &Column<'_>, value: Value<'_>) {
    match value {
        Value::Null => printer.null(),
        Value::Signed(number) => printer.integer(number.into()),
        Value::Unsigned(number) => printer.integer(number.into()),
        Value::Float(number) => printer.float(number),
        Value::Year(year) => push_year(printer, column.form, year),
        Value::Bits(bits) => push_bits(printer, column, bits),
        Value::Date(day) => printer.date_parts(day.year, day.month, day.day),
        Value::DateTime(day, micros) => {
            printer.timestamp_parts((day.year, day.month, day.day), micros);
        }
        Value::Time(micros) => printer.time(micros),
        Value::Raw(bytes) => push_raw(printer, column, bytes),
    }
}

/// A year is a number beside numbers, and four digits beside text.
fn push_year(printer: &mut Printer, form: &Form, year: u16) {
    match form {
        Form::Integer | Form::Numeric | Form::Float => printer.integer(year.into()),
        _ => {
            let digit = |unit: u16| b'0' + u8::try_from(year / unit % 10).unwrap_or_default();
            printer.printed(&[digit(1_000), digit(100), digit(10), digit(1)]);
        }
    }
}

/// Bits are a number beside numbers and booleans, and as many digits of 0 and 1 as there are bits beside bits.
fn push_bits(printer: &mut Printer, column: &Column<'_>, bits: u64) {
    match column.form {
        Form::Integer | Form::Numeric | Form::Float => printer.integer(bits.into()),
        _ => {
            let mut digits = [b'0'; 64];
            for (place, digit) in digits.iter_mut().rev().enumerate() {
                *digit += u8::try_from(bits >> place & 1).unwrap_or_default();
            }
            let length = digits.len() - bits_of(column.kind);
            printer.printed(digits.get(length..).unwrap_or_default());
        }
    }
}

/// Returns how many bits a column holds: at most 64.
pub(crate) fn bits_of(kind: &Kind) -> usize {
    match kind {
        Kind::Bits {
            length: Some(length),
        } => usize::try_from(*length).unwrap_or(64).min(64),
        _ => 64,
    }
}

fn push_raw(printer: &mut Printer, column: &Column<'_>, bytes: &[u8]) {
    match column.kind {
        Kind::Numeric { .. } if *column.form == Form::Float => match number(bytes) {
            Some(number) => printer.float(number),
            None => printer.printed(bytes),
        },
        Kind::Numeric { .. } => printer.numeric(bytes),
        Kind::Bytes { .. } => printer.bytes(bytes),
        Kind::Json { .. } => printer.json(bytes),
        _ => printer.text(bytes),
    }
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a part of a key so that [`bind`](super::bind) can name exactly this row later, in the server's own order. It is
/// not the canonical one, which may have fewer digits.
///
/// # Errors
/// When the row has no such column.
pub(crate) fn exact_part(
    row: &MySqlRow,
    place: usize,
    column: &Column<'_>,
) -> Result<Option<KeyPart>, sqlx::Error> {
    let wires = Wire::of_row(row, |_| column.is_unsigned());
    let wire = wires.get(place).copied().unwrap_or(Wire::Raw);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().map(KeyPart::Text);
    Ok(match (wire.read(row, place)?, column.kind) {
        (Value::Signed(number), _) => Some(KeyPart::Integer(number.into())),
        (Value::Unsigned(number) | Value::Bits(number), _) => Some(KeyPart::Integer(number.into())),
        (Value::Year(year), _) => Some(KeyPart::Integer(year.into())),
        (Value::Float(number), _) => Some(KeyPart::Bytes(number.to_le_bytes().to_vec())),
        (Value::Raw(bytes), Kind::Bytes { .. }) => Some(KeyPart::Bytes(bytes.to_vec())),
        (Value::Raw(bytes), _) => text(bytes),
        (Value::Null | Value::Date(_) | Value::DateTime(..) | Value::Time(_), _) => None,
    })
}

/// Writes the column for [`exact_part`]: enums and sets sort by their numbers, and moments are printed in full.
pub(crate) fn exact(column: &Column<'_>) -> String {
    let name = column.quoted();
    match column.kind {
        Kind::Enum { .. } | Kind::Set { .. } | Kind::Bits { .. } => format!("{name} + 0"),
        Kind::Integer { .. }
        | Kind::Boolean
        | Kind::Year
        | Kind::Float { .. }
        | Kind::Text { .. }
        | Kind::Bytes { .. } => name,
        _ => format!("CAST({name} AS CHAR)"),
    }
}

/// Writes the column for [`Rows`]. What only MariaDB has is sent as text when it is asked for as such.
pub(crate) fn selected(column: &Column<'_>) -> String {
    let name = column.quoted();
    match column.kind {
        Kind::Uuid | Kind::Inet | Kind::Other { .. } => format!("CAST({name} AS CHAR)"),
        _ => name,
    }
}
