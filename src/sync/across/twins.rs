//! What is known of two objects from one run to the next.

use std::path::Path;

use super::Ends;
use super::compare::tags_agree;
use super::pairs::Pair;
use crate::resource::Compare;
use crate::sync::journal::{Fact, Journal, Reader, Writer};

/// One fact: objects with these two entity tags had the same content.
///
/// It stays true whatever becomes of the objects, as what has other content has another tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct Twins {
    /// Relative to both places.
    pub(in crate::sync) key: String,
    /// The tag at the source, without quotes.
    pub(in crate::sync) source: String,
    /// The tag at the target, without quotes.
    pub(in crate::sync) target: String,
}

impl Fact for Twins {
    fn key(&self) -> &str {
        &self.key
    }

    /// The lengths of both tags, then the tags and the key.
    fn encode(&self) -> Vec<u8> {
        let Self {
            key,
            source,
            target,
        } = self;
        let mut body = Vec::with_capacity(16 + source.len() + target.len() + key.len());
        for tag in [source, target] {
            body.extend((tag.len() as u64).to_le_bytes());
        }
        for text in [source, target, key] {
            body.extend(text.as_bytes());
        }
        body
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (first, rest) = body.split_first_chunk::<8>()?;
        let (second, rest) = rest.split_first_chunk::<8>()?;
        let length = |bytes: &[u8; 8]| usize::try_from(u64::from_le_bytes(*bytes)).ok();
        let (source, rest) = rest.split_at_checked(length(first)?)?;
        let (target, key) = rest.split_at_checked(length(second)?)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Self {
            key: text(key)?,
            source: text(source)?,
            target: text(target)?,
        })
    }

    fn is_settled(&self, _begun: i64) -> bool {
        true
    }
}

/// The journal of two places in buckets.
pub(in crate::sync) fn journal(folder: &Path, ends: &Ends) -> Journal {
    let Ends { from, to } = ends;
    let parts = [&from.bucket, &from.prefix, &to.bucket, &to.prefix];
    Journal::named(folder, parts.map(String::as_bytes))
}

/// What is known from earlier runs, and what the next one is to know.
#[derive(Debug, Default)]
pub(super) struct Known {
    before: Option<Reader<Twins>>,
    after: Option<Writer<Twins>>,
    journal: Option<Journal>,
    /// How many pairs there were.
    count: u64,
    compare: Compare,
}

impl Known {
    /// Opens the journal of two places, where there are journals.
    pub(super) fn of(journals: Option<&Path>, ends: &Ends) -> Self {
        let journal = journals.map(|folder| journal(folder, ends));
        Self {
            before: journal.as_ref().map(Journal::read),
            after: None,
            journal,
            count: 0,
            compare: Compare::Content,
        }
    }

    /// What is found the same in another way than by content need not be of one content, and
    /// is not written down.
    pub(super) fn by(self, compare: Compare) -> Self {
        Self { compare, ..self }
    }

    /// How pairs are compared.
    pub(super) fn compare(&self) -> Compare {
        self.compare
    }

    /// Numbers one more pair, and says whether its tags are known to be of one content.
    ///
    /// The new journal is begun with the first: a survey that comes to nothing leaves nothing.
    pub(super) fn look_up(&mut self, pair: &Pair) -> (u64, bool) {
        if let Some(journal) = self.journal.take() {
            self.after = journal.same();
        }
        self.count += 1;
        let found = self
            .before
            .as_mut()
            .and_then(|reader| reader.find(&pair.source.key));
        let is_known = found.is_some() && found == twins(pair);
        (self.count - 1, is_known)
    }

    /// Writes down what came of a pair. Equal tags speak for themselves.
    pub(super) fn keep(&mut self, number: u64, pair: &Pair, is_same: bool) {
        if let Some(writer) = &mut self.after {
            let fact = (is_same && !tags_agree(pair))
                .then(|| twins(pair))
                .flatten();
            writer.put(number, fact);
        }
    }

    /// Puts what the next run is to know in its place.
    pub(super) fn finish(self) {
        if let Some(writer) = self.after {
            writer.finish();
        }
    }
}

/// The fact that a pair would be, where both tags are known.
fn twins(pair: &Pair) -> Option<Twins> {
    Some(Twins {
        key: pair.source.key.clone(),
        source: pair.source.etag.clone()?,
        target: pair.target.etag.clone()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_read_as_it_was_written_and_not_at_all_when_it_is_short() {
        let fact = Twins {
            key: "a/é".to_owned(),
            source: "one-2".to_owned(),
            target: "other".to_owned(),
        };
        let body = fact.encode();
        assert_eq!(Twins::decode(&body), Some(fact));
        for end in 0..16 + "one-2other".len() {
            assert_eq!(Twins::decode(&body[..end]), None, "{end}");
        }
        assert_eq!(Twins::decode(&[0xff; 40]), None);
    }
}
