//! The cloud on a socket.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Cloud;

/// For so long the requests under way may finish after a shutdown. A client that
/// reads nothing would hold it up for ever.
const DRAIN: Duration = Duration::from_secs(10);

/// After a failed accept, as when descriptors run out, for so long none is tried.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Marks an answer that must not be sent: the connection closes instead.
#[derive(Clone, Copy)]
struct Dropped;

/// Makes an answer that closes the connection.
pub(super) fn dropped() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(Dropped);
    response
}

/// Serves a cloud over HTTP/1.1 until `shutdown` is ready, or until nothing was
/// asked for `idle`. Requests under way are finished, for ten seconds at most.
///
/// # Errors
///
/// Fails when the listener has no address any more.
pub async fn serve(
    listener: TcpListener,
    cloud: Arc<Cloud>,
    idle: Option<Duration>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.local_addr()?;
    let (busy, watching) = watch::channel(0_usize);
    let (stop, stopping) = watch::channel(false);
    let busy = Arc::new(busy);
    let mut connections = JoinSet::new();
    let mut end = pin!(async {
        tokio::select! {
            () = shutdown => {}
            () = idleness(watching, idle) => {}
        }
    });
    loop {
        tokio::select! {
            () = &mut end => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    let connection = connection(stream, cloud.clone(), busy.clone(), stopping.clone());
                    connections.spawn(connection);
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
    drop(listener);
    stop.send_replace(true);
    cloud.release();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// Ends once no request has been under way for `limit`.
async fn idleness(mut watching: watch::Receiver<usize>, limit: Option<Duration>) {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    loop {
        let under_way = *watching.borrow_and_update();
        if under_way == 0 {
            if tokio::time::timeout(limit, watching.changed())
                .await
                .is_err()
            {
                return;
            }
        } else if watching.changed().await.is_err() {
            return;
        }
    }
}

async fn connection(
    stream: TcpStream,
    cloud: Arc<Cloud>,
    busy: Arc<watch::Sender<usize>>,
    mut stopping: watch::Receiver<bool>,
) {
    // Without this a small answer waits some 40 ms for an acknowledgement. A
    // socket that refuses the option still works.
    let _refused = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let cloud = cloud.clone();
        let guard = Busy::begin(busy.clone());
        async move {
            let response = cloud.handle(request.map(Body::from)).await;
            drop(guard);
            if response.extensions().get::<Dropped>().is_some() {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Ok(response)
        }
    });
    let mut served = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // A client that hangs up, or sends no HTTP, is no business of ours.
    tokio::select! {
        _ended = &mut served => return,
        _stop = stopping.wait_for(|stop| *stop) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ended = served.await;
}

/// Counts a request as under way for as long as it lives.
struct Busy(Arc<watch::Sender<usize>>);

impl Busy {
    fn begin(counter: Arc<watch::Sender<usize>>) -> Self {
        counter.send_modify(|count| *count += 1);
        Self(counter)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
