//! The query and the path of a request, decoded.

use percent_encoding::percent_decode_str;

/// The query of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Decodes the part of an address behind the question mark.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        Self { pairs }
    }

    /// The value of a name; empty for one without.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Whether a name is there, with or without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of a name as a number.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }

    /// All names and values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// The bucket and the key that a path names; either may be empty.
pub(crate) fn split_path(path: &str) -> (String, Vec<u8>) {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let bucket = percent_decode_str(bucket).decode_utf8_lossy().into_owned();
    (bucket, percent_decode_str(key).collect())
}

#[cfg(test)]
mod tests {
    use super::{Query, split_path};

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse("list-type=2&prefix=a%2Bb+c&delete");
        assert_eq!(query.get("prefix"), Some("a+b c"));
        assert_eq!(query.number("list-type"), Some(2));
        assert!(query.has("delete"));
        assert!(!query.has("uploads"));
    }

    #[test]
    fn a_path_names_a_bucket_and_a_key() {
        assert_eq!(
            split_path("/b/x//y%20z+"),
            ("b".into(), b"x//y z+".to_vec())
        );
        assert_eq!(split_path("/b"), ("b".into(), Vec::new()));
    }
}
