//! Deadlines and what enforces them.
//!
//! A lease is a duration, counted from the first launch. It travels in a tag and
//! in the user data, both written by the very call that launches the instance,
//! so there is no moment at which an instance runs without a deadline.

mod boot;
mod deadline;
mod group_script;

pub use boot::{Boot, LARGEST_USER_DATA, user_part};
pub use deadline::{Deadline, deadline};
