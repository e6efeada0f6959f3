//! Decides what only asking the objects can decide.

use std::sync::Arc;

use aws_sdk_s3::types::{ChecksumMode, RequestPayer};
use tokio::task::JoinSet;

use super::Ends;
use super::compare::{Look, Sums, first_look, settle};
use super::pairs::Pair;
use super::twins::Known;
use crate::resource::{Compare, ObjectOptions};
use crate::sync::error::SurveyError;
use crate::sync::home::Home;
use crate::sync::list::RemoteObject;
use crate::sync::options::payer;
use crate::sync::plan::Why;

/// How many pairs are asked about at a time.
const PAIRS_AT_ONCE: usize = 32;

/// What came out for one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Same,
    Changed(Why),
}

/// Judges pairs; objects are asked for their checksums, some at a time.
pub(super) struct Judge {
    asker: Arc<Asker>,
    asked: JoinSet<(u64, Pair, Judgement)>,
    done: Vec<(Pair, Judgement)>,
    known: Known,
}

impl Judge {
    /// Takes the source and then the target.
    pub(super) fn new(
        [source, target]: [Arc<Home>; 2],
        ends: &Ends,
        known: Known,
        options: &ObjectOptions,
    ) -> Self {
        let asker = Asker {
            payer: payer(options),
            source: (source, ends.from.prefix.clone()),
            target: (target, ends.to.prefix.clone()),
        };
        Self {
            asker: Arc::new(asker),
            asked: JoinSet::new(),
            done: Vec::new(),
            known,
        }
    }

    /// Takes one pair in; what is decided by now comes from [`Self::take`].
    pub(super) async fn add(&mut self, pair: Pair) -> Result<(), SurveyError> {
        let (number, is_known) = self.known.look_up(&pair);
        match first_look(self.known.compare(), &pair, is_known) {
            Look::Same if is_known || self.known.compare() == Compare::Content => {
                self.judged(number, pair, Judgement::Same);
            }
            // It may have other content all the same.
            Look::Same => {
                self.known.keep(number, &pair, false);
                self.done.push((pair, Judgement::Same));
            }
            Look::Changed(why) => self.judged(number, pair, Judgement::Changed(why)),
            Look::NeedsChecksums => {
                if self.asked.len() >= PAIRS_AT_ONCE {
                    self.collect_one().await?;
                }
                let asker = Arc::clone(&self.asker);
                self.asked.spawn(async move {
                    let judgement = Box::pin(asker.ask(&pair)).await;
                    (number, pair, judgement)
                });
            }
        }
        Ok(())
    }

    /// What has been judged since the last time.
    pub(super) fn take(&mut self) -> Vec<(Pair, Judgement)> {
        std::mem::take(&mut self.done)
    }

    /// Judges everything that was taken in, and gives what the next run is to know.
    pub(super) async fn finish(mut self) -> Result<(Vec<(Pair, Judgement)>, Known), SurveyError> {
        while !self.asked.is_empty() {
            self.collect_one().await?;
        }
        Ok((self.done, self.known))
    }

    async fn collect_one(&mut self) -> Result<(), SurveyError> {
        if let Some(joined) = self.asked.join_next().await {
            let (number, pair, judgement) = joined.map_err(|_| SurveyError::Lost)?;
            self.judged(number, pair, judgement);
        }
        Ok(())
    }

    fn judged(&mut self, number: u64, pair: Pair, judgement: Judgement) {
        self.known.keep(number, &pair, judgement == Judgement::Same);
        self.done.push((pair, judgement));
    }
}

/// Asks both objects of a pair; each side is a bucket and the prefix of its keys.
struct Asker {
    payer: Option<RequestPayer>,
    source: (Arc<Home>, String),
    target: (Arc<Home>, String),
}

impl Asker {
    async fn ask(&self, pair: &Pair) -> Judgement {
        let (source, target) = tokio::join!(
            self.sums(&self.source, &pair.source),
            self.sums(&self.target, &pair.target)
        );
        settle(source.as_ref(), target.as_ref()).map_or(Judgement::Same, Judgement::Changed)
    }

    /// The checksums of an object, if it still is the one that was listed.
    async fn sums(
        &self,
        (home, prefix): &(Arc<Home>, String),
        object: &RemoteObject,
    ) -> Option<Sums> {
        let key = format!("{prefix}{}", object.key);
        let listed = object.etag.as_ref().map(|etag| format!("\"{etag}\""));
        let answer = home
            .ask(|client| {
                let request = client
                    .head_object()
                    .bucket(home.bucket())
                    .key(&key)
                    .set_if_match(listed.clone())
                    .checksum_mode(ChecksumMode::Enabled)
                    .set_request_payer(self.payer.clone());
                request.send()
            })
            .await;
        answer.ok().map(|output| Sums::of(&output))
    }
}
