//! Uploads in parts of the small S3, as they are listed; and what goes wrong on the way there.

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::{HeaderMap, Response};
use quick_xml::escape::escape;

use super::server::{Body, Seen, State, crc64, error, md5, xml};

/// `ListParts`.
pub(super) fn parts(state: &State, id: &str) -> Response<Body> {
    let Some(upload) = state.uploads.get(id) else {
        return error(404, "NoSuchUpload");
    };
    let mut inner = "<IsTruncated>false</IsTruncated>".to_owned();
    for (number, content) in &upload.parts {
        let _infallible = write!(
            inner,
            "<Part><PartNumber>{number}</PartNumber><Size>{}</Size><ETag>\"{}\"</ETag>\
             <ChecksumCRC64NVME>{}</ChecksumCRC64NVME></Part>",
            content.len(),
            md5(content),
            crc64(content)
        );
    }
    xml("ListPartsResult", &inner)
}

/// `ListMultipartUploads`, two on a page.
pub(super) fn list(state: &State, seen: &Seen) -> Response<Body> {
    let query = |name: &str| seen.query.get(name).cloned().unwrap_or_default();
    let after = (query("key-marker"), query("upload-id-marker"));
    let mut uploads: Vec<(&String, &String, &str)> = state
        .uploads
        .iter()
        .map(|(id, upload)| (&upload.key, id, upload.begun.as_str()))
        .filter(|(key, id, _)| {
            key.starts_with(&query("prefix")) && (*key, *id) > (&after.0, &after.1)
        })
        .collect();
    uploads.sort_unstable();
    let page: Vec<_> = uploads.iter().take(2).collect();
    let mut inner = format!("<IsTruncated>{}</IsTruncated>", uploads.len() > 2);
    for (key, id, begun) in &page {
        let _infallible = write!(
            inner,
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated></Upload>",
            escape(key.as_str())
        );
    }
    if let Some((key, id, _)) = page.last() {
        let _infallible = write!(
            inner,
            "<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>",
            escape(key.as_str())
        );
    }
    xml("ListMultipartUploadsResult", &inner)
}

/// Flips a bit of the content on its way.
pub(super) fn corrupt(headers: &HeaderMap, sent: &Bytes) -> Bytes {
    let mut bytes = sent.to_vec();
    let is_chunked = headers.contains_key("x-amz-decoded-content-length");
    // The content of the first chunk begins after the line that tells its length.
    let begin = if is_chunked {
        bytes
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .map_or(0, |end| end + 2)
    } else {
        0
    };
    if let Some(byte) = bytes.get_mut(begin) {
        *byte ^= 1;
    }
    bytes.into()
}
