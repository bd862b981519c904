//! What authoritative name servers answer.

use cutover_core::Timestamp;

use super::super::{Cloud, mix};
use super::names::{Key, normal, plain};
use super::{Records, ResourceRecordSet};

/// What an alias may lead to: a load balancer, by its DNS name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Whether it has healthy targets.
    pub healthy: bool,
    /// How long answers may be kept, in seconds; 60 for load balancers.
    pub ttl: u64,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// The server does not answer for the name.
    Refused,
    /// There is no such name.
    NoName,
    /// There is the name, but nothing of the type.
    NoData,
    /// Values.
    Values {
        /// The type of the values: the one asked for, or `CNAME`.
        record_type: String,
        /// The set identifier of the member that was chosen.
        set_identifier: Option<String>,
        /// The name of the alias's target.
        alias: Option<String>,
        /// How long they may be kept, in seconds.
        ttl: u64,
        /// The values; none when an alias leads nowhere.
        values: Vec<String>,
    },
}

/// How many aliases are followed; ours, more than zones have.
const ALIASES_MAX: u32 = 8;

impl Cloud {
    /// Says what a DNS name of a load balancer leads to from now on.
    pub fn put_endpoint(&mut self, now: Timestamp, dns_name: &str, endpoint: Endpoint) {
        let name = plain(dns_name);
        self.route53
            .endpoints
            .entry(name)
            .or_default()
            .push((now, endpoint));
    }

    /// Returns the addresses that the DNS name of a load balancer leads to.
    pub fn addresses(&self, dns_name: &str, now: Timestamp) -> Vec<String> {
        self.endpoint(dns_name, now)
            .map_or_else(Vec::new, |it| it.addresses.clone())
    }

    /// Answers as an authoritative name server of a zone does; `draw` is the chance that chooses among members.
    pub fn answer(
        &mut self,
        zone_id: &str,
        name: &str,
        record_type: &str,
        now: Timestamp,
        draw: u64,
    ) -> DnsAnswer {
        self.advance(now);
        self.look_up(zone_id, name, record_type, now, draw, ALIASES_MAX)
    }

    fn look_up(
        &self,
        zone_id: &str,
        name: &str,
        record_type: &str,
        now: Timestamp,
        draw: u64,
        depth: u32,
    ) -> DnsAnswer {
        let within = |apex: &str| {
            let name = normal(name);
            name == apex || name.ends_with(&format!(".{apex}"))
        };
        let Some(kept) = self
            .route53
            .zones
            .get(zone_id)
            .filter(|kept| within(&kept.zone.name))
        else {
            return DnsAnswer::Refused;
        };
        let Some(records) = self.records_answered(zone_id, now) else {
            return DnsAnswer::Refused;
        };
        // A name that is not there is answered by the wildcard of the nearest name that is.
        let Some(name) = answering_name(records, name, &kept.zone.name) else {
            return DnsAnswer::NoName;
        };
        let types = [record_type, "CNAME"];
        let found = types.iter().find_map(|record_type| {
            let members: Vec<_> = Key::range(records, &name, record_type).collect();
            (!members.is_empty()).then_some((*record_type, members))
        });
        let Some((found_type, members)) = found else {
            return DnsAnswer::NoData;
        };
        let weights = self.considered(&members, now);
        let Some(chosen) = choose(&members, &weights, draw) else {
            return DnsAnswer::NoData;
        };
        self.of_member(zone_id, chosen, found_type, now, draw, depth)
    }

    fn of_member(
        &self,
        zone_id: &str,
        chosen: &ResourceRecordSet,
        record_type: &str,
        now: Timestamp,
        draw: u64,
        depth: u32,
    ) -> DnsAnswer {
        let values = |alias: Option<String>, ttl, values| DnsAnswer::Values {
            record_type: record_type.to_owned(),
            set_identifier: chosen.set_identifier.clone(),
            alias,
            ttl,
            values,
        };
        let Some(alias) = &chosen.alias else {
            return values(None, chosen.ttl.unwrap_or(0), chosen.values.clone());
        };
        let target = Some(plain(&alias.dns_name));
        if alias.hosted_zone_id == zone_id && depth > 0 {
            return match self.look_up(
                zone_id,
                &alias.dns_name,
                record_type,
                now,
                mix(draw),
                depth - 1,
            ) {
                DnsAnswer::Values {
                    ttl, values: found, ..
                } => values(target, ttl, found),
                other => other,
            };
        }
        match self.endpoint(&alias.dns_name, now) {
            Some(endpoint) => {
                let of_type = |address: &&String| (record_type == "AAAA") == address.contains(':');
                let found = endpoint.addresses.iter().filter(of_type).cloned().collect();
                values(target, endpoint.ttl, found)
            }
            None => values(target, 60, Vec::new()),
        }
    }

    /// Returns the weight by which each member of a name is answered, by set identifier.
    pub(in super::super) fn answered_weights(
        &self,
        zone_id: &str,
        name: &str,
        record_type: &str,
        now: Timestamp,
    ) -> Vec<(String, f64)> {
        let Some(records) = self.records_answered(zone_id, now) else {
            return Vec::new();
        };
        let members: Vec<_> = Key::range(records, name, record_type).collect();
        let weights = self.considered(&members, now);
        let named = |set: &&ResourceRecordSet| set.set_identifier.clone().unwrap_or_default();
        let identifiers = members.iter().map(named);
        // The heaviest weight is 255.
        let weights = weights
            .into_iter()
            .map(|weight| f64::from(u16::try_from(weight).unwrap_or(u16::MAX)));
        identifiers.zip(weights).collect()
    }

    /// Weighs the members of a name as Route 53's health checking does: those that are unhealthy are left out; when all
    /// with a weight above zero are, those of weight zero are considered; when all are, all count as healthy. When all
    /// that are considered weigh zero, they weigh the same.
    fn considered(&self, members: &[&ResourceRecordSet], now: Timestamp) -> Vec<u64> {
        if members.iter().any(|set| set.weight.is_none()) {
            let healthy: Vec<bool> = members.iter().map(|set| self.is_well(set, now)).collect();
            let any = healthy.contains(&true);
            return healthy
                .iter()
                .map(|well| u64::from(*well || !any))
                .collect();
        }
        let weight = |set: &ResourceRecordSet| set.weight.unwrap_or(0);
        let mut well: Vec<bool> = members.iter().map(|set| self.is_well(set, now)).collect();
        let weighted_well = members
            .iter()
            .zip(&well)
            .any(|(set, well)| *well && weight(set) > 0);
        if weighted_well {
            return members
                .iter()
                .zip(&well)
                .map(|(set, well)| if *well { weight(set) } else { 0 })
                .collect();
        }
        if !well.contains(&true) {
            well.fill(true);
        }
        let left = members.iter().zip(&well).filter(|(_, well)| **well);
        let all_zero = left.clone().all(|(set, _)| weight(set) == 0);
        let of = |(set, well): (&&ResourceRecordSet, &bool)| match (*well, all_zero) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => weight(set),
        };
        members.iter().zip(&well).map(of).collect()
    }

    /// Tells whether a member counts as healthy; without a check it does.
    fn is_well(&self, set: &ResourceRecordSet, now: Timestamp) -> bool {
        let checked = set
            .health_check_id
            .as_ref()
            .is_none_or(|id| self.is_healthy(id, now));
        let evaluated = set
            .alias
            .as_ref()
            .filter(|alias| alias.evaluate_target_health);
        let target = evaluated.and_then(|alias| self.endpoint(&alias.dns_name, now));
        checked && target.is_none_or(|endpoint| endpoint.healthy)
    }

    fn endpoint(&self, dns_name: &str, now: Timestamp) -> Option<&Endpoint> {
        let name = plain(dns_name);
        // Load balancers have a second name that is only for both kinds of addresses.
        let known = self
            .route53
            .endpoints
            .get(name.strip_prefix("dualstack.").unwrap_or(&name));
        let past = known.or_else(|| self.route53.endpoints.get(&name))?;
        past.iter()
            .rev()
            .find(|(from, _)| *from <= now)
            .map(|(_, endpoint)| endpoint)
    }

    /// Returns the record sets by which the name servers answer.
    fn records_answered(&self, zone_id: &str, now: Timestamp) -> Option<&Records> {
        let versions = &self.route53.zones.get(zone_id)?.versions;
        let version = versions
            .iter()
            .rev()
            .find(|version| version.answered <= now)?;
        Some(&version.records)
    }
}

/// Returns the name whose record sets answer: itself, or the wildcard that covers it.
fn answering_name(records: &Records, name: &str, apex: &str) -> Option<String> {
    let name = normal(name);
    let exists = |name: &str| Key::begins(records, name);
    if exists(&name) {
        return Some(name);
    }
    let mut rest = name.as_str();
    while let Some((_, parent)) = rest.split_once('.').filter(|_| rest != apex) {
        let wildcard = normal(&format!("*.{parent}"));
        if Key::under(records, &wildcard).next().is_some() {
            return Some(wildcard);
        }
        if exists(parent) {
            return None;
        }
        rest = parent;
    }
    None
}

/// Chooses a member by a draw.
fn choose<'m>(
    members: &[&'m ResourceRecordSet],
    weights: &[u64],
    draw: u64,
) -> Option<&'m ResourceRecordSet> {
    let total: u64 = weights.iter().sum();
    let mut left = mix(draw).checked_rem(total)?;
    for (set, weight) in members.iter().zip(weights) {
        if left < *weight {
            return Some(set);
        }
        left -= weight;
    }
    None
}
