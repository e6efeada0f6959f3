//! What can go wrong between the binary and AWS, as data.

use super::wire::answer;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// AWS gets no more than this much of the request.
    Asking(Pass, Then),
    /// AWS does what it is asked, and the caller gets no more than this much of the answer.
    Answering(Pass, Then),
    /// AWS never hears of it, and something else answers.
    Instead(Reply),
    /// AWS does what it is asked, and something else answers.
    Afterwards(Reply),
    /// The answer has half its body, and a head that agrees with that.
    Shorter,
    /// AWS gets the request two times; the answer is the second one's.
    Twice,
    /// The answer takes its time.
    Late,
}

/// How much of a message passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Nothing,
    FirstByte,
    Half,
    AllButOneByte,
    Everything,
}

impl Pass {
    pub(super) fn of(self, message: &[u8]) -> &[u8] {
        let length = message.len();
        match self {
            Self::Nothing => &message[..0],
            Self::FirstByte => &message[..1],
            Self::Half => &message[..length / 2],
            Self::AllButOneByte => &message[..length - 1],
            Self::Everything => message,
        }
    }
}

/// What comes after the bytes that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing, until the proxy is told to let go.
    Hold,
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
}

/// An answer that AWS did not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// What AWS says when it is asked too often.
    TooOften,
    /// The page of a proxy that wants somebody to sign in.
    Page,
    /// No HTTP at all.
    Garbage,
    /// A success without a word.
    Empty,
}

impl Reply {
    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Self::TooOften => {
                let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors><RequestID>0</RequestID></Response>";
                answer("503 Service Unavailable", "text/xml", body.as_bytes())
            }
            Self::Page => {
                let body = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Welcome to this network<br>Sign in to go on</body></html>";
                answer("200 OK", "text/html", body.as_bytes())
            }
            Self::Garbage => b"\x16\x03\x01\x00\xff\xfe\x00garbage\n\n\r\n\r\n".to_vec(),
            Self::Empty => answer("200 OK", "text/xml", b""),
        }
    }
}
