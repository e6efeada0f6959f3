//! Why nobody could be signed in.

use crate::cloud::CloudError;

use super::chain::ChainError;

/// Why nobody could be signed in.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SignInError {
    /// Profiles or names are wrong.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The profile files cannot be read.
    #[error("~/.aws cannot be read: {0}")]
    Profiles(String),
    /// The credentials to begin with are missing.
    #[error("{0}")]
    Base(String),
    /// A code is needed, and there is nobody to ask for it.
    #[error("an MFA code of {0} is needed, and there is no terminal to ask on")]
    NoTerminal(String),
    /// Whoever was asked gave none.
    #[error("no MFA code was given")]
    NotGiven,
    /// Codes were refused.
    #[error("{0}")]
    CodeRefused(String),
    /// The command that prints codes did not.
    #[error("mfa_process gave no code: {0}")]
    Process(String),
    /// A code is needed while a command runs.
    #[error("the session has ended, and going on needs an MFA code")]
    Ended,
    /// STS answered with nothing in it.
    #[error("STS answered without credentials in it")]
    NothingGiven,
    /// A session cannot be restricted that is none of a role.
    #[error("only the session of a role can be restricted to a plan, and none is named")]
    NoRole,
    /// The console takes sessions of roles only.
    #[error("the console opens in the session of a role only, and these credentials are none")]
    NoConsole,
    /// The console's own door.
    #[error("AWS gave no link to the console: {0}")]
    Federation(String),
    /// STS said no.
    #[error(transparent)]
    Denied(CloudError),
    /// STS could not be asked, or said something else.
    #[error(transparent)]
    Cloud(CloudError),
}

impl SignInError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let text = match self {
            Self::Chain(ChainError::Nowhere(_)) => {
                "write `account` in the spec or in trainyard.yaml, or the role's ARN under `role_arn`"
            }
            Self::Chain(ChainError::BadArn { .. }) => {
                "write it as `arn:aws:iam::123456789012:role/NAME` in ~/.aws/config"
            }
            Self::Chain(ChainError::Itself(_)) => {
                "name another profile in that command, one with keys: `trainyard login --json --profile NAME`"
            }
            Self::NoTerminal(_) => {
                "pass it with `-t CODE` or in TRAINYARD_MFA_CODE, or run `trainyard login` on a terminal first"
            }
            Self::CodeRefused(_) => "run it again with the code that is shown next",
            Self::Ended => "run `trainyard login`, then the same command again",
            Self::Process(_) => {
                "run the command of `mfa_process` in ~/.aws/config by hand to see why"
            }
            Self::Denied(_) => {
                "the role's trust policy must allow whoever asks; where it demands MFA, the profile needs `mfa_serial`"
            }
            Self::NoRole | Self::NoConsole => {
                "name one with `--role`, or in `credentials` of trainyard.yaml"
            }
            Self::Federation(_) => "run it again; if a proxy is in between, set HTTPS_PROXY",
            Self::Cloud(error) => return error.help(),
            Self::Profiles(_) | Self::Base(_) | Self::NotGiven | Self::NothingGiven => return None,
        };
        Some(text.to_owned())
    }
}
