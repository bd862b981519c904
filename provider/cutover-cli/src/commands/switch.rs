//! Sets the kill switch: a parameter that the running shift reads.

use std::fmt;

use cutover_core::shift::facts::Control;
use serde::Serialize;

use crate::calls::{look, stopped};
use crate::cli::{ApproveArgs, HoldArgs, ResumeArgs, SwitchArgs};
use crate::console::Console;
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Switched {
    parameter: String,
    before: String,
    after: String,
    changed: bool,
}

pub(crate) async fn hold(
    args: &HoldArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let wish = format!("hold: {}", args.reason.reason);
    set(&args.switch, &wish, here, console).await
}

pub(crate) async fn resume(
    args: &ResumeArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    set(&args.switch, "run", here, console).await
}

pub(crate) async fn approve(
    args: &ApproveArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let wish = format!("approve: {}", args.step);
    set(&args.switch, &wish, here, console).await
}

pub(crate) async fn rollback(
    parameter: &str,
    reason: &str,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let switch = SwitchArgs {
        parameter: parameter.to_owned(),
        force: false,
    };
    set(&switch, &format!("rollback: {reason}"), here, console).await
}

async fn set(
    switch: &SwitchArgs,
    wish: &str,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let parameter = &switch.parameter;
    let parameters = &here.traffic.parameters;
    let place = format!("parameter `{parameter}`");
    let Some(before) = look(here, || parameters.fetch(parameter)).await? else {
        let message = "there is no such parameter, so no shift reads it";
        return Err(Problem::new(186, Exit::Failed, message).at(place).next(format!(
            "check `control.ssmParameter` of the shift; to make it: aws ssm put-parameter --type String --value run --name {parameter}"
        )));
    };
    let changed = match judge(&before, wish) {
        Judged::Same => false,
        Judged::Opposed(why) if !switch.force => {
            return Err(
                Problem::new(187, Exit::Finding, format!("the switch says `{before}`"))
                    .at(place)
                    .next(why),
            );
        }
        Judged::Set | Judged::Opposed(_) => true,
    };
    if changed {
        if here.stop.is_cancelled() {
            return Err(stopped());
        }
        let put = parameters.put(parameter, wish).await;
        put.map_err(|failure| Problem::from(failure).at(place))?;
    }
    console.report(&Switched {
        parameter: parameter.clone(),
        after: if changed {
            wish.to_owned()
        } else {
            before.clone()
        },
        before,
        changed,
    });
    Ok(Exit::Done)
}

/// What is to become of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Judged {
    /// It says so already.
    Same,
    /// It is set.
    Set,
    /// Somebody has asked for something that would be undone; what to do.
    Opposed(&'static str),
}

/// Decides what becomes of a switch that says something already. Nobody takes a rollback back by accident, and an
/// approval does not set a held shift going.
fn judge(before: &str, wish: &str) -> Judged {
    match (Control::parse(before), Control::parse(wish)) {
        (before, wish) if before == wish => Judged::Same,
        (Control::Rollback(_), Control::Rollback(_)) => Judged::Same,
        (Control::Rollback(_), _) => Judged::Opposed(
            "a rollback cannot be taken back once the shift has read it; `--force` replaces the wish",
        ),
        (Control::Hold(_), Control::Approve(_)) => {
            Judged::Opposed("`cutover resume` first, or replace the hold with `--force`")
        }
        (Control::Garbage(_), Control::Run) => {
            Judged::Opposed("look who wrote this; `--force` replaces it")
        }
        _ => Judged::Set,
    }
}

impl fmt::Display for Switched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changed {
            writeln!(
                f,
                "{}: {} (was: {})",
                self.parameter, self.after, self.before
            )
        } else {
            writeln!(
                f,
                "{}: already {}, nothing was written",
                self.parameter, self.before
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_so_when_the_switch_says_so_already() {
        assert_eq!(judge("run\n", "run"), Judged::Same);
        assert_eq!(judge("hold: a", "hold: a"), Judged::Same);
        assert_eq!(judge("rollback: one", "rollback: two"), Judged::Same);
    }

    #[test]
    fn takes_no_rollback_back_and_sets_no_held_shift_going_by_accident() {
        for wish in ["run", "hold: a", "approve: 1"] {
            assert!(
                matches!(judge("rollback: b", wish), Judged::Opposed(_)),
                "{wish}"
            );
        }
        assert!(matches!(judge("hold: a", "approve: 1"), Judged::Opposed(_)));
    }

    #[test]
    fn otherwise_the_latest_wish_counts() {
        assert_eq!(judge("run", "hold: a"), Judged::Set);
        assert_eq!(judge("hold: a", "run"), Judged::Set);
        assert_eq!(judge("approve: 1", "approve: 2"), Judged::Set);
        assert_eq!(judge("what", "rollback: b"), Judged::Set);
    }
}
