//! Where traffic is directed.

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What directs the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShiftRouter {
    /// Weighted records of a Route 53 hosted zone.
    Route53(Route53Router),
    /// Weighted target groups of a listener rule of an Application Load Balancer.
    Alb(AlbRouter),
}

/// Weighted records of a Route 53 hosted zone. All of them move in one batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route53Router {
    /// The id of the hosted zone, such as `Z0123456789ABC`.
    pub zone_id: Output<String>,
    /// The name of the hosted zone, such as `example.com`. When it is given, a CNAME at the zone's own name is refused
    /// before anything is read.
    pub zone_name: Option<Output<String>>,
    /// The names that move together. The journal is kept beside the first one, as a TXT record at `_cutover.<name>`.
    #[schemars(length(min = 1))]
    pub records: Vec<WeightedRecord>,
    /// How long resolvers may keep an answer, in seconds; only where a target is a plain `value`. By default 60, which
    /// is also the TTL of an alias to a load balancer. A higher TTL that is found is lowered first, waited out, and
    /// restored at the end. Refused when it is so high that `rollback.budget` cannot be kept (CUT-106).
    #[schemars(range(min = 1, max = 86400))]
    pub ttl: Option<u32>,
    /// What may be taken over when there are records already.
    #[serde(default)]
    pub adopt: AdoptRecords,
    /// What is left of a side without a share. With health evaluation Route 53 answers with a member of weight 0 when
    /// no other is healthy.
    #[serde(default)]
    pub zero_means: ZeroWeight,
}

/// A name, and its two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeightedRecord {
    /// The name, such as `pay.example.com`.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The types of records that move: all that exist under the name, since clients of another type would stay
    /// (CUT-115). By default `["A"]`.
    #[serde(default = "only_a")]
    pub types: Vec<RecordKind>,
    /// Where traffic comes from.
    pub old: RecordTarget,
    /// Where traffic goes.
    pub new: RecordTarget,
}

fn only_a() -> Vec<RecordKind> {
    vec![RecordKind::A]
}

/// A type of record that can be moved.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum RecordKind {
    /// An IPv4 address.
    #[serde(rename = "A")]
    A,
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
    /// Another name.
    #[serde(rename = "CNAME")]
    Cname,
}

/// One side of a name. Either `alias` or `value` is given (CUT-104).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordTarget {
    /// Tells the members of the weighted group apart: 1 to 128 characters, different on both sides (CUT-103).
    pub set_identifier: String,
    /// An alias, such as to a load balancer.
    pub alias: Option<RecordAlias>,
    /// A plain value: an address, or a name for a CNAME.
    pub value: Option<Output<String>>,
}

/// A target that Route 53 looks up by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordAlias {
    /// Its name: `dnsName` of a load balancer.
    pub dns_name: Output<String>,
    /// The zone of its name: `zoneId` of a load balancer, not that of `router.route53`.
    pub zone_id: Output<String>,
    /// Whether the target's health decides about the answer. With `true` a member of weight 0 is answered once the
    /// other one is unhealthy.
    #[serde(default)]
    pub evaluate_target_health: bool,
}

/// What may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AdoptRecords {
    /// Nothing: existing records are refused (CUT-116).
    #[default]
    None,
    /// Weighted records with these set identifiers.
    Weighted,
    /// A simple record, which becomes the old side: it is deleted and made again in one batch.
    Simple,
}

/// What is left of a side without a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ZeroWeight {
    /// The record of new goes at 0 %, so that nobody can be sent to it.
    #[default]
    Isolated,
    /// It stays with weight 0 and stands by.
    Standby,
}

/// Weighted target groups of a listener rule. The other actions of the rule stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlbRouter {
    /// The ARN of the listener rule.
    pub listener_rule_arn: Output<String>,
    /// The ARN of the target group where traffic comes from.
    pub old_target_group_arn: Output<String>,
    /// The ARN of the target group where traffic goes; another one than that of old (CUT-103).
    pub new_target_group_arn: Output<String>,
}
