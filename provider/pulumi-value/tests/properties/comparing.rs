//! Comparing old with new.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use pulumi_value::schema::{ChangeKind, Shape};
use pulumi_value::{PropertyMap, Value};

use crate::given::{all_known, each, map};
use crate::shapes::fitting;

proptest! {
    #[test]
    fn equal_content_has_no_changes_however_it_is_wrapped(given in fitting()) {
        let old = each(given.map, all_known);
        let bare = each(old.clone(), |value| value.stripped());
        let secret = each(old.clone(), Value::secret);

        prop_assert_eq!(given.shape.changes(&old, &bare), vec![]);
        prop_assert_eq!(given.shape.changes(&secret, &old), vec![]);
    }

    #[test]
    fn there_are_no_changes_only_where_the_content_is_the_same(old in map(), new in map()) {
        let (old, new) = (each(old, all_known), each(new, all_known));

        let none = Shape::default().changes(&old, &new).is_empty();

        prop_assert_eq!(none, Value::Map(old).same_content(&Value::Map(new)));
    }

    #[test]
    fn the_way_back_has_the_same_places(old in map(), new in map()) {
        let there = Shape::default().changes(&old, &new);
        let back = Shape::default().changes(&new, &old);

        let turned = |kind| match kind {
            ChangeKind::Add => ChangeKind::Delete,
            ChangeKind::Delete => ChangeKind::Add,
            ChangeKind::Update => ChangeKind::Update,
        };
        let expected: Vec<_> = there.into_iter().map(|change| (change.path, turned(change.kind))).collect();
        prop_assert_eq!(back.into_iter().map(|change| (change.path, change.kind)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_changes_of_a_broken_value_lie_where_it_was_broken(given in fitting(), choice in any::<Index>()) {
        let misfit = given.broken(choice);
        let (old, new) = (each(given.map, all_known), each(misfit.map, all_known));

        let changes = given.shape.changes(&old, &new);

        for change in &changes {
            prop_assert!(misfit.place.covers(&change.path), "{}", change.path);
            let first = given.shape.property(change.path.first_key().expect("a property"));
            prop_assert!(change.replace || !first.is_some_and(|property| property.replace));
        }
    }

    #[test]
    fn what_is_not_reported_is_the_same(old in map(), new in map()) {
        let changes = Shape::default().changes(&old, &new);

        let absent = Value::Null;
        let at = |map: &PropertyMap, key: &str| map.get(key).unwrap_or(&absent).clone();
        let roots: BTreeSet<_> = changes.iter().filter_map(|change| change.path.first_key()).collect();
        for root in &roots {
            let (before, after) = (at(&old, root), at(&new, root));
            prop_assert!(!before.same_content(&after) || before.contains_unknown(), "{}", root);
        }
        for key in old.keys().chain(new.keys()).filter(|key| !roots.contains(key.as_str())) {
            prop_assert!(at(&old, key).same_content(&at(&new, key)), "{}", key);
        }
    }
}
