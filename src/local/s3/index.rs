//! The ordered index of buckets, objects and uploads.
//!
//! It changes by [`Entry`] values only, so that what a restart replays from the
//! journal is what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::journal::Entry;
use super::record::{ObjectRecord, PartRecord, UploadRecord};

/// The buckets that answer 403 to everything start so.
pub(super) const FORBIDDEN_PREFIX: &str = "forbidden-";

/// All that the store knows, without the bytes.
#[derive(Debug, Default)]
pub(super) struct Index {
    buckets: BTreeMap<String, Bucket>,
    next_id: u64,
}

/// A bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: Timestamp,
    /// The region; nothing stands for `us-east-1`.
    pub(super) region: Option<String>,
    pub(super) objects: BTreeMap<String, Arc<ObjectRecord>>,
    /// The uploads under way, by key and then by identifier.
    pub(super) uploads: BTreeMap<(String, String), Upload>,
}

/// An upload under way, with its parts by number.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) record: UploadRecord,
    pub(super) parts: BTreeMap<i32, PartRecord>,
}

/// Says why an entry does not fit the index.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misfit(&'static str);

impl Index {
    /// Returns a number above every number in use, for new contents and uploads.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    pub(super) fn buckets(&self) -> &BTreeMap<String, Bucket> {
        &self.buckets
    }

    /// Finds a bucket, or answers as S3 does when it is missing or forbidden.
    pub(super) fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        check_access(name)?;
        self.buckets
            .get(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// Finds an object, or answers as S3 does when it is missing.
    pub(super) fn object(&self, bucket: &str, key: &str) -> S3Result<&Arc<ObjectRecord>> {
        self.bucket(bucket)?
            .objects
            .get(key)
            .ok_or_else(no_such_key)
    }

    /// Finds an upload under way, or answers as S3 does when it is missing.
    pub(super) fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<&Upload> {
        self.bucket(bucket)?
            .uploads
            .get(&(key.to_owned(), id.to_owned()))
            .ok_or_else(|| {
                s3_error!(
                    NoSuchUpload,
                    "The specified upload does not exist. The upload ID may be invalid, or the \
                     upload may have been aborted or completed."
                )
            })
    }

    /// Returns every content that is in use, in no particular order.
    pub(super) fn blobs(&self) -> impl Iterator<Item = super::record::BlobReference> {
        self.buckets.values().flat_map(|bucket| {
            let of_objects = bucket
                .objects
                .values()
                .flat_map(|object| object.blobs.iter().copied());
            let of_uploads = bucket
                .uploads
                .values()
                .flat_map(|upload| upload.parts.values().map(|part| part.blob));
            of_objects.chain(of_uploads)
        })
    }

    /// Returns the shortest list of entries that makes this index.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        std::iter::once(Entry::header(self.next_id)).chain(self.buckets.iter().flat_map(
            |(name, bucket)| {
                let created = Entry::BucketCreated {
                    bucket: name.clone(),
                    created: bucket.created,
                    region: bucket.region.clone(),
                };
                let objects = bucket.objects.iter().map(|(key, object)| Entry::ObjectPut {
                    bucket: name.clone(),
                    key: key.clone(),
                    object: ObjectRecord::clone(object),
                });
                let uploads = bucket
                    .uploads
                    .values()
                    .flat_map(|upload| upload.entries(name));
                std::iter::once(created).chain(objects).chain(uploads)
            },
        ))
    }

    /// Makes the change that `entry` says and returns the contents that nothing
    /// needs any more. On an error the index is as it was.
    pub(super) fn apply(&mut self, entry: Entry) -> Result<Vec<u64>, Misfit> {
        match entry {
            Entry::Header { next_id, .. } => {
                self.count(next_id.saturating_sub(1));
                Ok(Vec::new())
            }
            Entry::BucketCreated {
                bucket,
                created,
                region,
            } => self.create_bucket(bucket, created, region),
            Entry::BucketDeleted { bucket } => {
                let gone = self.buckets.remove(&bucket).ok_or(NO_BUCKET)?;
                let of_objects = gone.objects.values().flat_map(|object| object.blob_ids());
                Ok(of_objects
                    .chain(gone.uploads.values().flat_map(Upload::blobs))
                    .collect())
            }
            Entry::ObjectPut {
                bucket,
                key,
                object,
            } => self.put(&bucket, key, object),
            Entry::ObjectDeleted { bucket, key } => {
                let gone = self.bucket_mut(&bucket)?.objects.remove(&key);
                Ok(gone.ok_or(Misfit("the object does not exist"))?.blob_ids())
            }
            Entry::UploadCreated { bucket, upload } => self.start_upload(&bucket, upload),
            Entry::PartPut {
                bucket,
                key,
                upload,
                part,
            } => self.put_part(&bucket, &(key, upload), part),
            Entry::UploadCompleted {
                bucket,
                key,
                upload,
                object,
            } => self.complete(&bucket, (key, upload), object),
            Entry::UploadAborted {
                bucket,
                key,
                upload,
            } => {
                let gone = self
                    .bucket_mut(&bucket)?
                    .uploads
                    .remove(&(key, upload))
                    .ok_or(NO_UPLOAD)?;
                Ok(gone.blobs().collect())
            }
        }
    }

    fn create_bucket(
        &mut self,
        name: String,
        created: Timestamp,
        region: Option<String>,
    ) -> Result<Vec<u64>, Misfit> {
        if self.buckets.contains_key(&name) {
            return Err(Misfit("the bucket exists already"));
        }
        self.buckets.insert(name, Bucket::new(created, region));
        Ok(Vec::new())
    }

    fn start_upload(&mut self, bucket: &str, record: UploadRecord) -> Result<Vec<u64>, Misfit> {
        let (number, place) = (record.number, (record.key.clone(), record.id.clone()));
        let started = Upload {
            record,
            parts: BTreeMap::new(),
        };
        self.bucket_mut(bucket)?.uploads.insert(place, started);
        self.count(number);
        Ok(Vec::new())
    }

    fn put_part(
        &mut self,
        bucket: &str,
        place: &(String, String),
        part: PartRecord,
    ) -> Result<Vec<u64>, Misfit> {
        let id = part.blob.id;
        let upload = self
            .bucket_mut(bucket)?
            .uploads
            .get_mut(place)
            .ok_or(NO_UPLOAD)?;
        let replaced = upload.parts.insert(part.number, part);
        self.count(id);
        Ok(replaced.map(|part| part.blob.id).into_iter().collect())
    }

    fn complete(
        &mut self,
        bucket: &str,
        place: (String, String),
        object: ObjectRecord,
    ) -> Result<Vec<u64>, Misfit> {
        let done = self
            .bucket_mut(bucket)?
            .uploads
            .remove(&place)
            .ok_or(NO_UPLOAD)?;
        let used: BTreeSet<u64> = object.blob_ids().into_iter().collect();
        let mut unused = self.put(bucket, place.0, object)?;
        unused.extend(done.blobs().filter(|id| !used.contains(id)));
        Ok(unused)
    }

    fn put(&mut self, bucket: &str, key: String, object: ObjectRecord) -> Result<Vec<u64>, Misfit> {
        let ids = object.blob_ids();
        let replaced = self
            .bucket_mut(bucket)?
            .objects
            .insert(key, Arc::new(object));
        for id in ids {
            self.count(id);
        }
        Ok(replaced.map(|object| object.blob_ids()).unwrap_or_default())
    }

    fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, Misfit> {
        self.buckets.get_mut(name).ok_or(NO_BUCKET)
    }

    fn count(&mut self, used: u64) {
        self.next_id = self.next_id.max(used.saturating_add(1));
    }
}

const NO_BUCKET: Misfit = Misfit("the bucket does not exist");
const NO_UPLOAD: Misfit = Misfit("the upload does not exist");

impl Bucket {
    fn new(created: Timestamp, region: Option<String>) -> Self {
        Self {
            created,
            region,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }
}

impl Upload {
    fn blobs(&self) -> impl Iterator<Item = u64> {
        self.parts.values().map(|part| part.blob.id)
    }

    fn entries(&self, bucket: &str) -> impl Iterator<Item = Entry> {
        let created = Entry::UploadCreated {
            bucket: bucket.to_owned(),
            upload: self.record.clone(),
        };
        let parts = self.parts.values().map(move |part| Entry::PartPut {
            bucket: bucket.to_owned(),
            key: self.record.key.clone(),
            upload: self.record.id.clone(),
            part: part.clone(),
        });
        std::iter::once(created).chain(parts)
    }
}

impl ObjectRecord {
    fn blob_ids(&self) -> Vec<u64> {
        self.blobs.iter().map(|blob| blob.id).collect()
    }
}

/// Refuses the buckets that stand for a missing permission.
pub(super) fn check_access(bucket: &str) -> S3Result<()> {
    if bucket.starts_with(FORBIDDEN_PREFIX) {
        return Err(s3_error!(AccessDenied, "Access Denied"));
    }
    Ok(())
}

/// Answers that a key does not exist.
pub(super) fn no_such_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}
