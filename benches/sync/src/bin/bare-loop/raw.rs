//! hyper and a signature: the least that S3 can be spoken to with.
//!
//! Documents are read by looking for elements, which is enough for the plain keys of
//! the workloads and for nothing else. Nothing is tried twice.

use std::fs::File;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::arguments::Arguments;
use crate::wire::{Failure, Listed, Page, Piece, Wire, Writer};

/// hyper's client, and the bucket.
#[derive(Clone)]
pub(crate) struct Raw {
    client: Client<HttpConnector, Full<Bytes>>,
    /// Address of the bucket.
    bucket: String,
    identity: Identity,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signature holds the time of its request"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

impl Raw {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(arguments.in_flight)
            .build(connector);
        Self {
            client,
            bucket: format!("{}/{}", arguments.endpoint, arguments.bucket),
            identity: Credentials::new("bench", "bench", None, None, "bench").into(),
        }
    }

    fn signed(&self, mut request: Request<Full<Bytes>>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&self.identity)
            .region("us-east-1")
            .name("s3")
            .time(now())
            .settings(settings)
            .build()?
            .into();
        let address = request.uri().to_string();
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let signable = SignableRequest::new(
            request.method().as_str(),
            address,
            headers,
            SignableBody::UnsignedPayload,
        )?;
        let (instructions, _signature) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        let response = self.client.request(self.signed(request)?).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
    }

    async fn text(&self, request: Request<Full<Bytes>>) -> Result<String, Failure> {
        let body = self.send(request).await?.into_body();
        Ok(String::from_utf8(body.collect().await?.to_bytes().into())?)
    }

    /// Sends a body, and gives the entity tag of the reply.
    async fn put_at(&self, address: String, body: Bytes) -> Result<String, Failure> {
        let request = Request::put(address).body(Full::new(body))?;
        let response = self.send(request).await?;
        let tag = response
            .headers()
            .get("etag")
            .ok_or("no entity tag")?
            .to_str()?
            .to_owned();
        // A connection goes back to the pool once its reply has been read.
        response.into_body().collect().await?;
        Ok(tag)
    }
}

/// The texts of all elements of a name.
fn elements<'a>(document: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = document;
    std::iter::from_fn(move || {
        let begin = rest.find(&open)? + open.len();
        let length = rest[begin..].find(&close)?;
        let text = &rest[begin..begin + length];
        rest = &rest[begin + length + close.len()..];
        Some(text)
    })
}

impl Wire for Raw {
    async fn put(&self, key: &str, body: Bytes) -> Result<(), Failure> {
        self.put_at(format!("{}/{key}", self.bucket), body).await?;
        Ok(())
    }

    async fn begin(&self, key: &str) -> Result<String, Failure> {
        let address = format!("{}/{key}?uploads=", self.bucket);
        let created = self
            .text(Request::post(address).body(Full::default())?)
            .await?;
        let upload = elements(&created, "UploadId").next();
        Ok(upload.ok_or("no upload identifier")?.to_owned())
    }

    async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, Failure> {
        let address = format!(
            "{}/{key}?partNumber={number}&uploadId={upload}",
            self.bucket
        );
        self.put_at(address, body).await
    }

    async fn complete(&self, key: &str, upload: &str, tags: Vec<String>) -> Result<(), Failure> {
        let parts: Vec<String> = (1..)
            .zip(tags)
            .map(|(number, tag)| {
                format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
            })
            .collect();
        let document = format!(
            "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
            parts.concat()
        );
        let address = format!("{}/{key}?uploadId={upload}", self.bucket);
        self.text(Request::post(address).body(Full::new(document.into()))?)
            .await?;
        Ok(())
    }

    async fn get(&self, piece: &Piece<'_>, into: &File) -> Result<(), Failure> {
        let mut request = Request::get(format!("{}/{}", self.bucket, piece.object.key))
            .header("if-match", &piece.object.tag);
        if let Some(range) = &piece.range {
            request = request.header("range", format!("bytes={}-{}", range.start, range.end - 1));
        }
        let mut body = self.send(request.body(Full::default())?).await?.into_body();
        let mut writer = Writer::new(piece, into);
        while let Some(frame) = body.frame().await {
            if let Some(chunk) = frame?.data_ref() {
                writer.write(chunk)?;
            }
        }
        writer.finish()
    }

    async fn list(&self, prefix: &str, token: Option<String>) -> Result<Page, Failure> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut address = format!("{}?list-type=2&prefix={}", self.bucket, encode(prefix));
        if let Some(token) = token {
            address.push_str("&continuation-token=");
            address.push_str(&encode(&token));
        }
        let page = self
            .text(Request::get(address).body(Full::default())?)
            .await?;
        let objects = elements(&page, "Contents")
            .map(|object| {
                let text = |name| elements(object, name).next().ok_or("an element is missing");
                Ok(Listed {
                    key: text("Key")?.to_owned(),
                    size: text("Size")?.parse()?,
                    tag: text("ETag")?.replace("&quot;", "\""),
                })
            })
            .collect::<Result<_, Failure>>()?;
        let next = elements(&page, "NextContinuationToken").next();
        Ok(Page {
            objects,
            next: next.map(str::to_owned),
        })
    }
}
