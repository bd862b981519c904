//! The provider's own configuration: from the stack, from an explicit provider's inputs, from the environment.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use pulumi_proto::{CheckRequest, CheckResponse, ConfigureRequest, DiffRequest, DiffResponse};
use pulumi_value::schema::{Change, Named, Problem, Shape, Type};
use pulumi_value::wire::{Dialect, encode};
use pulumi_value::{PropertyMap, Value, from_map};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::diff::Diff;
use crate::error::{Error, path_and_reason};
use crate::inputs::{failures, find_problems, properties, shape_of};

/// What can be configured about a provider.
///
/// All fields are optional or have defaults, unless a provider is useless without. `pulumi:environment` names
/// variables to fall back on; `pulumi:replace` marks a field whose change makes the old resources unreachable.
pub trait ProviderConfig: JsonSchema + DeserializeOwned + Send + Sync + 'static {
    /// Finds problems that the types cannot say. Must not do any I/O.
    fn check(&self, _problems: &mut Vec<Problem>) {}
}

/// Inputs of a provider that belong to the engine: they pass through untouched.
const ENGINES_OWN: [&str; 5] = [
    "version",
    "pluginDownloadURL",
    "pluginChecksums",
    "parameterization",
    "__internal",
];

type Configure<A, C> = Box<dyn Fn(C) -> Result<A, Error> + Send + Sync>;
type Variable = fn(&str) -> Option<String>;

/// The registered configuration, its type hidden.
pub(crate) trait AnyConfig<A>: Send + Sync {
    fn shape(&self) -> Result<&Shape, Error>;
    fn check(&self, request: CheckRequest) -> Result<CheckResponse, Error>;
    fn diff(&self, request: DiffRequest) -> Result<DiffResponse, Error>;
    fn configure(&self, request: ConfigureRequest) -> Result<A, Error>;
}

pub(crate) struct RegisteredConfig<A, C> {
    package: &'static str,
    shape: OnceLock<Shape>,
    configure: Configure<A, C>,
    variable: Variable,
}

impl<A, C> RegisteredConfig<A, C> {
    pub(crate) fn new(
        package: &'static str,
        variable: Variable,
        configure: Configure<A, C>,
    ) -> Self {
        Self {
            package,
            shape: OnceLock::new(),
            configure,
            variable,
        }
    }
}

/// Takes the engine's own inputs out of a map.
fn split(mut map: PropertyMap) -> (PropertyMap, PropertyMap) {
    let own = ENGINES_OWN
        .iter()
        .filter_map(|key| map.remove_entry(*key))
        .collect();
    (map, own)
}

/// Makes texts secret that stand for objects with something secret in them: of a text only the whole can be.
fn hide_texts(shape: &Shape, map: &mut PropertyMap) {
    for property in &shape.properties {
        if let Some(value) = map.get_mut(&property.name)
            && value.as_str().is_some()
            && holds_secret(shape, &property.ty, &mut BTreeSet::new())
        {
            *value = Value::secret(std::mem::take(value));
        }
    }
}

/// Tells whether a type has a secret property somewhere; `seen` are the named types that were looked at.
fn holds_secret<'s>(shape: &'s Shape, ty: &'s Type, seen: &mut BTreeSet<&'s str>) -> bool {
    match ty {
        Type::List(items, _) => holds_secret(shape, items, seen),
        Type::Map(values) => holds_secret(shape, values, seen),
        Type::Named(name) if seen.insert(name) => match shape.types.get(name) {
            Some(Named::Object { properties, .. }) => properties
                .iter()
                .any(|property| property.secret || holds_secret(shape, &property.ty, seen)),
            _ => false,
        },
        _ => false,
    }
}

/// Returns the key that a problem is about, if the problem is that it is required and was not given.
fn missing_key<'p>(shape: &Shape, given: &PropertyMap, problem: &'p Problem) -> Option<&'p str> {
    let key = problem.path.first_key()?;
    let required = shape.property(key)?.required;
    let absent = given.get(key).is_none_or(Value::is_null);
    (required && absent).then_some(key)
}

impl<A: Send + Sync + 'static, C: ProviderConfig> RegisteredConfig<A, C> {
    fn own_shape(&self) -> Result<&Shape, Error> {
        shape_of::<C>(&self.shape)
    }

    /// Completes a configuration and finds what is wrong with it, without changing how the user wrote it.
    fn checked(&self, given: PropertyMap) -> Result<(PropertyMap, Vec<Problem>), Error> {
        let shape = self.own_shape()?;
        let mut complete = shape.complete(shape.with_environment(given, self.variable));
        hide_texts(shape, &mut complete);
        let problems = match shape.parse_texts(&complete) {
            Ok(parsed) => find_problems::<C>(shape, &parsed, C::check),
            Err(mut problems) => {
                // The rest is looked at as if the unreadable were unknown, so that one run shows everything.
                let mut rest = complete.clone();
                for key in problems
                    .iter()
                    .filter_map(|problem| problem.path.first_key())
                {
                    rest.insert(key.to_owned(), Value::Unknown);
                }
                if let Ok(parsed) = shape.parse_texts(&rest) {
                    problems.extend(find_problems::<C>(shape, &parsed, C::check));
                }
                problems
            }
        };
        Ok((complete, problems))
    }
}

impl<A: Send + Sync + 'static, C: ProviderConfig> AnyConfig<A> for RegisteredConfig<A, C> {
    fn shape(&self) -> Result<&Shape, Error> {
        self.own_shape()
    }

    fn check(&self, request: CheckRequest) -> Result<CheckResponse, Error> {
        let (given, engines_own) = split(properties(request.news)?);
        let (mut inputs, mut problems) = self.checked(given)?;
        // What is missing is left to Configure: from there the engine tells the user which command sets it.
        let shape = self.own_shape()?;
        problems.retain(|problem| missing_key(shape, &inputs, problem).is_none());
        inputs.extend(engines_own);
        Ok(CheckResponse {
            inputs: Some(encode(&inputs, Dialect::Custom)),
            failures: failures(&problems),
        })
    }

    fn diff(&self, request: DiffRequest) -> Result<DiffResponse, Error> {
        let shape = self.own_shape()?;
        let olds = if request.old_inputs.is_some() {
            request.old_inputs
        } else {
            request.olds
        };
        // The same value written as text and as itself is no difference. What cannot be read is compared as it is.
        let readable = |map: PropertyMap| shape.parse_texts(&map).unwrap_or(map);
        let (olds, news) = (
            readable(split(properties(olds)?).0),
            readable(split(properties(request.news)?).0),
        );
        let changes = shape.changes(&olds, &news).into_iter().map(|change| {
            // Replacing a provider replaces everything it manages: not for a value that may turn out the same.
            let unknown = change.path.get(&news).is_some_and(Value::contains_unknown);
            Change {
                replace: change.replace && !unknown,
                ..change
            }
        });
        Ok(Diff::new(changes.collect()).into_response())
    }

    fn configure(&self, request: ConfigureRequest) -> Result<A, Error> {
        let shape = self.own_shape()?;
        let (given, _) = split(properties(request.args)?);
        let (complete, problems) = self.checked(given)?;
        let missing: Vec<_> = problems
            .iter()
            .filter_map(|problem| missing_key(shape, &complete, problem))
            .collect();
        if !missing.is_empty() {
            let described = missing.into_iter().map(|key| {
                let description = shape
                    .property(key)
                    .map(|property| property.description.clone());
                // The name is what the command takes that sets it.
                let name = format!("{}:{key}", self.package);
                (name, description.unwrap_or_default())
            });
            return Err(Error::missing_configuration(described.collect()));
        }
        if !problems.is_empty() {
            let listed: Vec<_> = problems
                .iter()
                .map(|problem| match path_and_reason(problem) {
                    (path, reason) if path.is_empty() => reason,
                    (path, reason) => format!("`{path}` {reason}"),
                })
                .collect();
            return Err(Error::invalid(
                format!(
                    "the provider's configuration is wrong: {}",
                    listed.join("; ")
                ),
                problems,
            ));
        }
        let parsed = shape.parse_texts(&complete).unwrap_or(complete);
        let config = from_map::<C>(&parsed).map_err(|error| {
            Error::new(
                crate::ErrorKind::InvalidInput,
                format!("the provider's configuration: {error}"),
            )
        })?;
        (self.configure)(config)
    }
}
