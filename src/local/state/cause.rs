//! Why an instance ends or stops.

use jiff::Timestamp;

/// Who or what ends or stops an instance (EC2 API reference, `StateReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause<'a> {
    /// A call.
    User,
    /// Its own system.
    Guest,
    /// AWS, which needs its spot capacity back.
    Reclaim,
    /// A launch that fails, and its code.
    Failure(&'a str),
}

impl Cause<'_> {
    /// Code and message of the state reason.
    pub(super) fn reason(self) -> (String, String) {
        let what = match self {
            Self::User => "User initiated shutdown",
            Self::Guest => "Instance initiated shutdown",
            Self::Reclaim => "Spot instance termination",
            Self::Failure("Client.VolumeLimitExceeded") => "Volume limit exceeded",
            Self::Failure("Client.InternalError") => "Client error on launch",
            Self::Failure("Server.InternalError") => "Internal error on launch",
            Self::Failure(_) => "The launch failed",
        };
        let code = self.code();
        (code.to_owned(), format!("{code}: {what}"))
    }

    /// Why the state changed, as EC2 words it.
    pub(super) fn transition(self, now: Timestamp) -> String {
        match self {
            Self::User => now
                .strftime("User initiated (%Y-%m-%d %H:%M:%S GMT)")
                .to_string(),
            Self::Guest | Self::Reclaim | Self::Failure(_) => self.code().to_owned(),
        }
    }

    fn code(&self) -> &str {
        match self {
            Self::User => "Client.UserInitiatedShutdown",
            Self::Guest => "Client.InstanceInitiatedShutdown",
            Self::Reclaim => "Server.SpotInstanceTermination",
            Self::Failure(code) => code,
        }
    }
}
