//! The stable codes of errors.

use std::fmt;

/// Names the codes, with their numbers and what they are about.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $title:literal;)+) => {
        /// The stable code of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// Returns the number; it never changes its meaning.
            pub const fn number(self) -> u16 {
                match self {
                    $(Code::$name => $number,)+
                }
            }

            /// Says what it is about, as the heading in `docs/errors.md` does.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Code::$name => $title,)+
                }
            }
        }
    };
}

codes! {
    /// No region or no valid credentials.
    Unconfigured = 1, "no region or no valid credentials";
    /// The credentials do not allow a call.
    Denied = 2, "the credentials do not allow a call";
    /// AWS kept answering that calls come too fast.
    Throttled = 3, "AWS kept answering that calls come too fast";
    /// AWS could not be reached.
    Unavailable = 4, "AWS could not be reached";
    /// AWS refused a call.
    Refused = 5, "AWS refused a call";
    /// No usable answer came.
    Unanswered = 6, "no usable answer came from AWS";
    /// The credentials belong to another account than the resource.
    OtherAccount = 7, "the credentials belong to another account";
    /// The id is not one of the resource.
    MalformedId = 8, "the id is not one of the resource";
    /// The operation was stopped before its end.
    Stopped = 9, "the operation was stopped before its end";
    /// DMS may not assume an existing service role.
    RoleNotTrusted = 20, "DMS may not assume an existing service role";
    /// The managed policy is not attached to an existing service role.
    RolePolicyMissing = 21, "an existing service role lacks its managed policy";
    /// A service role was made and could not be seen in time.
    RoleNotSeen = 22, "a service role could not be seen in time";
    /// An input of a shift cannot be read.
    ShiftMalformed = 100, "an input of a shift cannot be read";
    /// The shares of the steps cannot be carried out.
    ShiftShares = 101, "the steps of a shift do not lead from 0 to 100 %";
    /// A step would leave both sides without traffic.
    ShiftBothZero = 102, "a step would leave both sides without a weight";
    /// The two sides cannot be told apart.
    ShiftSides = 103, "the two sides cannot be told apart";
    /// A record or its target cannot be weighted.
    ShiftTarget = 104, "a record or its target cannot be weighted";
    /// TTLs distort the shares.
    ShiftTtl = 105, "TTLs of old and new distort the shares";
    /// A rollback would take longer than its budget.
    ShiftBudget = 106, "a rollback would take longer than its budget";
    /// A gate could never fire.
    ShiftGateIdle = 107, "a gate could never fire within a bake";
    /// A bake is too short for a gate.
    ShiftBakeShort = 108, "a bake has too few periods of a gate";
    /// An availability gate needs more samples.
    ShiftSamples = 109, "an availability gate needs more samples";
    /// A bake is too short to compare latency.
    ShiftPairs = 110, "a bake is too short to compare latency";
    /// It is not said how to go back.
    ShiftRows = 111, "it is not said how rows come back";
    /// A gate, comparison or metric is wrong.
    ShiftGate = 112, "a gate, comparison or metric is wrong";
    /// A topic or parameter cannot be used.
    ShiftControl = 113, "a topic or parameter cannot be used";
    /// Others are in the weighted group.
    ShiftOthers = 114, "the weighted group has further members";
    /// Part of the clients would not move.
    ShiftCompanions = 115, "part of the clients would not move";
    /// There is something that may not be taken over.
    ShiftTaken = 116, "what is there may not be taken over";
    /// The router cannot be used.
    ShiftRouter = 117, "the zone or listener rule cannot be used";
    /// A gate cannot be measured.
    ShiftUnmeasured = 118, "a gate has no data, or its alarm is not quiet";
    /// The listener rule is in other hands.
    ShiftRule = 119, "the listener rule is in other hands";
    /// The credentials end too early.
    ShiftCredentials = 120, "the credentials end before the plan does";
    /// The new side cannot take the traffic.
    ShiftUnfit = 121, "new cannot take the traffic";
    /// The databases do not let that side write.
    ShiftWritePolicy = 122, "traffic would go where nothing can be written";
    /// The router of a live shift was changed.
    ShiftReplaced = 130, "the router of a live shift was changed";
    /// Steps that were carried out were edited.
    ShiftEdited = 131, "steps that were carried out were edited";
    /// Leaving out steps is not allowed.
    ShiftSkip = 132, "steps may not be left out";
    /// A live shift was to be deleted.
    ShiftDeleted = 133, "a live shift was to be deleted";
    /// The timeout is too short for the plan.
    ShiftTimeout = 140, "the timeout is shorter than the plan";
    /// Nothing would watch a split that was left behind.
    ShiftUnguarded = 150, "nothing watches the split when the program is gone";
    /// The plan is not what was asked for.
    ShiftUnsound = 151, "the plan is not what was asked for";
    /// The journal cannot be read.
    ShiftJournal = 152, "the journal of a shift cannot be read";
    /// Another run holds the fence.
    ShiftHeld = 153, "another run holds the fence";
    /// A listener rule's journal is protected by nothing.
    ShiftUnfenced = 154, "nothing keeps two runs of a listener rule apart";
    /// The table of the fence cannot be used, or is no place for this router.
    ShiftFenceMisplaced = 155, "the fence cannot be there";
    /// Everything went back to old.
    ShiftRolledBack = 160, "everything went back to old";
    /// It stopped where it is.
    ShiftPaused = 161, "a shift stopped on its way";
    /// It was interrupted.
    ShiftInterrupted = 162, "a shift was interrupted";
    /// The way back could not be written.
    ShiftStuck = 163, "the way back could not be written";
    /// The fence was lost to another run.
    ShiftFenceLost = 164, "the fence was lost to another run";
    /// A shift ended over a mistake in the provider.
    ShiftBroken = 165, "a shift ended over a mistake in the provider";
    /// An input of a validation cannot be read.
    ValidationMalformed = 200, "an input of a validation cannot be read";
    /// Tables, columns or keys are not named as they can be.
    ValidationTables = 201, "tables, columns or keys of a validation cannot be used";
    /// A limit cannot be kept.
    ValidationLimits = 202, "a limit of a validation cannot be kept";
    /// A rule, query or sum is wrong.
    ValidationRule = 203, "a rule or query of a validation cannot be used";
    /// A database cannot be reached.
    DatabaseUnreachable = 210, "a database cannot be reached";
    /// The certificate of a database is not to be trusted.
    DatabaseUntrusted = 211, "the certificate of a database is not to be trusted";
    /// A database speaks no TLS.
    DatabaseNoTls = 212, "a database speaks no TLS";
    /// A database does not accept user or password.
    DatabaseLogin = 213, "a database does not accept user or password";
    /// There is no database of that name.
    DatabaseNone = 214, "there is no database of that name";
    /// The user lacks a right.
    DatabaseDenied = 215, "the user of a database lacks a right";
    /// A table or column is not there.
    DatabaseMissing = 216, "a table or column is not there any more";
    /// The server cannot do that.
    DatabaseUnsupported = 217, "a database cannot do what is needed";
    /// A statement was not answered.
    DatabaseLost = 218, "a database did not answer to the end";
    /// What a connection needs cannot be read.
    ValidationCredentials = 219, "what a connection needs cannot be read";
    /// A row is larger than the server lets through.
    DatabaseTooBig = 220, "a row is larger than a database lets through";
    /// Another server answers than before.
    DatabaseChanged = 221, "another server answers than before";
    /// A database refused a statement.
    DatabaseRefused = 222, "a database refused a statement";
    /// Source and target are not the same.
    ValidationMismatched = 230, "source and target are not the same";
    /// It cannot be told whether they are.
    ValidationInconclusive = 231, "it cannot be told whether source and target are the same";
    /// A validation was stopped.
    ValidationStopped = 232, "a validation was stopped";
    /// The report cannot be written.
    ValidationReport = 233, "the report of a validation cannot be written";
    /// A validation ended over a mistake in the provider.
    ValidationBroken = 234, "a validation ended over a mistake in the provider";
    /// An input of a replication cannot be read.
    ReplicationMalformed = 240, "an input of a replication cannot be read";
    /// A replication cannot go on by itself.
    ReplicationHeld = 250, "a replication needs a person";
    /// Somebody else holds the migration while a replication is prepared.
    ReplicationNotPrepared = 251, "the target of a replication cannot be closed";
    /// A replication was no longer waited for.
    ReplicationStopped = 252, "a replication is no longer waited for";
    /// A task was not stopped in time.
    ReplicationRuns = 253, "a replication does not stop";
    /// A replication ended over a mistake in the provider.
    ReplicationBroken = 254, "a replication ended over a mistake in the provider";
    /// An input of a switch cannot be read.
    SwitchMalformed = 300, "an input of a switch cannot be read";
    /// Two databases would be written to.
    SwitchTwoWriters = 301, "two databases cannot both be written to";
    /// Something stands in the way of a switch.
    SwitchRefused = 310, "something stands in the way of a switch";
    /// A switch was called off.
    SwitchCalledOff = 311, "a switch was called off";
    /// The writer has changed, and something is left to do.
    SwitchPending = 312, "the writer has changed and something is left to do";
    /// Another run holds the migration.
    SwitchNotHolder = 313, "another run holds the migration";
    /// A switch was interrupted.
    SwitchStopped = 314, "a switch was interrupted";
    /// A switch ended over a mistake in the provider.
    SwitchBroken = 315, "a switch ended over a mistake in the provider";
    /// The databases stay as they are until somebody says what is to become of them.
    SwitchDeleted = 316, "a switch that has taken place was to be deleted";
    /// The migration is finalized.
    SwitchFinal = 317, "the migration is finalized and there is no way back";
    /// An input of a migration cannot be read.
    MigrationMalformed = 340, "an input of a migration cannot be read";
    /// An input of a finalization cannot be read.
    FinalizationMalformed = 350, "an input of a finalization cannot be read";
    /// It is not the time to finalize.
    FinalizationRefused = 351, "a migration cannot be finalized as it stands";
    /// A finalization has not come to its end.
    FinalizationUnfinished = 352, "a finalization has not come to its end";
    /// A finalization ended over a mistake in the provider.
    FinalizationBroken = 353, "a finalization ended over a mistake in the provider";
    /// Both databases, or neither, say that they are the writer.
    WriterConflict = 399, "the two databases contradict each other about the writer";
}

impl Code {
    /// Finds a code by its number.
    pub(crate) fn numbered(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CUT-{:03}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_explained_under_its_title_and_no_other_is() {
        let page = include_str!("../../../docs/errors.md");
        let headings: BTreeSet<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            // CUT-180 to CUT-199 are those of the operator's command, whose tests look for them.
            .filter(|heading| !(heading.starts_with("CUT-18") || heading.starts_with("CUT-19")))
            .collect();

        let expected: Vec<_> = Code::ALL
            .iter()
            .map(|code| format!("{code}: {}", code.title()))
            .collect();

        assert_eq!(headings, expected.iter().map(String::as_str).collect());
    }

    #[test]
    fn numbers_rise_so_that_none_is_given_twice() {
        assert!(Code::ALL.is_sorted_by(|before, after| before.number() < after.number()));
    }
}
