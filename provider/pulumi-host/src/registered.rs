//! The code that turns requests about a custom resource into calls of its trait, and answers into messages.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use prost_types::Struct;
use pulumi_proto::{
    CheckRequest, CheckResponse, CreateRequest, CreateResponse, DeleteRequest, DiffRequest,
    DiffResponse, ReadRequest, ReadResponse, UpdateRequest, UpdateResponse,
};
use pulumi_value::schema::{Problem, Resource as ResourceShape, Shape};
use pulumi_value::wire::{Dialect, encode};
use pulumi_value::{PropertyMap, Urn, Value, from_map, to_map};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::Status;

use crate::context::Context;
use crate::diff::{Diff, Versions};
use crate::engine::EngineFeatures;
use crate::error::{Error, ErrorKind, InitFailed};
use crate::inputs::{failures, find_problems, properties, shape_of};
use crate::naming;
use crate::resource::{CustomResource, Found, Preview, Prior, Settled, TIMEOUT_DEFAULT};
use crate::scope::Scope;
use crate::secrecy::Secrets;

/// A registered resource, its types hidden.
pub(crate) trait AnyResource<A>: Send + Sync {
    fn shapes(&self) -> Result<ResourceShape, Error>;
    fn check(&self, urn: &Urn, request: CheckRequest) -> Result<CheckResponse, Error>;
    fn diff(&self, request: DiffRequest) -> Result<DiffResponse, Error>;
    fn create(
        &self,
        context: Context<A>,
        request: CreateRequest,
    ) -> BoxFuture<'_, Result<CreateResponse, Status>>;
    fn read(
        &self,
        context: Context<A>,
        request: ReadRequest,
    ) -> BoxFuture<'_, Result<ReadResponse, Status>>;
    fn update(
        &self,
        context: Context<A>,
        request: UpdateRequest,
    ) -> BoxFuture<'_, Result<UpdateResponse, Status>>;
    fn delete(
        &self,
        context: Context<A>,
        request: DeleteRequest,
    ) -> BoxFuture<'_, Result<(), Status>>;
}

/// A resource with the shapes of its types, which are read when they are first needed.
pub(crate) struct Registered<A, R> {
    resource: R,
    inputs: OnceLock<Shape>,
    outputs: OnceLock<Shape>,
    app: PhantomData<fn(&A)>,
}

impl<A, R> Registered<A, R> {
    pub(crate) fn new(resource: R) -> Self {
        Self {
            resource,
            inputs: OnceLock::new(),
            outputs: OnceLock::new(),
            app: PhantomData,
        }
    }
}

/// Reads the arguments out of checked inputs: `None` while a plain field is unknown.
fn read_args<T: DeserializeOwned>(inputs: &PropertyMap) -> Result<Option<T>, Error> {
    match from_map(inputs) {
        Ok(args) => Ok(Some(args)),
        Err(error) if error.is_unknown() => Ok(None),
        Err(error) => Err(Error::invalid(
            "the inputs do not have the form of the resource",
            vec![Problem {
                path: error.path(),
                reason: error.message().to_owned(),
                secret: true,
            }],
        )),
    }
}

/// Puts outputs together: the inputs as they were given, and the state.
///
/// What was secret as an input stays secret in the state: under the same name, or as a text that turns up again.
fn outputs(
    shape: &Shape,
    secrets: &Secrets,
    inputs: &PropertyMap,
    state: PropertyMap,
) -> PropertyMap {
    let mut outputs = inputs.clone();
    for (key, value) in shape.complete(state) {
        let secret = inputs.get(&key).is_some_and(Value::contains_secret);
        let value = secrets.mark(value);
        outputs.insert(key, if secret { Value::secret(value) } else { value });
    }
    outputs
}

/// Puts the outputs of a finished or unfinished operation together; unlike a preview's they have no unknowns.
fn settled_outputs<S: Serialize>(
    shape: &Shape,
    secrets: &Secrets,
    inputs: &PropertyMap,
    state: &S,
) -> Result<PropertyMap, Error> {
    let state = to_map(state).map_err(Error::bug)?;
    let outputs = outputs(shape, secrets, inputs, state);
    match outputs.iter().find(|(_, value)| value.contains_unknown()) {
        Some((key, _)) => Err(Error::bug(format_args!(
            "the output `{key}` is unknown after the operation"
        ))),
        None => Ok(outputs),
    }
}

/// What a preview answers: what is known, and the rest of the state unknown.
fn previewed(
    shape: &Shape,
    secrets: &Secrets,
    inputs: &PropertyMap,
    preview: Preview,
) -> Result<PropertyMap, Error> {
    let known = preview
        .known
        .unwrap_or_else(|| Ok(PropertyMap::new()))
        .map_err(Error::bug)?;
    if let Some(key) = known.keys().find(|key| shape.property(key).is_none()) {
        return Err(Error::bug(format_args!(
            "the preview names `{key}`, which is not an output"
        )));
    }
    let unknown = shape
        .properties
        .iter()
        .map(|property| (property.name.clone(), Value::Unknown));
    let mut state: PropertyMap = unknown.collect();
    state.extend(known);
    Ok(outputs(shape, secrets, inputs, state))
}

fn prior<Args: DeserializeOwned, State: DeserializeOwned>(
    inputs: &PropertyMap,
    outputs: &PropertyMap,
) -> Result<Prior<Args, State>, Error> {
    let unreadable = |what: &str, error: pulumi_value::DecodeError| {
        Error::new(
            ErrorKind::Refused,
            format!("the stored {what} cannot be read: {error}"),
        )
        .with_next("run `pulumi refresh`, or use the version of the plugin that wrote the state")
    };
    Ok(Prior {
        args: from_map(inputs).map_err(|error| unreadable("inputs", error))?,
        state: from_map(outputs).map_err(|error| unreadable("outputs", error))?,
    })
}

/// Reads the engine's timeout, in seconds; 0 and nonsense mean that the program set none.
fn requested_timeout(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|timeout| !timeout.is_zero())
}

impl<A: Send + Sync + 'static, R: CustomResource<A>> Registered<A, R> {
    fn input_shape(&self) -> Result<&Shape, Error> {
        shape_of::<R::Args>(&self.inputs)
    }

    fn output_shape(&self) -> Result<&Shape, Error> {
        shape_of::<R::State>(&self.outputs)
    }

    async fn try_create(
        &self,
        mut context: Context<A>,
        request: CreateRequest,
    ) -> Result<CreateResponse, Failure> {
        let inputs = properties(request.properties)?;
        let secrets = context.hide([&inputs]);
        let args = read_args::<R::Args>(&inputs)?;
        if request.preview {
            let properties = self.preview_outputs(&context, &secrets, args, &inputs, None);
            let properties = properties.await;
            let properties = properties.map_err(|error| error.concealing(&secrets))?;
            return Ok(CreateResponse {
                properties: Some(encode(&properties, Dialect::Custom)),
                ..CreateResponse::default()
            });
        }
        let args = args.ok_or_else(unknown_inputs)?;
        context.scope = self.limited(
            &context,
            Some(&args),
            request.timeout,
            "customTimeouts.create",
        );
        let created = self.resource.create(&context, args).await;
        let created = created.map_err(|error| error.concealing(&secrets))?;
        if created.id.is_empty() {
            return Err(Error::bug("the resource was created without an id").into());
        }
        let left = Left {
            id: &created.id,
            inputs: &inputs,
            settled: &created.settled,
        };
        let properties = self.settle(context.engine, &secrets, &left)?;
        Ok(CreateResponse {
            id: created.id,
            properties: Some(properties),
            refresh_before_update: false,
        })
    }

    async fn try_update(
        &self,
        mut context: Context<A>,
        request: UpdateRequest,
    ) -> Result<UpdateResponse, Failure> {
        let news = properties(request.news)?;
        let olds = properties(request.olds)?;
        let old_inputs = properties(request.old_inputs)?;
        let secrets = context.hide([&news, &old_inputs, &olds]);
        let args = read_args::<R::Args>(&news)?;
        let prior = prior::<R::Args, R::State>(&old_inputs, &olds)?;
        if request.preview {
            let properties = self.preview_outputs(&context, &secrets, args, &news, Some(&prior));
            let properties = properties.await;
            let properties = properties.map_err(|error| error.concealing(&secrets))?;
            return Ok(UpdateResponse {
                properties: Some(encode(&properties, Dialect::Custom)),
                ..UpdateResponse::default()
            });
        }
        let args = args.ok_or_else(unknown_inputs)?;
        context.scope = self.limited(
            &context,
            Some(&args),
            request.timeout,
            "customTimeouts.update",
        );
        let settled = self.resource.update(&context, &request.id, args, prior);
        let settled = settled.await.map_err(|error| error.concealing(&secrets))?;
        let left = Left {
            id: &request.id,
            // The inputs that the engine will store: an unfinished update keeps the old ones, so that the next run
            // sees the difference again.
            inputs: if settled.is_complete() {
                &news
            } else {
                &old_inputs
            },
            settled: &settled,
        };
        let properties = self.settle(context.engine, &secrets, &left)?;
        Ok(UpdateResponse {
            properties: Some(properties),
            refresh_before_update: false,
        })
    }

    async fn try_read(
        &self,
        context: Context<A>,
        request: ReadRequest,
    ) -> Result<ReadResponse, Failure> {
        let olds = properties(request.properties)?;
        let old_inputs = properties(request.inputs)?;
        let secrets = context.hide([&old_inputs, &olds]);
        // What is stored may come from another version of the type; the id alone must do then, as on import.
        let prior = prior::<R::Args, R::State>(&old_inputs, &olds).ok();
        let found = self.resource.read(&context, &request.id, prior).await;
        let found = found.map_err(|error| error.concealing(&secrets))?;
        let Some(Found { id, args, settled }) = found else {
            return Ok(ReadResponse::default());
        };
        let fresh = to_map(&args).map_err(Error::bug)?;
        let inputs = if old_inputs.is_empty() {
            self.input_shape()?.complete(fresh)
        } else {
            refreshed(&old_inputs, &fresh)
        };
        let (state, reasons) = settled.parts();
        let properties = settled_outputs(self.output_shape()?, &secrets, &inputs, state)?;
        if !settled.is_complete() {
            return Err(Failure::unfinished(InitFailed {
                id: &id,
                properties: &properties,
                inputs: &inputs,
                reasons: concealed(reasons, &secrets),
                refresh_before_update: context.engine.refresh_before_update,
            }));
        }
        Ok(ReadResponse {
            id,
            properties: Some(encode(&properties, Dialect::Custom)),
            inputs: Some(encode(&inputs, Dialect::Custom)),
            refresh_before_update: false,
        })
    }

    async fn try_delete(
        &self,
        mut context: Context<A>,
        request: DeleteRequest,
    ) -> Result<(), Failure> {
        let olds = properties(request.properties)?;
        let old_inputs = properties(request.old_inputs)?;
        let secrets = context.hide([&old_inputs, &olds]);
        let prior = prior::<R::Args, R::State>(&old_inputs, &olds).ok();
        context.scope = self.limited(
            &context,
            prior.as_ref().map(|prior| &prior.args),
            request.timeout,
            "customTimeouts.delete",
        );
        let deleted = self.resource.delete(&context, &request.id, prior).await;
        Ok(deleted.map_err(|error| error.concealing(&secrets))?)
    }

    async fn preview_outputs(
        &self,
        context: &Context<A>,
        secrets: &Secrets,
        args: Option<R::Args>,
        inputs: &PropertyMap,
        prior: Option<&Prior<R::Args, R::State>>,
    ) -> Result<PropertyMap, Error> {
        let preview = match args {
            Some(args) => {
                let preview = self.resource.preview(context, &args, prior);
                context.scope.run(preview).await??
            }
            None => Preview::unknown(),
        };
        previewed(self.output_shape()?, secrets, inputs, preview)
    }

    fn limited(
        &self,
        context: &Context<A>,
        args: Option<&R::Args>,
        seconds: f64,
        option: &'static str,
    ) -> Scope {
        let limit = requested_timeout(seconds)
            .unwrap_or_else(|| args.map_or(TIMEOUT_DEFAULT, |args| self.resource.timeout(args)));
        context.scope.clone().limited(limit, option)
    }

    /// Turns what an operation has left into the answer.
    fn settle(
        &self,
        engine: EngineFeatures,
        secrets: &Secrets,
        left: &Left<'_, R::State>,
    ) -> Result<Struct, Failure> {
        let (state, reasons) = left.settled.parts();
        let properties = settled_outputs(self.output_shape()?, secrets, left.inputs, state)?;
        if left.settled.is_complete() {
            return Ok(encode(&properties, Dialect::Custom));
        }
        Err(Failure::unfinished(InitFailed {
            id: left.id,
            properties: &properties,
            inputs: &PropertyMap::new(),
            reasons: concealed(reasons, secrets),
            refresh_before_update: engine.refresh_before_update,
        }))
    }
}

/// What an operation has left.
struct Left<'l, S> {
    id: &'l str,
    /// The inputs that the engine will store.
    inputs: &'l PropertyMap,
    settled: &'l Settled<S>,
}

/// A call that fails: as an error, or with a resource that is not finished.
struct Failure(Status);

impl Failure {
    fn unfinished(init_failed: InitFailed<'_>) -> Self {
        Self(init_failed.into_status())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.into_status())
    }
}

fn concealed(reasons: &[String], secrets: &Secrets) -> Vec<String> {
    reasons
        .iter()
        .map(|reason| secrets.conceal(reason))
        .collect()
}

fn unknown_inputs() -> Error {
    Error::bug("the engine asked for a change although inputs are unknown")
}

/// Overlays stored inputs with what was found, on the properties that the program set; where nothing drifted they
/// stay exactly as they were.
fn refreshed(old: &PropertyMap, fresh: &PropertyMap) -> PropertyMap {
    old.iter()
        .filter_map(|(key, old)| {
            let value = match fresh.get(key) {
                Some(fresh) if old.same_content(fresh) => old.clone(),
                Some(fresh) if old.contains_secret() => Value::secret(fresh.clone()),
                Some(fresh) => fresh.clone(),
                // Null and absent mean the same, so a stored null has not drifted.
                None if old.is_null() => old.clone(),
                None => return None,
            };
            Some((key.clone(), value))
        })
        .collect()
}

impl<A: Send + Sync + 'static, R: CustomResource<A>> AnyResource<A> for Registered<A, R> {
    fn shapes(&self) -> Result<ResourceShape, Error> {
        Ok(ResourceShape {
            component: false,
            inputs: self.input_shape()?.clone(),
            outputs: self.output_shape()?.clone(),
            methods: BTreeMap::new(),
        })
    }

    fn check(&self, urn: &Urn, request: CheckRequest) -> Result<CheckResponse, Error> {
        let shape = self.input_shape()?;
        let mut news = properties(request.news)?;
        let olds = properties(request.olds)?;
        let seed = &request.random_seed;
        let mut problems = naming::fill(
            shape,
            &mut news,
            &olds,
            urn.name(),
            seed,
            request.autonaming.as_ref(),
        );
        let inputs = shape.complete(news);
        // A name that could not be made up is told once, and not as a missing one besides.
        let mut looked_at = inputs.clone();
        let unnamed = problems
            .iter()
            .filter_map(|problem| problem.path.first_key());
        looked_at.extend(unnamed.map(|key| (key.to_owned(), Value::Unknown)));
        problems.extend(find_problems::<R::Args>(
            shape,
            &looked_at,
            |args, problems| self.resource.check(args, problems),
        ));
        Ok(CheckResponse {
            inputs: Some(encode(&inputs, Dialect::Custom)),
            failures: failures(&problems),
        })
    }

    fn diff(&self, request: DiffRequest) -> Result<DiffResponse, Error> {
        let shape = self.input_shape()?;
        let olds = properties(request.olds)?;
        let old_inputs = properties(request.old_inputs)?;
        let news = properties(request.news)?;
        let mut diff = Diff::new(shape.changes(&old_inputs, &news));
        let (old_args, new_args) = (from_map(&old_inputs).ok(), from_map(&news).ok());
        let old_state = from_map(&olds).ok();
        let versions = Versions {
            old_args: old_args.as_ref(),
            old_state: old_state.as_ref(),
            new_args: new_args.as_ref(),
        };
        self.resource.diff(&versions, &mut diff);
        Ok(diff.into_response())
    }

    fn create(
        &self,
        context: Context<A>,
        request: CreateRequest,
    ) -> BoxFuture<'_, Result<CreateResponse, Status>> {
        self.try_create(context, request)
            .map_err(|failure| failure.0)
            .boxed()
    }

    fn read(
        &self,
        context: Context<A>,
        request: ReadRequest,
    ) -> BoxFuture<'_, Result<ReadResponse, Status>> {
        self.try_read(context, request)
            .map_err(|failure| failure.0)
            .boxed()
    }

    fn update(
        &self,
        context: Context<A>,
        request: UpdateRequest,
    ) -> BoxFuture<'_, Result<UpdateResponse, Status>> {
        self.try_update(context, request)
            .map_err(|failure| failure.0)
            .boxed()
    }

    fn delete(
        &self,
        context: Context<A>,
        request: DeleteRequest,
    ) -> BoxFuture<'_, Result<(), Status>> {
        self.try_delete(context, request)
            .map_err(|failure| failure.0)
            .boxed()
    }
}
