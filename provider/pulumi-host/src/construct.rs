//! The client through which a component registers itself, its children and its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use pulumi_proto::register_resource_request::{
    CustomTimeouts, PropertyDependencies, ResourceHooksBinding,
};
use pulumi_proto::resource_monitor_client::ResourceMonitorClient;
use pulumi_proto::{
    Alias, ConstructRequest, ConstructResponse, RegisterResourceOutputsRequest,
    RegisterResourceRequest, RegisterResourceResponse, ResourceInvokeRequest,
    Result as Registration,
};
use pulumi_value::wire::{Dialect, UNKNOWN, decode, encode};
use pulumi_value::{
    Output, PropertyMap, ResourceId, ResourceReference, Urn, Value, from_map, to_map, to_value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::MESSAGE_BYTES_MAX;
use crate::component::{OwnPackage, response};
use crate::context::Context;
use crate::engine;
use crate::error::{Error, ErrorKind};
use crate::log::Log;
use crate::scope::{Scope, Stop};

/// How long a resource option lets an operation take, as the program wrote it (such as `2h30m`); empty where it did
/// not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For creating.
    pub create: String,
    /// For updating.
    pub update: String,
    /// For deleting.
    pub delete: String,
}

/// A component in the making.
///
/// The component itself is registered already, with every option that the program gave. Its outputs are registered by
/// the framework once the author has returned them.
pub struct Construction<A> {
    app: Arc<A>,
    log: Log,
    scope: Scope,
    monitor: ResourceMonitorClient<Channel>,
    /// Calls to the monitor that are under way, even where nobody waits for them any more.
    calls: TaskTracker,
    own: OwnPackage,
    urn: Urn,
    name: String,
    preview: bool,
    organization: String,
    project: String,
    stack: String,
    providers: BTreeMap<String, String>,
    timeouts: Timeouts,
    secret_outputs: Vec<String>,
}

impl<A> fmt::Debug for Construction<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Construction")
            .field("urn", &self.urn)
            .field("preview", &self.preview)
            .finish_non_exhaustive()
    }
}

impl<A> Construction<A> {
    /// Registers the component and gets ready for its children.
    pub(crate) async fn begin(
        context: Context<A>,
        mut request: ConstructRequest,
        inputs: &PropertyMap,
        own: OwnPackage,
    ) -> Result<Self, Error> {
        let channel = engine::channel(&request.monitor_endpoint)?;
        let mut monitor = ResourceMonitorClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let timeouts = request.custom_timeouts.clone().unwrap_or_default();
        // The registration has no use for the first three and takes the others along.
        let organization = std::mem::take(&mut request.organization);
        let project = std::mem::take(&mut request.project);
        let stack = std::mem::take(&mut request.stack);
        let preview = request.dry_run;
        let name = request.name.clone();
        let providers = request.providers.clone();
        let secret_outputs = request.additional_secret_outputs.clone();
        let registered = monitor
            .register_resource(component_registration(request, inputs))
            .await
            .map_err(|status| monitor_error(&status))?;
        let urn = parse_urn(&registered.into_inner().urn)?;
        Ok(Self {
            app: context.app,
            log: context.log.about(&urn),
            scope: context.scope,
            monitor,
            calls: TaskTracker::new(),
            own,
            urn,
            name,
            preview,
            organization,
            project,
            stack,
            providers,
            timeouts: Timeouts {
                create: timeouts.create,
                update: timeouts.update,
                delete: timeouts.delete,
            },
            secret_outputs,
        })
    }

    /// Runs a call to the monitor to its end, even if the author stops waiting for it.
    async fn ask<T, F>(
        &self,
        call: impl FnOnce(ResourceMonitorClient<Channel>) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<Response<T>, Status>> + Send + 'static,
    {
        let (call, scope) = (call(self.monitor.clone()), self.scope.clone());
        let answer = self.calls.spawn(async move { scope.run(call).await });
        match answer.await {
            Ok(Ok(Ok(answer))) => Ok(answer.into_inner()),
            Ok(Ok(Err(status))) => Err(monitor_error(&status)),
            Ok(Err(stop)) => Err(stop.into()),
            // The runtime is shutting down.
            Err(_) => Err(Stop::Cancelled.into()),
        }
    }

    /// Waits until no call to the monitor is under way. A component must not answer before: the program might end while
    /// the engine is still busy with a child.
    pub(crate) async fn settled(&self) {
        self.calls.close();
        self.calls.wait().await;
        self.calls.reopen();
    }

    /// Registers the outputs, exactly once, and puts the answer together.
    pub(crate) async fn finish(self, mut outputs: PropertyMap) -> Result<ConstructResponse, Error> {
        for name in &self.secret_outputs {
            if let Some(value) = outputs.get_mut(name) {
                *value = Value::secret(std::mem::take(value));
            }
        }
        if !self.preview {
            // Only a child that was left out of this update leaves an output unknown now, and state has no room for
            // unknowns.
            outputs.retain(|_, value| !value.contains_unknown());
        }
        let request = RegisterResourceOutputsRequest {
            urn: self.urn.as_str().to_owned(),
            outputs: Some(encode(&outputs, Dialect::Component)),
        };
        self.ask(|mut monitor| async move { monitor.register_resource_outputs(request).await })
            .await?;
        Ok(response(&self.urn, &outputs))
    }

    /// Returns what the provider made of its configuration.
    pub fn app(&self) -> &A {
        &self.app
    }

    /// Returns the voice to the person at the terminal, on the component's row.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns what says when to stop.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the component's URN.
    pub fn urn(&self) -> &Urn {
        &self.urn
    }

    /// Returns the component's name in the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether this is a preview.
    pub fn is_preview(&self) -> bool {
        self.preview
    }

    /// Returns the organization, project and stack.
    pub fn deployment(&self) -> (&str, &str, &str) {
        (&self.organization, &self.project, &self.stack)
    }

    /// Returns the time limits that the program gave the component, for children that take long: the engine does
    /// not hand them down.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Begins a custom resource of any package, named after the component and its role in it.
    pub fn child(&self, type_token: &str, role: &str) -> ChildBuilder<'_, A> {
        let package = type_token.split(':').next().unwrap_or_default();
        let own = package == self.own.name;
        let request = RegisterResourceRequest {
            r#type: type_token.to_owned(),
            name: format!("{}-{role}", self.name),
            parent: self.urn.as_str().to_owned(),
            custom: true,
            // The engine would find the provider through the parent too; saying it shows in the state, and works
            // whatever the engine's version.
            provider: self.providers.get(package).cloned().unwrap_or_default(),
            version: if own {
                self.own.version.to_owned()
            } else {
                String::new()
            },
            plugin_download_url: if own {
                self.own.download_url.to_owned()
            } else {
                String::new()
            },
            accept_secrets: true,
            accept_resources: true,
            supports_partial_values: true,
            supports_result_reporting: true,
            alias_specs: true,
            ..RegisterResourceRequest::default()
        };
        ChildBuilder {
            construction: self,
            request,
            inputs: Ok(PropertyMap::new()),
            dependencies: BTreeSet::new(),
        }
    }

    /// Begins a component of any package, named after this component and its role in it.
    pub fn component_child(&self, type_token: &str, role: &str) -> ChildBuilder<'_, A> {
        let mut child = self.child(type_token, role);
        child.request.custom = false;
        child.request.remote = true;
        child.request.provider = String::new();
        child.request.providers = self.providers.clone();
        child
    }

    /// Asks a function of any package. While an argument is unknown, so is the answer.
    ///
    /// # Errors
    /// When the function fails, or answers in another form than `T`.
    pub async fn invoke<T: DeserializeOwned>(
        &self,
        token: &str,
        args: &impl Serialize,
        version: &str,
    ) -> Result<Output<T>, Error> {
        let args = to_map(args).map_err(Error::bug)?;
        let carried = Value::Map(args.clone());
        if carried.contains_unknown() {
            return Ok(Output::unknown());
        }
        let package = token.split(':').next().unwrap_or_default();
        let provider = self.providers.get(package).cloned().unwrap_or_default();
        let request = ResourceInvokeRequest {
            tok: token.to_owned(),
            args: Some(encode(&args, Dialect::Custom)),
            version: if provider.is_empty() {
                version.to_owned()
            } else {
                String::new()
            },
            provider,
            accept_resources: true,
            ..ResourceInvokeRequest::default()
        };
        let answer = self
            .ask(|mut monitor| async move { monitor.invoke(request).await })
            .await?;
        if let Some(failure) = answer.failures.first() {
            let message = format!(
                "`{token}` refused its arguments: {} {}",
                failure.property, failure.reason
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let answer = decode(answer.r#return.unwrap_or_default())?;
        let secret = Value::Map(answer.clone()).contains_secret() || carried.contains_secret();
        let answer = from_map(&answer).map_err(|error| {
            Error::new(
                ErrorKind::Refused,
                format!("`{token}` answered unexpectedly: {error}"),
            )
        })?;
        let output = Output::known(answer).depending_on(carried.all_dependencies());
        Ok(if secret { output.into_secret() } else { output })
    }
}

/// A child about to be registered.
pub struct ChildBuilder<'c, A> {
    construction: &'c Construction<A>,
    request: RegisterResourceRequest,
    inputs: Result<PropertyMap, Error>,
    dependencies: BTreeSet<Urn>,
}

impl<A> fmt::Debug for ChildBuilder<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildBuilder")
            .field("type", &self.request.r#type)
            .field("name", &self.request.name)
            .finish_non_exhaustive()
    }
}

impl<A> ChildBuilder<'_, A> {
    /// Sets one input; an [`Output`] brings its dependencies and secrecy along.
    #[must_use]
    pub fn input(mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.inputs = self.inputs.and_then(|mut inputs| {
            let value = to_value(value).map_err(Error::bug)?;
            if !value.is_null() {
                inputs.insert(name.to_owned(), value);
            }
            Ok(inputs)
        });
        self
    }

    /// Sets several inputs from a struct or a property map.
    #[must_use]
    pub fn inputs(mut self, values: &impl Serialize) -> Self {
        self.inputs = self.inputs.and_then(|mut inputs| {
            inputs.extend(to_map(values).map_err(Error::bug)?);
            Ok(inputs)
        });
        self
    }

    /// Pins the version of the child's package, for when the program has given no provider of its own.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.request.version);
        self
    }

    /// Orders the child after another one although no input says so.
    #[must_use]
    pub fn depends_on(mut self, other: &Child) -> Self {
        self.dependencies.insert(other.urn.clone());
        self
    }

    /// Puts the child below another child of the component.
    #[must_use]
    pub fn parent(mut self, parent: &Child) -> Self {
        parent.urn.as_str().clone_into(&mut self.request.parent);
        self
    }

    /// Limits how long the child's operations may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: &Timeouts) -> Self {
        if *timeouts != Timeouts::default() {
            self.request.custom_timeouts = Some(CustomTimeouts {
                create: timeouts.create.clone(),
                update: timeouts.update.clone(),
                delete: timeouts.delete.clone(),
            });
        }
        self
    }

    /// Leaves changes below the given paths alone.
    #[must_use]
    pub fn ignore_changes(mut self, paths: &[&str]) -> Self {
        self.request
            .ignore_changes
            .extend(paths.iter().map(|path| (*path).to_owned()));
        self
    }

    /// Has the given outputs encrypted besides those that the package declares secret.
    #[must_use]
    pub fn secret_outputs(mut self, names: &[&str]) -> Self {
        self.request
            .additional_secret_outputs
            .extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Names what the child was called before, so that a rename does not replace it.
    #[must_use]
    pub fn former_role(mut self, role: &str) -> Self {
        let name = format!("{}-{role}", self.construction.name);
        let spec = pulumi_proto::alias::Spec {
            name,
            ..pulumi_proto::alias::Spec::default()
        };
        self.request.aliases.push(Alias {
            alias: Some(pulumi_proto::alias::Alias::Spec(spec)),
        });
        self
    }

    /// Has the child deleted before its replacement is created.
    #[must_use]
    pub fn delete_before_replace(mut self) -> Self {
        self.request.delete_before_replace = true;
        self.request.delete_before_replace_defined = true;
        self
    }

    /// Protects the child from deletion, or lifts the protection that it would inherit.
    #[must_use]
    pub fn protect(mut self, protect: bool) -> Self {
        self.request.protect = Some(protect);
        self
    }

    /// Leaves the child in the world when it is deleted from the stack.
    #[must_use]
    pub fn retain_on_delete(mut self, retain: bool) -> Self {
        self.request.retain_on_delete = Some(retain);
        self
    }

    /// Registers the child and waits until the engine has dealt with it.
    ///
    /// # Errors
    /// When an input cannot be a Pulumi value, or the engine refuses or stops.
    pub async fn register(mut self) -> Result<Child, Error> {
        let inputs = self.inputs?;
        for (name, value) in &inputs {
            let urns = value.all_dependencies();
            if !urns.is_empty() {
                self.request
                    .property_dependencies
                    .insert(name.clone(), PropertyDependencies { urns: texts(&urns) });
            }
            self.dependencies.extend(urns);
        }
        if self.request.property_dependencies.is_empty() && !self.dependencies.is_empty() {
            // With no entry at all the engine would take every property to depend on everything.
            let none = inputs
                .keys()
                .map(|name| (name.clone(), PropertyDependencies::default()));
            self.request.property_dependencies.extend(none);
        }
        self.request.dependencies = texts(&self.dependencies);
        self.request.object = Some(encode(&inputs, Dialect::Component));
        if !self.request.provider.is_empty() {
            // The provider has a version already.
            self.request.version.clear();
        }
        let custom = self.request.custom;
        let request = self.request;
        let answer = self
            .construction
            .ask(|mut monitor| async move { monitor.register_resource(request).await })
            .await?;
        Child::read(answer, custom, self.construction.preview)
    }
}

/// A child that the engine has dealt with.
#[derive(Clone, Debug)]
pub struct Child {
    urn: Urn,
    id: Option<String>,
    outputs: PropertyMap,
    custom: bool,
    /// Whether absent outputs are merely unknown: in a preview, and for a child left out of the update.
    partial: bool,
}

impl Child {
    fn read(answer: RegisterResourceResponse, custom: bool, preview: bool) -> Result<Self, Error> {
        let id = Some(answer.id.clone()).filter(|id| !id.is_empty() && id != UNKNOWN);
        let failed = answer.result() != Registration::Success;
        Ok(Self {
            urn: parse_urn(&answer.urn)?,
            partial: preview || failed || (custom && id.is_none()),
            id,
            outputs: decode(answer.object.unwrap_or_default())?,
            custom,
        })
    }

    /// Returns the child's URN.
    pub fn urn(&self) -> &Urn {
        &self.urn
    }

    /// Returns the child's id; unknown in a preview that would create it.
    pub fn id(&self) -> Output<String> {
        let id = self.id.clone().map_or_else(Output::unknown, Output::known);
        id.depending_on([self.urn.clone()])
    }

    /// Returns one of the child's outputs, which depends on the child.
    ///
    /// # Errors
    /// When the output has another form than `T`.
    pub fn output<T: DeserializeOwned>(&self, name: &str) -> Result<Output<T>, Error> {
        let value = match self.outputs.get(name) {
            Some(value) => value.clone(),
            None if self.partial => Value::Unknown,
            None => Value::Null,
        };
        let value = Value::annotated(value, false, BTreeSet::from([self.urn.clone()]));
        Output::from_value(&value).map_err(|error| {
            let token = self.urn.type_token();
            Error::new(
                ErrorKind::Refused,
                format!("the output `{name}` of `{token}` is not as expected: {error}"),
            )
        })
    }

    /// Returns a reference to the child, which programs turn into the resource itself.
    pub fn reference(&self) -> ResourceReference {
        let id = self.custom.then(|| {
            self.id
                .clone()
                .map_or(ResourceId::Unknown, ResourceId::Known)
        });
        ResourceReference {
            urn: self.urn.clone(),
            id,
            package_version: None,
        }
    }
}

/// The component's own registration: what the program gave it, handed on word for word.
fn component_registration(
    request: ConstructRequest,
    inputs: &PropertyMap,
) -> RegisterResourceRequest {
    RegisterResourceRequest {
        r#type: request.r#type,
        name: request.name,
        parent: request.parent,
        custom: false,
        remote: false,
        object: Some(encode(inputs, Dialect::Component)),
        protect: request.protect,
        dependencies: request.dependencies,
        property_dependencies: request
            .input_dependencies
            .into_iter()
            .map(|(key, urns)| (key, PropertyDependencies { urns: urns.urns }))
            .collect(),
        providers: request.providers,
        aliases: request.aliases,
        alias_specs: true,
        delete_before_replace: request.delete_before_replace.unwrap_or_default(),
        delete_before_replace_defined: request.delete_before_replace.is_some(),
        ignore_changes: request.ignore_changes,
        replace_on_changes: request.replace_on_changes,
        replace_with: request.replace_with,
        replacement_trigger: request.replacement_trigger,
        additional_secret_outputs: request.additional_secret_outputs,
        custom_timeouts: request.custom_timeouts.map(|timeouts| CustomTimeouts {
            create: timeouts.create,
            update: timeouts.update,
            delete: timeouts.delete,
        }),
        deleted_with: request.deleted_with,
        retain_on_delete: request.retain_on_delete,
        hooks: request.resource_hooks.map(|hooks| ResourceHooksBinding {
            before_create: hooks.before_create,
            after_create: hooks.after_create,
            before_update: hooks.before_update,
            after_update: hooks.after_update,
            before_delete: hooks.before_delete,
            after_delete: hooks.after_delete,
            on_error: hooks.on_error,
        }),
        parent_stack_trace_handle: request.stack_trace_handle,
        accept_secrets: true,
        accept_resources: true,
        supports_partial_values: true,
        supports_result_reporting: true,
        ..RegisterResourceRequest::default()
    }
}

fn parse_urn(text: &str) -> Result<Urn, Error> {
    Urn::parse(text)
        .map_err(|error| Error::new(ErrorKind::Refused, format!("the engine answered: {error}")))
}

fn texts(urns: &BTreeSet<Urn>) -> Vec<String> {
    urns.iter().map(|urn| urn.as_str().to_owned()).collect()
}

/// What became of a call to the monitor.
///
/// When something else in the program has failed the monitor goes away; that is no error of the component, and one
/// more message about it would hide the real one. So it passes as a cancellation with few words.
fn monitor_error(status: &Status) -> Error {
    match status.code() {
        Code::Unavailable | Code::Cancelled => {
            Error::new(ErrorKind::Cancelled, "the engine is shutting down")
        }
        Code::PermissionDenied => Error::new(ErrorKind::PermissionDenied, status.message()),
        _ => Error::new(ErrorKind::Refused, status.message()),
    }
}
