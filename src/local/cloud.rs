//! The cloud itself: which service a request is for, and its answer.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use s3s::Body;
use serde_json::Value;

use super::control::{Control, Event};
use super::identity::{Credential, Standing, expired};
use super::incoming::{Incoming, Protocol, protocol};
use super::order::Order;
use super::request_id::RequestId;
use super::service::Service;
use super::settings::{Clock, OpenError, Settings};
use super::state::World;
use super::wire::Refusal;
use super::{date, ec2, federation, ssm, sts};

/// The most that the body of a query or JSON request may hold, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Answers every request that is for S3.
pub type ObjectService =
    Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// An embedded cloud.
pub struct Cloud {
    settings: Settings,
    clock: Clock,
    world: Mutex<World>,
    control: Control,
    objects: Option<ObjectService>,
    answered: AtomicU64,
}

/// One request to a service that is answered from the world at once.
pub(super) struct Turn<'a> {
    pub(super) world: &'a mut World,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
    pub(super) request: &'a str,
    /// How many requests came before.
    pub(super) number: u64,
}

/// What a service has to say, and whether the world may have changed.
pub(super) struct Outcome {
    pub(super) document: Result<String, Refusal>,
    pub(super) changed: bool,
}

impl Cloud {
    /// Opens a cloud, with what its folder keeps from before.
    ///
    /// # Errors
    ///
    /// Fails when the account is not twelve digits, and when the folder cannot
    /// be made or its state cannot be read. A corrupt state is never replaced.
    pub fn open(settings: Settings, clock: Clock) -> Result<Self, OpenError> {
        let digits = settings.account.bytes().all(|byte| byte.is_ascii_digit());
        if settings.account.len() != 12 || !digits {
            return Err(OpenError::Account(settings.account));
        }
        let world = match &settings.folder {
            Some(folder) => World::open(folder)?,
            None => World::default(),
        };
        Ok(Self {
            control: Control::new(settings.control),
            settings,
            clock,
            world: Mutex::new(world),
            objects: None,
            answered: AtomicU64::new(0),
        })
    }

    /// Gives the cloud what answers the requests for S3. Without it they are
    /// refused as not implemented.
    #[must_use]
    pub fn with_objects(mut self, objects: ObjectService) -> Self {
        self.objects = Some(objects);
        self
    }

    /// Answers a request for any service.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let count = self.answered.fetch_add(1, Ordering::Relaxed);
        let id = RequestId::of(count);
        if request.uri().path().starts_with("/_trainyard/") {
            let carry_out = |order| self.carry_out(order);
            return self.control.answer(request, carry_out).await;
        }
        if let Some(query) = federation::query(&request) {
            return self.handle_federation(query, &id).await;
        }
        match protocol(request.method(), request.uri().path(), &request) {
            Some(protocol) => self.handle_call(protocol, request, &id).await,
            None => self.handle_object(request, &id).await,
        }
    }

    /// Lets go of the requests that an ordered fault has stalled.
    pub(super) fn release(&self) {
        self.control.release();
    }

    async fn handle_call(
        &self,
        protocol: Protocol,
        request: Request<Body>,
        id: &RequestId,
    ) -> Response<Body> {
        let (parts, mut body) = request.into_parts();
        let Ok(bytes) = body.store_all_limited(BODY_LIMIT).await else {
            let refusal = Refusal::new(
                "RequestEntityTooLarge",
                format!("The body exceeds {BODY_LIMIT} bytes or broke off"),
            );
            return refused(protocol.service_unread(), &refusal, id);
        };
        let call = match Incoming::read(protocol, &parts, &bytes) {
            Ok(call) => call,
            Err((service, refusal)) => return refused(service, &refusal, id),
        };
        let event = Event::new(call.service(), call.action(), None);
        let run = async { self.run(&call, &parts.headers, id) };
        self.under_faults(event, id, run).await
    }

    /// Nobody signs these requests: the credentials are in the address.
    async fn handle_federation(&self, query: &str, id: &RequestId) -> Response<Body> {
        let event = Event::new(Service::Federation, federation::ACTION, None);
        let run = async {
            let world = self.lock();
            match federation::answer(&world, (self.clock)(), query) {
                Ok(document) => answer(StatusCode::OK, Service::Federation, document, id),
                Err(refusal) => refused(Service::Federation, &refusal, id),
            }
        };
        self.under_faults(event, id, run).await
    }

    async fn handle_object(&self, request: Request<Body>, id: &RequestId) -> Response<Body> {
        let method = request.method().as_str();
        let event = Event::new(Service::S3, method, Some(request.uri().path()));
        let admitted = self.admit_object(request.headers());
        let run = async {
            if let Err(refusal) = admitted {
                return refused(Service::S3, &refusal, id);
            }
            if let Some(objects) = &self.objects {
                objects(request).await
            } else {
                let refusal = Refusal::new("NotImplemented", "This cloud has no S3");
                refused(Service::S3, &refusal, id)
            }
        };
        self.under_faults(event, id, run).await
    }

    /// Refuses a request for S3 whose date or credentials are past their time. Who
    /// signs nothing is let in, as to a public bucket.
    fn admit_object(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(credential) = Credential::from_headers(headers) else {
            return Ok(());
        };
        let world = self.lock();
        let now = (self.clock)();
        self.check_date(Service::S3, headers, now)?;
        let caller = credential.caller(&world, &self.settings.account, now);
        let caller = caller.ok_or_else(|| Service::S3.unknown())?;
        match caller.standing {
            Standing::Expired => Err(expired()),
            Standing::Good | Standing::Denied => Ok(()),
        }
    }

    fn check_date(
        &self,
        service: Service,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.settings.weather.dates {
            date::check(service, headers, now)?;
        }
        Ok(())
    }

    /// Notes the request, and lets a fault that was ordered for it happen.
    async fn under_faults(
        &self,
        event: Event,
        id: &RequestId,
        run: impl Future<Output = Response<Body>>,
    ) -> Response<Body> {
        let service = event.service();
        let Some(fault) = self.control.note(event) else {
            return run.await;
        };
        if fault.is_after() {
            drop(run.await);
        }
        match self.control.happen(fault).await {
            Some(refusal) => refused(service, &refusal, id),
            None => super::server::dropped(),
        }
    }

    fn run(&self, call: &Incoming, headers: &HeaderMap, id: &RequestId) -> Response<Body> {
        let service = call.service();
        match self.outcome(call, headers, id) {
            Ok(document) => answer(StatusCode::OK, service, document, id),
            Err(refusal) => refused(service, &refusal, id),
        }
    }

    fn outcome(
        &self,
        call: &Incoming,
        headers: &HeaderMap,
        id: &RequestId,
    ) -> Result<String, Refusal> {
        let service = call.service();
        let credential = Credential::from_headers(headers);
        let credential = credential.ok_or_else(|| service.anonymous())?;
        // The clock is read under the lock, so that time never runs backwards
        // from one call to the next.
        let mut world = self.lock();
        let now = (self.clock)();
        self.check_date(service, headers, now)?;
        let caller = credential.caller(&world, &self.settings.account, now);
        let caller = caller.ok_or_else(|| service.unknown())?;
        if caller.standing == Standing::Expired {
            return Err(service.expired());
        }
        let mut turn = Turn {
            world: &mut world,
            settings: &self.settings,
            now,
            request: &id.text,
            number: id.number,
        };
        let outcome = match call {
            Incoming::Ec2(query, action) => ec2::answer(&mut turn, &caller, action, query),
            Incoming::Sts(query, action) => sts::answer(&mut turn, &caller, action, query),
            Incoming::Ssm(body, action) => ssm::answer(&turn.world.stage, &caller, action, body),
        };
        if outcome.changed {
            self.save(&world).map_err(|error| {
                let message = format!("failed to keep the state: {error}");
                Refusal::new("InternalError", message)
            })?;
        }
        outcome.document
    }

    fn save(&self, world: &World) -> io::Result<()> {
        let folder = self.settings.folder.as_ref();
        folder.map_or(Ok(()), |folder| world.save(folder))
    }

    /// Gives an order as the control endpoint takes it: a path such as `capacity`,
    /// with `DELETE ` before it where the order takes something back.
    ///
    /// Of all orders only faults need the control endpoint to be open.
    ///
    /// # Errors
    ///
    /// Fails, with the words of the control endpoint, when there is no such order or
    /// it makes no sense.
    pub fn order(&self, path: &str, body: &str) -> Result<Value, String> {
        let (method, path) = match path.strip_prefix("DELETE ") {
            Some(path) => (Method::DELETE, path),
            None => (Method::POST, path),
        };
        let carry_out = |order| self.carry_out(order);
        self.control
            .order(path, &method, body.as_bytes(), carry_out)
            .unwrap_or_else(|| Err(format!("there is no order {method} {path}")))
    }

    fn carry_out(&self, order: Order) -> Result<Value, String> {
        self.at_present(|world, now| {
            let answer = order.carry_out(world, now)?;
            self.save(world).map_err(|error| error.to_string())?;
            Ok(answer)
        })
    }

    /// Brings every region to now and lets somebody at the world.
    pub(super) fn at_present<T>(&self, run: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut world = self.lock();
        let now = (self.clock)();
        for region in world.all_regions() {
            region.settle(now, &self.settings);
        }
        run(&mut world, now)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere leaves the world between two calls at worst.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(service: Service, refusal: &Refusal, id: &RequestId) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, service, service.refusal(refusal, &id.text), id)
}

fn answer(
    status: StatusCode,
    service: Service,
    document: String,
    id: &RequestId,
) -> Response<Body> {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(service.content_type()),
    );
    if let Ok(id) = HeaderValue::from_str(&id.text) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
