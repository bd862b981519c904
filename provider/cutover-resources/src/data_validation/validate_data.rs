//! `validateData`: the same as the resource, as a question.

use pulumi_host::{Context, Error, Function, Problem};

use super::args::DataValidationArgs;
use super::conduct::{Ran, interrupted, run};
use super::state::DataValidationState;
use super::wish::ask;
use crate::provider::App;

/// Compares two live databases as `DataValidation` does, and returns the verdict whatever it is: a mismatch fails
/// nothing. It is asked in every preview, too; for long validations use the resource.
#[derive(Clone, Copy, Debug)]
pub struct ValidateData;

impl Function<App> for ValidateData {
    const NAME: &'static str = "validateData";

    type Args = DataValidationArgs;
    type Return = DataValidationState;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        problems.extend(ask(args, 0).problems);
    }

    async fn invoke(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Self::Return, Error> {
        match run(context, &args).await? {
            Ran::Done(_, state) => Ok(state),
            Ran::Stopped { stop, is_kept, .. } => Err(interrupted(stop, is_kept).into()),
        }
    }
}
