//! What is wished, and the chores that it comes to.

use std::time::Duration;

use crate::validation::side::Side;

/// What is to be stopped and removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Who must be the writer, by what both databases say, before anything is touched. `None`: neither is looked at.
    pub writer: Option<Side>,
    /// Tasks that are stopped, in this order.
    pub tasks: Vec<String>,
    /// Whether they are removed as well.
    pub delete_tasks: bool,
    /// Whether the noted place in the writer's log is given up. Its slot would keep the log until the disk is full.
    pub release: bool,
    /// The ARN of the instance that is removed, if it is to be.
    pub instance: Option<String>,
    /// Whether what is ours is removed from the writer's database. The other side keeps its fence for ever.
    pub remove_control: bool,
    /// How long a task may take to stop, or to go: DMS finishes what it has in hand first.
    pub limit: Duration,
    /// How often DMS is asked meanwhile.
    pub poll: Duration,
}

/// One thing to do. What is performed and what a preview shows are both made of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// See who the writer is.
    Look(Side),
    /// Write into the journal that it begins: from here on there is no way back.
    Begin(Side),
    /// Have a task stopped.
    Stop(String),
    /// Have a task removed.
    Delete(String),
    /// Give up the noted place in the log of a side.
    Release(Side),
    /// Have an instance removed.
    DeleteInstance(String),
    /// Write into the journal that it is done.
    End(Side),
    /// Remove what is ours from a side.
    Remove(Side),
}

/// The step under which the journal says that a migration is being finalized: there is no way back any more.
pub const BEGUN: &str = "finalize";

/// The step under which the journal says that a migration is finalized.
pub const DONE: &str = "finalized";

impl Chore {
    /// Says what it does, for people.
    pub fn text(&self) -> String {
        match self {
            Self::Look(side) => format!("see that the {side} is the writer, by both databases"),
            Self::Begin(side) => format!("note on the {side} that the way back ends"),
            Self::Stop(arn) => format!("stop the task `{arn}`"),
            Self::Delete(arn) => format!("remove the task `{arn}`"),
            Self::Release(side) => format!("give up the noted place in the log of the {side}"),
            Self::DeleteInstance(arn) => format!("remove the instance `{arn}`"),
            Self::End(side) => format!("note on the {side} that the migration is finalized"),
            Self::Remove(side) => format!("remove the control schema from the {side}"),
        }
    }
}

/// Makes the chores of a wish, in their order: a slot is in use as long as its task runs, and an instance as long as it has
/// tasks.
pub fn chores(spec: &Spec) -> Vec<Chore> {
    let mut chores = Vec::new();
    if let Some(writer) = spec.writer {
        // On the other side as well, where the journal stays for ever.
        let begin = [Chore::Begin(writer.other()), Chore::Begin(writer)];
        chores.push(Chore::Look(writer));
        chores.extend(begin);
    }
    chores.extend(spec.tasks.iter().cloned().map(Chore::Stop));
    if spec.delete_tasks {
        chores.extend(spec.tasks.iter().cloned().map(Chore::Delete));
    }
    if let Some(writer) = spec.writer.filter(|_| spec.release) {
        chores.push(Chore::Release(writer));
    }
    chores.extend(spec.instance.iter().cloned().map(Chore::DeleteInstance));
    if let Some(writer) = spec.writer {
        chores.extend([Chore::End(writer), Chore::End(writer.other())]);
        if spec.remove_control {
            chores.push(Chore::Remove(writer));
        }
    }
    chores
}
