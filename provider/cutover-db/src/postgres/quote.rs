//! Names and literals in SQL of PostgreSQL.

use cutover_core::validation::catalog::TableName;

/// Quotes a name: `Order "A"` becomes `"Order ""A"""`.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes the name of a table, with its schema.
pub(crate) fn table(table: &TableName) -> String {
    format!("{}.{}", name(&table.schema), name(&table.name))
}

/// Quotes a text as a literal. Sessions have `standard_conforming_strings` on, so that a backslash means itself.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
