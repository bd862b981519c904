//! The children, in the order in which writer and traffic move.

use futures_util::future::join;
use pulumi_host::{Child, Component, Construction, Error, Problem};
use pulumi_value::{Output, PropertyPath, Secret};

use super::args::{MigrationCutoverArgs, MigrationGoal, WriterPlacement};
use super::children::Inputs;
use super::outputs::{Children, MigrationCutoverOutputs};
use crate::code::Code;
use crate::data_validation::Reader;
use crate::provider::App;

/// Replication, validation, the switch of the writer and the shift of traffic, as one declared goal.
#[derive(Clone, Copy, Debug)]
pub struct MigrationCutover;

impl Component<App> for MigrationCutover {
    const NAME: &'static str = "MigrationCutover";

    type Args = MigrationCutoverArgs;
    type Outputs = MigrationCutoverOutputs;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        let root = PropertyPath::root();
        if args.placement == WriterPlacement::PartitionedWriters {
            let reason = format!(
                "{}: with two databases that take writes nothing prevents a row from being written on both, and nothing can \
                 tell afterwards which of them is right; choose `sharedWriter`, `sharedWriterFirst` or `drainAndSwitch`",
                Code::SwitchTwoWriters
            );
            problems.push(Problem::new(root.key("placement"), reason));
        }
        let mut reader = Reader::new(Code::MigrationMalformed);
        args.given().check(&mut reader, &root);
        problems.extend(reader.problems);
    }

    async fn construct(
        &self,
        construction: &Construction<App>,
        args: Self::Args,
    ) -> Result<Self::Outputs, Error> {
        let children = if args.goal == MigrationGoal::RolledBack {
            back(construction, &args).await?
        } else {
            forth(construction, &args).await?
        };
        children.outputs(args.goal)
    }
}

/// Registers a child behind others.
async fn register(
    construction: &Construction<App>,
    name: &str,
    role: &str,
    inputs: Inputs,
    behind: &[&Child],
) -> Result<Child, Error> {
    let token = format!("cutover:index:{name}");
    let child = construction
        .child(&token, role)
        .inputs(&inputs.into_map())
        .timeouts(construction.timeouts());
    let child = behind
        .iter()
        .fold(child, |child, other| child.depends_on(other));
    child.register().await
}

/// Towards the goal.
async fn forth(
    construction: &Construction<App>,
    args: &MigrationCutoverArgs,
) -> Result<Children, Error> {
    let inputs = args.replication()?;
    let replication = register(construction, "Replication", "replication", inputs, &[]).await?;
    let mut children = Children {
        replication,
        before: None,
        shift: None,
        switch: None,
        after: None,
        finalization: None,
    };
    if args.goal == MigrationGoal::Replicating {
        return Ok(children);
    }
    let behind = [&children.replication];
    let before = register(
        construction,
        "DataValidation",
        "before",
        args.before()?,
        &behind,
    )
    .await?;
    if args.goal == MigrationGoal::Validated {
        children.before = Some(before);
        return Ok(children);
    }
    let proof: Output<Option<Secret<String>>> = before.output("proofState")?;
    let is_last = args.placement == WriterPlacement::SharedWriter;
    if is_last && let Some(inputs) = args.shift(None)? {
        let behind = [&children.replication, &before];
        let shift = register(construction, "WeightedShift", "shift", inputs, &behind).await?;
        children.shift = Some(shift);
    }
    let shifted = children.shift.as_ref().map(shifted).transpose()?;
    let inputs = args.switch(Some(proof), shifted)?;
    let mut behind = vec![&children.replication, &before];
    behind.extend(&children.shift);
    let switch = register(construction, "WriterSwitch", "switch", inputs, &behind).await?;
    children.before = Some(before);
    let waits = waits(&switch)?;
    children.switch = Some(switch);
    if waits {
        construction.log().info(
            "the switch waits, with everything as it was; what comes after it begins once the writer has changed",
        );
        return Ok(children);
    }
    behind_the_switch(construction, args, children).await
}

/// What comes after the writer has changed.
async fn behind_the_switch(
    construction: &Construction<App>,
    args: &MigrationCutoverArgs,
    mut children: Children,
) -> Result<Children, Error> {
    let Some(switch) = &children.switch else {
        return Ok(children);
    };
    if children.shift.is_none() {
        let policy: Output<String> = switch.output("writePolicy")?;
        if let Some(inputs) = args.shift(Some(&policy))? {
            let shift = register(construction, "WeightedShift", "shift", inputs, &[switch]).await?;
            children.shift = Some(shift);
        }
    }
    // Without a replication back the source knows nothing of what the target has been told.
    let has_back = args
        .switch
        .as_ref()
        .is_some_and(|switch| switch.back.is_some());
    if has_back {
        let mut behind = vec![switch];
        behind.extend(&children.shift);
        let inputs = args.after()?;
        let after = register(construction, "DataValidation", "after", inputs, &behind).await?;
        children.after = Some(after);
    }
    if args.goal == MigrationGoal::Finalized {
        let mut behind = vec![switch];
        behind.extend(children.shift.iter().chain(&children.after));
        let inputs = args.finalization(switch)?;
        let last = register(
            construction,
            "Finalization",
            "finalization",
            inputs,
            &behind,
        )
        .await?;
        children.finalization = Some(last);
    }
    Ok(children)
}

/// Back to the source, and to old. With a shared writer traffic needs nothing from the switch and goes at once; else old can
/// only write once the source does.
async fn back(
    construction: &Construction<App>,
    args: &MigrationCutoverArgs,
) -> Result<Children, Error> {
    let switching = async {
        let inputs = args.switch(None, None)?;
        register(construction, "WriterSwitch", "switch", inputs, &[]).await
    };
    let shifting = async |policy: Option<Output<String>>, behind: &[&Child]| match args
        .shift(policy.as_ref())?
    {
        Some(inputs) => {
            let shift = register(construction, "WeightedShift", "shift", inputs, behind).await?;
            Ok::<_, Error>(Some(shift))
        }
        None => Ok(None),
    };
    let (switch, shift) = if args.is_shared() {
        let (switch, shift) = join(switching, shifting(None, &[])).await;
        (switch?, shift?)
    } else {
        let switch = switching.await?;
        let policy = switch.output("writePolicy")?;
        let shift = shifting(Some(policy), &[&switch]).await?;
        (switch, shift)
    };
    let inputs = args.replication()?;
    let behind = [&switch];
    let replication = register(construction, "Replication", "replication", inputs, &behind).await?;
    Ok(Children {
        replication,
        before: None,
        shift,
        switch: Some(switch),
        after: None,
        finalization: None,
    })
}

/// Tells whether all of the traffic is on new.
fn shifted(shift: &Child) -> Result<Output<bool>, Error> {
    let phase: Output<String> = shift.output("phase")?;
    Ok(phase.map(|phase| phase == "Completed"))
}

/// Tells whether the switch has not taken place although nothing failed; what is not known yet is shown as if it would.
fn waits(switch: &Child) -> Result<bool, Error> {
    let phase: Output<String> = switch.output("phase")?;
    Ok(phase.get().is_some_and(|phase| phase == "held"))
}
