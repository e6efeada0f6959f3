//! Who is calling, as the request says it.
//!
//! Signatures are not checked: this cloud holds nothing that a signature could
//! protect, and it listens on loopback only. The access key id and the region
//! are taken from the credential scope, so every SDK may sign as it likes. The
//! key of a session needs the session's token beside it, as on AWS.

use http::HeaderMap;
use jiff::Timestamp;

use super::state::{Session, World, derived_hex};
use super::wire::Refusal;

/// How the key of a session begins, and no other.
pub(crate) const SESSION_PREFIX: &str = "ASIA";

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The access key id.
    pub(crate) key: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) arn: String,
    pub(crate) user: String,
    pub(crate) standing: Standing,
    /// The session of temporary credentials; a user's own have none.
    pub(crate) session: Option<Session>,
}

/// What the caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Everything.
    Good,
    /// Nothing: the credentials are past their time.
    Expired,
    /// Only to look.
    Denied,
}

/// The credential scope of an `Authorization` header, and the token beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) token: Option<String>,
}

impl Credential {
    /// Reads the credential scope; a request without one has no caller.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let (_, rest) = header.split_once("Credential=")?;
        let scope = rest.split([',', ' ']).next()?;
        // A key id may hold slashes in theory, the four parts behind it not.
        let mut parts = scope.rsplitn(5, '/');
        let ("aws4_request", _service, region, _date, key) = (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        ) else {
            return None;
        };
        (is_plain(key, 128) && is_plain(region, 40)).then(|| Self {
            key: key.to_owned(),
            region: region.to_owned(),
            token: token(headers),
        })
    }

    /// Finds who the credential belongs to; nobody when it is a session's that is not
    /// known, or came without its token. The session of a role is that role; a key that
    /// a test registered is its user's, `TRAINYARD` and twelve digits belong to that
    /// account, and any other key to a user of `account`.
    pub(crate) fn caller(&self, world: &World, account: &str, now: Timestamp) -> Option<Caller> {
        if self.key.starts_with(SESSION_PREFIX) {
            let session = world.sessions.get(&self.key)?;
            return (self.token == Some(session.token())).then(|| self.of_session(session, now));
        }
        Some(self.of_user(world, account))
    }

    fn of_session(&self, session: &Session, now: Timestamp) -> Caller {
        Caller {
            key: self.key.clone(),
            account: session.account.clone(),
            region: self.region.clone(),
            arn: session.arn.clone(),
            user: session.user.clone(),
            standing: if session.expires <= now {
                Standing::Expired
            } else {
                Standing::Good
            },
            session: Some(session.clone()),
        }
    }

    fn of_user(&self, world: &World, account: &str) -> Caller {
        // A key can name the account that it belongs to.
        let named = self.key.strip_prefix("TRAINYARD").filter(|digits| {
            digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        let account = named.unwrap_or(account);
        // All keys of a registered user are the same user.
        let (name, id) = match world.iam.users.get(&self.key) {
            Some(user) => (user.name.as_str(), user.name.as_str()),
            None => ("local", self.key.as_str()),
        };
        let id = derived_hex(&["user", id], 17).to_uppercase();
        Caller {
            key: self.key.clone(),
            account: account.to_owned(),
            region: self.region.clone(),
            arn: format!("arn:aws:iam::{account}:user/{name}"),
            user: format!("AIDA{id}"),
            standing: if self.key.starts_with("EXPIRED") {
                Standing::Expired
            } else if self.key.starts_with("DENIED") {
                Standing::Denied
            } else {
                Standing::Good
            },
            session: None,
        }
    }
}

/// Whether a text is what stands in a credential scope, and not too long.
pub(crate) fn is_plain(text: &str, most: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=most).contains(&text.len()) && text.bytes().all(fits)
}

fn token(headers: &HeaderMap) -> Option<String> {
    let token = headers.get("x-amz-security-token")?.to_str().ok()?;
    Some(token.to_owned())
}

/// The kind of policy that keeps a caller from an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// A policy of the user or the role.
    Identity,
    /// The policy that the session was opened with.
    Session,
}

impl Lacking {
    /// The words of AWS that name the policy.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Identity => "identity-based",
            Self::Session => "session",
        }
    }
}

/// The refusal of EC2 for what no policy of the caller allows.
pub(crate) fn unauthorized(caller: &Caller, action: &str, lacking: Lacking) -> Refusal {
    let message = derived_hex(&[&caller.arn, action], 64);
    let lacking = lacking.words();
    Refusal::new(
        "UnauthorizedOperation",
        format!(
            "You are not authorized to perform this operation. User: {} is not authorized to \
             perform: ec2:{action} because no {lacking} policy allows the ec2:{action} action. \
             Encoded authorization failure message: {message}",
            caller.arn
        ),
    )
}

/// The refusal of a service for credentials that are past their time.
pub(crate) fn expired() -> Refusal {
    Refusal::new(
        "ExpiredToken",
        "The security token included in the request is expired",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value.parse().expect("header"));
        headers
    }

    #[test]
    fn the_scope_names_the_key_and_the_region() {
        let found = Credential::from_headers(&headers(
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ec2/aws4_request, \
             SignedHeaders=host, Signature=0",
        ));
        let expected = Credential {
            key: "AKID".to_owned(),
            region: "eu-west-1".to_owned(),
            token: None,
        };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn what_is_no_scope_is_nobody() {
        for value in [
            "",
            "Basic x",
            "Credential=",
            "Credential=a/b/c/d",
            "Credential=K/d/../ec2/aws4_request",
            "Credential=K/d//ec2/aws4_request",
        ] {
            assert_eq!(Credential::from_headers(&headers(value)), None, "{value}");
        }
    }
}
