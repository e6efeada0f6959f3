//! What kind of failure it is, by AWS's codes and by what the connection says.

use aws_sdk_ec2::error::{ErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::super::error::{CloudError, CloudErrorKind};
use crate::apply::{StepError, StepErrorKind};

type Error = SdkError<ErrorMetadata, ()>;

fn of_code(code: &str) -> CloudError {
    let meta = ErrorMetadata::builder().code(code).message("no").build();
    CloudError::from_sdk("launch", &Error::service_error(meta, ()))
}

fn of(error: &Error) -> CloudErrorKind {
    CloudError::from_sdk("launch", error).kind
}

#[test]
fn codes_are_sorted_by_what_a_caller_can_do() {
    use StepErrorKind::{Ambiguous, Capacity, Credentials, Denied, Quota, Rejected, Throttled};
    let table = [
        ("UnauthorizedOperation", Denied),
        ("AccessDenied", Denied),
        ("OptInRequired", Denied),
        ("OperationNotPermitted", Denied),
        ("AuthFailure", Credentials),
        ("RequestExpired", Credentials),
        ("ExpiredToken", Credentials),
        ("ExpiredTokenException", Credentials),
        ("InvalidClientTokenId", Credentials),
        ("SignatureDoesNotMatch", Credentials),
        ("MissingAuthenticationToken", Credentials),
        ("InvalidAccessKeyId", Credentials),
        ("RequestLimitExceeded", Throttled),
        ("Throttling", Throttled),
        ("SlowDown", Throttled),
        ("VcpuLimitExceeded", Quota),
        ("InstanceLimitExceeded", Quota),
        ("PendingVerification", Quota),
        ("InsufficientInstanceCapacity", Capacity),
        ("Unsupported", Capacity),
        ("InternalError", Ambiguous),
        ("ServiceUnavailable", Ambiguous),
        ("Unavailable", Ambiguous),
        ("InvalidParameterValue", Rejected),
        ("IdempotentParameterMismatch", Rejected),
        ("InvalidInstanceID.NotFound", Rejected),
        ("NobodyKnowsThisOne", Rejected),
    ];
    for (code, kind) in table {
        let error = of_code(code);
        assert_eq!(error.kind, kind, "{code}");
        assert!(error.is_code(code) && !error.is_code("Other"));
        assert_eq!(error.to_string(), format!("failed to launch: no ({code})"));
    }
}

#[test]
fn whatever_a_caller_can_do_something_about_says_what() {
    for code in [
        "AuthFailure",
        "AccessDenied",
        "VcpuLimitExceeded",
        "Throttling",
    ] {
        let error = StepError::from(of_code(code));
        assert!(error.help.is_some(), "{code}");
        assert!(error.alive.is_empty());
    }
    assert_eq!(of_code("InvalidParameterValue").help(), None);
}

#[test]
fn an_answer_that_never_came_leaves_the_outcome_open() {
    let ambiguous = [
        Error::timeout_error("operation timed out"),
        Error::response_error("connection closed before message completed", ()),
        Error::dispatch_failure(ConnectorError::timeout("read timed out".into())),
        // The request was sent, and the connection broke before its answer.
        Error::dispatch_failure(ConnectorError::io(
            std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
        )),
        Error::dispatch_failure(ConnectorError::other("connection closed".into(), None)),
    ];
    for error in ambiguous {
        assert_eq!(of(&error), StepErrorKind::Ambiguous, "{error:?}");
    }
}

#[test]
fn what_never_left_this_machine_has_no_effect() {
    for (text, kind) in [
        (
            "client error (Connect): tcp connect error: Connection refused (os error 111)",
            StepErrorKind::Unreachable,
        ),
        (
            "dns error: failed to lookup address information: Name or service not known",
            StepErrorKind::Unreachable,
        ),
        // "associated" is not "sso".
        (
            "dns error: failed to lookup address information: No address associated with hostname",
            StepErrorKind::Unreachable,
        ),
        (
            "the credential provider was not enabled",
            StepErrorKind::Credentials,
        ),
        (
            "the SSO token has expired: sign in again",
            StepErrorKind::Credentials,
        ),
        (
            "could not find profile `training`",
            StepErrorKind::Credentials,
        ),
    ] {
        let failure = ConnectorError::io(std::io::Error::other(text).into());
        assert_eq!(of(&Error::dispatch_failure(failure)), kind, "{text}");
    }
    let broken = Error::construction_failure("the request cannot be built");
    assert_eq!(of(&broken), StepErrorKind::Rejected);
    let missing = Error::construction_failure("no credentials in the property bag");
    assert_eq!(of(&missing), StepErrorKind::Credentials);
}

#[test]
fn a_zone_without_a_default_subnet_is_one_of_several_places() {
    let of_words = |words: &str| {
        let meta = ErrorMetadata::builder().code("MissingInput").message(words);
        of(&Error::service_error(meta.build(), ()))
    };
    let zone = "No default subnet for availability zone: 'eu-central-1c'.";
    assert_eq!(of_words(zone), StepErrorKind::Capacity);
    let network = "No subnets found for the default VPC 'vpc-1'. Please specify a subnet.";
    assert_eq!(of_words(network), StepErrorKind::Rejected);
}

#[test]
fn a_wrong_clock_is_named_where_a_request_is_refused_for_its_date() {
    let help = |code: &str, message: &str| {
        let meta = ErrorMetadata::builder().code(code).message(message).build();
        CloudError::from_sdk("launch", &Error::service_error(meta, ())).help()
    };
    let late = "Signature expired: 20261125T080000Z is now earlier than 20261125T081500Z";
    let early = "Signature not yet current: 20261125T090000Z is still later than 20261125T083000Z";
    for (code, message) in [
        ("RequestExpired", "Request has expired."),
        ("RequestTimeTooSkewed", "The difference is too large."),
        ("SignatureDoesNotMatch", late),
        ("SignatureDoesNotMatch", early),
    ] {
        let help = help(code, message).unwrap();
        assert!(help.contains("clock"), "{code}: {help}");
    }
    let secret = "The request signature we calculated does not match";
    for (code, message) in [
        ("SignatureDoesNotMatch", secret),
        ("ExpiredToken", "expired"),
    ] {
        assert!(!help(code, message).unwrap().contains("clock"), "{code}");
    }
}
