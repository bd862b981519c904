//! What is missing, and whether it may be added.

use std::collections::BTreeMap;

use super::role::{Origin, Owner, Role};
use super::survey::{Found, Standing, Surveyed};
use crate::Failure;

/// What the program wishes for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// For whom missing roles are made.
    pub owner: Owner,
    /// Tags of roles that are made.
    pub tags: BTreeMap<String, String>,
    /// Whether a role that somebody else made may get its policy when that is not attached.
    pub repair: bool,
    /// The account in which the roles were found before; `None` when this is the first time.
    pub account: Option<String>,
}

/// What will be done about one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Nothing: it is fit for DMS.
    Keep(Origin),
    /// Its managed policy will be attached.
    Attach(Origin),
    /// It will be made, with its policy.
    Create,
}

/// Why the roles cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A call came to nothing, as often as it was worth trying.
    Failed(Failure),
    /// DMS may not assume the role.
    NotTrusted {
        /// The role.
        role: Role,
        /// Its ARN.
        arn: String,
    },
    /// The managed policy is not attached to a role that somebody else made.
    PolicyMissing {
        /// The role.
        role: Role,
        /// Its ARN.
        arn: String,
        /// The policy's ARN.
        policy_arn: String,
    },
    /// The role was made or changed and not seen so in time.
    NotSeen {
        /// The role.
        role: Role,
        /// How often it was looked at.
        looks: u32,
    },
    /// The credentials belong to another account than the one where the roles were found before.
    OtherAccount {
        /// The account where the roles were found.
        expected: String,
        /// The account of the credentials.
        found: String,
    },
}

/// Says what will be done about each role.
///
/// # Errors
/// The first obstacle; nothing may be done then.
pub fn plan(surveyed: &Surveyed, wish: &Wish) -> Result<BTreeMap<Role, Intent>, Obstacle> {
    if let Some(expected) = &wish.account
        && *expected != surveyed.account.id
    {
        return Err(Obstacle::OtherAccount {
            expected: expected.clone(),
            found: surveyed.account.id.clone(),
        });
    }
    let intent = |(role, found): (&Role, &Found)| {
        let role = *role;
        let Found::There { fact, standing } = found else {
            return Ok((role, Intent::Create));
        };
        let (origin, arn) = (fact.origin(&wish.owner), fact.arn.clone());
        match standing {
            Standing::Ready => Ok((role, Intent::Keep(origin))),
            Standing::PolicyMissing if wish.repair || fact.made_by_cutover() => {
                Ok((role, Intent::Attach(origin)))
            }
            Standing::PolicyMissing => {
                let policy_arn = role.policy_arn(&surveyed.account.partition);
                Err(Obstacle::PolicyMissing {
                    role,
                    arn,
                    policy_arn,
                })
            }
            Standing::NotTrusted => Err(Obstacle::NotTrusted { role, arn }),
        }
    };
    surveyed.roles.iter().map(intent).collect()
}
