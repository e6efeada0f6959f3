//! Client tokens: a call that is repeated is one call.

use std::collections::BTreeSet;

use super::super::Call;
use crate::local::state::{Token, derived_hex};
use crate::local::wire::Refusal;

/// The longest token, in characters.
const LONGEST: usize = 64;

/// Where a token is unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScopeOfToken {
    /// In a zone, because the call named one: the same token in another zone
    /// launches again.
    Zone(String),
    /// In the region.
    Region,
}

/// A token as a call brings it.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The token itself.
    pub(crate) token: String,
    key: String,
    parameters: String,
}

impl Claim {
    /// Reads the token of a call.
    pub(crate) fn read(call: &Call, scope: &ScopeOfToken) -> Result<Option<Self>, Refusal> {
        let Some(token) = call
            .form
            .text("ClientToken")
            .filter(|token| !token.is_empty())
        else {
            return Ok(None);
        };
        if token.len() > LONGEST || !token.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            let message = format!("The token must be at most {LONGEST} ASCII characters");
            return Err(Refusal::new("InvalidClientToken", message));
        }
        let scope = match scope {
            ScopeOfToken::Zone(zone) => zone.as_str(),
            ScopeOfToken::Region => "",
        };
        Ok(Some(Self {
            token: token.to_owned(),
            key: format!("{} {scope} {token}", call.action),
            parameters: parameters(call),
        }))
    }

    /// Finds what the token was used for, and refuses it beside other parameters.
    /// One whose launch found no capacity is free for the same parameters.
    pub(crate) fn used<'c>(&self, call: &'c Call) -> Result<Option<&'c Token>, Refusal> {
        let Some(used) = call.region.tokens.get(&self.key) else {
            return Ok(None);
        };
        if used.parameters == self.parameters {
            return Ok(Some(used).filter(|used| !used.made.is_empty()));
        }
        Err(Refusal::new(
            "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent with arguments used in \
             previous request(s).",
        ))
    }

    /// Binds the token to its parameters though nothing was made.
    pub(crate) fn bind(&self, call: &mut Call) {
        let token = Token {
            parameters: self.parameters.clone(),
            made: String::new(),
            instances: BTreeSet::new(),
            ended: Some(call.now),
        };
        call.region.tokens.insert(self.key.clone(), token);
    }

    /// Keeps what the token was used for.
    pub(crate) fn spend(&self, call: &mut Call, made: &str, instances: &[String]) {
        let token = Token {
            parameters: self.parameters.clone(),
            made: made.to_owned(),
            instances: instances.iter().cloned().collect(),
            ended: None,
        };
        call.region.tokens.insert(self.key.clone(), token);
    }
}

/// Hashes what the call asks for. The zone is part of the token's scope and, as
/// on AWS, no part of what must be the same.
fn parameters(call: &Call) -> String {
    let aside = [
        "Action",
        "Version",
        "ClientToken",
        "DryRun",
        "AvailabilityZone",
        "Placement.AvailabilityZone",
    ];
    let parts: Vec<&str> = call
        .query
        .fields()
        .filter(|(name, _)| !aside.contains(name))
        .flat_map(|(name, value)| [name, value])
        .collect();
    derived_hex(&parts, 64)
}
