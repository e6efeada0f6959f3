//! Exit codes: part of what users may rely on.

/// How a command ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was asked for is done.
    Done = 0,
    /// It failed, and nothing or not enough was done.
    Failed = 1,
    /// There are changes to make; only with `--detailed-exitcode`, and never anything else.
    Changes = 2,
    /// Some of it was done and some of it was not.
    Partly = 3,
    /// It was refused: policy, wrong account, lease over, no confirmation.
    Refused = 4,
    /// Something of ours is still alive, or it is not known whether it is.
    Alive = 5,
    /// The command line cannot be understood.
    Usage = 64,
    /// The user interrupted it.
    Interrupted = 130,
}

impl ExitCode {
    /// The number that the operating system sees.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}
