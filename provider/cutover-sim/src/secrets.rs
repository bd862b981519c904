//! Secrets, as Secrets Manager keeps them.

use std::collections::BTreeMap;

use cutover_core::Failure;
use cutover_driver::{Hidden, Secrets};
use futures_util::future::{BoxFuture, ready};

/// What the adapter calls its one call.
const ACTION: &str = "secretsmanager:GetSecretValue";

/// Secrets by their ARN or name. There is no other.
#[derive(Clone, Debug, Default)]
pub struct SimSecrets(BTreeMap<String, Hidden>);

impl SimSecrets {
    /// Adds a secret.
    #[must_use]
    pub fn with(mut self, id: &str, text: &str) -> Self {
        self.0.insert(id.to_owned(), Hidden::new(text));
        self
    }
}

impl Secrets for SimSecrets {
    fn fetch<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Hidden, Failure>> {
        let found = self.0.get(id).cloned();
        let missing = || {
            Failure::refused(
                ACTION,
                "`ResourceNotFoundException`: Secrets Manager can't find the specified secret",
            )
        };
        Box::pin(ready(found.ok_or_else(missing)))
    }
}
