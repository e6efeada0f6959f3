//! An archive that nothing says the content of is read to find out.

use std::io::{self, Read};
use std::sync::Arc;

use aws_sdk_s3::Client;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use super::entries::{Member, Visitor, Wish, visit};
use super::folder::FRAME;
use super::kind::Archive;
use super::manifest::{Entry, Identity, Manifest};
use super::ranges::{Ranges, Revision};
use super::remote::Found;
use crate::resource::ObjectOptions;
use crate::sync::digits::hexadecimal;
use crate::sync::error::SurveyError;
use crate::sync::plan::SkipReason;
use crate::sync::report::chain;
use crate::sync::route::Route;
use crate::sync::session::{Session, Undone};

/// How many requests are in flight at most while an archive is read.
const CONCURRENCY: usize = 16;

/// What was found in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scan {
    pub(super) manifest: Manifest,
    /// What is not unpacked, with the reason.
    pub(super) skipped: Vec<(String, SkipReason)>,
}

/// Reads an archive from its beginning to its end, and keeps what it says of its files.
///
/// # Errors
///
/// When it cannot be read, is damaged, or has two entries of one name.
pub(super) async fn scan(
    client: &Client,
    (route, key, options): (&Route, &str, &ObjectOptions),
    (kind, found): (Archive, &Found),
) -> Result<Scan, SurveyError> {
    let (unheard, _) = mpsc::unbounded_channel();
    // Nobody stops a survey but by ending the process: nothing has been begun.
    let (_running, stopped) = watch::channel(false);
    let session = Session::new(
        client.clone(),
        (route.clone(), options.clone()),
        (CONCURRENCY, None),
        unheard,
        stopped,
    );
    let revision = Revision {
        bucket: route.bucket.clone(),
        key: key.to_owned(),
        bytes: found.bytes,
        etag: found.etag.clone(),
    };
    let (ranges, trouble) = Ranges::new(Arc::clone(&session), revision);
    let modified = found.modified;
    let read = spawn_blocking(move || {
        let mut list = List {
            modified,
            files: Vec::new(),
            skipped: Vec::new(),
        };
        visit(kind, ranges, &mut list).map(|()| list)
    });
    let broken = |problem| SurveyError::Archive {
        bucket: route.bucket.clone(),
        key: key.to_owned(),
        problem,
    };
    let list = read.await.map_err(|_| SurveyError::Lost)?;
    let mut list = list.map_err(|error| match trouble.take() {
        Some(Undone::Failed(reason)) => broken(reason.to_string()),
        Some(Undone::Stopped) => SurveyError::Lost,
        None => broken(chain(&error)),
    })?;
    list.files
        .sort_unstable_by(|one, other| one.path.cmp(&other.path));
    let twice = list
        .files
        .windows(2)
        .find(|pair| pair[0].path == pair[1].path);
    if let Some(pair) = twice {
        return Err(broken(format!("it has `{}` twice", pair[0].path)));
    }
    let identity = Identity {
        kind,
        bytes: found.bytes,
        etag: found.etag.clone(),
        crc64nvme: None,
    };
    Ok(Scan {
        manifest: Manifest::new(identity, list.files),
        skipped: list.skipped,
    })
}

/// Writes down what there is.
struct List {
    /// The time of what has none.
    modified: Timestamp,
    files: Vec<Entry>,
    skipped: Vec<(String, SkipReason)>,
}

impl Visitor for List {
    fn wish(&mut self, member: &Member) -> Wish {
        match &member.path {
            Ok(_) => Wish::Take,
            Err(skipped) => {
                self.skipped.push(skipped.clone());
                Wish::Pass
            }
        }
    }

    fn take(&mut self, member: &Member, content: &mut dyn Read) -> io::Result<()> {
        let Ok(path) = &member.path else {
            return Ok(());
        };
        let (bytes, sha256) = sum_of(content, member.bytes)?;
        if bytes != member.bytes {
            let problem = format!("`{path}` has not the {} bytes that it says", member.bytes);
            return Err(io::Error::other(problem));
        }
        self.files.push(Entry {
            path: path.clone(),
            bytes,
            sha256,
            modified: member.modified.unwrap_or(self.modified),
            executable: member.executable,
        });
        Ok(())
    }
}

/// The length and the SHA-256 of a content, of which one byte too much is read at most.
fn sum_of(content: &mut dyn Read, bytes: u64) -> io::Result<(u64, String)> {
    let mut content = content.take(bytes.saturating_add(1));
    let (mut hash, mut read) = (Sha256::new(), 0);
    let mut buffer = vec![0; FRAME];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok((read, hexadecimal(&hash.finalize()))),
            Ok(some) => {
                hash.update(&buffer[..some]);
                read += some as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
