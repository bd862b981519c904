//! The provider's own configuration: from the stack, from an explicit provider's inputs, from the environment.

use std::sync::OnceLock;

use pulumi_proto::{CheckRequest, CheckResponse, ConfigureRequest, DiffRequest, DiffResponse};
use pulumi_value::schema::{Change, Problem, Shape};
use pulumi_value::wire::{Dialect, encode};
use pulumi_value::{PropertyMap, from_map};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::diff::Diff;
use crate::error::{Error, path_and_reason};
use crate::resource::{failures, find_problems, properties, shape_of};

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
    shape: OnceLock<Shape>,
    configure: Configure<A, C>,
    variable: Variable,
}

impl<A, C> RegisteredConfig<A, C> {
    pub(crate) fn new(variable: Variable, configure: Configure<A, C>) -> Self {
        Self {
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

impl<A: Send + Sync + 'static, C: ProviderConfig> RegisteredConfig<A, C> {
    fn own_shape(&self) -> Result<&Shape, Error> {
        shape_of::<C>(&self.shape)
    }

    /// Completes a configuration and finds what is wrong with it, without changing how the user wrote it.
    fn checked(&self, given: PropertyMap) -> Result<(PropertyMap, Vec<Problem>), Error> {
        let shape = self.own_shape()?;
        let complete = shape.complete(shape.with_environment(given, self.variable));
        let problems = match shape.parse_texts(&complete) {
            Ok(parsed) => find_problems::<C>(shape, &parsed, C::check),
            Err(problems) => problems,
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
        let (mut inputs, problems) = self.checked(given)?;
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
            let unknown = change
                .path
                .get(&news)
                .is_some_and(pulumi_value::Value::contains_unknown);
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
        let absent = |problem: &&Problem| {
            problem.path.segments().len() == 1 && problem.path.get(&complete).is_none()
        };
        let missing: Vec<_> = problems
            .iter()
            .filter(absent)
            .filter_map(|problem| problem.path.first_key())
            .collect();
        if !missing.is_empty() {
            let described = missing.into_iter().map(|key| {
                let description = shape
                    .property(key)
                    .map(|property| property.description.clone());
                (key.to_owned(), description.unwrap_or_default())
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
