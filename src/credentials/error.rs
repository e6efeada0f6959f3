//! Why nobody could be signed in.

use jiff::Timestamp;

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
    /// The session in the environment is over.
    #[error("the session in this shell's environment ended at {}", _0.strftime("%Y-%m-%d %H:%M UTC"))]
    Outlived(Timestamp),
    /// A code is needed, and there is nobody to ask for it.
    #[error("an MFA code of {0} is needed, and there is no terminal to ask on")]
    NoTerminal(String),
    /// Whoever was asked gave none.
    #[error("no MFA code was given")]
    NotGiven,
    /// Codes were refused.
    #[error("{0}")]
    CodeRefused(String),
    /// The device is none of whoever asks.
    #[error("AWS does not know the MFA device {serial} as one of this user: {said}")]
    NotTheirs { serial: String, said: String },
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
    /// Whether a code is all that is missing.
    pub(crate) fn is_of_a_code(&self) -> bool {
        match self {
            Self::NoTerminal(_)
            | Self::NotGiven
            | Self::CodeRefused(_)
            | Self::NotTheirs { .. }
            | Self::Process(_)
            | Self::Ended => true,
            Self::Chain(_)
            | Self::Profiles(_)
            | Self::Base(_)
            | Self::Outlived(_)
            | Self::NothingGiven
            | Self::NoRole
            | Self::NoConsole
            | Self::Federation(_)
            | Self::Denied(_)
            | Self::Cloud(_) => false,
        }
    }

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
            Self::Outlived(_) => {
                "`eval \"$(trainyard logout --export)\"` takes it away; then sign in again"
            }
            Self::NotTheirs { .. } => {
                "compare `mfa_serial` in ~/.aws/config with the device's ARN in the console, under the user's security credentials"
            }
            Self::Base(_) => {
                "sign in to where the profile begins: for IAM Identity Center with `aws sso login --profile NAME`"
            }
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
            Self::Profiles(_) | Self::NotGiven | Self::NothingGiven => return None,
        };
        Some(text.to_owned())
    }
}
