//! STS.

use cutover_sim::cloud::Cloud;
use serde::Serialize;

use super::{Call, Operation, Service};
use crate::answer::Answer;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) const SERVICE: Service = Service {
    scope: "sts",
    protocol: Protocol::Query,
    namespace: NAMESPACE,
    version: "2011-06-15",
    operations: &[Operation {
        name: "GetCallerIdentity",
        serve: get_caller_identity,
    }],
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    arn: String,
    user_id: String,
    account: String,
}

fn get_caller_identity(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let caller = cloud.get_caller_identity(call.now)?;
    let identity = Identity {
        arn: caller.arn,
        user_id: caller.user_id,
        account: caller.account,
    };
    Ok(call.answer_query("GetCallerIdentity", NAMESPACE, &identity))
}
