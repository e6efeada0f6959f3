//! Unpacks what differs, each file as if it were a download of its own.

use std::collections::BTreeMap;
use std::fs::{Metadata, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::entries::{Member, Visitor, Wish};
use super::folder::FRAME;
use crate::sync::digits::hexadecimal;
use crate::sync::plan::{Change, Origin, Transfer};
use crate::sync::report::{FailureReason, Progress, local};
use crate::sync::session::Session;
use crate::sync::stamp::Stamp;
use crate::sync::target::{Landing, Name, land};
use crate::sync::transfers::Transfers;

/// The bits that let somebody read a file; who may read a program may execute it.
const MAY_READ: u32 = 0o444;

/// What came of one file: what is known of it, or why it is not there.
pub(super) type Landed = Result<Option<Stamp>, FailureReason>;

/// Unpacks the transfers of a plan, and nothing else.
pub(super) struct Unpacker {
    session: Arc<Session>,
    events: mpsc::UnboundedSender<Progress>,
    /// What is yet to come, with its place in the plan.
    wanted: BTreeMap<String, (usize, Transfer)>,
    pub(super) landed: BTreeMap<usize, Landed>,
}

/// One file as the plan wants it.
struct Wanted<'a> {
    key: &'a str,
    bytes: u64,
    sha256: &'a str,
    modified: Timestamp,
    executable: bool,
    name: Name,
}

/// Why the content of one entry did not become a file.
enum Unlanded {
    /// The others may.
    Failed(FailureReason),
    /// The archive cannot be read on.
    Broken(io::Error),
}

impl From<FailureReason> for Unlanded {
    fn from(reason: FailureReason) -> Self {
        Self::Failed(reason)
    }
}

impl Unpacker {
    pub(super) fn new(
        session: Arc<Session>,
        events: mpsc::UnboundedSender<Progress>,
        transfers: &Transfers,
    ) -> Self {
        let wanted = transfers.iter().enumerate();
        Self {
            session,
            events,
            wanted: wanted
                .map(|(index, transfer)| (transfer.key.clone(), (index, transfer)))
                .collect(),
            landed: BTreeMap::new(),
        }
    }

    /// The places of those that have not been seen.
    pub(super) fn missing(&self) -> impl Iterator<Item = usize> {
        self.wanted.values().map(|(index, _)| *index)
    }

    fn tell(&self, event: Progress) {
        // When the run has been dropped, nobody listens any more.
        let _nobody = self.events.send(event);
    }

    fn land(&self, wanted: &Wanted<'_>, content: &mut dyn Read) -> Result<Option<Stamp>, Unlanded> {
        let root = &self.session.route.folder;
        let landing = land(root, wanted.key)?;
        let mut told = 0;
        let written = self.write(&landing, wanted, content, &mut told);
        if written.is_err() {
            self.tell(Progress::Rewound { bytes: told });
        }
        written?;
        if wanted.executable {
            let_execute(&landing).map_err(|error| local("let the file be executed", &error))?;
        }
        let metadata = landing.finish(root, wanted.key, wanted.modified, wanted.name)?;
        // Whoever has written to it since has given it another time than the archive.
        let is_ours = |stamp: &Stamp| {
            stamp.size == wanted.bytes && stamp.modified.0 == seconds_of(wanted.modified)
        };
        Ok(metadata.as_ref().map(Stamp::of).filter(is_ours))
    }

    /// Writes a content that has to be what the plan says, and no byte more.
    fn write(
        &self,
        landing: &Landing,
        wanted: &Wanted<'_>,
        content: &mut dyn Read,
        told: &mut u64,
    ) -> Result<(), Unlanded> {
        let mut content = content.take(wanted.bytes.saturating_add(1));
        let (mut hash, mut read) = (Sha256::new(), 0);
        let mut buffer = vec![0; FRAME];
        loop {
            if self.session.is_stopped() {
                return Err(Unlanded::Broken(io::ErrorKind::Interrupted.into()));
            }
            let some = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(some) => some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Unlanded::Broken(error)),
            };
            read += some as u64;
            if read > wanted.bytes {
                break;
            }
            let chunk = &buffer[..some];
            (&*landing.file)
                .write_all(chunk)
                .map_err(|error| local("write the file", &error))?;
            hash.update(chunk);
            *told += some as u64;
            self.tell(Progress::Moved { bytes: some as u64 });
        }
        let found = hexadecimal(&hash.finalize());
        if read > wanted.bytes {
            let problem = format!("it is longer than {} bytes", wanted.bytes);
            Err(FailureReason::Damaged(problem).into())
        } else if read < wanted.bytes {
            let problem = format!("it has {read} bytes and not {}", wanted.bytes);
            Err(FailureReason::Damaged(problem).into())
        } else if found != wanted.sha256 {
            Err(FailureReason::Damaged(format!("its SHA-256 is {found}")).into())
        } else {
            Ok(())
        }
    }
}

impl Visitor for Unpacker {
    fn wish(&mut self, member: &Member) -> Wish {
        if self.wanted.is_empty() || self.session.is_stopped() {
            return Wish::Leave;
        }
        match &member.path {
            Ok(path) if self.wanted.contains_key(path) => Wish::Take,
            Ok(_) | Err(_) => Wish::Pass,
        }
    }

    fn take(&mut self, member: &Member, content: &mut dyn Read) -> io::Result<()> {
        let path = member.path.as_deref().unwrap_or_default();
        let Some((index, transfer)) = self.wanted.remove(path) else {
            return Ok(());
        };
        self.tell(Progress::Started {
            key: transfer.key.clone(),
            bytes: transfer.bytes,
        });
        let landed = match wanted(&transfer) {
            Some(wanted) => self.land(&wanted, content),
            None => Err(FailureReason::NotAPair.into()),
        };
        match landed {
            Ok(stamp) => {
                self.tell(Progress::Finished {
                    key: transfer.key,
                    bytes: transfer.bytes,
                });
                self.landed.insert(index, Ok(stamp));
            }
            Err(Unlanded::Failed(reason)) => {
                self.landed.insert(index, Err(reason));
            }
            Err(Unlanded::Broken(error)) => {
                self.wanted.insert(transfer.key.clone(), (index, transfer));
                return Err(error);
            }
        }
        Ok(())
    }
}

fn wanted(transfer: &Transfer) -> Option<Wanted<'_>> {
    match &transfer.origin {
        Origin::Entry {
            sha256,
            modified,
            executable,
        } => Some(Wanted {
            key: &transfer.key,
            bytes: transfer.bytes,
            sha256,
            modified: *modified,
            executable: *executable,
            name: match transfer.change {
                Change::New => Name::Free,
                Change::Changed(_) => Name::Any,
            },
        }),
        Origin::File { .. } | Origin::Object { .. } => None,
    }
}

/// Whole seconds since 1970, rounded down as the file system counts them.
fn seconds_of(time: Timestamp) -> i64 {
    let nanoseconds = time.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(nanoseconds).unwrap_or_default()
}

fn let_execute(landing: &Landing) -> io::Result<()> {
    let mode = landing
        .file
        .metadata()
        .map(|metadata: Metadata| metadata.permissions().mode())?;
    let execute = (mode & MAY_READ) >> 2;
    landing
        .file
        .set_permissions(Permissions::from_mode(mode | execute))
}
