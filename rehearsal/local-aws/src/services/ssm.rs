//! Systems Manager: the parameter store.

use cutover_sim::cloud::{Cloud, PutParameter};
use serde::{Deserialize, Serialize};

use super::{Call, Operation, Service, answer_json};
use crate::answer::Answer;
use crate::moments;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

pub(super) const SERVICE: Service = Service {
    scope: "ssm",
    protocol: Protocol::Json,
    namespace: "AmazonSSM.",
    version: "2014-11-06",
    operations: &[
        Operation {
            name: "GetParameter",
            serve: get_parameter,
        },
        Operation {
            name: "PutParameter",
            serve: put_parameter,
        },
    ],
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    name: String,
    with_decryption: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    parameter: Parameter,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    r#type: String,
    value: String,
    version: u64,
    last_modified_date: f64,
    #[serde(rename = "ARN")]
    arn: String,
    data_type: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    name: String,
    r#type: Option<String>,
    value: String,
    overwrite: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    tier: &'static str,
    version: u64,
}

fn get_parameter(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Get = call.json()?;
    let decrypted = input.with_decryption.unwrap_or(false);
    let kept = cloud.get_parameter(call.now, &input.name, decrypted)?;
    let parameter = Parameter {
        name: kept.name,
        r#type: kept.kind,
        value: kept.value,
        version: kept.version,
        last_modified_date: moments::seconds(kept.modified_at),
        arn: kept.arn,
        data_type: "text",
    };
    Ok(answer_json(&Got { parameter }))
}

fn put_parameter(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Put = call.json()?;
    let parameter = PutParameter {
        name: input.name,
        kind: input.r#type,
        value: input.value,
        overwrite: input.overwrite.unwrap_or(false),
    };
    let version = cloud.put_parameter(call.now, &parameter)?;
    Ok(answer_json(&Stored {
        tier: "Standard",
        version,
    }))
}
