//! Buckets.

use s3s::dto::{
    Bucket as BucketAnswer, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput,
    DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput,
    HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::describe;
use crate::local::s3::index::{Bucket, check_access};
use crate::local::s3::journal::Entry;
use crate::local::s3::store::{Change, Store};

/// The region of a bucket that names none.
const DEFAULT_REGION: &str = "us-east-1";

/// Beginnings and ends of names that S3 keeps for itself.
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

pub(super) async fn create_bucket(
    store: &Store,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let name = request.input.bucket;
    check_access(&name)?;
    check_name(&name)?;
    let region = request
        .input
        .create_bucket_configuration
        .and_then(|configuration| configuration.location_constraint)
        .map(|region| region.as_str().to_owned())
        .filter(|region| !region.is_empty() && region != DEFAULT_REGION);
    let created = store.now();
    store.commit(|index| match index.buckets().get(&name) {
        // The oldest region answers a repetition with success.
        Some(Bucket { region: None, .. }) if region.is_none() => Ok(Change::none(())),
        Some(_) => Err(s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        )),
        None => Ok(Change::one(
            Entry::BucketCreated {
                bucket: name.clone(),
                created,
                region,
            },
            (),
        )),
    })?;
    Ok(CreateBucketOutput {
        location: Some(format!("/{name}")),
    })
}

/// Checks the rules for new names that the parser of requests does not know.
fn check_name(name: &str) -> S3Result<()> {
    let reserved = RESERVED_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || RESERVED_SUFFIXES
            .iter()
            .any(|suffix| name.ends_with(suffix));
    if reserved {
        return Err(s3_error!(
            InvalidBucketName,
            "The specified bucket is not valid."
        ));
    }
    Ok(())
}

pub(super) async fn delete_bucket(
    store: &Store,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<DeleteBucketOutput> {
    let name = request.input.bucket;
    store.commit(|index| {
        if !index.bucket(&name)?.objects.is_empty() {
            return Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ));
        }
        Ok(Change::one(
            Entry::BucketDeleted {
                bucket: name.clone(),
            },
            (),
        ))
    })?;
    Ok(DeleteBucketOutput::default())
}

pub(super) async fn head_bucket(
    store: &Store,
    request: S3Request<HeadBucketInput>,
) -> S3Result<HeadBucketOutput> {
    let region = store.view(|index| Ok(region(index.bucket(&request.input.bucket)?)))?;
    Ok(HeadBucketOutput {
        bucket_region: Some(region),
        ..Default::default()
    })
}

pub(super) async fn get_bucket_location(
    store: &Store,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<GetBucketLocationOutput> {
    let region = store.view(|index| Ok(index.bucket(&request.input.bucket)?.region.clone()))?;
    Ok(GetBucketLocationOutput {
        location_constraint: region.map(BucketLocationConstraint::from),
    })
}

fn region(bucket: &Bucket) -> String {
    bucket
        .region
        .clone()
        .unwrap_or_else(|| DEFAULT_REGION.to_owned())
}

pub(super) async fn list_buckets(
    store: &Store,
    request: S3Request<ListBucketsInput>,
) -> S3Result<ListBucketsOutput> {
    let input = request.input;
    let limit = input
        .max_buckets
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    let wanted = input.bucket_region;
    store.view(|index| {
        let mut matching = index.buckets().iter().filter(|(name, bucket)| {
            name.starts_with(&prefix)
                && **name > after
                && wanted
                    .as_ref()
                    .is_none_or(|wanted| *wanted == region(bucket))
        });
        let buckets: Vec<BucketAnswer> = matching
            .by_ref()
            .take(limit)
            .map(|(name, bucket)| BucketAnswer {
                bucket_region: Some(region(bucket)),
                creation_date: Some(describe::time(bucket.created)),
                name: Some(name.clone()),
            })
            .collect();
        let more = matching.next().is_some();
        Ok(ListBucketsOutput {
            continuation_token: buckets
                .last()
                .filter(|_| more)
                .and_then(|bucket| bucket.name.clone()),
            buckets: Some(buckets),
            owner: Some(describe::owner()),
            prefix: input.prefix,
        })
    })
}
