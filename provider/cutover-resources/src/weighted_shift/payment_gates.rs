//! `paymentGates`: the gates of a payment system's runbook, ready to be used.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::shift::gates::{Gate, GateKind, Limit, Missing, payment_gates};
use humantime::format_duration;
use pulumi_host::{Context, Error, Function, Problem};
use pulumi_value::{Output, PropertyPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{GateMeasure, GateMetric, GateSeverity, MissingData, ShiftGate};
use crate::provider::App;

/// Returns the gates of a payment system's runbook: errors above 5 % for five minutes, the 95th percentile of latency
/// above 3 s for ten minutes, failed payments above 2 %, and availability below 99.9 %, on the metrics of two
/// Application Load Balancers and of the application. With their metrics given there are two more: more than five
/// failed database connections a minute for two minutes, and any inconsistency of data. Whichever breaks first sends
/// everything back.
#[derive(Clone, Copy, Debug)]
pub struct PaymentGates;

/// The gates of a payment system's runbook: errors above 5 % for five minutes, the 95th percentile of latency above 3 s
/// for ten minutes, failed payments above 2 %, and availability below 99.9 %, on the metrics of two Application Load
/// Balancers and of the application. With their metrics given there are two more: more than five failed database
/// connections a minute for two minutes, and any inconsistency of data. Whichever breaks first sends everything back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentGatesArgs {
    /// The Application Load Balancer where traffic comes from: its ARN, or the part of it that begins with `app/`.
    pub old_load_balancer: String,
    /// The Application Load Balancer where traffic goes.
    pub new_load_balancer: String,
    /// The application's own counts of payments.
    pub payments: PaymentMetrics,
    /// The count of failed database connections per minute.
    pub db_connection_failures: Option<GateMetric>,
    /// The count of inconsistencies that a validator has found. Without data for three minutes it counts as broken.
    pub data_inconsistencies: Option<GateMetric>,
}

/// The application's own counts of payments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentMetrics {
    /// The namespace.
    pub namespace: String,
    /// The metric that counts payments that failed.
    pub failed: String,
    /// The metric that counts payments that were attempted.
    pub total: String,
    /// Dimensions of both sides.
    pub dimensions: Option<BTreeMap<String, Output<String>>>,
    /// Dimensions of old, besides.
    pub old_dimensions: Option<BTreeMap<String, Output<String>>>,
    /// Dimensions of new, besides. Without them the payments of both sides are judged together.
    pub new_dimensions: Option<BTreeMap<String, Output<String>>>,
}

/// Gates for `WeightedShift`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentGatesResult {
    /// The gates.
    pub gates: Vec<ShiftGate>,
}

impl Function<App> for PaymentGates {
    const NAME: &'static str = "paymentGates";

    type Args = PaymentGatesArgs;
    type Return = PaymentGatesResult;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        let both = [
            ("oldLoadBalancer", &args.old_load_balancer),
            ("newLoadBalancer", &args.new_load_balancer),
        ];
        for (key, text) in both {
            if load_balancer(text).is_none() {
                let reason = "is not an Application Load Balancer; it should look like \
                              `app/pay/50dc6c495c0c9188`, or be its ARN";
                problems.push(Problem::new(PropertyPath::root().key(key), reason));
            }
        }
    }

    async fn invoke(
        &self,
        _context: &Context<App>,
        args: Self::Args,
    ) -> Result<Self::Return, Error> {
        Ok(PaymentGatesResult {
            gates: gates(&args),
        })
    }
}

/// Returns the value of the dimension `LoadBalancer`: the end of an ARN, or what looks like it.
fn load_balancer(text: &str) -> Option<&str> {
    let name = match text.split_once(":loadbalancer/") {
        Some((_, name)) => name,
        None => text,
    };
    let is_whole = name.split('/').count() == 3 && !name.split('/').any(str::is_empty);
    (name.starts_with("app/") && is_whole).then_some(name)
}

fn gates(args: &PaymentGatesArgs) -> Vec<ShiftGate> {
    let balanced = |name: &str, stat: &str| GateMetric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: name.to_owned(),
        stat: Some(stat.to_owned()),
        dimensions: None,
        old_dimensions: Some(of_balancer(&args.old_load_balancer)),
        new_dimensions: Some(of_balancer(&args.new_load_balancer)),
    };
    let paid = |name: &str| GateMetric {
        namespace: args.payments.namespace.clone(),
        name: name.to_owned(),
        stat: Some("Sum".to_owned()),
        dimensions: args.payments.dimensions.clone(),
        old_dimensions: args.payments.old_dimensions.clone(),
        new_dimensions: args.payments.new_dimensions.clone(),
    };
    let errors = || {
        Some(vec![
            balanced("HTTPCode_Target_5XX_Count", "Sum"),
            balanced("HTTPCode_ELB_5XX_Count", "Sum"),
            balanced("TargetConnectionErrorCount", "Sum"),
        ])
    };
    let requests = || Some(vec![balanced("RequestCount", "Sum")]);
    let with_metrics = |gate: &Gate| {
        let plain = plain(gate);
        Some(match gate.name.as_str() {
            "errorRate" | "availability" => ShiftGate {
                bad: errors(),
                total: requests(),
                ..plain
            },
            "latency" => ShiftGate {
                metric: Some(balanced("TargetResponseTime", "p95")),
                total: requests(),
                ..plain
            },
            "paymentFailures" => ShiftGate {
                bad: Some(vec![paid(&args.payments.failed)]),
                total: Some(vec![paid(&args.payments.total)]),
                ..plain
            },
            "dbConnectionFailures" => ShiftGate {
                metric: Some(args.db_connection_failures.clone()?),
                ..plain
            },
            "dataConsistency" => ShiftGate {
                metric: Some(args.data_inconsistencies.clone()?),
                ..plain
            },
            _ => return None,
        })
    };
    payment_gates().iter().filter_map(with_metrics).collect()
}

fn of_balancer(text: &str) -> BTreeMap<String, Output<String>> {
    let name = load_balancer(text).unwrap_or(text).to_owned();
    [("LoadBalancer".to_owned(), Output::known(name))]
        .into_iter()
        .collect()
}

/// Writes a gate of the runbook as a program would, without its metrics.
fn plain(gate: &Gate) -> ShiftGate {
    let time = |duration: Duration| format_duration(duration).to_string().replace(' ', "");
    let (max, min) = match gate.limit {
        Limit::Max(max) => (Some(max), None),
        Limit::Min(min) => (None, Some(min)),
    };
    let (missing, missing_periods) = match gate.missing {
        Missing::Inconclusive => (MissingData::Inconclusive, 1),
        Missing::Breaching { periods } => (MissingData::Breaching, periods),
        Missing::Healthy => (MissingData::Healthy, 1),
        Missing::Zero => (MissingData::Zero, 1),
    };
    ShiftGate {
        name: gate.name.clone(),
        kind: match gate.kind {
            GateKind::Ratio => GateMeasure::Ratio,
            GateKind::Remainder => GateMeasure::Availability,
            GateKind::Value => GateMeasure::Value,
            GateKind::Count => GateMeasure::Count,
            GateKind::Alarm => GateMeasure::Alarm,
        },
        bad: None,
        total: None,
        metric: None,
        alarm: None,
        max,
        min,
        sustained: time(gate.sustained),
        datapoints: None,
        period: time(gate.period),
        window_periods: gate.window_periods,
        min_samples: (gate.samples_min > 0).then_some(gate.samples_min),
        lag: None,
        missing,
        missing_periods,
        severity: GateSeverity::Critical,
        side: None,
        initial_delay: time(gate.initial_delay),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_balancer_is_known_by_its_arn_or_the_end_of_it() {
        let arn =
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/pay/50dc";

        assert_eq!(load_balancer(arn), Some("app/pay/50dc"));
        assert_eq!(load_balancer("app/pay/50dc"), Some("app/pay/50dc"));
        for text in ["", "pay", "net/pay/50dc", "app/pay", "app//50dc"] {
            assert_eq!(load_balancer(text), None, "{text}");
        }
    }
}
