//! What the decisions say about a wish, in terms of the inputs.

use cutover_core::validation::check::check;
use cutover_core::validation::spec::Spec;
use pulumi_host::Problem;
use pulumi_value::PropertyPath;

/// Finds everything in a wish that cannot be kept.
pub(super) fn problems_of(spec: &Spec) -> Vec<Problem> {
    let problems = check(spec).into_iter();
    problems
        .map(|problem| {
            let reason = format!("CUT-{}: {}", problem.subject.code(), problem.message);
            Problem::new(place(&problem.path), reason)
        })
        .collect()
}

/// Reads a place of the inputs. Of one that cannot be read, such as one below a key of strange letters, the property is
/// told.
fn place(path: &str) -> PropertyPath {
    path.parse().unwrap_or_else(|_| {
        let key = path.split(['.', '[']).next().unwrap_or_default();
        PropertyPath::root().key(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_decisions_are_places_of_the_inputs() {
        for path in [
            "checks.rules[0].condition",
            r#"excludeColumns["payments.note"]"#,
            "limits.source.unitLimit",
        ] {
            assert_eq!(place(path).to_string(), path);
        }
        assert_eq!(place("keys[\"broken").to_string(), "keys");
    }
}
