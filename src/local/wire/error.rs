//! What the cloud answers when it refuses.

use std::borrow::Cow;

use super::Xml;

/// The content of a successful answer, or why there is none.
pub(crate) type Reply = Result<Xml, Refusal>;

/// An AWS error: a code that programs match, a message for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refusal {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) status: u16,
}

impl Refusal {
    /// Makes an error of any code, whose HTTP status follows from it.
    pub(crate) fn coded(code: Cow<'static, str>, message: impl Into<String>) -> Self {
        Self {
            status: status(&code),
            code,
            message: message.into(),
        }
    }

    /// Makes an error whose HTTP status follows from its code.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            message: message.into(),
            status: status(code),
        }
    }

    /// The value of a parameter is not acceptable.
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    /// A required parameter is not there.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            "MissingParameter",
            format!("The request must contain the parameter {parameter}"),
        )
    }

    /// Two parameters exclude each other.
    pub(crate) fn combination(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterCombination", message)
    }

    /// Writes the error as EC2 does.
    pub(crate) fn ec2_document(&self, request: &str) -> String {
        let mut xml = Xml::default();
        xml.node("Errors", |xml| {
            xml.node("Error", |xml| {
                xml.text("Code", &self.code).text("Message", &self.message);
            });
        });
        xml.text("RequestID", request);
        xml.document("Response", None)
    }

    /// Writes the error as STS and most other query services do.
    pub(crate) fn sts_document(&self, request: &str) -> String {
        let kind = if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let mut xml = Xml::default();
        xml.node("Error", |xml| {
            xml.text("Type", kind)
                .text("Code", &self.code)
                .text("Message", &self.message);
        });
        xml.text("RequestId", request);
        xml.document(
            "ErrorResponse",
            Some("https://sts.amazonaws.com/doc/2011-06-15/"),
        )
    }

    /// Writes the error as S3 does.
    pub(crate) fn s3_document(&self, request: &str) -> String {
        let mut xml = Xml::default();
        xml.text("Code", &self.code)
            .text("Message", &self.message)
            .text("RequestId", request);
        xml.document("Error", None)
    }

    /// Writes the error as the JSON services do.
    pub(crate) fn json_document(&self) -> String {
        serde_json::json!({"__type": self.code, "message": self.message}).to_string()
    }
}

fn status(code: &str) -> u16 {
    match code {
        "UnauthorizedOperation"
        | "AuthFailure"
        | "AccessDenied"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed" => 403,
        "DryRunOperation" => 412,
        "RequestEntityTooLarge" => 413,
        "RequestLimitExceeded" | "Unavailable" => 503,
        "InternalError" | "InsufficientInstanceCapacity" => 500,
        "NotImplemented" => 501,
        _ => 400,
    }
}
