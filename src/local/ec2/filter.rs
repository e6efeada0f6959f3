//! Filters of the describe calls.

use crate::local::state::Tags;
use crate::local::wire::{Node, Refusal};

/// The most filters in a call, values in a filter, and characters in a value.
const MOST_FILTERS: usize = 50;
const MOST_VALUES: usize = 200;
const LONGEST_VALUE: usize = 255;

/// A filter that a call knows: its name, and the values that an item has for it.
pub(super) type Field<T> = (&'static str, fn(&T) -> Vec<String>);

/// The filters of one call.
#[derive(Debug)]
pub(super) struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    name: String,
    values: Vec<Pattern>,
}

impl Filters {
    /// Reads the filters of a call, and refuses those that it does not know.
    pub(super) fn read<T>(form: &Node, fields: &[Field<T>]) -> Result<Self, Refusal> {
        let items = form.items("Filter");
        if items.len() > MOST_FILTERS {
            let message = format!("The maximum number of filters is {MOST_FILTERS}");
            return Err(Refusal::new("FilterLimitExceeded", message));
        }
        let filters = items.iter().map(|item| {
            let name = item.required("Name")?;
            let known = name.strip_prefix("tag:").is_some_and(|key| !key.is_empty())
                || matches!(name, "tag-key" | "tag-value")
                || fields.iter().any(|(field, _)| *field == name);
            if !known {
                return Err(Refusal::value(format!("The filter '{name}' is invalid")));
            }
            let values = item.values("Value");
            if values.is_empty() {
                let message = format!("The filter '{name}' has no value");
                return Err(Refusal::value(message));
            }
            if values.len() > MOST_VALUES {
                let message = format!("The maximum number of filter values is {MOST_VALUES}");
                return Err(Refusal::new("FilterLimitExceeded", message));
            }
            if values
                .iter()
                .any(|value| value.chars().count() > LONGEST_VALUE)
            {
                let message = format!("A value of the filter '{name}' is too long");
                return Err(Refusal::value(message));
            }
            Ok(Filter {
                name: name.to_owned(),
                values: values.into_iter().map(Pattern::new).collect(),
            })
        });
        filters.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a filter asks for tags.
    pub(super) fn name_tags(&self) -> bool {
        let mut names = self.0.iter().map(|filter| filter.name.as_str());
        names.any(|name| name.starts_with("tag:") || matches!(name, "tag-key" | "tag-value"))
    }

    /// Tells whether an item passes every filter.
    pub(super) fn accept<T>(&self, item: &T, tags: Option<&Tags>, fields: &[Field<T>]) -> bool {
        self.0.iter().all(|filter| {
            if let Some(key) = filter.name.strip_prefix("tag:") {
                return tags
                    .and_then(|tags| tags.get(key))
                    .is_some_and(|value| filter.accepts(value));
            }
            let of_tags = |wanted: fn((&String, &String)) -> String| -> Vec<String> {
                tags.into_iter().flatten().map(wanted).collect()
            };
            let values = match filter.name.as_str() {
                "tag-key" => of_tags(|(key, _)| key.clone()),
                "tag-value" => of_tags(|(_, value)| value.clone()),
                name => fields
                    .iter()
                    .find(|(field, _)| *field == name)
                    .map(|(_, values)| values(item))
                    .unwrap_or_default(),
            };
            values.iter().any(|value| filter.accepts(value))
        })
    }
}

impl Filter {
    fn accepts(&self, value: &str) -> bool {
        self.values.iter().any(|pattern| pattern.matches(value))
    }
}

/// A filter value: `*` is any text, `?` any character, `\` takes the next
/// character as it is.
#[derive(Debug)]
struct Pattern(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    This(char),
}

impl Pattern {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            pieces.push(match character {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::This(characters.next().unwrap_or('\\')),
                other => Piece::This(other),
            });
        }
        Self(pieces)
    }

    /// Matches in time no worse than the product of both lengths: on a mismatch
    /// only the last `*` is tried again, one character further on.
    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut place, mut at) = (0, 0);
        let mut retry = None;
        while at < text.len() {
            match self.0.get(place) {
                Some(Piece::Any) => {
                    retry = Some((place, at));
                    place += 1;
                }
                Some(Piece::One) => (place, at) = (place + 1, at + 1),
                Some(Piece::This(wanted)) if text.get(at) == Some(wanted) => {
                    (place, at) = (place + 1, at + 1);
                }
                Some(Piece::This(_)) | None => {
                    let Some((star, from)) = retry else {
                        return false;
                    };
                    retry = Some((star, from + 1));
                    (place, at) = (star + 1, from + 1);
                }
            }
        }
        self.0
            .get(place..)
            .is_none_or(|rest| rest.iter().all(|piece| *piece == Piece::Any))
    }
}

/// The values of a field that always has one.
pub(super) fn one<V: ToString>(value: V) -> Vec<String> {
    Vec::from([value].map(|value| value.to_string()))
}

/// The values of a field that may have one.
pub(super) fn maybe<V: ToString>(value: Option<V>) -> Vec<String> {
    value.into_iter().map(|value| value.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_globs_with_escapes() {
        let cases = [
            ("alex", "alex", true),
            ("alex", "Alex", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbbc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("\\\\", "\\", true),
            ("é?", "éé", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern} on {text}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = "*a".repeat(120);
        let text = "a".repeat(5000) + "b";
        assert!(!Pattern::new(&pattern).matches(&text));
    }
}
