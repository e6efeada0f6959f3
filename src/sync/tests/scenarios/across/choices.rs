//! What may be chosen holds from bucket to bucket as it does elsewhere.

use super::Two;
use crate::sync::policy::Existing;
use crate::sync::tests::world::{deleted, keys, skipped, with_deletion};
use crate::sync::{Archive, SkipReason, SurveyError, Withheld};

#[tokio::test(flavor = "multi_thread")]
async fn across_what_is_to_stay_holds_deletions_back() {
    let two = Two::new().await;
    two.put("bucket", "a/both", b"ours");
    two.put("bucket", "a/new", b"new");
    two.put("other", "b/c/both", b"theirs");
    two.put("other", "b/c/extra", b"extra");
    let mut request = with_deletion(two.request());
    request.policy.existing = Existing::Refuse;
    let plan = two.converge(&request).await;
    assert_eq!(keys(&plan), ["new"]);
    assert_eq!(skipped(&plan), [("both", &SkipReason::Immutable)]);
    assert_eq!(plan.withheld, Some(Withheld::Immutable("both".to_owned())));
    assert_eq!(two.get("other", "b/c/both").unwrap(), b"theirs");
    assert_eq!(two.get("other", "b/c/extra").unwrap(), b"extra");
}

#[tokio::test(flavor = "multi_thread")]
async fn across_what_is_excluded_goes_where_that_is_asked_for() {
    let two = Two::new().await;
    two.put("bucket", "a/kept", b"kept");
    two.put("bucket", "a/x.tmp", b"x");
    two.put("other", "b/c/kept", b"kept");
    two.put("other", "b/c/old.tmp", b"old");
    two.put("other", "b/c/x.tmp", b"x");
    let mut request = with_deletion(two.request());
    request.exclude = vec!["*.tmp".to_owned()];
    assert!(two.world.survey(&request).await.unwrap().is_empty());
    request.delete_excluded = true;
    let plan = two.converge(&request).await;
    assert_eq!(deleted(&plan), ["old.tmp", "x.tmp"]);
    assert_eq!(two.names("bucket").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn across_everything_goes_where_an_empty_source_is_no_mistake() {
    let two = Two::new().await;
    two.put("other", "b/c/a", b"a");
    let mut request = with_deletion(two.request());
    let refused = two.world.survey(&request).await.unwrap_err();
    assert!(matches!(refused, SurveyError::EmptySource { files: 1, .. }));
    request.allow_empty_source = true;
    assert_eq!(deleted(&two.converge(&request).await), ["a"]);
    assert!(two.names("other").is_empty());
}

/// S3 copies by itself, and packs nothing: to ignore the wish would look like success.
#[tokio::test(flavor = "multi_thread")]
async fn across_no_archive_is_packed() {
    let two = Two::new().await;
    two.put("bucket", "a/a", b"a");
    let mut request = two.request();
    request.archive = Some(Archive::Zip);
    let refused = two.world.survey(&request).await.unwrap_err();
    assert!(matches!(refused, SurveyError::ArchiveBetweenBuckets { .. }));
    assert!(refused.help().is_some());
    assert_eq!(two.count(|_| true), 0);
}
