//! Secrets, as Secrets Manager keeps them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover_core::Failure;
use cutover_driver::{Hidden, Secrets};
use futures_util::future::{BoxFuture, ready};

/// Secrets by their ARN or name. There is no other. A clone reaches the same.
#[derive(Clone, Debug, Default)]
pub struct SimSecrets(Arc<Mutex<BTreeMap<String, Hidden>>>);

impl SimSecrets {
    /// Adds a secret.
    #[must_use]
    pub fn with(self, id: &str, text: &str) -> Self {
        self.kept().insert(id.to_owned(), Hidden::new(text));
        self
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Hidden>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Secrets for SimSecrets {
    fn fetch<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Hidden, Failure>> {
        let found = self.kept().get(id).cloned();
        Box::pin(ready(
            found.ok_or_else(|| missing("secretsmanager:GetSecretValue")),
        ))
    }

    fn put<'a>(&'a self, id: &'a str, value: &'a Hidden) -> BoxFuture<'a, Result<(), Failure>> {
        let put = match self.kept().get_mut(id) {
            Some(kept) => {
                kept.clone_from(value);
                Ok(())
            }
            None => Err(missing("secretsmanager:PutSecretValue")),
        };
        Box::pin(ready(put))
    }
}

fn missing(action: &'static str) -> Failure {
    let message = "`ResourceNotFoundException`: Secrets Manager can't find the specified secret";
    Failure::refused(action, message)
}
