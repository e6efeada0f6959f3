//! Deletes what only the target has.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::Arc;

use aws_sdk_s3::types::{Delete, Error as KeyError, ObjectIdentifier};

use super::compare::Direction;
use super::download::blocking;
use super::fault::Fault;
use super::options::payer;
use super::plan::Deleted;
use super::report::{Failure, FailureReason, Progress, local};
use super::session::Session;
use super::target::{check_way, remove_empty_folders};
use super::walk::modified;

/// How many keys one request may delete; the limit of S3.
pub(super) const BATCH: usize = 1000;

/// Deletes one batch and says what could not be deleted.
pub(super) async fn delete(session: &Arc<Session>, batch: &[Deleted]) -> Vec<Failure> {
    let failures = match session.route.direction {
        Direction::Up => objects(session, batch).await,
        Direction::Down => files(session, batch).await,
    };
    events(batch, &failures).for_each(|event| session.tell(event));
    failures
}

/// What is told of files of which some could not be deleted.
pub(super) fn events<'a>(
    batch: &'a [Deleted],
    failures: &'a [Failure],
) -> impl Iterator<Item = Progress> + use<'a> {
    let failed: BTreeSet<&str> = failures.iter().map(|failure| &*failure.key).collect();
    let gone = batch
        .iter()
        .filter(move |deleted| !failed.contains(&*deleted.key));
    gone.map(|deleted| Progress::Deleted {
        key: deleted.key.clone(),
        bytes: deleted.bytes,
    })
}

async fn objects(session: &Session, batch: &[Deleted]) -> Vec<Failure> {
    match request(session, batch).await {
        Ok(errors) => errors
            .into_iter()
            .map(|error| failure_of(session, error))
            .collect(),
        Err(reason) => fail_all(batch, &reason),
    }
}

async fn request(session: &Session, batch: &[Deleted]) -> Result<Vec<KeyError>, FailureReason> {
    let _request = session.request().await?;
    let unworded = |error: &dyn std::fmt::Display| FailureReason::Remote {
        operation: "delete".to_owned(),
        detail: error.to_string(),
    };
    let objects = batch
        .iter()
        .map(|deleted| {
            ObjectIdentifier::builder()
                .key(session.route.full_key(&deleted.key))
                .build()
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unworded(&error))?;
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(|error| unworded(&error))?;
    let output = session
        .client
        .delete_objects()
        .bucket(&session.route.bucket)
        .delete(delete)
        .set_request_payer(payer(&session.options))
        .send()
        .await
        .map_err(|error| Fault::of(&error).into_failure("delete"))?;
    Ok(output.errors.unwrap_or_default())
}

/// Words what S3 says of one key of a batch.
fn failure_of(session: &Session, error: KeyError) -> Failure {
    let full = error.key.unwrap_or_default();
    let key = full
        .strip_prefix(&session.route.prefix)
        .unwrap_or(&full)
        .to_owned();
    let code = error.code.unwrap_or_default();
    let detail = match error.message {
        Some(message) => format!("{code}: {message}"),
        None => code.clone(),
    };
    let reason = if code == "AccessDenied" {
        FailureReason::Denied(detail)
    } else {
        FailureReason::Remote {
            operation: "delete".to_owned(),
            detail,
        }
    };
    Failure { key, reason }
}

fn fail_all(batch: &[Deleted], reason: &FailureReason) -> Vec<Failure> {
    batch
        .iter()
        .map(|deleted| Failure {
            key: deleted.key.clone(),
            reason: reason.clone(),
        })
        .collect()
}

async fn files(session: &Arc<Session>, batch: &[Deleted]) -> Vec<Failure> {
    let (owner, files) = (Arc::clone(session), batch.to_vec());
    let deleted = blocking(move || {
        let failures = files.iter().filter_map(|deleted| {
            let reason = file(&owner, deleted).err()?;
            Some(Failure {
                key: deleted.key.clone(),
                reason,
            })
        });
        Ok(failures.collect())
    });
    match deleted.await {
        Ok(failures) => failures,
        Err(reason) => fail_all(batch, &reason),
    }
}

/// Deletes one file, if it still is what the plan saw.
fn file(session: &Session, deleted: &Deleted) -> Result<(), FailureReason> {
    let root = &session.route.folder;
    let path = session.route.path(&deleted.key);
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        // Somebody was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(local("look at the file", &error)),
    };
    check_way(root, &deleted.key)?;
    let seen = (deleted.bytes, deleted.modified);
    if !metadata.is_file() || (metadata.len(), modified(&metadata)) != seen {
        return Err(FailureReason::ChangedSincePlanned);
    }
    fs::remove_file(&path).map_err(|error| local("delete the file", &error))?;
    remove_empty_folders(root, &deleted.key);
    Ok(())
}
