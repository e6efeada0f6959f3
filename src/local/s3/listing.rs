//! Pages of an ordered tree of keys, with prefixes and delimiters.

use std::collections::BTreeMap;
use std::ops::Bound;

/// What to list.
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    /// Keys that have this text after the prefix are rolled up to it.
    pub(super) delimiter: Option<&'a str>,
    /// The key or rolled-up prefix after which to begin.
    pub(super) after: Option<&'a str>,
    pub(super) limit: usize,
}

/// One page of a listing.
#[derive(Debug, PartialEq)]
pub(super) struct Page<V> {
    pub(super) items: Vec<Item<V>>,
    /// Whether there is more after it.
    pub(super) truncated: bool,
}

/// An entry of a page.
#[derive(Debug, PartialEq)]
pub(super) enum Item<V> {
    Key(String, V),
    Prefix(String),
}

impl<V> Item<V> {
    fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

impl<V> Page<V> {
    /// Returns where the next page begins, if there is one.
    pub(super) fn next(&self) -> Option<&str> {
        self.items.last().filter(|_| self.truncated).map(Item::name)
    }
}

impl Query<'_> {
    /// Reads one page of `tree`.
    ///
    /// It costs a few look-ups for every entry of the page, however many keys
    /// there are before, after or inside a rolled-up prefix.
    pub(super) fn page<V: Clone>(&self, tree: &BTreeMap<String, V>) -> Page<V> {
        let mut page = Page {
            items: Vec::new(),
            truncated: false,
        };
        let mut cursor = if self.limit == 0 { None } else { self.start() };
        while let Some(start) = cursor {
            let range = (start.as_ref().map(String::as_str), Bound::Unbounded);
            let Some((key, value)) = tree.range::<str, _>(range).next() else {
                break;
            };
            if !key.starts_with(self.prefix) {
                break;
            }
            if page.items.len() == self.limit {
                page.truncated = true;
                break;
            }
            if let Some(common) = self.common_prefix(key) {
                cursor = after_all_with(common).map(Bound::Included);
                page.items.push(Item::Prefix(common.to_owned()));
            } else {
                cursor = Some(Bound::Excluded(key.clone()));
                page.items.push(Item::Key(key.clone(), value.clone()));
            }
        }
        page
    }

    fn start(&self) -> Option<Bound<String>> {
        let Some(after) = self.after.filter(|after| *after >= self.prefix) else {
            return Some(Bound::Included(self.prefix.to_owned()));
        };
        match self.common_prefix(after) {
            Some(common) => after_all_with(common).map(Bound::Included),
            None => Some(Bound::Excluded(after.to_owned())),
        }
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.strip_prefix(self.prefix)?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(&key[..self.prefix.len() + end])
    }
}

/// Returns the first text in byte order that comes after every text that starts
/// with `prefix`, if there is one. The order of UTF-8 bytes is the order of
/// characters, so the last character that has a successor is replaced by it.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(keys: &[&str]) -> BTreeMap<String, u8> {
        keys.iter().map(|key| ((*key).to_owned(), 0)).collect()
    }

    fn all(
        tree: &BTreeMap<String, u8>,
        prefix: &str,
        delimiter: Option<&str>,
        limit: usize,
    ) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = Query {
                prefix,
                delimiter,
                after: after.as_deref(),
                limit,
            }
            .page(tree);
            assert!(page.items.len() <= limit);
            names.extend(page.items.iter().map(|item| item.name().to_owned()));
            match page.next() {
                Some(next) => after = Some(next.to_owned()),
                None => return names,
            }
        }
    }

    /// The same by reading everything.
    fn naive(tree: &BTreeMap<String, u8>, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
        let mut names: Vec<String> = tree
            .keys()
            .filter(|key| key.starts_with(prefix))
            .map(|key| {
                let rest = &key[prefix.len()..];
                match delimiter
                    .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()))
                {
                    Some(end) => key[..prefix.len() + end].to_owned(),
                    None => key.clone(),
                }
            })
            .collect();
        names.dedup();
        names
    }

    #[test]
    fn prefixes_are_rolled_up_once() {
        let tree = tree(&["a", "b/", "b/1", "b/2", "b0", "c//x", "c/y"]);
        assert_eq!(all(&tree, "", Some("/"), 2), ["a", "b/", "b0", "c/"]);
        assert_eq!(all(&tree, "c/", Some("/"), 1), ["c//", "c/y"]);
        assert_eq!(all(&tree, "b", None, 1), ["b/", "b/1", "b/2", "b0"]);
    }

    #[test]
    fn a_limit_of_nothing_is_an_empty_page() {
        let page = Query {
            prefix: "",
            delimiter: None,
            after: None,
            limit: 0,
        }
        .page(&tree(&["a"]));
        assert_eq!(
            page,
            Page {
                items: Vec::new(),
                truncated: false
            }
        );
    }

    #[test]
    fn successors_skip_what_is_no_character() {
        assert_eq!(after_all_with("a/").as_deref(), Some("a0"));
        assert_eq!(after_all_with("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_all_with("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{10ffff}"), None);
    }

    proptest! {
        #[test]
        fn pages_add_up_to_the_whole(
            keys in proptest::collection::btree_set("[ab/\u{7f}é\u{10ffff}]{1,5}", 0..40),
            prefix in "[ab/]{0,2}",
            delimiter in proptest::option::of("[/a]{1,2}"),
            limit in 1_usize..5,
        ) {
            let tree: BTreeMap<String, u8> = keys.into_iter().map(|key| (key, 0)).collect();
            let delimiter = delimiter.as_deref();
            prop_assert_eq!(all(&tree, &prefix, delimiter, limit), naive(&tree, &prefix, delimiter));
        }
    }
}
