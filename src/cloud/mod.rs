//! AWS: looking at it, and carrying out steps on it.
//!
//! What comes from AWS is turned into our own types here, once; nothing else in
//! the crate knows the SDK. Every listing is read to its end or is an error.

mod change;
mod connect;
mod data;
mod error;
mod identity;
mod launch;
mod lookup;
mod lookup_image;
mod observe;
mod performer;
mod poll;
mod tags;
mod terminate;
#[cfg(test)]
mod tests;
mod translate;
mod volumes;

pub use connect::{Clients, Connection, connect};
pub use data::{SurveyFailure, survey_data};
pub use error::{CloudError, CloudErrorKind};
pub use identity::{Identity, identify};
pub use lookup::{Finding, look_up};
pub use observe::{observe, read_user_data};
pub use performer::{Aws, Pace};
