//! What the command line asks for.

use std::path::PathBuf;

use crate::wire::Failure;

const USAGE: &str = "bare-loop sdk|raw upload|download|survey \
    ENDPOINT BUCKET PREFIX FOLDER [IN_FLIGHT]";

/// With what is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// The AWS SDK.
    Sdk,
    /// hyper, and a signature.
    Raw,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// From the folder to the bucket.
    Upload,
    /// From the bucket to the folder.
    Download,
    /// Both are only looked through.
    Survey,
}

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) client: Client,
    pub(crate) work: Work,
    /// Where the server is, as `http://HOST:PORT`.
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    /// Empty, or with a slash at its end.
    pub(crate) prefix: String,
    pub(crate) folder: PathBuf,
    /// How many requests may be under way.
    pub(crate) in_flight: usize,
}

impl Arguments {
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut next = || given.next().ok_or(USAGE);
        Ok(Self {
            client: match next()?.as_str() {
                "sdk" => Client::Sdk,
                "raw" => Client::Raw,
                _ => return Err(USAGE.into()),
            },
            work: match next()?.as_str() {
                "upload" => Work::Upload,
                "download" => Work::Download,
                "survey" => Work::Survey,
                _ => return Err(USAGE.into()),
            },
            endpoint: next()?,
            bucket: next()?,
            prefix: next()?,
            folder: next()?.into(),
            in_flight: next().unwrap_or_else(|_| "64".into()).parse()?,
        })
    }
}
