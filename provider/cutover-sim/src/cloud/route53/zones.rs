//! Zones and what can be asked of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::Timestamp;

use super::super::{AwsError, Cloud, Service};
use super::names::{Key, normal};
use super::{Accepted, Change, Kept, ResourceRecordSet, Version, batch};

/// A hosted zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostedZone {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its name, with a dot at its end.
    pub name: String,
    /// What made its creation unique.
    pub caller_reference: String,
    /// Whether it answers only inside of VPCs.
    pub private: bool,
    /// Its name servers, without a dot at the end; none for a private zone.
    pub name_servers: Vec<String>,
    /// How many record sets it has.
    pub record_count: u64,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeInfo {
    /// Its id, without `/change/`.
    pub id: String,
    /// Whether all name servers have it.
    pub insync: bool,
    /// When it was submitted.
    pub submitted_at: Timestamp,
}

/// Where a listing begins, and how long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRecordSets {
    /// The first name.
    pub start_name: Option<String>,
    /// The first type; needs a name.
    pub start_type: Option<String>,
    /// The first set identifier; needs a type.
    pub start_identifier: Option<String>,
    /// The most record sets; 300 when not given, and never more.
    pub max_items: Option<usize>,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordSetPage {
    /// The record sets.
    pub sets: Vec<ResourceRecordSet>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// The name of the next one.
    pub next_name: Option<String>,
    /// The type of the next one.
    pub next_type: Option<String>,
    /// The set identifier of the next one.
    pub next_identifier: Option<String>,
    /// The most record sets that were to be returned.
    pub max_items: usize,
}

/// The most record sets of a page: AWS's limit.
const PAGE_MAX: usize = 300;

impl Cloud {
    /// Makes a zone with its NS and SOA record sets; returns its id.
    pub fn create_hosted_zone(&mut self, now: Timestamp, name: &str, private: bool) -> String {
        let serial = self.next_serial();
        let id = format!("Z{serial:020X}");
        self.put_hosted_zone(now, &id, name, private);
        id
    }

    /// Makes a zone of a given id.
    pub fn put_hosted_zone(&mut self, now: Timestamp, id: &str, name: &str, private: bool) {
        let serial = self.next_serial();
        let server = |at: (u64, &str)| {
            format!(
                "ns-{}.awsdns-{:02}.{}",
                serial * 4 + at.0,
                serial % 64,
                at.1
            )
        };
        let name_servers: Vec<String> = if private {
            Vec::new()
        } else {
            [(0, "com"), (1, "net"), (2, "org"), (3, "co.uk")]
                .map(server)
                .to_vec()
        };
        let zone = HostedZone {
            id: id.to_owned(),
            name: normal(name),
            caller_reference: format!("made-{serial}"),
            private,
            name_servers,
            record_count: 2,
        };
        let records = Arc::new(beginnings(&zone));
        let kept = Kept {
            versions: vec![Version {
                accepted: now,
                answered: now,
                records: Arc::clone(&records),
            }],
            zone,
            records,
            protected: BTreeMap::new(),
            busy_until: Timestamp::default(),
        };
        self.route53.zones.insert(id.to_owned(), kept);
    }

    /// Removes a zone, whatever is in it.
    pub fn delete_hosted_zone(&mut self, id: &str) {
        self.route53.zones.remove(id);
    }

    /// Protects a record set from changes, as those are that another service manages. `why` is said to who tries.
    pub fn protect(&mut self, zone_id: &str, set: &ResourceRecordSet, why: &str) {
        if let Some(kept) = self.route53.zones.get_mut(zone_id) {
            kept.protected.insert(Key::of(set), why.to_owned());
        }
    }

    /// Returns the id of the zone that a name server answers for; a dot at the end of its name does not matter.
    pub fn zone_of_server(&self, server: &str) -> Option<String> {
        let server = server.trim_end_matches('.').to_ascii_lowercase();
        let is_served = |kept: &&Kept| kept.zone.name_servers.contains(&server);
        let mut zones = self.route53.zones.values();
        zones.find(is_served).map(|kept| kept.zone.id.clone())
    }

    /// Returns the record sets of a zone as they were last accepted, without a call.
    pub fn records(&self, zone_id: &str) -> Vec<ResourceRecordSet> {
        let kept = self.route53.zones.get(zone_id);
        kept.map_or_else(Vec::new, |kept| kept.records.values().cloned().collect())
    }

    /// Returns the weights of a name's members by their set identifiers, and from which acceptance on.
    pub fn weights_over_time(
        &self,
        zone_id: &str,
        name: &str,
        record_type: &str,
    ) -> Vec<(Timestamp, BTreeMap<String, u64>)> {
        self.over_time(zone_id, |records| {
            Key::range(records, name, record_type)
                .filter_map(|set| Some((set.set_identifier.clone()?, set.weight?)))
                .collect()
        })
    }

    /// Returns the values of a simple record set, and from which acceptance on; none while it is not there.
    pub fn values_over_time(
        &self,
        zone_id: &str,
        name: &str,
        record_type: &str,
    ) -> Vec<(Timestamp, Vec<String>)> {
        self.over_time(zone_id, |records| {
            Key::range(records, name, record_type)
                .flat_map(|set| set.values.clone())
                .collect()
        })
    }

    /// Returns what is read from the record sets of a zone, each time that it changed, and from which acceptance on.
    fn over_time<T: PartialEq>(
        &self,
        zone_id: &str,
        read: impl Fn(&super::Records) -> T,
    ) -> Vec<(Timestamp, T)> {
        let kept = self.route53.zones.get(zone_id);
        let versions = kept.map_or(&[][..], |kept| &kept.versions);
        let mut over_time: Vec<_> = versions
            .iter()
            .map(|version| (version.accepted, read(&version.records)))
            .collect();
        over_time.dedup_by(|next, before| next.1 == before.1);
        over_time
    }

    /// Route 53: reads a zone.
    ///
    /// # Errors
    /// `NoSuchHostedZone` when there is none.
    pub fn get_hosted_zone(&mut self, now: Timestamp, id: &str) -> Result<HostedZone, AwsError> {
        self.call(Service::Route53, "GetHostedZone", id, now, |cloud| {
            Ok(cloud.zone(id)?.zone.clone())
        })
    }

    /// Route 53: lists the record sets of a zone, from a name on.
    ///
    /// # Errors
    /// `NoSuchHostedZone`, `InvalidInput`.
    pub fn list_resource_record_sets(
        &mut self,
        now: Timestamp,
        zone_id: &str,
        input: &ListRecordSets,
    ) -> Result<RecordSetPage, AwsError> {
        self.call(
            Service::Route53,
            "ListResourceRecordSets",
            zone_id,
            now,
            |cloud| {
                input.check()?;
                let kept = cloud.zone(zone_id)?;
                let max_items = input.max_items.unwrap_or(PAGE_MAX).min(PAGE_MAX);
                let start = Key::start(input);
                let mut rest = kept.records.range(start..);
                let sets: Vec<_> = rest
                    .by_ref()
                    .take(max_items)
                    .map(|(_, set)| set.clone())
                    .collect();
                let next = rest.next().map(|(_, set)| set);
                Ok(RecordSetPage {
                    sets,
                    is_truncated: next.is_some(),
                    next_name: next.map(|set| set.name.clone()),
                    next_type: next.map(|set| set.record_type.clone()),
                    next_identifier: next.and_then(|set| set.set_identifier.clone()),
                    max_items,
                })
            },
        )
    }

    /// Route 53: makes all changes of a batch, or none.
    ///
    /// # Errors
    /// `InvalidChangeBatch` with everything that is wrong, `InvalidInput`, `NoSuchHostedZone`, `NoSuchHealthCheck`,
    /// `PriorRequestNotComplete`.
    pub fn change_resource_record_sets(
        &mut self,
        now: Timestamp,
        zone_id: &str,
        changes: &[Change],
    ) -> Result<ChangeInfo, AwsError> {
        self.call(Service::Route53, "ChangeResourceRecordSets", zone_id, now, |cloud| {
            let kept = cloud.zone(zone_id)?;
            if now < kept.busy_until && !cloud.unscripted {
                return Err(AwsError::bad(
                    "PriorRequestNotComplete",
                    "The request was rejected because Route 53 was still processing a prior request.",
                ));
            }
            let checks = &cloud.route53.checks;
            let known = |id: &str| checks.contains_key(id);
            let after = batch::applied(&kept.zone, &kept.records, &kept.protected, changes, &known)?;
            Ok(cloud.accept(now, zone_id, after))
        })
    }

    /// Route 53: asks what became of a change.
    ///
    /// # Errors
    /// `NoSuchChange` when it is not known.
    pub fn get_change(&mut self, now: Timestamp, id: &str) -> Result<ChangeInfo, AwsError> {
        self.call(Service::Route53, "GetChange", id, now, |cloud| {
            let changes = &cloud.route53.changes;
            let accepted = changes.get(id).ok_or_else(|| {
                let message = format!("A change with the specified change ID does not exist: {id}");
                AwsError::new("NoSuchChange", 404, message)
            })?;
            Ok(ChangeInfo {
                id: id.to_owned(),
                insync: accepted.insync_at.is_some_and(|at| at <= now),
                submitted_at: accepted.submitted_at,
            })
        })
    }

    /// Forgets a change, as Route 53 does after a while.
    pub fn forget_change(&mut self, id: &str) {
        self.route53.changes.remove(id);
    }

    pub(super) fn zone(&self, id: &str) -> Result<&Kept, AwsError> {
        self.route53.zones.get(id).ok_or_else(|| {
            let message = format!("No hosted zone found with ID: {id}");
            AwsError::new("NoSuchHostedZone", 404, message)
        })
    }

    fn accept(&mut self, now: Timestamp, zone_id: &str, after: super::Records) -> ChangeInfo {
        let serial = self.next_serial();
        let id = format!("C{serial:020X}");
        let insync_at = self.config.insync.map(|after| now.after(after));
        let answered = now.after(self.config.propagation);
        let busy_until = now.after(self.config.accepting);
        let accepted = Accepted {
            submitted_at: now,
            insync_at,
        };
        self.route53.changes.insert(id.clone(), accepted);
        if let Some(kept) = self.route53.zones.get_mut(zone_id) {
            kept.zone.record_count = u64::try_from(after.len()).unwrap_or(u64::MAX);
            kept.records = Arc::new(after);
            kept.busy_until = busy_until;
            kept.versions.push(Version {
                accepted: now,
                answered,
                records: Arc::clone(&kept.records),
            });
        }
        ChangeInfo {
            id,
            insync: insync_at.is_some_and(|at| at <= now),
            submitted_at: now,
        }
    }

    /// Tells whether Route 53 serves one more request now.
    pub(in super::super) fn admits(&mut self, now: Timestamp) -> bool {
        let recent = &mut self.route53.recent;
        while recent
            .front()
            .is_some_and(|at| now.since(*at).as_millis() >= 1000)
        {
            recent.pop_front();
        }
        let admits = recent.len() < self.config.route53_requests_per_second;
        if admits {
            recent.push_back(now);
        }
        admits
    }
}

impl ListRecordSets {
    fn check(&self) -> Result<(), AwsError> {
        let invalid = |message| Err(AwsError::bad("InvalidInput", message));
        if self.start_type.is_some() && self.start_name.is_none() {
            return invalid("The input is not valid: a type needs a name");
        }
        if self.start_identifier.is_some() && self.start_type.is_none() {
            return invalid("The input is not valid: an identifier needs a type");
        }
        if self.max_items == Some(0) {
            return invalid("The input is not valid: maxitems must be at least 1");
        }
        Ok(())
    }
}

/// The record sets that every zone begins with.
fn beginnings(zone: &HostedZone) -> super::Records {
    let set = |record_type: &str, ttl, values: Vec<String>| {
        let set = ResourceRecordSet {
            name: zone.name.clone(),
            record_type: record_type.to_owned(),
            ttl: Some(ttl),
            values,
            ..ResourceRecordSet::default()
        };
        (Key::of(&set), set)
    };
    let first = zone
        .name_servers
        .first()
        .map_or("ns-0.awsdns-00.com", String::as_str);
    let soa = format!("{first}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400");
    let servers = zone.name_servers.iter().map(|server| format!("{server}."));
    [
        set("NS", 172_800, servers.collect()),
        set("SOA", 900, vec![soa]),
    ]
    .into()
}
