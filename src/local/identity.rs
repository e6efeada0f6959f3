//! Who is calling, as the request says it.
//!
//! Signatures are not checked: this cloud holds nothing that a signature could
//! protect, and it listens on loopback only. The access key id and the region
//! are taken from the credential scope, so every SDK may sign as it likes.

use http::HeaderMap;
use jiff::Timestamp;

use super::state::{World, derived_hex};
use super::wire::Refusal;

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) arn: String,
    pub(crate) user: String,
    pub(crate) standing: Standing,
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

/// The credential scope of an `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) key: String,
    pub(crate) region: String,
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
        let plain = |text: &str, most: usize| {
            (1..=most).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        (plain(key, 128) && plain(region, 40)).then(|| Self {
            key: key.to_owned(),
            region: region.to_owned(),
        })
    }

    /// Finds who the credential belongs to. A session of `AssumeRole` is its
    /// role; `TRAINYARD` and twelve digits belong to that account, and any other
    /// key to a user of `account`.
    pub(crate) fn caller(&self, world: &World, account: &str, now: Timestamp) -> Caller {
        if let Some(session) = world.sessions.get(&self.key) {
            return Caller {
                account: session.account.clone(),
                region: self.region.clone(),
                arn: session.arn.clone(),
                user: session.user.clone(),
                standing: if session.expires <= now {
                    Standing::Expired
                } else {
                    Standing::Good
                },
            };
        }
        // A key can name the account that it belongs to.
        let named = self.key.strip_prefix("TRAINYARD").filter(|digits| {
            digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        let account = named.unwrap_or(account);
        let user = derived_hex(&["user", &self.key], 17).to_uppercase();
        Caller {
            account: account.to_owned(),
            region: self.region.clone(),
            arn: format!("arn:aws:iam::{account}:user/local"),
            user: format!("AIDA{user}"),
            standing: if self.key.starts_with("EXPIRED") {
                Standing::Expired
            } else if self.key.starts_with("DENIED") {
                Standing::Denied
            } else {
                Standing::Good
            },
        }
    }
}

/// The refusal of EC2 for a caller that may only look.
pub(crate) fn unauthorized(caller: &Caller, action: &str) -> Refusal {
    let message = derived_hex(&[&caller.arn, action], 64);
    Refusal::new(
        "UnauthorizedOperation",
        format!(
            "You are not authorized to perform this operation. User: {} is not authorized to \
             perform: ec2:{action} because no identity-based policy allows the ec2:{action} \
             action. Encoded authorization failure message: {message}",
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
