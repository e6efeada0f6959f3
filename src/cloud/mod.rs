//! AWS: looking at it, and carrying out steps on it.
//!
//! What comes from AWS is turned into our own types here, once; nothing else in
//! the crate knows the SDK. Every listing is read to its end or is an error.

mod adopt;
mod attached;
mod change;
mod clock;
mod connect;
mod data;
mod error;
mod identity;
mod introduce;
mod key_pair;
mod launch;
mod launch_answer;
mod launch_request;
mod lookup;
mod lookup_image;
mod lookup_machine;
mod memory;
mod observe;
mod own_address;
mod own_network;
mod own_network_delete;
mod own_network_holder;
mod pages;
pub(crate) mod patience;
mod performer;
mod permissions;
mod placement_group;
mod poll;
mod security_group;
mod security_rule;
mod spot;
mod tags;
mod terminate;
#[cfg(test)]
mod tests;
mod translate;
mod volumes;
pub(crate) mod whole;

pub use adopt::{attributes, has_user_data, release};
pub use attached::attached_by_others;
pub use clock::Clock;
pub(crate) use connect::unsigned;
pub use connect::{Clients, Connection, Transport, connect, region_of_profile};
pub use data::{SurveyFailure, survey_data};
pub use error::{CloudError, CloudErrorKind};
pub use identity::{Identity, identify, time_of_aws};
pub use lookup::{Finding, default_subnets, look_up};
pub use lookup_image::Images;
pub use memory::Memory;
pub use observe::{observe, observe_instances_first, read_adoptions, read_user_data, with_volumes};
pub use own_address::own_address;
pub use own_network::{network_for_destroy, observe_network};
pub use patience::{Notice, Patience};
pub use performer::{Aws, Pace};
pub use permissions::{Permission, permissions};
pub use spot::spot_requests;
