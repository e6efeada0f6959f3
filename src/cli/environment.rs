//! The only place that reads environment variables. The AWS SDK reads its own.

/// A variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether an endpoint other than AWS's own is named, as every AWS tool understands it.
pub(super) fn own_endpoint() -> bool {
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
        .iter()
        .any(|name| variable(name).is_some())
}

/// The region that the environment names.
pub(super) fn region() -> Option<String> {
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"))
}

/// What to log, in the words of `tracing`.
pub(super) fn log_filter() -> Option<String> {
    variable("TRAINYARD_LOG")
}
