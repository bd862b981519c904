//! Functions: one that answers, and one that never does.

use pulumi_host::{Context, Error, Function, Problem};
use pulumi_value::PropertyPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Joins words.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct JoinArgs {
    /// The words.
    pub words: Vec<String>,
    /// What stands between them.
    pub separator: Option<String>,
}

/// The joined words.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Joined {
    /// The text.
    pub text: String,
}

/// The function that joins.
#[derive(Debug)]
pub struct Join;

impl<A: Send + Sync + 'static> Function<A> for Join {
    const NAME: &'static str = "join";
    type Args = JoinArgs;
    type Return = Joined;

    fn check(&self, args: &JoinArgs, problems: &mut Vec<Problem>) {
        if args.words.is_empty() {
            problems.push(Problem::new(
                PropertyPath::root().key("words"),
                "must not be empty",
            ));
        }
    }

    async fn invoke(&self, _: &Context<A>, args: JoinArgs) -> Result<Joined, Error> {
        Ok(Joined {
            text: args.words.join(args.separator.as_deref().unwrap_or(" ")),
        })
    }
}

/// Waits for an answer that never comes, as a service that hangs does.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct StallArgs {}

/// The function that waits.
#[derive(Debug)]
pub struct Stall;

impl<A: Send + Sync + 'static> Function<A> for Stall {
    const NAME: &'static str = "stall";
    type Args = StallArgs;
    type Return = Joined;

    async fn invoke(&self, _: &Context<A>, _: StallArgs) -> Result<Joined, Error> {
        std::future::pending().await
    }
}
