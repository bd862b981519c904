//! What a move can be asked for on its way.

use super::{At, Stage, Switch};
use crate::validation::side::Side;
use crate::writer_switch::events::Event;
use crate::writer_switch::facts::{Command, Known};

/// Where a move stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The part of the move: the name of a step, `look`, `prepare`, `callOff` or `done`.
    pub phase: &'static str,
    /// One line, the most important words first.
    pub text: String,
}

impl At {
    pub(super) fn phase(&self) -> &'static str {
        match self {
            Self::Looking => "look",
            Self::Preparing(_) => "prepare",
            Self::Mending { .. } => "callOff",
            Self::Step(step) => step.name(),
        }
    }
}

impl Switch {
    /// Returns what this run has come to know.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Returns where it stands.
    pub fn standing(&self) -> Standing {
        match &self.stage {
            Stage::Doing(at, command) => Standing {
                phase: at.phase(),
                text: self.render(command),
            },
            Stage::Waiting { why, at, .. } => Standing {
                phase: at.phase(),
                text: why.clone(),
            },
            Stage::Done(_) => Standing {
                phase: "done",
                text: match self.writer() {
                    Some(writer) => format!("the {writer} writes, epoch {}", self.epoch),
                    None => "nothing was begun".to_owned(),
                },
            },
        }
    }

    /// Returns what happened since this was asked last, the latest last.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns the steps that were done, each as the line of the plan, and what was done besides.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Returns the writer as far as this run knows; `None` before the first look.
    pub fn writer(&self) -> Option<Side> {
        self.seen.as_ref()?;
        Some(if self.after.is_some() {
            self.spec.writer
        } else {
            self.spec.former()
        })
    }

    /// Returns how often the writer has changed, as far as this run knows.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Says what is being done.
    fn render(&self, command: &Command) -> String {
        let (former, new) = (self.spec.former(), self.spec.writer);
        match command {
            Command::Look { .. } => "looking at both sides".to_owned(),
            Command::Prepare(side, _) => format!("making the fence of the {side}"),
            Command::ReadDrain => "reading the replication".to_owned(),
            Command::Mark(side, _) => format!("writing a marker on the {side}"),
            Command::Seek(side, ..) => format!("waiting for the marker on the {side}"),
            Command::Fence { side, .. } => format!("closing the {side} for a time"),
            Command::ReadIdentities => "reading identities of both sides".to_owned(),
            Command::Check(_) => "comparing both sides".to_owned(),
            Command::Capture(side, _) => format!("noting the place in the log of the {side}"),
            Command::Release(side, _) => format!("giving up a place in the log of the {side}"),
            Command::SetIdentities(side, _) => format!("setting identities of the {side}"),
            Command::Close { side, .. } => format!("closing the {side} for good"),
            Command::Open { side, .. } if *side == new => format!("opening the {side}"),
            Command::Open { side, .. } => format!("opening the {side} again"),
            Command::Record(side, ..) => format!("telling the {side} who writes"),
            Command::Probe => "trying a write on both sides".to_owned(),
            Command::Tell(side) => format!("having the setting name the {side}"),
            Command::StopDrain => format!("stopping the replication from the {former}"),
            Command::ReadBack(_) => "reading the replication back".to_owned(),
            Command::MakeBack(..) => "making the replication back".to_owned(),
            Command::StartBack(..) => "starting the replication back".to_owned(),
            Command::StopBack(_) => "stopping the replication back".to_owned(),
            Command::RemoveBack(_) => "removing the replication back".to_owned(),
        }
    }
}
