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

/// Whether there are keys, which every AWS tool takes before those of a profile.
pub(super) fn has_keys() -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .iter()
        .all(|name| variable(name).is_some())
}

/// When the session ends that the environment holds, where that is said: by `login --export`,
/// and by other tools that set such variables (AWS CLI, `configure export-credentials`).
pub(super) fn session_ends() -> Option<jiff::Timestamp> {
    variable("AWS_SESSION_TOKEN")?;
    variable("AWS_CREDENTIAL_EXPIRATION")?.parse().ok()
}

/// The profile that the environment names.
pub(super) fn profile() -> Option<String> {
    variable("AWS_PROFILE")
}

/// The code of an MFA device.
pub(super) fn mfa_code() -> Option<String> {
    variable("TRAINYARD_MFA_CODE")
}

/// Whether the system's keyring is to be left alone.
pub(super) fn keyring_is_off() -> bool {
    variable("TRAINYARD_KEYRING").is_some_and(|value| value == "off")
}

/// Shells, by the names of their programs.
const SHELLS: [&str; 7] = ["ash", "bash", "dash", "fish", "ksh", "sh", "zsh"];

/// The caller's shell: what has started this program, where that can be seen and is one, and
/// otherwise the one that people log in with. Whoever logs in with one may work in another.
pub(super) fn shell() -> Option<String> {
    let parent = std::os::unix::process::parent_id();
    let name = std::fs::read_to_string(format!("/proc/{parent}/comm")).ok();
    let name = name.map(|name| name.trim_end().to_owned());
    name.filter(|name| SHELLS.contains(&name.as_str()))
        .or_else(|| variable("SHELL"))
}

/// What to log, in the words of `tracing`.
pub(super) fn log_filter() -> Option<String> {
    variable("TRAINYARD_LOG")
}

/// Where what can be found out again is kept (XDG Base Directory Specification).
pub(super) fn cache() -> Option<std::path::PathBuf> {
    let named = variable("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    // A relative path there is to be ignored.
    let named = named.filter(|path| path.is_absolute());
    let folder = named.or_else(|| home().map(|home| home.join(".cache")))?;
    Some(folder.join("trainyard"))
}

/// The caller's home, which `~` stands for.
pub(super) fn home() -> Option<std::path::PathBuf> {
    variable("HOME").map(Into::into)
}

/// Where the caller's own address is asked for, when the project says nothing.
pub(super) fn address_service() -> Option<String> {
    variable("TRAINYARD_ADDRESS_SERVICE")
}

/// The caller's name on this machine.
pub(super) fn user() -> Option<String> {
    ["USER", "LOGNAME"].into_iter().find_map(variable)
}
