//! Fixed literals, hashed as rows are, to see whether two servers hash alike.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::facts::DbFailure;

use super::reading::Reading;
use super::session::Postgres;
use super::sql::record::number;

impl Postgres {
    /// Hashes literals of these kinds.
    pub(super) async fn hash_literals(&self, kinds: &[Kind], seed: u64) -> Result<u64, DbFailure> {
        let mut reading = Reading::now(self, "hashing fixed values".to_owned()).await?;
        let mut literals: Vec<String> = kinds.iter().map(literal).collect();
        // A row has one column at least.
        literals.push("NULL::bigint".to_owned());
        let sql = format!(
            "SELECT hash_record_extended(ROW({}), {})",
            literals.join(", "),
            number(seed)
        );
        let row = reading.one(&sql).await?;
        let hash: i64 = reading.get(&row, 0)?;
        reading.finish().await?;
        Ok(hash.cast_unsigned())
    }
}

/// A value of a kind that shows as much of it as one value can: a sign, a fraction, bytes above 127.
fn literal(kind: &Kind) -> String {
    let text = match kind {
        // One value in whatever width, since widths hash alike and may differ between the sides.
        Kind::Integer { bits: 64, .. } => "'-31234'::bigint",
        Kind::Integer { bits: 16, .. } => "'-31234'::smallint",
        Kind::Integer { .. } => "'-31234'::integer",
        Kind::Numeric { .. } => "'-12345678901234567890.123400'::numeric",
        Kind::Float { bits: 32 } => "'-0.15625'::real",
        Kind::Float { .. } => "'-0.15625'::double precision",
        Kind::Boolean => "true",
        Kind::Text { padded: true, .. } => "'Größe'::bpchar COLLATE \"C\"",
        Kind::Bytes { .. } => "'\\x00ff10'::bytea",
        Kind::Date => "'0044-03-15 BC'::date",
        Kind::Time { zoned: true, .. } => "'23:59:59.123456-09:30'::timetz",
        Kind::Time { .. } => "'23:59:59.123456'::time",
        Kind::Timestamp { zoned: true, .. } => "'1969-12-31 23:59:59.999999+00'::timestamptz",
        Kind::Timestamp { .. } => "'1969-12-31 23:59:59.999999'::timestamp",
        Kind::Uuid => "'00112233-4455-6677-8899-aabbccddeeff'::uuid",
        Kind::Json { parsed: true } => "'{\"b\": [1.50, null], \"a\": \"é\"}'::jsonb",
        Kind::Interval => "'-1 mon 3 days 04:05:06.7'::interval",
        Kind::Inet => "'2001:db8::1/64'::inet",
        Kind::Array(of) => return format!("ARRAY[{}, NULL]", literal(of)),
        // Everything else is hashed as its text.
        _ => "'Größe'::text COLLATE \"C\"",
    };
    text.to_owned()
}
