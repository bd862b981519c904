//! Custom resources: the trait that authors implement, and what its methods take and answer.

use std::time::Duration;

use pulumi_value::schema::Problem;
use pulumi_value::{PropertyMap, to_map};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::diff::{Diff, Versions};
use crate::error::Error;

/// How long an operation may take when neither the program nor the resource says otherwise: ours.
pub(crate) const TIMEOUT_DEFAULT: Duration = Duration::from_mins(20);

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
    pub(crate) fn parts(&self) -> (&State, &[String]) {
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
    pub(crate) known: Option<Result<PropertyMap, String>>,
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
