//! Decides what only reading the file, or asking the object, can decide.

use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use tokio::task::JoinSet;

use super::compare::{
    Doubt, LocalFacts, Look, Pair, Remembered, RemoteFacts, Verdict, decide, look,
};
use super::error::SurveyError;
use super::etag;
use super::journal::{Journal, Reader, Record, Writer};
use super::list::RemoteObject;
use super::plan::{SkipReason, Why};
use super::question::Asker;
use super::route::Route;
use super::walk::LocalFile;
use crate::resource::{Compare, ObjectOptions};

/// How many candidates are held until they are asked about.
const DOUBTFUL_AT_ONCE: usize = 256;

/// A file and an object of one key.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) file: LocalFile,
    pub(super) object: RemoteObject,
    /// Its place among all candidates, which come in the order of their keys.
    pub(super) number: u64,
    /// What earlier runs say of it.
    pub(super) word: Word,
}

/// What came out for one candidate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Same,
    Changed(Why),
    Skipped(SkipReason),
}

/// Judges candidates; files are read on blocking threads, a few at a time.
pub(super) struct Judge {
    asker: Asker,
    route: Arc<Route>,
    readers: JoinSet<(Candidate, io::Result<String>)>,
    most_readers: usize,
    done: Vec<(Candidate, Judgement)>,
    doubtful: Vec<(Candidate, Doubt)>,
    known: Known,
}

/// What earlier runs say of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The two were the same, and neither has changed.
    Same,
    /// They were the same, and somebody has touched the file since.
    Touched {
        /// Whether it has the time of modification that it had.
        same_time: bool,
    },
    /// The file was the same as another object that had the key.
    OtherObject,
    Nothing,
}

/// What is known from earlier runs, and what the next one is to know.
#[derive(Debug, Default)]
pub(super) struct Known {
    before: Option<Reader>,
    after: Option<Writer>,
    journal: Option<Journal>,
    /// How many candidates there were.
    count: u64,
    compare: Compare,
}

impl Known {
    /// Opens the journal of a route, where there are journals.
    pub(super) fn of(journals: Option<&Path>, route: &Route) -> Self {
        let journal = journals.map(|folder| Journal::of(folder, route));
        Self {
            before: journal.as_ref().map(Journal::read),
            after: None,
            journal,
            count: 0,
            compare: Compare::Content,
        }
    }

    /// What is found the same in another way than by content need not be, and is not
    /// written down.
    pub(super) fn by(self, compare: Compare) -> Self {
        Self { compare, ..self }
    }

    /// Numbers one more candidate.
    ///
    /// The new journal is begun with the first, before anything of it is read: a survey that
    /// comes to nothing leaves nothing behind.
    fn number(&mut self) -> u64 {
        if let Some(journal) = self.journal.take() {
            self.after = journal.same();
        }
        self.count += 1;
        self.count - 1
    }

    /// What earlier runs say of a candidate.
    fn say(&mut self, candidate: &Candidate) -> Word {
        let Candidate {
            file,
            object,
            number: _,
            word: _,
        } = candidate;
        let fact = self
            .before
            .as_mut()
            .and_then(|reader| reader.find(&file.key));
        match fact {
            Some(fact) if object.etag.as_ref() != Some(&fact.etag) => Word::OtherObject,
            Some(fact) if fact.stamp == file.stamp && object.size == file.size => Word::Same,
            Some(fact) => Word::Touched {
                same_time: fact.stamp.modified == file.stamp.modified,
            },
            None => Word::Nothing,
        }
    }

    /// Writes down what came of a candidate.
    fn keep(&mut self, candidate: &Candidate, judgement: &Judgement) {
        let Some(writer) = &mut self.after else {
            return;
        };
        let Candidate {
            file,
            object,
            number,
            word,
        } = candidate;
        let is_proven = self.compare == Compare::Content || *word == Word::Same;
        let is_same = is_proven && matches!(judgement, Judgement::Same);
        let same = is_same.then_some(&object.etag);
        let record = same.and_then(Option::as_ref).map(|etag| Record {
            key: file.key.clone(),
            stamp: file.stamp,
            etag: etag.clone(),
        });
        writer.put(*number, record);
    }
}

impl Candidate {
    /// Whether the file was the object's content and has been touched since.
    fn is_touched(&self) -> bool {
        matches!(self.word, Word::Touched { .. }) && self.file.size > 0
    }

    pub(super) fn pair(&self, route: &Route) -> Pair<'_> {
        Pair {
            direction: route.direction,
            local: LocalFacts {
                size: self.file.size,
                modified: self.file.modified,
            },
            remote: RemoteFacts {
                size: self.object.size,
                modified: self.object.modified,
                etag: self.object.etag.as_deref(),
            },
        }
    }
}

impl Judge {
    pub(super) fn new(whom: (Client, ObjectOptions), route: Arc<Route>, known: Known) -> Self {
        // Hashing is bound by the cores; a second reader a core hides the disk.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            asker: Asker::new(whom, Arc::clone(&route), known.compare),
            route,
            readers: JoinSet::new(),
            most_readers: cores * 2,
            done: Vec::new(),
            doubtful: Vec::new(),
            known,
        }
    }

    /// Takes one candidate in; what is decided by now comes from [`Self::take`].
    pub(super) async fn add(&mut self, mut candidate: Candidate) -> Result<(), SurveyError> {
        candidate.number = self.known.number();
        if candidate.file.link {
            self.judged(candidate, Judgement::Changed(Why::Link));
            return Ok(());
        }
        candidate.word = self.known.say(&candidate);
        let remembered = match candidate.word {
            Word::Same => {
                self.judged(candidate, Judgement::Same);
                return Ok(());
            }
            Word::Touched { same_time: true } => Remembered::SameTime,
            Word::Touched { same_time: false } => Remembered::OtherTime,
            Word::OtherObject | Word::Nothing => Remembered::Nothing,
        };
        match look(self.known.compare, &candidate.pair(&self.route), remembered) {
            // Only the times say so, and they can be set back.
            Look::Decided(Verdict::Same)
                if self.known.compare == Compare::Content && candidate.is_touched() =>
            {
                self.judged(candidate, Judgement::Changed(Why::Touched));
            }
            Look::Decided(verdict) => self.file(candidate, verdict).await,
            Look::NeedsDigest(shape) => {
                if self.readers.len() >= self.most_readers {
                    self.collect_one().await?;
                }
                let route = Arc::clone(&self.route);
                self.readers.spawn_blocking(move || {
                    let path = route.path(&candidate.file.key);
                    let digest = etag::of_file(&path, candidate.file.size, shape);
                    (candidate, digest)
                });
            }
        }
        Ok(())
    }

    /// What has been judged since the last time.
    pub(super) fn take(&mut self) -> Vec<(Candidate, Judgement)> {
        std::mem::take(&mut self.done)
    }

    /// Judges everything that was taken in, and gives what the next run is to know.
    pub(super) async fn finish(
        mut self,
    ) -> Result<(Vec<(Candidate, Judgement)>, Option<Writer>), SurveyError> {
        while !self.readers.is_empty() {
            self.collect_one().await?;
        }
        self.settle().await;
        Ok((self.done, self.known.after))
    }

    /// Asks about what is doubtful by now.
    async fn settle(&mut self) {
        let doubtful = std::mem::take(&mut self.doubtful);
        for (candidate, judgement) in Box::pin(self.asker.settle(doubtful)).await {
            self.judged(candidate, judgement);
        }
    }

    async fn collect_one(&mut self) -> Result<(), SurveyError> {
        let Some(joined) = self.readers.join_next().await else {
            return Ok(());
        };
        let (candidate, digest) = joined.map_err(|_| SurveyError::Lost)?;
        match digest {
            Ok(digest) => {
                let verdict = decide(&candidate.pair(&self.route), &digest);
                self.file(candidate, verdict).await;
            }
            Err(error) => {
                let reason = SkipReason::UnreadableFile(error.to_string());
                self.judged(candidate, Judgement::Skipped(reason));
            }
        }
        Ok(())
    }

    async fn file(&mut self, candidate: Candidate, verdict: Verdict) {
        match verdict {
            Verdict::Same => self.judged(candidate, Judgement::Same),
            Verdict::Changed(why) => self.judged(candidate, Judgement::Changed(why)),
            Verdict::Doubtful(doubt) => {
                if let Some(why) = without_asking(candidate.word, doubt) {
                    self.judged(candidate, Judgement::Changed(why));
                } else {
                    self.doubtful.push((candidate, doubt));
                    if self.doubtful.len() >= DOUBTFUL_AT_ONCE {
                        self.settle().await;
                    }
                }
            }
        }
    }

    fn judged(&mut self, candidate: Candidate, judgement: Judgement) {
        self.known.keep(&candidate, &judgement);
        self.done.push((candidate, judgement));
    }
}

/// Why a doubtful candidate is moved without its object being asked.
///
/// A touched file need not be what its time says, and another object than the one that a
/// run has found the same need not have its time.
fn without_asking(word: Word, doubt: Doubt) -> Option<Why> {
    match (word, doubt) {
        // Whether its digest is to be believed is in doubt, and that it was touched is not.
        (Word::Touched { .. }, Doubt::Digest | Doubt::Time | Doubt::DigestAndTime | Doubt::Tag) => {
            Some(Why::Touched)
        }
        (Word::OtherObject, Doubt::Time) => Some(Why::Time),
        (Word::OtherObject, Doubt::DigestAndTime) => Some(Why::Content),
        (Word::OtherObject, Doubt::Digest | Doubt::Tag) | (Word::Same | Word::Nothing, _) => None,
    }
}
