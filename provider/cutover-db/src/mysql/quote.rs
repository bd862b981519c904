//! Names and text within statements.

use cutover_core::validation::catalog::TableName;

/// Writes the name of a database, table or column.
pub(crate) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Writes the full name of a table.
pub(crate) fn table(table: &TableName) -> String {
    format!("{}.{}", name(&table.schema), name(&table.name))
}

/// Writes a text. Sessions have `NO_BACKSLASH_ESCAPES`, so that a backslash stands for itself.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_neither_names_nor_text() {
        assert_eq!(name("a`b"), "`a``b`");
        assert_eq!(text(r"it's a \"), r"'it''s a \'");
        let odd = TableName {
            schema: "shop".to_owned(),
            name: "`".to_owned(),
        };
        assert_eq!(table(&odd), "`shop`.````");
    }
}
