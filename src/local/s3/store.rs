//! The store: the index, the journal and the contents as one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{Timestamp, TimestampRound, Unit};
use s3s::{S3Error, S3Result};

use super::blob::{self, Blob, BlobWriter};
use super::error::OpenError;
use super::index::Index;
use super::journal::{Entry, Journal};
use super::record::ObjectRecord;
use super::wire::ObjectService;

/// Tells the time. It is asked once for every change.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Holds buckets and objects, in a folder or in memory.
///
/// Clones share the same buckets.
#[derive(Clone)]
pub struct ObjectStore {
    store: Arc<Store>,
}

impl ObjectStore {
    /// Opens the store in `folder`, which is created when it is missing, or an
    /// empty one in memory without a folder.
    ///
    /// A change is in the folder before its request is answered, so that
    /// nothing that a client was told is lost when the process is killed. It is
    /// not forced through to the disk: a power failure may cost the last
    /// seconds.
    ///
    /// # Errors
    ///
    /// Fails when the folder cannot be read or written, when another process
    /// has it open, or when its index or a content that the index names is
    /// damaged. A last change that was cut off in the middle is no damage; it
    /// is dropped.
    pub fn open(folder: Option<PathBuf>, clock: Clock) -> Result<Self, OpenError> {
        let store = match folder {
            None => Store::in_memory(clock),
            Some(folder) => Store::in_folder(&folder, clock)?,
        };
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Returns the service that answers requests to this store.
    pub fn service(&self) -> ObjectService {
        ObjectService::new(Arc::clone(&self.store))
    }
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ObjectStore")
            .field("contents", &self.store.contents)
            .finish_non_exhaustive()
    }
}

/// What the operations work on.
pub(super) struct Store {
    state: Mutex<State>,
    /// The folder of contents; nothing when they are in memory.
    contents: Option<PathBuf>,
    next_id: AtomicU64,
    clock: Clock,
    /// Held as long as the store is open, so that no second process opens it.
    _lock: Option<File>,
}

struct State {
    index: Index,
    blobs: BTreeMap<u64, Arc<Blob>>,
    journal: Option<Journal>,
}

/// A change that has been decided: what to write down, the contents that it
/// needs, and what to answer.
pub(super) struct Change<T> {
    pub(super) entries: Vec<Entry>,
    pub(super) blobs: Vec<Blob>,
    pub(super) answer: T,
}

impl<T> Change<T> {
    /// Decides on one entry.
    pub(super) fn one(entry: Entry, answer: T) -> Self {
        Self {
            entries: vec![entry],
            blobs: Vec::new(),
            answer,
        }
    }

    /// Decides to change nothing.
    pub(super) fn none(answer: T) -> Self {
        Self {
            entries: Vec::new(),
            blobs: Vec::new(),
            answer,
        }
    }

    /// Adds a content that the change needs.
    pub(super) fn with(mut self, blob: Blob) -> Self {
        self.blobs.push(blob);
        self
    }
}

impl Store {
    fn in_memory(clock: Clock) -> Self {
        let state = State {
            index: Index::default(),
            blobs: BTreeMap::new(),
            journal: None,
        };
        Self {
            state: Mutex::new(state),
            contents: None,
            next_id: AtomicU64::new(1),
            clock,
            _lock: None,
        }
    }

    fn in_folder(folder: &Path, clock: Clock) -> Result<Self, OpenError> {
        let contents = folder.join("objects");
        std::fs::create_dir_all(&contents).map_err(|source| OpenError::CreateFolder {
            path: contents.clone(),
            source,
        })?;
        let lock = lock(folder.join("lock"))?;
        let (journal, index) = Journal::open(&folder.join("index.log"))?;
        let blobs = find_blobs(&contents, &index)?;
        remove_unknown(&contents, &blobs)?;
        let next_id = AtomicU64::new(index.next_id().max(1));
        let state = State {
            index,
            blobs,
            journal: Some(journal),
        };
        Ok(Self {
            state: Mutex::new(state),
            contents: Some(contents),
            next_id,
            clock,
            _lock: Some(lock),
        })
    }

    /// Returns the time, to the millisecond, as listings show it.
    pub(super) fn now(&self) -> Timestamp {
        let now = (self.clock)();
        now.round(
            TimestampRound::new()
                .smallest(Unit::Millisecond)
                .mode(jiff::RoundMode::Floor),
        )
        .unwrap_or(now)
    }

    /// Returns a number that no content and no upload has.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Starts a new content.
    pub(super) async fn create_blob(&self) -> S3Result<BlobWriter> {
        let id = self.next_id();
        let path = self
            .contents
            .as_ref()
            .map(|folder| folder.join(blob::file_name(id)));
        BlobWriter::create(id, path)
            .await
            .map_err(S3Error::internal_error)
    }

    /// Looks at the index as it is at one moment.
    pub(super) fn view<T>(&self, look: impl FnOnce(&Index) -> S3Result<T>) -> S3Result<T> {
        look(&self.state().index)
    }

    /// Finds an object together with its contents, which stay readable as long
    /// as they are held, whatever happens to the object.
    pub(super) fn object(
        &self,
        bucket: &str,
        key: &str,
    ) -> S3Result<(Arc<ObjectRecord>, Vec<Arc<Blob>>)> {
        let state = self.state();
        let record = Arc::clone(state.index.object(bucket, key)?);
        let blobs = record
            .blobs
            .iter()
            .filter_map(|blob| state.blobs.get(&blob.id).cloned())
            .collect();
        Ok((record, blobs))
    }

    /// Decides on a change and makes it, while nobody else can change anything:
    /// what `decide` sees is what the change meets.
    pub(super) fn commit<T>(
        &self,
        decide: impl FnOnce(&Index) -> S3Result<Change<T>>,
    ) -> S3Result<T> {
        let mut state = self.state();
        let change = decide(&state.index)?;
        if change.entries.is_empty() {
            return Ok(change.answer);
        }
        let released = state.make(change.entries, change.blobs)?;
        // Files are removed without holding up the others.
        drop(state);
        drop(released);
        Ok(change.answer)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The index is changed in whole steps only, so what a panicking thread
        // leaves behind is sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make(&mut self, entries: Vec<Entry>, blobs: Vec<Blob>) -> S3Result<Vec<Arc<Blob>>> {
        if let Some(journal) = &mut self.journal {
            journal.append(&entries).map_err(S3Error::internal_error)?;
        }
        for blob in blobs {
            blob.keep();
            self.blobs.insert(blob.reference().id, Arc::new(blob));
        }
        let mut released = Vec::new();
        for entry in entries {
            for id in self.index.apply(entry).map_err(S3Error::internal_error)? {
                released.extend(self.blobs.remove(&id));
            }
        }
        for blob in &released {
            blob.release();
        }
        Ok(released)
    }
}

fn lock(path: PathBuf) -> Result<File, OpenError> {
    let file = match File::options().create(true).append(true).open(&path) {
        Ok(file) => file,
        Err(source) => return Err(OpenError::Lock { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(OpenError::Lock { path, source }),
    }
}

fn find_blobs(folder: &Path, index: &Index) -> Result<BTreeMap<u64, Arc<Blob>>, OpenError> {
    let mut blobs = BTreeMap::new();
    for reference in index.blobs() {
        let path = folder.join(blob::file_name(reference.id));
        let found = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if found != reference.size || !path.exists() {
            return Err(OpenError::DamagedContent {
                path,
                expected: reference.size,
                found,
            });
        }
        blobs.insert(reference.id, Arc::new(Blob::existing(path, reference)));
    }
    Ok(blobs)
}

/// Removes what uploads left behind that were under way when the process ended.
fn remove_unknown(folder: &Path, blobs: &BTreeMap<u64, Arc<Blob>>) -> Result<(), OpenError> {
    let failed = |source| OpenError::ReadContents {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        // Only names that this store gives are its to remove.
        let id = name
            .to_str()
            .filter(|name| name.len() == 16)
            .and_then(|name| u64::from_str_radix(name, 16).ok());
        if id.is_some_and(|id| !blobs.contains_key(&id)) {
            std::fs::remove_file(entry.path()).map_err(|source| OpenError::ReadContents {
                path: entry.path(),
                source,
            })?;
        }
    }
    Ok(())
}
