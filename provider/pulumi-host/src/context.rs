//! What a call can use.

use std::fmt;
use std::sync::Arc;

use pulumi_value::{PropertyMap, Urn};

use crate::engine::EngineFeatures;
use crate::log::Log;
use crate::scope::Scope;
use crate::secrecy::Secrets;

/// What a call about one resource or function can use: the configured application, the log, and the scope that says
/// when to stop.
pub struct Context<A> {
    pub(crate) app: Arc<A>,
    pub(crate) urn: Option<Urn>,
    pub(crate) log: Log,
    pub(crate) scope: Scope,
    pub(crate) engine: EngineFeatures,
}

impl<A> Context<A> {
    /// Finds the secrets of the call, and has them blacked out in whatever it says.
    pub(crate) fn hide<'m>(&self, maps: impl IntoIterator<Item = &'m PropertyMap>) -> Secrets {
        let secrets = Secrets::of(maps);
        self.log.hide(secrets.clone());
        secrets
    }

    /// Returns what the provider made of its configuration.
    pub fn app(&self) -> &A {
        &self.app
    }

    /// Returns the resource's URN; `None` in a function.
    pub fn urn(&self) -> Option<&Urn> {
        self.urn.as_ref()
    }

    /// Returns the voice to the person at the terminal.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns what says when to stop.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns what the engine can do.
    pub fn engine(&self) -> EngineFeatures {
        self.engine
    }
}

impl<A> Clone for Context<A> {
    fn clone(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
            urn: self.urn.clone(),
            log: self.log.clone(),
            scope: self.scope.clone(),
            engine: self.engine,
        }
    }
}

impl<A> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("urn", &self.urn)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
