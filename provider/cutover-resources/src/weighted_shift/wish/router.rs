//! The router of a wish.

use cutover_core::shift::spec::{
    Adopt, Alias, RecordType, RecordWish, RouterWish, TargetWish, ZeroMeans,
};

use super::super::args::{
    AdoptRecords, RecordKind, RecordTarget, Route53Router, ShiftRouter, ZeroWeight,
};
use super::reader::Reader;

impl Reader {
    pub(super) fn router(&mut self, router: &ShiftRouter) -> RouterWish {
        match router {
            ShiftRouter::Route53(route53) => self.route53(route53),
            ShiftRouter::Alb(alb) => RouterWish::Alb {
                rule_arn: self.text(&alb.listener_rule_arn, "unknown"),
                // Different, since both sides being the same is refused.
                old_arn: self.text(&alb.old_target_group_arn, "unknown-old"),
                new_arn: self.text(&alb.new_target_group_arn, "unknown-new"),
            },
        }
    }

    fn route53(&mut self, router: &Route53Router) -> RouterWish {
        let zone_name = router.zone_name.as_ref();
        let zone_name = zone_name.and_then(|name| {
            self.whole &= name.get().is_some();
            name.get().cloned()
        });
        let records = router.records.iter().map(|record| RecordWish {
            name: record.name.clone(),
            types: record.types.iter().copied().map(record_type).collect(),
            old: self.target(&record.old),
            new: self.target(&record.new),
        });
        let records = records.collect();
        RouterWish::Route53 {
            zone_id: self.text(&router.zone_id, "unknown"),
            zone_name,
            ttl_seconds: router.ttl,
            records,
            zero_means: match router.zero_means {
                ZeroWeight::Isolated => ZeroMeans::Isolated,
                ZeroWeight::Standby => ZeroMeans::Standby,
            },
            adopt: match router.adopt {
                AdoptRecords::None => Adopt::None,
                AdoptRecords::Weighted => Adopt::Weighted,
                AdoptRecords::Simple => Adopt::Simple,
            },
        }
    }

    fn target(&mut self, target: &RecordTarget) -> TargetWish {
        let alias = target.alias.as_ref().map(|alias| Alias {
            dns_name: self.text(&alias.dns_name, "unknown"),
            zone_id: self.text(&alias.zone_id, "unknown"),
            evaluate_target_health: alias.evaluate_target_health,
        });
        TargetWish {
            set_identifier: target.set_identifier.clone(),
            alias,
            value: target
                .value
                .as_ref()
                .map(|value| self.text(value, "unknown")),
        }
    }
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::Aaaa,
        RecordKind::Cname => RecordType::Cname,
    }
}
