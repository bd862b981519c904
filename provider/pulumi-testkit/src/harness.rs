//! A provider in this process, beside an engine.

use std::net::Ipv4Addr;

use pulumi_host::{Provider, Service};
use pulumi_value::PropertyMap;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::client::Client;
use crate::engine::FakeEngine;
use crate::subject::Subject;

/// A provider, an engine and a connection between them, all in this process. It ends when it is dropped.
#[derive(Debug)]
pub struct Harness<A> {
    /// The engine that the provider talks to.
    pub engine: FakeEngine,
    /// The engine's connection to the provider.
    pub client: Client,
    /// The provider.
    pub service: Service<A>,
    address: String,
    _server: AbortOnDropHandle<()>,
}

impl<A: Send + Sync + 'static> Harness<A> {
    /// Serves a provider that has not been spoken to.
    pub async fn start(provider: Provider<A>) -> Self {
        let engine = FakeEngine::start();
        let service = Service::new(provider);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("the listener is bound")
            .to_string();
        let server = Server::builder()
            .add_service(service.clone().into_server())
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        let server = tokio::spawn(async {
            server
                .await
                .expect("the provider serves until it is dropped");
        });
        Self {
            client: Client::connect(&address).await,
            engine,
            service,
            address,
            _server: AbortOnDropHandle::new(server),
        }
    }

    /// Serves a provider after handshake and configuration, ready for resources.
    pub async fn configured(provider: Provider<A>) -> Self {
        Self::configured_with(provider, PropertyMap::new()).await
    }

    /// Serves a provider that was configured with `config`.
    pub async fn configured_with(provider: Provider<A>, config: PropertyMap) -> Self {
        let harness = Self::start(provider).await;
        let Self { client, engine, .. } = &harness;
        client
            .handshake(engine.address())
            .await
            .expect("a handshake");
        client
            .configure(config)
            .await
            .expect("a configuration that fits");
        harness
    }

    /// Returns a resource to make calls about.
    pub fn resource(&self, token: &str, name: &str) -> Subject {
        self.client.resource(token, name)
    }

    /// Returns the address on which the provider listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Opens another connection to the provider, which can be dropped as if its engine were killed.
    pub async fn another_client(&self) -> Client {
        Client::connect(&self.address).await
    }
}
