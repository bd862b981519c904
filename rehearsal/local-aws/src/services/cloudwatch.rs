//! `CloudWatch`: metrics and alarms.

mod alarms;
mod data;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Operation, Service};
use crate::protocol::Protocol;
use crate::refusal::Refusal;

pub(super) const SERVICE: Service = Service {
    scope: "monitoring",
    protocol: Protocol::Cbor,
    namespace: "service/GraniteServiceVersion20100801/operation/",
    version: "2010-08-01",
    operations: &[
        Operation {
            name: "PutMetricData",
            serve: data::put,
        },
        Operation {
            name: "GetMetricData",
            serve: data::get,
        },
        Operation {
            name: "DescribeAlarms",
            serve: alarms::describe,
        },
        Operation {
            name: "PutMetricAlarm",
            serve: alarms::put,
        },
        Operation {
            name: "SetAlarmState",
            serve: alarms::set_state,
        },
        Operation {
            name: "DeleteAlarms",
            serve: alarms::delete,
        },
    ],
};

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

fn read_dimensions(dimensions: Vec<Dimension>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut read = BTreeMap::new();
    for Dimension { name, value } in dimensions {
        if read.contains_key(&name) {
            let message = format!("Dimension {name} was specified more than once");
            return Err(Refusal::sender("InvalidParameterValue", message));
        }
        read.insert(name, value);
    }
    Ok(read)
}

fn render_dimensions(dimensions: BTreeMap<String, String>) -> Vec<Dimension> {
    let dimensions = dimensions.into_iter();
    dimensions
        .map(|(name, value)| Dimension { name, value })
        .collect()
}
