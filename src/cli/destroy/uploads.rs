//! What interrupted uploads of the environment's data have left in buckets.

use jiff::Timestamp;

use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::render::{escape, plural, warn};
use crate::resource::{DataPlace, ObjectOptions, human_bytes};
use crate::sync::{Place, abandoned, give_up};

/// Gives up the uploads that runs on this machine have left below the targets of the data
/// sets. Nobody lists them, and they are paid for until somebody aborts them.
///
/// Uploads of others are theirs, however old: `sync --clean` is there for those.
pub(super) async fn give_up_left(session: &Session, targets: &[DataPlace], output: Output) {
    let Some(folder) = session.journals.as_deref() else {
        return;
    };
    // What is kept of an environment does not say who pays; its own buckets' owner does.
    let options = ObjectOptions::default();
    for target in targets {
        let DataPlace::Prefix { bucket, prefix } = target else {
            continue;
        };
        let place = Place::prefix(bucket, prefix);
        let s3 = &session.clients.s3;
        let named = escape(&place.to_string());
        let found = match abandoned(s3, &place, (Some(folder), Timestamp::MIN), &options).await {
            Ok(found) => found,
            Err(error) => {
                output.insist(&format!(
                    "{} whether unfinished uploads are left below {named} is not known: {}; look with `trainyard sync --clean {named} --dry-run`",
                    warn("note:"),
                    error.in_full()
                ));
                continue;
            }
        };
        let (count, bytes) = (
            found.len(),
            found.iter().map(|upload| upload.bytes).sum::<u64>(),
        );
        let failures = give_up(s3, bucket, found, &options).await;
        for failure in &failures {
            output.insist(&format!(
                "{} the unfinished upload of {} is left: {}",
                warn("note:"),
                escape(&failure.key),
                failure.reason
            ));
        }
        let done = (count - failures.len().min(count)) as u64;
        if done > 0 {
            let uploads = plural(done, "unfinished upload");
            output.say(&format!(
                "gave up {uploads} below {named}, {}",
                human_bytes(bytes)
            ));
        }
    }
}
