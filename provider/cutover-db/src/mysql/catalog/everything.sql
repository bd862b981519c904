ALTER DATABASE catalog_everything CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

CREATE TABLE customers (
    id bigint unsigned NOT NULL AUTO_INCREMENT,
    email varchar(190) NOT NULL,
    name varchar(40) COLLATE utf8mb4_bin,
    code char(8) CHARACTER SET latin1,
    tier tinyint unsigned NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY by_email (email),
    KEY by_prefix (email(10), tier)
) ENGINE = InnoDB AUTO_INCREMENT = 1000;

CREATE TABLE kinds (
    id mediumint AUTO_INCREMENT PRIMARY KEY,
    t8 tinyint, flag tinyint(1) DEFAULT 1, flag_u tinyint(1) unsigned, t16 smallint unsigned, t24 mediumint, t32 int,
    t64 bigint,
    n decimal(12, 2) DEFAULT 0.5, n_plain decimal, f float, d double,
    c char(3), v varchar(20) DEFAULT 'it''s \\ "so"', tt tinytext, t text, mt mediumtext, lt longtext,
    b binary(16), vb varbinary(8), tb tinyblob, bb blob, mb mediumblob, lb longblob,
    day date, tm time, tm3 time(3), dt datetime, dt6 datetime(6) DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
    ts timestamp NULL, ts3 timestamp(3) NULL DEFAULT NULL,
    y year, j json DEFAULT '{}', `j``odd` json, not_json longtext CHECK (json_valid(not_json) OR not_json = ''),
    e enum('pending', 'settled', 'it''s, void') DEFAULT 'pending', s set('a', 'b'),
    bits bit(8) DEFAULT b'101', u uuid, i4 inet4, i6 inet6, g point, hidden int INVISIBLE,
    total decimal(14, 2) AS (n * 2) STORED, shown varchar(30) AS (concat(v, '!')) VIRTUAL
);

CREATE TABLE payments (
    id char(36) NOT NULL,
    customer_id bigint unsigned NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency char(3) NOT NULL,
    note text,
    PRIMARY KEY (id),
    CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE RESTRICT,
    CONSTRAINT known CHECK ((currency = 'EUR' AND amount < 10) OR currency <> 'EUR'),
    FULLTEXT KEY words (note),
    KEY latest (customer_id, amount DESC)
);
CREATE TRIGGER audit AFTER INSERT ON payments FOR EACH ROW SET @seen = 1;

CREATE TABLE entries (
    id int NOT NULL, day date NOT NULL, PRIMARY KEY (id, day)
) PARTITION BY RANGE (year(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (
    PARTITION old VALUES LESS THAN (2024), PARTITION rest VALUES LESS THAN MAXVALUE
);
CREATE TABLE listed (id int, region varchar(2)) PARTITION BY LIST COLUMNS (region) (
    PARTITION eu VALUES IN ('de', 'fr'), PARTITION us VALUES IN ('us')
);

CREATE TABLE `odd``na'me` (`select` int, `a``b` int, KEY `k``k` (`a``b`));
CREATE VIEW a_view AS SELECT 1;
CREATE TABLE versioned (id int) WITH SYSTEM VERSIONING;
CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 10 MAXVALUE 1000 NOCACHE CYCLE;
INSERT INTO kinds (t8) VALUES (1), (2);
