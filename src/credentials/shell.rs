//! Credentials in the words of other programs: shells, and tools that run this one.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

#[cfg(test)]
mod tests;

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
const REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";

/// Every variable that an export may set.
const VARIABLES: [&str; 6] = [
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
    EXPIRATION,
    REGION,
    DEFAULT_REGION,
];

/// A family of shells that read the same lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    /// bash, zsh, dash, ksh; fish reads what it exports as well, but for line breaks.
    Posix,
    /// fish.
    Fish,
}

/// Credentials for another program.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Exported {
    /// The public half of the key.
    pub(crate) access_key_id: String,
    /// The secret half of the key.
    pub(crate) secret_access_key: String,
    /// The token that temporary keys need.
    pub(crate) session_token: Option<String>,
    /// When they end, if they do.
    pub(crate) expires: Option<Timestamp>,
    /// The region to work in, where one is known.
    pub(crate) region: Option<String>,
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported")
            .field("expires", &self.expires)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Shell {
    /// The family of a shell, from the path of its program.
    pub(crate) fn of(program: &str) -> Self {
        match program.rsplit('/').next() {
            Some("fish") => Self::Fish,
            Some(_) | None => Self::Posix,
        }
    }

    /// A line that sets a variable for this shell and what it runs.
    ///
    /// It ends in a semicolon: `eval $(...)` without quotes makes one line of all.
    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}={};\n", quoted(value)),
            Self::Fish => format!("set -gx {name} {};\n", quoted_for_fish(value)),
        }
    }

    /// A line that unsets a variable, set or not.
    fn unset(self, name: &str) -> String {
        match self {
            Self::Posix => format!("unset {name};\n"),
            // Only what an export has set: variables of all sessions are the user's own.
            Self::Fish => format!("set -eg {name};\n"),
        }
    }
}

/// Writes the lines that put credentials into a shell's environment, for `eval "$(...)"`.
pub(crate) fn export_lines(shell: Shell, credentials: &Exported) -> String {
    let Exported {
        access_key_id,
        secret_access_key,
        session_token,
        expires,
        region,
    } = credentials;
    let line = |name: &str, value: Option<&str>| match value {
        Some(value) => shell.set(name, value),
        // That of earlier credentials would go with these, and AWS would refuse both.
        None => shell.unset(name),
    };
    let expires = expires.map(second);
    let mut lines = vec![
        line(ACCESS_KEY_ID, Some(access_key_id)),
        line(SECRET_ACCESS_KEY, Some(secret_access_key)),
        line(SESSION_TOKEN, session_token.as_deref()),
        line(EXPIRATION, expires.as_deref()),
    ];
    if let Some(region) = region {
        lines.extend([REGION, DEFAULT_REGION].map(|name| shell.set(name, region)));
    }
    lines.concat()
}

/// Writes the lines that take credentials out of a shell's environment again.
pub(crate) fn unexport_lines(shell: Shell) -> String {
    VARIABLES.map(|name| shell.unset(name)).concat()
}

/// Writes credentials as tools of AWS expect them from a `credential_process`.
pub(crate) fn process_json(credentials: &Exported) -> String {
    let Exported {
        access_key_id,
        secret_access_key,
        session_token,
        expires,
        region: _,
    } = credentials;
    let document = Process {
        version: 1,
        access_key_id,
        secret_access_key,
        session_token: session_token.as_deref(),
        expiration: expires.map(second),
    };
    // A map of strings always has a JSON form.
    serde_json::to_string(&document).unwrap_or_default()
}

/// What a `credential_process` prints.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Process<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

/// A time in ISO 8601, to the second that has begun: not every tool reads fractions.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A value as one word, for bash, zsh, dash and fish alike.
///
/// They differ in what a backslash or a doubled quote means between single quotes, and agree
/// on what follows a backslash outside of them. So neither stands between quotes here.
fn quoted(value: &str) -> String {
    if value.is_empty() {
        return "''".to_owned();
    }
    let mut text = String::new();
    for run in value.split_inclusive(['\'', '\\']) {
        let plain = run.trim_end_matches(['\'', '\\']);
        if !plain.is_empty() {
            text.extend(["'", plain, "'"]);
        }
        if let Some(special) = run.strip_prefix(plain).and_then(|end| end.chars().next()) {
            text.extend(['\\', special]);
        }
    }
    text
}

/// A value as one word for fish.
fn quoted_for_fish(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{value}'")
}
