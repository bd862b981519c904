//! The calls that an engine makes about one resource.

use std::collections::BTreeMap;
use std::time::Duration;

use prost_types::Struct;
use pulumi_proto::check_request::AutonamingOptions;
use pulumi_proto::diff_response::DiffChanges;
use pulumi_proto::property_diff::Kind;
use pulumi_proto::{
    CheckRequest, CreateRequest, DeleteRequest, DiffRequest, DiffResponse, ReadRequest,
    UpdateRequest,
};
use pulumi_value::wire::{Dialect, decode, encode};
use pulumi_value::{PropertyMap, Urn};

use crate::client::{Checked, Client};
use crate::failure::Failure;

/// A resource of a stack, as the engine sees it.
#[derive(Clone, Debug)]
pub struct Subject {
    client: Client,
    urn: Urn,
}

/// What an engine stores about a resource.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Stored {
    /// The id.
    pub id: String,
    /// What the program asked for.
    pub inputs: PropertyMap,
    /// What came of it.
    pub outputs: PropertyMap,
}

/// What an update would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The verdict.
    pub changes: DiffChanges,
    /// The top-level properties that change.
    pub diffs: Vec<String>,
    /// Those that force a replacement.
    pub replaces: Vec<String>,
    /// Where what changes, and whether it is told in terms of inputs.
    pub detailed: BTreeMap<String, (Kind, bool)>,
    /// The outputs that no update changes.
    pub stables: Vec<String>,
    /// Whether the old resource goes before the new one comes.
    pub delete_before_replace: bool,
}

impl Difference {
    /// Tells whether there is none.
    pub fn is_none(&self) -> bool {
        self.changes == DiffChanges::DiffNone
    }
}

impl From<DiffResponse> for Difference {
    fn from(response: DiffResponse) -> Self {
        assert!(
            response.has_detailed_diff,
            "every difference is told in detail"
        );
        let detailed = response.detailed_diff.iter();
        let detailed = detailed.map(|(path, diff)| (path.clone(), (diff.kind(), diff.input_diff)));
        Self {
            changes: response.changes(),
            detailed: detailed.collect(),
            diffs: response.diffs,
            replaces: response.replaces,
            stables: response.stables,
            delete_before_replace: response.delete_before_replace,
        }
    }
}

fn wire(map: &PropertyMap) -> Struct {
    encode(map, Dialect::Custom)
}

fn read(message: Option<Struct>) -> PropertyMap {
    decode(message.unwrap_or_default()).expect("readable properties")
}

impl Subject {
    pub(crate) fn new(client: Client, urn: Urn) -> Self {
        Self { client, urn }
    }

    /// Returns the URN.
    pub fn urn(&self) -> &Urn {
        &self.urn
    }

    /// Checks the inputs of a resource that is new, or is about to be replaced.
    ///
    /// # Errors
    /// When the provider refuses the call.
    pub async fn check(&self, news: &PropertyMap) -> Result<Checked, Failure> {
        self.check_named(&PropertyMap::new(), news, None).await
    }

    /// Checks new inputs of a resource whose old inputs are stored.
    ///
    /// # Errors
    /// When the provider refuses the call.
    pub async fn check_again(
        &self,
        olds: &PropertyMap,
        news: &PropertyMap,
    ) -> Result<Checked, Failure> {
        self.check_named(olds, news, None).await
    }

    /// Checks inputs in a project that configures how resources are named.
    ///
    /// # Errors
    /// When the provider refuses the call.
    pub async fn check_named(
        &self,
        olds: &PropertyMap,
        news: &PropertyMap,
        autonaming: Option<AutonamingOptions>,
    ) -> Result<Checked, Failure> {
        let request = CheckRequest {
            urn: self.urn.as_str().to_owned(),
            name: self.urn.name().to_owned(),
            r#type: self.urn.type_token().to_owned(),
            olds: Some(wire(olds)),
            news: Some(wire(news)),
            random_seed: (0..32).map(|byte| byte * 7).collect(),
            autonaming,
        };
        Ok(self.client.raw().check(request).await?.into_inner().into())
    }

    /// Compares what is stored with new inputs.
    ///
    /// # Errors
    /// When the provider refuses the call.
    pub async fn diff(&self, stored: &Stored, news: &PropertyMap) -> Result<Difference, Failure> {
        let request = DiffRequest {
            id: stored.id.clone(),
            urn: self.urn.as_str().to_owned(),
            name: self.urn.name().to_owned(),
            r#type: self.urn.type_token().to_owned(),
            olds: Some(wire(&stored.outputs)),
            old_inputs: Some(wire(&stored.inputs)),
            news: Some(wire(news)),
            ignore_changes: Vec::new(),
        };
        Ok(self.client.raw().diff(request).await?.into_inner().into())
    }

    /// Asks in a preview what would come of checked inputs.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn preview_create(&self, inputs: &PropertyMap) -> Result<PropertyMap, Failure> {
        let request = CreateRequest {
            preview: true,
            ..self.create_request(inputs)
        };
        let response = self.client.raw().create(request).await?.into_inner();
        Ok(read(response.properties))
    }

    /// Makes the resource from checked inputs.
    ///
    /// # Errors
    /// When the provider refuses, or comes to a stop on the way.
    pub async fn create(&self, inputs: &PropertyMap) -> Result<Stored, Failure> {
        self.create_within(inputs, Duration::ZERO).await
    }

    /// Makes the resource within a time limit, as `customTimeouts.create` sets it; zero sets none.
    ///
    /// # Errors
    /// As [`Subject::create`].
    pub async fn create_within(
        &self,
        inputs: &PropertyMap,
        limit: Duration,
    ) -> Result<Stored, Failure> {
        let request = CreateRequest {
            timeout: limit.as_secs_f64(),
            ..self.create_request(inputs)
        };
        let response = self.client.raw().create(request).await?.into_inner();
        assert!(
            !response.id.is_empty(),
            "a resource that was made has an id"
        );
        assert!(
            !response.refresh_before_update,
            "a finished resource needs no refresh"
        );
        let stored = Stored {
            id: response.id,
            inputs: inputs.clone(),
            outputs: read(response.properties),
        };
        assert!(
            !stored
                .outputs
                .values()
                .any(pulumi_value::Value::contains_unknown),
            "{:?}",
            stored.outputs
        );
        Ok(stored)
    }

    /// Returns the message that makes the resource, to be changed before it is sent.
    pub fn create_request(&self, inputs: &PropertyMap) -> CreateRequest {
        CreateRequest {
            urn: self.urn.as_str().to_owned(),
            name: self.urn.name().to_owned(),
            r#type: self.urn.type_token().to_owned(),
            properties: Some(wire(inputs)),
            ..CreateRequest::default()
        }
    }

    /// Looks at what is stored, as a refresh does; `None` when it is gone.
    ///
    /// # Errors
    /// When the provider cannot tell, or the resource is not finished.
    pub async fn read(&self, stored: &Stored) -> Result<Option<Stored>, Failure> {
        self.look(
            &stored.id,
            Some(wire(&stored.outputs)),
            Some(wire(&stored.inputs)),
        )
        .await
    }

    /// Looks at what is known by its id only, as an import does; `None` when there is nothing.
    ///
    /// # Errors
    /// As [`Subject::read`].
    pub async fn import(&self, id: &str) -> Result<Option<Stored>, Failure> {
        self.look(id, None, None).await
    }

    async fn look(
        &self,
        id: &str,
        properties: Option<Struct>,
        inputs: Option<Struct>,
    ) -> Result<Option<Stored>, Failure> {
        let request = ReadRequest {
            id: id.to_owned(),
            urn: self.urn.as_str().to_owned(),
            name: self.urn.name().to_owned(),
            r#type: self.urn.type_token().to_owned(),
            properties,
            inputs,
            ..ReadRequest::default()
        };
        let response = self.client.raw().read(request).await?.into_inner();
        if response.id.is_empty() {
            assert_eq!(response.properties, None, "what is gone has no properties");
            return Ok(None);
        }
        assert!(
            !response.refresh_before_update,
            "a finished resource needs no refresh"
        );
        assert!(
            response.inputs.is_some(),
            "without inputs the engine takes it that imports are not supported"
        );
        Ok(Some(Stored {
            id: response.id,
            inputs: read(response.inputs),
            outputs: read(response.properties),
        }))
    }

    /// Asks in a preview what would come of an update.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn preview_update(
        &self,
        stored: &Stored,
        news: &PropertyMap,
    ) -> Result<PropertyMap, Failure> {
        let request = UpdateRequest {
            preview: true,
            ..self.update_request(stored, news)
        };
        Ok(read(
            self.client
                .raw()
                .update(request)
                .await?
                .into_inner()
                .properties,
        ))
    }

    /// Updates the resource with checked inputs.
    ///
    /// # Errors
    /// When the provider refuses, or comes to a stop on the way.
    pub async fn update(&self, stored: &Stored, news: &PropertyMap) -> Result<Stored, Failure> {
        let response = self
            .client
            .raw()
            .update(self.update_request(stored, news))
            .await?
            .into_inner();
        assert!(
            !response.refresh_before_update,
            "a finished resource needs no refresh"
        );
        let outputs = read(response.properties);
        assert!(
            !outputs.values().any(pulumi_value::Value::contains_unknown),
            "{outputs:?}"
        );
        Ok(Stored {
            id: stored.id.clone(),
            inputs: news.clone(),
            outputs,
        })
    }

    /// Returns the message that updates the resource, to be changed before it is sent.
    pub fn update_request(&self, stored: &Stored, news: &PropertyMap) -> UpdateRequest {
        UpdateRequest {
            id: stored.id.clone(),
            urn: self.urn.as_str().to_owned(),
            name: self.urn.name().to_owned(),
            r#type: self.urn.type_token().to_owned(),
            olds: Some(wire(&stored.outputs)),
            old_inputs: Some(wire(&stored.inputs)),
            news: Some(wire(news)),
            ..UpdateRequest::default()
        }
    }

    /// Removes the resource.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn delete(&self, stored: &Stored) -> Result<(), Failure> {
        let request = DeleteRequest {
            id: stored.id.clone(),
            urn: self.urn.as_str().to_owned(),
            name: self.urn.name().to_owned(),
            r#type: self.urn.type_token().to_owned(),
            properties: Some(wire(&stored.outputs)),
            old_inputs: Some(wire(&stored.inputs)),
            ..DeleteRequest::default()
        };
        self.client.raw().delete(request).await?;
        Ok(())
    }
}
