//! The region that a bucket is in, found by asking the bucket.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::fault::Fault;

/// Names the region of a bucket, in errors too (S3 API, `HeadBucket`).
const REGION: &str = "x-amz-bucket-region";

/// A bucket, and the client that reaches it: one that was sent on to another region once goes
/// there by itself from then on.
#[derive(Debug)]
pub(super) struct Home {
    bucket: String,
    client: Mutex<Client>,
}

impl Home {
    /// A bucket that may be in the client's region.
    pub(super) fn new(client: Client, bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            client: Mutex::new(client),
        }
    }

    /// A bucket that is in a region, where somebody says which, or may be in the client's.
    pub(super) fn in_region(client: &Client, region: Option<&str>, bucket: &str) -> Self {
        let client = match region {
            Some(region) => moved(client, region),
            None => client.clone(),
        };
        Self::new(client, bucket)
    }

    /// The name of the bucket.
    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The client for the region that the bucket is in, as far as that is known.
    pub(super) fn client(&self) -> Client {
        self.client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The client for the region that the bucket is in, after asking it.
    ///
    /// A bucket that does not answer leaves the client as it is: the next request says why.
    pub(super) async fn settled(&self) -> Client {
        let client = self.client();
        let region = self.asked(&client).await;
        self.go(&client, region).unwrap_or(client)
    }

    /// Goes to a region from now on, where that is another one than the client's.
    fn go(&self, client: &Client, region: Option<String>) -> Option<Client> {
        let region = region?;
        if client.config().region().map(Region::as_ref) == Some(&region) {
            return None;
        }
        let there = moved(client, &region);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = there.clone();
        Some(there)
    }

    /// Asks, and asks once more in the region that the answer names, if it names another.
    pub(super) async fn ask<T, E, Answer>(
        &self,
        request: impl Fn(Client) -> Answer,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata + Error + 'static,
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let client = self.client();
        let answer = request(client.clone()).await;
        let (named, is_elsewhere) = match &answer {
            Ok(_) => return answer,
            Err(error) => (named_in(error), Fault::of(error).is_elsewhere()),
        };
        let region = match named {
            None if is_elsewhere => self.asked(&client).await,
            named => named,
        };
        match self.go(&client, region) {
            Some(there) => request(there).await,
            None => answer,
        }
    }

    /// The region that the bucket names when it is asked for nothing else.
    async fn asked(&self, client: &Client) -> Option<String> {
        let answer = client.head_bucket().bucket(&self.bucket).send().await;
        match answer {
            Ok(output) => output.bucket_region().map(str::to_owned),
            Err(error) => named_in(&error),
        }
    }
}

/// The region that an error answer says the bucket is in.
fn named_in<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let answer = error.raw_response()?;
    answer.headers().get(REGION).map(str::to_owned)
}

/// The same client in another region.
fn moved(client: &Client, region: &str) -> Client {
    let config = client.config().to_builder();
    Client::from_conf(config.region(Region::new(region.to_owned())).build())
}
