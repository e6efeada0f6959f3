//! The services, and how each of them says no.

use super::identity::expired;
use super::wire::Refusal;

const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// The services that the cloud has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Ec2,
    Sts,
    Ssm,
    S3,
    /// The endpoint that gives links to the console.
    Federation,
}

impl Service {
    /// The name of the service in lower case.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
            Self::Ssm => "ssm",
            Self::S3 => "s3",
            Self::Federation => "federation",
        }
    }

    /// The type of its answers.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Ec2 | Self::Sts => "text/xml;charset=UTF-8",
            Self::Ssm => "application/x-amz-json-1.1",
            Self::S3 => "application/xml",
            Self::Federation => "application/json",
        }
    }

    /// Writes a refusal in the words of the service.
    pub(super) fn refusal(self, refusal: &Refusal, request: &str) -> String {
        match self {
            Self::Ec2 => refusal.ec2_document(request),
            Self::Sts => refusal.sts_document(request),
            Self::Ssm | Self::Federation => refusal.json_document(),
            Self::S3 => refusal.s3_document(request),
        }
    }

    /// What the service says when credentials are past their time.
    pub(super) fn expired(self) -> Refusal {
        match self {
            Self::Ec2 => Refusal::new("RequestExpired", "Request has expired."),
            Self::Sts | Self::S3 | Self::Federation => expired(),
            Self::Ssm => Refusal::new("ExpiredTokenException", expired().message),
        }
    }

    /// What the service says when a request is not signed.
    pub(super) fn anonymous(self) -> Refusal {
        match self {
            Self::Ec2 => unknown_to_ec2(),
            Self::Sts | Self::Ssm | Self::S3 | Self::Federation => Refusal::new(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
        }
    }

    /// What the service says to credentials of no session that it knows, and to those
    /// of one that came without its token.
    pub(super) fn unknown(self) -> Refusal {
        match self {
            Self::Ec2 => unknown_to_ec2(),
            Self::Sts | Self::Federation => Refusal::new("InvalidClientTokenId", INVALID_TOKEN),
            Self::Ssm => Refusal::new("UnrecognizedClientException", INVALID_TOKEN),
            Self::S3 => Refusal::new(
                "InvalidToken",
                "The provided token is malformed or otherwise invalid.",
            ),
        }
    }
}

fn unknown_to_ec2() -> Refusal {
    Refusal::new(
        "AuthFailure",
        "AWS was not able to validate the provided access credentials",
    )
}
