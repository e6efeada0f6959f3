//! Receiving bytes and checking them against what their sender said.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, s3_error};

use super::blob::Blob;
use super::checksum::{Algorithm, Digester, Digests};
use super::chunked::{ChunkedError, Trailers};
use super::store::Store;

/// The most that one upload or part may have, in bytes.
const SIZE_LIMIT: u64 = 5 * 1024 * 1024 * 1024;

/// What a sender said of the bytes that it sends.
#[derive(Debug, Default)]
pub(super) struct Expectation {
    /// The length in bytes; nothing when the bytes come from the store itself.
    length: Option<u64>,
    /// The MD5 in base64.
    md5: Option<String>,
    checksum: Option<(Algorithm, Said)>,
}

/// Where a sender says a checksum.
#[derive(Debug)]
enum Said {
    Before(String),
    After(Trailers),
}

/// What the headers of an upload say of its bytes.
pub(super) struct Claims<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) trailers: Option<&'a Trailers>,
    pub(super) length: Option<i64>,
    pub(super) md5: Option<&'a str>,
    pub(super) checksums: [(Algorithm, Option<&'a str>); 5],
}

impl Expectation {
    /// Reads what a request says of its body.
    pub(super) fn new(claims: &Claims<'_>) -> S3Result<Self> {
        let length = claims
            .length
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| {
                s3_error!(
                    MissingContentLength,
                    "You must provide the Content-Length HTTP header."
                )
            })?;
        if length > SIZE_LIMIT {
            return Err(s3_error!(
                EntityTooLarge,
                "Your proposed upload exceeds the maximum allowed size"
            ));
        }
        if claims.md5.is_some_and(|md5| !is_md5(md5)) {
            return Err(s3_error!(
                InvalidDigest,
                "The Content-MD5 you specified is not valid."
            ));
        }
        Ok(Self {
            length: Some(length),
            md5: claims.md5.map(str::to_owned),
            checksum: claims.checksum()?,
        })
    }

    /// Returns the algorithm of the sender's checksum, if there is one.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.checksum.as_ref().map(|(algorithm, _)| *algorithm)
    }

    fn check(&self, size: u64, digests: &Digests) -> S3Result<()> {
        if self.length.is_some_and(|length| length != size) {
            return Err(incomplete());
        }
        if self
            .md5
            .as_ref()
            .is_some_and(|md5| *md5 != digests.md5_base64())
        {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let Some((algorithm, said)) = &self.checksum else {
            return Ok(());
        };
        let name = algorithm.name();
        let said = match said {
            Said::Before(value) => value.clone(),
            Said::After(trailers) => trailers
                .get(&format!("x-amz-checksum-{}", name.to_ascii_lowercase()))
                .ok_or_else(|| {
                    s3_error!(
                        InvalidRequest,
                        "The promised trailer with the {name} checksum is missing."
                    )
                })?,
        };
        check_form(*algorithm, &said)?;
        if digests.get(*algorithm) != Some(said.as_str()) {
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
        Ok(())
    }
}

impl Claims<'_> {
    fn checksum(&self) -> S3Result<Option<(Algorithm, Said)>> {
        let mut given = self
            .checksums
            .iter()
            .filter_map(|(algorithm, value)| Some((*algorithm, (*value)?)));
        let first = given.next();
        if given.next().is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        if let Some((algorithm, value)) = first {
            check_form(algorithm, value)?;
            return Ok(Some((algorithm, Said::Before(value.to_owned()))));
        }
        let promised = self
            .header("x-amz-trailer")
            .and_then(|names| names.split(',').find_map(Algorithm::of_header));
        if let (Some(algorithm), Some(trailers)) = (promised, self.trailers) {
            return Ok(Some((algorithm, Said::After(trailers.clone()))));
        }
        if self.header("x-amz-sdk-checksum-algorithm").is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                 headers were found."
            ));
        }
        Ok(None)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn is_md5(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .is_ok_and(|digest| digest.len() == 16)
}

fn check_form(algorithm: Algorithm, value: &str) -> S3Result<()> {
    if algorithm.accepts(value) {
        return Ok(());
    }
    let name = algorithm.name().to_ascii_lowercase();
    Err(s3_error!(
        InvalidRequest,
        "Value for x-amz-checksum-{name} header is invalid."
    ))
}

/// Bytes that have arrived whole and as their sender said.
pub(super) struct Received {
    /// Goes away again unless it is committed.
    pub(super) blob: Blob,
    pub(super) digests: Digests,
}

/// Receives `body` as a new content and digests it by `wanted` on the way.
pub(super) async fn receive(
    store: &Store,
    mut body: impl Stream<Item = Result<Bytes, StdError>> + Unpin,
    expectation: &Expectation,
    wanted: Algorithm,
) -> S3Result<Received> {
    let mut writer = store.create_blob().await?;
    let mut digester = Digester::new(expectation.algorithm().into_iter().chain([wanted]));
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| broken_off(&error))?;
        digester.update(&chunk);
        writer
            .write(&chunk)
            .await
            .map_err(S3Error::internal_error)?;
    }
    let blob = writer.finish().await.map_err(S3Error::internal_error)?;
    let digests = digester.finish();
    expectation.check(blob.reference().size, &digests)?;
    Ok(Received { blob, digests })
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

fn broken_off(error: &StdError) -> S3Error {
    match error.downcast_ref::<ChunkedError>() {
        Some(ChunkedError::Malformed) => {
            S3Error::with_message(S3ErrorCode::InvalidRequest, error.to_string())
        }
        Some(ChunkedError::Truncated | ChunkedError::Length { .. }) | None => incomplete(),
    }
}
