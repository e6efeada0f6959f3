//! Data sets: the sync engine with a plan's words.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::connect::Clients;
use super::performer::Aws;
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::resource::{Address, Archive, DataPlace, DataSet, Deletion};
use crate::sync::{
    self, FailureReason, Place, Policy, Progress, Request, SurveyError, SyncPlan, SyncReport,
};

/// A data set that could not be compared.
#[derive(Debug)]
pub struct SurveyFailure {
    /// The data set.
    pub address: Address,
    /// Which of its places it is about: `from` or `to`.
    pub key: &'static str,
    /// What went wrong.
    pub error: SurveyError,
}

impl SurveyFailure {
    /// What went wrong, with AWS's own words where there are some.
    pub fn text(&self) -> String {
        match self.error.source() {
            Some(source) => format!("{}: {source}", self.error),
            None => self.error.to_string(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        if let SurveyError::NoFolder(_) = &self.error {
            return Some("paths are relative to the file that names them");
        }
        if self.error.is_elsewhere() {
            return Some(
                "the bucket's region could not be found: `trainyard sync --region` reaches it",
            );
        }
        self.error.help()
    }
}

/// How every data set differs; reads only.
pub async fn survey_data(
    clients: &Clients,
    data: &BTreeMap<Address, DataSet>,
    journals: Option<&Path>,
) -> (BTreeMap<Address, SyncPlan>, Vec<SurveyFailure>) {
    let mut plans = BTreeMap::new();
    let mut failures = Vec::new();
    for (address, data) in data {
        let request = request(data, journals);
        match Box::pin(sync::survey(&clients.s3, &request)).await {
            Ok(plan) => {
                plans.insert(address.clone(), plan);
            }
            Err(error) => failures.push(SurveyFailure {
                address: address.clone(),
                key: key(data, &error),
                error,
            }),
        }
    }
    (plans, failures)
}

/// The place that an error is about: the bucket, unless the folder is what is wrong.
fn key(data: &DataSet, error: &SurveyError) -> &'static str {
    let folder = matches!(
        error,
        SurveyError::NoFolder(_)
            | SurveyError::NotAFolder(_)
            | SurveyError::Folder { .. }
            | SurveyError::Rules { .. }
    );
    let from_folder = matches!(data.from, DataPlace::Folder(_));
    let is_of_source = match (&data.from, &data.to) {
        (DataPlace::Prefix { bucket: from, .. }, DataPlace::Prefix { bucket: to, .. }) => {
            from == to || error.bucket() != Some(to)
        }
        (DataPlace::Folder(_), _) | (_, DataPlace::Folder(_)) => folder == from_folder,
    };
    let is_about_loss = matches!(
        error,
        SurveyError::EmptySource { .. } | SurveyError::WouldLose { .. }
    );
    if is_of_source || is_about_loss {
        "from"
    } else {
        "to"
    }
}

fn request(data: &DataSet, journals: Option<&Path>) -> Request {
    let DataSet {
        from,
        to,
        include,
        exclude,
        delete,
        archive,
        // The planner looks at the limit.
        max_delete: _,
        options,
        compare,
    } = data;
    Request {
        from: place(from),
        to: place(to),
        include: include.clone(),
        exclude: exclude.clone(),
        delete: match delete {
            Deletion::Never => sync::Deletion::Never,
            Deletion::Extra => sync::Deletion::Extra,
        },
        archive: archive.map(|archive| match archive {
            Archive::Zip => sync::Archive::Zip,
            Archive::TarZst => sync::Archive::TarZst,
        }),
        journals: journals.map(Path::to_owned),
        source_region: None,
        delete_excluded: false,
        allow_empty_source: false,
        options: options.clone(),
        case_conflict: None,
        policy: Policy {
            compare: *compare,
            ..Policy::default()
        },
    }
}

fn place(place: &DataPlace) -> Place {
    match place {
        DataPlace::Folder(path) => Place::Folder(path.clone()),
        DataPlace::Prefix { bucket, prefix } => Place::Prefix {
            bucket: bucket.clone(),
            prefix: prefix.clone(),
        },
    }
}

/// Transfers the files of a plan.
pub(super) async fn transfer(
    aws: &Aws,
    files: &SyncPlan,
    control: &Control,
) -> Result<Performed, StepError> {
    let total = files.carried();
    let (done, moved) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = |event: Progress| {
        match event {
            Progress::Moved { bytes } => {
                moved.fetch_add(bytes, Ordering::Relaxed);
            }
            Progress::Finished { .. } => {
                done.fetch_add(1, Ordering::Relaxed);
            }
            Progress::Rewound { bytes } => {
                moved.fetch_sub(bytes, Ordering::Relaxed);
            }
            Progress::Started { .. } | Progress::Failed(_) | Progress::Deleted { .. } => return,
        }
        (control.progress)(format!(
            "{} of {} files, {} of {}",
            done.load(Ordering::Relaxed),
            total.files,
            crate::resource::human_bytes(moved.load(Ordering::Relaxed)),
            crate::resource::human_bytes(total.bytes),
        ));
    };
    let cancelled = || control.cancel.is_asked();
    let mut with = sync::Control::new(&progress, &cancelled);
    with.journals = aws.journals.as_deref();
    let report = sync::execute(&aws.clients.s3, files, &with).await;
    outcome(&report)
}

/// What a transfer came to, in words and as a step's end.
fn outcome(report: &SyncReport) -> Result<Performed, StepError> {
    let mut text = format!(
        "{} {}, {} transferred and checked",
        report.transferred.files,
        if report.transferred.files == 1 {
            "file"
        } else {
            "files"
        },
        crate::resource::human_bytes(report.transferred.bytes)
    );
    if report.deleted > 0 {
        text = format!("{text}, {} deleted", report.deleted);
    }
    if let Some(first) = report.failures.first() {
        let kind = match &first.reason {
            FailureReason::Denied(_) => StepErrorKind::Denied,
            FailureReason::CredentialsExpired(_) => StepErrorKind::Credentials,
            FailureReason::ChangedWhileRead
            | FailureReason::ChangedSincePlanned
            | FailureReason::ThroughLink(_)
            | FailureReason::FileInTheWay(_)
            | FailureReason::FolderInTheWay
            | FailureReason::NotAFile
            | FailureReason::Damaged(_)
            | FailureReason::Local { .. }
            | FailureReason::Remote { .. }
            | FailureReason::NotAPair
            | FailureReason::Lost => StepErrorKind::Rejected,
        };
        let listed: Vec<String> = report
            .failures
            .iter()
            .take(MOST_LISTED)
            .map(|failure| format!("{}: {}", failure.key, failure.reason))
            .collect();
        let more = report.failures.len().saturating_sub(listed.len());
        let rest = if more > 0 {
            format!("; and {more} more")
        } else {
            String::new()
        };
        let text = format!(
            "{} files failed ({text}): {}{rest}",
            report.failures.len(),
            listed.join("; ")
        );
        let mut error = StepError::new(kind, text);
        error.partly = report.transferred.files > 0 || report.deleted > 0;
        return Err(error);
    }
    if report.cancelled {
        return Err(StepError::new(
            StepErrorKind::Cancelled,
            format!("stopped: {text}"),
        ));
    }
    Ok(Performed {
        instances: Vec::new(),
        text,
    })
}

/// How many failed files a message names; the others are counted.
const MOST_LISTED: usize = 20;
