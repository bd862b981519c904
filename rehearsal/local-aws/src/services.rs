//! The services, and their operations.

mod cloudwatch;
mod dms;
mod dynamodb;
mod elb;
mod route53;
mod secretsmanager;
mod sns;
mod ssm;
mod sts;

use cutover_core::Timestamp;
use cutover_sim::cloud::Cloud;
use hyper::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::form::Form;
use crate::protocol::{AMZ_TARGET, Protocol, render_cbor};
use crate::refusal::Refusal;
use crate::xml;

/// A call that has arrived as a whole.
#[derive(Debug)]
pub(crate) struct Call<'r> {
    /// When it is served.
    pub(crate) now: Timestamp,
    /// Its id.
    pub(crate) id: &'r str,
    /// What the path names: a hosted zone, a change.
    pub(crate) resource: &'r str,
    /// The parameters of the path, or those of the query protocol.
    pub(crate) parameters: &'r Form,
    /// The body.
    pub(crate) body: &'r [u8],
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// As AWS names it.
    pub(crate) name: &'static str,
    serve: fn(&Call<'_>, &mut Cloud) -> Result<Answer, Refusal>,
}

impl Operation {
    pub(crate) fn serve(self, call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
        (self.serve)(call, cloud)
    }
}

/// A service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// As credential scopes name it.
    scope: &'static str,
    /// In which form it talks.
    protocol: Protocol,
    /// Its XML namespace, or how its operations are prefixed in the header or path that names them.
    pub(crate) namespace: &'static str,
    /// The version of its API that requests of the query protocol name.
    version: &'static str,
    operations: &'static [Operation],
}

const SERVICES: [Service; 9] = [
    route53::SERVICE,
    cloudwatch::SERVICE,
    elb::SERVICE,
    sns::SERVICE,
    sts::SERVICE,
    ssm::SERVICE,
    dms::SERVICE,
    dynamodb::SERVICE,
    secretsmanager::SERVICE,
];

/// Finds the name of an operation among those of all services.
pub(crate) fn operation_named(name: &str) -> Option<&'static str> {
    let operations = SERVICES.iter().flat_map(|service| service.operations);
    let mut names = operations.map(|operation| operation.name);
    names.find(|known| *known == name)
}

impl Service {
    /// Finds the service that a credential scope names.
    pub(crate) fn find(scope: &str, protocol: Protocol) -> Result<Self, Refusal> {
        let named = SERVICES.into_iter().find(|service| service.scope == scope);
        match named {
            Some(service) if service.protocol == protocol => Ok(service),
            Some(service) => Err(unknown(
                protocol,
                &format!(
                    "{scope} is not spoken to in this form; it talks {:?}",
                    service.protocol
                ),
            )),
            None => Err(unknown(
                protocol,
                &format!("there is no service {scope} here"),
            )),
        }
    }

    /// Finds the operation that a request names, and the resource in its path.
    pub(crate) fn find_operation<'h>(
        &self,
        head: &'h Parts,
        parameters: &Form,
    ) -> Result<(Operation, &'h str), Refusal> {
        let named = |name: &str| {
            let known = self
                .operations
                .iter()
                .find(|operation| operation.name == name);
            known.map(|operation| (*operation, ""))
        };
        let path = head.uri.path();
        let found = match self.protocol {
            Protocol::RestXml => {
                let (name, resource) = route53::find(&head.method, path).unwrap_or_default();
                named(name).map(|(operation, _)| (operation, resource))
            }
            Protocol::Query => {
                let version = parameters.text("Version") == Some(self.version);
                parameters
                    .text("Action")
                    .filter(|_| version)
                    .and_then(named)
            }
            Protocol::Json | Protocol::Json10 => {
                let target = head.headers.get(AMZ_TARGET).and_then(|it| it.to_str().ok());
                target.and_then(|target| named(self.within(target)?))
            }
            Protocol::Cbor => path
                .strip_prefix('/')
                .and_then(|path| named(self.within(path)?)),
        };
        let said = || match self.protocol {
            Protocol::Query => format!(
                "Could not find operation {} for version {}",
                parameters.text("Action").unwrap_or("NO_OPERATION"),
                parameters.text("Version").unwrap_or("NO_VERSION_SPECIFIED")
            ),
            _ => format!("{} {path} is no operation", head.method),
        };
        found.ok_or_else(|| unknown(self.protocol, &said()))
    }

    /// Takes the prefix off the name of an operation.
    fn within<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.namespace)
    }
}

/// Refuses what there is no operation for, as each form does.
fn unknown(protocol: Protocol, message: &str) -> Refusal {
    match protocol {
        Protocol::Query => Refusal::sender("InvalidAction", message),
        Protocol::Json | Protocol::Json10 => Refusal::sender("UnknownOperationException", message),
        Protocol::RestXml | Protocol::Cbor => {
            Refusal::new("UnknownOperationException", 404, message)
        }
    }
}

/// A result that says nothing.
#[derive(Debug, Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'c> {
    request_id: &'c str,
}

/// A list as the query protocol writes it.
#[derive(Debug, Serialize)]
struct Members<T> {
    member: Vec<T>,
}

impl<T> FromIterator<T> for Members<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        Self {
            member: members.into_iter().collect(),
        }
    }
}

impl Call<'_> {
    /// Answers a call of the query protocol.
    fn answer_query(&self, operation: &str, namespace: &str, result: &impl Serialize) -> Answer {
        let result = xml::render_element(&format!("{operation}Result"), result);
        let metadata = Metadata {
            request_id: self.id,
        };
        let metadata = xml::render_element("ResponseMetadata", &metadata);
        let root = format!("{operation}Response");
        Answer::ok(format!(
            "<?xml version=\"1.0\"?>\n<{root} xmlns=\"{namespace}\">{result}{metadata}</{root}>"
        ))
    }

    /// Reads the body of a JSON call.
    fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body)
            .map_err(|error| Refusal::malformed("SerializationException", &error))
    }

    /// Reads the body of a CBOR call.
    fn cbor<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        ciborium::from_reader(self.body)
            .map_err(|error| Refusal::malformed("SerializationException", &error))
    }
}

/// Answers in JSON.
fn answer_json(result: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(result).expect("keys are texts and numbers are finite");
    Answer::ok(body)
}

/// Answers in CBOR.
fn answer_cbor(result: &impl Serialize) -> Answer {
    Answer::ok(render_cbor(result))
}
