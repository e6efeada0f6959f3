//! What AWS answers when it does not do what was asked.

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::apply::{StepError, StepErrorKind};

/// What kind of failure it was.
pub type CloudErrorKind = StepErrorKind;

/// A request that failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("failed to {operation}: {text}")]
pub struct CloudError {
    /// What was being done, as in "failed to …".
    pub operation: String,
    /// What kind of failure it was.
    pub kind: CloudErrorKind,
    /// AWS's own code, where it gave one.
    pub code: Option<String>,
    /// AWS's own words, or the connection's.
    pub text: String,
}

impl CloudError {
    /// A failure found on our side of the wire.
    pub(super) fn of(operation: &str, kind: CloudErrorKind, text: impl Into<String>) -> Self {
        Self {
            operation: operation.to_owned(),
            kind,
            code: None,
            text: text.into(),
        }
    }

    /// Sorts an SDK error into its kind.
    pub(crate) fn from_sdk<E, R>(operation: &str, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let operation = operation.to_owned();
        if let Some(service) = error.as_service_error() {
            let Some(code) = service.code().map(str::to_owned) else {
                // AWS names a code with every error; a proxy or a sign-in page does not.
                let text = "what came back is not an answer of AWS; \
                     is there a proxy or a sign-in page in between, or is AWS_ENDPOINT_URL wrong?";
                return Self::of(&operation, CloudErrorKind::Ambiguous, text);
            };
            let message = service.message().unwrap_or("no reason was given");
            let text = format!("{message} ({code})");
            return Self {
                operation,
                kind: kind_of(&code, message),
                code: Some(code),
                text,
            };
        }
        let chain = chain(error);
        let lower = chain.to_lowercase();
        // A word of its own: a name server says "no address associated".
        let sso = lower.split(|letter: char| !letter.is_alphanumeric());
        let credentials = sso.into_iter().any(|word| word == "sso")
            || ["credential", "identity", "profile"]
                .iter()
                .any(|word| lower.contains(word));
        // Only a request that was never sent is known to have had no effect.
        let never_sent = ["(connect)", "connect error", "connect timeout", "dns error"]
            .iter()
            .any(|words| lower.contains(words));
        let kind = if let SdkError::TimeoutError(_) | SdkError::ResponseError(_) = error {
            CloudErrorKind::Ambiguous
        } else if credentials {
            CloudErrorKind::Credentials
        } else if let SdkError::ConstructionFailure(_) = error {
            CloudErrorKind::Rejected
        } else if let SdkError::DispatchFailure(failure) = error
            && !failure.is_user()
            && !never_sent
        {
            CloudErrorKind::Ambiguous
        } else {
            CloudErrorKind::Unreachable
        };
        Self {
            operation,
            kind,
            code: None,
            text: chain,
        }
    }

    /// Whether AWS answered with this code.
    pub fn is_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether AWS refused a request for when it was signed: a clock a quarter of an hour
    /// wrong looks like that (Signature Version 4, "Date handling").
    pub fn is_of_the_clock(&self) -> bool {
        let at_sts = self.text.starts_with("Signature expired")
            || self.text.starts_with("Signature not yet current");
        match self.code.as_deref() {
            Some(
                "RequestExpired" | "RequestTimeTooSkewed" | "InvalidSecurity.RequestHasExpired",
            ) => true,
            Some("SignatureDoesNotMatch") => at_sts,
            _ => false,
        }
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        if self.is_of_the_clock() {
            return Some(CLOCK.to_owned());
        }
        let text = match self.kind {
            CloudErrorKind::Credentials => {
                "sign in again, or set `credentials.profile` in the spec, or AWS_PROFILE"
            }
            CloudErrorKind::Denied => {
                "ask for the permission that the message names, or use another profile"
            }
            CloudErrorKind::Quota => {
                "ask AWS for a higher limit under Service Quotas, or choose another instance type"
            }
            CloudErrorKind::Capacity => {
                "AWS has none free right now: choose another type or zone, or run the command again later"
            }
            CloudErrorKind::Throttled => {
                "AWS is busy with this account's requests: run the command again"
            }
            CloudErrorKind::Unreachable => "check the network, the region and AWS_ENDPOINT_URL",
            CloudErrorKind::Ambiguous => {
                "it may or may not have taken effect: run the same command again, it will find out"
            }
            CloudErrorKind::Rejected | CloudErrorKind::TimedOut | CloudErrorKind::Cancelled => {
                return None;
            }
        };
        Some(text.to_owned())
    }
}

/// What to do where a request is refused for when it was signed.
const CLOCK: &str = "compare this machine's clock with the right time, in UTC: `date -u` shows it, \
     and AWS refuses what is signed more than 15 minutes off; if it is right, sign in again";

impl From<CloudError> for StepError {
    fn from(error: CloudError) -> Self {
        let help = error.help();
        Self {
            kind: error.kind,
            text: error.to_string(),
            help,
            partly: false,
            alive: Vec::new(),
        }
    }
}

/// The innermost words of an error that the SDK only calls "dispatch failure".
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = Vec::new();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        source = error.source();
    }
    if words.is_empty() {
        error.to_string()
    } else {
        words.join(": ")
    }
}

/// Sorts an error by its code, and by its words where the code alone says too little.
fn kind_of(code: &str, message: &str) -> CloudErrorKind {
    // "No default subnet for availability zone": another zone may have one.
    if code == "MissingInput" && message.to_lowercase().contains("default subnet for") {
        return CloudErrorKind::Capacity;
    }
    kind_of_code(code)
}

/// Sorts AWS's codes (EC2 API error codes) by what a caller can do.
pub(super) fn kind_of_code(code: &str) -> CloudErrorKind {
    match code {
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "OptInRequired"
        | "Blocked"
        | "OperationNotPermitted" => CloudErrorKind::Denied,
        "AuthFailure"
        | "RequestExpired"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "InvalidSecurity.RequestHasExpired"
        | "InvalidAccessKeyId" => CloudErrorKind::Credentials,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "EC2ThrottledException"
        | "BandwidthLimitExceeded"
        | "ConcurrentTagAccess"
        | "PriorRequestNotComplete" => CloudErrorKind::Throttled,
        "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "MaxSpotInstanceCountExceeded"
        | "VolumeLimitExceeded"
        | "MaxIOPSLimitExceeded"
        | "NetworkInterfaceLimitExceeded"
        | "PendingVerification"
        | "ResourceCountExceeded"
        | "ResourceLimitExceeded"
        | "SecurityGroupLimitExceeded"
        | "SecurityGroupsPerInterfaceLimitExceeded"
        | "RulesPerSecurityGroupLimitExceeded" => CloudErrorKind::Quota,
        "InsufficientInstanceCapacity"
        | "InsufficientHostCapacity"
        | "UnfulfillableCapacity"
        | "InsufficientCapacityOnHost"
        | "ReservationCapacityExceeded"
        | "Unsupported"
        | "InsufficientFreeAddressesInSubnet"
        | "InsufficientVolumeCapacity"
        | "VolumeTypeNotAvailableInZone"
        | "SpotMaxPriceTooLow" => CloudErrorKind::Capacity,
        "InternalError" | "InternalFailure" | "ServiceUnavailable" | "Unavailable" => {
            CloudErrorKind::Ambiguous
        }
        _ => CloudErrorKind::Rejected,
    }
}
