//! Questions to objects about what comparing leaves in doubt.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use futures_util::future::join_all;

use super::attributes::Attributes;
use super::compare::{Doubt, EtagShape, Nature, Said, part_size, settle};
use super::judge::{Candidate, Judgement};
use super::options::payer;
use super::route::Route;
use crate::resource::ObjectOptions;

/// How many objects are asked about at a time, once one has shown that asking helps.
const QUESTIONS_AT_ONCE: usize = 16;

/// Asks objects about themselves.
pub(super) struct Asker {
    pub(super) client: Client,
    pub(super) options: ObjectOptions,
    pub(super) route: Arc<Route>,
}

impl Asker {
    /// Settles what is doubtful.
    pub(super) async fn settle(
        &self,
        doubtful: Vec<(Candidate, Doubt)>,
    ) -> Vec<(Candidate, Judgement)> {
        let (mut digest, mut both, mut time) = (Vec::new(), Vec::new(), Vec::new());
        for (candidate, doubt) in doubtful {
            match doubt {
                Doubt::Digest => digest.push(candidate),
                Doubt::DigestAndTime => both.push(candidate),
                Doubt::Time => time.push(candidate),
            }
        }
        let mut judged = self.settle_alike(Doubt::Digest, digest).await;
        judged.extend(self.settle_alike(Doubt::DigestAndTime, both).await);
        judged.extend(self.settle_alike(Doubt::Time, time).await);
        judged
    }

    /// Settles what is doubtful in one way.
    ///
    /// In a bucket that encrypts with KMS every unchanged object can be in doubt, and
    /// asking each would cost a request an object on each run. So the first is asked
    /// alone, and where what was said is likely to be true of the others, they are not
    /// asked. What is taken for changed costs a transfer, and the next run knows it.
    async fn settle_alike(
        &self,
        doubt: Doubt,
        candidates: Vec<Candidate>,
    ) -> Vec<(Candidate, Judgement)> {
        let mut rest = candidates.into_iter();
        let (mut at_once, mut of_all, mut judged) = (1, None, Vec::new());
        loop {
            let some: Vec<Candidate> = rest.by_ref().take(at_once).collect();
            if some.is_empty() {
                return judged;
            }
            let answers = if let Some(said) = of_all {
                vec![said; some.len()]
            } else {
                let asked = join_all(some.iter().map(|candidate| self.ask(candidate))).await;
                of_all = likely_of_all(doubt, &asked);
                asked.into_iter().map(|answer| answer.said).collect()
            };
            for (candidate, said) in some.into_iter().zip(answers) {
                let settled = settle(&candidate.pair(&self.route), doubt, said);
                let judgement = settled.map_or(Judgement::Same, Judgement::Changed);
                judged.push((candidate, judgement));
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

/// What an object said of itself.
struct Answer {
    said: Said,
    /// Whether its encryption is why its tag is no digest.
    encrypted: bool,
}

impl Answer {
    fn unknown() -> Self {
        Self {
            said: Said {
                nature: Nature::Unknown,
                modified: None,
            },
            encrypted: false,
        }
    }

    fn of_whole(output: &HeadObjectOutput) -> Self {
        let encrypted = encrypted(
            output.server_side_encryption(),
            output.sse_customer_algorithm(),
        );
        let nature = if encrypted {
            Nature::Other
        } else {
            Nature::Honest
        };
        Self {
            said: Said {
                nature,
                modified: Attributes::of_head(output).modified,
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
        let mut answer = Self::of_whole(output);
        if !ours {
            answer.said.nature = Nature::Other;
        }
        answer
    }
}

/// What objects are taken to say that are doubtful in the same way as those that were asked,
/// where that is likely.
///
/// One that is encrypted speaks for its bucket. A time is each object's own: only that not
/// one of many has any says something of the others.
fn likely_of_all(doubt: Doubt, asked: &[Answer]) -> Option<Said> {
    let answer = match doubt {
        Doubt::Digest => asked.iter().find(|answer| answer.encrypted)?,
        Doubt::DigestAndTime | Doubt::Time => {
            let has_time = |answer: &Answer| answer.said.modified.is_some();
            let are_many = asked.len() >= QUESTIONS_AT_ONCE;
            asked
                .last()
                .filter(|_| are_many && !asked.iter().any(has_time))?
        }
    };
    Some(Said {
        modified: None,
        ..answer.said
    })
}

/// Whether an object is encrypted so that its entity tag is no digest.
pub(super) fn encrypted(
    server_side: Option<&ServerSideEncryption>,
    customer_algorithm: Option<&str>,
) -> bool {
    customer_algorithm.is_some()
        || server_side.is_some_and(|encryption| *encryption != ServerSideEncryption::Aes256)
}
