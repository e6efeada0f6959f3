//! Answers requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response, StatusCode};
use tokio::time::sleep;

use crate::body::{discard, receive};
use crate::control::{Control, Fault};
use crate::error::{NOT_IMPLEMENTED, S3Error};
use crate::operation::Operation;
use crate::query::{Query, split_path};
use crate::reply::{Broken, Reply, ReplyBody};
use crate::statistics::Statistics;
use crate::store::Store;
use crate::{buckets, listing, multipart, objects};

/// What the server has and knows.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) control: Control,
    pub(crate) statistics: Statistics,
}

/// What a request names.
pub(crate) struct Asked {
    pub(crate) bucket: String,
    pub(crate) key: Vec<u8>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
}

/// Answers one request, as well or as badly as the control says.
pub(crate) async fn answer(
    server: Arc<Server>,
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Broken> {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    // No bucket's name begins so.
    if let Some(desk) = parts.uri.path().strip_prefix("/_") {
        let reply = answer_desk(&server, desk, &query);
        server.statistics.enter_uncounted();
        return Ok(reply.send(server, false, None));
    }
    let (bucket, key) = split_path(parts.uri.path());
    let operation = Operation::of(
        &parts.method,
        !key.is_empty(),
        !bucket.is_empty(),
        &query,
        &parts.headers,
    );
    let asked = Asked {
        bucket,
        key,
        query,
        headers: parts.headers,
    };
    server.statistics.enter(operation);
    let fault = server.control.draw(operation);
    if fault.is_some() {
        server.statistics.faulted();
    }
    let reply = match fault {
        Some(Fault::Reset) => {
            server.statistics.leave();
            reset.store(true, Ordering::Relaxed);
            return Err(Broken);
        }
        Some(Fault::Error(error)) => {
            discard(body).await;
            Reply::error(error)
        }
        Some(Fault::Truncate | Fault::Flip) | None => perform(&server, operation, &asked, body)
            .await
            .unwrap_or_else(Reply::error),
    };
    let latency = server.control.latency(operation);
    if !latency.is_zero() {
        sleep(latency).await;
    }
    let is_head = matches!(operation, Operation::HeadObject | Operation::HeadBucket);
    Ok(reply.send(server, is_head, fault))
}

async fn perform(
    server: &Server,
    operation: Operation,
    asked: &Asked,
    body: Incoming,
) -> Result<Reply, S3Error> {
    let sink = operation == Operation::UploadPart && server.control.sink();
    let received = receive(&asked.headers, body, sink).await?;
    server.statistics.received(received.content.len());
    match operation {
        Operation::AbortMultipartUpload => multipart::abort(server, asked),
        Operation::CompleteMultipartUpload => multipart::complete(server, asked, &received),
        Operation::CopyObject => objects::copy(server, asked),
        Operation::CreateBucket => Ok(buckets::create(server, asked)),
        Operation::CreateMultipartUpload => multipart::create(server, asked),
        Operation::DeleteObject => objects::delete(server, asked),
        Operation::DeleteObjects => buckets::delete_objects(server, asked, &received),
        Operation::GetBucketLocation => buckets::location(server, asked),
        Operation::GetObject => objects::get(server, asked, false),
        Operation::HeadBucket => buckets::head(server, asked),
        Operation::HeadObject => objects::get(server, asked, true),
        Operation::ListBuckets => Ok(buckets::list(server)),
        Operation::ListMultipartUploads => multipart::list_uploads(server, asked),
        Operation::ListObjects => listing::list(server, asked),
        Operation::ListParts => multipart::list_parts(server, asked),
        Operation::PutObject => objects::put(server, asked, received),
        Operation::UploadPart => multipart::put_part(server, asked, received),
        Operation::UploadPartCopy => multipart::copy_part(server, asked),
        Operation::Other => Err(NOT_IMPLEMENTED),
    }
}

/// Answers whoever measures: never counted, never slow.
fn answer_desk(server: &Server, desk: &str, query: &Query) -> Reply {
    let json = |text| Reply::text(StatusCode::OK, "application/json", text);
    match desk {
        "stats" => json(server.statistics.to_json()),
        "totals" => match server.store.totals(query.get("bucket").unwrap_or_default()) {
            Ok((objects, bytes)) => json(format!("{{\"objects\":{objects},\"bytes\":{bytes}}}")),
            Err(error) => Reply::error(error),
        },
        "reset" => {
            if query.has("store") {
                server.store.clear();
            }
            server.statistics.reset();
            json(String::from("{}"))
        }
        "ctl" => match server.control.set(query) {
            Ok(()) => json(String::from("{}")),
            Err(message) => Reply::text(StatusCode::BAD_REQUEST, "text/plain", message),
        },
        "seed" => match buckets::seed(server, query) {
            Ok(count) => json(format!("{{\"objects\":{count}}}")),
            Err(error) => Reply::error(error),
        },
        _ => Reply::error(NOT_IMPLEMENTED),
    }
}
