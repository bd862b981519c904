//! Checking and completing what a program passed in.

use proptest::prelude::*;
use proptest::sample::Index;
use pulumi_value::{PropertyMap, Value};

use crate::shapes::{SUITS, fitting};

proptest! {
    #[test]
    fn a_value_that_fits_has_no_problems(given in fitting()) {
        prop_assert_eq!(given.shape.problems(&given.map), vec![]);
    }

    #[test]
    fn a_value_that_fits_but_in_one_place_has_its_problem_there(given in fitting(), choice in any::<Index>()) {
        let misfit = given.broken(choice);

        let problems = given.shape.problems(&misfit.map);

        prop_assert!(!problems.is_empty());
        for problem in problems {
            prop_assert_eq!(&problem.path, &misfit.place, "{}", problem.reason);
            prop_assert!(problem.secret || !misfit.secret, "{}", problem.reason);
            prop_assert!(!problem.reason.contains(SUITS), "{}", problem.reason);
        }
    }

    #[test]
    fn completing_twice_adds_nothing_more(given in fitting()) {
        let once = given.shape.complete(given.map);

        prop_assert_eq!(given.shape.complete(once.clone()), once);
    }

    #[test]
    fn completing_leaves_what_was_given_but_for_secrecy(given in fitting()) {
        let completed = given.shape.complete(given.map.clone());

        prop_assert!(keeps(&Value::Map(given.map), &Value::Map(completed.clone())), "{:?}", completed);
    }

    #[test]
    fn completing_makes_every_secret_property_secret(given in fitting()) {
        let completed = given.shape.complete(given.map);

        for property in given.shape.properties.iter().filter(|property| property.secret) {
            let value = completed.get(&property.name).unwrap_or(&Value::Null);
            prop_assert!(value.is_null() || value.is_secret(), "{}", property.name);
        }
    }

    #[test]
    fn completing_what_fits_leaves_it_fitting(given in fitting()) {
        let completed = given.shape.complete(given.map);

        prop_assert_eq!(given.shape.problems(&completed), vec![]);
    }
}

/// Tells whether `completed` holds all of `given`, wrapped at least as it was.
fn keeps(given: &Value, completed: &Value) -> bool {
    if given.is_null() {
        return true;
    }
    let (given, secret, dependencies) = given.clone().into_parts();
    let (completed, still_secret, still_dependencies) = completed.clone().into_parts();
    let content = match (&given, &completed) {
        (Value::Map(given), Value::Map(completed)) => keeps_all(given, completed),
        (Value::List(given), Value::List(completed)) => {
            given.len() == completed.len()
                && given
                    .iter()
                    .zip(completed)
                    .all(|(given, completed)| keeps(given, completed))
        }
        (given, completed) => given == completed,
    };
    content && (still_secret || !secret) && dependencies == still_dependencies
}

fn keeps_all(given: &PropertyMap, completed: &PropertyMap) -> bool {
    given.iter().all(|(key, value)| {
        completed
            .get(key)
            .is_some_and(|completed| keeps(value, completed))
    })
}
