//! Payments, the same on both sides: eleven columns, about 180 bytes a row.

use cutover_core::validation::catalog::Engine;

/// The statements that make so many payments anew.
pub(super) fn fill(engine: Engine, rows: u64) -> Vec<String> {
    match engine {
        Engine::Postgres => vec![
            "DROP TABLE IF EXISTS payments".to_owned(),
            "CREATE TABLE payments (
                 id bigint PRIMARY KEY, customer_id bigint NOT NULL, amount numeric(12,2) NOT NULL,
                 currency char(3) NOT NULL, status varchar(20) NOT NULL, method varchar(20),
                 reference varchar(64) NOT NULL, description text, metadata jsonb,
                 created_at timestamptz NOT NULL, updated_at timestamptz)"
                .to_owned(),
            format!(
                "INSERT INTO payments SELECT i, i % 200000, (i * 7919 % 1000000) / 100.0,
                     (ARRAY['EUR','USD','GBP'])[i % 3 + 1], (ARRAY['pending','settled','failed'])[i % 3 + 1],
                     CASE WHEN i % 5 = 0 THEN NULL ELSE 'card' END, md5(i::text), 'Payment number ' || i,
                     jsonb_build_object('channel', 'web', 'attempt', i % 4),
                     timestamptz '2024-01-01 00:00:00+00' + i * interval '1.000123 seconds',
                     CASE WHEN i % 7 = 0 THEN NULL ELSE timestamptz '2024-06-01 00:00:00+00' + i * interval '1 second' END
                 FROM generate_series(1::bigint, {rows}) i"
            ),
            // Not in the same breath: it runs in no transaction.
            "VACUUM ANALYZE payments".to_owned(),
        ],
        Engine::Mysql | Engine::Mariadb => vec![
            "DROP TABLE IF EXISTS payments".to_owned(),
            "CREATE TABLE payments (
                 id bigint PRIMARY KEY, customer_id bigint NOT NULL, amount decimal(12,2) NOT NULL,
                 currency char(3) NOT NULL, status varchar(20) NOT NULL, method varchar(20),
                 reference varchar(64) NOT NULL, description text, metadata longtext,
                 created_at datetime(6) NOT NULL, updated_at datetime(6))
                 CHARACTER SET utf8mb4"
                .to_owned(),
            format!(
                "INSERT INTO payments SELECT seq, seq % 200000, (seq * 7919 % 1000000) / 100,
                     ELT(seq % 3 + 1, 'EUR', 'USD', 'GBP'), ELT(seq % 3 + 1, 'pending', 'settled', 'failed'),
                     IF(seq % 5 = 0, NULL, 'card'), MD5(seq), CONCAT('Payment number ', seq),
                     JSON_OBJECT('channel', 'web', 'attempt', seq % 4),
                     TIMESTAMP'2024-01-01 00:00:00' + INTERVAL seq * 1.000123 SECOND,
                     IF(seq % 7 = 0, NULL, TIMESTAMP'2024-06-01 00:00:00' + INTERVAL seq SECOND)
                 FROM seq_1_to_{rows}"
            ),
            "ANALYZE TABLE payments".to_owned(),
        ],
    }
}

/// The statement that changes so many of the rows, all over the table.
pub(super) fn change(changed: u64, rows: u64) -> String {
    let step = rows / changed;
    format!("UPDATE payments SET status = 'disputed' WHERE id % {step} = 0")
}
