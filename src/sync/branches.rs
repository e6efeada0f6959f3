//! A long listing of a bucket that nobody knows yet, cut where its folders begin.
//!
//! See [`stretches`](super::stretches) for why a listing is cut. Where no journal knows any
//! keys, the bucket is asked for its folders: one question each for the folders on the way
//! to the key that came last, beside one another. What it answers are hints: a listing cut
//! anywhere finds the same keys. Pages that come quickly are worth no questions.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::list::{Listed, Listing};
use super::merge::Batch;
use super::stretches::{How, send_all, send_some};

/// How many pages are read before folders are asked for.
const PLAIN_PAGES: u32 = 2;
/// How many keys a stretch is to have: a little less than a page, so that one page shows
/// where it ends. Tests have smaller pages.
const KEYS_OF_A_BRANCH: usize = if cfg!(test) { 3 } else { 900 };
/// How long every page takes where that is worth a question. Beside the bucket it is a fifth
/// of this, and what a page costs is not the way to it.
const LONG: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 30 });
/// How long it is waited for folders.
const SLOW: Duration = Duration::from_secs(5);
/// Fewer stretches than this are worth no cut.
const FEWEST: usize = 3;
/// In how many folders, one within the other, others are asked for.
const LEVELS: usize = 4;

/// Sends page after page, and where that takes long the pages of many stretches, until there
/// are no more or nobody listens.
///
/// An error is the last thing sent.
pub(super) fn send(
    mut listing: Listing,
    pages: mpsc::Sender<Batch<Listed>>,
) -> BoxFuture<'static, ()> {
    // A stretch is sent in the same way, so the future has no size of its own.
    Box::pin(async move {
        loop {
            let (mut token, mut seen) = (None, Vec::new());
            for _page in 0..PLAIN_PAGES {
                let look = |page: &[Listed]| seen = keys(page);
                token = listing.send_page(token.as_deref(), &pages, look).await;
                if token.is_none() {
                    return;
                }
            }
            if listing.fastest() < LONG {
                return listing.send_rest_to(token, pages).await;
            }
            let (marks, are_all) = marks(&listing, &seen).await;
            let mut stretches = listing.rest_cut_at(&marks);
            if stretches.len() < FEWEST {
                return listing.send_rest_to(token, pages).await;
            }
            if are_all {
                return send_all(stretches, How::Branching, pages).await;
            }
            // The last stretch may be as long as all of this. It comes after the others and
            // not within them, so that no page has far to go.
            let Some(last) = stretches.pop() else {
                return;
            };
            if !send_some(stretches, How::Branching, &pages).await {
                return;
            }
            listing = last;
        }
    })
}

/// The relative keys of a page.
fn keys(page: &[Listed]) -> Vec<String> {
    let key = |listed: &Listed| match listed {
        Listed::Object(object) => object.key.clone(),
        Listed::Skipped { key, reason: _ } => key.clone(),
    };
    page.iter().map(key).collect()
}

/// Full keys behind the last one that a listing can be cut at, in order, and whether there are
/// no more; `seen` are the relative keys of its last page.
async fn marks(listing: &Listing, seen: &[String]) -> (Vec<String>, bool) {
    let Some(last) = listing.last() else {
        return (Vec::new(), true);
    };
    let levels = levels(listing.prefix(), last);
    let asked = levels.iter().map(|level| listing.folders(level, last));
    // Whoever is slow to answer is not waited for: it is a hint.
    let Ok(found) = timeout(SLOW, join_all(asked)).await else {
        return (Vec::new(), true);
    };
    let (mut marks, mut are_all) = (BTreeSet::new(), true);
    for (level, (folders, are_all_of_it)) in levels.iter().zip(found) {
        let below = level.get(listing.prefix().len()..).unwrap_or_default();
        let apart = folders_apart(below, seen);
        marks.extend(folders.into_iter().skip(apart).step_by(apart));
        are_all &= are_all_of_it;
    }
    (marks.into_iter().collect(), are_all)
}

/// The folders on the way to a key, the outermost first: the prefix, and what begins with it.
fn levels(prefix: &str, key: &str) -> Vec<String> {
    let ends = key.match_indices('/').map(|(at, _)| at + 1);
    let deeper = ends.filter(|end| *end > prefix.len());
    let all = [prefix.len()].into_iter().chain(deeper);
    all.filter_map(|end| key.get(..end))
        .map(str::to_owned)
        .take(LEVELS)
        .collect()
}

/// Of how many folders right below one a stretch is made, by the keys of a page.
fn folders_apart(below: &str, seen: &[String]) -> usize {
    let folder = |key: &String| {
        let rest = key.strip_prefix(below)?;
        rest.split_once('/').map(|(folder, _)| folder.to_owned())
    };
    let folders: BTreeSet<String> = seen.iter().filter_map(folder).collect();
    let keys_each = seen.len() / folders.len().max(1);
    (KEYS_OF_A_BRANCH / keys_each.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_on_the_way_to_a_key_has_others_beside_it() {
        assert_eq!(levels("", "a"), [""]);
        assert_eq!(levels("", "a/b/c"), ["", "a/", "a/b/"]);
        assert_eq!(levels("set/", "set/a/b"), ["set/", "set/a/"]);
        assert_eq!(levels("set/tr", "set/train/b"), ["set/tr", "set/train/"]);
        assert_eq!(levels("", "a/b/c/d/e/f").len(), LEVELS);
    }

    #[test]
    fn a_stretch_has_as_many_folders_as_fill_it() {
        let seen = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        // A stretch has three keys here.
        assert_eq!(folders_apart("", &seen(&["a/1", "b/1", "c/1"])), 3);
        assert_eq!(folders_apart("", &seen(&["a/1", "a/2", "b/1", "b/2"])), 1);
        assert_eq!(folders_apart("", &seen(&["a/1", "a/2", "a/3", "a/4"])), 1);
        assert_eq!(folders_apart("a/", &seen(&["a/1/1", "a/2/1", "a/3/1"])), 3);
        assert_eq!(folders_apart("", &seen(&[])), 3);
        assert_eq!(folders_apart("", &seen(&["1", "2", "3"])), 1);
    }
}
