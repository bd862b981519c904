//! Components: the trait that authors implement, and the code that turns a request into a call of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use futures_util::future::{BoxFuture, FutureExt};
use pulumi_proto::{ConstructRequest, ConstructResponse};
use pulumi_value::schema::{Problem, Resource as ResourceShape, Shape};
use pulumi_value::wire::{Dialect, encode};
use pulumi_value::{PropertyMap, Urn, Value, from_map, to_map};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bug;
use crate::construct::Construction;
use crate::context::Context;
use crate::error::Error;
use crate::inputs::{find_problems, properties, shape_of};

/// A resource made of other resources.
///
/// Its work is to declare children through the [`Construction`]; work that takes long belongs to custom resources
/// among them. Which children there are must not depend on an unknown: fields that decide it are plain Rust types
/// marked `pulumi:plain`, all others are [`pulumi_value::Output`].
pub trait Component<A>: Send + Sync + 'static {
    /// The name in the package; the token is `<package>:index:<name>`.
    const NAME: &'static str;

    /// What the program passes in.
    type Args: JsonSchema + DeserializeOwned + Send + Sync + 'static;

    /// What the program gets back.
    type Outputs: JsonSchema + Serialize + Send + 'static;

    /// Finds problems that the types cannot say, before anything is registered.
    fn check(&self, _args: &Self::Args, _problems: &mut Vec<Problem>) {}

    /// Declares the children and says what comes of them. Children that do not need one another can be declared at
    /// the same time, with `futures::join!` and its kin.
    fn construct(
        &self,
        construction: &Construction<A>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::Outputs, Error>> + Send;
}

/// A registered component, its types hidden.
pub(crate) trait AnyComponent<A>: Send + Sync {
    fn shapes(&self) -> Result<ResourceShape, Error>;
    fn construct(
        &self,
        context: Context<A>,
        request: ConstructRequest,
        own: OwnPackage,
    ) -> BoxFuture<'_, Result<ConstructResponse, Error>>;
}

/// What children of the provider's own package are registered with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnPackage {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) download_url: &'static str,
}

/// A component with the shapes of its types, which are read when they are first needed.
pub(crate) struct RegisteredComponent<C> {
    component: C,
    inputs: OnceLock<Shape>,
    outputs: OnceLock<Shape>,
}

impl<C> RegisteredComponent<C> {
    pub(crate) fn new(component: C) -> Self {
        Self {
            component,
            inputs: OnceLock::new(),
            outputs: OnceLock::new(),
        }
    }
}

impl<A: Send + Sync + 'static, C: Component<A>> AnyComponent<A> for RegisteredComponent<C> {
    fn shapes(&self) -> Result<ResourceShape, Error> {
        Ok(ResourceShape {
            component: true,
            inputs: shape_of::<C::Args>(&self.inputs)?.clone(),
            outputs: shape_of::<C::Outputs>(&self.outputs)?.clone(),
            methods: BTreeMap::new(),
        })
    }

    fn construct(
        &self,
        context: Context<A>,
        mut request: ConstructRequest,
        own: OwnPackage,
    ) -> BoxFuture<'_, Result<ConstructResponse, Error>> {
        async move {
            let shape = shape_of::<C::Args>(&self.inputs)?;
            let dependencies = request
                .input_dependencies
                .clone()
                .into_iter()
                .map(|(key, urns)| (key, urns.urns));
            // The component is registered with the inputs exactly as the program gave them.
            let given = properties(request.inputs.take())?;
            let inputs = shape.complete(with_dependencies(given.clone(), dependencies)?);
            let args = self.args(&request, shape, &inputs)?;

            let secrets = context.hide([&inputs]);
            let construction = Construction::begin(context, request, &given, own).await?;
            let outputs = self.component.construct(&construction, args);
            let outputs = bug::caught_async(outputs).await;
            construction.settled().await;
            let outputs = outputs.and_then(|outputs| outputs);
            let outputs = to_map(&outputs.map_err(|error| error.concealing(&secrets))?);
            let shape = shape_of::<C::Outputs>(&self.outputs)?;
            let outputs = shape.complete(outputs.map_err(Error::bug)?);
            construction.finish(outputs).await
        }
        .boxed()
    }
}

impl<C> RegisteredComponent<C> {
    fn args<A, T: DeserializeOwned>(
        &self,
        request: &ConstructRequest,
        shape: &Shape,
        inputs: &PropertyMap,
    ) -> Result<T, Error>
    where
        C: Component<A, Args = T>,
    {
        let mut problems = find_problems::<T>(shape, inputs, |args, found| {
            self.component.check(args, found);
        });
        let args = from_map::<T>(inputs);
        match args {
            Ok(args) if problems.is_empty() => return Ok(args),
            Err(error) if problems.is_empty() => {
                let reason =
                    "must be known in a preview, since it decides which resources there are";
                problems.push(Problem::new(error.path(), reason));
            }
            _ => {}
        }
        let count = problems.len();
        let plural = if count == 1 { "problem" } else { "problems" };
        Err(Error::invalid(
            format!("{count} {plural} with the inputs of `{}`", request.name),
            problems,
        ))
    }
}

/// Adds the dependencies that a message lists beside its properties to the properties themselves.
pub(crate) fn with_dependencies(
    mut map: PropertyMap,
    dependencies: impl IntoIterator<Item = (String, Vec<String>)>,
) -> Result<PropertyMap, Error> {
    for (key, urns) in dependencies {
        let urns: BTreeSet<_> = urns
            .iter()
            .map(|urn| Urn::parse(urn))
            .collect::<Result<_, _>>()
            .map_err(|error| Error::new(crate::ErrorKind::InvalidInput, error.to_string()))?;
        if let Some(value) = map.get_mut(&key) {
            *value = Value::annotated(std::mem::take(value), false, urns);
        }
    }
    Ok(map)
}

/// Encodes what a component returns: every value with its own dependencies.
pub(crate) fn response(urn: &Urn, outputs: &PropertyMap) -> ConstructResponse {
    ConstructResponse {
        urn: urn.as_str().to_owned(),
        state: Some(encode(outputs, Dialect::Component)),
        // The values carry their dependencies themselves.
        state_dependencies: BTreeMap::new(),
    }
}
