//! Spot requests of ours: listed, and cancelled.

use std::collections::BTreeMap;

use super::connect::Clients;
use super::error::CloudError;
use super::pages::{PAGE, Pages, must_be_tagged};
use super::translate;
use crate::resource::{InstanceId, SpotRequest, tag};

/// How many requests one call names.
const BATCH: usize = 100;
/// The states in which a request can launch, or has launched (EC2 API, `SpotInstanceRequest`).
const STANDING: [&str; 3] = ["open", "active", "disabled"];

/// Lists the spot requests that name an environment of ours and are not over.
///
/// # Errors
///
/// When the listing cannot be read to its end: a part is never taken for the whole.
pub async fn spot_requests(clients: &Clients) -> Result<Vec<SpotRequest>, CloudError> {
    const OPERATION: &str = "list spot requests";
    let mut pages = Pages::default();
    let mut token = None;
    let mut found = BTreeMap::new();
    loop {
        let page = clients
            .ec2
            .describe_spot_instance_requests()
            .filters(translate::filter("tag-key", [tag::ENVIRONMENT]))
            .filters(translate::filter("state", STANDING))
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
        for from in page.spot_instance_requests() {
            let Some(id) = from.spot_instance_request_id() else {
                continue;
            };
            let tags = translate::tags(from.tags());
            must_be_tagged(OPERATION, id, &tags)?;
            let instance = from.instance_id().filter(|id| !id.is_empty());
            let request = SpotRequest {
                id: id.to_owned(),
                instance: instance.map(InstanceId::new),
                tags,
            };
            found.insert(request.id.clone(), request);
        }
        token = pages.next(OPERATION, page.next_token())?;
        if token.is_none() {
            return Ok(found.into_values().collect());
        }
    }
}

/// Cancels spot requests, so that none of them launches again; their instances go on.
///
/// One that is over or not known any more is success: EC2 forgets a cancelled request within
/// hours (EC2 API, `CancelSpotInstanceRequests`).
///
/// # Errors
///
/// When a request may still stand. All of them were asked for all the same.
pub(super) async fn cancel(clients: &Clients, requests: &[String]) -> Result<(), CloudError> {
    let mut failure = None;
    for batch in requests.chunks(BATCH) {
        match ask(clients, batch).await {
            Err(error) if is_over(&error) && batch.len() > 1 => {
                // One id that is not known refuses the whole batch.
                for request in batch {
                    let one = ask(clients, std::slice::from_ref(request)).await;
                    failure = failure.or(real_failure(one));
                }
            }
            result => failure = failure.or(real_failure(result)),
        }
    }
    failure.map_or(Ok(()), Err)
}

async fn ask(clients: &Clients, requests: &[String]) -> Result<(), CloudError> {
    clients
        .ec2
        .cancel_spot_instance_requests()
        .set_spot_instance_request_ids(Some(requests.to_vec()))
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk("cancel spot requests", &error))
}

fn real_failure(result: Result<(), CloudError>) -> Option<CloudError> {
    result.err().filter(|error| !is_over(error))
}

/// Whether EC2 says that there is nothing to cancel (EC2 API error codes).
fn is_over(error: &CloudError) -> bool {
    error.is_code("InvalidSpotInstanceRequestID.NotFound") || error.is_code("InvalidState")
}
