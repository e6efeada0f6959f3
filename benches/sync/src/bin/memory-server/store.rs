//! Buckets, objects and unfinished uploads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hyper::header::{HeaderName, HeaderValue};

use crate::content::{Content, Digest};
use crate::error::{NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_UPLOAD, S3Error};

/// The objects of a bucket, in the order that S3 lists them in.
pub(crate) type Objects = BTreeMap<Box<[u8]>, Object>;

/// What a client said of an object beside its content.
#[derive(Debug, Default)]
pub(crate) struct Description {
    /// Its metadata, type and the like, given back as they came.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Its checksum: the name and the value of the header.
    pub(crate) checksum: Option<(String, String)>,
}

/// An object. Clones share what is large.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) content: Content,
    pub(crate) digest: Digest,
    /// When it was put, in seconds since 1970.
    pub(crate) modified: i64,
    /// What was said of it; `None` stands for nothing, which saves memory.
    pub(crate) description: Option<Arc<Description>>,
}

/// A part of an unfinished upload.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) content: Content,
    pub(crate) digest: Digest,
    pub(crate) modified: i64,
}

/// An unfinished upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: Vec<u8>,
    pub(crate) begun: i64,
    pub(crate) description: Arc<Description>,
    pub(crate) parts: BTreeMap<u32, Part>,
}

/// Everything that is kept.
#[derive(Default)]
pub(crate) struct Store {
    buckets: RwLock<BTreeMap<String, Objects>>,
    uploads: Mutex<BTreeMap<String, Upload>>,
    begun_uploads: AtomicU64,
}

impl Store {
    /// Empties the store, bucket by bucket and all.
    pub(crate) fn clear(&self) {
        let buckets = std::mem::take(&mut *self.write());
        let uploads = std::mem::take(&mut *self.uploads());
        // Only now, with no lock held: freeing gigabytes takes its time.
        drop((buckets, uploads));
    }

    /// Makes a bucket, unless it is there.
    pub(crate) fn create_bucket(&self, bucket: &str) {
        self.write().entry(bucket.to_owned()).or_default();
    }

    /// The names of all buckets.
    pub(crate) fn bucket_names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// Looks into a bucket.
    pub(crate) fn with_bucket<T>(
        &self,
        bucket: &str,
        look: impl FnOnce(&Objects) -> T,
    ) -> Result<T, S3Error> {
        self.read().get(bucket).map(look).ok_or(NO_SUCH_BUCKET)
    }

    /// Changes a bucket.
    pub(crate) fn change_bucket<T>(
        &self,
        bucket: &str,
        change: impl FnOnce(&mut Objects) -> T,
    ) -> Result<T, S3Error> {
        self.write()
            .get_mut(bucket)
            .map(change)
            .ok_or(NO_SUCH_BUCKET)
    }

    /// Number of objects of a bucket, and of their bytes.
    pub(crate) fn totals(&self, bucket: &str) -> Result<(usize, u64), S3Error> {
        self.with_bucket(bucket, |objects| {
            let bytes = objects.values().map(|object| object.content.len()).sum();
            (objects.len(), bytes)
        })
    }

    /// The object of a key.
    pub(crate) fn object(&self, bucket: &str, key: &[u8]) -> Result<Object, S3Error> {
        self.with_bucket(bucket, |objects| objects.get(key).cloned())?
            .ok_or(NO_SUCH_KEY)
    }

    /// Puts an object, in place of the one of that key.
    pub(crate) fn put(&self, bucket: &str, key: &[u8], object: Object) -> Result<(), S3Error> {
        let replaced = self.change_bucket(bucket, |objects| objects.insert(key.into(), object))?;
        drop(replaced);
        Ok(())
    }

    /// Begins an upload, and gives its identifier.
    pub(crate) fn begin_upload(&self, upload: Upload) -> String {
        let number = self.begun_uploads.fetch_add(1, Ordering::Relaxed);
        let identifier = format!("upload-{number:08}");
        self.uploads().insert(identifier.clone(), upload);
        identifier
    }

    /// Looks at an upload, or changes it.
    pub(crate) fn with_upload<T>(
        &self,
        identifier: &str,
        change: impl FnOnce(&mut Upload) -> T,
    ) -> Result<T, S3Error> {
        self.uploads()
            .get_mut(identifier)
            .map(change)
            .ok_or(NO_SUCH_UPLOAD)
    }

    /// Takes an upload out.
    pub(crate) fn end_upload(&self, identifier: &str) -> Result<Upload, S3Error> {
        self.uploads().remove(identifier).ok_or(NO_SUCH_UPLOAD)
    }

    /// All unfinished uploads, by their identifiers.
    pub(crate) fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Objects>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Objects>> {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner)
    }
}
