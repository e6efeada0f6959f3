//! A small S3 in memory: real MD5 tags, real checksums, faults on demand.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use md5::{Digest as _, Md5};

use super::buckets::{self, Buckets};
use super::{uploads, wire};
use crate::sync::digits::hexadecimal;

pub(super) type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

/// When the first object is stored; each further one comes a second later.
pub(super) const EPOCH: i64 = 2_000_000_000;

#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) content: Bytes,
    pub(super) etag: String,
    pub(super) modified: i64,
    pub(super) parts: Vec<usize>,
    pub(super) encryption: &'static str,
    pub(super) class: &'static str,
}

/// What a request is, as far as a fault wants to know.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) key: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) range: Option<String>,
    pub(super) bucket: String,
    /// The region that it is signed for.
    pub(super) region: String,
    /// What is to be copied, as the header names it.
    pub(super) copies: Option<String>,
    /// Those of S3, by name.
    pub(super) headers: BTreeMap<String, String>,
}

impl Seen {
    pub(super) fn is_list(&self) -> bool {
        self.method == Method::GET && self.query.contains_key("list-type")
    }
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// This status with this code.
    Error(u16, &'static str),
    /// This status with this body and nothing that S3 would say.
    Raw(u16, &'static str),
    /// The body breaks off half-way.
    BreakOff,
    /// The last byte of the body is another one.
    Corrupt,
    /// No answer, ever.
    Hang,
    /// The answer takes so long.
    Late(Duration),
    /// The connection is closed before an answer.
    Reset,
    /// The last byte of what was sent is another one when it arrives.
    CorruptSent,
    /// Half of the body comes, and then nothing, with the connection open.
    Stall,
}

type Hook = Arc<dyn Fn(&Seen) -> Option<Fault> + Send + Sync>;

pub(super) struct State {
    pub(super) objects: BTreeMap<String, Stored>,
    pub(super) uploads: BTreeMap<String, Upload>,
    /// How many uploads were begun: each has an id of its own.
    begun: usize,
    pub(super) log: Vec<Seen>,
    pub(super) page: usize,
    /// What objects that are stored from now on are encrypted with.
    pub(super) encryption: &'static str,
    /// Whether the checksum of whole objects is kept.
    pub(super) keeps_checksums: bool,
    pub(super) clock: i64,
    pub(super) buckets: Buckets,
    /// Whether listings encode their keys when they are asked to.
    pub(super) encodes: bool,
    hook: Hook,
}

#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) parts: BTreeMap<usize, Bytes>,
    /// When it was begun.
    pub(super) begun: String,
}

pub(super) struct Server {
    pub(super) endpoint: String,
    pub(super) state: Arc<Mutex<State>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            begun: 0,
            log: Vec::new(),
            page: 1000,
            encryption: "AES256",
            keeps_checksums: true,
            clock: EPOCH,
            buckets: Buckets::default(),
            encodes: true,
            hook: Arc::new(|_| None),
        }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        answer(Arc::clone(&state), request)
                    });
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    let _closed = connection.await;
                });
            }
        });
        Self { endpoint, state }
    }

    pub(super) fn fail(&self, hook: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static) {
        self.state.lock().unwrap().hook = Arc::new(hook);
    }

    pub(super) fn heal(&self) {
        self.fail(|_| None);
    }

    pub(super) fn put(&self, key: &str, content: &[u8]) {
        let mut state = self.state.lock().unwrap();
        state.store(key, Bytes::copy_from_slice(content), &[content.len()]);
    }

    /// Stores an object as if it had been sent in parts of these sizes.
    pub(super) fn put_parts(&self, key: &str, content: &[u8], parts: &[usize]) {
        let mut state = self.state.lock().unwrap();
        state.store(key, Bytes::copy_from_slice(content), parts);
        let stored = state.objects.get_mut(key).unwrap();
        stored.etag = multipart_etag(&stored.content, parts);
    }

    pub(super) fn archive(&self, key: &str) {
        let mut state = self.state.lock().unwrap();
        state.objects.get_mut(key).unwrap().class = "DEEP_ARCHIVE";
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(super) fn get(&self, key: &str) -> Option<Stored> {
        self.state.lock().unwrap().objects.get(key).cloned()
    }

    pub(super) fn uploads(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }

    /// How many requests of this kind there were since the last time.
    pub(super) fn count(&self, kind: impl Fn(&Seen) -> bool) -> usize {
        let state = self.state.lock().unwrap();
        state.log.iter().filter(|seen| kind(seen)).count()
    }

    pub(super) fn forget(&self) {
        self.state.lock().unwrap().log.clear();
    }
}

impl State {
    pub(super) fn store(&mut self, key: &str, content: Bytes, parts: &[usize]) -> Stored {
        let etag = if self.encryption == "AES256" {
            md5(&content)
        } else {
            md5(&[b"opaque", content.as_ref()].concat())
        };
        let stored = Stored {
            etag,
            content,
            modified: self.clock,
            parts: parts.to_vec(),
            encryption: self.encryption,
            class: "STANDARD",
        };
        self.clock += 1;
        self.objects.insert(key.to_owned(), stored.clone());
        stored
    }
}

pub(super) fn md5(content: &[u8]) -> String {
    hexadecimal(&Md5::digest(content))
}

pub(super) fn multipart_etag(content: &[u8], parts: &[usize]) -> String {
    let mut outer = Md5::new();
    let mut offset = 0;
    for length in parts {
        outer.update(Md5::digest(&content[offset..offset + length]));
        offset += length;
    }
    assert_eq!(offset, content.len());
    format!("{}-{}", hexadecimal(&outer.finalize()), parts.len())
}

pub(super) fn crc64(content: &[u8]) -> String {
    BASE64_STANDARD.encode(checksum(CrcAlgorithm::Crc64Nvme, content).to_be_bytes())
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let seen = wire::read_head(&head);
    let Ok(body) = body.collect().await else {
        return Ok(error(400, "IncompleteBody"));
    };
    let hook = {
        let mut state = state.lock().unwrap();
        state.log.push(seen.clone());
        Arc::clone(&state.hook)
    };
    let fault = hook(&seen);
    match &fault {
        Some(Fault::Error(status, code)) => return Ok(error(*status, code)),
        Some(Fault::Raw(status, text)) => return Ok(reply(*status, text.as_bytes().to_vec())),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Late(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Reset) => return Err(io::Error::other("reset")),
        Some(Fault::BreakOff | Fault::Corrupt | Fault::CorruptSent | Fault::Stall) | None => {}
    }
    let mut sent = body.to_bytes();
    if matches!(fault, Some(Fault::CorruptSent)) && seen.method == Method::PUT {
        sent = uploads::corrupt(&head.headers, &sent);
    }
    let Some(content) = wire::unwrap(&head.headers, sent) else {
        return Ok(error(400, "BadDigest"));
    };
    let response = buckets::route(&mut state.lock().unwrap(), &seen, &head.headers, content);
    Ok(match fault {
        Some(Fault::BreakOff) => halve(response, true).await,
        Some(Fault::Stall) => halve(response, false).await,
        Some(Fault::Corrupt) => corrupt(response).await,
        Some(
            Fault::Error(..)
            | Fault::Raw(..)
            | Fault::Hang
            | Fault::Late(_)
            | Fault::Reset
            | Fault::CorruptSent,
        )
        | None => response,
    })
}

pub(super) fn route(
    state: &mut State,
    seen: &Seen,
    headers: &hyper::HeaderMap,
    content: Bytes,
) -> Response<Body> {
    let upload = seen.query.get("uploadId").cloned();
    match (&seen.method, upload) {
        (&Method::GET, Some(id)) => uploads::parts(state, &id),
        (&Method::GET, None) if seen.query.contains_key("uploads") => uploads::list(state, seen),
        (&Method::GET, _) if seen.is_list() => wire::list(state, &seen.query),
        (&Method::GET | &Method::HEAD, _) => wire::get(state, seen, headers),
        (&Method::POST, _) if seen.query.contains_key("delete") => wire::delete(state, &content),
        (&Method::POST, None) => {
            state.begun += 1;
            let id = format!("upload-{}", state.begun);
            let key = seen.key.clone();
            state.uploads.insert(
                id.clone(),
                Upload {
                    key,
                    begun: "2026-01-02T03:04:05.000Z".to_owned(),
                    parts: BTreeMap::new(),
                },
            );
            xml(
                "InitiateMultipartUploadResult",
                &format!("<UploadId>{id}</UploadId>"),
            )
        }
        (&Method::PUT, Some(id)) => {
            let number = seen.query["partNumber"].parse().unwrap();
            let tag = md5(&content);
            let sum = crc64(&content);
            let Some(upload) = state.uploads.get_mut(&id) else {
                return error(404, "NoSuchUpload");
            };
            upload.parts.insert(number, content);
            stored(&tag, &sum)
        }
        (&Method::POST, Some(id)) => wire::complete(state, &id, &content),
        (&Method::DELETE, Some(id)) => {
            state.uploads.remove(&id);
            reply(204, Vec::new())
        }
        (&Method::PUT, None) => {
            let length = content.len();
            let object = state.store(&seen.key, content, &[length]);
            stored(&object.etag, &crc64(&object.content))
        }
        (method, _) => panic!("{method} is nothing this server knows"),
    }
}

fn stored(etag: &str, sum: &str) -> Response<Body> {
    let mut response = reply(200, Vec::new());
    let headers = response.headers_mut();
    headers.insert("etag", format!("\"{etag}\"").parse().unwrap());
    headers.insert("x-amz-checksum-crc64nvme", sum.parse().unwrap());
    response
}

pub(super) fn error(status: u16, code: &str) -> Response<Body> {
    let text = format!("<Error><Code>{code}</Code><Message>said so</Message></Error>");
    reply(status, text.into_bytes())
}

pub(super) fn xml(root: &str, inner: &str) -> Response<Body> {
    let text = format!("<?xml version=\"1.0\"?><{root}>{inner}</{root}>");
    reply(200, text.into_bytes())
}

pub(super) fn reply(status: u16, content: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(content.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Changes the last byte of a body, where it has any.
async fn corrupt(response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut bytes = body.collect().await.unwrap().to_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Response::from_parts(head, reply(200, bytes).into_body())
}

/// Lets a body break off half-way, or stop there without an end.
async fn halve(response: Response<Body>, breaks: bool) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let content = body.collect().await.unwrap().to_bytes();
    let half = Frame::data(content.slice(..content.len() / 2));
    let end = futures_util::stream::once(async move {
        if !breaks {
            std::future::pending::<()>().await;
        }
        Err(io::Error::other("broken off"))
    });
    let frames = futures_util::stream::iter([Ok(half)]).chain(end);
    head.headers.insert("content-length", content.len().into());
    Response::from_parts(
        head,
        http_body_util::BodyExt::boxed(StreamBody::new(frames)),
    )
}
