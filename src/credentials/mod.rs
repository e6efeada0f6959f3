//! Signing in: from the credentials at hand to those of a role, with one MFA code a day.
//!
//! What the SDKs understand works as they have it. What they leave out is here: asking for
//! a code, sessions that outlive the command, and knowing beforehand when one ends.
//!
//! [`chain`] decides which steps there are, purely; [`engine`] goes them; [`kept`] and
//! [`vault`] remember what came of it.

mod chain;
mod code;
mod console;
mod engine;
mod error;
mod kept;
mod provider;
mod request;
mod roles;
mod shell;
mod sts;
#[cfg(test)]
mod tests;
mod vault;

pub use code::{Code, Terminal};

pub(crate) use code::Codes;
pub(crate) use console::console_link;
pub(crate) use engine::{Engine, Mode, Renewal, Signed};
pub(crate) use error::SignInError;
pub(crate) use kept::{AHEAD, Kept};
pub(crate) use provider::Provider;
pub(crate) use request::Request;
pub(crate) use shell::{Exported, Shell, export_lines, process_json, unexport_lines};
pub(crate) use vault::{Keys, Vault};
