//! Writing and deleting objects.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETagCondition, Error, ObjectIdentifier, PutObjectInput, PutObjectOutput,
};
use s3s::{Body, S3Error, S3Request, S3Result, s3_error};

use super::describe;
use crate::local::s3::checksum::{Algorithm, Coverage, StoredChecksum, checksums_of, set_checksum};
use crate::local::s3::chunked::Trailers;
use crate::local::s3::headers::take_headers;
use crate::local::s3::index::Index;
use crate::local::s3::journal::Entry;
use crate::local::s3::precondition::WriteCondition;
use crate::local::s3::receive::{Claims, Expectation, Received, receive};
use crate::local::s3::record::{ObjectHeaders, ObjectRecord};
use crate::local::s3::store::{Change, Store};

/// The most keys that one request may delete.
const DELETE_LIMIT: usize = 1000;

/// The most bytes of UTF-8 that a key may have.
const KEY_LIMIT: usize = 1024;

pub(super) async fn put_object(
    store: &Store,
    request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let mut input = request.input;
    let expectation = Expectation::new(&Claims {
        headers: &request.headers,
        trailers: request.extensions.get::<Trailers>(),
        length: input.content_length,
        md5: input.content_md5.as_deref(),
        checksums: checksums_of!(input),
    })?;
    let condition = WriteCondition::new(input.if_match.take(), input.if_none_match.as_ref())?;
    let headers = take_headers!(input)?;
    store.view(|index| index.bucket(&input.bucket).map(drop))?;
    let algorithm = expectation.algorithm().unwrap_or(Algorithm::Crc64Nvme);
    let body = input.body.take().unwrap_or_else(|| Body::empty().into());
    let received = receive(store, body, &expectation, algorithm).await?;
    let object = single(store, &received, algorithm, headers)?;
    let answer = put_answer(&object);
    let (bucket, key) = (input.bucket, input.key);
    store.commit(|index| {
        condition.check(index.bucket(&bucket)?.objects.get(&key).map(AsRef::as_ref))?;
        Ok(Change::one(
            Entry::ObjectPut {
                bucket,
                key,
                object,
            },
            answer,
        )
        .with(received.blob))
    })
}

/// Describes an object that is one content.
pub(super) fn single(
    store: &Store,
    received: &Received,
    algorithm: Algorithm,
    headers: ObjectHeaders,
) -> S3Result<ObjectRecord> {
    let value = received
        .digests
        .get(algorithm)
        .ok_or_else(|| s3_error!(InternalError, "no checksum was computed"))?;
    let blob = received.blob.reference();
    Ok(ObjectRecord {
        blobs: vec![blob],
        size: blob.size,
        etag: received.digests.md5_hex(),
        modified: store.now(),
        checksum: StoredChecksum {
            algorithm,
            coverage: Coverage::FullObject,
            value: value.to_owned(),
        },
        parts: Vec::new(),
        headers,
    })
}

fn put_answer(object: &ObjectRecord) -> PutObjectOutput {
    let mut answer = PutObjectOutput {
        checksum_type: Some(describe::coverage(object.checksum.coverage)),
        e_tag: Some(describe::etag(&object.etag)),
        server_side_encryption: Some(describe::encryption(&object.headers)),
        ssekms_key_id: object.headers.encryption_key.clone(),
        ..Default::default()
    };
    set_checksum!(
        answer,
        object.checksum.algorithm,
        object.checksum.value.clone()
    );
    answer
}

pub(super) async fn delete_object(
    store: &Store,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "Only directory buckets know these conditions."
        ));
    }
    let condition = WriteCondition::new(input.if_match, None)?;
    store.commit(|index| {
        let entry = deletion(index, &input.bucket, &input.key, &condition)?;
        Ok(Change {
            entries: entry.into_iter().collect(),
            blobs: Vec::new(),
            answer: (),
        })
    })?;
    Ok(DeleteObjectOutput::default())
}

/// Decides what deleting a key changes: nothing when it does not exist.
fn deletion(
    index: &Index,
    bucket: &str,
    key: &str,
    condition: &WriteCondition,
) -> S3Result<Option<Entry>> {
    let current = index.bucket(bucket)?.objects.get(key);
    condition.check(current.map(AsRef::as_ref))?;
    Ok(current.map(|_| Entry::ObjectDeleted {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    }))
}

pub(super) async fn delete_objects(
    store: &Store,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let (bucket, delete) = (request.input.bucket, request.input.delete);
    if delete.objects.is_empty() || delete.objects.len() > DELETE_LIMIT {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    store.view(|index| index.bucket(&bucket).map(drop))?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in delete.objects {
        match delete_one(store, &bucket, &object) {
            Ok(()) => deleted.push(DeletedObject {
                key: Some(object.key),
                ..Default::default()
            }),
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                message: error.message().map(str::to_owned),
                key: Some(object.key),
                version_id: object.version_id,
            }),
        }
    }
    let quiet = delete.quiet.unwrap_or(false);
    Ok(DeleteObjectsOutput {
        deleted: Some(deleted).filter(|_| !quiet),
        errors: Some(errors).filter(|errors| !errors.is_empty()),
        ..Default::default()
    })
}

fn delete_one(store: &Store, bucket: &str, object: &ObjectIdentifier) -> S3Result<(), S3Error> {
    if object.key.len() > KEY_LIMIT {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    if object
        .version_id
        .as_ref()
        .is_some_and(|version| version != "null")
    {
        return Err(s3_error!(
            NoSuchVersion,
            "The specified version does not exist."
        ));
    }
    let condition = WriteCondition::new(object.e_tag.clone().map(ETagCondition::ETag), None)?;
    store.commit(|index| {
        let entry = deletion(index, bucket, &object.key, &condition)?;
        Ok(Change {
            entries: entry.into_iter().collect(),
            blobs: Vec::new(),
            answer: (),
        })
    })
}
