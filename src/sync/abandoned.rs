//! Uploads in parts that nobody finishes: found, and given up.
//!
//! Their parts are stored and paid for until somebody aborts them, and no listing of
//! objects shows them.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::MultipartUpload;
use jiff::Timestamp;

use super::error::SurveyError;
use super::fault::Fault;
use super::home::Home;
use super::ledger::{Claim, Ledger};
use super::list::timestamp;
use super::options::payer;
use super::place::Place;
use super::report::Failure;
use crate::resource::ObjectOptions;

/// An upload in parts that was begun and neither finished nor aborted.
#[derive(Debug)]
pub struct Abandoned {
    /// The whole key that it would have.
    pub key: String,
    /// What S3 calls the upload.
    pub upload: String,
    /// When it was begun, where the listing tells.
    pub begun: Option<Timestamp>,
    /// How many bytes of it are stored, as far as S3 could be asked.
    pub bytes: u64,
    /// Whether a run on this machine has left it, for the next one to go on with.
    pub is_ours: bool,
    /// Our note of it, locked so that no run goes on with it meanwhile.
    claim: Option<Claim>,
}

/// Lists the uploads below a prefix that nobody seems to work on; changes nothing.
///
/// Those that a run on this machine has left, and those that were begun before `before`,
/// whoever did; never one that a process on this machine is working on. Where no note can
/// match and nothing is old enough, nobody is asked.
///
/// # Errors
///
/// When `place` is no prefix, or the bucket could not be listed to the end.
pub async fn abandoned(
    client: &Client,
    place: &Place,
    (journals, before): (Option<&Path>, Timestamp),
    options: &ObjectOptions,
) -> Result<Vec<Abandoned>, SurveyError> {
    let Place::Prefix { bucket, prefix } = place else {
        return Err(SurveyError::NotInABucket(place.clone()));
    };
    let (mut claims, held) = journals
        .map(|journals| Ledger::of(journals).sorted(bucket, prefix))
        .unwrap_or_default();
    let mut found = Vec::new();
    if claims.is_empty() && before == Timestamp::MIN {
        return Ok(found);
    }
    let home = Home::new(client.clone(), bucket);
    for listed in listed(&home, prefix, options).await? {
        let (Some(key), Some(upload)) = (listed.key, listed.upload_id) else {
            continue;
        };
        if held.contains(&upload) {
            continue;
        }
        let claim = claims
            .iter()
            .position(|claim| claim.upload() == Some(&upload));
        let claim = claim.map(|index| claims.swap_remove(index));
        let begun = listed.initiated.as_ref().and_then(timestamp);
        let is_old = begun.is_some_and(|begun| begun < before);
        if claim.is_some() || is_old {
            let bytes = stored(&home.client(), bucket, (&key, &upload), options).await;
            found.push(Abandoned {
                key,
                upload,
                begun,
                bytes,
                is_ours: claim.is_some(),
                claim,
            });
        }
    }
    // What is noted here and is not there any more was finished or given up elsewhere.
    claims.into_iter().for_each(Claim::release);
    Ok(found)
}

/// Gives uploads up, and says which could not be.
pub async fn give_up(
    client: &Client,
    bucket: &str,
    uploads: Vec<Abandoned>,
    options: &ObjectOptions,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    let home = Home::new(client.clone(), bucket);
    for upload in uploads {
        let abort = |client: Client| {
            let request = client
                .abort_multipart_upload()
                .bucket(bucket)
                .set_request_payer(payer(options));
            request.key(&upload.key).upload_id(&upload.upload).send()
        };
        let aborted = home.ask(abort).await;
        let fault = aborted.map_err(|error| Fault::of(&error)).err();
        // Where it is gone already, somebody was faster.
        match fault.filter(|fault| !fault.detail.starts_with("NoSuchUpload")) {
            Some(fault) => failures.push(Failure {
                key: upload.key,
                reason: fault.into_failure("give the upload up"),
            }),
            None => {
                if let Some(claim) = upload.claim {
                    claim.release();
                }
            }
        }
    }
    failures
}

/// Every unfinished upload below a prefix, page by page.
async fn listed(
    home: &Home,
    prefix: &str,
    options: &ObjectOptions,
) -> Result<Vec<MultipartUpload>, SurveyError> {
    let mut uploads = Vec::new();
    let mut marker: Option<(String, Option<String>)> = None;
    loop {
        let (key, upload) = marker
            .clone()
            .map_or((None, None), |(key, upload)| (Some(key), upload));
        let list = |client: Client| {
            let request = client.list_multipart_uploads().bucket(home.bucket());
            let request = request.prefix(prefix).set_key_marker(key.clone());
            let request = request.set_request_payer(payer(options));
            request.set_upload_id_marker(upload.clone()).send()
        };
        let page = home
            .ask(list)
            .await
            .map_err(|error| SurveyError::listing(home.bucket(), Fault::of(&error)))?;
        let (truncated, next) = (page.is_truncated, page.next_key_marker);
        uploads.extend(page.uploads.unwrap_or_default());
        let next = next.map(|next| (next, page.next_upload_id_marker));
        if truncated != Some(true) {
            return Ok(uploads);
        }
        if next.is_none() || next == marker {
            return Err(SurveyError::Untrusted {
                bucket: home.bucket().to_owned(),
                problem: "its list of uploads has more pages and no way to them".to_owned(),
            });
        }
        marker = next;
    }
}

/// How many bytes of an upload are stored. This is only told to people, so what cannot be
/// asked counts as nothing.
async fn stored(
    client: &Client,
    bucket: &str,
    (key, upload): (&str, &str),
    options: &ObjectOptions,
) -> u64 {
    let mut pages = client
        .list_parts()
        .bucket(bucket)
        .key(key)
        .upload_id(upload)
        .set_request_payer(payer(options))
        .into_paginator()
        .send();
    let mut bytes: u64 = 0;
    while let Some(Ok(page)) = pages.next().await {
        for part in page.parts.unwrap_or_default() {
            let size = part.size.and_then(|size| u64::try_from(size).ok());
            bytes = bytes.saturating_add(size.unwrap_or_default());
        }
    }
    bytes
}
