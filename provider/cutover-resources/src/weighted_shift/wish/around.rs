//! What surrounds a shift: who counts requests, whose targets are counted, who is told.

use cutover_core::shift::gates::Side;
use cutover_core::shift::notice::Gravity;
use cutover_core::shift::sources::Sources;
use cutover_driver::Notify;
use pulumi_value::PropertyPath;

use super::super::args::{GateMetric, NoticeSeverity, ShiftRouter, WeightedShiftArgs};
use super::gates::has_side;
use super::reader::Reader;

impl Reader {
    /// Notes what counts the requests of each side: what is said, or else the totals of the first gate that tells the
    /// sides apart.
    pub(super) fn requests_of_sides(&mut self, args: &WeightedShiftArgs, sources: &mut Sources) {
        let both = |metric: &GateMetric| has_side(metric, Side::Old) && has_side(metric, Side::New);
        let said = args
            .settle
            .as_ref()
            .and_then(|settle| settle.requests.as_ref());
        let metrics = if let Some(said) = said {
            let path = PropertyPath::root().key("settle").key("requests");
            for (index, _) in said.iter().enumerate().filter(|(_, metric)| !both(metric)) {
                let reason = "needs `oldDimensions` and `newDimensions`";
                self.problem(112, path.index(index), reason);
            }
            said.as_slice()
        } else {
            let gates = args.gates.as_ref().and_then(|gates| gates.get());
            let mut totals = gates
                .into_iter()
                .flatten()
                .filter_map(|gate| gate.total.as_deref());
            totals
                .find(|total| !total.is_empty() && total.iter().all(both))
                .unwrap_or_default()
        };
        if metrics.is_empty() {
            return;
        }
        for side in [Side::Old, Side::New] {
            let metrics = self.requests(metrics, side);
            sources.requests.insert(side, metrics);
        }
    }

    pub(super) fn targets(&mut self, args: &WeightedShiftArgs, sources: &mut Sources) {
        if let ShiftRouter::Alb(alb) = &args.router {
            if args.target_groups.is_some() {
                let reason = "those of the listener rule are counted; leave it out";
                self.problem(112, PropertyPath::root().key("targetGroups"), reason);
            }
            let groups = [
                (Side::Old, &alb.old_target_group_arn),
                (Side::New, &alb.new_target_group_arn),
            ];
            for (side, arn) in groups {
                let arn = self.text(arn, "unknown");
                sources.target_groups.insert(side, vec![arn]);
            }
            return;
        }
        let Some(targets) = &args.target_groups else {
            return;
        };
        for (side, arns) in [(Side::Old, &targets.old), (Side::New, &targets.new)] {
            if !arns.is_empty() {
                let known = arns.iter().map(|arn| self.text(arn, "unknown")).collect();
                sources.target_groups.insert(side, known);
            }
        }
    }

    pub(super) fn notify(&mut self, args: &WeightedShiftArgs) -> Notify {
        let wish = args.notify.as_ref();
        let topic_arn = wish.map(|notify| self.text(&notify.topic_arn, "unknown"));
        if topic_arn
            .as_deref()
            .is_some_and(|arn| arn.strip_suffix(".fifo").is_some())
        {
            let path = PropertyPath::root().key("notify").key("topicArn");
            let reason = "is a FIFO topic, which needs a message group";
            self.problem(113, path, reason);
        }
        Notify {
            topic_arn,
            severity_min: match wish.map(|notify| notify.severity_min).unwrap_or_default() {
                NoticeSeverity::Info => Gravity::Info,
                NoticeSeverity::Warn => Gravity::Warn,
                NoticeSeverity::Critical => Gravity::Critical,
            },
            events: wish
                .and_then(|notify| notify.events.clone())
                .unwrap_or_default(),
            namespace: Some(args.metrics_namespace.clone()),
        }
    }
}
