//! The form body of a query request, read as a tree of dotted names.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::str::FromStr;

use super::Refusal;

/// A decoded form. Names are kept flat: a tree of a hostile name such as
/// `a.a.a...` would be as deep as the body is long.
#[derive(Debug)]
pub(crate) struct Query(BTreeMap<String, String>);

/// One place in the form: the root, a structure or an element of a list.
#[derive(Clone, Debug)]
pub(crate) struct Node<'q> {
    query: &'q Query,
    prefix: String,
}

impl Query {
    /// Decodes a form body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let malformed = |why| Refusal::new("MalformedQueryString", why);
        if std::str::from_utf8(body).is_err() {
            return Err(malformed("The form is not UTF-8"));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            // The decoder puts this character where the bytes were not UTF-8.
            if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
                return Err(malformed("The form holds bytes that are not UTF-8"));
            }
            if fields
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                return Err(malformed("The form names a parameter twice"));
            }
        }
        Ok(Self(fields))
    }

    /// The top of the form.
    pub(crate) fn root(&self) -> Node<'_> {
        Node {
            query: self,
            prefix: String::new(),
        }
    }

    /// Every name with its value, in order of names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'q> Node<'q> {
    /// The text of a field.
    pub(crate) fn text(&self, name: &str) -> Option<&'q str> {
        self.query.0.get(&self.path(name)).map(String::as_str)
    }

    /// The text of a field that must be there and not empty.
    pub(crate) fn required(&self, name: &str) -> Result<&'q str, Refusal> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::missing(&self.path(name)))
    }

    /// A field that is `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(Refusal::value(format!(
                "Invalid value '{text}' for {}. Expected a boolean.",
                self.path(name)
            ))),
        }
    }

    /// A field that is a number.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        self.text(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Refusal::value(format!(
                        "Invalid value '{text}' for {}. Expected a number.",
                        self.path(name)
                    ))
                })
            })
            .transpose()
    }

    /// Whether the field, or anything below it, was sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        let path = self.path(name);
        self.query.0.contains_key(&path) || self.below(&path).next().is_some()
    }

    /// The structure of this name.
    pub(crate) fn node(&self, name: &str) -> Self {
        Self {
            query: self.query,
            prefix: self.path(name),
        }
    }

    /// The plain values of a list, in the order of their numbers.
    pub(crate) fn values(&self, name: &str) -> Vec<&'q str> {
        let path = self.path(name);
        self.indices(&path)
            .into_iter()
            .filter_map(|index| self.query.0.get(&format!("{path}.{index}")))
            .map(String::as_str)
            .collect()
    }

    /// The structures of a list, in the order of their numbers.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        let path = self.path(name);
        self.indices(&path)
            .into_iter()
            .map(|index| Self {
                query: self.query,
                prefix: format!("{path}.{index}"),
            })
            .collect()
    }

    fn indices(&self, path: &str) -> Vec<u32> {
        let mut indices: Vec<u32> = self
            .below(path)
            .filter_map(|rest| rest.split('.').next())
            .filter(|index| !index.starts_with(['0', '+']))
            .filter_map(|index| index.parse().ok())
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    fn below(&self, path: &str) -> impl Iterator<Item = &'q str> {
        let start = format!("{path}.");
        let range = (Bound::Included(start.clone()), Bound::Unbounded);
        self.query
            .0
            .range::<String, _>(range)
            .map_while(move |(name, _)| name.strip_prefix(start.as_str()))
    }

    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_in_the_order_of_their_numbers() {
        let query = Query::parse(b"A.10=ten&A.2=two&A.1.B=x&A.x=no&A.01=no&AB.1=no").expect("form");
        assert_eq!(query.root().values("A"), ["two", "ten"]);
        let items = query.root().items("A");
        assert_eq!(items.len(), 3);
        assert_eq!(items.first().and_then(|item| item.text("B")), Some("x"));
        assert!(query.root().has("AB"));
        assert!(!query.root().has("B"));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in [&b"a=%ff"[..], b"\xff=1", b"a=1&a=2"] {
            let refusal = Query::parse(body).expect_err("malformed");
            assert_eq!(refusal.code, "MalformedQueryString");
        }
    }

    #[test]
    fn numbers_and_flags_are_checked() {
        let query = Query::parse(b"N=99999999999999999999&F=yes&G=TRUE").expect("form");
        assert!(query.root().number::<i64>("N").is_err());
        assert!(query.root().flag("F").is_err());
        assert_eq!(query.root().flag("G"), Ok(Some(true)));
    }
}
