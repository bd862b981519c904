//! What tables are called on either side.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::side::Both;

use crate::data_validation::ValidationEngine;

/// What schemas (databases with MySQL) of one side are called on the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schemas {
    forth: BTreeMap<String, String>,
}

impl Schemas {
    /// Takes what the program says, and that the default schema of one side stands for that of the other, where both are
    /// known: `public`, or the database with MySQL.
    pub(crate) fn new(
        given: &BTreeMap<String, String>,
        engines: Both<ValidationEngine>,
        databases: Both<Option<&str>>,
    ) -> Self {
        let default = |engine, database: Option<&str>| match engine {
            ValidationEngine::Postgres => Some("public".to_owned()),
            ValidationEngine::Mysql | ValidationEngine::Mariadb => database.map(str::to_owned),
        };
        let mut forth = given.clone();
        let source = default(engines.source, databases.source);
        let target = default(engines.target, databases.target);
        if let Some((source, target)) = source.zip(target) {
            forth.entry(source).or_insert(target);
        }
        Self { forth }
    }

    /// Names a table of the source as the target does.
    pub(crate) fn forth(&self, table: &TableName) -> TableName {
        let schema = self.forth.get(&table.schema).unwrap_or(&table.schema);
        TableName {
            schema: schema.clone(),
            name: table.name.clone(),
        }
    }

    /// Says what schemas of the target are called on the source.
    pub(crate) fn back(&self) -> BTreeMap<String, String> {
        let turned = self
            .forth
            .iter()
            .map(|(source, target)| (target.clone(), source.clone()));
        turned.collect()
    }

    /// Names a pattern or place of the source, `schema.rest`, as the target does; one without a dot stays as it is.
    pub(crate) fn forth_text(&self, text: &str) -> String {
        match text.split_once('.') {
            Some((schema, rest)) => {
                let schema = self.forth.get(schema).map_or(schema, String::as_str);
                format!("{schema}.{rest}")
            }
            None => text.to_owned(),
        }
    }
}

/// Reads `schema.table`; `None` for anything else, patterns included.
pub(crate) fn split(text: &str) -> Option<TableName> {
    let (schema, name) = text.split_once('.')?;
    let is_plain = |part: &str| {
        !part.is_empty() && part.trim() == part && !part.contains(['*', '.', '"', '`'])
    };
    (is_plain(schema) && is_plain(name)).then(|| TableName {
        schema: schema.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> TableName {
        split(text).expect("a name")
    }

    #[test]
    fn only_a_schema_and_a_table_make_a_name() {
        for text in [
            "payments",
            "shop.",
            ".payments",
            "shop.*",
            "a.b.c",
            "shop. payments",
            "shop.\"p\"",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
        assert_eq!(table("shop.payments").schema, "shop");
    }

    #[test]
    fn the_default_schema_of_one_engine_stands_for_that_of_the_other() {
        let engines = Both {
            source: ValidationEngine::Mysql,
            target: ValidationEngine::Postgres,
        };
        let databases = Both {
            source: Some("shop"),
            target: Some("anything"),
        };

        let schemas = Schemas::new(&BTreeMap::new(), engines, databases);

        assert_eq!(
            schemas.forth(&table("shop.payments")),
            table("public.payments")
        );
        assert_eq!(schemas.forth(&table("audit.log")), table("audit.log"));
        assert_eq!(
            schemas.back().get("public").map(String::as_str),
            Some("shop")
        );
        assert_eq!(
            schemas.forth_text("shop.payments.note"),
            "public.payments.note"
        );
        assert_eq!(schemas.forth_text("payments"), "payments");
    }

    #[test]
    fn what_the_program_says_goes_before_the_default() {
        let engines = Both::of(|_| ValidationEngine::Postgres);
        let given = BTreeMap::from([("public".to_owned(), "shop".to_owned())]);

        let schemas = Schemas::new(&given, engines, Both::of(|_| None));

        assert_eq!(
            schemas.forth(&table("public.payments")),
            table("shop.payments")
        );
    }
}
