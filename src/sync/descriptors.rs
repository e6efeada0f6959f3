//! How many files and connections this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process has open besides transfers: its streams, the runtime, the listing, the
/// journals, and folders that are being walked.
const OTHERS: u64 = 32;
/// A transfer has a connection and a file open.
const A_TRANSFER: u64 = 2;
/// So many are tried even where the limit says that they do not fit.
const FEWEST: usize = 2;

/// How many of `wanted` transfers may be under way at a time.
///
/// The limit that a shell sets is a default, and one below what the system allows is raised.
pub(super) fn affordable(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    let limit = if raised.is_ok() { maximum } else { current };
    let transfers = limit.map_or(u64::MAX, |limit| limit.saturating_sub(OTHERS) / A_TRANSFER);
    let transfers = usize::try_from(transfers).unwrap_or(usize::MAX);
    wanted.min(transfers.max(FEWEST))
}
