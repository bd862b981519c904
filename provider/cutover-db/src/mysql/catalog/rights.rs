//! What the user may read.

use cutover_core::validation::catalog::TableName;
use sqlx::mysql::MySqlDatabaseError;

use super::{Asking, Tables};
use crate::mysql::quote;

/// Grants to the user, of everything, of databases by a pattern, and of tables. One of a few columns does not count: the
/// others are not even in `information_schema`.
const GRANTS: &str = "
    SELECT `SCOPE`, TABLE_SCHEMA, TABLE_NAME FROM
        (SELECT 'all' AS `SCOPE`, GRANTEE, PRIVILEGE_TYPE, NULL AS TABLE_SCHEMA, NULL AS TABLE_NAME
           FROM information_schema.USER_PRIVILEGES
         UNION ALL SELECT 'schema', GRANTEE, PRIVILEGE_TYPE, TABLE_SCHEMA, NULL
           FROM information_schema.SCHEMA_PRIVILEGES
         UNION ALL SELECT 'table', GRANTEE, PRIVILEGE_TYPE, TABLE_SCHEMA, TABLE_NAME
           FROM information_schema.TABLE_PRIVILEGES) g
     WHERE PRIVILEGE_TYPE = 'SELECT' AND REPLACE(GRANTEE, '''', '') = CURRENT_USER()";

/// Whether the user has a role, whose grants it may not be shown.
const ROLES: &str = "SELECT CURRENT_ROLE()";

/// What a server says when the user may not read a table, a column of it, or anything in its database.
const DENIED: [u16; 3] = [1142, 1143, 1044];

pub(super) async fn read(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    for row in asking.rows(GRANTS).await? {
        let (scope, schema, name) = (row.text(0)?, row.text(1)?, row.text(2)?);
        for table in tables.values_mut() {
            table.readable |= match scope.as_str() {
                "all" => true,
                "schema" => is_like(&table.name.schema, &schema),
                _ => table.name.schema == schema && table.name.name == name,
            };
        }
    }
    let role = match asking.rows(ROLES).await?.first() {
        Some(row) => row.may(0)?,
        None => None,
    };
    if role.is_some_and(|role| role != "NONE") {
        for table in tables.values_mut().filter(|table| !table.readable) {
            table.readable = can_read(asking, &table.name).await?;
        }
    }
    Ok(())
}

/// Asks for no row of a table. Rights are looked at before that is noticed.
async fn can_read(asking: &mut Asking<'_>, table: &TableName) -> Result<bool, sqlx::Error> {
    let statement = format!("SELECT * FROM {} LIMIT 0", quote::table(table));
    match asking.rows(&statement).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let refused = error
                .as_database_error()
                .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
                .is_some_and(|error| DENIED.contains(&error.number()));
            if refused { Ok(false) } else { Err(error) }
        }
    }
}

/// Tells whether a name is one of those of a pattern of `GRANT`: `%` is any text, `_` any character, `\` takes that from them.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut pattern = pattern.chars();
    let Some(first) = pattern.next() else {
        return name.is_empty();
    };
    let mut rest = name.chars();
    match first {
        '%' => {
            let pattern = pattern.as_str();
            is_like(name, pattern)
                || rest.next().is_some() && is_like(rest.as_str(), &format!("%{pattern}"))
        }
        '_' => rest.next().is_some() && is_like(rest.as_str(), pattern.as_str()),
        letter => {
            let letter = match letter {
                '\\' => pattern.next().unwrap_or('\\'),
                letter => letter,
            };
            rest.next() == Some(letter) && is_like(rest.as_str(), pattern.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns_of_grants_are_those_of_like() {
        for (name, pattern, expected) in [
            ("pay", "pay", true),
            ("pay", "p_y", true),
            ("pay", "%", true),
            ("pay", "p%", true),
            ("pay", "%a%", true),
            ("pay", "pa", false),
            ("pay", "pay_", false),
            ("pay_now", "pay\\_now", true),
            ("pay-now", "pay\\_now", false),
            ("pay-now", "pay_now", true),
            ("", "%", true),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }
}
