//! What a call does to which resource, and whether a session policy allows it.

use super::identity::Caller;
use super::policy::{Policy, Request};
use super::state::Tags;

/// One action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// The service and the action, such as `ec2:RunInstances`.
    pub(super) action: String,
    /// The ARN of the resource, or `*` for what has none.
    pub(super) resource: String,
    /// The tags that the call gives it.
    pub(super) request_tags: Tags,
    /// The tags that it has.
    pub(super) resource_tags: Tags,
    /// The call that makes what is tagged with it, such as `RunInstances`.
    pub(super) creating: Option<String>,
}

impl Access {
    /// Makes an access that has nothing to do with tags.
    pub(super) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            request_tags: Tags::new(),
            resource_tags: Tags::new(),
            creating: None,
        }
    }
}

/// Whether the session policy of the caller, if it has one, allows all of this.
pub(super) fn session_allows(caller: &Caller, accesses: impl FnOnce() -> Vec<Access>) -> bool {
    let session = caller.session.as_ref();
    let Some(text) = session.and_then(|session| session.policy.as_deref()) else {
        return true;
    };
    // It was read once when the session began. What another version of this program
    // found to be a policy and this one does not allows nothing.
    let Ok(policy) = Policy::parse(text) else {
        return false;
    };
    accesses().iter().all(|access| {
        let Access {
            action,
            resource,
            request_tags,
            resource_tags,
            creating,
        } = access;
        let request = Request {
            action,
            region: &caller.region,
            request_tags,
            resource_tags,
            resource,
        };
        match creating {
            Some(creating) => policy.allows_while_creating(&request, creating),
            None => policy.allows(&request),
        }
    })
}
