//! The objects below a prefix, in the order of S3's listings.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{EncodingType, ObjectStorageClass, RequestPayer};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::direct::{Direct, Scout, in_query};
use super::error::SurveyError;
use super::fault::Fault;
use super::filter::Filter;
use super::home::Home;
use super::key::{check_key, check_object_key};
use super::merge::Batch;
use super::options::payer;
use super::page::{Entry, Page};
use super::plan::SkipReason;
use super::rules::is_rules_file;
use crate::resource::ObjectOptions;

/// One object of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteObject {
    /// Relative to the prefix.
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) modified: Timestamp,
    /// Without its quotes.
    pub(super) etag: Option<String>,
    /// The storage class, where it has to be restored before reading.
    pub(super) archived: Option<String>,
}

/// One thing that a listing finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    Object(RemoteObject),
    Skipped { key: String, reason: SkipReason },
}

/// What is listed for.
#[derive(Debug, Clone)]
enum Purpose {
    /// For a folder: keys are to be files, and the bucket is in the client's region.
    Files(Client),
    /// For another bucket: keys are taken as they are, wherever the bucket is.
    Objects(Arc<Home>),
}

/// Reads one prefix of one bucket.
pub(super) struct Listing {
    purpose: Purpose,
    bucket: String,
    prefix: String,
    filter: Filter,
    payer: Option<RequestPayer>,
    /// The key that came last, with the prefix: the next one has to be greater.
    last: Option<String>,
    /// The stretch that is read, by its full keys: from behind the one to the other.
    after: Option<String>,
    until: Option<String>,
    direct: Arc<Direct>,
    /// How long the page took that came fastest.
    fastest: Option<Duration>,
}

impl Listing {
    pub(super) fn new(
        client: Client,
        (bucket, prefix): (String, String),
        filter: Filter,
        options: &ObjectOptions,
    ) -> Self {
        Self {
            purpose: Purpose::Files(client),
            bucket,
            prefix,
            filter,
            payer: payer(options),
            last: None,
            after: None,
            until: None,
            direct: Arc::default(),
            fastest: None,
        }
    }

    /// Lists what goes to another bucket, or is there already.
    pub(super) fn of_objects(
        home: Arc<Home>,
        prefix: String,
        filter: Filter,
        options: &ObjectOptions,
    ) -> Self {
        Self {
            bucket: home.bucket().to_owned(),
            purpose: Purpose::Objects(home),
            prefix,
            filter,
            payer: payer(options),
            last: None,
            after: None,
            until: None,
            direct: Arc::default(),
            fastest: None,
        }
    }

    /// Cuts the listing at these full keys.
    pub(super) fn cut_at(&self, marks: &[String]) -> Vec<Self> {
        self.cut_behind(self.after.as_ref(), marks)
    }

    /// Cuts what is left of the listing at those of these full keys that are in it.
    pub(super) fn rest_cut_at(&self, marks: &[String]) -> Vec<Self> {
        let is_in_it = |mark: &&String| {
            self.last.as_ref().is_none_or(|last| *mark > last)
                && self.until.as_ref().is_none_or(|until| *mark < until)
        };
        let marks: Vec<String> = marks.iter().filter(is_in_it).cloned().collect();
        self.cut_behind(self.last.as_ref(), &marks)
    }

    fn cut_behind(&self, first: Option<&String>, marks: &[String]) -> Vec<Self> {
        let ends = marks.iter().chain(self.until.as_ref()).cloned().map(Some);
        // A listing that has no end has a last stretch without one.
        let ends = ends.chain(self.until.is_none().then_some(None));
        let begins = [first.cloned()].into_iter();
        let begins = begins.chain(marks.iter().cloned().map(Some));
        begins
            .zip(ends)
            .map(|(after, until)| Self {
                purpose: self.purpose.clone(),
                bucket: self.bucket.clone(),
                prefix: self.prefix.clone(),
                filter: self.filter.clone(),
                payer: self.payer.clone(),
                last: after.clone(),
                after,
                until,
                direct: Arc::clone(&self.direct),
                fastest: None,
            })
            .collect()
    }

    /// Sends page after page until there are no more or nobody listens.
    ///
    /// An error is the last thing sent.
    pub(super) async fn send_to(self, pages: mpsc::Sender<Batch<Listed>>) {
        self.send_rest_to(None, pages).await;
    }

    /// Sends the page of a token, and all behind it.
    pub(super) async fn send_rest_to(
        mut self,
        mut token: Option<String>,
        pages: mpsc::Sender<Batch<Listed>>,
    ) {
        while let Some(next) = self.send_page(token.as_deref(), &pages, |_| ()).await {
            token = Some(next);
        }
    }

    /// Sends one page, and gives what to ask for the next one with; `None` when that was the
    /// last, or nobody listens.
    ///
    /// Whether there is another page is for the token to say and for nothing else:
    /// an empty page is no end.
    pub(super) async fn send_page(
        &mut self,
        token: Option<&str>,
        pages: &mpsc::Sender<Batch<Listed>>,
        look: impl FnOnce(&[Listed]),
    ) -> Option<String> {
        let (page, next) = match self.page(token).await {
            Ok(page) => page,
            Err(error) => {
                // Nobody is left to tell when the receiver is gone.
                let _gone = pages.send(Err(error)).await;
                return None;
            }
        };
        look(&page);
        pages.send(Ok(Some(page))).await.ok()?;
        if next.is_none() {
            let _gone = pages.send(Ok(None)).await;
        }
        next
    }

    /// The key that came last, with the prefix.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// How long the page took that came fastest: others may have waited for something else.
    pub(super) fn fastest(&self) -> Duration {
        self.fastest.unwrap_or_default()
    }

    /// The prefix of all keys.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The folders right below one, in order, from that of the key `after` on, and whether
    /// these are all; nothing where the bucket does not tell.
    pub(super) async fn folders(&self, below: &str, after: &str) -> (Vec<String>, bool) {
        let request = |client: Client| {
            client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(below)
                .delimiter("/")
                .encoding_type(EncodingType::Url)
                .start_after(after)
                .set_request_payer(self.payer.clone())
                .send()
        };
        let answer = match &self.purpose {
            Purpose::Files(client) => request(client.clone()).await.ok(),
            Purpose::Objects(home) => home.ask(request).await.ok(),
        };
        let Some(output) = answer else {
            return (Vec::new(), true);
        };
        let is_encoded = output.encoding_type == Some(EncodingType::Url);
        let are_all = output.is_truncated != Some(true);
        let folders = output.common_prefixes.unwrap_or_default().into_iter();
        let full = folders.filter_map(|folder| self.full_key(folder.prefix(), is_encoded).ok());
        (full.collect(), are_all)
    }

    /// Reads one page, and gives what to ask for the next one with.
    async fn page(
        &mut self,
        token: Option<&str>,
    ) -> Result<(Vec<Listed>, Option<String>), SurveyError> {
        let begun = Instant::now();
        let page = self.ask(token).await?;
        let took = begun.elapsed();
        self.fastest = Some(self.fastest.map_or(took, |fastest| fastest.min(took)));
        let mut next = self.next_token(token, &page)?;
        let mut listed = Vec::with_capacity(page.entries.len());
        for entry in page.entries {
            let full = self.full_key(entry.key.as_deref(), page.is_encoded)?;
            let end = self.until.as_ref().map(|until| full.cmp(until));
            if end.is_some_and(Ordering::is_ge) {
                next = None;
            }
            // What is behind the end belongs to the next stretch. It is read all the same: in
            // another order than ours, something might be in neither.
            let one = self.read(full, entry)?;
            listed.extend(one.filter(|_| end != Some(Ordering::Greater)));
        }
        Ok((listed, next))
    }

    /// Asks for one page: directly where that works, and through the SDK otherwise.
    async fn ask(&self, token: Option<&str>) -> Result<Page, SurveyError> {
        if let Purpose::Files(_) = &self.purpose
            && let Ok(document) = self.direct.ask(self.query(token), self.headers()).await
            && let Some(page) = Page::read(&document)
        {
            return Ok(page);
        }
        let after = self.after.clone().filter(|_| token.is_none());
        let request = |client: Client| {
            client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(&self.prefix)
                // Keys may have characters that XML cannot express.
                .encoding_type(EncodingType::Url)
                .set_continuation_token(token.map(str::to_owned))
                .set_start_after(after.clone())
                .set_request_payer(self.payer.clone())
                .customize()
                .interceptor(Scout::of(&self.direct, ""))
                .send()
        };
        let answer = match &self.purpose {
            Purpose::Files(client) => request(client.clone()).await,
            Purpose::Objects(home) => home.ask(request).await,
        };
        let output = answer.map_err(|error| SurveyError::listing(&self.bucket, Fault::of(&error)));
        Ok(output?.into())
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let payer = self.payer.as_ref();
        let header = payer.map(|payer| ("x-amz-request-payer", payer.as_str().to_owned()));
        header.into_iter().collect()
    }

    /// The same question as an address has it.
    fn query(&self, token: Option<&str>) -> String {
        let mut query = "list-type=2&encoding-type=url".to_owned();
        let after = self.after.as_deref().filter(|_| token.is_none());
        for (name, value) in [
            ("prefix", Some(self.prefix.as_str())),
            ("continuation-token", token),
            ("start-after", after),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query.extend(["&", name, "=", &in_query(value)]);
            }
        }
        query
    }

    fn next_token(&self, token: Option<&str>, page: &Page) -> Result<Option<String>, SurveyError> {
        // An answer from something that is not S3 can parse as an empty page.
        if !page.is_named {
            return Err(self.untrusted("a page does not name the bucket"));
        }
        match (&page.next, page.is_truncated) {
            (None, Some(true)) => Err(self.untrusted("it has more pages and no token for them")),
            (Some(next), _) if Some(next.as_str()) == token => {
                Err(self.untrusted("a continuation token came twice"))
            }
            (next, _) => Ok(next.clone()),
        }
    }

    fn full_key(&self, raw: Option<&str>, is_encoded: bool) -> Result<String, SurveyError> {
        let raw = raw.ok_or_else(|| self.untrusted("an object has no key"))?;
        if is_encoded {
            decode(raw).ok_or_else(|| self.untrusted("a key is not UTF-8"))
        } else {
            Ok(raw.to_owned())
        }
    }

    /// Checks one object; `None` stands for what takes no part.
    fn read(&mut self, full: String, entry: Entry) -> Result<Option<Listed>, SurveyError> {
        if self.last.as_ref().is_some_and(|last| *last >= full) {
            return Err(self.untrusted(&format!("the key `{full}` is out of order")));
        }
        let Some(key) = full.strip_prefix(&self.prefix).map(str::to_owned) else {
            return Err(self.untrusted(&format!("the key `{full}` is outside the prefix")));
        };
        self.last = Some(full);
        let (Some(size), Some(modified)) = (entry.size, entry.modified) else {
            return Err(self.untrusted(&format!("the key `{key}` has no size or no time")));
        };
        Ok(self.sort(RemoteObject {
            key,
            size,
            modified,
            etag: entry.etag.as_deref().map(unquoted),
            archived: entry.class.filter(|class| is_archive(class)),
        }))
    }

    fn sort(&self, object: RemoteObject) -> Option<Listed> {
        let (is_marker, checked) = match self.purpose {
            // Consoles make these so that an empty folder can be seen.
            Purpose::Files(_) => (object.key.ends_with('/'), check_key(&object.key)),
            Purpose::Objects(_) => (false, check_object_key(&object.key)),
        };
        let is_marker = object.size == 0 && (is_marker || object.key.is_empty());
        if is_marker || is_rules_file(&object.key) || !self.filter.keeps(&object.key) {
            return None;
        }
        Some(match checked {
            Ok(()) => Listed::Object(object),
            Err(fault) => Listed::Skipped {
                key: object.key,
                reason: SkipReason::Key(fault),
            },
        })
    }

    fn untrusted(&self, problem: &str) -> SurveyError {
        SurveyError::Untrusted {
            bucket: self.bucket.clone(),
            problem: problem.to_owned(),
        }
    }
}

/// Takes the quotes off an entity tag.
pub(super) fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// Whether a storage class is one of what cannot be read before it is restored.
fn is_archive(class: &str) -> bool {
    matches!(
        ObjectStorageClass::from(class),
        ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive
    )
}

pub(super) fn timestamp(time: &aws_sdk_s3::primitives::DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanoseconds).ok()
}

/// Undoes `encoding-type=url`: `+` is a space and `%` begins two hexadecimal digits.
fn decode(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (char::from(rest.next()?), char::from(rest.next()?));
                u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_keys_are_decoded() {
        assert_eq!(decode("a+b%2Bc%25/%C3%A9").as_deref(), Some("a b+c%/é"));
        for broken in ["%", "%1", "%zz", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
