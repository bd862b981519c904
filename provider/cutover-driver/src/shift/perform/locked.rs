//! A listener rule whose journal is in a table: the item is the fence, and the rule follows it.

use cutover_core::shift::facts::{Change, Live};
use cutover_core::shift::locks::{self, LockedChange};
use cutover_core::shift::rules::RuleChange;
use cutover_core::{Failure, FailureClass};
use tokio::try_join;

use super::{Got, Shifting};
use crate::Applied;

impl Shifting {
    pub(super) async fn fetch_locked(&self, rule_arn: &str, table: &str) -> Got<Live> {
        let (rule, item) = try_join!(
            self.fetch_rule(rule_arn),
            self.traffic.locks.fetch(table, rule_arn)
        )?;
        let (live, seen) = locks::read(&self.spec.router, &rule, table, item.as_ref());
        self.known().lock = Some(seen);
        Ok(live)
    }

    pub(super) async fn apply_locked(&self, table: &str, change: &Change) -> Got<Applied> {
        let seen = self.known().lock.clone();
        let made = locks::change(&self.spec.router, table, change, seen.as_ref());
        if made.put_first {
            self.announce_and_change(&made).await
        } else {
            self.change_and_note(&made).await
        }
    }

    /// Takes the fence, or keeps it, and then changes the rule. Who has lost the fence changes nothing.
    async fn announce_and_change(&self, made: &LockedChange) -> Got<Applied> {
        if let Some(rule) = &made.rule
            && !self.fits(rule).await?
        {
            // Said before the item is written, so that nothing is announced that is not to be done.
            return Ok(Applied::Conflict {
                message: "the target groups or their weights are not as expected".to_owned(),
            });
        }
        let put = self.traffic.locks.put(&made.put).await?;
        let (Applied::Accepted { .. }, Some(rule)) = (&put, &made.rule) else {
            return Ok(put);
        };
        let applied = self.traffic.rules.apply(rule).await;
        if let (Ok(Applied::Accepted { .. }), Some(seen)) = (&applied, &mut self.known().lock) {
            // The next look says whether it does; until then it need not be set again.
            seen.points |= !rule.tags.is_empty();
        }
        applied.map_err(|failure| half(&failure))
    }

    async fn fits(&self, rule: &RuleChange) -> Got<bool> {
        if rule.groups.is_none() {
            return Ok(true);
        }
        let found = self.fetch_rule(&rule.rule_arn).await?;
        Ok(rule.fits(&found.groups))
    }

    /// Changes the rule, and writes down that it was changed. Safe weights come before knowing: when the table cannot be
    /// written, traffic is back all the same, and the fence becomes free by itself.
    async fn change_and_note(&self, made: &LockedChange) -> Got<Applied> {
        let applied = match &made.rule {
            Some(rule) => self.traffic.rules.apply(rule).await?,
            None => return self.traffic.locks.put(&made.put).await,
        };
        if matches!(applied, Applied::Accepted { .. })
            && let Err(failure) = self.traffic.locks.put(&made.put).await
        {
            tracing::warn!(?failure, "the way back is not in the journal");
        }
        Ok(applied)
    }
}

/// A failure of the second of two calls: whatever its class says of itself, the first has taken effect.
fn half(failure: &Failure) -> Failure {
    Failure {
        class: FailureClass::Unknown,
        action: failure.action,
        message: format!("the change is announced and not made: {}", failure.message),
    }
}

#[cfg(test)]
mod tests;
