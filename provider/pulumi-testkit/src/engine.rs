//! The engine's side of the conversation: log, monitor and health on one port.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _};
use pulumi_proto::engine_server::{Engine, EngineServer};
use pulumi_proto::health::health_check_response::ServingStatus;
use pulumi_proto::health::health_server::{Health, HealthServer};
use pulumi_proto::health::{HealthCheckRequest, HealthCheckResponse};
use pulumi_proto::resource_monitor_server::{ResourceMonitor, ResourceMonitorServer};
use pulumi_proto::{
    CallResponse, DeploymentInfo, GetRootResourceRequest, GetRootResourceResponse, InvokeResponse,
    LogRequest, LogSeverity, ReadResourceRequest, ReadResourceResponse, RegisterPackageRequest,
    RegisterPackageResponse, RegisterResourceOutputsRequest, RegisterResourceRequest,
    RegisterResourceResponse, RequirePulumiVersionRequest, RequirePulumiVersionResponse,
    ResourceCallRequest, ResourceInvokeRequest, Result as Outcome, SetRootResourceRequest,
    SetRootResourceResponse, StartDebuggingRequest, SupportsFeatureRequest,
    SupportsFeatureResponse,
};
use pulumi_value::wire::{Dialect, decode, encode};
use pulumi_value::{PropertyMap, Urn, Value};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_stream::Empty;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::{PROJECT, STACK};

/// A stand-in for the engine that a provider talks back to.
///
/// It ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct FakeEngine {
    shared: Arc<Shared>,
    _running: Arc<Running>,
}

/// A line that a provider sent to the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How serious it is.
    pub severity: LogSeverity,
    /// The text.
    pub message: String,
    /// The resource that it is about; empty for none.
    pub urn: String,
    /// Whether it is a status line, which the next one replaces.
    pub ephemeral: bool,
}

/// A resource that a component registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The message as it came.
    pub request: RegisterResourceRequest,
    /// The URN that it got.
    pub urn: Urn,
    /// Its inputs.
    pub inputs: PropertyMap,
    /// When the registration came.
    pub began: Instant,
    /// When it was answered.
    pub ended: Option<Instant>,
}

/// The outputs that a component registered.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The component.
    pub urn: Urn,
    /// The outputs.
    pub outputs: PropertyMap,
    /// When they came.
    pub at: Instant,
}

/// A function that a component asked.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The message as it came.
    pub request: ResourceInvokeRequest,
    /// Its arguments.
    pub args: PropertyMap,
    /// When it came.
    pub at: Instant,
}

/// How the engine answers a registration.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The id; empty in a preview, for a component, and for what was skipped.
    pub id: String,
    /// The outputs.
    pub outputs: PropertyMap,
    /// What became of it.
    pub outcome: Outcome,
}

impl Reply {
    /// The answer for a custom resource that was made: the id `id-<name>`, and outputs that echo the inputs.
    pub fn made(registration: &Registration) -> Self {
        let request = &registration.request;
        Self {
            id: if request.custom {
                format!("id-{}", request.name)
            } else {
                String::new()
            },
            outputs: registration.inputs.clone(),
            outcome: Outcome::Success,
        }
    }

    /// The answer in a preview: no id yet, and of the outputs only what the inputs say.
    pub fn previewed(registration: &Registration) -> Self {
        Self {
            id: String::new(),
            ..Self::made(registration)
        }
    }

    /// The answer for what an update leaves out.
    pub fn skipped() -> Self {
        Self {
            id: String::new(),
            outputs: PropertyMap::new(),
            outcome: Outcome::Skip,
        }
    }

    /// The answer for what could not be made while the rest goes on.
    pub fn failed() -> Self {
        Self {
            outcome: Outcome::Fail,
            ..Self::skipped()
        }
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.outputs.insert(name.to_owned(), value.into());
        self
    }
}

type Register =
    Arc<dyn Fn(Registration) -> BoxFuture<'static, Result<Reply, Status>> + Send + Sync>;
type Answer = Arc<dyn Fn(Invocation) -> Result<PropertyMap, Status> + Send + Sync>;
type Hear = Arc<dyn Fn(LogLine) -> BoxFuture<'static, ()> + Send + Sync>;

/// Ends the server with the last clone of the engine; its own tasks hold [`Shared`] only.
struct Running(CancellationToken);

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Shared {
    address: String,
    end: CancellationToken,
    preview: AtomicBool,
    /// How many calls to the monitor are still answered.
    calls_left: AtomicUsize,
    behaviour: Mutex<Behaviour>,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Behaviour {
    register: Option<Register>,
    answer: Option<Answer>,
    hear: Option<Hear>,
}

#[derive(Default)]
struct Record {
    logs: Vec<LogLine>,
    registrations: Vec<Registration>,
    outputs: Vec<Outputs>,
    invocations: Vec<Invocation>,
    health_checks: usize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeEngine {
    /// Starts an engine on a free port.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a socket of this process");
        let port = listener.local_addr().expect("the listener is bound").port();
        let end = CancellationToken::new();
        let shared = Arc::new(Shared {
            address: format!("127.0.0.1:{port}"),
            end: end.clone(),
            preview: AtomicBool::new(false),
            calls_left: AtomicUsize::new(usize::MAX),
            behaviour: Mutex::default(),
            record: Mutex::default(),
        });
        let services = Services(Arc::clone(&shared));
        let ended = end.clone();
        // A runtime of its own: when it goes, every connection goes with it, as with a process that is killed.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    () = serve(listener, services) => {}
                    () = ended.cancelled() => {}
                }
            });
        });
        Self {
            shared,
            _running: Arc::new(Running(end)),
        }
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Says whether registrations are answered as in a preview, unless told otherwise.
    pub fn set_preview(&self, preview: bool) {
        self.shared.preview.store(preview, Ordering::SeqCst);
    }

    /// Answers registrations with what `answer` says; [`Reply::made`] and its kin give it a start.
    pub fn on_register<F>(&self, answer: impl Fn(Registration) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Reply, Status>> + Send + 'static,
    {
        lock(&self.shared.behaviour).register =
            Some(Arc::new(move |registration| answer(registration).boxed()));
    }

    /// Answers invokes with what `answer` says.
    pub fn on_invoke(
        &self,
        answer: impl Fn(Invocation) -> Result<PropertyMap, Status> + Send + Sync + 'static,
    ) {
        lock(&self.shared.behaviour).answer = Some(Arc::new(answer));
    }

    /// Does `hear` with every log line before it counts as received.
    pub fn on_log<F>(&self, hear: impl Fn(LogLine) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        lock(&self.shared.behaviour).hear = Some(Arc::new(move |line| hear(line).boxed()));
    }

    /// Answers `calls` more calls to the monitor and refuses the rest, as an engine does whose program has failed.
    pub fn unavailable_after(&self, calls: usize) {
        self.shared.calls_left.store(calls, Ordering::SeqCst);
    }

    /// Ends the engine at once, as if its process were killed: nothing more is answered.
    pub fn vanish(&self) {
        self.shared.end.cancel();
    }

    /// Returns what was said so far, in order.
    pub fn logs(&self) -> Vec<LogLine> {
        lock(&self.shared.record).logs.clone()
    }

    /// Returns how often a provider has asked whether the engine is still there.
    pub fn health_checks(&self) -> usize {
        lock(&self.shared.record).health_checks
    }

    /// Returns what was registered so far, in the order in which it came.
    pub fn registrations(&self) -> Vec<Registration> {
        lock(&self.shared.record).registrations.clone()
    }

    /// Returns the one registration of a name.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn registration(&self, name: &str) -> Registration {
        let mut all = self.registrations();
        all.retain(|registration| registration.request.name == name);
        assert_eq!(all.len(), 1, "registrations of `{name}`");
        all.remove(0)
    }

    /// Returns the outputs that were registered so far.
    pub fn outputs(&self) -> Vec<Outputs> {
        lock(&self.shared.record).outputs.clone()
    }

    /// Returns what was asked so far.
    pub fn invocations(&self) -> Vec<Invocation> {
        lock(&self.shared.record).invocations.clone()
    }

    /// Returns the URN that a registration of this type and name below `parent` gets.
    pub fn urn_of(parent: &str, token: &str, name: &str) -> Urn {
        let own = match Urn::parse(parent) {
            Ok(parent) if parent.type_token() != "pulumi:pulumi:Stack" => {
                let types = parent.as_str().split("::").nth(2).unwrap_or_default();
                format!("{types}${token}")
            }
            _ => token.to_owned(),
        };
        crate::urn(&own, name)
    }
}

async fn serve(listener: std::net::TcpListener, services: Services) {
    let listener = TcpListener::from_std(listener).expect("a socket that does not block");
    let limit = pulumi_host::MESSAGE_BYTES_MAX;
    let monitor = ResourceMonitorServer::new(services.clone());
    Server::builder()
        .add_service(EngineServer::new(services.clone()))
        .add_service(HealthServer::new(services))
        .add_service(
            monitor
                .max_decoding_message_size(limit)
                .max_encoding_message_size(limit),
        )
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .expect("the engine serves until it is told to end");
}

#[derive(Clone)]
struct Services(Arc<Shared>);

impl Services {
    /// Counts a call to the monitor and refuses it when there have been enough.
    fn admit(&self) -> Result<(), Status> {
        let left = self
            .0
            .calls_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        left.map(drop)
            .map_err(|_| Status::unavailable("resource monitor shut down while waiting on step"))
    }
}

#[tonic::async_trait]
impl Engine for Services {
    async fn log(&self, request: Request<LogRequest>) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        let line = LogLine {
            severity: request.severity(),
            message: request.message,
            urn: request.urn,
            ephemeral: request.ephemeral,
        };
        let hear = lock(&self.0.behaviour).hear.clone();
        if let Some(hear) = hear {
            hear(line.clone()).await;
        }
        lock(&self.0.record).logs.push(line);
        Ok(Response::new(()))
    }

    async fn get_root_resource(
        &self,
        _: Request<GetRootResourceRequest>,
    ) -> Result<Response<GetRootResourceResponse>, Status> {
        Err(unused())
    }

    async fn set_root_resource(
        &self,
        _: Request<SetRootResourceRequest>,
    ) -> Result<Response<SetRootResourceResponse>, Status> {
        Err(unused())
    }

    async fn start_debugging(
        &self,
        _: Request<StartDebuggingRequest>,
    ) -> Result<Response<()>, Status> {
        Err(unused())
    }

    async fn require_pulumi_version(
        &self,
        _: Request<RequirePulumiVersionRequest>,
    ) -> Result<Response<RequirePulumiVersionResponse>, Status> {
        Err(unused())
    }
}

#[tonic::async_trait]
impl Health for Services {
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        lock(&self.0.record).health_checks += 1;
        Ok(Response::new(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }))
    }

    type WatchStream = Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(unused())
    }
}

#[tonic::async_trait]
impl ResourceMonitor for Services {
    async fn get_deployment_info(
        &self,
        _: Request<()>,
    ) -> Result<Response<DeploymentInfo>, Status> {
        self.admit()?;
        Ok(Response::new(DeploymentInfo {
            project: PROJECT.to_owned(),
            stack: STACK.to_owned(),
            dry_run: self.0.preview.load(Ordering::SeqCst),
            ..DeploymentInfo::default()
        }))
    }

    async fn supports_feature(
        &self,
        _: Request<SupportsFeatureRequest>,
    ) -> Result<Response<SupportsFeatureResponse>, Status> {
        self.admit()?;
        Ok(Response::new(SupportsFeatureResponse { has_support: true }))
    }

    async fn register_package(
        &self,
        _: Request<RegisterPackageRequest>,
    ) -> Result<Response<RegisterPackageResponse>, Status> {
        Err(unused())
    }

    async fn invoke(
        &self,
        request: Request<ResourceInvokeRequest>,
    ) -> Result<Response<InvokeResponse>, Status> {
        self.admit()?;
        let request = request.into_inner();
        let args = decode(request.args.clone().unwrap_or_default()).expect("readable arguments");
        let invocation = Invocation {
            request,
            args,
            at: Instant::now(),
        };
        lock(&self.0.record).invocations.push(invocation.clone());
        let answer = lock(&self.0.behaviour).answer.clone();
        let answer = match answer {
            Some(answer) => answer(invocation)?,
            None => PropertyMap::new(),
        };
        let answer = Some(encode(&answer, Dialect::Custom));
        Ok(Response::new(InvokeResponse {
            r#return: answer,
            failures: Vec::new(),
        }))
    }

    async fn call(
        &self,
        _: Request<ResourceCallRequest>,
    ) -> Result<Response<CallResponse>, Status> {
        Err(unused())
    }

    async fn read_resource(
        &self,
        _: Request<ReadResourceRequest>,
    ) -> Result<Response<ReadResourceResponse>, Status> {
        Err(unused())
    }

    async fn register_resource(
        &self,
        request: Request<RegisterResourceRequest>,
    ) -> Result<Response<RegisterResourceResponse>, Status> {
        self.admit()?;
        let request = request.into_inner();
        let registration = Registration {
            urn: FakeEngine::urn_of(&request.parent, &request.r#type, &request.name),
            inputs: decode(request.object.clone().unwrap_or_default()).expect("readable inputs"),
            request,
            began: Instant::now(),
            ended: None,
        };
        let place = {
            let mut record = lock(&self.0.record);
            record.registrations.push(registration.clone());
            record.registrations.len() - 1
        };
        let register = lock(&self.0.behaviour).register.clone();
        let urn = registration.urn.clone();
        let reply = match register {
            Some(register) => register(registration).await?,
            None if self.0.preview.load(Ordering::SeqCst) => Reply::previewed(&registration),
            None => Reply::made(&registration),
        };
        lock(&self.0.record).registrations[place].ended = Some(Instant::now());
        Ok(Response::new(RegisterResourceResponse {
            urn: urn.as_str().to_owned(),
            id: reply.id,
            object: Some(encode(&reply.outputs, Dialect::Custom)),
            result: reply.outcome.into(),
            ..RegisterResourceResponse::default()
        }))
    }

    async fn register_resource_outputs(
        &self,
        request: Request<RegisterResourceOutputsRequest>,
    ) -> Result<Response<()>, Status> {
        self.admit()?;
        let request = request.into_inner();
        lock(&self.0.record).outputs.push(Outputs {
            urn: Urn::parse(&request.urn).expect("a URN that the engine gave out"),
            outputs: decode(request.outputs.unwrap_or_default()).expect("readable outputs"),
            at: Instant::now(),
        });
        Ok(Response::new(()))
    }

    async fn signal_and_wait_for_shutdown(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Err(unused())
    }
}

fn unused() -> Status {
    Status::unimplemented("no provider asks for this")
}
