//! What every kind of call does with what the program passed in: read it, and find everything that is wrong with it.

use std::sync::OnceLock;

use prost_types::Struct;
use pulumi_proto::CheckFailure;
use pulumi_value::schema::{Problem, Shape};
use pulumi_value::wire::decode;
use pulumi_value::{PropertyMap, PropertyPath, Value, from_map};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::{Error, path_and_reason};

/// Reads a shape once.
pub(crate) fn shape_of<T: JsonSchema>(cell: &OnceLock<Shape>) -> Result<&Shape, Error> {
    if let Some(shape) = cell.get() {
        return Ok(shape);
    }
    let shape = Shape::of::<T>().map_err(Error::bug)?;
    Ok(cell.get_or_init(|| shape))
}

/// Reads a message's property map; a missing one is empty.
pub(crate) fn properties(message: Option<Struct>) -> Result<PropertyMap, Error> {
    Ok(decode(message.unwrap_or_default())?)
}

/// Finds everything that is wrong with completed inputs: first what the shape says, then what the author's check says.
pub(crate) fn find_problems<T: DeserializeOwned>(
    shape: &Shape,
    inputs: &PropertyMap,
    check: impl FnOnce(&T, &mut Vec<Problem>),
) -> Vec<Problem> {
    let mut problems = shape.problems(inputs);
    if !problems.is_empty() {
        return problems;
    }
    match from_map::<T>(inputs) {
        Ok(args) => {
            check(&args, &mut problems);
            for problem in &mut problems {
                problem.secret |= is_secret(shape, inputs, &problem.path);
            }
        }
        Err(error) if error.is_unknown() => {}
        Err(error) => {
            let (path, reason) = (error.path(), error.message().to_owned());
            let secret = is_secret(shape, inputs, &path);
            problems.push(Problem {
                path,
                reason,
                secret,
            });
        }
    }
    problems
}

/// Tells whether a path leads to or through something secret.
fn is_secret(shape: &Shape, inputs: &PropertyMap, path: &PropertyPath) -> bool {
    let declared = path
        .first_key()
        .and_then(|key| shape.property(key))
        .is_some_and(|property| property.secret);
    let mut prefixes = (1..=path.segments().len())
        .map(|length| PropertyPath::from(path.segments()[..length].to_vec()));
    declared
        || prefixes.any(|prefix| prefix.get(inputs).is_some_and(Value::is_secret))
        || path.get(inputs).is_some_and(Value::contains_secret)
}

pub(crate) fn failures(problems: &[Problem]) -> Vec<CheckFailure> {
    problems
        .iter()
        .map(|problem| {
            let (property, reason) = path_and_reason(problem);
            CheckFailure { property, reason }
        })
        .collect()
}
