//! Names for properties that the program left to the provider.

use pulumi_proto::check_request::AutonamingOptions;
use pulumi_proto::check_request::autonaming_options::Mode;
use pulumi_value::schema::{Problem, Shape};
use pulumi_value::{PropertyMap, PropertyPath};

/// How many random hex digits end a generated name: as many as Pulumi's own providers use (v3.245, `resource.NewUniqueHex`
/// with length 7).
const RANDOM_DIGITS: usize = 7;

/// Fills properties that may be named by the provider: from the old inputs, or from the project's naming
/// configuration, or from the resource's name and random digits.
///
/// The digits come from the engine's seed, so that a plan and the update that carries it out agree.
pub(crate) fn fill(
    shape: &Shape,
    inputs: &mut PropertyMap,
    olds: &PropertyMap,
    name: &str,
    seed: &[u8],
    options: Option<&AutonamingOptions>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for property in &shape.properties {
        let Some(length_max) = property.autoname else {
            continue;
        };
        if inputs
            .get(&property.name)
            .is_some_and(|value| !value.is_null())
        {
            continue;
        }
        let old = olds
            .get(&property.name)
            .filter(|old| old.as_str().is_some());
        let chosen = match (old, options) {
            // As it was, secret if it was.
            (Some(old), _) => Some(old.clone()),
            (None, Some(options)) => match options.mode() {
                Mode::Disable => None,
                Mode::Propose | Mode::Enforce => Some(options.proposed_name.as_str().into()),
            },
            (None, None) => Some(generated(name, seed, length_max).into()),
        };
        match chosen {
            Some(chosen) => {
                inputs.insert(property.name.clone(), chosen);
            }
            None => problems.push(Problem::new(
                PropertyPath::root().key(&property.name),
                "must be given, since the project's configuration disables automatic names",
            )),
        }
    }
    problems
}

fn generated(name: &str, seed: &[u8], length_max: usize) -> String {
    let nibbles = seed.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let digits = nibbles.map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0'));
    let digits: String = digits
        .chain(std::iter::repeat('0'))
        .take(RANDOM_DIGITS)
        .collect();
    let base: String = name
        .chars()
        .take(length_max.saturating_sub(RANDOM_DIGITS + 1))
        .collect();
    format!("{base}-{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulumi_value::Value;
    use pulumi_value::schema::keyword;
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Args {
        #[schemars(extend("pulumi:autoname" = 16))]
        name: String,
    }

    /// Fills the name; `None` where the project forbids it.
    fn named(old: Option<&str>, mode: Option<Mode>) -> Option<String> {
        assert_eq!(keyword::AUTONAME, "pulumi:autoname");
        let shape = Shape::of::<Args>().expect("a shape");
        let olds = old.map(|old| ("name".to_owned(), Value::from(old)));
        let options = mode.map(|mode| AutonamingOptions {
            proposed_name: "proposed".to_owned(),
            mode: mode.into(),
        });
        let mut inputs = PropertyMap::new();
        let seed = [0xab, 0xcd, 0xef, 0x12];

        let olds = olds.into_iter().collect();
        let problems = fill(
            &shape,
            &mut inputs,
            &olds,
            "payments-shift",
            &seed,
            options.as_ref(),
        );

        assert_eq!(problems.is_empty(), inputs.contains_key("name"));
        inputs
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    #[test]
    fn a_generated_name_keeps_to_its_length() {
        assert_eq!(named(None, None).as_deref(), Some("payments-abcdef1"));
    }

    #[test]
    fn an_old_name_is_kept_and_a_replacement_gets_a_new_one() {
        assert_eq!(
            named(Some("kept"), Some(Mode::Propose)).as_deref(),
            Some("kept")
        );
        assert_eq!(
            named(None, Some(Mode::Enforce)).as_deref(),
            Some("proposed")
        );
    }

    #[test]
    fn no_name_is_made_up_where_the_project_forbids_it() {
        assert_eq!(named(None, Some(Mode::Disable)), None);
    }
}
