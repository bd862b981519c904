//! Checks the router: records, targets, identifiers.

use super::super::problem::{Level, Path};
use super::super::spec::{
    Answer, Record, RecordType, RecordWish, Router, RouterWish, TTL_SECONDS, Target, TargetWish,
};
use super::Problems;

/// The longest set identifier, in characters. Source: Route 53 API, `ResourceRecordSet`, "Set identifier".
const SET_IDENTIFIER_CHARS_MAX: usize = 128;

/// How many names and types move in one batch at most: ours. Each is deleted and created on both sides, and Route 53
/// takes 1,000 record elements and 32,000 characters of values in a batch (developer guide, "Quotas", "Quotas on
/// `ChangeResourceRecordSets` API requests"); the journal has its part of the characters.
const MOVING_MAX: usize = 50;

impl Problems {
    pub(super) fn router(&mut self, wish: &RouterWish) -> Option<Router> {
        let (zone_id, zone_name, ttl_seconds, records, zero_means, adopt) = match wish {
            RouterWish::Route53 {
                zone_id,
                zone_name,
                ttl_seconds,
                records,
                zero_means,
                adopt,
            } => (zone_id, zone_name, ttl_seconds, records, zero_means, adopt),
            RouterWish::Alb {
                rule_arn,
                old_arn,
                new_arn,
            } => {
                if old_arn == new_arn {
                    self.error(
                        103,
                        &Path::new("router").name("alb").name("newTargetGroupArn"),
                        "both sides are the same target group",
                    );
                }
                return Some(Router::Alb {
                    rule_arn: rule_arn.clone(),
                    old_arn: old_arn.clone(),
                    new_arn: new_arn.clone(),
                });
            }
        };
        let path = Path::new("router").name("route53");
        if records.is_empty() {
            self.error(103, &path.name("records"), "no record is named");
        }
        let moving: usize = records.iter().map(|record| record.types.len()).sum();
        if moving > MOVING_MAX {
            let message = format!("{moving} names and types; one change takes up to {MOVING_MAX}");
            self.error(103, &path.name("records"), message);
        }
        let sides = || records.iter().flat_map(|record| [&record.old, &record.new]);
        let (has_alias, has_value) = (
            sides().any(|side| side.alias.is_some()),
            sides().any(|side| side.value.is_some()),
        );
        if has_alias && !has_value && ttl_seconds.is_some() {
            self.error(
                104,
                &path.name("ttl"),
                "the TTL of an alias is its target's and cannot be set",
            );
        }
        let ttl = ttl_seconds.unwrap_or(TTL_SECONDS);
        if has_alias && has_value && ttl != TTL_SECONDS {
            let message = format!(
                "aliases have a TTL of {TTL_SECONDS} s; with {ttl} s on the others the shares are distorted"
            );
            self.add(105, Level::Warning, &path.name("ttl"), message);
        }
        let checked = records.iter().enumerate().map(|(index, record)| {
            self.record(
                &path.name("records").index(index),
                record,
                zone_name.as_deref(),
            )
        });
        let records = checked
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Option<Vec<_>>>()?;
        let (zone_id, ttl_settable) = (zone_id.clone(), has_value);
        Some(Router::Route53 {
            zone_id,
            ttl_seconds: ttl,
            ttl_settable,
            records,
            zero_means: *zero_means,
            adopt: *adopt,
        })
    }

    fn record(
        &mut self,
        path: &Path,
        wish: &RecordWish,
        zone_name: Option<&str>,
    ) -> Option<Record> {
        let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
        if wish.types.is_empty() {
            self.error(104, &path.name("types"), "no record type is named");
        }
        if wish.types.contains(&RecordType::Cname) {
            if zone_name.is_some_and(|zone| bare(zone) == bare(&wish.name)) {
                self.error(
                    104,
                    &path.name("types"),
                    "there can be no CNAME at the zone's own name",
                );
            }
            if wish.types.len() > 1 {
                self.error(
                    104,
                    &path.name("types"),
                    "a CNAME suffers no other type beside it",
                );
            }
        }
        if wish.old.set_identifier == wish.new.set_identifier {
            self.error(
                103,
                &path.name("new").name("setIdentifier"),
                "both sides have the same set identifier",
            );
        }
        let old = self.target(&path.name("old"), &wish.old);
        let new = self.target(&path.name("new"), &wish.new);
        Some(Record {
            name: wish.name.clone(),
            types: wish.types.clone(),
            old: old?,
            new: new?,
        })
    }

    fn target(&mut self, path: &Path, wish: &TargetWish) -> Option<Target> {
        let chars = wish.set_identifier.chars().count();
        if chars == 0 || chars > SET_IDENTIFIER_CHARS_MAX {
            self.error(
                103,
                &path.name("setIdentifier"),
                format!("{chars} characters; 1 to {SET_IDENTIFIER_CHARS_MAX} are possible"),
            );
        }
        let answer = match (&wish.alias, &wish.value) {
            (Some(alias), None) => Answer::Alias(alias.clone()),
            (None, Some(value)) => Answer::Value(value.clone()),
            (Some(_), Some(_)) | (None, None) => {
                self.error(104, path, "give either `alias` or `value`");
                return None;
            }
        };
        Some(Target {
            set_identifier: wish.set_identifier.clone(),
            answer,
        })
    }
}
