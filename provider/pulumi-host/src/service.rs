//! The gRPC methods of a resource provider, each a short function: find the part of the provider that is meant, give
//! it a context, run it under the rules that hold for its kind of call.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::Stream;
use futures_util::future::BoxFuture;
use pulumi_proto::resource_provider_server::{ResourceProvider, ResourceProviderServer};
use pulumi_proto::{
    CallRequest, CallResponse, CheckRequest, CheckResponse, ConfigureRequest, ConfigureResponse,
    ConstructRequest, ConstructResponse, CreateRequest, CreateResponse, DeleteRequest, DiffRequest,
    DiffResponse, GetMappingRequest, GetMappingResponse, GetMappingsRequest, GetMappingsResponse,
    GetSchemaRequest, GetSchemaResponse, InvokeRequest, InvokeResponse, ListRequest, ListResponse,
    ParameterizeRequest, ParameterizeResponse, PluginAttach, PluginInfo, ProviderHandshakeRequest,
    ProviderHandshakeResponse, ReadRequest, ReadResponse, UpdateRequest, UpdateResponse,
};
use pulumi_value::Urn;
use tokio::time::MissedTickBehavior;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tonic::{Code, Request, Response, Status};

use crate::MESSAGE_BYTES_MAX;
use crate::bug;
use crate::claims::Claims;
use crate::context::Context;
use crate::engine::{EngineFeatures, EngineLink};
use crate::error::{Error, ErrorKind};
use crate::log::{Log, Outbox};
use crate::provider::Provider;
use crate::registered::AnyResource;
use crate::scope::{Runs, Stop};

/// How often a call that changes things is asked for a sign of life: ours; `cadence` decides whether one is due.
const BREATH: Duration = Duration::from_mins(1);

/// How many bytes of details fit into the trailer of an answer: below what HTTP/2 stacks accept as a header list by
/// default (16 KiB in several), with room for what gRPC adds. Larger partial states still go out; this only decides
/// whether a hint is logged.
const DETAIL_BYTES_ADVISED: usize = 12 * 1024;

/// A provider as a gRPC service. Cheap to clone; clones share everything.
pub struct Service<A> {
    inner: Arc<Inner<A>>,
}

struct Inner<A> {
    provider: Provider<A>,
    app: RwLock<Option<Arc<A>>>,
    runs: Runs,
    link: Arc<EngineLink>,
    outbox: Outbox,
    /// Calls that change things: they go on when the engine has gone, so that they reach a safe point.
    changes: TaskTracker,
    claims: Claims,
    schema: RwLock<Option<String>>,
}

impl<A> Clone for Service<A> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<A> fmt::Debug for Service<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("provider", &self.inner.provider)
            .finish_non_exhaustive()
    }
}

/// Looks a part of the provider up by its token.
macro_rules! part {
    ($inner:expr, $parts:ident, $kind:literal, $token:expr) => {
        $inner
            .provider
            .$parts
            .get($token)
            .ok_or_else(|| no_such($kind, $token))
    };
}

impl<A: Send + Sync + 'static> Service<A> {
    /// Makes the service. Must be called within a Tokio runtime, on which it sends its messages to the engine.
    pub fn new(provider: Provider<A>) -> Self {
        bug::watch();
        let link = Arc::new(EngineLink::default());
        let (outbox, deliver) = Outbox::new(Arc::clone(&link));
        // Ends by itself when the service and every log are gone.
        tokio::spawn(deliver);
        Self {
            inner: Arc::new(Inner {
                provider,
                app: RwLock::new(None),
                runs: Runs::default(),
                link,
                outbox,
                changes: TaskTracker::new(),
                claims: Claims::default(),
                schema: RwLock::new(None),
            }),
        }
    }

    /// Points the service at the engine whose address came with the start of the process.
    ///
    /// # Errors
    /// When it is not an address.
    pub fn attach(&self, address: &str) -> Result<(), Error> {
        self.inner.link.attach(address)
    }

    /// Returns the service in the form that a tonic server takes, with Pulumi's limits.
    pub fn into_server(self) -> ResourceProviderServer<Self> {
        ResourceProviderServer::new(self)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Cancels every call of the current run, as the engine's Cancel does.
    pub fn cancel(&self) {
        self.inner.runs.cancel();
    }

    /// Tells whether a call that changes things is running.
    pub fn is_changing(&self) -> bool {
        !self.inner.changes.is_empty()
    }

    /// Waits until no call that changes things is running.
    pub async fn settled(&self) {
        self.inner.changes.close();
        self.inner.changes.wait().await;
        self.inner.changes.reopen();
    }

    pub(crate) fn link(&self) -> &EngineLink {
        &self.inner.link
    }

    /// Gives a call its context, once the provider is configured.
    fn context(&self, urn: Option<Urn>) -> Result<Context<A>, Error> {
        let inner = &self.inner;
        let app = inner
            .app
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let app = app.ok_or_else(|| {
            Error::new(ErrorKind::Refused, "the provider is not configured")
                .with_next("call Configure first")
        })?;
        let text = urn.as_ref().map_or("", Urn::as_str);
        Ok(Context {
            app,
            log: Log::new(inner.outbox.clone(), text),
            scope: inner.runs.scope(),
            engine: inner.link.features(),
            urn,
        })
    }

    /// Runs a call that changes nothing. It ends with the run, with its time limit, and when nobody waits for it.
    async fn ask<T, F>(
        &self,
        work: impl FnOnce(Arc<Inner<A>>, Context<A>) -> F,
    ) -> Result<Response<T>, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let context = self.context(None).map_err(Error::into_status)?;
        let scope = context.scope.clone();
        let _caller = scope.end_on_drop();
        let work = bug::caught_async(work(Arc::clone(&self.inner), context));
        let task = async move { scope.run(work).await };
        let task = AbortOnDropHandle::new(tokio::spawn(task));
        let result = match task.await {
            Ok(Ok(caught)) => caught.and_then(|result| result),
            Ok(Err(stop)) => Err(stop.into()),
            // The runtime is shutting down.
            Err(_) => Err(Stop::Cancelled.into()),
        };
        self.inner.outbox.flush().await;
        result.map(Response::new).map_err(Error::into_status)
    }

    /// Runs a call about a resource that may change things. It is never dropped: it sees the stop and comes to a safe
    /// point by itself, even when the engine has gone.
    async fn about<T: Send + 'static>(
        &self,
        urn: &str,
        act: Act,
        call: impl for<'r> FnOnce(
            &'r dyn AnyResource<A>,
            Context<A>,
        ) -> BoxFuture<'r, Result<T, Status>>
        + Send
        + 'static,
    ) -> Result<Response<T>, Status> {
        let inner = Arc::clone(&self.inner);
        let urn = parse_urn(urn).map_err(Error::into_status)?;
        let context = self
            .context(Some(urn.clone()))
            .map_err(Error::into_status)?;
        let claim = match act {
            Act::Look => None,
            Act::Change { id } => {
                // Before anything has happened it is early enough to let it be.
                if let Some(stop) = context.scope.stop() {
                    return Err(Error::from(stop).into_status());
                }
                let claim = inner.claims.take(&urn, &id);
                Some(claim.map_err(Error::into_status)?)
            }
        };
        // An engine waits for every call that it makes. When nobody waits any more it has gone, and the call comes to
        // a safe point as if it had been cancelled.
        let _caller = context.scope.end_on_drop();
        let log = context.log.clone();
        let work = async move {
            let resource = part!(inner, resources, "resource", urn.type_token())
                .map_err(Error::into_status)?;
            let scope = context.scope.clone();
            let call = call(resource.as_ref(), context);
            if claim.is_some() {
                return call.await;
            }
            match scope.run(call).await {
                Ok(result) => result,
                Err(stop) => Err(Error::from(stop).into_status()),
            }
        };
        let mut task = self.inner.changes.spawn(bug::caught_async(work));
        let mut breath = tokio::time::interval(BREATH);
        breath.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let result = loop {
            tokio::select! {
                // Dropping the handle would not stop the task, and nothing else is lost with this future.
                finished = &mut task => break finished,
                _ = breath.tick() => log.breathe(),
            }
        };
        let result = match result {
            Ok(Ok(result)) => result,
            Ok(Err(bug)) => Err(bug.into_status()),
            // The runtime is shutting down.
            Err(_) => Err(Error::from(Stop::Cancelled).into_status()),
        };
        if let Err(status) = &result
            && status.details().len() > DETAIL_BYTES_ADVISED
        {
            tracing::warn!(
                bytes = status.details().len(),
                "the partial state is large for a trailer"
            );
        }
        self.inner.outbox.flush().await;
        result.map(Response::new)
    }

    /// Runs a piece of pure work that may only fail or panic.
    fn compute<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<Response<T>, Status> {
        let result = bug::caught(work).and_then(|result| result);
        result.map(Response::new).map_err(Error::into_status)
    }
}

/// What a call about a resource does.
enum Act {
    /// It looks, or says what would come of a change; it can be dropped at any time.
    Look,
    /// It changes the resource of this id.
    Change {
        /// The id; empty for a resource that is about to be made.
        id: String,
    },
}

impl Act {
    fn change(preview: bool, id: &str) -> Self {
        if preview {
            Act::Look
        } else {
            Act::Change { id: id.to_owned() }
        }
    }
}

fn parse_urn(text: &str) -> Result<Urn, Error> {
    Urn::parse(text).map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
}

fn no_such(kind: &str, token: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("this provider has no {kind} `{token}`"),
    )
    .with_next(
        "check the spelling, or whether the installed plugin is older than the program's SDK",
    )
}

#[tonic::async_trait]
impl<A: Send + Sync + 'static> ResourceProvider for Service<A> {
    type ListStream = Pin<Box<dyn Stream<Item = Result<ListResponse, Status>> + Send>>;

    async fn handshake(
        &self,
        request: Request<ProviderHandshakeRequest>,
    ) -> Result<Response<ProviderHandshakeResponse>, Status> {
        let request = request.into_inner();
        self.inner.runs.open();
        if !request.engine_address.is_empty() {
            self.attach(&request.engine_address)
                .map_err(Error::into_status)?;
        }
        self.inner.link.set_features(EngineFeatures {
            refresh_before_update: request.supports_refresh_before_update,
            invoke_with_preview: request.invoke_with_preview,
            views: request.supports_views,
        });
        Ok(Response::new(ProviderHandshakeResponse {
            accept_secrets: true,
            accept_resources: true,
            accept_outputs: true,
            supports_autonaming_configuration: true,
        }))
    }

    async fn get_plugin_info(&self, _: Request<()>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            version: self.inner.provider.metadata.version.to_owned(),
        }))
    }

    async fn attach(&self, request: Request<PluginAttach>) -> Result<Response<()>, Status> {
        self.inner.runs.open();
        Service::attach(self, &request.into_inner().address).map_err(Error::into_status)?;
        Ok(Response::new(()))
    }

    async fn parameterize(
        &self,
        _: Request<ParameterizeRequest>,
    ) -> Result<Response<ParameterizeResponse>, Status> {
        Err(Status::new(
            Code::Unimplemented,
            "this provider takes no parameters",
        ))
    }

    async fn get_schema(
        &self,
        request: Request<GetSchemaRequest>,
    ) -> Result<Response<GetSchemaResponse>, Status> {
        let version = request.into_inner().version;
        Self::compute(|| {
            if version != 0 {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("schema version {version} is not known"),
                ));
            }
            let mut cached = self
                .inner
                .schema
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let schema = match &*cached {
                Some(schema) => schema.clone(),
                None => cached
                    .insert(self.inner.provider.schema()?.to_string())
                    .clone(),
            };
            Ok(GetSchemaResponse { schema })
        })
    }

    async fn check_config(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        Self::compute(|| self.inner.provider.config.check(request.into_inner()))
    }

    async fn diff_config(
        &self,
        request: Request<DiffRequest>,
    ) -> Result<Response<DiffResponse>, Status> {
        Self::compute(|| self.inner.provider.config.diff(request.into_inner()))
    }

    async fn configure(
        &self,
        request: Request<ConfigureRequest>,
    ) -> Result<Response<ConfigureResponse>, Status> {
        self.inner.runs.open();
        Self::compute(|| {
            let app = self.inner.provider.config.configure(request.into_inner())?;
            *self
                .inner
                .app
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(app));
            Ok(ConfigureResponse {
                accept_secrets: true,
                supports_preview: true,
                accept_resources: true,
                accept_outputs: true,
                supports_autonaming_configuration: true,
            })
        })
    }

    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let request = request.into_inner();
        Self::compute(|| {
            let urn = parse_urn(&request.urn)?;
            part!(self.inner, resources, "resource", urn.type_token())?.check(&urn, request)
        })
    }

    async fn diff(&self, request: Request<DiffRequest>) -> Result<Response<DiffResponse>, Status> {
        let request = request.into_inner();
        Self::compute(|| {
            let urn = parse_urn(&request.urn)?;
            part!(self.inner, resources, "resource", urn.type_token())?.diff(request)
        })
    }

    async fn create(
        &self,
        request: Request<CreateRequest>,
    ) -> Result<Response<CreateResponse>, Status> {
        let request = request.into_inner();
        let (urn, act) = (request.urn.clone(), Act::change(request.preview, ""));
        self.about(&urn, act, |resource, context| {
            resource.create(context, request)
        })
        .await
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        let request = request.into_inner();
        let urn = request.urn.clone();
        self.about(&urn, Act::Look, |resource, context| {
            resource.read(context, request)
        })
        .await
    }

    async fn update(
        &self,
        request: Request<UpdateRequest>,
    ) -> Result<Response<UpdateResponse>, Status> {
        let request = request.into_inner();
        let act = Act::change(request.preview, &request.id);
        let urn = request.urn.clone();
        self.about(&urn, act, |resource, context| {
            resource.update(context, request)
        })
        .await
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        let (urn, act) = (request.urn.clone(), Act::change(false, &request.id));
        self.about(&urn, act, |resource, context| {
            resource.delete(context, request)
        })
        .await
    }

    async fn list(&self, _: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        Err(Status::new(
            Code::Unimplemented,
            "this provider does not list resources",
        ))
    }

    async fn construct(
        &self,
        request: Request<ConstructRequest>,
    ) -> Result<Response<ConstructResponse>, Status> {
        let request = request.into_inner();
        self.ask(|inner, context| async move {
            let component = part!(inner, components, "component", &request.r#type)?;
            component
                .construct(context, request, inner.provider.own_package())
                .await
        })
        .await
    }

    async fn call(&self, request: Request<CallRequest>) -> Result<Response<CallResponse>, Status> {
        let request = request.into_inner();
        self.ask(|inner, context| async move {
            let registered = part!(inner, methods, "method", &request.tok)?;
            registered.method.call(context, request).await
        })
        .await
    }

    async fn invoke(
        &self,
        request: Request<InvokeRequest>,
    ) -> Result<Response<InvokeResponse>, Status> {
        let request = request.into_inner();
        self.ask(|inner, context| async move {
            let function = part!(inner, functions, "function", &request.tok)?;
            function.invoke(context, request).await
        })
        .await
    }

    async fn cancel(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Service::cancel(self);
        Ok(Response::new(()))
    }

    async fn get_mapping(
        &self,
        _: Request<GetMappingRequest>,
    ) -> Result<Response<GetMappingResponse>, Status> {
        Ok(Response::new(GetMappingResponse::default()))
    }

    async fn get_mappings(
        &self,
        _: Request<GetMappingsRequest>,
    ) -> Result<Response<GetMappingsResponse>, Status> {
        Ok(Response::new(GetMappingsResponse::default()))
    }
}
