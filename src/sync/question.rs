//! Questions to objects about what comparing leaves in doubt.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::attributes::Attributes;
use super::compare::{Doubt, EtagShape, Nature, Said, has_time, part_size, settle};
use super::fault::{Fault, FaultKind};
use super::judge::{Candidate, Judgement};
use super::options::payer;
use super::plan::SkipReason;
use super::route::Route;
use super::whole::Proof;
use crate::resource::{Compare, ObjectOptions};

/// How many objects are asked about at a time, where each has to be.
const QUESTIONS_AT_ONCE: usize = 64;
/// How many are asked where they may speak for all others.
const SPEAKERS: usize = 16;

/// Asks objects about themselves.
pub(super) struct Asker {
    client: Client,
    options: ObjectOptions,
    route: Arc<Route>,
    /// Whether files may be read.
    reads: bool,
    /// How many files are read at a time.
    readers: Semaphore,
    /// What objects are taken to say that are doubtful in the same way, once many have been
    /// asked.
    likely: Likely,
}

/// What many objects have said, by what is doubtful about them.
#[derive(Debug, Default)]
struct Likely {
    digest_and_time: Option<Said>,
    time: Option<Said>,
    tag: Option<Said>,
}

impl Likely {
    /// Nothing for digests, of which none speaks for another.
    fn of(&mut self, doubt: Doubt) -> Option<&mut Option<Said>> {
        match doubt {
            Doubt::Digest => None,
            Doubt::DigestAndTime => Some(&mut self.digest_and_time),
            Doubt::Time => Some(&mut self.time),
            Doubt::Tag => Some(&mut self.tag),
        }
    }
}

impl Asker {
    pub(super) fn new(
        (client, options): (Client, ObjectOptions),
        route: Arc<Route>,
        compare: Compare,
    ) -> Self {
        Self {
            client,
            options,
            route,
            reads: compare == Compare::Content,
            // As many as read while files are compared by their digests.
            readers: Semaphore::new(available_parallelism().map_or(1, NonZero::get) * 2),
            likely: Likely::default(),
        }
    }

    /// Settles what is doubtful.
    pub(super) async fn settle(
        &mut self,
        doubtful: Vec<(Candidate, Doubt)>,
    ) -> Vec<(Candidate, Judgement)> {
        let kinds = [Doubt::Digest, Doubt::DigestAndTime, Doubt::Time, Doubt::Tag];
        let mut judged = Vec::with_capacity(doubtful.len());
        let mut rest = doubtful;
        for kind in kinds {
            let (alike, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|(_, doubt)| *doubt == kind);
            let alike = alike.into_iter().map(|(candidate, _)| candidate);
            judged.extend(self.settle_alike(kind, alike.collect()).await);
            rest = others;
        }
        judged
    }

    /// Settles what is doubtful in one way.
    ///
    /// What looks the same but for its digest is asked about one by one: to take it for the
    /// same unasked could cost its content. Of the others many are asked first, and where they
    /// have said nothing that helps, the rest are not: the times decide then, as they would.
    async fn settle_alike(
        &mut self,
        doubt: Doubt,
        candidates: Vec<Candidate>,
    ) -> Vec<(Candidate, Judgement)> {
        let mut rest = candidates.into_iter();
        let at_once = match doubt {
            Doubt::Digest => QUESTIONS_AT_ONCE,
            Doubt::DigestAndTime | Doubt::Time | Doubt::Tag => SPEAKERS,
        };
        let mut judged = Vec::new();
        loop {
            let some: Vec<Candidate> = rest.by_ref().take(at_once).collect();
            if some.is_empty() {
                return judged;
            }
            let likely = self.likely.of(doubt).and_then(|likely| *likely);
            let answers = match likely {
                Some(said) => vec![Ok(said); some.len()],
                None => join_all(some.iter().map(|one| self.ask(one, doubt))).await,
            };
            self.learn(doubt, &answers);
            for (candidate, answer) in some.into_iter().zip(answers) {
                let judgement = match answer {
                    Ok(said) => settle(&candidate.pair(&self.route), doubt, said)
                        .map_or(Judgement::Same, Judgement::Changed),
                    Err(problem) => Judgement::Skipped(SkipReason::UnreadableFile(problem)),
                };
                judged.push((candidate, judgement));
            }
        }
    }

    /// Takes what many have said for what the rest would say, where it is nothing that is each
    /// object's own: a time or a checksum.
    fn learn(&mut self, doubt: Doubt, answers: &[Result<Said, String>]) {
        // Where the times agree anyway, no other one counts.
        let says_nothing = |said: &Said| {
            said.content.is_none() && (said.modified.is_none() || doubt == Doubt::Tag)
        };
        let are_many = answers.len() >= SPEAKERS
            && answers
                .iter()
                .all(|answer| answer.as_ref().is_ok_and(says_nothing));
        if let Some(Ok(said)) = answers.last().filter(|_| are_many)
            && let Some(known) = self.likely.of(doubt)
        {
            known.get_or_insert(*said);
        }
    }

    /// What an object says of itself, and whether its checksum is that of the file; the error
    /// is that the file could not be read.
    async fn ask(&self, candidate: &Candidate, doubt: Doubt) -> Result<Said, String> {
        let etag = candidate.object.etag.as_deref().unwrap_or_default();
        // Only where the tag may be a digest does it matter whether the parts are of our size.
        let is_digest = matches!(doubt, Doubt::Digest | Doubt::DigestAndTime);
        let in_parts = is_digest && matches!(EtagShape::of(etag), EtagShape::Parts(_));
        let first = self.head(candidate, in_parts.then_some(1)).await;
        let mut said = match &first {
            Some(output) if in_parts => of_parts(output, candidate.object.size),
            Some(output) => of_whole(output),
            None => UNKNOWN,
        };
        let is_settled = doubt == Doubt::Time && has_time(&candidate.pair(&self.route), said);
        let helps = said.nature == Nature::Other || !is_digest;
        if is_settled || !helps || !self.reads {
            return Ok(said);
        }
        // The checksum of a part says nothing of the whole.
        let whole = if in_parts {
            self.head(candidate, None).await
        } else {
            first
        };
        if let Some(Proof::Sum(check)) = whole.as_ref().map(Proof::of) {
            let path = self.route.path(&candidate.file.key);
            let size = candidate.file.size;
            // It is as long there as this is, and never closed.
            let _reader = self.readers.acquire().await;
            let read = spawn_blocking(move || check.holds(&path, size)).await;
            let is_same = read.map_err(|error| error.to_string())?;
            said.content = Some(is_same.map_err(|error| error.to_string())?);
        }
        Ok(said)
    }

    /// Asks for a checksum too, where one helps; whoever may not decrypt an object is told the
    /// rest without one (S3 API, `HeadObject`).
    async fn head(&self, candidate: &Candidate, part: Option<i32>) -> Option<HeadObjectOutput> {
        let key = self.route.full_key(&candidate.object.key);
        let listed = candidate.object.etag.as_ref();
        let ask = |mode: Option<ChecksumMode>| {
            self.client
                .head_object()
                .bucket(&self.route.bucket)
                .key(&key)
                .set_part_number(part)
                .set_if_match(listed.map(|etag| format!("\"{etag}\"")))
                .set_checksum_mode(mode)
                .set_request_payer(payer(&self.options))
                .send()
        };
        let mode = self.reads.then_some(ChecksumMode::Enabled);
        match ask(mode).await {
            Ok(output) => Some(output),
            Err(error) if Fault::of(&error).kind == FaultKind::Denied => ask(None).await.ok(),
            Err(_) => None,
        }
    }
}

const UNKNOWN: Said = Said {
    nature: Nature::Unknown,
    modified: None,
    content: None,
};

fn of_whole(output: &HeadObjectOutput) -> Said {
    let is_encrypted = encrypted(
        output.server_side_encryption(),
        output.sse_customer_algorithm(),
    );
    Said {
        nature: if is_encrypted {
            Nature::Other
        } else {
            Nature::Honest
        },
        modified: Attributes::of_head(output).modified,
        content: None,
    }
}

/// The first part's length tells whether the parts are of our size.
fn of_parts(output: &HeadObjectOutput, size: u64) -> Said {
    let first = output
        .content_length()
        .and_then(|length| u64::try_from(length).ok());
    let is_ours = first == Some(part_size(size).min(size));
    let mut said = of_whole(output);
    if !is_ours {
        said.nature = Nature::Other;
    }
    said
}

/// Whether an object is encrypted so that its entity tag is no digest.
pub(super) fn encrypted(
    server_side: Option<&ServerSideEncryption>,
    customer_algorithm: Option<&str>,
) -> bool {
    customer_algorithm.is_some()
        || server_side.is_some_and(|encryption| *encryption != ServerSideEncryption::Aes256)
}
