//! Decides what only reading the file, or asking the object, can decide.

use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::compare::{
    EtagShape, LocalFacts, Look, Nature, Pair, RemoteFacts, Verdict, decide, first_look, part_size,
    settle,
};
use super::error::SurveyError;
use super::etag;
use super::journal::{Journal, Reader, Record, Writer};
use super::list::RemoteObject;
use super::options::payer;
use super::plan::{SkipReason, Why};
use super::route::Route;
use super::walk::LocalFile;
use crate::resource::ObjectOptions;

/// How many objects are asked about at a time, once one has shown that asking helps.
const QUESTIONS_AT_ONCE: usize = 16;

/// A file and an object of one key.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) file: LocalFile,
    pub(super) object: RemoteObject,
    /// Its place among all candidates, which come in the order of their keys.
    pub(super) number: u64,
    /// Whether the file was the object's content and has been touched since.
    pub(super) is_touched: bool,
}

/// What came out for one candidate.
#[derive(Debug)]
pub(super) enum Judgement {
    Same,
    Changed(Why),
    Skipped(SkipReason),
}

/// Judges candidates; files are read on blocking threads, a few at a time.
pub(super) struct Judge {
    client: Client,
    options: ObjectOptions,
    route: Arc<Route>,
    readers: JoinSet<(Candidate, io::Result<String>)>,
    most_readers: usize,
    done: Vec<(Candidate, Judgement)>,
    doubtful: Vec<Candidate>,
    known: Known,
}

/// What earlier runs say of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// The two were the same, and neither has changed.
    Same,
    /// They were the same, and somebody has touched the file since.
    Touched,
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
        }
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
            is_touched: _,
        } = candidate;
        let fact = self
            .before
            .as_mut()
            .and_then(|reader| reader.find(&file.key));
        // Of another object than the one that is there now nothing is known.
        let fact = fact.filter(|fact| object.etag.as_ref() == Some(&fact.etag));
        match fact {
            Some(fact) if fact.stamp == file.stamp && object.size == file.size => Word::Same,
            Some(_) => Word::Touched,
            None => Word::Nothing,
        }
    }

    /// Writes down what came of a candidate that is not in doubt.
    fn keep(&mut self, candidate: &Candidate, judgement: Option<&Judgement>) {
        let Some(writer) = &mut self.after else {
            return;
        };
        let Candidate {
            file,
            object,
            number,
            is_touched: _,
        } = candidate;
        let same = matches!(judgement, Some(Judgement::Same)).then_some(&object.etag);
        let record = same.and_then(Option::as_ref).map(|etag| Record {
            key: file.key.clone(),
            stamp: file.stamp,
            etag: etag.clone(),
        });
        writer.put(*number, record);
    }
}

impl Candidate {
    fn pair(&self, route: &Route) -> Pair<'_> {
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
    pub(super) fn new(
        (client, options): (Client, ObjectOptions),
        route: Arc<Route>,
        known: Known,
    ) -> Self {
        // Hashing is bound by the cores; a second reader a core hides the disk.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            client,
            options,
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
        match self.known.say(&candidate) {
            Word::Same => {
                self.judged(candidate, Judgement::Same);
                return Ok(());
            }
            Word::Touched => candidate.is_touched = candidate.file.size > 0,
            Word::Nothing => {}
        }
        match first_look(&candidate.pair(&self.route)) {
            // Only the times say so, and they can be set back.
            Look::Decided(Verdict::Same) if candidate.is_touched => {
                self.judged(candidate, Judgement::Changed(Why::Time));
            }
            Look::Decided(verdict) => self.file(candidate, verdict),
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
        self.settle_doubts().await;
        Ok((self.done, self.known.after))
    }

    async fn collect_one(&mut self) -> Result<(), SurveyError> {
        let Some(joined) = self.readers.join_next().await else {
            return Ok(());
        };
        let (candidate, digest) = joined.map_err(|_| SurveyError::Lost)?;
        match digest {
            Ok(digest) => {
                let verdict = decide(&candidate.pair(&self.route), &digest);
                self.file(candidate, verdict);
            }
            Err(error) => {
                let reason = SkipReason::UnreadableFile(error.to_string());
                self.judged(candidate, Judgement::Skipped(reason));
            }
        }
        Ok(())
    }

    fn file(&mut self, candidate: Candidate, verdict: Verdict) {
        match verdict {
            Verdict::Same => self.judged(candidate, Judgement::Same),
            Verdict::Changed(why) => self.judged(candidate, Judgement::Changed(why)),
            Verdict::Doubtful if candidate.is_touched => {
                self.judged(candidate, Judgement::Changed(Why::Time));
            }
            Verdict::Doubtful => {
                self.known.keep(&candidate, None);
                self.doubtful.push(candidate);
            }
        }
    }

    fn judged(&mut self, candidate: Candidate, judgement: Judgement) {
        self.known.keep(&candidate, Some(&judgement));
        self.done.push((candidate, judgement));
    }

    /// Asks the objects what their tags are.
    ///
    /// In a bucket that encrypts with KMS every unchanged object is in doubt, and
    /// asking each would cost a request an object on each run. So the first is
    /// asked alone, and after one that is encrypted so nobody is asked any more:
    /// then the times speak, and for a doubtful pair they agree.
    async fn settle_doubts(&mut self) {
        let mut rest = std::mem::take(&mut self.doubtful).into_iter();
        let mut at_once = 1;
        let mut encrypted = false;
        loop {
            let some: Vec<Candidate> = rest.by_ref().take(at_once).collect();
            if some.is_empty() {
                return;
            }
            let answers = if encrypted {
                vec![Nature::Other; some.len()]
            } else {
                let asked = join_all(some.iter().map(|candidate| self.ask(candidate))).await;
                encrypted = asked.iter().any(|answer| answer.encrypted);
                asked.into_iter().map(|answer| answer.nature).collect()
            };
            for (candidate, nature) in some.into_iter().zip(answers) {
                let judgement = settle(nature).map_or(Judgement::Same, Judgement::Changed);
                self.done.push((candidate, judgement));
            }
            at_once = QUESTIONS_AT_ONCE;
        }
    }

    async fn ask(&self, candidate: &Candidate) -> Answer {
        let etag = candidate.object.etag.as_deref().unwrap_or_default();
        let in_parts = matches!(EtagShape::of(etag), EtagShape::Parts(_));
        let output = self
            .client
            .head_object()
            .bucket(&self.route.bucket)
            .key(self.route.full_key(&candidate.object.key))
            .set_part_number(in_parts.then_some(1))
            .set_request_payer(payer(&self.options))
            .send()
            .await;
        match output {
            Ok(output) if in_parts => Answer::of_parts(&output, candidate.object.size),
            Ok(output) => Answer::of_whole(&output),
            Err(_) => Answer::unknown(),
        }
    }
}

/// What an object said of its entity tag.
struct Answer {
    nature: Nature,
    /// Whether its encryption is why, so that its neighbours will say the same.
    encrypted: bool,
}

impl Answer {
    fn unknown() -> Self {
        Self {
            nature: Nature::Unknown,
            encrypted: false,
        }
    }

    fn of_whole(output: &HeadObjectOutput) -> Self {
        let encrypted = encrypted(
            output.server_side_encryption(),
            output.sse_customer_algorithm(),
        );
        Self {
            nature: if encrypted {
                Nature::Other
            } else {
                Nature::Honest
            },
            encrypted,
        }
    }

    /// The first part's length tells whether the parts are of our size.
    fn of_parts(output: &HeadObjectOutput, size: u64) -> Self {
        let first = output
            .content_length()
            .and_then(|length| u64::try_from(length).ok());
        let ours = first == Some(part_size(size).min(size));
        let whole = Self::of_whole(output);
        if ours {
            return whole;
        }
        Self {
            nature: Nature::Other,
            encrypted: whole.encrypted,
        }
    }
}

/// Whether an object is encrypted so that its entity tag is no digest.
pub(super) fn encrypted(
    server_side: Option<&ServerSideEncryption>,
    customer_algorithm: Option<&str>,
) -> bool {
    customer_algorithm.is_some()
        || server_side.is_some_and(|encryption| *encryption != ServerSideEncryption::Aes256)
}
