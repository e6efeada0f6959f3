//! Requests for single objects, without what the SDK does around each.
//!
//! A small file costs a few microseconds of the processor for its bytes, its checksum and
//! its signature, and the SDK spends ten times that on finding out, for every request
//! anew, where to send it and whom to sign it for. So the first request of a run goes
//! through the SDK, and the [`Road`] that it took is kept: the address, the region, where
//! credentials come from, and the connections. Requests after it take that road.
//!
//! Nothing is decided here. What does not end with a plain success is given back as
//! "not done", and the SDK is asked the same: it knows which errors are tried again, how
//! long to wait, and what to say. The road is closed for good when it leads elsewhere or
//! is refused, because then the SDK would have to be asked each time.

mod body;
mod download;
mod road;
mod scout;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;

use super::arrival::next;
use super::pace::Pace;
use super::source::Content;
pub(super) use download::{Arriving, Check};
pub(super) use road::in_query;
use road::{Ask, Road};
pub(super) use scout::Scout;

/// How long to wait before the SDK is asked, after S3 has asked to slow down.
const SLOWER: Duration = Duration::from_millis(200);

/// The longest answer about a bucket that is read, in bytes: a page of a thousand of the
/// longest keys, each byte encoded, has about 4 MB.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// How often S3 may find something wrong with a request before the road is closed.
const MOST_MISTAKES: u32 = 100;

/// The way to a bucket, once it is known.
#[derive(Debug, Default)]
pub(super) struct Direct {
    road: OnceLock<Road>,
    closed: AtomicBool,
    /// How often S3 found something wrong with a request.
    mistakes: AtomicU32,
}

/// Headers by name; every one is signed.
pub(super) type Headers = Vec<(&'static str, String)>;

/// What was not done; the SDK is to be asked the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotDone;

impl Direct {
    /// The road, while there is one.
    fn road(&self) -> Option<&Road> {
        let open = !self.closed.load(Ordering::Relaxed);
        open.then(|| self.road.get()).flatten()
    }

    /// Whether the SDK's next request is to show the road.
    fn is_unknown(&self) -> bool {
        self.road.get().is_none() && !self.closed.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Puts an object, or the part of one that `part` names, and gives its entity tag in
    /// quotes.
    pub(super) async fn put(
        &self,
        pace: &Pace,
        (key, part): (&str, Option<(i32, &str)>),
        content: &Content,
        headers: Headers,
    ) -> Result<Option<String>, NotDone> {
        let road = self.road().ok_or(NotDone)?;
        let mut ask = Ask::new("PUT", key);
        if let Some((number, upload)) = part {
            ask.query = format!("partNumber={number}&uploadId={}", in_query(upload));
        }
        ask.headers = headers;
        ask.headers
            .push(("x-amz-checksum-crc64nvme", content.written_sum()));
        if part.is_none() {
            let unknown = "application/octet-stream".to_owned();
            ask.headers.push(("content-type", unknown));
        }
        let answer = road.send(ask, Some(&content.bytes)).await.ok_or(NotDone)?;
        self.heed(answer.status().as_u16(), pace).await?;
        let etag = answer.headers().get("etag").map(str::to_owned);
        // The connection is free for the next one when the answer has been read.
        drain(answer.into_body()).await.ok_or(NotDone)?;
        Ok(etag)
    }

    /// Begins to get an object, as the headers ask for it.
    pub(super) async fn get(
        &self,
        pace: &Pace,
        key: &str,
        headers: Headers,
    ) -> Result<Arriving, NotDone> {
        let road = self.road().ok_or(NotDone)?;
        let mut ask = Ask::new("GET", key);
        ask.headers = headers;
        let answer = road.send(ask, None).await.ok_or(NotDone)?;
        self.heed(answer.status().as_u16(), pace).await?;
        Arriving::of(answer).ok_or(NotDone)
    }

    /// Asks the bucket itself, and gives the answer in full.
    pub(super) async fn ask(
        &self,
        query: String,
        headers: Vec<(&'static str, String)>,
    ) -> Result<String, NotDone> {
        let road = self.road().ok_or(NotDone)?;
        let mut ask = Ask::new("GET", "");
        ask.query = query;
        ask.headers = headers;
        let answer = road.send(ask, None).await.ok_or(NotDone)?;
        if answer.status().as_u16() != 200 {
            return Err(NotDone);
        }
        let mut body = aws_sdk_s3::primitives::ByteStream::new(answer.into_body());
        let mut text = Vec::new();
        while let Some(chunk) = next(&mut body).await.map_err(|_| NotDone)? {
            text.extend_from_slice(&chunk);
            if text.len() > LONGEST_ANSWER {
                return Err(NotDone);
            }
        }
        String::from_utf8(text).map_err(|_| NotDone)
    }

    /// What a status says beside "not done".
    async fn heed(&self, status: u16, pace: &Pace) -> Result<(), NotDone> {
        match status {
            200 | 206 => return Ok(()),
            429 | 503 => {
                pace.slow_down();
                tokio::time::sleep(SLOWER).await;
            }
            // Nothing is wrong with the road: the object is gone, or another revision.
            404 | 412 | 416 | 500..=599 => {}
            // What was sent arrived damaged, or the credentials have expired.
            400 if self.mistakes.fetch_add(1, Ordering::Relaxed) < MOST_MISTAKES => {}
            _ => self.close(),
        }
        Err(NotDone)
    }
}

async fn drain(body: SdkBody) -> Option<()> {
    let mut body = aws_sdk_s3::primitives::ByteStream::new(body);
    while next(&mut body).await.ok()?.is_some() {}
    Some(())
}
