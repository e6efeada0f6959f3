//! How STS says no.

use crate::local::wire::Refusal;

/// A parameter is not what it must be.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationError", message)
}

/// The value of a parameter breaks a constraint of the API.
pub(super) fn constraint(value: &str, member: &str, rule: &str) -> Refusal {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
         constraint: Member must {rule}"
    ))
}

/// The caller may not do that.
pub(super) fn denied(message: impl Into<String>) -> Refusal {
    Refusal::new("AccessDenied", message)
}
