//! How a database is reached.

use pulumi_value::{Output, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a database is reached. What the program gives goes before what the secret of `secretArn` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationConnection {
    /// The server's software; Aurora counts as what it is compatible with.
    pub engine: ValidationEngine,
    /// Its host name or address.
    pub host: Option<Output<String>>,
    /// Its port. By default 5432 for PostgreSQL and 3306 for MySQL and MariaDB.
    pub port: Option<Output<u16>>,
    /// The name of the database.
    pub database: Option<Output<String>>,
    /// The user. It needs to read only; `docs/data-validation.md` lists the rights.
    pub user: Option<Output<String>>,
    /// The password. Better left to `secretArn` or `passwordEnv`, which keep it out of the stack's state.
    pub password: Option<Output<Secret<String>>>,
    /// The ARN or name of a secret in AWS Secrets Manager, as it keeps them for Amazon RDS: JSON with `username`,
    /// `password` and, where they are there, `host`, `port` and `dbname`. Needs `secretsmanager:GetSecretValue`, and
    /// `kms:Decrypt` for a key of your own.
    pub secret_arn: Option<Output<String>>,
    /// The name of the environment variable that holds the password, where the program runs.
    pub password_env: Option<String>,
    /// Whether and how the connection is encrypted. By default it is, with a certificate that is verified by the
    /// authorities that the system trusts.
    pub tls: Option<ValidationTls>,
}

/// The software of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationEngine {
    /// PostgreSQL, and Aurora PostgreSQL.
    Postgres,
    /// MySQL, and Aurora MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

/// Whether and how a connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationTls {
    /// What is verified; by default chain and host name.
    // Optional, since the SDK would fill in a default, and make the whole connection as secret as its password on the way.
    pub mode: Option<ValidationTlsMode>,
    /// Certificates of the authorities that are trusted, in PEM, in place of those of the system.
    pub ca: Option<Output<String>>,
    /// A file with them. For Amazon RDS download the bundle of the region, or the global one, from
    /// `https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem`; nothing is fetched from there by itself.
    pub ca_file: Option<String>,
}

/// What of a certificate is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationTlsMode {
    /// Chain and host name.
    #[default]
    VerifyFull,
    /// The chain alone, for tunnels.
    VerifyCa,
    /// Nothing: the connection is encrypted, with whomever it is.
    Require,
    /// The connection is not encrypted.
    Off,
}
