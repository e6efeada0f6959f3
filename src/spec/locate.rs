//! Where in the text a node stands.
//!
//! The parser knows the position of every node while it reads, and tells it when
//! a visitor fails. So the text is read once more by a visitor that walks to the
//! node that is meant and fails there on purpose.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::diagnostic::{Segment, SpecPath};

/// Line and column from 1 of the node at `path`, or of the nearest node above it.
pub(super) fn locate(text: &str, path: &SpecPath) -> Option<(usize, usize)> {
    let mut segments = path.segments.as_slice();
    let mut at_key = path.at_key;
    loop {
        let walk = Walk { segments, at_key };
        if let Some(document) = serde_yaml::Deserializer::from_str(text).next()
            && let Err(error) = walk.deserialize(document)
            && error.to_string().contains(FOUND)
        {
            return error
                .location()
                .map(|location| (location.line(), location.column()));
        }
        segments = segments.split_last()?.1;
        at_key = !segments.is_empty();
    }
}

/// The text of the failure on purpose; no spec can hold it, for want of the control character.
const FOUND: &str = "\u{1}found";

struct Walk<'a> {
    segments: &'a [Segment],
    at_key: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(FOUND)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Segment::Key(wanted), rest)) = self.segments.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let fail_at_key = self.at_key && rest.is_empty();
        while let Some(found) = map.next_key_seed(Key {
            wanted,
            fail: fail_at_key,
        })? {
            if found {
                return map.next_value_seed(Walk {
                    segments: rest,
                    at_key: self.at_key,
                });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Segment::Index(wanted), rest)) = self.segments.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        for _ in 0..*wanted {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        items.next_element_seed(Walk {
            segments: rest,
            at_key: self.at_key,
        })?;
        Ok(())
    }
}

/// Reads a key: whether it is the wanted one, or a failure there on purpose.
struct Key<'a> {
    wanted: &'a str,
    fail: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<bool, E> {
        if key != self.wanted {
            return Ok(false);
        }
        if self.fail {
            Err(E::custom(FOUND))
        } else {
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version: 1\ninstances:\n  trainer:\n    type: p3\n    security_groups: [a, b]\n  other: &x\n    count: 2\n  third: *x\n";

    fn at(path: &SpecPath) -> Option<(usize, usize)> {
        locate(TEXT, path)
    }

    #[test]
    fn nodes_are_found() {
        let trainer = SpecPath::of_keys(&["instances", "trainer"]);
        assert_eq!(at(&SpecPath::of_keys(&["version"])), Some((1, 10)));
        assert_eq!(at(&trainer.key("type")), Some((4, 11)));
        assert_eq!(at(&trainer.the_key("type")), Some((4, 5)));
        assert_eq!(at(&trainer.key("security_groups").index(1)), Some((5, 26)));
    }

    #[test]
    fn what_is_absent_is_shown_at_its_parent() {
        let trainer = SpecPath::of_keys(&["instances", "trainer"]);
        assert_eq!(at(&trainer.key("lease")), Some((3, 3)));
        assert_eq!(at(&SpecPath::of_keys(&["lease"])), Some((1, 1)));
    }
}
