//! What a provider consists of.

use std::collections::BTreeMap;
use std::fmt;

use pulumi_value::schema::{Package, PackageMetadata};
use serde_json::Value as Json;

use crate::component::{AnyComponent, Component, OwnPackage, RegisteredComponent};
use crate::config::{AnyConfig, ProviderConfig, RegisteredConfig};
use crate::error::Error;
use crate::function::{AnyFunction, AnyMethod, Function, Method, RegisteredFunction};
use crate::registered::{AnyResource, Registered};
use crate::resource::CustomResource;

/// A provider: its metadata, its configuration, and what it offers.
///
/// `A` is what it makes of its configuration; every call gets it.
pub struct Provider<A> {
    pub(crate) metadata: PackageMetadata,
    pub(crate) config: Box<dyn AnyConfig<A>>,
    pub(crate) resources: BTreeMap<String, Box<dyn AnyResource<A>>>,
    pub(crate) components: BTreeMap<String, Box<dyn AnyComponent<A>>>,
    pub(crate) functions: BTreeMap<String, Box<dyn AnyFunction<A>>>,
    pub(crate) methods: BTreeMap<String, RegisteredMethod<A>>,
}

pub(crate) struct RegisteredMethod<A> {
    pub(crate) resource: String,
    pub(crate) name: &'static str,
    pub(crate) method: Box<dyn AnyMethod<A>>,
}

/// A provider in the making.
#[derive(Debug)]
pub struct Builder<A> {
    provider: Provider<A>,
}

impl<A> fmt::Debug for Provider<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.metadata.name)
            .field("version", &self.metadata.version)
            .field("resources", &self.resources.keys())
            .field("components", &self.components.keys())
            .field("functions", &self.functions.keys())
            .field("methods", &self.methods.keys())
            .finish_non_exhaustive()
    }
}

impl<A: Send + Sync + 'static> Provider<A> {
    /// Begins a provider.
    ///
    /// `variable` reads the environment. `configure` is called with each checked configuration; it must be quick and
    /// do no I/O, since the engine waits for it before anything else.
    pub fn builder<C: ProviderConfig>(
        metadata: PackageMetadata,
        variable: fn(&str) -> Option<String>,
        configure: impl Fn(C) -> Result<A, Error> + Send + Sync + 'static,
    ) -> Builder<A> {
        let config = Box::new(RegisteredConfig::new(
            metadata.name,
            variable,
            Box::new(configure),
        ));
        Builder {
            provider: Self {
                metadata,
                config,
                resources: BTreeMap::new(),
                components: BTreeMap::new(),
                functions: BTreeMap::new(),
                methods: BTreeMap::new(),
            },
        }
    }

    /// Renders the package schema from the registered types.
    ///
    /// # Errors
    /// When a type cannot be said in a Pulumi schema, or two differ under one name: a mistake of the author.
    pub fn schema(&self) -> Result<Json, Error> {
        let mut resources = BTreeMap::new();
        for (token, resource) in &self.resources {
            resources.insert(token.clone(), resource.shapes()?);
        }
        for (token, component) in &self.components {
            resources.insert(token.clone(), component.shapes()?);
        }
        let mut functions = BTreeMap::new();
        for (token, function) in &self.functions {
            functions.insert(token.clone(), function.shapes()?);
        }
        for (token, registered) in &self.methods {
            functions.insert(
                token.clone(),
                registered.method.shapes(registered.resource.clone())?,
            );
            if let Some(resource) = resources.get_mut(&registered.resource) {
                resource
                    .methods
                    .insert(registered.name.to_owned(), token.clone());
            }
        }
        let config = self.config.shape()?.clone();
        Package {
            metadata: self.metadata,
            config,
            resources,
            functions,
        }
        .render()
        .map_err(Error::bug)
    }

    pub(crate) fn own_package(&self) -> OwnPackage {
        OwnPackage {
            name: self.metadata.name,
            version: self.metadata.version,
            download_url: self.metadata.plugin_download_url,
        }
    }
}

impl<A: Send + Sync + 'static> Builder<A> {
    /// Adds a custom resource.
    #[must_use]
    pub fn resource<R: CustomResource<A>>(mut self, resource: R) -> Self {
        let token = self.token(R::NAME);
        self.provider
            .resources
            .insert(token, Box::new(Registered::new(resource)));
        self
    }

    /// Adds a component.
    #[must_use]
    pub fn component<C: Component<A>>(mut self, component: C) -> Self {
        let token = self.token(C::NAME);
        self.provider
            .components
            .insert(token, Box::new(RegisteredComponent::new(component)));
        self
    }

    /// Adds a function.
    #[must_use]
    pub fn function<F: Function<A>>(mut self, function: F) -> Self {
        let token = self.token(F::NAME);
        self.provider
            .functions
            .insert(token, Box::new(RegisteredFunction::new(function)));
        self
    }

    /// Adds a method of a component.
    #[must_use]
    pub fn method<M: Method<A>>(mut self, method: M) -> Self {
        let resource = self.token(M::RESOURCE);
        let token = format!("{resource}/{}", M::NAME);
        let method = Box::new(RegisteredFunction::new(method));
        self.provider.methods.insert(
            token,
            RegisteredMethod {
                resource,
                name: M::NAME,
                method,
            },
        );
        self
    }

    /// Finishes the provider.
    pub fn build(self) -> Provider<A> {
        self.provider
    }

    fn token(&self, name: &str) -> String {
        format!("{}:index:{name}", self.provider.metadata.name)
    }
}
