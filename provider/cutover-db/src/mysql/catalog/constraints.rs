//! Keys, indexes, checks and triggers of MySQL's and MariaDB's tables.

use cutover_core::validation::catalog::{Check, ForeignKey, Index, Kind, Table, Trigger};

use super::{Asking, Tables};
use crate::mysql::flavour::Flavour;

/// Parts of indexes in their order. MariaDB has no expressions in them; `{expression}` is the column where MySQL has.
const INDEXES: &str = "
    SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, COLLATION, SUB_PART, INDEX_TYPE, {expression}
      FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA {within}
     ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";

const FOREIGN_KEYS: &str = "
    SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA,
           k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE
      FROM information_schema.KEY_COLUMN_USAGE k
      LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r
             ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
            AND r.TABLE_NAME = k.TABLE_NAME
     WHERE k.TABLE_SCHEMA {within} AND k.REFERENCED_TABLE_NAME IS NOT NULL
     ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION";

/// Checks of MySQL, 8.0.16 and later; their names are unique in a database.
const CHECKS_OF_MYSQL: &str = "
    SELECT t.TABLE_SCHEMA, t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED
      FROM information_schema.CHECK_CONSTRAINTS c
      JOIN information_schema.TABLE_CONSTRAINTS t
        ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME
       AND t.CONSTRAINT_TYPE = 'CHECK'
     WHERE c.CONSTRAINT_SCHEMA {within}
     ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME, c.CONSTRAINT_NAME";

/// Checks of MariaDB, whose names are unique in a table.
const CHECKS_OF_MARIADB: &str = "
    SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, 'YES'
      FROM information_schema.CHECK_CONSTRAINTS
     WHERE CONSTRAINT_SCHEMA {within}
     ORDER BY CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME";

/// Triggers that the user may see, with the setting that makes MariaDB's replication fire them.
const TRIGGERS: &str = "
    SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION
      FROM information_schema.TRIGGERS
     WHERE EVENT_OBJECT_SCHEMA {within}
     ORDER BY EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME";

const FIRE_ON_APPLY: &str = "SHOW GLOBAL VARIABLES LIKE 'slave\\_run\\_triggers\\_for\\_rbr'";

pub(super) async fn read(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    indexes(asking, tables).await?;
    foreign_keys(asking, tables).await?;
    checks(asking, tables).await?;
    triggers(asking, tables).await
}

async fn indexes(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    let expression = match asking.flavour {
        Flavour::Mysql => "EXPRESSION",
        Flavour::Mariadb => "NULL",
    };
    let query = INDEXES.replace("{expression}", expression);
    for row in asking.within(&query).await? {
        let Some(table) = tables.get_mut(&row.table(0)?) else {
            continue;
        };
        let name = row.text(2)?;
        let column = row.may(4)?;
        if name == "PRIMARY" {
            let key = table.primary_key.get_or_insert_default();
            key.extend(column);
            continue;
        }
        let mut part = match column {
            Some(column) => column,
            None => format!("({})", row.text(8)?),
        };
        if let Some(prefix) = row.may(6)? {
            part = format!("{part}({prefix})");
        }
        if row.may(5)?.as_deref() == Some("D") {
            part += " DESC";
        }
        match table.indexes.last_mut().filter(|index| index.name == name) {
            Some(index) => index.parts.push(part),
            None => table.indexes.push(Index {
                name,
                parts: vec![part],
                unique: row.text(3)? == "0",
                predicate: None,
                valid: true,
                method: row.text(7)?.to_ascii_lowercase(),
            }),
        }
    }
    Ok(())
}

async fn foreign_keys(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    for row in asking.within(FOREIGN_KEYS).await? {
        let Some(table) = tables.get_mut(&row.table(0)?) else {
            continue;
        };
        let name = row.text(2)?;
        let (column, referred) = (row.text(3)?, row.text(6)?);
        match table.foreign_keys.last_mut().filter(|key| key.name == name) {
            Some(key) => {
                key.columns.push(column);
                key.referred_columns.push(referred);
            }
            None => table.foreign_keys.push(ForeignKey {
                name,
                columns: vec![column],
                referred: row.table(4)?,
                referred_columns: vec![referred],
                actions: (row.text(7)?, row.text(8)?),
                // Rows that were there are checked when the key is made, unless the session had said otherwise, of which
                // nothing is kept.
                validated: true,
            }),
        }
    }
    Ok(())
}

async fn checks(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    let query = match asking.flavour {
        Flavour::Mysql => CHECKS_OF_MYSQL,
        Flavour::Mariadb => CHECKS_OF_MARIADB,
    };
    for row in asking.within(query).await? {
        let Some(table) = tables.get_mut(&row.table(0)?) else {
            continue;
        };
        let expression = without_brackets(&row.text(3)?).to_owned();
        if asking.flavour == Flavour::Mariadb && makes_json(table, &expression) {
            continue;
        }
        table.checks.push(Check {
            name: row.text(2)?,
            expression,
            validated: row.text(4)? != "NO",
        });
    }
    Ok(())
}

/// MariaDB's `JSON` is a `longtext` with a check. Where there is one, the column becomes what it was declared as.
fn makes_json(table: &mut Table, expression: &str) -> bool {
    for column in &mut table.columns {
        let is_text = matches!(column.kind, Kind::Text { length: None, .. });
        let check = format!("json_valid(`{}`)", column.name.replace('`', "``"));
        if is_text && expression.eq_ignore_ascii_case(&check) {
            column.kind = Kind::Json { parsed: false };
            column.collation = None;
            column.deterministic = true;
            return true;
        }
    }
    false
}

/// Takes away brackets around the whole: of `(a > 0)`, not of `(a) > (b)`.
fn without_brackets(expression: &str) -> &str {
    let mut rest = expression;
    while let Some(inner) = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        let mut depth = 1_u32;
        let mut quote = None;
        for letter in inner.chars() {
            match (quote, letter) {
                (Some(open), _) if open == letter => quote = None,
                (None, '\'' | '"' | '`') => quote = Some(letter),
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return rest;
            }
        }
        rest = inner;
    }
    rest
}

async fn triggers(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    // MySQL's replication by rows fires none, and MariaDB's does when it is told to.
    let setting = asking.rows(FIRE_ON_APPLY).await?;
    let fires_on_apply = match setting.first() {
        Some(row) => row.text(1)? != "NO",
        None => false,
    };
    for row in asking.within(TRIGGERS).await? {
        if let Some(table) = tables.get_mut(&row.table(0)?) {
            table.triggers.push(Trigger {
                name: row.text(2)?,
                fires: format!("{} {}", row.text(3)?, row.text(4)?),
                fires_on_apply,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::without_brackets;

    #[test]
    fn only_brackets_around_the_whole_are_taken_away() {
        for (printed, expected) in [
            ("(`a` > 0)", "`a` > 0"),
            ("((`a` > 0) and (`b` < 1))", "(`a` > 0) and (`b` < 1)"),
            ("(`a`) > (`b`)", "(`a`) > (`b`)"),
            ("(`a` <> ')')", "`a` <> ')'"),
            ("`a` > 0", "`a` > 0"),
        ] {
            assert_eq!(without_brackets(printed), expected);
        }
    }
}
