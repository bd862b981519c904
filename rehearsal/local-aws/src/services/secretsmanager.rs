//! Secrets Manager: the text of secrets.

use cutover_driver::Hidden;
use cutover_sim::cloud::Cloud;
use serde::{Deserialize, Serialize};

use super::{Call, Operation, Service, answer_json};
use crate::answer::Answer;
use crate::moments;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

pub(super) const SERVICE: Service = Service {
    scope: "secretsmanager",
    protocol: Protocol::Json,
    namespace: "secretsmanager.",
    version: "2017-10-17",
    operations: &[
        Operation {
            name: "GetSecretValue",
            serve: get_secret_value,
        },
        Operation {
            name: "PutSecretValue",
            serve: put_secret_value,
        },
    ],
};

/// The stage of the version that is read: there is no other here.
const CURRENT: &str = "AWSCURRENT";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    secret_id: String,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    secret_id: String,
    secret_string: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got<'s> {
    #[serde(rename = "ARN")]
    arn: &'s str,
    name: &'s str,
    version_id: &'s str,
    secret_string: &'s str,
    version_stages: [&'static str; 1],
    created_date: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stored<'s> {
    #[serde(rename = "ARN")]
    arn: &'s str,
    name: &'s str,
    version_id: &'s str,
    version_stages: [&'static str; 1],
}

fn get_secret_value(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Get = call.json()?;
    let secret = cloud.get_secret_value(call.now, &input.secret_id)?;
    if input.version_stage.is_some_and(|stage| stage != CURRENT) {
        let message = "Secrets Manager can't find the specified secret value for staging label";
        return Err(Refusal::sender("ResourceNotFoundException", message));
    }
    Ok(answer_json(&Got {
        arn: &secret.arn,
        name: &secret.name,
        version_id: &secret.version_id,
        secret_string: secret.text.reveal(),
        version_stages: [CURRENT],
        created_date: moments::seconds(secret.put_at),
    }))
}

fn put_secret_value(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Put = call.json()?;
    let text = Hidden::new(input.secret_string);
    let secret = cloud.put_secret_value(call.now, &input.secret_id, &text)?;
    Ok(answer_json(&Stored {
        arn: &secret.arn,
        name: &secret.name,
        version_id: &secret.version_id,
        version_stages: [CURRENT],
    }))
}
