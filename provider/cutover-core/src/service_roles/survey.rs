//! Looking at the account and both roles, without changing anything.

use std::collections::BTreeMap;

use super::role::{Fact, Look, Role, RoleFact};
use super::{LOOKS_MAX, Obstacle, SETTLE};
use crate::machine::{IllegalFact, Machine, Next, Why};
use crate::{Backoff, Timestamp};

/// The account that the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The account's id: 12 digits.
    pub id: String,
}

/// What a look at one role has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is no such role.
    Missing,
    /// There is one.
    There {
        /// What is known about it.
        fact: RoleFact,
        /// How fit it is.
        standing: Standing,
    },
}

/// How fit an existing role is for DMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// DMS may assume it and its policy is attached.
    Ready,
    /// DMS may assume it, but the managed policy is not attached.
    PolicyMissing,
    /// DMS may not assume it.
    NotTrusted,
}

/// What was found of both roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Where it was looked.
    pub account: Account,
    /// One entry per role.
    pub roles: BTreeMap<Role, Found>,
}

impl Surveyed {
    /// Returns until when roles that are complete should be left alone: one of them was made so recently that IAM may
    /// not show it everywhere. `None` when nothing has to settle; what is not complete must be acted on first.
    pub fn settles_at(&self, now: Timestamp) -> Option<Timestamp> {
        let made = |found: &Found| match found {
            Found::There {
                fact,
                standing: Standing::Ready,
            } => Some((fact.made_at.min(now), fact.is_fresh(now))),
            _ => None,
        };
        let made: Option<Vec<_>> = self.roles.values().map(made).collect();
        let fresh = made?.into_iter().filter(|(_, fresh)| *fresh);
        fresh.map(|(at, _)| at.after(SETTLE)).max()
    }
}

/// Looks at the account and both roles.
#[derive(Clone, Debug)]
pub struct Survey {
    patience: Backoff,
    account: Option<Account>,
    roles: BTreeMap<Role, Found>,
    stage: Stage,
    failures: u32,
    looks: u32,
}

#[derive(Clone, Debug)]
enum Stage {
    Account,
    Role(Role),
    Policies(Role, RoleFact),
    Pause {
        until: Timestamp,
        why: Why,
        then: Box<Stage>,
    },
    Done(Result<Surveyed, Obstacle>),
}

impl Survey {
    /// Begins a survey that tolerates as many failures as `patience` says.
    pub fn new(patience: Backoff) -> Self {
        Self {
            patience,
            account: None,
            roles: BTreeMap::new(),
            stage: Stage::Account,
            failures: 0,
            looks: 0,
        }
    }

    /// Takes note of a role and goes on to the next one.
    fn found(&mut self, role: Role, found: Found) {
        self.roles.insert(role, found);
        self.stage = match (
            Role::ALL
                .into_iter()
                .find(|role| !self.roles.contains_key(role)),
            self.account.clone(),
        ) {
            (Some(next), _) => Stage::Role(next),
            (None, Some(account)) => Stage::Done(Ok(Surveyed {
                account,
                roles: self.roles.clone(),
            })),
            // Roles are looked at only after the account.
            (None, None) => Stage::Account,
        };
    }

    fn policies(&mut self, role: Role, fact: RoleFact, attached: Option<&[String]>, at: Timestamp) {
        let standing = match attached {
            // It went away between two looks.
            None => return self.found(role, Found::Missing),
            Some(_) if !fact.trust.admits_dms() => Standing::NotTrusted,
            Some(arns) if has_policy(role, arns) => Standing::Ready,
            Some(_) => Standing::PolicyMissing,
        };
        self.looks = self.looks.saturating_add(1);
        if standing == Standing::PolicyMissing && fact.is_fresh(at) && self.looks < LOOKS_MAX {
            // Whoever is just making the role attaches the policy in a second call.
            let why = Why {
                phase: "look",
                text: format!("waiting for the policy of the new role `{role}`"),
            };
            self.stage = Stage::Pause {
                until: fact.made_at.after(SETTLE),
                why,
                then: Box::new(Stage::Role(role)),
            };
            return;
        }
        self.found(role, Found::There { fact, standing });
    }
}

/// Tells whether the role's managed policy is among those attached, in whichever partition.
pub(super) fn has_policy(role: Role, attached: &[String]) -> bool {
    let suffix = format!(":iam::aws:policy/service-role/{}", role.policy_name());
    attached.iter().any(|arn| arn.ends_with(&suffix))
}

impl Machine for Survey {
    type Command = Look;
    type Fact = Fact;
    type Outcome = Result<Surveyed, Obstacle>;

    fn next(&self) -> Next<Look, Self::Outcome> {
        match &self.stage {
            Stage::Account => Next::Do(Look::Account),
            Stage::Role(role) => Next::Do(Look::Role(*role)),
            Stage::Policies(role, _) => Next::Do(Look::Policies(*role)),
            Stage::Pause { until, why, .. } => Next::WaitUntil {
                at: *until,
                why: why.clone(),
            },
            Stage::Done(result) => Next::Done(result.clone()),
        }
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        match (self.stage.clone(), fact) {
            (Stage::Account | Stage::Role(_) | Stage::Policies(..), Fact::Failed(failure)) => {
                self.failures = self.failures.saturating_add(1);
                let wait = self
                    .patience
                    .wait_after(self.failures)
                    .filter(|_| failure.class.may_pass());
                self.stage = match wait {
                    Some(wait) => Stage::Pause {
                        until: at.after(wait),
                        why: Why {
                            phase: "retry",
                            text: format!("trying `{}` again: {}", failure.action, failure.message),
                        },
                        then: Box::new(self.stage.clone()),
                    },
                    None => Stage::Done(Err(Obstacle::Failed(failure))),
                };
            }
            (Stage::Account, Fact::Account { partition, account }) => {
                self.account = Some(Account {
                    partition,
                    id: account,
                });
                self.stage = Stage::Role(Role::Vpc);
            }
            (Stage::Role(role), Fact::Role(None)) => self.found(role, Found::Missing),
            (Stage::Role(role), Fact::Role(Some(fact))) => self.stage = Stage::Policies(role, fact),
            (Stage::Policies(role, fact), Fact::Policies(attached)) => {
                self.policies(role, fact, attached.as_deref(), at);
            }
            (_, fact) => return Err(illegal(&self.next(), &fact)),
        }
        Ok(())
    }

    fn wake(&mut self, _at: Timestamp) -> Result<(), IllegalFact> {
        match &self.stage {
            Stage::Pause { then, .. } => {
                self.stage = then.as_ref().clone();
                Ok(())
            }
            Stage::Account | Stage::Role(_) | Stage::Policies(..) | Stage::Done(_) => {
                Err(illegal(&self.next(), &"the end of a wait"))
            }
        }
    }
}

/// Names what does not fit together.
pub(super) fn illegal(expected: &impl std::fmt::Debug, fact: &impl std::fmt::Debug) -> IllegalFact {
    IllegalFact {
        expected: format!("{expected:?}"),
        fact: format!("{fact:?}"),
    }
}
