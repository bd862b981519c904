//! One change of a resource at a time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pulumi_value::Urn;

use crate::error::{Error, ErrorKind};

/// The changes that are under way, by resource and id. A resource that is about to be made has no id yet, so that it
/// does not stand in the way of the one that it replaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims(Arc<Mutex<BTreeSet<(Urn, String)>>>);

/// The right to change a resource, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Claims,
    key: (Urn, String),
}

impl Claims {
    /// Takes the right to change a resource.
    ///
    /// An engine asks for one change of a resource at a time. Two come together when an engine has lost its connection
    /// and asks again, or when two of them attached to one process; the second must not run beside the first.
    pub(crate) fn take(&self, urn: &Urn, id: &str) -> Result<Claim, Error> {
        let key = (urn.clone(), id.to_owned());
        let new = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone());
        if !new {
            return Err(Error::new(
                ErrorKind::Conflict,
                "an earlier operation on this resource is still running in this plugin",
            )
            .with_place(urn.as_str())
            .with_next("let it come to its end, then run `pulumi up` to continue"));
        }
        Ok(Claim {
            claims: self.clone(),
            key,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}
