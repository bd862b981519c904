//! `DmsServiceRoles`: the two account-wide roles of AWS DMS.

mod args;
mod diff;
mod resource;
mod state;

pub use args::DmsServiceRolesArgs;
pub use resource::DmsServiceRoles;
pub use state::{DmsServiceRolesState, ServiceRole, ServiceRoleStatus};
