//! Values of a row in, prints, key and bucket out.

use cutover_core::validation::digest::{Bucket, Key, KeyPart, Mix};
use cutover_core::validation::plan::{Buckets, Form, KeyPlan, TablePlan};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::decimal::{write_decimal, write_integer};
use super::json::write_json;
use super::moment::{write_date, write_time, write_timestamp, write_ymd};

/// The byte before a value, and instead of a null.
const VALUE: u8 = 1;
const NULL: u8 = 0;

/// The byte before a value, and the four of its length.
const HEAD: usize = 5;

/// The one bit pattern that stands for all that are no number.
const NOT_A_NUMBER: u64 = 0x7ff8_0000_0000_0000;

/// Writes rows in canonical form, one at a time into one buffer, and hashes them.
///
/// [`begin`](Self::begin) a row, push one value for each column in the order of the plan, then ask. Apart from JSON, no
/// value allocates.
#[derive(Clone, Debug)]
pub struct Printer {
    forms: Vec<Form>,
    /// Places of the key's columns; empty if the whole row is the key.
    key: Vec<usize>,
    seed: u64,
    row: Vec<u8>,
    /// Where each column that was pushed ends in `row`.
    ends: Vec<usize>,
    scratch: Vec<u8>,
}

/// Makes the key of a row of a table without one from its print: its sixteen bytes, the highest first.
pub fn whole_row_key(print: u128) -> Key {
    Key(vec![KeyPart::Bytes(print.to_be_bytes().to_vec())])
}

impl Printer {
    /// Makes a printer of whole rows of a table.
    pub fn of_rows(plan: &TablePlan, seed: u64) -> Self {
        let key = match &plan.key {
            KeyPlan::Columns(places) => places.clone(),
            KeyPlan::WholeRow => Vec::new(),
        };
        let forms = plan.columns.iter().map(|column| column.form.clone());
        Self::new(forms.collect(), key, seed)
    }

    /// Makes a printer of rows that are nothing but the columns of the key, in the key's order.
    pub fn of_keys(plan: &TablePlan, seed: u64) -> Self {
        let forms: Vec<Form> = plan
            .key_columns()
            .iter()
            .map(|column| column.form.clone())
            .collect();
        let key = (0..forms.len()).collect();
        Self::new(forms, key, seed)
    }

    /// Makes a printer of columns in these forms; `key` are places among them.
    pub fn new(forms: Vec<Form>, key: Vec<usize>, seed: u64) -> Self {
        Self {
            ends: Vec::with_capacity(forms.len()),
            forms,
            key,
            seed,
            row: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Forgets the row before.
    pub fn begin(&mut self) {
        self.row.clear();
        self.ends.clear();
    }

    /// Tells whether all columns were pushed.
    pub fn is_complete(&self) -> bool {
        self.ends.len() == self.forms.len()
    }

    /// Pushes a null.
    pub fn null(&mut self) {
        self.row.push(NULL);
        self.ends.push(self.row.len());
    }

    /// Pushes a whole number or, as 0 or 1, a boolean.
    pub fn integer(&mut self, value: i128) {
        self.push(|out, form| match form {
            // Half of a pair of kinds whose other half is floating point.
            #[expect(
                clippy::cast_precision_loss,
                reason = "the other side holds no more of it"
            )]
            Form::Float => write_float(out, value as f64),
            _ => write_integer(out, value),
        });
    }

    /// Pushes a decimal by its text; words such as `NaN` stay as they are.
    pub fn numeric(&mut self, text: &[u8]) {
        self.push(|out, _| write_decimal(out, text));
    }

    /// Pushes a number of binary floating point, widened to 64 bits.
    pub fn float(&mut self, value: f64) {
        self.push(|out, _| write_float(out, value));
    }

    /// Pushes text in UTF-8; JSON and UUIDs too, where a column keeps them as text.
    pub fn text(&mut self, value: &[u8]) {
        self.push(|out, form| match form {
            Form::Text { padded: true } => out.extend_from_slice(without(b' ', value)),
            Form::Uuid => write_uuid_text(out, value),
            Form::Json => write_json(out, value),
            Form::Numeric | Form::Integer => write_decimal(out, value),
            _ => out.extend_from_slice(value),
        });
    }

    /// Pushes bytes; UUIDs too, where a column keeps them as 16 bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.push(|out, form| match (form, <[u8; 16]>::try_from(value)) {
            (Form::Bytes { padded: true }, _) => out.extend_from_slice(without(0, value)),
            (Form::Uuid, Ok(uuid)) => write_uuid(out, uuid),
            _ => out.extend_from_slice(value),
        });
    }

    /// Pushes the day that is so many days after 1970-01-01.
    pub fn date(&mut self, days: i64) {
        self.push(|out, form| match form {
            Form::Timestamp { digits } => {
                write_timestamp(out, days, 0, *digits);
            }
            _ => write_date(out, days),
        });
    }

    /// Pushes a day by its parts, of which any may be zero, as MySQL keeps them.
    pub fn date_parts(&mut self, year: u16, month: u8, day: u8) {
        self.timestamp_parts((year, month, day), 0);
    }

    /// Pushes a time of day, or a span with MySQL, in microseconds. A time with an offset: of the same moment in UTC.
    pub fn time(&mut self, micros: i64) {
        self.push(|out, form| write_time(out, micros, digits_of(form)));
    }

    /// Pushes a moment, or what a clock shows: its day, so many after 1970-01-01, and the microseconds of that day. Together
    /// they would not fit into 64 bits for PostgreSQL's last years.
    pub fn timestamp(&mut self, days: i64, micros: i64) {
        self.push(|out, form| write_timestamp(out, days, micros, digits_of(form)));
    }

    /// Pushes a moment by the parts of its day, of which any may be zero, as MySQL keeps them, and the microseconds of its
    /// time of day.
    pub fn timestamp_parts(&mut self, (year, month, day): (u16, u8, u8), micros: i64) {
        self.push(|out, form| {
            write_ymd(out, year.into(), month, day);
            if !matches!(form, Form::Date) {
                out.push(b' ');
                write_time(out, micros, digits_of(form));
            }
        });
    }

    /// Pushes a UUID.
    pub fn uuid(&mut self, value: [u8; 16]) {
        self.push(|out, form| match form {
            Form::Bytes { .. } => out.extend_from_slice(&value),
            _ => write_uuid(out, value),
        });
    }

    /// Pushes JSON by its text. The only value that allocates.
    pub fn json(&mut self, text: &[u8]) {
        self.push(|out, form| match form {
            Form::Json => write_json(out, text),
            _ => out.extend_from_slice(text),
        });
    }

    /// Pushes what an engine printed, as it is: `infinity` among dates too.
    pub fn printed(&mut self, text: &[u8]) {
        self.push(|out, _| out.extend_from_slice(text));
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>, &Form)) {
        let start = self.row.len();
        self.row.extend_from_slice(&[VALUE, 0, 0, 0, 0]);
        // A value beyond the plan has no form; `is_complete` is false then, and nobody asks for its print.
        let beyond = Form::Printed;
        let form = self.forms.get(self.ends.len()).unwrap_or(&beyond);
        write(&mut self.row, form);
        // No engine sends a value of 4 GiB: PostgreSQL and MySQL stop at 1 GiB.
        let length = u32::try_from(self.row.len() - start - HEAD).unwrap_or(u32::MAX);
        self.row[start + 1..start + HEAD].copy_from_slice(&length.to_le_bytes());
        self.ends.push(self.row.len());
    }

    /// Returns the canonical bytes of the row.
    #[cfg(test)]
    pub(crate) fn canonical(&self) -> &[u8] {
        &self.row
    }

    /// Returns the print of the row.
    pub fn print(&self) -> u128 {
        xxh3_128_with_seed(&self.row, self.seed)
    }

    /// Returns a print of each column. Two engines give the same for equal values and one seed.
    pub fn columns(&self) -> Vec<u64> {
        (0..self.ends.len())
            .map(|place| xxh3_64_with_seed(self.column(place), self.seed))
            .collect()
    }

    /// Returns the key; the row's print where the whole row is the key.
    pub fn key(&self) -> Key {
        if self.key.is_empty() {
            return whole_row_key(self.print());
        }
        Key(self.key.iter().map(|&place| self.key_part(place)).collect())
    }

    /// Returns the bucket of the row.
    pub fn bucket(&mut self, buckets: &Buckets) -> u32 {
        match *buckets {
            Buckets::Ranges {
                first,
                width,
                count,
            } => {
                let key = self
                    .key
                    .first()
                    .map_or(b"".as_slice(), |&place| self.value(place));
                range_of(whole_number(key), first, width, count)
            }
            Buckets::Hashed { count } => {
                let hash = self.key_hash();
                u32::try_from(hash % u64::from(count.max(1))).expect("below a number of 32 bits")
            }
        }
    }

    /// Adds the row to a bucket.
    pub fn add_to(&self, bucket: &mut Bucket, mix: Mix) {
        let [low, high] = halves(self.print());
        let row = Bucket {
            rows: 1,
            digest: [low, high],
        };
        bucket.add(&row, mix);
    }

    fn key_hash(&mut self) -> u64 {
        match self.key.as_slice() {
            [] => xxh3_64_with_seed(&self.row, self.seed),
            &[only] => xxh3_64_with_seed(self.column(only), self.seed),
            _ => {
                let mut scratch = std::mem::take(&mut self.scratch);
                scratch.clear();
                for &place in &self.key {
                    scratch.extend_from_slice(self.column(place));
                }
                let hash = xxh3_64_with_seed(&scratch, self.seed);
                self.scratch = scratch;
                hash
            }
        }
    }

    /// The canonical bytes of a column, with what is before them.
    fn column(&self, place: usize) -> &[u8] {
        let start = match place.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(place).copied().unwrap_or(start);
        self.row.get(start..end).unwrap_or_default()
    }

    /// The canonical bytes of a column's value; none of a null.
    fn value(&self, place: usize) -> &[u8] {
        self.column(place).get(HEAD..).unwrap_or_default()
    }

    fn key_part(&self, place: usize) -> KeyPart {
        let value = self.value(place);
        match self.forms.get(place) {
            Some(Form::Bytes { .. } | Form::Float) => KeyPart::Bytes(value.to_vec()),
            Some(Form::Integer) => match whole_number(value) {
                Some(number) => KeyPart::Integer(number),
                None => text_part(value),
            },
            _ => text_part(value),
        }
    }
}

/// The two halves of a print, the low one first.
pub(crate) fn halves(print: u128) -> [u64; 2] {
    let low = u64::try_from(print & u128::from(u64::MAX)).expect("masked to 64 bits");
    let high = u64::try_from(print >> 64).expect("shifted to 64 bits");
    [low, high]
}

/// The bucket of a whole number; the first one where there is none.
fn range_of(key: Option<i128>, first: i64, width: u64, count: u32) -> u32 {
    let last = i128::from(count.max(1) - 1);
    let Some(key) = key else { return 0 };
    // Bounds that the clamp keeps anyway let 64 bits do, which divide faster.
    let from = key.saturating_sub(first.into()).max(0);
    let place = match u64::try_from(from) {
        Ok(from) => i128::from(from / width.max(1)),
        Err(_) => from / i128::from(width.max(1)),
    };
    u32::try_from(place.min(last)).expect("a bucket's number has 32 bits")
}

fn whole_number(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<i64>() {
        Ok(small) => Some(small.into()),
        Err(_) => text.parse().ok(),
    }
}

fn text_part(value: &[u8]) -> KeyPart {
    KeyPart::Text(String::from_utf8_lossy(value).into_owned())
}

fn digits_of(form: &Form) -> u8 {
    match form {
        Form::Time { digits } | Form::Timestamp { digits } => *digits,
        _ => 6,
    }
}

fn without(filler: u8, value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|&byte| byte != filler);
    &value[..end.map_or(0, |last| last + 1)]
}

fn write_float(out: &mut Vec<u8>, value: f64) {
    let bits = if value.is_nan() {
        NOT_A_NUMBER
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    };
    out.extend_from_slice(&bits.to_le_bytes());
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn write_uuid(out: &mut Vec<u8>, value: [u8; 16]) {
    for (place, byte) in value.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// Writes a UUID that was kept as text: with any dashes and brackets. Other text stays as it is.
fn write_uuid_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut value = [0_u8; 16];
    let mut digits = 0_usize;
    for &byte in without(b' ', text) {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'-' | b'{' | b'}' => continue,
            _ => return out.extend_from_slice(text),
        };
        let Some(place) = value.get_mut(digits / 2) else {
            return out.extend_from_slice(text);
        };
        *place = *place << 4 | digit;
        digits += 1;
    }
    if digits == 32 {
        write_uuid(out, value);
    } else {
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests;
