//! What AWS's errors mean to a sync.

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::report::{FailureReason, chain};

/// Codes that new credentials would help against.
const EXPIRED: [&str; 5] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "RequestExpired",
    "TokenRefreshRequired",
];

/// Codes that only other rights or other credentials would help against.
const DENIED: [&str; 5] = [
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
];

/// Codes that say that the bucket is in another region; the last is what a HEAD has instead.
const ELSEWHERE: [&str; 4] = [
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "HTTP status 301",
];

/// What the SDK says where there are no credentials: the last place that it looks in is the
/// machine's own. Those that are there and cannot be had, as a session that is over, are not
/// missing, and their error says why.
const UNSIGNED: [&str; 3] = [
    "no credentials found in chain",
    "IMDS",
    "provider was not enabled",
];

const NO_CREDENTIALS: &str = "no AWS credentials were found: neither in AWS_ACCESS_KEY_ID, nor in \
                              the profile, nor from this machine's role";

/// What an error of AWS means to a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The caller may not do that.
    Denied,
    /// The credentials are no longer valid.
    Expired,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object.
    NoSuchKey,
    /// The object is not the revision that was asked for.
    OtherRevision,
    /// There are no credentials to ask with.
    NoCredentials,
    /// No answer came.
    Unreachable,
    /// Anything else.
    Other,
}

/// One failed call, after the retries of the SDK.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// What it means.
    pub kind: FaultKind,
    /// What AWS or the network said, with the code where there is one.
    pub detail: String,
}

impl Fault {
    /// Reads the error of a call.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let code = error.code();
        let (kind, detail) = (kind(error, code, status), detail(error, code, status));
        if kind == FaultKind::Unreachable && is_unsigned(&detail) {
            return Self {
                kind: FaultKind::NoCredentials,
                detail: NO_CREDENTIALS.to_owned(),
            };
        }
        Self { kind, detail }
    }

    /// Whether no answer came, so that asking again may bring one.
    pub(super) fn is_unanswered(&self) -> bool {
        self.kind == FaultKind::Unreachable
    }

    /// Whether the bucket is in another region than the one that was asked (S3 API, error
    /// responses).
    pub(super) fn is_elsewhere(&self) -> bool {
        says_elsewhere(&self.detail)
    }

    /// Whether no bucket can have the name that was asked for (S3 API, error responses).
    pub(super) fn is_no_name(&self) -> bool {
        self.detail.starts_with("InvalidBucketName")
    }

    /// Whether asking again later may help: S3 is busy, something broke down there, or no
    /// answer came (S3 API, error responses).
    ///
    /// The SDK tries such requests again, as long as few of them fail at a time: its quota of
    /// retries is soon used up where everything in flight fails at once.
    pub(super) fn is_transient(&self) -> bool {
        let codes = [
            "HTTP status 5",
            "InternalError",
            "RequestTimeout",
            "ServiceUnavailable",
            "SlowDown",
        ];
        self.is_unanswered() || codes.iter().any(|code| self.detail.starts_with(code))
    }

    /// Whether what was sent arrived as something else (S3 API, error responses).
    pub(super) fn is_damage(&self) -> bool {
        let codes = [
            "BadDigest",
            "IncompleteBody",
            "InvalidDigest",
            "XAmzContentChecksumMismatch",
        ];
        codes.iter().any(|code| self.detail.starts_with(code))
    }

    /// Whether there is no such upload in parts: it was never begun, or it was given up, or it
    /// was finished (S3 API, `CompleteMultipartUpload`, errors).
    pub(super) fn is_upload_gone(&self) -> bool {
        self.detail.starts_with("NoSuchUpload")
    }

    /// Whether there is no such object.
    pub(super) fn is_missing(&self) -> bool {
        self.kind == FaultKind::NoSuchKey
    }

    /// Whether a file has failed because its bucket is in another region.
    pub(super) fn was_elsewhere(failure: &FailureReason) -> bool {
        matches!(failure, FailureReason::Remote { operation: _, detail } if says_elsewhere(detail))
    }

    /// Turns the fault into the failure of one file.
    ///
    /// `operation` is what was attempted, as a verb with its object.
    pub(super) fn into_failure(self, operation: &str) -> FailureReason {
        match self.kind {
            FaultKind::Denied => FailureReason::Denied(self.detail),
            FaultKind::Expired => FailureReason::CredentialsExpired(self.detail),
            FaultKind::OtherRevision | FaultKind::NoSuchKey => FailureReason::ChangedSincePlanned,
            FaultKind::NoSuchBucket
            | FaultKind::NoCredentials
            | FaultKind::Unreachable
            | FaultKind::Other => FailureReason::Remote {
                operation: operation.to_owned(),
                detail: self.detail,
            },
        }
    }
}

/// Whether an error in words is that there are no credentials at all.
fn is_unsigned(detail: &str) -> bool {
    UNSIGNED.iter().any(|words| detail.contains(words))
}

/// Whether an error in words is that the bucket is in another region.
pub(super) fn says_elsewhere(detail: &str) -> bool {
    ELSEWHERE.iter().any(|code| detail.starts_with(code))
}

fn kind<E>(
    error: &SdkError<E, HttpResponse>,
    code: Option<&str>,
    status: Option<u16>,
) -> FaultKind {
    match (code, status) {
        (Some(code), _) if EXPIRED.contains(&code) => FaultKind::Expired,
        (Some("NoSuchBucket"), _) => FaultKind::NoSuchBucket,
        // The second is what a HEAD has instead of a body.
        (Some("NoSuchKey" | "NotFound"), _) => FaultKind::NoSuchKey,
        (Some("PreconditionFailed"), _) | (None, Some(412)) => FaultKind::OtherRevision,
        (Some(code), _) if DENIED.contains(&code) => FaultKind::Denied,
        (None, Some(401 | 403)) => FaultKind::Denied,
        (Some(_), _) => FaultKind::Other,
        (None, _) => {
            if unreachable(error) {
                FaultKind::Unreachable
            } else {
                FaultKind::Other
            }
        }
    }
}

fn unreachable<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(
        error,
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_)
    )
}

fn detail<E>(error: &SdkError<E, HttpResponse>, code: Option<&str>, status: Option<u16>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match (code, error.message(), status) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(code), None, _) => code.to_owned(),
        // The answer to a HEAD has no body that would say more.
        (None, _, Some(status)) if matches!(error, SdkError::ServiceError(_)) => {
            format!("HTTP status {status}, without a reason")
        }
        (None, _, Some(status)) => format!("HTTP status {status}: {}", chain(error)),
        (None, _, None) => chain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::is_unsigned;

    #[test]
    fn credentials_that_cannot_be_had_are_not_missing() {
        let loading = "dispatch failure: other: an error occurred while loading credentials";
        for missing in [
            format!("{loading}: failed to load IMDS session token: IMDS is disabled"),
            "dispatch failure: other: the credential provider was not enabled".to_owned(),
            "no credentials found in chain".to_owned(),
        ] {
            assert!(is_unsigned(&missing), "{missing}");
        }
        for there in [
            format!("{loading}: the session of arn:aws:iam::123456789012:role/train is over"),
            format!("{loading}: AccessDenied: not authorized to perform sts:AssumeRole"),
            "dispatch failure: io error: connection refused".to_owned(),
        ] {
            assert!(!is_unsigned(&there), "{there}");
        }
    }
}
