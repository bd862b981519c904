//! Endpoints.

use cutover_driver::Hidden;
use cutover_sim::cloud::{Cloud, DmsEndpoint, ModifyEndpoint};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Describe, answer_one, answer_page};
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::services::Call;

/// What can be said of an endpoint when it is made and when it is changed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    server_name: Option<String>,
    port: Option<u16>,
    database_name: Option<String>,
    username: Option<String>,
    password: Option<String>,
    ssl_mode: Option<String>,
    extra_connection_attributes: Option<String>,
    #[serde(rename = "PostgreSQLSettings", default)]
    postgres: Map<String, Value>,
    #[serde(rename = "MySQLSettings", default)]
    mysql: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    endpoint_identifier: String,
    endpoint_type: String,
    engine_name: String,
    certificate_arn: Option<String>,
    resource_identifier: Option<String>,
    #[serde(flatten)]
    said: Said,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Modify {
    endpoint_arn: String,
    #[serde(default)]
    exact_settings: bool,
    #[serde(flatten)]
    said: Said,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    endpoint_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    endpoint_identifier: String,
    endpoint_type: String,
    engine_name: String,
    endpoint_arn: String,
    username: String,
    server_name: String,
    port: u16,
    database_name: String,
    extra_connection_attributes: Option<String>,
    status: String,
    ssl_mode: String,
    certificate_arn: Option<String>,
    #[serde(rename = "PostgreSQLSettings")]
    postgres: Option<Map<String, Value>>,
    #[serde(rename = "MySQLSettings")]
    mysql: Option<Map<String, Value>>,
}

impl Said {
    /// Takes what stands in the settings of an engine, where it can stand as well, to its place.
    fn gathered(mut self) -> (Self, Map<String, Value>, Option<String>) {
        let mut settings = std::mem::take(&mut self.postgres);
        settings.append(&mut self.mysql);
        let mut text = |name: &str| match settings.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        self.server_name = text("ServerName").or(self.server_name);
        self.database_name = text("DatabaseName").or(self.database_name);
        self.username = text("Username").or(self.username);
        self.password = text("Password").or(self.password);
        let secret = text("SecretsManagerSecretId");
        let port = settings.remove("Port").and_then(|port| port.as_u64());
        self.port = port.and_then(|port| u16::try_from(port).ok()).or(self.port);
        (self, settings, secret)
    }
}

impl From<DmsEndpoint> for Shown {
    fn from(endpoint: DmsEndpoint) -> Self {
        let mut settings = endpoint.settings;
        if let Some(secret) = endpoint.secret {
            settings.insert("SecretsManagerSecretId".to_owned(), secret.into());
        }
        let is_postgres = endpoint.engine.contains("postgres");
        let attributes = Some(endpoint.attributes);
        Self {
            postgres: is_postgres.then(|| settings.clone()),
            mysql: (!is_postgres).then_some(settings),
            endpoint_identifier: endpoint.identifier,
            endpoint_type: endpoint.endpoint_type.to_ascii_uppercase(),
            engine_name: endpoint.engine,
            endpoint_arn: endpoint.arn,
            username: endpoint.user,
            server_name: endpoint.host,
            port: endpoint.port,
            database_name: endpoint.database,
            extra_connection_attributes: attributes.filter(|text| !text.is_empty()),
            status: endpoint.status,
            ssl_mode: endpoint.ssl_mode,
            certificate_arn: endpoint.certificate_arn,
        }
    }
}

fn answer_endpoint(endpoint: DmsEndpoint) -> Answer {
    answer_one("Endpoint", &Shown::from(endpoint))
}

pub(super) fn create(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Create = call.json()?;
    let (said, settings, secret) = input.said.gathered();
    let endpoint = DmsEndpoint {
        identifier: input.endpoint_identifier,
        endpoint_type: input.endpoint_type,
        engine: input.engine_name,
        host: said.server_name.unwrap_or_default(),
        port: said.port.unwrap_or_default(),
        database: said.database_name.unwrap_or_default(),
        user: said.username.unwrap_or_default(),
        password: said.password.map(Hidden::new),
        secret,
        ssl_mode: said.ssl_mode.unwrap_or_else(|| "none".to_owned()),
        certificate_arn: input.certificate_arn,
        settings,
        attributes: said.extra_connection_attributes.unwrap_or_default(),
        ..DmsEndpoint::default()
    };
    let resource = input.resource_identifier.as_deref();
    let made = cloud.create_endpoint(call.now, endpoint, resource)?;
    Ok(answer_endpoint(made))
}

pub(super) fn modify(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Modify = call.json()?;
    let (said, settings, _) = input.said.gathered();
    let change = ModifyEndpoint {
        arn: input.endpoint_arn,
        host: said.server_name,
        port: said.port,
        database: said.database_name,
        user: said.username,
        password: said.password.map(Hidden::new),
        ssl_mode: said.ssl_mode,
        settings,
        exact_settings: input.exact_settings,
        attributes: said.extra_connection_attributes,
    };
    let changed = cloud.modify_endpoint(call.now, &change)?;
    Ok(answer_endpoint(changed))
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let page = cloud.describe_endpoints(call.now, &input.into())?;
    let endpoints = page.items.into_iter().map(Shown::from).collect();
    Ok(answer_page("Endpoints", endpoints, page.marker))
}

pub(super) fn delete(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Named = call.json()?;
    let deleted = cloud.delete_endpoint(call.now, &input.endpoint_arn)?;
    Ok(answer_endpoint(deleted))
}
