CREATE SCHEMA pay;
CREATE SCHEMA "Odd ""names""";
CREATE SCHEMA unasked;
CREATE EXTENSION citext SCHEMA pay;

CREATE COLLATION pay.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE pay.status AS ENUM ('pending', 'settled', 'it''s void');
ALTER TYPE pay.status ADD VALUE 'authorised' BEFORE 'settled';
CREATE DOMAIN pay.amount AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE DOMAIN pay.price AS pay.amount NOT NULL;
CREATE TYPE pay.pair AS (a int, b text);

CREATE TABLE pay.customers (
    id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 5) PRIMARY KEY,
    dropped text,
    email pay.citext NOT NULL UNIQUE,
    name text COLLATE pay.any_case,
    code char(8) COLLATE "C",
    tier smallint DEFAULT 1 NOT NULL
);
ALTER TABLE pay.customers DROP COLUMN dropped;

CREATE TABLE pay.types (
    id serial PRIMARY KEY,
    small smallserial,
    n numeric, n5 numeric(5), nm numeric(3, -2), price pay.price, amount pay.amount,
    r real, d double precision, b boolean,
    t text, v varchar(40), c character(3), one "char", n_ame name,
    bytes bytea, day date, tm time(3), tmz time with time zone,
    ts timestamp(0), tsz timestamp with time zone DEFAULT now(),
    u uuid DEFAULT gen_random_uuid(), j json, jb jsonb DEFAULT '{}',
    s pay.status DEFAULT 'pending', bits bit(8), some_bits bit varying(16),
    span interval, addr inet, net cidr, mac macaddr, cash money,
    ints integer[], statuses pay.status[], amounts pay.amount[], names varchar(10)[][],
    spans tstzrange, doc xml, words tsvector, place point, ab pay.pair, object oid, emails pay.citext[],
    total numeric(14, 2) GENERATED ALWAYS AS (n5 * 2) STORED
);

CREATE TABLE pay.payments (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    customer_id bigint NOT NULL REFERENCES pay.customers (id) ON DELETE RESTRICT ON UPDATE CASCADE,
    reference text,
    amount bigint NOT NULL CONSTRAINT amount_is_positive CHECK (amount > 0),
    status pay.status NOT NULL,
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE TABLE pay.payments_2024 PARTITION OF pay.payments FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
    PARTITION BY HASH (id);
CREATE TABLE pay.payments_2024_even PARTITION OF pay.payments_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE unasked.payments_2024_odd PARTITION OF pay.payments_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE pay.payments_rest PARTITION OF pay.payments DEFAULT;
CREATE INDEX payments_by_customer ON pay.payments (customer_id, created_at DESC);
ALTER TABLE pay.payments ADD CONSTRAINT reference_is_short CHECK (length(reference) < 100) NOT VALID;

CREATE TABLE pay.refunds (
    id bigint PRIMARY KEY,
    payment_at timestamptz,
    payment_id uuid,
    amount bigint,
    note text,
    FOREIGN KEY (payment_at, payment_id) REFERENCES pay.payments (created_at, id) NOT VALID
);
CREATE UNIQUE INDEX refunds_once ON pay.refunds (payment_id) INCLUDE (amount) WHERE amount > 0;
CREATE INDEX refunds_by_note ON pay.refunds (lower(note), amount DESC NULLS LAST, payment_at NULLS FIRST);
CREATE INDEX refunds_hashed ON pay.refunds USING hash (note);
CREATE FUNCTION pay.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON pay.refunds FOR EACH ROW EXECUTE FUNCTION pay.nothing();
CREATE TRIGGER on_replicas BEFORE INSERT ON pay.refunds FOR EACH ROW EXECUTE FUNCTION pay.nothing();
CREATE TRIGGER everywhere BEFORE TRUNCATE ON pay.refunds FOR EACH STATEMENT EXECUTE FUNCTION pay.nothing();
CREATE TRIGGER off BEFORE UPDATE ON pay.refunds FOR EACH ROW EXECUTE FUNCTION pay.nothing();
ALTER TABLE pay.refunds ENABLE REPLICA TRIGGER on_replicas;
ALTER TABLE pay.refunds ENABLE ALWAYS TRIGGER everywhere;
ALTER TABLE pay.refunds DISABLE TRIGGER off;

CREATE TABLE "Odd ""names"""."Ta'b le" ("Co""l" int, "select" text DEFAULT 'it''s');
CREATE TABLE unasked.elsewhere (id int);
CREATE VIEW pay.a_view AS SELECT 1 AS one;

CREATE SEQUENCE pay.never_used START 7;
CREATE SEQUENCE pay.set_only;
SELECT setval('pay.set_only', 100, false);
CREATE SEQUENCE pay.used INCREMENT 10 MAXVALUE 1000;
SELECT setval('pay.used', 42);
CREATE SEQUENCE pay.round MAXVALUE 3 CYCLE;
SELECT setval('pay.round', 3);
CREATE SEQUENCE pay.down INCREMENT -1;
SELECT nextval('pay.down');
INSERT INTO pay.customers (email) VALUES ('a@example.com');
