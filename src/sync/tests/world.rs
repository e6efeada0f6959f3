//! A bucket, a folder, and short words for what tests do with them.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use super::server::{Server, Upload};
use crate::cloud::patience::own_quota;
use crate::cloud::whole::Whole;
use crate::sync::target::TEMPORARY_SUFFIX;
use crate::sync::{
    Control, Deletion, Place, Progress, Request, SurveyError, SyncPlan, SyncReport, execute, survey,
};

pub(super) struct World {
    pub(super) server: Server,
    pub(super) client: Client,
    folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = Server::start().await;
        let client = client(&server.endpoint);
        Self {
            server,
            client,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root().join(key)
    }

    pub(super) fn write(&self, key: &str, content: impl AsRef<[u8]>) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn read(&self, key: &str) -> Vec<u8> {
        fs::read(self.path(key)).unwrap()
    }

    /// Sets when a file was last modified, in seconds since 1970.
    pub(super) fn touch(&self, key: &str, second: i64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second.unsigned_abs());
        let file = File::options().append(true).open(self.path(key)).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    }

    /// Makes a folder somewhere below this one that nobody can read, not even root: its path
    /// has a byte more than the system takes, once it has its `/`.
    pub(super) fn make_unreadable(&self, key: &str) {
        let longest = if cfg!(target_os = "linux") {
            4095
        } else {
            1023
        };
        let mut path = self.path(key).into_os_string();
        while longest - path.len() > 201 {
            path.push("/");
            path.push("n".repeat(100));
        }
        let rest = longest - path.len() - 1;
        path.push("/");
        path.push("n".repeat(rest));
        fs::create_dir_all(path).unwrap();
    }

    pub(super) fn up(&self) -> Request {
        Request::new(self.here(), Place::prefix("bucket", "data"))
    }

    pub(super) fn down(&self) -> Request {
        Request::new(Place::prefix("bucket", "data"), self.here())
    }

    fn here(&self) -> Place {
        Place::Folder(self.root().to_owned())
    }

    pub(super) async fn survey(&self, request: &Request) -> Result<SyncPlan, SurveyError> {
        survey(&self.client, request).await
    }

    pub(super) async fn execute(&self, plan: &SyncPlan) -> (SyncReport, Vec<Progress>) {
        let events = Mutex::new(Vec::new());
        let listen = |event| events.lock().unwrap().push(event);
        let report = execute(&self.client, plan, &Control::new(&listen, &|| false)).await;
        (report, events.into_inner().unwrap())
    }

    /// Surveys, executes, expects no failure, and expects nothing more to do.
    pub(super) async fn converge(&self, request: &Request) -> SyncPlan {
        let plan = self.survey(request).await.unwrap();
        let (report, events) = self.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(report.transferred, plan.transferred());
        assert_eq!(report.deleted, plan.deleted().files);
        assert_eq!(moved(&events), plan.transferred().bytes);
        self.server.forget();
        let second = self.survey(request).await.unwrap();
        assert!(second.is_empty(), "{second:?}");
        let requests = self.server.count(|seen| !seen.is_list());
        assert_eq!(requests, 0, "a survey without changes only lists");
        self.assert_tidy();
        plan
    }

    /// Leaves an upload in parts in the bucket that nobody finishes.
    pub(super) fn leave_upload(&self, id: &str, upload: Upload) {
        let mut state = self.server.state.lock().unwrap();
        state.uploads.insert(id.to_owned(), upload);
    }

    /// No temporary file and no unfinished upload is left.
    pub(super) fn assert_tidy(&self) {
        let left: Vec<_> = tree(self.root())
            .into_iter()
            .filter(|name| name.ends_with(TEMPORARY_SUFFIX))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(self.server.uploads(), 0);
    }
}

pub(super) fn client(endpoint: &str) -> Client {
    let retries = RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_attempts(3);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .retry_config(retries)
        .retry_partition(own_quota())
        .interceptor(Whole)
        .build();
    Client::from_conf(config)
}

/// How many bytes the events say have arrived.
pub(super) fn moved(events: &[Progress]) -> u64 {
    events.iter().fold(0, |sum, event| match event {
        Progress::Moved { bytes } => sum + bytes,
        Progress::Rewound { bytes } => sum - bytes,
        Progress::Started { .. }
        | Progress::Finished { .. }
        | Progress::Failed(_)
        | Progress::Deleted { .. } => sum,
    })
}

/// Every name below a folder, hidden and temporary ones too, folders with `/`.
pub(super) fn tree(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            let below = tree(&entry.path());
            names.extend(below.into_iter().map(|below| format!("{name}/{below}")));
            names.push(format!("{name}/"));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

/// Removes all that is in a folder.
pub(super) fn empty_folder(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// Bytes that look alike nowhere.
pub(super) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..size.div_ceil(8))
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(size)
        .collect()
}

pub(super) fn with_deletion(mut request: Request) -> Request {
    request.delete = Deletion::Extra;
    request
}

pub(super) fn keys(plan: &SyncPlan) -> Vec<String> {
    let transfers = plan.transfers.iter();
    transfers.map(|transfer| transfer.key).collect()
}

pub(super) fn deleted(plan: &SyncPlan) -> Vec<&str> {
    plan.deletions
        .iter()
        .map(|deleted| deleted.key.as_str())
        .collect()
}

pub(super) fn skipped(plan: &SyncPlan) -> Vec<(&str, &crate::sync::SkipReason)> {
    plan.skipped
        .iter()
        .map(|skipped| (skipped.key.as_str(), &skipped.reason))
        .collect()
}
