//! Endpoints.

use cutover_core::Timestamp;
use cutover_driver::Hidden;

use super::course::Kept;
use super::listing::{Known, RECORDS_MAX};
use super::{
    AwsError, Cloud, DmsPage, DmsQuery, IDENTIFIER_MAX, MovedDatabase, check_identifier, exists,
    invalid, not_found, wrong_state,
};
use crate::cloud::Service;

/// An endpoint: a database as DMS reaches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmsEndpoint {
    /// Its ARN.
    pub arn: String,
    /// Its identifier.
    pub identifier: String,
    /// `source` or `target`.
    pub endpoint_type: String,
    /// `postgres`, `aurora-postgresql`, `mysql`, `mariadb`, `aurora`.
    pub engine: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database's name; may be empty with MySQL.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Option<Hidden>,
    /// The secret that holds host, port, user and password in their place.
    pub secret: Option<String>,
    /// `none`, `require`, `verify-ca` or `verify-full`.
    pub ssl_mode: String,
    /// The certificate of whoever signs the server's.
    pub certificate_arn: Option<String>,
    /// Settings of the engine, as JSON, under which secrets do not occur; `SlotName` is one of PostgreSQL's.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Further attributes, as `name=value;` each.
    pub attributes: String,
    /// `active`, `deleting`.
    pub status: String,
}

/// What changes of an endpoint; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModifyEndpoint {
    /// Which.
    pub arn: String,
    /// Its host.
    pub host: Option<String>,
    /// Its port.
    pub port: Option<u16>,
    /// The database's name.
    pub database: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Hidden>,
    /// `none`, `require`, `verify-ca` or `verify-full`.
    pub ssl_mode: Option<String>,
    /// Settings of the engine: what is named is set, the rest stays.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Whether what is not named of the settings goes.
    pub exact_settings: bool,
    /// Further attributes.
    pub attributes: Option<String>,
}

/// The engines that are known here.
const ENGINES: [&str; 5] = [
    "postgres",
    "aurora-postgresql",
    "mysql",
    "mariadb",
    "aurora",
];

const SSL_MODES: [&str; 4] = ["none", "require", "verify-ca", "verify-full"];

const FILTERS: Known<'_, DmsEndpoint> = &[
    ("endpoint-arn", |it| &it.arn),
    ("endpoint-id", |it| &it.identifier),
    ("endpoint-type", |it| &it.endpoint_type),
    ("engine-name", |it| &it.engine),
];

impl DmsEndpoint {
    /// Returns the slot that changes are read from.
    pub fn slot(&self) -> Option<&str> {
        let set = self
            .settings
            .get("SlotName")
            .and_then(serde_json::Value::as_str);
        let attributes = self.attributes.split(';');
        let mut attribute = attributes.filter_map(|pair| pair.trim().strip_prefix("slotName="));
        set.or_else(|| attribute.next_back())
            .filter(|slot| !slot.is_empty())
    }

    fn check(&self) -> Result<(), AwsError> {
        check_identifier("EndpointIdentifier", &self.identifier, IDENTIFIER_MAX)?;
        let one_of = |member: &str, value: &str, known: &[&str]| {
            let message = || format!("{member} must be one of {}", known.join(", "));
            known
                .contains(&value)
                .then_some(())
                .ok_or_else(|| invalid(message()))
        };
        one_of("EndpointType", &self.endpoint_type, &["source", "target"])?;
        one_of("EngineName", &self.engine, &ENGINES)?;
        one_of("SslMode", &self.ssl_mode, &SSL_MODES)?;
        if self.engine.contains("postgres") && self.database.is_empty() {
            return Err(invalid("DatabaseName is required for this engine"));
        }
        if self.secret.is_none() && (self.host.is_empty() || self.port == 0 || self.user.is_empty())
        {
            let message = "ServerName, Port and Username are required without a secret";
            return Err(invalid(message));
        }
        Ok(())
    }
}

impl Cloud {
    /// DMS: makes an endpoint. Its ARN and status are not read; `resource` is the last part of the ARN, if it is chosen.
    ///
    /// # Errors
    /// `ResourceAlreadyExistsFault`, or `InvalidParameterValueException` for what cannot be made.
    pub fn create_endpoint(
        &mut self,
        now: Timestamp,
        endpoint: DmsEndpoint,
        resource: Option<&str>,
    ) -> Result<DmsEndpoint, AwsError> {
        let about = endpoint.identifier.clone();
        self.call(Service::Other, "CreateEndpoint", &about, now, |cloud| {
            endpoint.check()?;
            let identifier = endpoint.identifier.to_ascii_lowercase();
            let mut all = cloud.dms.endpoints.values();
            if all.any(|other| other.identifier == identifier) {
                return Err(exists(format!("Endpoint {identifier} already exists.")));
            }
            let made = DmsEndpoint {
                arn: cloud.dms_arn("endpoint", resource)?,
                identifier,
                status: "active".to_owned(),
                ..endpoint
            };
            if cloud.dms.endpoints.contains_key(&made.arn) {
                return Err(exists(format!("Endpoint {} already exists.", made.arn)));
            }
            cloud.dms.endpoints.insert(made.arn.clone(), made.clone());
            Ok(made)
        })
    }

    /// DMS: changes an endpoint. What tests of its connections gave is not known any more.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` while a task of it is at work.
    pub fn modify_endpoint(
        &mut self,
        now: Timestamp,
        input: &ModifyEndpoint,
    ) -> Result<DmsEndpoint, AwsError> {
        self.call(Service::Other, "ModifyEndpoint", &input.arn, now, |cloud| {
            let mut changed = cloud.dms_endpoint(&input.arn)?.clone();
            let at_work = cloud.tasks_of_endpoint(&input.arn).any(Kept::is_at_work);
            if at_work {
                let message = "The endpoint is part of one or more active replication tasks";
                return Err(wrong_state(message));
            }
            let text = |kept: &mut String, given: &Option<String>| {
                if let Some(given) = given {
                    kept.clone_from(given);
                }
            };
            text(&mut changed.host, &input.host);
            text(&mut changed.database, &input.database);
            text(&mut changed.user, &input.user);
            text(&mut changed.ssl_mode, &input.ssl_mode);
            text(&mut changed.attributes, &input.attributes);
            changed.port = input.port.unwrap_or(changed.port);
            changed.password = input.password.clone().or(changed.password);
            if input.exact_settings {
                changed.settings.clear();
            }
            changed.settings.extend(input.settings.clone());
            changed.check()?;
            let kept = changed.clone();
            cloud.dms.endpoints.insert(input.arn.clone(), kept);
            cloud.dms.connections.retain(|(_, of), _| *of != input.arn);
            Ok(changed)
        })
    }

    /// DMS: reads endpoints. Filters: `endpoint-arn`, `endpoint-id`, `endpoint-type`, `engine-name`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there is none of those that are asked for.
    pub fn describe_endpoints(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<DmsEndpoint>, AwsError> {
        let about = query.about();
        self.call(Service::Other, "DescribeEndpoints", &about, now, |cloud| {
            let all = cloud.dms.endpoints.values().cloned().collect();
            let found = query.some(query.pick(all, FILTERS)?, "Endpoints")?;
            query.page(found, RECORDS_MAX)
        })
    }

    /// DMS: removes an endpoint; returns it as it was.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` while it has tasks.
    pub fn delete_endpoint(&mut self, now: Timestamp, arn: &str) -> Result<DmsEndpoint, AwsError> {
        self.call(Service::Other, "DeleteEndpoint", arn, now, |cloud| {
            let found = cloud.dms_endpoint(arn)?.clone();
            if cloud.tasks_of_endpoint(arn).next().is_some() {
                let message = "All tasks associated with the endpoint must be deleted before \
                               you can delete the endpoint";
                return Err(wrong_state(message));
            }
            cloud.dms.endpoints.remove(arn);
            cloud.dms.connections.retain(|(_, of), _| of != arn);
            Ok(DmsEndpoint {
                status: "deleting".to_owned(),
                ..found
            })
        })
    }

    pub(super) fn dms_endpoint(&self, arn: &str) -> Result<&DmsEndpoint, AwsError> {
        let found = self.dms.endpoints.get(arn);
        found.ok_or_else(|| not_found(format!("Endpoint {arn} not found.")))
    }

    /// Returns the database at an endpoint, as whoever moves rows reaches it.
    pub(super) fn moved_database(&self, arn: &str) -> Result<MovedDatabase, AwsError> {
        let endpoint = self.dms_endpoint(arn)?;
        let kept = endpoint.secret.as_deref();
        let kept = kept.map(|secret| self.secret_members(secret)).transpose()?;
        let kept = kept.unwrap_or_default();
        let or = |member: &str, own: &str| match kept.get(member) {
            Some(text) => text.clone(),
            None => own.to_owned(),
        };
        let password = endpoint.password.as_ref().map_or("", Hidden::reveal);
        Ok(MovedDatabase {
            endpoint_arn: endpoint.arn.clone(),
            engine: endpoint.engine.clone(),
            host: or("host", &endpoint.host),
            port: or("port", "").parse().unwrap_or(endpoint.port),
            database: endpoint.database.clone(),
            user: or("username", &endpoint.user),
            password: or("password", password),
            slot: endpoint.slot().map(str::to_owned),
        })
    }
}
