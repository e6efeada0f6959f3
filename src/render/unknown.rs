//! Places that nobody could look at.

use serde::Serialize;

use crate::resource::{AccountId, Region};

/// A place that could not be looked at: what is there is unknown, not absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownPlace {
    /// The account that was asked for, where one was.
    pub account: Option<AccountId>,
    /// The region that was asked for, where one was.
    pub region: Option<Region>,
    /// Why it could not be looked at.
    pub why: String,
}

impl UnknownPlace {
    /// Where it is, for people.
    pub fn place(&self) -> String {
        let Self {
            account,
            region,
            why: _,
        } = self;
        let names = [
            region.as_ref().map(ToString::to_string),
            account.as_ref().map(ToString::to_string),
        ];
        let names: Vec<String> = names.into_iter().flatten().collect();
        names.join(", ")
    }
}
