//! What stands between HTTP and the operations: signatures are dropped, the
//! `aws-chunked` form is undone, and answers get their last polish.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::StreamBody;
use hyper::body::Frame;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error, S3ErrorCode, S3Result, s3_error};

use super::chunked::{self, Trailers};
use super::index::{self, FORBIDDEN_PREFIX};
use super::operations::Operations;
use super::store::Store;

/// The parameters that carry a signature in the address of a request.
const SIGNATURE_PARAMETERS: [&str; 10] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
];

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// Answers S3 requests, with the bucket as the first part of the path.
///
/// Clones share the same buckets.
#[derive(Clone)]
pub struct ObjectService {
    service: S3Service,
    requests: Arc<AtomicU64>,
}

impl ObjectService {
    pub(super) fn new(store: Arc<Store>) -> Self {
        let service = S3ServiceBuilder::new(Operations::new(store)).build();
        Self {
            service,
            requests: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Answers one request. Whatever goes wrong becomes an answer in S3's form.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        let head_only = request.method() == Method::HEAD;
        let mut response = match self.answer(request).await {
            Ok(response) => response,
            Err(error) => error_response(error),
        };
        // An answer without a body must not have one by accident: not every
        // transport takes it off.
        let bodiless = matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        if head_only || bodiless {
            if !response.status().is_success() || bodiless {
                response.headers_mut().remove(header::CONTENT_TYPE);
            }
            *response.body_mut() = Body::empty();
        } else {
            escape_control_characters(&mut response);
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if let Ok(id) = HeaderValue::try_from(format!("{number:016X}")) {
            response.headers_mut().insert("x-amz-request-id", id);
        }
        response
    }

    async fn answer(&self, mut request: Request<Body>) -> S3Result<Response<Body>> {
        if request
            .uri()
            .path()
            .trim_start_matches('/')
            .starts_with(FORBIDDEN_PREFIX)
        {
            // Operations that are not implemented are refused here as well.
            index::check_access(FORBIDDEN_PREFIX)?;
        }
        drop_signature(&mut request);
        let request = undo_chunks(request)?;
        self.service
            .call(request)
            .await
            .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, error.into()))
    }
}

fn error_response(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// Makes a signed request an anonymous one.
fn drop_signature(request: &mut Request<Body>) {
    request.headers_mut().remove(header::AUTHORIZATION);
    let Some(query) = request.uri().query() else {
        return;
    };
    let signed = |name: &str| SIGNATURE_PARAMETERS.contains(&name);
    let name_of = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    if !query
        .split('&')
        .any(|pair| matches!(name_of(pair).as_str(), "X-Amz-Signature" | "Signature"))
    {
        return;
    }
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| !signed(&name_of(pair)))
        .collect();
    let path = request.uri().path();
    let target = if rest.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", rest.join("&"))
    };
    // A part of a valid address is valid; the path and the host stay as they are.
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = target.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

fn undo_chunks(mut request: Request<Body>) -> S3Result<Request<Body>> {
    let form = request.headers_mut().remove(CONTENT_SHA256);
    let chunked = form.is_some_and(|form| form.as_bytes().starts_with(b"STREAMING-"));
    if !chunked {
        return Ok(request);
    }
    let length = decoded_length(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let trailers = Trailers::default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    remove_chunked_encoding(&mut parts.headers);
    parts.extensions.insert(trailers.clone());
    let frames = chunked::decode(body, length, trailers).map(|chunk| chunk.map(Frame::data));
    let body = Body::http_body_unsync(StreamBody::new(Box::pin(frames)));
    Ok(Request::from_parts(parts, body))
}

fn decoded_length(headers: &HeaderMap) -> S3Result<u64> {
    headers
        .get(DECODED_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or_else(|| {
            s3_error!(
                MissingContentLength,
                "You must provide the x-amz-decoded-content-length header."
            )
        })
}

/// Leaves the encodings of the object itself.
fn remove_chunked_encoding(headers: &mut HeaderMap) {
    let encodings: Vec<String> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|encoding| encoding.trim().to_owned())
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    headers.remove(header::CONTENT_ENCODING);
    if let Ok(rest) = HeaderValue::try_from(encodings.join(","))
        && !rest.is_empty()
    {
        headers.insert(header::CONTENT_ENCODING, rest);
    }
}

/// Writes the characters that XML cannot hold as numbers, as S3 does. A key may
/// have any of them, and the XML writer lets them through.
fn escape_control_characters(response: &mut Response<Body>) {
    let xml = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/xml");
    let Some(bytes) = response.body().bytes().filter(|_| xml) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return;
    };
    if let Cow::Owned(escaped) = escaped(text) {
        *response.body_mut() = Body::from(escaped);
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    use std::fmt::Write as _;
    let special = |character: char| matches!(character, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if special(character) {
            // Writing into a string cannot fail.
            let _ = write!(result, "&#x{:x};", u32::from(character));
        } else {
            result.push(character);
        }
    }
    Cow::Owned(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_leave_the_address() {
        let address = "/bucket/a%20b?X-Amz-Signature=abc&list-type=2&X-Amz-Date=1&prefix=x%2By";
        let mut request = Request::builder().uri(address).body(Body::empty()).unwrap();
        drop_signature(&mut request);
        assert_eq!(
            request.uri().to_string(),
            "/bucket/a%20b?list-type=2&prefix=x%2By"
        );
    }

    #[test]
    fn encodings_of_the_object_stay() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static("aws-chunked, gzip"),
        );
        remove_chunked_encoding(&mut headers);
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static("aws-chunked"),
        );
        remove_chunked_encoding(&mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn control_characters_become_numbers() {
        assert_eq!(escaped("<Key>a\u{1}\r\n</Key>"), "<Key>a&#x1;&#xd;\n</Key>");
        assert!(matches!(escaped("<Key>a\tb</Key>"), Cow::Borrowed(_)));
    }
}
