//! Deadlines and what enforces them.
//!
//! A lease is a duration, counted from the first launch. It travels in a tag and
//! in the user data, both written by the very call that launches the instance,
//! so there is no moment at which an instance runs without a deadline.

mod boot;
mod deadline;

pub use boot::{LARGEST_USER_DATA, boot_user_data, user_part};
pub use deadline::{Deadline, deadline};
