//! AWS's endpoints on loopback over real HTTP, for rehearsals and tests.
//!
//! Every rule is a rule of [`cutover_sim::cloud::Cloud`]; this crate reads requests in the form that AWS's clients write
//! them, calls the cloud, and writes its answers. One port serves all services: which one is meant stands in the
//! credential scope of a request's signature.
//!
//! What a request must have is the `Authorization` header of a signed one, with a credential scope that names a service;
//! access keys can be limited to known ones. The signature itself, its date and its region are **not** verified, so that
//! no secret key has to be known here. Nothing is encrypted, and nobody but this machine can connect.
//!
//! | Service | Form | Named in the scope |
//! |---|---|---|
//! | Route 53 | REST with XML | `route53` |
//! | `CloudWatch` | Smithy RPC v2 with CBOR | `monitoring` |
//! | Elastic Load Balancing v2, SNS, STS | query, answered with XML | `elasticloadbalancing`, `sns`, `sts` |
//! | Systems Manager, Secrets Manager, DMS | JSON 1.1 | `ssm`, `secretsmanager`, `dms` |
//! | `DynamoDB`, as far as fences need it | JSON 1.0 | `dynamodb` |
//!
//! Tasks of DMS appear to move rows. They really do when the cloud that is served was given somebody who does, by
//! [`Cloud::move_rows_by`](cutover_sim::cloud::Cloud::move_rows_by).
//!
//! Faults are those of the cloud's script. A lost answer closes the connection without one; a call that hangs is served
//! after so long.

mod answer;
mod endpoint;
mod form;
mod moments;
mod protocol;
mod refusal;
pub mod scene;
mod server;
mod services;
mod signature;
mod xml;

pub use server::{LocalAws, Options};
