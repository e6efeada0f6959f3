//! The control endpoint: what a test may see and order.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use s3s::Body;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::order::Order;
use super::service::Service;
use super::wire::Refusal;

/// How many requests are remembered; the oldest are forgotten first.
const MOST_EVENTS: usize = 100_000;

/// The most that the body of a control request may hold, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// What was asked of the cloud, and what is to go wrong.
pub(super) struct Control {
    open: bool,
    events: Mutex<VecDeque<Event>>,
    faults: Mutex<Vec<Fault>>,
    /// Wakes what is stalled when the server ends.
    ended: Notify,
}

/// A request that was answered, or will be.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Event {
    #[serde(serialize_with = "service_name")]
    service: Service,
    action: String,
    /// For S3 the path, whose action is no more than a method.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
}

impl Event {
    /// Makes an event.
    pub(super) fn new(service: Service, action: &str, resource: Option<&str>) -> Self {
        Self {
            service,
            action: action.to_owned(),
            resource: resource.map(str::to_owned),
        }
    }

    /// The service that was asked.
    pub(super) fn service(&self) -> Service {
        self.service
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn service_name<S: serde::Serializer>(service: &Service, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(service.name())
}

/// Something that is to go wrong once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    action: String,
    /// Which call of the action from now on, counted from 1.
    #[serde(default = "first")]
    nth: u32,
    when: When,
    #[serde(rename = "do")]
    deed: Deed,
}

fn first() -> u32 {
    1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum When {
    Before,
    After,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deed {
    Stall,
    Drop,
    Error {
        code: String,
        status: u16,
        #[serde(default)]
        message: String,
    },
}

impl Fault {
    /// Whether the call takes effect before it goes wrong.
    pub(super) fn is_after(&self) -> bool {
        self.when == When::After
    }

    fn check(&self) -> Result<(), String> {
        if self.nth == 0 {
            return Err("nth counts from 1".to_owned());
        }
        match &self.deed {
            Deed::Error { status, .. } if !(400..600).contains(status) => {
                Err(format!("{status} is no status of an error"))
            }
            Deed::Error { .. } | Deed::Stall | Deed::Drop => Ok(()),
        }
    }
}

impl Control {
    /// Makes a control endpoint; unless `open` it tells its health and no more.
    pub(super) fn new(open: bool) -> Self {
        Self {
            open,
            events: Mutex::default(),
            faults: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Notes a request, and gives the fault that was ordered for it.
    pub(super) fn note(&self, event: Event) -> Option<Fault> {
        if !self.open {
            return None;
        }
        let action = event.action.clone();
        {
            let mut events = held(&self.events);
            if events.len() == MOST_EVENTS {
                events.pop_front();
            }
            events.push_back(event);
        }
        let mut faults = held(&self.faults);
        let mut ready = None;
        for (place, fault) in faults.iter_mut().enumerate() {
            if fault.action == action {
                fault.nth = fault.nth.saturating_sub(1);
                if fault.nth == 0 && ready.is_none() {
                    ready = Some(place);
                }
            }
        }
        ready.map(|place| faults.remove(place))
    }

    /// Lets a fault happen: with an error to answer, or without any answer. A
    /// stalled request waits for the end of the server.
    pub(super) async fn happen(&self, fault: Fault) -> Option<Refusal> {
        match fault.deed {
            Deed::Stall => {
                self.ended.notified().await;
                None
            }
            Deed::Drop => None,
            Deed::Error {
                code,
                status,
                message,
            } => Some(Refusal {
                code: Cow::Owned(code),
                message,
                status,
            }),
        }
    }

    /// Lets go of every stalled request.
    pub(super) fn release(&self) {
        self.ended.notify_waiters();
    }

    /// Answers a request to the control endpoint.
    pub(super) async fn answer(
        &self,
        request: Request<Body>,
        carry_out: impl FnOnce(Order) -> Result<Value, String>,
    ) -> Response<Body> {
        let (parts, mut body) = request.into_parts();
        let (path, method) = (parts.uri.path(), parts.method);
        if path == "/_trainyard/health" && method == Method::GET {
            let version = env!("CARGO_PKG_VERSION");
            let health = json!({"service": "trainyard-local", "version": version});
            return reply(StatusCode::OK, &health);
        }
        if !self.open {
            return reply(StatusCode::NOT_FOUND, &json!({"error": "not found"}));
        }
        let Ok(bytes) = body.store_all_limited(BODY_LIMIT).await else {
            return bad("the body is too long or broke off");
        };
        match (path, method.as_str()) {
            ("/_trainyard/requests", "GET") => reply(StatusCode::OK, &json!(&*held(&self.events))),
            ("/_trainyard/requests", "DELETE") => {
                held(&self.events).clear();
                reply(StatusCode::OK, &json!({}))
            }
            _ => {
                let order = path.trim_start_matches("/_trainyard/");
                match self.order(order, &method, &bytes, carry_out) {
                    Some(Ok(answer)) => reply(StatusCode::OK, &answer),
                    Some(Err(why)) => bad(&why),
                    None => reply(StatusCode::NOT_FOUND, &json!({"error": "not found"})),
                }
            }
        }
    }

    /// Takes an order; nothing when there is none of this kind.
    pub(super) fn order(
        &self,
        path: &str,
        method: &Method,
        body: &[u8],
        carry_out: impl FnOnce(Order) -> Result<Value, String>,
    ) -> Option<Result<Value, String>> {
        match (path, method.as_str()) {
            ("faults", "POST") => Some(self.add_faults(body)),
            ("faults", "DELETE") => {
                held(&self.faults).clear();
                Some(Ok(json!({})))
            }
            _ => Order::read(path, method, body).map(|order| order.and_then(carry_out)),
        }
    }

    fn add_faults(&self, body: &[u8]) -> Result<Value, String> {
        let read = serde_json::from_slice(body);
        let ordered: Vec<Fault> = read.map_err(|error| error.to_string())?;
        ordered.iter().try_for_each(Fault::check)?;
        held(&self.faults).extend(ordered);
        Ok(json!({}))
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bad(why: &str) -> Response<Body> {
    reply(StatusCode::BAD_REQUEST, &json!({"error": why}))
}

fn reply(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
