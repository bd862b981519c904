//! Which facts can come of which command.

use crate::writer_switch::facts::{Command, Fact};

/// Tells whether a fact can come of a command.
pub(super) fn belongs(fact: &Fact, command: &Command) -> bool {
    match fact {
        Fact::Seen(_) | Fact::Held { .. } => matches!(command, Command::Look { .. }),
        Fact::Task(_) => matches!(command, Command::ReadDrain | Command::ReadBack(_)),
        Fact::Sought(_) => matches!(command, Command::Seek(..)),
        Fact::Fenced { .. } | Fact::NoLock { .. } => {
            matches!(command, Command::Fence { .. } | Command::Close { .. })
        }
        Fact::Expired => matches!(command, Command::Close { .. }),
        Fact::OtherEpoch(_) => matches!(command, Command::Open { .. }),
        Fact::Identities(_) => matches!(command, Command::ReadIdentities),
        Fact::Checked(_) => matches!(command, Command::Check(_)),
        Fact::Captured(_) => matches!(command, Command::Capture(..)),
        Fact::Probed(_) => matches!(command, Command::Probe),
        Fact::Done => is_done(command),
        Fact::Failed(..) => !is_of_service(command),
        Fact::Refused(_) => is_of_service(command) || matches!(command, Command::Check(_)),
    }
}

/// Tells whether a command has no answer but that it was done.
fn is_done(command: &Command) -> bool {
    matches!(
        command,
        Command::Prepare(..)
            | Command::Mark(..)
            | Command::Release(..)
            | Command::SetIdentities(..)
            | Command::Open { .. }
            | Command::Record(..)
            | Command::Tell(_)
            | Command::StopDrain
            | Command::MakeBack(..)
            | Command::StartBack(..)
            | Command::StopBack(_)
            | Command::RemoveBack(_)
    )
}

/// Tells whether a command reaches a service, and no database.
fn is_of_service(command: &Command) -> bool {
    matches!(
        command,
        Command::ReadDrain
            | Command::Tell(_)
            | Command::StopDrain
            | Command::ReadBack(_)
            | Command::MakeBack(..)
            | Command::StartBack(..)
            | Command::StopBack(_)
            | Command::RemoveBack(_)
    )
}
