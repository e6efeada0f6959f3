//! What the requests and answers of the small S3 look like on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response};
use jiff::Timestamp;
use quick_xml::escape::{escape, unescape};

use super::server::{Body, Seen, State, crc64, error, multipart_etag, reply, xml};

pub(super) fn read_head(head: &Parts) -> Seen {
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    Seen {
        method: head.method.clone(),
        // A path has no `+` for a space, so it must not be taken for one.
        key: form_urlencoded::parse(format!("k={}", key.replace('+', "%2B")).as_bytes())
            .next()
            .map_or_else(String::new, |(_, key)| key.into_owned()),
        query: query.into_owned().collect(),
        range: header(&head.headers, "range").map(str::to_owned),
        bucket: bucket.to_owned(),
        region: header(&head.headers, "authorization")
            .and_then(|text| text.split('/').nth(2))
            .unwrap_or_default()
            .to_owned(),
        copies: header(&head.headers, "x-amz-copy-source").map(str::to_owned),
        headers: head
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-"))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Takes the `aws-chunked` coat off and checks the sum; `None` when it is wrong.
pub(super) fn unwrap(headers: &HeaderMap, body: Bytes) -> Option<Bytes> {
    let name = "x-amz-checksum-crc64nvme";
    let mut sum = header(headers, name).map(str::to_owned);
    let chunked =
        header(headers, "content-encoding").is_some_and(|text| text.contains("aws-chunked"));
    let content = if chunked {
        let (content, trailers) = unchunk(&body)?;
        if let Some(trailer) = trailers
            .lines()
            .find_map(|line| line.strip_prefix("x-amz-checksum-crc64nvme:"))
        {
            sum = Some(trailer.trim().to_owned());
        }
        content
    } else {
        body
    };
    // Files must always be sent with the sum that S3 checks.
    let is_file = header(headers, "content-type") != Some("application/xml");
    match sum {
        Some(sum) => (sum == crc64(&content)).then_some(content),
        None if content.is_empty() || !is_file => Some(content),
        None => None,
    }
}

fn unchunk(mut body: &[u8]) -> Option<(Bytes, String)> {
    let mut content = BytesMut::new();
    loop {
        let end = body.windows(2).position(|pair| pair == b"\r\n")?;
        let line = std::str::from_utf8(&body[..end]).ok()?;
        let length = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
        body = &body[end + 2..];
        if length == 0 {
            return Some((content.freeze(), String::from_utf8_lossy(body).into_owned()));
        }
        content.extend_from_slice(body.get(..length)?);
        body = body.get(length + 2..)?;
    }
}

pub(super) fn list(state: &State, query: &BTreeMap<String, String>) -> Response<Body> {
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let given = ["continuation-token", "start-after"].map(|name| query.get(name));
    let after = given
        .into_iter()
        .flatten()
        .max()
        .cloned()
        .unwrap_or_default();
    let behind = state
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && **key > after);
    let mut inner = String::from("<Name>bucket</Name>");
    let encoded = |key: &str| -> String {
        if state.encodes {
            form_urlencoded::byte_serialize(key.as_bytes()).collect()
        } else {
            escape(key).into_owned()
        }
    };
    let folder = |key: &str| {
        let end = query
            .get("delimiter")
            .and_then(|by| key[prefix.len()..].find(by));
        end.map(|end| key[..=prefix.len() + end].to_owned())
    };
    let folders: BTreeSet<String> = behind.clone().filter_map(|(key, _)| folder(key)).collect();
    for folder in &folders {
        let folder = encoded(folder);
        let _infallible = write!(
            inner,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        );
    }
    let mut matching = behind.filter(|(key, _)| folder(key).is_none());
    let page: Vec<_> = matching.by_ref().take(state.page).collect();
    if state.encodes {
        inner.push_str("<EncodingType>url</EncodingType>");
    }
    match (matching.next(), page.last()) {
        (Some(_), Some((last, _))) => {
            let token = escape(last.as_str());
            let _infallible = write!(
                inner,
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
            );
        }
        _ => inner.push_str("<IsTruncated>false</IsTruncated>"),
    }
    for (key, object) in page {
        let key = encoded(key);
        let time = Timestamp::from_second(object.modified).unwrap();
        let _infallible = write!(
            inner,
            "<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>&quot;{}&quot;</ETag>\
             <Size>{}</Size><StorageClass>{}</StorageClass></Contents>",
            object.etag,
            object.content.len(),
            object.class
        );
    }
    xml("ListBucketResult", &inner)
}

pub(super) fn get(state: &State, seen: &Seen, headers: &HeaderMap) -> Response<Body> {
    let Some(object) = state.objects.get(&seen.key) else {
        return error(404, "NoSuchKey");
    };
    let etag = format!("\"{}\"", object.etag);
    if header(headers, "if-match").is_some_and(|wanted| wanted != etag) {
        return error(412, "PreconditionFailed");
    }
    let size = object.content.len();
    let range = match (&seen.range, seen.query.get("partNumber")) {
        (Some(range), _) => {
            let (first, last) = range
                .strip_prefix("bytes=")
                .unwrap()
                .split_once('-')
                .unwrap();
            Some((
                first.parse::<usize>().unwrap(),
                last.parse::<usize>().unwrap(),
            ))
        }
        (None, Some(_)) => Some((0, object.parts[0] - 1)),
        (None, None) => None,
    };
    let (first, last) = range.unwrap_or((0, size.saturating_sub(1)));
    let content = if size == 0 {
        Bytes::new()
    } else {
        object.content.slice(first..=last)
    };
    let length = content.len();
    let mut response = reply(
        if range.is_some() { 206 } else { 200 },
        if seen.method == Method::HEAD {
            Bytes::new()
        } else {
            content
        },
    );
    let mut set = |name: &'static str, value: String| {
        response.headers_mut().insert(name, value.parse().unwrap());
    };
    set("etag", etag);
    set("content-length", length.to_string());
    set("x-amz-server-side-encryption", object.encryption.to_owned());
    if range.is_some() {
        set("content-range", format!("bytes {first}-{last}/{size}"));
    } else if state.keeps_checksums && header(headers, "x-amz-checksum-mode") == Some("ENABLED") {
        set("x-amz-checksum-crc64nvme", crc64(&object.content));
        set("x-amz-checksum-type", "FULL_OBJECT".to_owned());
    }
    response
}

pub(super) fn complete(state: &mut State, id: &str, content: &[u8]) -> Response<Body> {
    let Some(upload) = state.uploads.remove(id) else {
        return error(404, "NoSuchUpload");
    };
    let text = String::from_utf8_lossy(content).into_owned();
    assert_eq!(elements(&text, "PartNumber").len(), upload.parts.len());
    let sizes: Vec<usize> = upload.parts.values().map(Bytes::len).collect();
    let whole: Vec<u8> = upload.parts.values().flatten().copied().collect();
    let encrypted = state.encryption != "AES256";
    state.store(&upload.key, Bytes::from(whole), &sizes);
    if let Some(object) = state.objects.get_mut(&upload.key) {
        object.etag = multipart_etag(&object.content, &sizes);
        if encrypted {
            object.etag = format!("{}-{}", "0".repeat(32), sizes.len());
        }
    }
    let etag = &state.objects[&upload.key].etag;
    xml(
        "CompleteMultipartUploadResult",
        &format!("<ETag>&quot;{etag}&quot;</ETag>"),
    )
}

pub(super) fn delete(state: &mut State, content: &[u8]) -> Response<Body> {
    let text = String::from_utf8_lossy(content).into_owned();
    let mut inner = String::new();
    for key in elements(&text, "Key") {
        if key.contains("undeletable") {
            let key = escape(key.as_str());
            let _infallible = write!(
                inner,
                "<Error><Key>{key}</Key><Code>InternalError</Code><Message>no</Message></Error>"
            );
        } else {
            state.objects.remove(&key);
        }
    }
    xml("DeleteResult", &inner)
}

pub(super) fn elements(text: &str, name: &str) -> Vec<String> {
    text.split(&format!("<{name}>"))
        .skip(1)
        .filter_map(|rest| rest.split("</").next())
        .map(|escaped| unescape(escaped).unwrap().into_owned())
        .collect()
}
