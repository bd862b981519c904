//! The roles, what is known about them, and what can be asked and done.

use std::collections::BTreeMap;
use std::fmt;

use super::SETTLE;
use crate::{Failure, Timestamp};

/// The service that must be allowed to assume the roles. Source: docs/FIGURES.md, "DMS service roles".
const DMS: &str = "dms.amazonaws.com";

/// The call by which a service assumes a role, as trust policies name it.
const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The tag that says for whom a role was made.
pub const OWNER_TAG: &str = "cutover:owner";

/// The longest value of a tag, in characters. Source: docs/FIGURES.md, "IAM tags".
const TAG_VALUE_CHARS_MAX: usize = 256;

/// One of the two roles. Source of names and policies: docs/FIGURES.md, "DMS service roles".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Lets DMS place replication instances in a VPC.
    Vpc,
    /// Lets DMS write the logs of replication tasks.
    CloudwatchLogs,
}

impl Role {
    /// Both roles, in the order in which they are dealt with.
    pub const ALL: [Role; 2] = [Role::Vpc, Role::CloudwatchLogs];

    /// Returns the name by which DMS looks for it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Vpc => "dms-vpc-role",
            Role::CloudwatchLogs => "dms-cloudwatch-logs-role",
        }
    }

    /// Returns the name of the managed policy that must be attached to it.
    pub const fn policy_name(self) -> &'static str {
        match self {
            Role::Vpc => "AmazonDMSVPCManagementRole",
            Role::CloudwatchLogs => "AmazonDMSCloudWatchLogsRole",
        }
    }

    /// Returns the ARN of the managed policy in a partition such as `aws` or `aws-cn`.
    pub fn policy_arn(self, partition: &str) -> String {
        format!(
            "arn:{partition}:iam::aws:policy/service-role/{}",
            self.policy_name()
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the partition that an ARN names.
pub fn partition_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(1).filter(|part| !part.is_empty())
}

/// Returns the account that an ARN names: 12 digits.
pub fn account_of(arn: &str) -> Option<&str> {
    arn.split(':')
        .nth(4)
        .filter(|part| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// For whom a role is made: the value of [`OWNER_TAG`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// Names an owner. Characters that a tag cannot hold become `-`, and what is too long is cut.
    pub fn new(name: &str) -> Self {
        let allowed = |char: char| char.is_ascii_alphanumeric() || " _.:/=+-@".contains(char);
        let clean = name
            .chars()
            .map(|char| if allowed(char) { char } else { '-' });
        Self(clean.take(TAG_VALUE_CHARS_MAX).collect())
    }

    /// Returns the value of the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a role comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there before, or another stack was faster.
    Adopted,
    /// It was made for this owner, now or by an earlier attempt.
    Created,
}

/// What is known about a role that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFact {
    /// Its ARN; names partition and account.
    pub arn: String,
    /// Who may assume it.
    pub trust: TrustPolicy,
    /// What [`OWNER_TAG`] says.
    pub owner: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
}

impl RoleFact {
    /// Tells where the role comes from as seen by an owner.
    pub fn origin(&self, owner: &Owner) -> Origin {
        if self.owner.as_deref() == Some(owner.as_str()) {
            Origin::Created
        } else {
            Origin::Adopted
        }
    }

    /// Tells whether it was made so recently that IAM may not have caught up, and whoever makes it may not be done.
    ///
    /// A role from the future says that two clocks disagree; that much says nothing about its age.
    pub(super) fn is_fresh(&self, at: Timestamp) -> bool {
        at < self.made_at.after(SETTLE) && self.made_at <= at.after(SETTLE)
    }

    /// Tells whether this project made it, for whichever stack.
    pub fn made_by_cutover(&self) -> bool {
        self.owner.is_some()
    }
}

/// Who may assume a role, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustPolicy {
    /// The document's statements.
    Statements(Vec<Statement>),
    /// The document is not of a form that can be read.
    Unreadable,
}

/// One statement of a trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The services that it is about; `*` for everybody.
    pub services: Vec<String>,
    /// The calls that it is about.
    pub actions: Vec<String>,
    /// Whether it holds under conditions only.
    pub conditional: bool,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, which outweighs all that is allowed.
    Deny,
}

impl TrustPolicy {
    /// Returns the policy of the roles that are made here: DMS and nobody else.
    pub fn for_dms() -> Self {
        Self::Statements(vec![Statement {
            effect: Effect::Allow,
            services: vec![DMS.to_owned()],
            actions: vec![ASSUME_ROLE.to_owned()],
            conditional: false,
        }])
    }

    /// Tells whether DMS may assume the role. Other principals besides make no difference; a document that cannot be
    /// read admits nobody.
    ///
    /// Only DMS can tell whether its calls satisfy a condition. So an allowance counts with any condition, such as one
    /// on the account that DMS acts for, and a denial counts without conditions only.
    pub fn admits_dms(&self) -> bool {
        let Self::Statements(statements) = self else {
            return false;
        };
        let allows =
            |statement: &Statement| statement.effect == Effect::Allow && statement.names(&[DMS]);
        let denies = |statement: &Statement| {
            statement.effect == Effect::Deny
                && !statement.conditional
                && statement.names(&[DMS, "*"])
        };
        statements.iter().any(allows) && !statements.iter().any(denies)
    }
}

impl Statement {
    /// Tells whether it is about one of the services and about assuming the role.
    fn names(&self, services: &[&str]) -> bool {
        let action = |action: &String| {
            action == "*"
                || action.eq_ignore_ascii_case("sts:*")
                || action.eq_ignore_ascii_case(ASSUME_ROLE)
        };
        self.services
            .iter()
            .any(|service| services.contains(&service.as_str()))
            && self.actions.iter().any(action)
    }
}

/// What can be asked; changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The account that the credentials belong to, and its partition.
    Account,
    /// A role; answered with [`Fact::Role`].
    Role(Role),
    /// The policies attached to a role; answered with [`Fact::Policies`].
    Policies(Role),
}

/// What can be done; each is safe to do twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes a role; answered with [`Fact::Made`], or [`Fact::AlreadyThere`].
    Create {
        /// The role.
        role: Role,
        /// Who may assume it.
        trust: TrustPolicy,
        /// Its tags, the owner's among them.
        tags: BTreeMap<String, String>,
    },
    /// Attaches a managed policy to a role; answered with [`Fact::Attached`].
    Attach {
        /// The role.
        role: Role,
        /// The policy's ARN.
        policy_arn: String,
    },
}

/// What a machine asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To look.
    Fetch(Look),
    /// To change something.
    Apply(Act),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The account that the credentials belong to.
    Account {
        /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
        partition: String,
        /// The account's id: 12 digits.
        account: String,
    },
    /// The role as it is, or that there is none.
    Role(Option<RoleFact>),
    /// The ARNs of the policies attached to the role; `None` when there is no such role.
    Policies(Option<Vec<String>>),
    /// The role was made.
    Made(RoleFact),
    /// The role was not made because there is one of that name.
    AlreadyThere,
    /// The policy is attached; `false` when there is no such role.
    Attached(bool),
    /// The command came to nothing, or nobody knows what it came to.
    Failed(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(services: &[&str], actions: &[&str]) -> Statement {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Statement {
            effect: Effect::Allow,
            services: owned(services),
            actions: owned(actions),
            conditional: false,
        }
    }

    fn check(statements: Vec<Statement>, admits: bool) {
        assert_eq!(TrustPolicy::Statements(statements).admits_dms(), admits);
    }

    #[test]
    fn the_policy_made_here_admits_dms() {
        assert!(TrustPolicy::for_dms().admits_dms());
    }

    #[test]
    fn other_principals_besides_make_no_difference() {
        check(
            vec![allow(
                &[
                    "ec2.amazonaws.com",
                    "dms.eu-west-1.amazonaws.com",
                    "dms.amazonaws.com",
                ],
                &["sts:AssumeRole"],
            )],
            true,
        );
        check(
            vec![
                allow(&["ec2.amazonaws.com"], &["sts:AssumeRole"]),
                allow(&["dms.amazonaws.com"], &["sts:*"]),
            ],
            true,
        );
    }

    #[test]
    fn another_service_or_another_action_does_not_admit_dms() {
        check(vec![], false);
        check(
            vec![allow(&["ec2.amazonaws.com"], &["sts:AssumeRole"])],
            false,
        );
        check(
            vec![allow(&["dms.eu-west-1.amazonaws.com"], &["sts:AssumeRole"])],
            false,
        );
        check(
            vec![allow(&["dms.amazonaws.com"], &["sts:TagSession"])],
            false,
        );
        assert!(!TrustPolicy::Unreadable.admits_dms());
    }

    #[test]
    fn a_denial_outweighs_an_allowance() {
        let ours = allow(&["dms.amazonaws.com"], &["sts:AssumeRole"]);
        for service in ["dms.amazonaws.com", "*"] {
            let deny = Statement {
                effect: Effect::Deny,
                ..allow(&[service], &["*"])
            };

            check(vec![ours.clone(), deny.clone()], false);
            check(
                vec![
                    ours.clone(),
                    Statement {
                        conditional: true,
                        ..deny
                    },
                ],
                true,
            );
        }
    }

    #[test]
    fn an_allowance_to_everybody_does_not_name_dms_and_one_under_a_condition_does() {
        check(vec![allow(&["*"], &["sts:AssumeRole"])], false);
        check(
            vec![Statement {
                conditional: true,
                ..allow(&["dms.amazonaws.com"], &["sts:AssumeRole"])
            }],
            true,
        );
    }

    #[test]
    fn an_arn_names_partition_and_account() {
        let arn = "arn:aws-cn:iam::123456789012:role/dms-vpc-role";

        assert_eq!(
            (partition_of(arn), account_of(arn)),
            (Some("aws-cn"), Some("123456789012"))
        );
        assert_eq!(
            (
                partition_of("nonsense"),
                account_of("arn:aws:iam::aws:policy/x")
            ),
            (None, None)
        );
    }

    #[test]
    fn an_owner_fits_into_a_tag() {
        assert_eq!(Owner::new("shop/dev/roles").as_str(), "shop/dev/roles");
        assert_eq!(Owner::new("a$b<ü>").as_str(), "a-b---");
        assert_eq!(Owner::new(&"x".repeat(300)).as_str().len(), 256);
    }
}
