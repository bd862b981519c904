//! The two roles that AWS DMS expects in every account, under names that cannot be chosen.
//!
//! DMS acts in an account through `dms-vpc-role` and `dms-cloudwatch-logs-role`. Each exists once in the account, so
//! every stack there shares them, and whoever comes first makes them. Hence the rules:
//!
//! - Look first, at both, and refuse before anything is changed.
//! - What exists is adopted if DMS may assume it and the managed policy is attached to it.
//! - A role that DMS may not assume belongs to somebody with another idea of it: it is refused and never overwritten.
//! - A role without its policy gets it when this project made the role, or when the program says so; an attachment
//!   adds a permission that DMS documents and takes nothing away.
//! - A role that does not exist is made. Another stack may win the race for it; then it is adopted.
//! - IAM is consistent only after a while: what was made counts when it was seen several times in a row and has
//!   settled.
//!
//! [`Survey`] looks, [`plan`] says what is missing, and [`Ensure`] does both and then acts. A preview shows the plan of
//! the same function. Each has a limit on everything. Nothing here removes a role.

mod ensure;
mod plan;
mod role;
mod survey;

pub use ensure::{Ended, Ensure, Journal};
pub use plan::{Intent, Obstacle, Wish, plan};
pub use role::{
    Act, Command, Effect, Fact, Look, OWNER_TAG, Origin, Owner, Role, RoleFact, Statement,
    TrustPolicy, account_of, partition_of,
};
pub use survey::{Account, Found, Standing, Survey, Surveyed};

use std::time::Duration;

use crate::Backoff;

/// Failures in a row and the waits between them: ours; about a minute in all, after which a person should look.
pub const PATIENCE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15), 8);

/// The same where somebody waits for a preview: ours; one more try for a passing fault.
pub const PATIENCE_OF_A_PREVIEW: Backoff =
    Backoff::new(Duration::from_millis(500), Duration::from_secs(1), 2);

/// How long a change of a role is left alone before the role counts as usable: ours, the pause that programs insert
/// by hand before a subnet group. IAM names no figure (docs/FIGURES.md, "IAM consistency").
pub const SETTLE: Duration = Duration::from_secs(10);

/// How often in a row a changed role must be seen complete: ours; each look may reach another replica.
pub const SEEN_MIN: u32 = 3;

/// The pause between two looks at a role that is not there yet: ours, well below the limits on calls to IAM.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often one role is looked at before giving up: ours; at one look a second, two minutes.
pub const LOOKS_MAX: u32 = 120;
