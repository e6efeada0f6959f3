//! Lists objects, a page at a time, at the price of that page.

use std::fmt::Write;
use std::ops::Bound;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::clock;
use crate::error::{INVALID_ARGUMENT, S3Error};
use crate::query::Query;
use crate::reply::Reply;
use crate::service::{Asked, Server};
use crate::store::{Object, Objects};
use crate::xml::Document;

const MOST_KEYS: usize = 1000;

/// What `encoding-type=url` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// What is asked of a listing, of the second version or the first.
struct Request<'a> {
    query: &'a Query,
    prefix: &'a [u8],
    delimiter: Option<&'a [u8]>,
    most: usize,
    begin: Bound<Vec<u8>>,
    is_second: bool,
}

/// One row of a page.
enum Row<'a> {
    Object(&'a [u8], &'a Object),
    Prefix(&'a [u8]),
}

/// A page.
struct Page<'a> {
    rows: Vec<Row<'a>>,
    /// Where the next one begins; `None` when there is none.
    next: Option<Bound<Vec<u8>>>,
}

/// Answers a listing.
pub(crate) fn list(server: &Server, asked: &Asked) -> Result<Reply, S3Error> {
    let request = Request::of(&asked.query)?;
    server
        .store
        .with_bucket(&asked.bucket, |objects| {
            let page = collect(objects, &request);
            write(&asked.bucket, &request, &page)
        })
        .map(Reply::document)
}

impl<'a> Request<'a> {
    fn of(query: &'a Query) -> Result<Self, S3Error> {
        let text = |name| query.get(name).filter(|value| !value.is_empty());
        let after = |name| text(name).map(|key| Bound::Excluded(key.as_bytes().to_vec()));
        let is_second = query.get("list-type") == Some("2");
        let begin = match text("continuation-token") {
            Some(token) => Some(read_token(token).ok_or(INVALID_ARGUMENT)?),
            None if is_second => after("start-after"),
            None => text("marker").map(begin_behind_marker(query)),
        };
        Ok(Self {
            query,
            prefix: text("prefix").unwrap_or_default().as_bytes(),
            delimiter: text("delimiter").map(str::as_bytes),
            most: query.number("max-keys").unwrap_or(MOST_KEYS).min(MOST_KEYS),
            begin: begin.unwrap_or(Bound::Unbounded),
            is_second,
        })
    }

    fn encode(&self, key: &[u8]) -> String {
        if self.query.get("encoding-type") == Some("url") {
            percent_encode(key, ENCODED).to_string()
        } else {
            String::from_utf8_lossy(key).into_owned()
        }
    }

    /// The prefix that stands for a key, where it has the delimiter.
    fn common_prefix<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let delimiter = self.delimiter?;
        let rest = &key[self.prefix.len()..];
        let at = rest
            .windows(delimiter.len())
            .position(|window| window == delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }
}

/// In the first version the marker may be a common prefix, whose keys are then done.
fn begin_behind_marker(query: &Query) -> impl Fn(&str) -> Bound<Vec<u8>> {
    let delimiter = query.get("delimiter").unwrap_or_default().to_owned();
    move |marker| {
        if !delimiter.is_empty() && marker.ends_with(&delimiter) {
            behind_prefix(marker.as_bytes())
        } else {
            Bound::Excluded(marker.as_bytes().to_vec())
        }
    }
}

fn collect<'a>(objects: &'a Objects, request: &Request<'_>) -> Page<'a> {
    let mut page = Page {
        rows: Vec::with_capacity(request.most),
        next: None,
    };
    let mut begin = later(&request.begin, request.prefix);
    'pages: loop {
        let range = (as_slice(&begin), Bound::Unbounded);
        for (key, object) in objects.range::<[u8], _>(range) {
            if !key.starts_with(request.prefix) {
                break 'pages;
            }
            if page.rows.len() == request.most {
                page.next = Some(begin_at(&page, key));
                break 'pages;
            }
            match request.common_prefix(key) {
                Some(prefix) => {
                    page.rows.push(Row::Prefix(prefix));
                    // Straight to what is behind it: its keys cost nothing.
                    begin = behind_prefix(prefix);
                    continue 'pages;
                }
                None => page.rows.push(Row::Object(key, object)),
            }
        }
        break;
    }
    page
}

fn begin_at(page: &Page<'_>, next_key: &[u8]) -> Bound<Vec<u8>> {
    match page.rows.last() {
        Some(Row::Object(key, _)) => Bound::Excluded(key.to_vec()),
        Some(Row::Prefix(prefix)) => behind_prefix(prefix),
        None => Bound::Included(next_key.to_vec()),
    }
}

/// The first key that does not begin with `prefix` and comes behind those that do.
fn behind_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut behind = prefix.to_vec();
    while let Some(last) = behind.pop() {
        if last < u8::MAX {
            behind.push(last + 1);
            return Bound::Included(behind);
        }
    }
    // Only an empty prefix, or one of bytes that no text has, has nothing behind it.
    Bound::Excluded(vec![u8::MAX; 8])
}

/// The later of a bound and the first key with a prefix.
fn later(bound: &Bound<Vec<u8>>, prefix: &[u8]) -> Bound<Vec<u8>> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) if key.as_slice() >= prefix => bound.clone(),
        Bound::Included(_) | Bound::Excluded(_) | Bound::Unbounded => {
            Bound::Included(prefix.to_vec())
        }
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// A token is a letter for the kind of the bound and its key in hexadecimal.
fn write_token(bound: &Bound<Vec<u8>>) -> String {
    let (mut token, key) = match bound {
        Bound::Included(key) => (String::from("i"), key.as_slice()),
        Bound::Excluded(key) => (String::from("x"), key.as_slice()),
        Bound::Unbounded => (String::from("i"), &[][..]),
    };
    for byte in key {
        // Writing to a string does not fail.
        let _infallible = write!(token, "{byte:02x}");
    }
    token
}

fn read_token(token: &str) -> Option<Bound<Vec<u8>>> {
    let (kind, digits) = token.split_at_checked(1)?;
    let key = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect::<Option<_>>()?;
    match kind {
        "i" => Some(Bound::Included(key)),
        "x" => Some(Bound::Excluded(key)),
        _ => None,
    }
}

fn write(bucket: &str, request: &Request<'_>, page: &Page<'_>) -> Document {
    let mut document = Document::new("ListBucketResult");
    document.add("Name", bucket);
    document.add("Prefix", &request.encode(request.prefix));
    document.add("MaxKeys", &request.most.to_string());
    document.add(
        "IsTruncated",
        if page.next.is_some() { "true" } else { "false" },
    );
    if let Some(delimiter) = request.delimiter {
        document.add("Delimiter", &request.encode(delimiter));
    }
    if let Some(encoding) = request.query.get("encoding-type") {
        document.add("EncodingType", encoding);
    }
    write_continuation(&mut document, request, page);
    let mut seconds = (i64::MIN, String::new());
    for row in &page.rows {
        if let Row::Object(key, object) = row {
            write_object(&mut document, &request.encode(key), object, &mut seconds);
        }
    }
    for row in &page.rows {
        if let Row::Prefix(prefix) = row {
            document.open("CommonPrefixes");
            document.add("Prefix", &request.encode(prefix));
            document.close("CommonPrefixes");
        }
    }
    document
}

fn write_continuation(document: &mut Document, request: &Request<'_>, page: &Page<'_>) {
    if request.is_second {
        document.add("KeyCount", &page.rows.len().to_string());
        for name in ["continuation-token", "start-after"] {
            if let Some(value) = request.query.get(name) {
                let element = if name == "start-after" {
                    "StartAfter"
                } else {
                    "ContinuationToken"
                };
                document.add(element, value);
            }
        }
        if let Some(next) = &page.next {
            document.add("NextContinuationToken", &write_token(next));
        }
    } else if page.next.is_some() {
        let last = match page.rows.last() {
            Some(Row::Object(key, _)) => key,
            Some(Row::Prefix(prefix)) => prefix,
            None => &[][..],
        };
        document.add("NextMarker", &request.encode(last));
    }
}

/// `seconds` holds the last time that was written and its form: most neighbours
/// have the same.
fn write_object(document: &mut Document, key: &str, object: &Object, seconds: &mut (i64, String)) {
    if seconds.0 != object.modified {
        *seconds = (object.modified, clock::document_form(object.modified));
    }
    let class = object
        .description
        .iter()
        .flat_map(|description| &description.headers)
        .find(|(name, _)| name == "x-amz-storage-class")
        .and_then(|(_, value)| value.to_str().ok());
    document.open("Contents");
    document.add("Key", key);
    document.add("LastModified", &seconds.1);
    document.add("ETag", &object.digest.entity_tag());
    document.add("ChecksumAlgorithm", "CRC64NVME");
    document.add("Size", &object.content.len().to_string());
    document.add("StorageClass", class.unwrap_or("STANDARD"));
    document.close("Contents");
}

#[cfg(test)]
#[path = "listing/tests.rs"]
mod tests;
