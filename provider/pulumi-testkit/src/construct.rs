//! The calls that an engine makes about components, methods and functions.

use std::collections::BTreeMap;

use pulumi_proto::{CallRequest, ConstructRequest, InvokeRequest};
use pulumi_value::wire::{Dialect, decode, encode};
use pulumi_value::{PropertyMap, ResourceReference, Urn, Value};

use crate::client::Client;
use crate::engine::FakeEngine;
use crate::failure::Failure;
use crate::{PROJECT, STACK};

/// A call that constructs a component, before it is sent. Every option is a field of the message.
#[derive(Clone, Debug)]
pub struct ConstructCall {
    client: Client,
    /// The message.
    pub request: ConstructRequest,
}

/// A component that was constructed.
#[derive(Clone, Debug)]
pub struct Constructed {
    /// Its URN.
    pub urn: Urn,
    /// What the program gets, with secrecy and dependencies.
    pub state: PropertyMap,
}

/// What a method answered.
#[derive(Clone, Debug)]
pub struct Called {
    /// The answer, with secrecy and dependencies.
    pub answer: PropertyMap,
    /// What is wrong with the arguments: property paths and reasons.
    pub failures: Vec<(String, String)>,
}

/// What a function answered.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The answer; `None` where a preview cannot tell yet.
    pub answer: Option<PropertyMap>,
    /// What is wrong with the arguments: property paths and reasons.
    pub failures: Vec<(String, String)>,
}

impl ConstructCall {
    /// Makes it a preview, for the provider and for the engine.
    #[must_use]
    pub fn preview(mut self, engine: &FakeEngine) -> Self {
        self.request.dry_run = true;
        engine.set_preview(true);
        self
    }

    /// Lets an input depend on a resource, as the program's data flow says.
    #[must_use]
    pub fn depending(mut self, input: &str, urn: &Urn) -> Self {
        let dependencies = self.request.input_dependencies.entry(input.to_owned());
        dependencies.or_default().urns.push(urn.as_str().to_owned());
        self
    }

    /// Changes the message.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ConstructRequest)) -> Self {
        change(&mut self.request);
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// When the provider refuses, or the engine stops it.
    pub async fn send(self) -> Result<Constructed, Failure> {
        let response = self
            .client
            .raw()
            .construct(self.request)
            .await?
            .into_inner();
        Ok(Constructed {
            urn: Urn::parse(&response.urn).expect("a URN that the engine gave out"),
            state: decode(response.state.unwrap_or_default()).expect("readable state"),
        })
    }
}

impl Client {
    /// Begins to construct a component without options.
    pub fn construct(
        &self,
        engine: &FakeEngine,
        token: &str,
        name: &str,
        inputs: &PropertyMap,
    ) -> ConstructCall {
        let request = ConstructRequest {
            project: PROJECT.to_owned(),
            stack: STACK.to_owned(),
            organization: "organization".to_owned(),
            parallel: 16,
            monitor_endpoint: engine.address().to_owned(),
            r#type: token.to_owned(),
            name: name.to_owned(),
            inputs: Some(encode(inputs, Dialect::Component)),
            accepts_output_values: true,
            ..ConstructRequest::default()
        };
        ConstructCall {
            client: self.clone(),
            request,
        }
    }

    /// Calls a method of a component; `dependencies` are what the arguments depend on besides.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn call(
        &self,
        token: &str,
        this: &ResourceReference,
        args: &PropertyMap,
        dependencies: &[(&str, &Urn)],
        preview: bool,
    ) -> Result<Called, Failure> {
        let mut args = args.clone();
        args.insert("__self__".to_owned(), Value::Resource(this.clone()));
        let mut listed =
            BTreeMap::<String, pulumi_proto::call_request::ArgumentDependencies>::new();
        for (key, urn) in dependencies {
            listed
                .entry((*key).to_owned())
                .or_default()
                .urns
                .push(urn.as_str().to_owned());
        }
        let request = CallRequest {
            tok: token.to_owned(),
            args: Some(encode(&args, Dialect::Component)),
            arg_dependencies: listed,
            project: PROJECT.to_owned(),
            stack: STACK.to_owned(),
            dry_run: preview,
            accepts_output_values: true,
            ..CallRequest::default()
        };
        let response = self.raw().call(request).await?.into_inner();
        let failures = response.failures.into_iter();
        Ok(Called {
            answer: decode(response.r#return.unwrap_or_default()).expect("a readable answer"),
            failures: failures
                .map(|failure| (failure.property, failure.reason))
                .collect(),
        })
    }

    /// Asks a function.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn invoke(
        &self,
        token: &str,
        args: &PropertyMap,
        preview: bool,
    ) -> Result<Invoked, Failure> {
        let request = InvokeRequest {
            tok: token.to_owned(),
            args: Some(encode(args, Dialect::Custom)),
            preview,
        };
        let response = self.raw().invoke(request).await?.into_inner();
        let failures = response.failures.into_iter();
        Ok(Invoked {
            answer: response
                .r#return
                .map(|answer| decode(answer).expect("a readable answer")),
            failures: failures
                .map(|failure| (failure.property, failure.reason))
                .collect(),
        })
    }
}
