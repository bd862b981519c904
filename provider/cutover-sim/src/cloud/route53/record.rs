//! Record sets and changes as the API has them.

use std::collections::BTreeMap;

/// A record set, with the members that the API has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceRecordSet {
    /// Its name; stored in lower case, with a dot at its end.
    pub name: String,
    /// Its type.
    pub record_type: String,
    /// Tells the members of a group apart.
    pub set_identifier: Option<String>,
    /// Its weight, for weighted routing.
    pub weight: Option<u64>,
    /// Its region, for latency routing.
    pub region: Option<String>,
    /// `PRIMARY` or `SECONDARY`, for failover routing.
    pub failover: Option<String>,
    /// Whether it is one of several values, for multivalue routing.
    pub multi_value_answer: Option<bool>,
    /// Its location by the members of `GeoLocation`, for geolocation routing.
    pub geo_location: Option<BTreeMap<String, String>>,
    /// How long answers may be kept, in seconds; none for an alias.
    pub ttl: Option<u64>,
    /// Its values, in their order; empty for an alias.
    pub values: Vec<String>,
    /// The target of an alias.
    pub alias: Option<AliasTarget>,
    /// The id of its health check.
    pub health_check_id: Option<String>,
}

/// The target of an alias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasTarget {
    /// Its name; stored in lower case, with a dot at its end.
    pub dns_name: String,
    /// The zone of its name.
    pub hosted_zone_id: String,
    /// Whether the target's health decides about the answer.
    pub evaluate_target_health: bool,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What becomes of the record set.
    pub action: ChangeAction,
    /// The record set.
    pub set: ResourceRecordSet,
}

/// What becomes of a record set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAction {
    /// It is made; refused when there is one.
    Create,
    /// It goes; refused when it is not exactly so.
    Delete,
    /// It is made or replaced.
    Upsert,
}

impl ResourceRecordSet {
    /// Returns the routing policies that it names.
    pub(super) fn policies(&self) -> Vec<&'static str> {
        let named = [
            ("weighted", self.weight.is_some()),
            ("latency", self.region.is_some()),
            ("failover", self.failover.is_some()),
            ("multivalue", self.multi_value_answer == Some(true)),
            ("geolocation", self.geo_location.is_some()),
        ];
        let named = named.into_iter().filter(|(_, there)| *there);
        named.map(|(policy, _)| policy).collect()
    }

    /// Returns its routing policy.
    pub fn policy(&self) -> &'static str {
        self.policies().first().copied().unwrap_or("simple")
    }
}
