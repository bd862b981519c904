//! The connection back to the engine.

use std::sync::{PoisonError, RwLock};

use tonic::transport::{Channel, Endpoint};

use crate::error::{Error, ErrorKind};

/// What the engine said in its handshake that it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineFeatures {
    /// It reads a resource again before planning when the provider asks for it.
    pub refresh_before_update: bool,
    /// It says in an invoke whether it is a preview.
    pub invoke_with_preview: bool,
    /// It accepts virtual child resources.
    pub views: bool,
}

/// Where the engine is and what it can do; both may change when another run begins.
#[derive(Debug, Default)]
pub(crate) struct EngineLink {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    address: String,
    channel: Option<Channel>,
    features: EngineFeatures,
}

impl EngineLink {
    /// Points the link at an engine. Nothing is dialled before the first message.
    pub(crate) fn attach(&self, address: &str) -> Result<(), Error> {
        let channel = channel(address)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.address != address {
            address.clone_into(&mut state.address);
            state.channel = Some(channel);
        }
        Ok(())
    }

    pub(crate) fn set_features(&self, features: EngineFeatures) {
        self.state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .features = features;
    }

    pub(crate) fn features(&self) -> EngineFeatures {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .features
    }

    /// Returns the channel to the engine; `None` before an engine has attached.
    pub(crate) fn channel(&self) -> Option<Channel> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .channel
            .clone()
    }
}

/// Prepares a connection to an address such as `127.0.0.1:4711`, to be dialled with the first message.
pub(crate) fn channel(address: &str) -> Result<Channel, Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let endpoint = endpoint.map_err(|_| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("`{address}` is not the address of an engine"),
        )
    })?;
    Ok(endpoint.connect_lazy())
}
