//! The store as the AWS SDK sees it, over HTTP on a loopback port.

mod buckets;
mod checksums;
mod conditions;
mod durability;
mod keys;
mod listing;
mod multipart;
mod objects;
mod parts;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use http::Request;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::{Clock, ObjectService, ObjectStore};

const BUCKET: &str = "training-data";

/// A clock that goes on by 1.25 s whenever it is asked.
fn clock() -> Clock {
    let milliseconds = AtomicI64::new(1_800_000_000_000);
    Arc::new(move || {
        let now = milliseconds.fetch_add(1250, Ordering::Relaxed);
        jiff::Timestamp::from_millisecond(now).unwrap()
    })
}

/// A store behind a loopback port, and a client for it.
struct Server {
    client: Client,
    service: ObjectService,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves a store in memory that has one bucket.
    async fn in_memory() -> Self {
        Self::with_bucket(None).await
    }

    /// Serves a store in a folder that has one bucket.
    async fn in_folder(folder: &Path) -> Self {
        Self::with_bucket(Some(folder)).await
    }

    async fn with_bucket(folder: Option<&Path>) -> Self {
        let server = Self::open(folder).await;
        server
            .client
            .create_bucket()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        server
    }

    /// Serves a store as it is.
    async fn open(folder: Option<&Path>) -> Self {
        let store = ObjectStore::open(folder.map(Path::to_owned), clock()).unwrap();
        let service = store.service();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, service.clone(), stopped));
        Self {
            client: client(address, RequestChecksumCalculation::WhenSupported),
            service,
            address,
            stop,
            accepting,
        }
    }

    /// A client that sends no checksum of its own accord.
    fn plain_client(&self) -> Client {
        client(self.address, RequestChecksumCalculation::WhenRequired)
    }

    /// Ends the server and everything that holds the store.
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.accepting.await.unwrap();
    }

    async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) -> String {
        let request = self
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(bytes.into().into());
        request.send().await.unwrap().e_tag.unwrap()
    }

    async fn get(&self, key: &str) -> Vec<u8> {
        let answer = self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        answer.body.collect().await.unwrap().to_vec()
    }

    async fn keys(&self) -> Vec<String> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        answer
            .contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned())
            .collect()
    }

    /// Sends a request past the network and the SDK.
    async fn raw(&self, request: Request<Body>) -> (u16, http::HeaderMap, String) {
        let (parts, mut body) = self.service.call(request).await.into_parts();
        let bytes = body.store_all_limited(1 << 20).await.unwrap();
        (
            parts.status.as_u16(),
            parts.headers,
            String::from_utf8(bytes.to_vec()).unwrap(),
        )
    }
}

async fn accept(listener: TcpListener, service: ObjectService, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                stream.set_nodelay(true).unwrap();
                connections.spawn(connection(stream, service.clone()));
            }
            _ = &mut stopped => break,
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, service: ObjectService) {
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let service = service.clone();
        async move { Ok::<_, std::convert::Infallible>(service.call(request.map(Body::from)).await) }
    });
    // A client that goes away in the middle is no failure of a test.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await,
    );
}

fn client(address: SocketAddr, checksums: RequestChecksumCalculation) -> Client {
    let configuration = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "credentials", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .request_checksum_calculation(checksums)
        .force_path_style(true)
        .build();
    Client::from_conf(configuration)
}

/// Returns the status and the error code of a refusal, such as `404 NoSuchKey`.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E, HttpResponse>>,
) -> String {
    let error = result.unwrap_err();
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    format!("{status} {}", error.code().unwrap_or("-"))
}

/// Bytes that differ from place to place.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}
