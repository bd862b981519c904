//! IAM in plain maps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_core::service_roles::{
    Act, Command, Fact, Look, OWNER_TAG, Role, RoleFact, TrustPolicy,
};
use cutover_core::{Failure, FailureClass, Timestamp};
use cutover_driver::{Clock, ServiceRoles};
use futures_util::future::BoxFuture;

use crate::SimClock;

/// How long every call takes.
const CALL: Duration = Duration::from_millis(40);

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Asking whose credentials these are.
    FetchAccount,
    /// Reading a role.
    FetchRole,
    /// Reading a role's policies.
    FetchPolicies,
    /// Making a role.
    Create,
    /// Attaching a policy.
    Attach,
}

impl Call {
    /// Every kind of call.
    pub const ALL: [Call; 5] = [
        Call::FetchAccount,
        Call::FetchRole,
        Call::FetchPolicies,
        Call::Create,
        Call::Attach,
    ];

    fn of(command: &Command) -> Self {
        match command {
            Command::Fetch(Look::Account) => Call::FetchAccount,
            Command::Fetch(Look::Role(_)) => Call::FetchRole,
            Command::Fetch(Look::Policies(_)) => Call::FetchPolicies,
            Command::Apply(Act::Create { .. }) => Call::Create,
            Command::Apply(Act::Attach { .. }) => Call::Attach,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Call::FetchAccount => "sts:GetCallerIdentity",
            Call::FetchRole => "iam:GetRole",
            Call::FetchPolicies => "iam:ListAttachedRolePolicies",
            Call::Create => "iam:CreateRole",
            Call::Attach => "iam:AttachRolePolicy",
        }
    }
}

/// What happens instead of, or besides, the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The call fails so, without effect.
    Fails(FailureClass),
    /// The call takes effect, and its answer is lost.
    AnswerLost,
    /// Just before the call another stack makes the role, complete with its policy.
    RivalFirst,
}

/// A line of a fault script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of call.
    pub call: Call,
    /// The first of those calls that it hits, from 1.
    pub occurrence: usize,
    /// How many in a row it hits.
    pub times: usize,
    /// What happens.
    pub what: Happening,
}

/// A call that was made and what it was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The command.
    pub command: Command,
    /// The answer.
    pub fact: Fact,
}

/// An account's roles, and how they behave.
#[derive(Clone, Debug, Default)]
pub struct SimIam {
    account: String,
    roles: BTreeMap<Role, Kept>,
    lag: Duration,
    script: Vec<Fault>,
    trace: Vec<Traced>,
}

#[derive(Clone, Debug)]
struct Kept {
    fact: RoleFact,
    visible_from: Timestamp,
    policies: Vec<(String, Timestamp)>,
}

impl SimIam {
    /// Makes an account without roles.
    pub fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            ..Self::default()
        }
    }

    /// Shows changes only so long after they were made.
    #[must_use]
    pub fn lagging(self, lag: Duration) -> Self {
        Self { lag, ..self }
    }

    /// Follows a script from now on; occurrences count from the very first call.
    #[must_use]
    pub fn scripted(self, script: impl Into<Vec<Fault>>) -> Self {
        Self {
            script: script.into(),
            ..self
        }
    }

    /// Puts a role there that has existed for long.
    #[must_use]
    pub fn with_role(mut self, role: Role, trust: TrustPolicy, attached: bool) -> Self {
        self.put(role, trust, attached, Timestamp::default());
        self
    }

    /// Returns every call so far.
    pub fn trace(&self) -> &[Traced] {
        &self.trace
    }

    /// Returns the commands so far that change something.
    pub fn acts(&self) -> Vec<&Act> {
        let acts = self
            .trace
            .iter()
            .filter_map(|traced| match &traced.command {
                Command::Apply(act) => Some(act),
                Command::Fetch(_) => None,
            });
        acts.collect()
    }

    /// Returns what really is there: the role, and whether its policy is attached.
    pub fn really(&self, role: Role) -> Option<(&RoleFact, bool)> {
        self.roles
            .get(&role)
            .map(|kept| (&kept.fact, !kept.policies.is_empty()))
    }

    fn put(&mut self, role: Role, trust: TrustPolicy, attached: bool, at: Timestamp) {
        let fact = RoleFact {
            arn: format!("arn:aws:iam::{}:role/{role}", self.account),
            trust,
            owner: None,
            made_at: at,
        };
        let policies = if attached {
            vec![(role.policy_arn("aws"), at)]
        } else {
            vec![]
        };
        self.roles.insert(
            role,
            Kept {
                fact,
                visible_from: at,
                policies,
            },
        );
    }

    /// Performs a command at a moment.
    pub fn perform(&mut self, command: &Command, now: Timestamp) -> Fact {
        let call = Call::of(command);
        let occurrence = self
            .trace
            .iter()
            .filter(|traced| Call::of(&traced.command) == call)
            .count()
            + 1;
        let hit = |fault: &&Fault| {
            fault.call == call
                && (fault.occurrence..fault.occurrence + fault.times).contains(&occurrence)
        };
        let what = self.script.iter().find(hit).map(|fault| fault.what);
        let failed = |class| {
            Fact::Failed(Failure {
                class,
                action: call.action(),
                message: "scripted".to_owned(),
            })
        };
        let fact = match what {
            Some(Happening::Fails(class)) => failed(class),
            Some(Happening::AnswerLost) => {
                self.ordinary(command, now);
                failed(FailureClass::Unknown)
            }
            Some(Happening::RivalFirst) => {
                if let Command::Apply(Act::Create { role, .. }) = command
                    && !self.roles.contains_key(role)
                {
                    self.put(*role, TrustPolicy::for_dms(), true, now);
                }
                self.ordinary(command, now)
            }
            None => self.ordinary(command, now),
        };
        self.trace.push(Traced {
            command: command.clone(),
            fact: fact.clone(),
        });
        fact
    }

    fn ordinary(&mut self, command: &Command, now: Timestamp) -> Fact {
        let visible = |from: Timestamp| from <= now;
        match command {
            Command::Fetch(Look::Account) => Fact::Account {
                partition: "aws".to_owned(),
                account: self.account.clone(),
            },
            Command::Fetch(Look::Role(role)) => {
                let kept = self
                    .roles
                    .get(role)
                    .filter(|kept| visible(kept.visible_from));
                Fact::Role(kept.map(|kept| kept.fact.clone()))
            }
            Command::Fetch(Look::Policies(role)) => {
                let kept = self
                    .roles
                    .get(role)
                    .filter(|kept| visible(kept.visible_from));
                Fact::Policies(kept.map(|kept| {
                    let seen = kept.policies.iter().filter(|(_, from)| visible(*from));
                    seen.map(|(arn, _)| arn.clone()).collect()
                }))
            }
            // IAM knows at once which names are taken.
            Command::Apply(Act::Create { role, .. }) if self.roles.contains_key(role) => {
                Fact::AlreadyThere
            }
            Command::Apply(Act::Create { role, trust, tags }) => {
                self.put(*role, trust.clone(), false, now);
                let visible_from = now.after(self.lag);
                match self.roles.get_mut(role) {
                    Some(kept) => {
                        kept.fact.owner = tags.get(OWNER_TAG).cloned();
                        kept.visible_from = visible_from;
                        Fact::Made(kept.fact.clone())
                    }
                    None => Fact::AlreadyThere,
                }
            }
            Command::Apply(Act::Attach { role, policy_arn }) => {
                let from = now.after(self.lag);
                let kept = self.roles.get_mut(role);
                if let Some(kept) = kept {
                    if !kept.policies.iter().any(|(arn, _)| arn == policy_arn) {
                        kept.policies.push((policy_arn.clone(), from));
                    }
                    Fact::Attached(true)
                } else {
                    Fact::Attached(false)
                }
            }
        }
    }
}

/// The simulated IAM behind the port of the driver. Clones show the same account.
#[derive(Clone, Debug)]
pub struct SimServiceRoles {
    iam: Arc<Mutex<SimIam>>,
    clock: SimClock,
}

impl SimServiceRoles {
    /// Puts an account behind the port.
    pub fn new(iam: SimIam, clock: SimClock) -> Self {
        Self {
            iam: Arc::new(Mutex::new(iam)),
            clock,
        }
    }

    /// Gives access to the account.
    pub fn iam(&self) -> MutexGuard<'_, SimIam> {
        self.iam.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, command: &Command) -> BoxFuture<'static, Fact> {
        self.clock.pass(CALL);
        let fact = self.iam().perform(command, self.clock.now());
        Box::pin(std::future::ready(fact))
    }
}

impl ServiceRoles for SimServiceRoles {
    fn fetch<'a>(&'a self, look: &'a Look) -> BoxFuture<'a, Fact> {
        self.perform(&Command::Fetch(look.clone()))
    }

    fn apply<'a>(&'a self, act: &'a Act) -> BoxFuture<'a, Fact> {
        self.perform(&Command::Apply(act.clone()))
    }
}
