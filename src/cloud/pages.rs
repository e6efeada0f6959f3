//! Listings in pages: read to their end, or an error.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{CloudError, CloudErrorKind};
use crate::resource::tag;

/// The largest page that EC2 gives of most things (EC2 API pagination).
pub(super) const PAGE: i32 = 1_000;

/// Guards a listing against pages that lead in a circle.
#[derive(Debug, Default)]
pub(super) struct Pages {
    seen: BTreeSet<String>,
}

impl Pages {
    /// The token of the next page; an empty page may have one (EC2 API pagination).
    pub(super) fn next(
        &mut self,
        operation: &str,
        token: Option<&str>,
    ) -> Result<Option<String>, CloudError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if self.seen.insert(token.to_owned()) {
            return Ok(Some(token.to_owned()));
        }
        Err(CloudError::of(
            operation,
            CloudErrorKind::Rejected,
            "the pages of the listing lead in a circle",
        ))
    }
}

/// Refuses what is listed by our tag and comes without it: an answer that contradicts its
/// own filter is not believed.
pub(super) fn must_be_tagged(
    operation: &str,
    id: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if tags.contains_key(tag::ENVIRONMENT) {
        return Ok(());
    }
    Err(untagged(operation, id))
}

/// The error for what a listing by our tag insists on and gives without that tag.
pub(super) fn untagged(operation: &str, id: &str) -> CloudError {
    let text = format!("{id} is listed as ours and comes without its tags");
    CloudError::of(operation, CloudErrorKind::Ambiguous, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_and_never_lead_in_a_circle() {
        let mut pages = Pages::default();
        assert_eq!(pages.next("list", Some("a")).unwrap().unwrap(), "a");
        assert_eq!(pages.next("list", Some("b")).unwrap().unwrap(), "b");
        assert_eq!(pages.next("list", Some("")).unwrap(), None);
        assert_eq!(pages.next("list", None).unwrap(), None);
        let error = pages.next("list", Some("a")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to list: the pages of the listing lead in a circle"
        );
    }
}
