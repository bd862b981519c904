//! Failed calls, with what an engine reads out of their details.

use std::fmt;

use prost::{Message as _, Name};
use pulumi_proto::google::rpc::Status as RpcStatus;
use pulumi_proto::{ConfigureErrorMissingKeys, ErrorResourceInitFailed, InputPropertiesError};
use pulumi_value::PropertyMap;
use pulumi_value::wire::decode;
use tonic::{Code, Status};

/// A call that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status.
    pub code: Code,
    /// What the CLI prints, unless there are details.
    pub message: String,
    /// What is there although the call failed.
    pub init_failed: Option<InitFailed>,
    /// What is wrong with the inputs: paths and reasons.
    pub problems: Vec<(String, String)>,
    /// Configuration that is missing: names and what they are for.
    pub missing_keys: Vec<(String, String)>,
}

/// What the engine saves of a resource that exists but is not finished.
#[derive(Clone, Debug)]
pub struct InitFailed {
    /// The resource's id.
    pub id: String,
    /// What was observed.
    pub outputs: PropertyMap,
    /// What a refresh saves as inputs.
    pub inputs: PropertyMap,
    /// What the CLI prints.
    pub reasons: Vec<String>,
    /// Whether the engine is to read the resource before it plans the next run.
    pub refresh_before_update: bool,
}

impl Failure {
    /// Returns what is there although the call failed.
    ///
    /// # Panics
    /// When the call did not say.
    pub fn unfinished(self) -> InitFailed {
        match self.init_failed {
            Some(unfinished) => unfinished,
            None => panic!("expected an unfinished resource, found {self:?}"),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let mut failure = Self {
            code: status.code(),
            message: status.message().to_owned(),
            init_failed: None,
            problems: Vec::new(),
            missing_keys: Vec::new(),
        };
        if status.details().is_empty() {
            return failure;
        }
        let inner = RpcStatus::decode(status.details()).expect("details hold a status");
        assert_eq!(
            inner.code,
            i32::from(status.code()),
            "Go compares the inner code with the outer one"
        );
        for any in inner.details {
            let value = any.value.as_slice();
            let is = |url: String| any.type_url == url;
            if is(ErrorResourceInitFailed::type_url()) {
                let detail =
                    ErrorResourceInitFailed::decode(value).expect("the type that its URL names");
                failure.init_failed = Some(InitFailed {
                    id: detail.id,
                    outputs: decode(detail.properties.unwrap_or_default())
                        .expect("readable outputs"),
                    inputs: decode(detail.inputs.unwrap_or_default()).expect("readable inputs"),
                    reasons: detail.reasons,
                    refresh_before_update: detail.refresh_before_update,
                });
            } else if is(InputPropertiesError::type_url()) {
                let detail =
                    InputPropertiesError::decode(value).expect("the type that its URL names");
                let errors = detail.errors.into_iter();
                failure.problems = errors
                    .map(|error| (error.property_path, error.reason))
                    .collect();
            } else if is(ConfigureErrorMissingKeys::type_url()) {
                let detail =
                    ConfigureErrorMissingKeys::decode(value).expect("the type that its URL names");
                let keys = detail.missing_keys.into_iter();
                failure.missing_keys = keys.map(|key| (key.name, key.description)).collect();
            } else {
                panic!("the engine does not know the detail `{}`", any.type_url);
            }
        }
        failure
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}
