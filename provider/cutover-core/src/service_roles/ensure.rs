//! Looking, planning, and doing what is missing.

use std::collections::{BTreeMap, VecDeque};

use super::plan::{Intent, Obstacle, Wish, plan};
use super::role::{Act, Command, Fact, Look, OWNER_TAG, Role, RoleFact, TrustPolicy};
use super::survey::{Account, Found, Standing, Survey, has_policy, illegal};
use super::{LOOK_AGAIN, LOOKS_MAX, PATIENCE, SEEN_MIN, SETTLE};
use crate::machine::{IllegalFact, Machine, Next, Why};
use crate::{Failure, FailureClass, Timestamp};

/// What has been observed and done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// The account; `None` until it is known.
    pub account: Option<Account>,
    /// What was last seen of each role; empty until both have been looked at.
    pub roles: BTreeMap<Role, Found>,
    /// Whether anything was changed, or may have been.
    pub changed: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What has been observed and done.
    pub journal: Journal,
    /// Why the roles are not as wished; `None` when they are.
    pub obstacle: Option<Obstacle>,
}

/// Sees to it that both roles are there and fit for DMS.
#[derive(Clone, Debug)]
pub struct Ensure {
    wish: Wish,
    journal: Journal,
    /// Roles that nothing was done about yet.
    todo: VecDeque<(Task, Step)>,
    stage: Stage,
    /// When a role was last changed, by whomever.
    changed_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
enum Stage {
    Surveying(Survey),
    Working(Task, Step),
    Settling { until: Timestamp },
    Done(Option<Obstacle>),
}

/// One role on its way.
#[derive(Clone, Debug)]
struct Task {
    role: Role,
    policy_arn: String,
    /// Its creation was confirmed: when it is not to be seen, that is IAM catching up.
    made: bool,
    /// The attachment was confirmed.
    attached: bool,
    /// How often in a row it was seen complete.
    seen: u32,
    looks: u32,
    failures: u32,
}

#[derive(Clone, Debug)]
enum Step {
    Create,
    Attach,
    Look,
    LookAtPolicies(RoleFact),
    Pause { until: Timestamp, why: Why },
}

impl Ensure {
    /// Begins with a look at everything.
    pub fn new(wish: Wish) -> Self {
        Self {
            wish,
            journal: Journal::default(),
            todo: VecDeque::new(),
            stage: Stage::Surveying(Survey::new(PATIENCE)),
            changed_at: None,
        }
    }

    /// Returns what has been observed and done so far, for one that stops before the end.
    pub fn into_journal(self) -> Journal {
        self.journal
    }

    /// Takes the survey's result over, once there is one, and begins to act on it.
    fn surveying(&mut self, survey: Survey, at: Timestamp) {
        let surveyed = match survey.next() {
            Next::Do(_) | Next::WaitUntil { .. } => {
                self.stage = Stage::Surveying(survey);
                return;
            }
            Next::Done(Ok(surveyed)) => surveyed,
            Next::Done(Err(obstacle)) => return self.stop(obstacle),
        };
        self.journal.account = Some(surveyed.account.clone());
        self.journal.roles.clone_from(&surveyed.roles);
        let intents = match plan(&surveyed, &self.wish) {
            Ok(intents) => intents,
            Err(obstacle) => return self.stop(obstacle),
        };
        for (role, intent) in intents {
            let step = match (intent, surveyed.roles.get(&role)) {
                (Intent::Create, _) => Step::Create,
                (Intent::Attach(_), _) => Step::Attach,
                // A role that was made this very moment has to settle, whoever made it.
                (Intent::Keep(_), Some(Found::There { fact, .. })) if fact.is_fresh(at) => {
                    self.changed_at = self.changed_at.max(Some(fact.made_at.min(at)));
                    Step::Look
                }
                (Intent::Keep(_), _) => continue,
            };
            self.todo
                .push_back((Task::new(role, &surveyed.account), step));
        }
        self.go_on();
    }

    /// Begins the next task, or comes to an end.
    fn go_on(&mut self) {
        self.stage = match (self.todo.pop_front(), self.changed_at) {
            (Some((task, step)), _) => Stage::Working(task, step),
            (None, Some(changed_at)) => Stage::Settling {
                until: changed_at.after(SETTLE),
            },
            (None, None) => Stage::Done(None),
        };
    }

    fn stop(&mut self, obstacle: Obstacle) {
        self.stage = Stage::Done(Some(obstacle));
    }

    /// Notes that IAM was changed, or may have been.
    fn changed(&mut self, at: Timestamp) {
        self.journal.changed = true;
        self.changed_at = self.changed_at.max(Some(at));
    }

    fn saw(&mut self, role: Role, fact: &RoleFact, standing: Standing) {
        self.journal.roles.insert(
            role,
            Found::There {
                fact: fact.clone(),
                standing,
            },
        );
    }

    /// Looks again in a while: the role is not to be seen, or not as it should be by now.
    fn not_yet(&mut self, task: Task, at: Timestamp) {
        let text = format!("waiting until `{}` can be seen in IAM", task.role);
        self.look_again(Task { seen: 0, ..task }, text, at);
    }

    fn look_again(&mut self, task: Task, text: String, at: Timestamp) {
        let why = Why {
            phase: "visible",
            text,
        };
        self.stage = Stage::Working(
            task,
            Step::Pause {
                until: at.after(LOOK_AGAIN),
                why,
            },
        );
    }

    fn looked(&mut self, mut task: Task, fact: Option<RoleFact>, at: Timestamp) {
        task.looks = task.looks.saturating_add(1);
        let (role, looks) = (task.role, task.looks);
        if looks > LOOKS_MAX {
            return self.stop(Obstacle::NotSeen {
                role,
                looks: LOOKS_MAX,
            });
        }
        match fact {
            None if task.made => self.not_yet(task, at),
            None => {
                self.journal.roles.insert(role, Found::Missing);
                self.stage = Stage::Working(task, Step::Create);
            }
            Some(fact) if fact.trust.admits_dms() => {
                self.stage = Stage::Working(task, Step::LookAtPolicies(fact));
            }
            Some(fact) => {
                self.saw(role, &fact, Standing::NotTrusted);
                self.stop(Obstacle::NotTrusted {
                    role,
                    arn: fact.arn,
                });
            }
        }
    }

    fn looked_at_policies(
        &mut self,
        mut task: Task,
        fact: RoleFact,
        attached: Option<&[String]>,
        at: Timestamp,
    ) {
        let Some(attached) = attached else {
            return self.not_yet(task, at);
        };
        let role = task.role;
        if has_policy(role, attached) {
            self.saw(role, &fact, Standing::Ready);
            task.seen = task.seen.saturating_add(1);
            if task.seen >= SEEN_MIN {
                return self.go_on();
            }
            let text = format!(
                "`{role}` is complete, seen {} of {SEEN_MIN} times",
                task.seen
            );
            return self.look_again(task, text, at);
        }
        self.saw(role, &fact, Standing::PolicyMissing);
        let may_attach = self.wish.repair || fact.made_by_cutover();
        if task.attached || (!may_attach && fact.is_fresh(at)) {
            // It is on its way: ours, or that of whoever has just made the role.
            return self.not_yet(task, at);
        }
        if may_attach {
            self.stage = Stage::Working(task, Step::Attach);
        } else {
            self.stop(Obstacle::PolicyMissing {
                role,
                arn: fact.arn,
                policy_arn: task.policy_arn,
            });
        }
    }

    fn failed(&mut self, mut task: Task, failure: Failure, at: Timestamp) {
        task.failures = task.failures.saturating_add(1);
        task.seen = 0;
        match PATIENCE
            .wait_after(task.failures)
            .filter(|_| failure.class.may_pass())
        {
            // Whatever failed, the next thing is a look: it may have taken effect.
            Some(wait) => {
                let text = format!("trying `{}` again: {}", failure.action, failure.message);
                let why = Why {
                    phase: "retry",
                    text,
                };
                self.stage = Stage::Working(
                    task,
                    Step::Pause {
                        until: at.after(wait),
                        why,
                    },
                );
            }
            None => self.stop(Obstacle::Failed(failure)),
        }
    }

    fn work(
        &mut self,
        mut task: Task,
        step: Step,
        fact: Fact,
        at: Timestamp,
    ) -> Result<(), IllegalFact> {
        match (step, fact) {
            (Step::Create | Step::Attach, Fact::Failed(failure)) => {
                if failure.class == FailureClass::Unknown {
                    self.changed(at);
                }
                self.failed(task, failure, at);
            }
            (Step::Look | Step::LookAtPolicies(_), Fact::Failed(failure)) => {
                self.failed(task, failure, at);
            }
            (Step::Create, Fact::Made(fact)) => {
                self.changed(at);
                self.saw(task.role, &fact, Standing::PolicyMissing);
                (task.made, task.failures) = (true, 0);
                self.stage = Stage::Working(task, Step::Attach);
            }
            (Step::Create, Fact::AlreadyThere) => {
                // Made this moment by somebody else, or by an attempt of ours whose answer was lost.
                self.changed_at = self.changed_at.max(Some(at));
                self.not_yet(task, at);
            }
            (Step::Attach, Fact::Attached(true)) => {
                self.changed(at);
                (task.attached, task.failures) = (true, 0);
                self.stage = Stage::Working(task, Step::Look);
            }
            (Step::Attach, Fact::Attached(false)) => self.not_yet(task, at),
            (Step::Look, Fact::Role(fact)) => self.looked(task, fact, at),
            (Step::LookAtPolicies(fact), Fact::Policies(attached)) => {
                self.looked_at_policies(task, fact, attached.as_deref(), at);
            }
            (_, fact) => return Err(illegal(&self.next(), &fact)),
        }
        Ok(())
    }

    fn command(&self, task: &Task, step: &Step) -> Next<Command, Ended> {
        let role = task.role;
        match step {
            Step::Create => {
                let mut tags = self.wish.tags.clone();
                tags.insert(OWNER_TAG.to_owned(), self.wish.owner.as_str().to_owned());
                Next::Do(Command::Apply(Act::Create {
                    role,
                    trust: TrustPolicy::for_dms(),
                    tags,
                }))
            }
            Step::Attach => Next::Do(Command::Apply(Act::Attach {
                role,
                policy_arn: task.policy_arn.clone(),
            })),
            Step::Look => Next::Do(Command::Fetch(Look::Role(role))),
            Step::LookAtPolicies(_) => Next::Do(Command::Fetch(Look::Policies(role))),
            Step::Pause { until, why } => Next::WaitUntil {
                at: *until,
                why: why.clone(),
            },
        }
    }
}

impl Task {
    fn new(role: Role, account: &Account) -> Self {
        let policy_arn = role.policy_arn(&account.partition);
        Self {
            role,
            policy_arn,
            made: false,
            attached: false,
            seen: 0,
            looks: 0,
            failures: 0,
        }
    }
}

impl Machine for Ensure {
    type Command = Command;
    type Fact = Fact;
    type Outcome = Ended;

    fn next(&self) -> Next<Command, Ended> {
        let ended = |obstacle| {
            Next::Done(Ended {
                journal: self.journal.clone(),
                obstacle,
            })
        };
        match &self.stage {
            Stage::Surveying(survey) => match survey.next() {
                Next::Do(look) => Next::Do(Command::Fetch(look)),
                Next::WaitUntil { at, why } => Next::WaitUntil { at, why },
                Next::Done(result) => ended(result.err()),
            },
            Stage::Working(task, step) => self.command(task, step),
            Stage::Settling { until } => {
                let why = Why {
                    phase: "settle",
                    text: "letting IAM settle before DMS uses the roles".to_owned(),
                };
                Next::WaitUntil { at: *until, why }
            }
            Stage::Done(obstacle) => ended(obstacle.clone()),
        }
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        match self.stage.clone() {
            Stage::Surveying(mut survey) => {
                survey.record(fact, at)?;
                self.surveying(survey, at);
                Ok(())
            }
            Stage::Working(task, step) => self.work(task, step, fact, at),
            Stage::Settling { .. } | Stage::Done(_) => Err(illegal(&self.next(), &fact)),
        }
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), IllegalFact> {
        match &mut self.stage {
            Stage::Surveying(survey) => survey.wake(at),
            Stage::Working(_, step @ Step::Pause { .. }) => {
                *step = Step::Look;
                Ok(())
            }
            Stage::Settling { .. } => {
                self.stage = Stage::Done(None);
                Ok(())
            }
            Stage::Working(..) | Stage::Done(_) => Err(illegal(&self.next(), &"the end of a wait")),
        }
    }
}
