//! What applying a plan may do, and nothing else: a session policy made of its steps.
//!
//! `AssumeRole` takes a policy that a session can never go beyond. Made from the plan that
//! somebody has read, it keeps a mistake of ours, or whoever steals the session, to what was
//! agreed to.
//!
//! # What is allowed, and on what
//!
//! | calls | on |
//! |---|---|
//! | reading | everything |
//! | making, and tagging what is made | whatever carries our tag with the environment's name in the request |
//! | changing and ending what was seen to be ours | the ids of the plan, as long as they carry that tag |
//! | changing and ending what the plan makes itself | what carries that tag: it has no id yet |
//! | taking over, and what the tags of the plan do not show to be ours | the ids of the plan, whatever they carry |
//! | what a launch uses: images, subnets, groups, keys | the ids and names of the plan |
//! | files | the prefixes of the plan |
//!
//! EC2 is closed in every other region, whatever else a policy allows.
//!
//! A launch may always end what it has launched: what is all or nothing is taken back.
//!
//! # How precise it is
//!
//! A policy has 2048 characters at most, so there are three tiers; the first that fits is taken.
//!
//! 1. [`Precision::Exact`]: as in the table.
//! 2. [`Precision::FoldedResources`]: ids of what is ours give way to the tag alone, which is
//!    asked for as before, and prefixes to their buckets. What is named without the tag
//!    stays named by its id.
//! 3. [`Precision::FoldedActions`]: besides, several calls of one family become one pattern, such
//!    as `ec2:*Instances`. Resources and tags are those of the second tier.
//!
//! Nothing is folded that the tier before has room for, and no tier leaves a condition out.
//!
//! # Adding a kind of step
//!
//! The compiler names the match in `needs.rs`. Say what the step sends, each call on what it
//! is about, and the row of the table in the tests.

mod blocks;
mod data;
mod document;
mod family;
mod grants;
mod needs;
#[cfg(test)]
mod tests;

use self::document::document;
use self::grants::Grants;
use super::step::Plan;
use crate::resource::EnvironmentName;

/// The most characters that a session policy may have (STS API, `AssumeRole`).
pub const LONGEST_SESSION_POLICY: usize = 2_048;

/// How closely a session policy follows its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Every object by its id, every prefix by its name.
    Exact,
    /// What is ours by its tag, files by their bucket.
    FoldedResources,
    /// The same, with one pattern for the calls of a family.
    FoldedActions,
}

impl Precision {
    /// Every tier, the most precise one first.
    const ALL: [Self; 3] = [Self::Exact, Self::FoldedResources, Self::FoldedActions];

    /// The next tier, which takes fewer characters; nothing after the last.
    pub fn coarser(self) -> Option<Self> {
        match self {
            Self::Exact => Some(Self::FoldedResources),
            Self::FoldedResources => Some(Self::FoldedActions),
            Self::FoldedActions => None,
        }
    }
}

/// A policy that a session cannot go beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPolicy {
    text: String,
    precision: Precision,
}

impl SessionPolicy {
    /// The policy as JSON, at most [`LONGEST_SESSION_POLICY`] characters long.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How closely it follows the plan.
    pub fn precision(&self) -> Precision {
        self.precision
    }
}

/// No tier of a plan's permissions fits into a session policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "what this plan may do takes {characters} characters, and a session policy has {LONGEST_SESSION_POLICY} at most"
)]
pub struct PolicyTooLarge {
    /// How long the shortest one is, in characters.
    pub characters: usize,
}

/// The policy of a session that applies a plan: the first tier from `finest` on that fits.
///
/// `renamed_from` is the name that the environment had before, where the spec has one: what
/// is ours may carry it still. STS packs a policy in a way of its own and may refuse one that
/// has few enough characters (`PackedPolicyTooLarge`); whoever is refused asks again with
/// the tier that [`Precision::coarser`] gives for that of the refused one.
///
/// A plan of `destroy` is compiled like any other, and applied without: `destroy` finds more
/// to end than its plan shows, and nothing may keep it from that.
///
/// # Errors
///
/// When none of the tiers is short enough.
pub fn session_policy(
    plan: &Plan,
    renamed_from: Option<&EnvironmentName>,
    finest: Precision,
) -> Result<SessionPolicy, PolicyTooLarge> {
    let grants = Grants::of(plan, renamed_from);
    let mut characters = 0;
    let tiers = Precision::ALL.into_iter();
    for precision in tiers.filter(|precision| *precision >= finest) {
        let text = document(&grants, precision);
        characters = text.chars().count();
        if characters <= LONGEST_SESSION_POLICY {
            return Ok(SessionPolicy { text, precision });
        }
    }
    Err(PolicyTooLarge { characters })
}
