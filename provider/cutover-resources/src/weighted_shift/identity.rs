//! What a shift, its resource and a run are called.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU32, Ordering};

use cutover_core::Timestamp;
use cutover_core::shift::journal::RunId;
use cutover_core::shift::spec::{Record, Router};
use pulumi_value::Urn;
use sha2::{Digest as _, Sha256};

/// How many bytes of a digest name a shift: ours; sixteen characters, of which no two stacks share all by chance.
const ID_BYTES: usize = 8;

/// The runs of this process so far.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// Names a shift after where it is declared: the same in every run, and without a word of the business, since it can be
/// read in a public zone.
pub(super) fn shift_id(urn: Option<&Urn>) -> String {
    let digest = Sha256::digest(urn.map_or("", Urn::as_str).as_bytes());
    let mut id = String::from("s");
    for byte in digest.iter().take(ID_BYTES) {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Names a run: by the second, the process, a count, and a number drawn by lot, so that two machines that start in the
/// same second under the same process number still differ.
pub(crate) fn run_id(now: Timestamp) -> RunId {
    let second = now.unix_millis().div_euclid(1_000);
    let count = RUNS.fetch_add(1, Ordering::Relaxed);
    let lot = RandomState::new().build_hasher().finish() & 0xffff_ffff;
    RunId::new(&format!(
        "{second:x}-{:x}-{count:x}-{lot:08x}",
        std::process::id()
    ))
}

/// A shift by the id of its resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Weighted records: those of the first name and type.
    Records {
        /// The hosted zone.
        zone_id: String,
        /// The name.
        name: String,
        /// The type, as Route 53 writes it.
        record_type: String,
        /// The set identifier of old.
        old: String,
        /// The set identifier of new.
        new: String,
    },
    /// A listener rule.
    Rule {
        /// Its ARN.
        rule_arn: String,
        /// The target group of old.
        old_arn: String,
        /// The target group of new.
        new_arn: String,
    },
}

impl Place {
    /// Returns the place of a router.
    pub(super) fn of(router: &Router) -> Self {
        match router {
            Router::Route53 {
                zone_id, records, ..
            } => {
                let first = records.first();
                let text = |of: fn(&Record) -> &str| first.map(of).unwrap_or_default().to_owned();
                Self::Records {
                    zone_id: zone_id.clone(),
                    name: text(|record| &record.name),
                    record_type: text(|record| record.types.first().map_or("A", |of| of.name())),
                    old: text(|record| &record.old.set_identifier),
                    new: text(|record| &record.new.set_identifier),
                }
            }
            Router::Alb {
                rule_arn,
                old_arn,
                new_arn,
            } => Self::Rule {
                rule_arn: rule_arn.clone(),
                old_arn: old_arn.clone(),
                new_arn: new_arn.clone(),
            },
        }
    }

    /// Writes the id of the resource.
    pub(super) fn to_id(&self) -> String {
        match self {
            Self::Records {
                zone_id,
                name,
                record_type,
                old,
                new,
            } => format!("{zone_id}/{name}/{record_type}/{old}/{new}"),
            Self::Rule {
                rule_arn,
                old_arn,
                new_arn,
            } => format!("{rule_arn},{old_arn},{new_arn}"),
        }
    }

    /// Reads the id of the resource; `None` when it is not one.
    pub(super) fn parse(id: &str) -> Option<Self> {
        if id.starts_with("arn:") {
            let parts: Vec<_> = id.split(',').map(str::to_owned).collect();
            let [rule_arn, old_arn, new_arn] = parts.try_into().ok()?;
            return Some(Self::Rule {
                rule_arn,
                old_arn,
                new_arn,
            });
        }
        let parts: Vec<_> = id.split('/').map(str::to_owned).collect();
        let parts: [String; 5] = parts.try_into().ok()?;
        if parts.iter().any(String::is_empty) {
            return None;
        }
        let [zone_id, name, record_type, old, new] = parts;
        Some(Self::Records {
            zone_id,
            name,
            record_type,
            old,
            new,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn urn(name: &str) -> Urn {
        Urn::parse(&format!(
            "urn:pulumi:dev::shop::cutover:index:WeightedShift::{name}"
        ))
        .expect("a well-formed URN")
    }

    #[test]
    fn a_shift_is_named_after_its_place_without_saying_it() {
        let (pay, other) = (urn("pay"), urn("other"));

        assert_eq!(shift_id(Some(&pay)), shift_id(Some(&pay)));
        assert_ne!(shift_id(Some(&pay)), shift_id(Some(&other)));
        let id = shift_id(Some(&pay));
        assert!(id.len() == 17 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn no_two_runs_have_the_same_name_and_none_is_cut() {
        let now = Timestamp::from_unix_millis(1_767_225_600_000);
        let names: Vec<_> = (0..50).map(|_| run_id(now)).collect();

        let different: BTreeSet<_> = names.iter().map(RunId::as_str).collect();
        assert_eq!(different.len(), 50);
        assert!(
            names
                .iter()
                .all(|name| name.as_str().split('-').count() == 4)
        );
        assert!(
            names
                .iter()
                .all(|name| name.as_str().rsplit('-').next().map(str::len) == Some(8))
        );
    }

    #[test]
    fn an_id_reads_back_as_it_was_and_nothing_else_does() {
        for id in [
            "Z0AB/pay.example.com/A/old/new",
            "arn:aws:elb:rule/1,arn:aws:elb:tg/o,arn:aws:elb:tg/n",
        ] {
            assert_eq!(
                Place::parse(id).map(|place| place.to_id()).as_deref(),
                Some(id)
            );
        }
        for id in [
            "",
            "Z0AB",
            "Z0AB/pay/A/old",
            "Z0AB//A/old/new",
            "arn:a,b",
            "a/b/c/d/e/f",
        ] {
            assert_eq!(Place::parse(id), None, "{id}");
        }
    }
}
