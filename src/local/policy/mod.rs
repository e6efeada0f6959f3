//! Policies of IAM, as far as sessions are held to them here (IAM User Guide, policy
//! evaluation logic).
//!
//! Nothing is allowed that no statement allows, and what one denies is denied whatever
//! others say. A call is asked about once for each thing that it touches: `RunInstances` for
//! the image, the subnet, every security group, the key pair, and what it makes.

mod condition;
mod pattern;
mod read;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::condition::Condition;
use self::pattern::Pattern;

/// One call on one thing.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_field_names,
    reason = "IAM tells the tags of the request from those of the resource"
)]
pub(super) struct Request<'a> {
    /// Such as `ec2:RunInstances`.
    pub(super) action: &'a str,
    /// The region that is asked.
    pub(super) region: &'a str,
    /// The tags that the request names, for those that remove tags with empty values.
    pub(super) request_tags: &'a BTreeMap<String, String>,
    /// The tags that the thing has.
    pub(super) resource_tags: &'a BTreeMap<String, String>,
    /// The ARN of the thing, or `*` for calls that are about none.
    pub(super) resource: &'a str,
}

/// A policy that was read.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// Calls or things that a statement is about.
#[derive(Debug, Clone)]
enum Selection<P> {
    Only(Vec<P>),
    AllBut(Vec<P>),
}

impl<P> Selection<P> {
    fn has(&self, matches: impl Fn(&P) -> bool) -> bool {
        match self {
            Self::Only(patterns) => patterns.iter().any(matches),
            Self::AllBut(patterns) => !patterns.iter().any(matches),
        }
    }
}

/// The parts of an ARN, of which each is matched by itself; `*` alone is everything.
#[derive(Debug, Clone)]
enum ResourcePattern {
    Everything,
    Parts(Vec<Pattern>),
}

impl ResourcePattern {
    fn matches(&self, resource: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Parts(patterns) => {
                let parts: Vec<&str> = resource.splitn(ARN_PARTS, ':').collect();
                parts.len() == patterns.len()
                    && patterns
                        .iter()
                        .zip(parts)
                        .all(|(pattern, part)| pattern.matches(part))
            }
        }
    }
}

/// How many parts an ARN has; the last may hold colons of its own (IAM User Guide, ARNs).
const ARN_PARTS: usize = 6;

#[derive(Debug, Clone)]
struct Statement {
    effect: Effect,
    /// In lower case, as the case of actions does not matter.
    actions: Selection<Pattern>,
    resources: Selection<ResourcePattern>,
    conditions: Vec<Condition>,
}

impl Statement {
    fn applies(&self, asked: &Asked<'_>) -> bool {
        let action = asked.request.action.to_ascii_lowercase();
        self.actions.has(|pattern| pattern.matches(&action))
            && self
                .resources
                .has(|pattern| pattern.matches(asked.request.resource))
            && self.conditions.iter().all(|one| one.holds(asked))
    }
}

/// A request and what else is known of it.
struct Asked<'a> {
    request: &'a Request<'a>,
    /// The call that makes what is tagged, where tags come with it.
    creating: Option<&'a str>,
}

impl Policy {
    /// Reads a policy that a session is to be held to.
    ///
    /// # Errors
    ///
    /// When IAM would refuse it as malformed: in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        read::policy(text)
    }

    /// Whether a call on one thing is allowed.
    pub(super) fn allows(&self, request: &Request<'_>) -> bool {
        self.decide(&Asked {
            request,
            creating: None,
        })
    }

    /// Whether `ec2:CreateTags` is allowed for tags that come with the call that makes their
    /// object, such as `RunInstances`: what `ec2:CreateAction` says.
    pub(super) fn allows_while_creating(&self, request: &Request<'_>, creating: &str) -> bool {
        self.decide(&Asked {
            request,
            creating: Some(creating),
        })
    }

    fn decide(&self, asked: &Asked<'_>) -> bool {
        let applying = || self.statements.iter().filter(|one| one.applies(asked));
        applying().all(|one| one.effect == Effect::Allow) && applying().next().is_some()
    }
}
