//! What a person is told who looks at a shift from outside: who holds it, what is wrong with it, and whether the name
//! servers answer as the weights say. All of it is judged from the records and the journal alone, without the program
//! that declares the shift.

use std::fmt;
use std::time::Duration;

use super::facts::{JournalRead, Live};
use super::journal::{Entry, Mark};
use crate::Timestamp;
use crate::weights::{Share, share_answered};

/// Missed heartbeats after which a fence is nobody's any more: stated.
pub const HEARTBEATS_MISSED: u32 = 3;

/// The gap in hundredths of a percent between answers and weights that is put down to chance where chance would make
/// less: stated, five points.
const SPLIT_BASIS_POINTS: f64 = 500.0;

/// Who holds a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Nobody: there is no journal, or what it tells of is over.
    Free,
    /// Whoever wrote the journal so long ago.
    Held(Duration),
    /// Nobody any more: whoever wrote the journal has not renewed it for so long.
    Stale(Duration),
    /// It cannot be told.
    Unreadable,
}

/// Tells who holds a shift whose fence is renewed every `heartbeat`.
pub fn fence(journal: &JournalRead, now: Timestamp, heartbeat: Duration) -> Fence {
    let entry = match journal {
        JournalRead::Absent => return Fence::Free,
        JournalRead::Unreadable(_) => return Fence::Unreadable,
        JournalRead::Entry(entry) => entry,
    };
    let age = now.since(entry.at);
    if entry.mark.is_over() {
        Fence::Free
    } else if age < heartbeat.saturating_mul(HEARTBEATS_MISSED) {
        Fence::Held(age)
    } else {
        Fence::Stale(age)
    }
}

/// Something that a person should know about a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// There is no record of either side.
    NoRecords,
    /// The journal cannot be read.
    JournalUnreadable,
    /// Names and types have different weights.
    Uneven,
    /// New gets more than the journal says it should.
    Raised,
    /// New gets less than the journal says it should.
    Lowered,
    /// Nobody watches a split.
    Unattended,
}

impl Finding {
    /// Returns a stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRecords => "noRecords",
            Self::JournalUnreadable => "journalUnreadable",
            Self::Uneven => "uneven",
            Self::Raised => "raised",
            Self::Lowered => "lowered",
            Self::Unattended => "unattended",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRecords => "neither side has a record",
            Self::JournalUnreadable => "the journal cannot be read",
            Self::Uneven => "names and types have different weights",
            Self::Raised => "new gets more than the journal says it should",
            Self::Lowered => "new gets less than the journal says it should",
            Self::Unattended => "traffic is split and the run that should watch it is gone",
        })
    }
}

/// Tells what is wrong with a shift, in the order of [`Finding`].
///
/// The journal names a step and not its weights, so a share is judged by what the mark alone says: nothing on new before
/// the first step and after the way back, everything at the end, and something in between.
pub fn findings(live: &Live, now: Timestamp, heartbeat: Duration) -> Vec<Finding> {
    let mut found = Vec::new();
    let share = live.share();
    if share.is_none() {
        found.push(Finding::NoRecords);
    }
    if matches!(live.journal, JournalRead::Unreadable(_)) {
        found.push(Finding::JournalUnreadable);
    }
    if !live.even {
        found.push(Finding::Uneven);
    }
    if let (JournalRead::Entry(entry), Some(share)) = (&live.journal, share) {
        found.extend(drift(entry, share));
    }
    let is_split = share.is_some_and(|share| share > Share::ZERO);
    if is_split && matches!(fence(&live.journal, now, heartbeat), Fence::Stale(_)) {
        found.push(Finding::Unattended);
    }
    found
}

fn drift(entry: &Entry, share: Share) -> Option<Finding> {
    match entry.mark {
        Mark::Preparing | Mark::Back | Mark::RolledBack => {
            (share > Share::ZERO).then_some(Finding::Raised)
        }
        Mark::Completed => (share < Share::FULL).then_some(Finding::Lowered),
        Mark::Going | Mark::Baked => (share == Share::ZERO).then_some(Finding::Lowered),
    }
}

/// Answers of name servers, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Answers of old.
    pub old: u32,
    /// Answers of new.
    pub new: u32,
    /// Answers of neither, and questions without an answer.
    pub other: u32,
}

/// Whether answers are as the weights say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// They are, within what chance makes of so few.
    Agrees,
    /// They are not.
    Differs,
    /// Answers came from neither side, or none came.
    Strangers,
}

/// Compares answers with weights. A side without weight may not be answered at all; otherwise five points are put down
/// to chance, or four times what chance makes of so many answers.
pub fn judge_split(old: u16, new: u16, answers: Answers) -> Split {
    let total = answers.old.saturating_add(answers.new);
    if total == 0 || answers.other > 0 {
        return Split::Strangers;
    }
    let (has_old, has_new) = (old > 0 || new == 0, new > 0 || old == 0);
    if (!has_old && answers.old > 0) || (!has_new && answers.new > 0) {
        return Split::Differs;
    }
    let share = share_answered(old, new).fraction();
    let seen = f64::from(answers.new) / f64::from(total);
    let chance = 4.0 * (share * (1.0 - share) / f64::from(total)).sqrt();
    if (seen - share).abs() <= chance.max(SPLIT_BASIS_POINTS / 10_000.0) {
        Split::Agrees
    } else {
        Split::Differs
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::{NotAnEntry, RunId};
    use super::*;

    const HEARTBEAT: Duration = Duration::from_mins(5);
    const NOW: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

    fn an_entry(mark: Mark, minutes_ago: i64) -> Entry {
        let at = NOW
            .unix_millis()
            .saturating_sub(minutes_ago.saturating_mul(60_000));
        Entry {
            shift: "pay-1".to_owned(),
            run: RunId::new("ci-42"),
            seq: 7,
            attempt: 1,
            mark,
            step: 1,
            at: Timestamp::from_unix_millis(at),
            exposed: Timestamp::from_unix_millis(at),
            bake: None,
            plan: 0,
            ttl_seconds: None,
        }
    }

    fn live(old: u16, new: u16, journal: JournalRead) -> Live {
        Live {
            old: Some(old),
            new: Some(new),
            even: true,
            intact: true,
            ttl_seconds: Some(60),
            journal,
            sets: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn check(mark: Mark, (old, new): (u16, u16), expected: &[Finding]) {
        let live = live(old, new, JournalRead::Entry(an_entry(mark, 1)));

        assert_eq!(
            findings(&live, NOW, HEARTBEAT),
            expected,
            "{mark:?} {old}/{new}"
        );
    }

    #[test]
    fn a_fence_is_nobodys_after_three_missed_heartbeats_and_not_before() {
        let of = |minutes| {
            fence(
                &JournalRead::Entry(an_entry(Mark::Going, minutes)),
                NOW,
                HEARTBEAT,
            )
        };

        assert_eq!(of(14), Fence::Held(Duration::from_mins(14)));
        assert_eq!(of(15), Fence::Stale(Duration::from_mins(15)));
    }

    #[test]
    fn nobody_holds_what_is_over_or_was_never_begun() {
        let over = JournalRead::Entry(an_entry(Mark::Completed, 0));

        assert_eq!(fence(&over, NOW, HEARTBEAT), Fence::Free);
        assert_eq!(fence(&JournalRead::Absent, NOW, HEARTBEAT), Fence::Free);
        let unreadable = JournalRead::Unreadable(NotAnEntry::Damaged);
        assert_eq!(fence(&unreadable, NOW, HEARTBEAT), Fence::Unreadable);
    }

    #[test]
    fn a_share_that_belongs_to_another_mark_is_drift() {
        check(Mark::Preparing, (100, 0), &[]);
        check(Mark::Preparing, (90, 10), &[Finding::Raised]);
        check(Mark::Going, (90, 10), &[]);
        check(Mark::Going, (100, 0), &[Finding::Lowered]);
        check(Mark::Completed, (0, 100), &[]);
        check(Mark::Completed, (10, 90), &[Finding::Lowered]);
        check(Mark::RolledBack, (90, 10), &[Finding::Raised]);
    }

    #[test]
    fn a_split_that_nobody_watches_is_told_and_a_lost_run_before_the_first_step_is_not() {
        let lost = |old, new, mark| {
            findings(
                &live(old, new, JournalRead::Entry(an_entry(mark, 40))),
                NOW,
                HEARTBEAT,
            )
        };

        assert_eq!(lost(50, 50, Mark::Going), [Finding::Unattended]);
        assert_eq!(lost(100, 0, Mark::Preparing), []);
    }

    #[test]
    fn missing_records_and_uneven_ones_are_told() {
        let gone = Live {
            old: None,
            new: None,
            ..live(0, 0, JournalRead::Absent)
        };
        let uneven = Live {
            even: false,
            ..live(90, 10, JournalRead::Absent)
        };

        assert_eq!(findings(&gone, NOW, HEARTBEAT), [Finding::NoRecords]);
        assert_eq!(findings(&uneven, NOW, HEARTBEAT), [Finding::Uneven]);
    }

    #[test]
    fn answers_agree_within_chance() {
        let judge = |old, new, other| judge_split(90, 10, Answers { old, new, other });

        assert_eq!(judge(180, 20, 0), Split::Agrees);
        assert_eq!(judge(170, 30, 0), Split::Agrees);
        assert_eq!(judge(100, 100, 0), Split::Differs);
        assert_eq!(judge(180, 19, 1), Split::Strangers);
        assert_eq!(judge(0, 0, 0), Split::Strangers);
    }

    #[test]
    fn a_side_without_weight_is_never_answered() {
        let judge = |old, new| judge_split(100, 0, Answers { old, new, other: 0 });

        assert_eq!(judge(200, 0), Split::Agrees);
        assert_eq!(judge(199, 1), Split::Differs);
    }
}
