//! The services, and how each of them says no.

use super::identity::expired;
use super::wire::Refusal;

/// The services that the cloud has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Ec2,
    Sts,
    Ssm,
    S3,
}

impl Service {
    /// The name of the service in lower case.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
            Self::Ssm => "ssm",
            Self::S3 => "s3",
        }
    }

    /// The type of its answers.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Ec2 | Self::Sts => "text/xml;charset=UTF-8",
            Self::Ssm => "application/x-amz-json-1.1",
            Self::S3 => "application/xml",
        }
    }

    /// Writes a refusal in the words of the service.
    pub(super) fn refusal(self, refusal: &Refusal, request: &str) -> String {
        match self {
            Self::Ec2 => refusal.ec2_document(request),
            Self::Sts => refusal.sts_document(request),
            Self::Ssm => refusal.json_document(),
            Self::S3 => refusal.s3_document(request),
        }
    }

    /// What the service says when credentials are past their time.
    pub(super) fn expired(self) -> Refusal {
        match self {
            Self::Ec2 => Refusal::new("RequestExpired", "Request has expired."),
            Self::Sts | Self::S3 => expired(),
            Self::Ssm => Refusal::new("ExpiredTokenException", expired().message),
        }
    }

    /// What the service says when a request is not signed.
    pub(super) fn anonymous(self) -> Refusal {
        match self {
            Self::Ec2 => Refusal::new(
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
            Self::Sts | Self::Ssm | Self::S3 => Refusal::new(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
        }
    }
}
