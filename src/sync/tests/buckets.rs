//! What the small S3 knows of several buckets: regions, copies, metadata and tags.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use hyper::body::Frame;
use hyper::{HeaderMap, Method, Response};

use super::server::{self, Body, Seen, State, Stored, crc64, error, md5, reply, xml};
use super::wire::{elements, header};

/// Headers that an object keeps.
const KEPT: [&str; 6] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
];

#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// The objects of every bucket but `bucket`.
    others: BTreeMap<String, BTreeMap<String, Stored>>,
    /// Where buckets are that are elsewhere than the rest.
    regions: BTreeMap<String, String>,
    labels: BTreeMap<(String, String), Labels>,
    /// Those of uploads under way, by their ids.
    begun: BTreeMap<String, Labels>,
    /// How long an answer to a copy or to the end of an upload is silent after its head.
    pub(super) silence: Option<Duration>,
}

/// What an object has besides its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Labels {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) tags: Vec<(String, String)>,
}

impl Labels {
    fn of(headers: &HeaderMap) -> Self {
        let kept = headers.iter().filter_map(|(name, value)| {
            let is_kept = KEPT.contains(&name.as_str()) || name.as_str().starts_with("x-amz-meta-");
            is_kept.then(|| (name.to_string(), value.to_str().unwrap().to_owned()))
        });
        let tags = header(headers, "x-amz-tagging").unwrap_or_default();
        Self {
            headers: kept.collect(),
            tags: form_urlencoded::parse(tags.as_bytes())
                .into_owned()
                .collect(),
        }
    }
}

impl State {
    /// Makes a bucket beside `bucket`, or puts either into a region.
    pub(super) fn make_bucket(&mut self, bucket: &str, region: Option<&str>) {
        if bucket != "bucket" {
            self.buckets.others.entry(bucket.to_owned()).or_default();
        }
        if let Some(region) = region {
            let regions = &mut self.buckets.regions;
            regions.insert(bucket.to_owned(), region.to_owned());
        }
    }

    /// Does `work` where `objects` are those of a bucket.
    pub(super) fn within<T>(&mut self, bucket: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let Some(mut other) = self.buckets.others.remove(bucket) else {
            return work(self);
        };
        std::mem::swap(&mut self.objects, &mut other);
        let done = work(self);
        std::mem::swap(&mut self.objects, &mut other);
        self.buckets.others.insert(bucket.to_owned(), other);
        done
    }

    pub(super) fn label(&mut self, bucket: &str, key: &str, labels: Labels) {
        let place = (bucket.to_owned(), key.to_owned());
        self.buckets.labels.insert(place, labels);
    }

    pub(super) fn labels(&self, bucket: &str, key: &str) -> Labels {
        let place = (bucket.to_owned(), key.to_owned());
        self.buckets.labels.get(&place).cloned().unwrap_or_default()
    }
}

pub(super) fn route(
    state: &mut State,
    seen: &Seen,
    headers: &HeaderMap,
    content: Bytes,
) -> Response<Body> {
    let home = state.buckets.regions.get(&seen.bucket).cloned();
    if let Some(home) = home.filter(|home| *home != seen.region) {
        let mut response = if seen.method == Method::HEAD {
            reply(301, Vec::new())
        } else {
            error(301, "PermanentRedirect")
        };
        let headers = response.headers_mut();
        headers.insert("x-amz-bucket-region", home.parse().unwrap());
        return response;
    }
    if seen.method == Method::HEAD && seen.key.is_empty() {
        return reply(200, Vec::new());
    }
    if seen.query.contains_key("tagging") {
        return tagging(state, seen, &content);
    }
    let ends_upload = seen.method == Method::POST && seen.query.contains_key("uploadId");
    let response = match &seen.copies {
        Some(source) => copy(state, seen, headers, source),
        None => plain(state, seen, headers, content),
    };
    match state.buckets.silence {
        Some(silence) if seen.copies.is_some() || ends_upload => silent(response, silence),
        Some(_) | None => response,
    }
}

/// Sends the head at once, and the body later, as S3 does where it has to work.
fn silent(response: Response<Body>, silence: Duration) -> Response<Body> {
    let (head, body) = response.into_parts();
    let later = futures_util::stream::once(async move {
        tokio::time::sleep(silence).await;
        Ok(Frame::data(Bytes::new()))
    });
    let (rest, later) = (BodyStream::new(body), StreamBody::new(later));
    let later = futures_util::StreamExt::chain(BodyStream::new(later), rest);
    Response::from_parts(head, StreamBody::new(later).boxed())
}

/// What needs no other bucket, with the labels that go with it.
fn plain(state: &mut State, seen: &Seen, headers: &HeaderMap, content: Bytes) -> Response<Body> {
    let id = seen.query.get("uploadId");
    let before: Vec<String> = state.uploads.keys().cloned().collect();
    let mut response = state.within(&seen.bucket, |state| {
        server::route(state, seen, headers, content)
    });
    let is_good = response.status().is_success();
    match (&seen.method, id) {
        (&Method::POST, None) => {
            let fresh = state.uploads.keys().find(|id| !before.contains(id));
            if let Some(id) = fresh.cloned() {
                state.buckets.begun.insert(id, Labels::of(headers));
            }
        }
        (&Method::POST, Some(id)) if is_good => {
            let labels = state.buckets.begun.remove(id).unwrap_or_default();
            state.label(&seen.bucket, &seen.key, labels);
        }
        (&Method::PUT, None) => state.label(&seen.bucket, &seen.key, Labels::of(headers)),
        (&Method::HEAD | &Method::GET, None) if is_good => {
            for (name, value) in state.labels(&seen.bucket, &seen.key).headers {
                let name = hyper::header::HeaderName::try_from(name).unwrap();
                response.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        _ => {}
    }
    response
}

fn copy(state: &mut State, seen: &Seen, headers: &HeaderMap, source: &str) -> Response<Body> {
    // S3 decodes the header like a query: what is not encoded may mean something else.
    let source = form_urlencoded::parse(format!("s={source}").as_bytes())
        .next()
        .map_or_else(String::new, |(_, source)| source.into_owned());
    let (bucket, key) = source.split_once('/').unwrap();
    let Some(original) = state.within(bucket, |state| state.objects.get(key).cloned()) else {
        return error(404, "NoSuchKey");
    };
    let wanted = header(headers, "x-amz-copy-source-if-match");
    if wanted.is_some_and(|wanted| wanted.trim_matches('"') != original.etag) {
        return error(412, "PreconditionFailed");
    }
    if let Some(id) = seen.query.get("uploadId") {
        let range = header(headers, "x-amz-copy-source-range").unwrap();
        let (first, last) = range["bytes=".len()..].split_once('-').unwrap();
        let range: std::ops::RangeInclusive<usize> = first.parse().unwrap()..=last.parse().unwrap();
        let part = original.content.slice(range);
        let (tag, sum) = (md5(&part), crc64(&part));
        let number = seen.query["partNumber"].parse().unwrap();
        let Some(upload) = state.uploads.get_mut(id) else {
            return error(404, "NoSuchUpload");
        };
        upload.parts.insert(number, part);
        let inner =
            format!("<ETag>&quot;{tag}&quot;</ETag><ChecksumCRC64NVME>{sum}</ChecksumCRC64NVME>");
        return xml("CopyPartResult", &inner);
    }
    let labels = state.labels(bucket, key);
    let length = original.content.len();
    let stored = state.within(&seen.bucket, |state| {
        state.store(&seen.key, original.content, &[length])
    });
    state.label(&seen.bucket, &seen.key, labels);
    let inner = format!("<ETag>&quot;{}&quot;</ETag>", stored.etag);
    xml("CopyObjectResult", &inner)
}

fn tagging(state: &mut State, seen: &Seen, content: &[u8]) -> Response<Body> {
    let mut labels = state.labels(&seen.bucket, &seen.key);
    if seen.method == Method::PUT {
        let text = String::from_utf8_lossy(content).into_owned();
        let keys = elements(&text, "Key").into_iter();
        labels.tags = keys.zip(elements(&text, "Value")).collect();
        state.label(&seen.bucket, &seen.key, labels);
        return reply(200, Vec::new());
    }
    let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
    let tags: Vec<String> = labels
        .tags
        .iter()
        .map(|(key, value)| {
            let (key, value) = (escape(key), escape(value));
            format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>")
        })
        .collect();
    xml("Tagging", &format!("<TagSet>{}</TagSet>", tags.concat()))
}
