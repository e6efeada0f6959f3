//! Listing the uploads that are under way.

use s3s::dto::{
    CommonPrefix, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload,
};
use s3s::{S3Request, S3Result};

use super::list::Encoding;
use super::{describe, list};
use crate::local::s3::index::Bucket;
use crate::local::s3::record::UploadRecord;
use crate::local::s3::store::Store;

/// An entry in a listing of uploads.
enum Line<'b> {
    Upload(&'b UploadRecord),
    Prefix(&'b str),
}

impl Line<'_> {
    /// Where the listing goes on after this line.
    fn marker(&self) -> (String, String) {
        match self {
            Line::Upload(record) => (record.key.clone(), record.id.clone()),
            Line::Prefix(prefix) => ((*prefix).to_owned(), String::new()),
        }
    }
}

/// Lists all that matches. There are never many uploads under way at once, so
/// unlike objects they are simply gone through.
fn lines<'b>(bucket: &'b Bucket, prefix: &str, delimiter: Option<&str>) -> Vec<Line<'b>> {
    let mut lines: Vec<Line<'b>> = Vec::new();
    for upload in bucket.uploads.values() {
        let key = &upload.record.key;
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        let end = delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        match end.map(|end| &key[..prefix.len() + end]) {
            None => lines.push(Line::Upload(&upload.record)),
            Some(common) if matches!(lines.last(), Some(Line::Prefix(last)) if *last == common) => {
            }
            Some(common) => lines.push(Line::Prefix(common)),
        }
    }
    lines
}

pub(super) async fn list_multipart_uploads(
    store: &Store,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<ListMultipartUploadsOutput> {
    let input = request.input;
    let encoding = Encoding::new(input.encoding_type.as_ref())?;
    let limit = describe::page_limit("max-uploads", input.max_uploads)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let key_marker = input.key_marker.clone().unwrap_or_default();
    // Without an identifier the whole key has been seen.
    let seen = |line: &Line<'_>| match (&input.upload_id_marker, line.marker()) {
        (Some(id), (key, of_line)) if !id.is_empty() => {
            (key, of_line) <= (key_marker.clone(), id.clone())
        }
        (Some(_) | None, (key, _)) => !key_marker.is_empty() && key <= key_marker,
    };
    store.view(|index| {
        let bucket = index.bucket(&input.bucket)?;
        let delimiter = list::delimiter(input.delimiter.as_deref());
        let mut left = lines(bucket, &prefix, delimiter)
            .into_iter()
            .filter(|line| !seen(line));
        let page: Vec<Line<'_>> = left.by_ref().take(limit).collect();
        let truncated = limit > 0 && left.next().is_some();
        let next = page.last().filter(|_| truncated).map(Line::marker);
        let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
        for line in &page {
            match line {
                Line::Upload(record) => uploads.push(describe_upload(record, encoding)),
                Line::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(encoding.write(prefix)),
                }),
            }
        }
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket.clone()),
            common_prefixes: Some(prefixes).filter(|prefixes| !prefixes.is_empty()),
            delimiter: input
                .delimiter
                .as_deref()
                .map(|delimiter| encoding.write(delimiter)),
            encoding_type: input.encoding_type.clone(),
            is_truncated: Some(truncated),
            key_marker: Some(encoding.write(&key_marker)),
            max_uploads: i32::try_from(limit).ok(),
            next_key_marker: next.as_ref().map(|(key, _)| encoding.write(key)),
            next_upload_id_marker: next.map(|(_, id)| id),
            prefix: Some(encoding.write(&prefix)),
            upload_id_marker: input.upload_id_marker.clone(),
            uploads: Some(uploads).filter(|uploads| !uploads.is_empty()),
            request_charged: None,
        })
    })
}

fn describe_upload(record: &UploadRecord, encoding: Encoding) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: record
            .declared
            .then(|| describe::algorithm(record.algorithm)),
        checksum_type: record.declared.then(|| describe::coverage(record.coverage)),
        initiated: Some(describe::time(record.initiated)),
        initiator: Some(describe::initiator()),
        key: Some(encoding.write(&record.key)),
        owner: Some(describe::owner()),
        storage_class: Some(describe::storage_class(&record.headers)),
        upload_id: Some(record.id.clone()),
    }
}
