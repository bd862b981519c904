//! Functions and methods: the traits that authors implement, and the code that turns requests into calls of them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::future::{BoxFuture, FutureExt};
use pulumi_proto::{CallRequest, CallResponse, InvokeRequest, InvokeResponse};
use pulumi_value::schema::{Function as FunctionShape, Method as MethodOf, Problem, Shape};
use pulumi_value::wire::{Dialect, encode};
use pulumi_value::{PropertyMap, ResourceReference, Urn, Value, from_map, to_map};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::component::with_dependencies;
use crate::context::Context;
use crate::error::Error;
use crate::inputs::{failures, find_problems, properties, shape_of};
use crate::log::Log;
use crate::scope::Scope;

/// A question that a program asks the provider. It changes nothing, and previews ask it too.
pub trait Function<A>: Send + Sync + 'static {
    /// The name in the package; the token is `<package>:index:<name>`.
    const NAME: &'static str;

    /// What the program passes in.
    type Args: JsonSchema + DeserializeOwned + Send + Sync + 'static;

    /// What the program gets back.
    type Return: JsonSchema + Serialize + Send + 'static;

    /// Finds problems that the types cannot say.
    fn check(&self, _args: &Self::Args, _problems: &mut Vec<Problem>) {}

    /// Answers.
    fn invoke(
        &self,
        context: &Context<A>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::Return, Error>> + Send;
}

/// A question that a program asks about one component.
pub trait Method<A>: Send + Sync + 'static {
    /// The name of the component that has the method.
    const RESOURCE: &'static str;

    /// The method's name; the token is `<package>:index:<resource>/<name>`.
    const NAME: &'static str;

    /// What the program passes in, besides the component itself.
    type Args: JsonSchema + DeserializeOwned + Send + Sync + 'static;

    /// What the program gets back.
    type Return: JsonSchema + Serialize + Send + 'static;

    /// Answers.
    fn call(
        &self,
        call: &MethodCall<A>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::Return, Error>> + Send;
}

/// What a method can use.
pub struct MethodCall<A> {
    pub(crate) app: Arc<A>,
    pub(crate) log: Log,
    pub(crate) scope: Scope,
    this: ResourceReference,
    preview: bool,
}

impl<A> MethodCall<A> {
    /// Returns what the provider made of its configuration.
    pub fn app(&self) -> &A {
        &self.app
    }

    /// Returns the voice to the person at the terminal.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns what says when to stop.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the component that the method was called on.
    pub fn this(&self) -> &ResourceReference {
        &self.this
    }

    /// Tells whether this is a preview.
    pub fn is_preview(&self) -> bool {
        self.preview
    }
}

impl<A> fmt::Debug for MethodCall<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodCall")
            .field("this", &self.this)
            .field("preview", &self.preview)
            .finish_non_exhaustive()
    }
}

/// A registered function, its types hidden.
pub(crate) trait AnyFunction<A>: Send + Sync {
    fn shapes(&self) -> Result<FunctionShape, Error>;
    fn invoke(
        &self,
        context: Context<A>,
        request: InvokeRequest,
    ) -> BoxFuture<'_, Result<InvokeResponse, Error>>;
}

/// A registered method, its types hidden.
pub(crate) trait AnyMethod<A>: Send + Sync {
    fn shapes(&self, resource: String) -> Result<FunctionShape, Error>;
    fn call(
        &self,
        context: Context<A>,
        request: CallRequest,
    ) -> BoxFuture<'_, Result<CallResponse, Error>>;
}

/// A function or method with the shapes of its types, which are read when they are first needed.
pub(crate) struct RegisteredFunction<F> {
    function: F,
    inputs: OnceLock<Shape>,
    outputs: OnceLock<Shape>,
}

impl<F> RegisteredFunction<F> {
    pub(crate) fn new(function: F) -> Self {
        Self {
            function,
            inputs: OnceLock::new(),
            outputs: OnceLock::new(),
        }
    }
}

impl<A: Send + Sync + 'static, F: Function<A>> AnyFunction<A> for RegisteredFunction<F> {
    fn shapes(&self) -> Result<FunctionShape, Error> {
        Ok(FunctionShape {
            inputs: shape_of::<F::Args>(&self.inputs)?.clone(),
            outputs: shape_of::<F::Return>(&self.outputs)?.clone(),
            method_of: None,
        })
    }

    fn invoke(
        &self,
        context: Context<A>,
        request: InvokeRequest,
    ) -> BoxFuture<'_, Result<InvokeResponse, Error>> {
        async move {
            let shape = shape_of::<F::Args>(&self.inputs)?;
            let args = shape.complete(properties(request.args)?);
            let problems = find_problems::<F::Args>(shape, &args, |args, found| {
                self.function.check(args, found);
            });
            if !problems.is_empty() {
                // Engines drop unknown arguments on the way here, so that in a preview one that is missing may
                // merely be unknown.
                let merely_unknown = request.preview
                    && problems
                        .iter()
                        .all(|problem| problem.path.get(&args).is_none());
                let failures = if merely_unknown {
                    Vec::new()
                } else {
                    failures(&problems)
                };
                return Ok(InvokeResponse {
                    failures,
                    ..InvokeResponse::default()
                });
            }
            let secret = args.values().any(Value::contains_secret);
            let secrets = context.hide([&args]);
            let typed = match from_map::<F::Args>(&args) {
                Ok(typed) => typed,
                // Engines drop unknown arguments, but not what lies deeper; there is no answer yet either way.
                Err(error) if error.is_unknown() => return Ok(InvokeResponse::default()),
                Err(error) => return Err(Error::bug(error)),
            };
            let answer = self.function.invoke(&context, typed).await;
            let answer = answer.map_err(|error| error.concealing(&secrets))?;
            let mut answer = to_map(&answer).map_err(Error::bug)?;
            if let Some((key, _)) = answer.iter().find(|(_, value)| value.contains_unknown()) {
                return Err(Error::bug(format_args!(
                    "the function returns an unknown `{key}`"
                )));
            }
            if secret {
                // What was computed from a secret is one.
                for value in answer.values_mut() {
                    *value = Value::secret(std::mem::take(value));
                }
            }
            Ok(InvokeResponse {
                r#return: Some(encode(&answer, Dialect::Custom)),
                failures: Vec::new(),
            })
        }
        .boxed()
    }
}

impl<A: Send + Sync + 'static, M: Method<A>> AnyMethod<A> for RegisteredFunction<M> {
    fn shapes(&self, resource: String) -> Result<FunctionShape, Error> {
        Ok(FunctionShape {
            inputs: shape_of::<M::Args>(&self.inputs)?.clone(),
            outputs: shape_of::<M::Return>(&self.outputs)?.clone(),
            method_of: Some(MethodOf { resource }),
        })
    }

    fn call(
        &self,
        context: Context<A>,
        request: CallRequest,
    ) -> BoxFuture<'_, Result<CallResponse, Error>> {
        async move {
            let dependencies = request
                .arg_dependencies
                .into_iter()
                .map(|(key, urns)| (key, urns.urns));
            let mut args = with_dependencies(properties(request.args)?, dependencies)?;
            let Some(Value::Resource(this)) = args.remove("__self__").map(Value::into_content)
            else {
                return Err(Error::bug("the method was called without its component"));
            };
            let shape = shape_of::<M::Args>(&self.inputs)?;
            let args = shape.complete(args);
            let problems = find_problems::<M::Args>(shape, &args, |_, _| {});
            if !problems.is_empty() {
                return Ok(CallResponse {
                    failures: failures(&problems),
                    ..CallResponse::default()
                });
            }
            let carried = Value::Map(args.clone());
            let preview = request.dry_run;
            let secrets = context.hide([&args]);
            let call = MethodCall {
                app: context.app,
                log: context.log,
                scope: context.scope,
                this,
                preview,
            };
            let answer = match from_map::<M::Args>(&args) {
                Ok(typed) => {
                    let answer = self.function.call(&call, typed).await;
                    let answer = answer.map_err(|error| error.concealing(&secrets))?;
                    to_map(&answer).map_err(Error::bug)?
                }
                Err(error) if error.is_unknown() && preview => {
                    let shape = shape_of::<M::Return>(&self.outputs)?;
                    shape
                        .properties
                        .iter()
                        .map(|property| (property.name.clone(), Value::Unknown))
                        .collect()
                }
                Err(error) => return Err(Error::bug(error)),
            };
            let answer = carrying(
                answer,
                carried.contains_secret(),
                &carried.all_dependencies(),
            );
            Ok(CallResponse {
                r#return: Some(encode(&answer, Dialect::Component)),
                ..CallResponse::default()
            })
        }
        .boxed()
    }
}

/// Marks every property of an answer with what the arguments carried.
fn carrying(answer: PropertyMap, secret: bool, dependencies: &BTreeSet<Urn>) -> PropertyMap {
    answer
        .into_iter()
        .map(|(key, value)| (key, Value::annotated(value, secret, dependencies.clone())))
        .collect()
}
