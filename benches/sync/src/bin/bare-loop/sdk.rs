//! The AWS SDK, told to do no more than S3 needs.

use std::fs::File;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::Builder;
use bytes::Bytes;

use crate::arguments::Arguments;
use crate::wire::{Failure, Listed, Page, Piece, Wire, Writer};

/// The SDK's client, and the bucket.
#[derive(Debug, Clone)]
pub(crate) struct Sdk {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Sdk {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let http = Builder::new()
            .pool_max_idle_per_host(arguments.in_flight)
            .build_http();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
            .region(Region::from_static("us-east-1"))
            .endpoint_url(&arguments.endpoint)
            .force_path_style(true)
            .http_client(http)
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self {
            client: aws_sdk_s3::Client::from_conf(config),
            bucket: arguments.bucket.clone(),
        }
    }
}

/// With its causes: the SDK's own words for an error are only its kind.
fn told(error: impl std::error::Error) -> Failure {
    DisplayErrorContext(error).to_string().into()
}

impl Wire for Sdk {
    async fn put(&self, key: &str, body: Bytes) -> Result<(), Failure> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(ByteStream::from(body))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(told)?;
        Ok(())
    }

    async fn begin(&self, key: &str) -> Result<String, Failure> {
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(told)?;
        Ok(created.upload_id.ok_or("no upload identifier")?)
    }

    async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, Failure> {
        let part = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(body))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(told)?;
        Ok(part.e_tag.ok_or("no entity tag")?)
    }

    async fn complete(&self, key: &str, upload: &str, tags: Vec<String>) -> Result<(), Failure> {
        let parts = (1..)
            .zip(tags)
            .map(|(number, tag)| {
                CompletedPart::builder()
                    .part_number(number)
                    .e_tag(tag)
                    .build()
            })
            .collect();
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(told)?;
        Ok(())
    }

    async fn get(&self, piece: &Piece<'_>, into: &File) -> Result<(), Failure> {
        let range = piece
            .range
            .as_ref()
            .map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let mut got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&piece.object.key)
            .if_match(&piece.object.tag)
            .set_range(range)
            .send()
            .await
            .map_err(told)?;
        let mut writer = Writer::new(piece, into);
        while let Some(chunk) = got.body.next().await {
            writer.write(&chunk?)?;
        }
        writer.finish()
    }

    async fn list(&self, prefix: &str, token: Option<String>) -> Result<Page, Failure> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_continuation_token(token)
            .send()
            .await
            .map_err(told)?;
        let next = page.next_continuation_token().map(str::to_owned);
        let objects = page
            .contents
            .unwrap_or_default()
            .into_iter()
            .filter_map(|object| {
                Some(Listed {
                    key: object.key?,
                    size: u64::try_from(object.size?).ok()?,
                    tag: object.e_tag?,
                })
            })
            .collect();
        Ok(Page { objects, next })
    }
}
