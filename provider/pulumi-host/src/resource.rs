//! Custom resources: the trait that authors implement, and the code that turns requests into calls of it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use prost_types::Struct;
use pulumi_proto::{
    CheckFailure, CheckRequest, CheckResponse, CreateRequest, CreateResponse, DeleteRequest,
    DiffRequest, DiffResponse, ReadRequest, ReadResponse, UpdateRequest, UpdateResponse,
};
use pulumi_value::schema::{Problem, Resource as ResourceShape, Shape};
use pulumi_value::wire::{Dialect, decode, encode};
use pulumi_value::{PropertyMap, PropertyPath, Urn, Value, from_map, to_map};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::Status;

use crate::context::Context;
use crate::diff::{Diff, Versions};
use crate::engine::EngineFeatures;
use crate::error::{Error, ErrorKind, InitFailed, path_and_reason};
use crate::naming;
use crate::scope::Scope;
use crate::secrecy::Secrets;

/// How long an operation may take when neither the program nor the resource says otherwise: ours.
const TIMEOUT_DEFAULT: Duration = Duration::from_mins(20);

/// A resource with a life of its own in some outside world.
///
/// `A` is what the provider makes of its configuration. `Args` is what the program passes in; fields that may be
/// unknown in a preview have the type [`pulumi_value::Output`]. `State` is what the resource becomes *besides* its
/// inputs: the framework echoes the inputs into the outputs exactly as the program gave them, secrets included.
///
/// # Errors
/// An error from [`create`](CustomResource::create), [`update`](CustomResource::update) or
/// [`delete`](CustomResource::delete) means that nothing was changed. When something was, they return
/// [`Settled::Unfinished`], and the next `pulumi up` continues with an update.
pub trait CustomResource<A>: Send + Sync + 'static {
    /// The name in the package; the token is `<package>:index:<name>`.
    const NAME: &'static str;

    /// What the program passes in.
    type Args: JsonSchema + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// What the resource becomes besides its inputs.
    type State: JsonSchema + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Finds problems that the types cannot say. Called only when all plain fields are known; must not do any I/O.
    fn check(&self, _args: &Self::Args, _problems: &mut Vec<Problem>) {}

    /// Amends the difference between old and new inputs. Must not do any I/O.
    fn diff(&self, _versions: &Versions<'_, Self::Args, Self::State>, _diff: &mut Diff) {}

    /// Returns how long an operation may take when the program does not say; never a surprise, so document it.
    fn timeout(&self, _args: &Self::Args) -> Duration {
        TIMEOUT_DEFAULT
    }

    /// Tells what creating or updating would make of the resource, without changing anything.
    ///
    /// Not called while a plain field of the arguments is unknown; then everything beyond the inputs is unknown.
    fn preview(
        &self,
        _context: &Context<A>,
        _args: &Self::Args,
        _prior: Option<&Prior<Self::Args, Self::State>>,
    ) -> impl Future<Output = Result<Preview, Error>> + Send {
        async { Ok(Preview::unknown()) }
    }

    /// Makes the resource, or adopts what an interrupted attempt has left behind.
    fn create(
        &self,
        context: &Context<A>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Created<Self::State>, Error>> + Send;

    /// Looks at the resource; `None` when it does not exist. `prior` is absent on import, where the id must suffice.
    fn read(
        &self,
        context: &Context<A>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> impl Future<Output = ReadResult<Self::Args, Self::State>> + Send;

    /// Brings the resource in line with new arguments. With arguments equal to the old ones it continues what was
    /// left unfinished, and does nothing when nothing was.
    fn update(
        &self,
        context: &Context<A>,
        id: &str,
        args: Self::Args,
        prior: Prior<Self::Args, Self::State>,
    ) -> impl Future<Output = Result<Settled<Self::State>, Error>> + Send;

    /// Removes the resource. One that is gone already counts as removed. `prior` is absent when what is stored cannot
    /// be read, where the id must suffice: whatever became of a resource, it must be possible to get rid of it.
    fn delete(
        &self,
        context: &Context<A>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What is stored about a resource.
#[derive(Clone, Debug)]
pub struct Prior<Args, State> {
    /// What the program asked for.
    pub args: Args,
    /// What came of it.
    pub state: State,
}

/// A resource that was made.
#[derive(Clone, Debug)]
pub struct Created<State> {
    /// Its id, by which a later read finds it. Never empty, never secret.
    pub id: String,
    /// What came of it.
    pub settled: Settled<State>,
}

/// How an operation that changed something has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled<State> {
    /// The resource is as it was asked for.
    Complete(State),
    /// The resource exists but is not as it was asked for. The engine saves the state, reports the reasons as errors,
    /// and continues with an update in the next run.
    Unfinished {
        /// What was observed; never what was merely hoped for.
        state: State,
        /// What happened, what is safe now, and what the next `pulumi up` will do. Never empty.
        reasons: Vec<String>,
    },
}

impl<State> Settled<State> {
    /// Tells whether the resource is as it was asked for.
    pub fn is_complete(&self) -> bool {
        matches!(self, Settled::Complete(_))
    }

    /// Returns the state and the reasons why it is not final; none when it is.
    fn parts(&self) -> (&State, &[String]) {
        match self {
            Settled::Complete(state) => (state, &[]),
            Settled::Unfinished { state, reasons } => (state, reasons),
        }
    }
}

/// What a read has found; `None` when there is nothing under the id.
pub type ReadResult<Args, State> = Result<Option<Found<Args, State>>, Error>;

/// A resource as it was found.
#[derive(Clone, Debug)]
pub struct Found<Args, State> {
    /// The id under which it is stored from now on.
    pub id: String,
    /// Arguments that describe it. What cannot be read back is taken from the prior arguments.
    pub args: Args,
    /// What it is besides, and whether it is finished.
    pub settled: Settled<State>,
}

/// What a preview can say about the outputs.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    known: Option<Result<PropertyMap, String>>,
}

impl Preview {
    /// Says nothing: every output beyond the inputs is unknown.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Says what will certainly come of it; outputs that `known` lacks stay unknown. A wrong known value is worse
    /// than an unknown one.
    pub fn known(known: &impl Serialize) -> Self {
        Self {
            known: Some(to_map(known).map_err(|error| error.to_string())),
        }
    }
}

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
    let prefixes = (1..=path.segments().len())
        .map(|length| PropertyPath::from(path.segments()[..length].to_vec()));
    declared
        || prefixes
            .filter_map(|prefix| prefix.get(inputs).cloned())
            .any(|value| value.is_secret())
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
            let properties = self.preview_outputs(&context, args, &inputs, None).await;
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
            let properties = self.preview_outputs(&context, args, &news, Some(&prior));
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
        let secrets = Secrets::of([inputs]);
        previewed(self.output_shape()?, &secrets, inputs, preview)
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
