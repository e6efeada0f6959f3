//! The federation endpoint: a token that signs a browser in to the console.
//!
//! It is `signin.aws.amazon.com/federation` of AWS, under that path here. AWS answers
//! whatever is wrong with 400 and no code to go by.

use std::ops::RangeInclusive;

use http::{Method, Request};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::state::{SessionKind, World, derived_hex};
use super::wire::{Node, Query, Refusal};

/// The one action of the endpoint that is no page of the console.
pub(super) const ACTION: &str = "getSigninToken";

/// How long the console may stay open, in seconds.
const DURATIONS: RangeInclusive<u64> = 900..=43_200;

/// The credentials of a session, as the endpoint takes them.
#[derive(Deserialize)]
struct Credentials {
    #[serde(rename = "sessionId")]
    key: String,
    #[serde(rename = "sessionKey")]
    secret: String,
    #[serde(rename = "sessionToken")]
    token: String,
}

/// The query of a request to this endpoint. A bucket of the same name has its own:
/// S3 knows no action in the address.
pub(super) fn query<T>(request: &Request<T>) -> Option<&str> {
    let query = request.uri().query()?;
    let mut names = query.split('&');
    (request.method() == Method::GET
        && request.uri().path() == "/federation"
        && names.any(|pair| pair.starts_with("Action=")))
    .then_some(query)
}

/// Answers with a token for the console.
pub(super) fn answer(world: &World, now: Timestamp, query: &str) -> Result<String, Refusal> {
    let query = Query::parse(query.as_bytes())?;
    let form = query.root();
    if form.text("Action") != Some(ACTION) {
        return Err(bad("the action is not known here"));
    }
    let given: Credentials = serde_json::from_str(form.required("Session")?)
        .map_err(|_| bad("the session is not the JSON of three credentials"))?;
    let session = world
        .sessions
        .get(&given.key)
        .filter(|known| known.secret() == given.secret && known.token() == given.token)
        .filter(|known| known.expires > now)
        .ok_or_else(|| bad("the session is not known, or over"))?;
    let SessionKind::Role { role, chained } = &session.kind else {
        return Err(bad("the session is of no role"));
    };
    check_duration(&form, world.iam.role(role).longest, *chained)?;
    let token = derived_hex(&["federation", &given.key], 64);
    Ok(json!({"SigninToken": token}).to_string())
}

/// The console may stay open beyond the session, for as long as the role allows, unless
/// the role was assumed by another one.
fn check_duration(form: &Node, longest: u64, chained: bool) -> Result<(), Refusal> {
    let Some(seconds) = form.number::<u64>("SessionDuration")? else {
        return Ok(());
    };
    if chained {
        return Err(bad("a chained session takes no duration"));
    }
    if !DURATIONS.contains(&seconds) || seconds > longest {
        return Err(bad("the duration is not one of the role"));
    }
    Ok(())
}

fn bad(why: &str) -> Refusal {
    Refusal::new("BadRequest", why)
}
