//! Rows out of the bytes of `COPY … (FORMAT binary)`, as they arrive.

/// What every such stream begins with (documentation of COPY, *Binary Format*).
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The signature, four bytes of flags, and the four of the extension's length.
const HEADER: usize = SIGNATURE.len() + 8;

/// A stream that is not what COPY sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Cuts a stream into rows, of which it keeps at most one.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// What arrived of a row that is not complete.
    rest: Vec<u8>,
    began: bool,
    ended: bool,
}

/// The values of a row, from the first on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Takes the next value; `None` is a null.
    pub(super) fn take(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        let (length, rest) = self.0.split_first_chunk().ok_or(Broken)?;
        self.0 = rest;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            return Ok(None);
        };
        let (value, rest) = self.0.split_at_checked(length).ok_or(Broken)?;
        self.0 = rest;
        Ok(Some(value))
    }
}

enum Piece {
    Incomplete,
    Row { length: usize },
    End,
}

impl Rows {
    /// Takes what arrived, and gives away the rows that it completes.
    pub(super) fn feed<E: From<Broken>>(
        &mut self,
        arrived: &[u8],
        mut row: impl FnMut(Fields<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // The server sends a row in each message, so that nothing needs to be copied as a rule.
        if self.rest.is_empty() {
            let used = self.take(arrived, &mut row)?;
            self.rest.extend_from_slice(&arrived[used..]);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(arrived);
        let used = self.take(&all, &mut row)?;
        all.drain(..used);
        self.rest = all;
        Ok(())
    }

    /// Tells whether all rows were there.
    pub(super) fn is_complete(&self) -> bool {
        self.ended && self.rest.is_empty()
    }

    fn take<E: From<Broken>>(
        &mut self,
        bytes: &[u8],
        row: &mut impl FnMut(Fields<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut used = 0;
        if !self.began {
            match header(bytes)? {
                Some(length) => used = length,
                None => return Ok(0),
            }
            self.began = true;
        }
        while !self.ended {
            match piece(&bytes[used..])? {
                Piece::Incomplete => break,
                Piece::Row { length } => {
                    row(Fields(&bytes[used + 2..used + length]))?;
                    used += length;
                }
                Piece::End => {
                    self.ended = true;
                    used += 2;
                }
            }
        }
        Ok(used)
    }
}

fn header(bytes: &[u8]) -> Result<Option<usize>, Broken> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Err(Broken);
    }
    let Some(extension) = bytes.get(HEADER - 4..).and_then(<[u8]>::first_chunk) else {
        return Ok(None);
    };
    let extension = usize::try_from(i32::from_be_bytes(*extension)).map_err(|_| Broken)?;
    let length = HEADER + extension;
    Ok((bytes.len() >= length).then_some(length))
}

fn piece(bytes: &[u8]) -> Result<Piece, Broken> {
    let Some(count) = bytes.first_chunk() else {
        return Ok(Piece::Incomplete);
    };
    let count = i16::from_be_bytes(*count);
    if count == -1 {
        return Ok(Piece::End);
    }
    if count < 0 {
        return Err(Broken);
    }
    let mut length = 2;
    for _ in 0..count {
        let Some(field) = bytes.get(length..).and_then(<[u8]>::first_chunk) else {
            return Ok(Piece::Incomplete);
        };
        length += 4;
        match i32::from_be_bytes(*field) {
            -1 => {}
            field => length += usize::try_from(field).map_err(|_| Broken)?,
        }
    }
    Ok(if bytes.len() < length {
        Piece::Incomplete
    } else {
        Piece::Row { length }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Row = Vec<Option<Vec<u8>>>;

    fn encoded(rows: &[Row]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 2, 9, 9]);
        for row in rows {
            bytes.extend_from_slice(&i16::try_from(row.len()).expect("short").to_be_bytes());
            for field in row {
                let length = field
                    .as_ref()
                    .map_or(-1, |value| i32::try_from(value.len()).expect("short"));
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(field.as_deref().unwrap_or_default());
            }
        }
        bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        bytes
    }

    fn read(pieces: &[&[u8]], columns: usize) -> (Vec<Row>, bool) {
        let mut rows = Rows::default();
        let mut found = Vec::new();
        for piece in pieces {
            rows.feed(piece, |mut fields| {
                let row: Result<Row, Broken> = (0..columns)
                    .map(|_| Ok(fields.take()?.map(<[u8]>::to_vec)))
                    .collect();
                found.push(row?);
                Ok::<(), Broken>(())
            })
            .expect("COPY's own format");
        }
        (found, rows.is_complete())
    }

    proptest! {
        #[test]
        fn rows_are_the_same_however_the_stream_is_cut(
            rows in prop::collection::vec(
                prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..9)), 3),
                0..5,
            ),
            size in 1_usize..40,
        ) {
            let bytes = encoded(&rows);
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();

            prop_assert_eq!(read(&pieces, 3), (rows.clone(), true));
            prop_assert!(!read(&[&bytes[..bytes.len() - 1]], 3).1);
        }
    }

    #[test]
    fn a_stream_that_is_not_of_copy_is_refused() {
        let read = |bytes: &[u8]| Rows::default().feed(bytes, |_| Ok::<(), Broken>(()));

        assert_eq!(read(b"PGCOPZ"), Err(Broken));
        let mut negative = encoded(&[]);
        let end = negative.len();
        negative[end - 2..].copy_from_slice(&(-2_i16).to_be_bytes());
        assert_eq!(read(&negative), Err(Broken));
    }
}
