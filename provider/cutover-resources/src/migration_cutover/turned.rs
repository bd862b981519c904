//! A validation with source and target exchanged: after the switch rows flow the other way.

use std::collections::BTreeMap;

use crate::data_validation::{ValidationChecks, ValidationLimits};
use crate::migration::Schemas;

/// Exchanges the limits of both servers.
pub(super) fn limits(given: ValidationLimits) -> ValidationLimits {
    ValidationLimits {
        source: given.target,
        target: given.source,
    }
}

/// Names tables, or columns of tables, as the target does.
pub(super) fn keys<T: Clone>(
    given: &BTreeMap<String, T>,
    schemas: &Schemas,
) -> BTreeMap<String, T> {
    let turned = given
        .iter()
        .map(|(name, value)| (schemas.forth_text(name), value.clone()));
    turned.collect()
}

/// Names patterns of tables as the target does.
pub(super) fn names(given: &[String], schemas: &Schemas) -> Vec<String> {
    given.iter().map(|name| schemas.forth_text(name)).collect()
}

/// Names tables as the target does, and exchanges the queries of both sides.
pub(super) fn checks(given: ValidationChecks, schemas: &Schemas) -> ValidationChecks {
    let mut turned = given;
    for sums in &mut turned.sums {
        sums.table = schemas.forth_text(&sums.table);
    }
    for rule in &mut turned.rules {
        if let Some(table) = &mut rule.table {
            *table = schemas.forth_text(table);
        }
        exchange(&mut rule.query, &mut rule.target_query);
    }
    for invariant in &mut turned.invariants {
        if let Some(target) = &mut invariant.target_query {
            std::mem::swap(&mut invariant.query, target);
        }
    }
    for reference in &mut turned.references {
        reference.table = schemas.forth_text(&reference.table);
        reference.referred = schemas.forth_text(&reference.referred);
    }
    turned
}

/// Exchanges two queries, of which the second stands for the first where it is missing.
fn exchange(query: &mut Option<String>, target: &mut Option<String>) {
    if target.is_some() {
        std::mem::swap(query, target);
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::validation::side::Both;

    use super::*;
    use crate::data_validation::{
        ValidationEngine, ValidationInvariant, ValidationRule, ValidationSideLimits, ValidationSums,
    };

    fn schemas() -> Schemas {
        let given = BTreeMap::from([("shop".to_owned(), "public".to_owned())]);
        Schemas::new(
            &given,
            Both::of(|_| ValidationEngine::Postgres),
            Both::of(|_| None),
        )
    }

    #[test]
    fn tables_are_named_as_the_target_does() {
        let keys_of = BTreeMap::from([("shop.events".to_owned(), 1), ("events".to_owned(), 2)]);

        assert_eq!(
            keys(&keys_of, &schemas()),
            BTreeMap::from([("public.events".to_owned(), 1), ("events".to_owned(), 2)])
        );
        assert_eq!(
            names(&["shop.tmp_*".to_owned()], &schemas()),
            ["public.tmp_*"]
        );
    }

    #[test]
    fn queries_of_both_sides_are_exchanged_where_they_differ() {
        let given = ValidationChecks {
            sums: vec![ValidationSums {
                table: "shop.payments".to_owned(),
                group_by: Vec::new(),
                sums: vec!["amount".to_owned()],
                latest: Vec::new(),
            }],
            rules: vec![ValidationRule {
                name: "open".to_owned(),
                table: None,
                condition: None,
                query: Some("one".to_owned()),
                target_query: Some("other".to_owned()),
            }],
            invariants: vec![ValidationInvariant {
                name: "total".to_owned(),
                query: "same".to_owned(),
                target_query: None,
                expect: None,
            }],
            ..ValidationChecks::default()
        };

        let turned = checks(given, &schemas());

        assert_eq!(turned.sums[0].table, "public.payments");
        assert_eq!(turned.rules[0].query.as_deref(), Some("other"));
        assert_eq!(turned.rules[0].target_query.as_deref(), Some("one"));
        assert_eq!(turned.invariants[0].query, "same");
    }

    #[test]
    fn the_limits_of_a_server_follow_it() {
        let gentle = ValidationSideLimits {
            connections: Some(1),
            ..ValidationSideLimits::default()
        };
        let turned = limits(ValidationLimits {
            source: Some(gentle.clone()),
            target: None,
        });

        assert_eq!(turned.target, Some(gentle));
        assert_eq!(turned.source, None);
    }
}
