//! What can go wrong with one call.

use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;

/// A fault of one call. As text it is part of the line that replays a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// The request never arrives, and the connection breaks.
    Lost,
    /// The call takes effect, and the connection breaks before its answer.
    AnswerLost,
    /// The request does not get through; this is answered instead.
    Refused(Spoil),
    /// The call takes effect, and this is answered instead.
    Answer(Spoil),
}

/// An answer that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spoil {
    /// `RequestLimitExceeded`.
    Busy,
    /// `InternalError`.
    Internal,
    /// `Unavailable`.
    Unavailable,
    /// The credentials are over.
    Expired,
    /// A page of a proxy, with a good status.
    Page,
    /// A page of a proxy, with a bad one.
    BadGateway,
    /// Bytes that mean nothing.
    Garbage,
    /// The first half of the right answer.
    Half,
    /// Nothing at all, with a good status.
    Empty,
    /// `InvalidInstanceID.NotFound`, which means nothing.
    NotFound,
    /// A listing with nothing in it. No wait is long enough where it stays so.
    Nothing,
}

impl Spoil {
    /// All that a history may meet anywhere.
    pub(super) const ALL: [Self; 10] = [
        Self::Busy,
        Self::Internal,
        Self::Unavailable,
        Self::Expired,
        Self::Page,
        Self::BadGateway,
        Self::Garbage,
        Self::Half,
        Self::Empty,
        Self::NotFound,
    ];

    /// The answer; `whole` is the right one, where there is any.
    pub(super) fn answer(self, whole: Option<&[u8]>, action: &str) -> Response {
        let (status, body): (u16, Vec<u8>) = match self {
            Self::Busy => (503, error("RequestLimitExceeded", action)),
            Self::Internal => (500, error("InternalError", action)),
            Self::Unavailable => (503, error("Unavailable", action)),
            Self::Expired => (400, error("RequestExpired", action)),
            Self::Page => (200, b"<html><body>Please sign in</body></html>".to_vec()),
            Self::BadGateway => (502, b"<html><body>Bad Gateway</body></html>".to_vec()),
            Self::Garbage => (200, vec![0, 159, 146, 150, 27, b'<', b'\n']),
            Self::Half => {
                let whole = whole.unwrap_or(b"<DescribeInstancesResponse><reservationSet>");
                (200, whole[..whole.len() / 2].to_vec())
            }
            Self::Empty => (200, Vec::new()),
            Self::Nothing => {
                let name = action.split(' ').next().unwrap();
                (200, format!("<{name}Response/>").into_bytes())
            }
            Self::NotFound => (400, error("InvalidInstanceID.NotFound", action)),
        };
        Response::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
    }
}

/// An error in the words of EC2, or of STS and SSM.
fn error(code: &str, action: &str) -> Vec<u8> {
    let sts = matches!(action, "GetCallerIdentity" | "AssumeRole");
    let text = if sts {
        format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        )
    } else if action.starts_with("GetParameter") {
        format!("{{\"__type\": \"{code}\", \"message\": \"no\"}}")
    } else {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
        )
    };
    text.into_bytes()
}

/// Every fault of a call.
pub(super) fn all_faults() -> impl Iterator<Item = Fault> {
    let spoils = Spoil::ALL.into_iter();
    let spoils = spoils.flat_map(|spoil| [Fault::Refused(spoil), Fault::Answer(spoil)]);
    [Fault::Lost, Fault::AnswerLost].into_iter().chain(spoils)
}

/// Its name in one word.
pub(super) fn name_of(fault: Fault) -> String {
    match fault {
        Fault::Lost => "lost".to_owned(),
        Fault::AnswerLost => "answer-lost".to_owned(),
        Fault::Refused(spoil) => format!("refused-{spoil:?}"),
        Fault::Answer(spoil) => format!("answer-{spoil:?}"),
    }
}
