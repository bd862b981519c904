//! Sequences and counters: what they will give next, and for how long.

use super::super::catalog::{Catalog, Sequence, Server, TableName};
use super::super::report::Severity;
use super::super::scope::target_schema;
use super::super::side::{Both, Side};
use super::super::spec::{Mode, Spec};
use super::types::range;
use super::{Findings, Pair, tightened};

/// How many numbers are left out at the switch, so that both sides can go on. Ours: `identityGap` of the switch.
const IDENTITY_GAP: i128 = 10_000;

impl Findings {
    /// Those that fill a column.
    pub(super) fn owned_sequences(&mut self, pair: &Pair<'_>, catalogs: &Both<Catalog>) {
        for column in pair.columns() {
            let of = |side: Side| {
                let owner = (&pair.tables.get(side).name, &column.get(side).name);
                catalogs.get(side).sequences.iter().find(|sequence| {
                    sequence
                        .owner
                        .as_ref()
                        .is_some_and(|(table, column)| (table, column) == owner)
                })
            };
            let place = format!("{}.{}", pair.label, column.source.name);
            let Some(target) = of(Side::Target) else {
                // That the target does not count at all is told with the columns.
                continue;
            };
            let of_type = range(&column.target.kind).map_or(i128::MAX, |(_, last)| last);
            if let Some(source) = of(Side::Source) {
                self.sequence(pair.spec.mode, &place, source, target);
                self.room(&place, source.next.max(target.next), target, of_type);
            } else {
                self.room(&place, target.next, target, of_type);
            }
        }
    }

    /// Those that belong to no column, where all tables are compared.
    pub(super) fn free_sequences(
        &mut self,
        spec: &Spec,
        catalogs: &Both<Catalog>,
        servers: &Both<Server>,
    ) {
        if !spec.scope.include.is_empty() {
            return;
        }
        let is_free = |sequence: &&Sequence| sequence.owner.is_none();
        for source in catalogs.source.sequences.iter().filter(is_free) {
            let name = TableName {
                schema: target_schema(spec, servers, &source.name.schema),
                name: source.name.name.clone(),
            };
            let place = source.name.to_string();
            match catalogs
                .target
                .sequences
                .iter()
                .find(|sequence| sequence.name == name)
            {
                Some(target) => {
                    self.sequence(spec.mode, &place, source, target);
                    self.room(&place, source.next.max(target.next), target, i128::MAX);
                }
                None => self.add(
                    tightened(spec.mode),
                    "missing_sequence",
                    place,
                    "the target does not have this sequence",
                ),
            }
        }
    }

    fn sequence(&mut self, mode: Mode, place: &str, source: &Sequence, target: &Sequence) {
        let is_behind = if source.increment < 0 {
            target.next > source.next
        } else {
            target.next < source.next
        };
        if is_behind {
            let text = format!(
                "the target would give {} next, and the source is at {} already: new rows would be refused or take \
                 numbers that are taken",
                target.next, source.next
            );
            self.add(tightened(mode), "sequence_behind", place, text);
        }
        if source.increment != target.increment {
            let text = format!(
                "it counts in steps of {} on the source and of {} on the target",
                source.increment, target.increment
            );
            self.add(Severity::Warns, "sequence_increment", place, text);
        }
        if source.cycles != target.cycles {
            let side = if source.cycles {
                Side::Source
            } else {
                Side::Target
            };
            let text = format!("only on the {side} it begins anew after its last number");
            self.add(Severity::Warns, "sequence_cycle", place, text);
        }
        if source.increment > 0 && target.max < source.max {
            let text = format!(
                "it ends at {} on the source and at {} on the target",
                source.max, target.max
            );
            self.add(Severity::Warns, "sequence_max", place, text);
        }
    }

    /// Whether numbers are left on the target, after the gap that the switch leaves.
    fn room(&mut self, place: &str, next: i128, target: &Sequence, of_type: i128) {
        let last = target.max.min(of_type);
        if target.increment > 0 && !target.cycles && next.saturating_add(IDENTITY_GAP) > last {
            let text = format!(
                "the next number is {next} and the last one {last}: there is no room for the {IDENTITY_GAP} numbers \
                 that a switch leaves out"
            );
            self.add(Severity::Blocks, "sequence_exhausted", place, text);
        }
    }
}
