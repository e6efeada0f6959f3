//! The network between a command and the cloud: what it carries, loses and spoils.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Collected};
use s3s::Body;
use tokio::sync::Notify;

use super::fault::{Fault, Spoil};
use super::laws::Laws;
use super::time::Time;
use trainyard::apply::Cancel;
use trainyard::local::Cloud;

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Its number within the run of its command, from zero.
    pub(super) number: usize,
    pub(super) action: String,
}

impl Call {
    /// Whether it can change anything.
    pub(super) fn mutates(&self) -> bool {
        !(self.action.starts_with("Describe") || self.action.starts_with("Get"))
    }
}

/// Where a process dies, seen from one of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// Before the call is sent.
    Before,
    /// The call has been sent and takes effect a while after the process has died.
    Late,
    /// After its effect and before its answer.
    After,
    /// When its answer has come.
    Answered,
}

impl Moment {
    pub(super) const ALL: [Self; 4] = [Self::Before, Self::Late, Self::After, Self::Answered];
}

/// What becomes of the calls of one run of a command.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    /// Where the process dies.
    pub(super) death: Option<(usize, Moment)>,
    /// What goes wrong with single calls, by their numbers.
    pub(super) faults: Vec<(usize, Fault)>,
    /// What goes wrong with every call of an action from the call of that number on.
    pub(super) broken: Vec<(usize, &'static str, Fault)>,
    /// Whether every listing begins with an empty page.
    pub(super) empty_pages: bool,
    /// A call that comes in a storm is refused as one too many: from then,
    pub(super) storm_from: Duration,
    /// until then.
    pub(super) storm_until: Option<Duration>,
    /// A seed for how long each call is on its way, up to some seconds.
    pub(super) slow: Option<u64>,
    /// By how many seconds the clock of the process is wrong.
    pub(super) skew: i64,
    /// The call at which the clock of the process is set right or wrong, by so many seconds.
    pub(super) jump: Option<(usize, i64)>,
    /// The call before which the user asks to stop.
    pub(super) stop: Option<(usize, Cancel)>,
    /// The call before which the machine sleeps, and for how long.
    pub(super) sleep: Option<(usize, Duration)>,
    /// What goes wrong with every page of a listing but the first.
    pub(super) next_pages: Option<Fault>,
    /// The region that nothing comes through to.
    pub(super) dark: Option<&'static str>,
}

/// One run of a command, as the network sees it.
pub(super) struct Run {
    cloud: Arc<Cloud>,
    laws: Arc<Laws>,
    time: Time,
    weather: Weather,
    gate: Option<Arc<dyn Gate>>,
    calls: Mutex<Vec<Call>>,
    died: Notify,
    is_dead: AtomicBool,
}

/// Decides whose turn it is.
pub(super) trait Gate: Send + Sync {
    /// Waits for the turn of a call; the turn lasts until the value is dropped.
    fn turn(&self, call: &Call) -> std::pin::Pin<Box<dyn Future<Output = Turn> + Send + '_>>;
}

/// A turn at a gate.
pub(super) struct Turn(
    #[expect(dead_code, reason = "what it is for is its end")]
    pub(super)  Option<Box<dyn Send + Sync>>,
);

/// How long a call is on its way, one way.
const WAY: Duration = Duration::from_millis(20);
/// How long a slow call is on its way, in milliseconds.
const SLOWEST: u64 = 4_000;
/// How long a call that its process did not survive is on its way.
const LATE: Duration = Duration::from_secs(4);

impl Run {
    pub(super) fn new(
        (cloud, laws): (&Arc<Cloud>, &Arc<Laws>),
        time: Time,
        weather: Weather,
        gate: Option<Arc<dyn Gate>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            cloud: Arc::clone(cloud),
            laws: Arc::clone(laws),
            time,
            weather,
            gate,
            calls: Mutex::default(),
            died: Notify::new(),
            is_dead: AtomicBool::new(false),
        })
    }

    /// The calls so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn note(&self, request: &HttpRequest) -> Call {
        let mut calls = self.calls.lock().unwrap();
        let call = Call {
            number: calls.len(),
            action: action_of(request),
        };
        calls.push(call.clone());
        call
    }

    /// The process dies; nothing of it goes on.
    async fn die(&self) -> ! {
        self.kill();
        std::future::pending().await
    }

    fn kill(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        self.died.notify_one();
    }

    /// Waits until the process has been killed.
    pub(super) async fn death(&self) {
        self.died.notified().await;
    }

    /// Whether the process has been killed, be it with its last word.
    pub(super) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    /// What happens to the machine before a call.
    async fn disturb(&self, call: &Call) {
        if let Some((number, how_long)) = self.weather.sleep
            && number == call.number
        {
            tokio::time::sleep(how_long).await;
        }
        if let Some((number, seconds)) = self.weather.jump
            && number == call.number
        {
            self.time.jump(seconds);
        }
    }

    /// Whether nothing comes through to where a request goes.
    fn is_dark(&self, request: &HttpRequest) -> bool {
        let signature = request.headers().get("authorization").unwrap_or_default();
        let dark = self.weather.dark;
        dark.is_some_and(|region| signature.contains(&format!("/{region}/")))
    }

    /// What is answered instead of a call, which never gets through.
    fn refuse(&self, call: &Call, fault: Option<Fault>, page: Option<Page>) -> Option<Response> {
        let storm = self.weather.storm_until;
        let now = self.time.elapsed();
        if storm.is_some_and(|until| (self.weather.storm_from..until).contains(&now)) {
            return Some(Spoil::Busy.answer(None, &call.action));
        }
        let later = self.weather.next_pages.filter(|_| page == Some(Page::Next));
        if let Some(Fault::Refused(spoil)) = fault.or(later) {
            return Some(spoil.answer(None, &call.action));
        }
        let is_empty = self.weather.empty_pages && page == Some(Page::First);
        (is_empty && fault != Some(Fault::Lost)).then(|| empty_page(&call.action))
    }

    async fn carry(&self, request: HttpRequest) -> Result<Response, ConnectorError> {
        let call = self.note(&request);
        let moment = self
            .weather
            .death
            .filter(|(number, _)| *number == call.number);
        let moment = moment.map(|(_, moment)| moment);
        if let Some(seed) = self.weather.slow {
            let mut drawn = fastrand::Rng::with_seed(seed + 1_000 * call.number as u64);
            tokio::time::sleep(Duration::from_millis(drawn.u64(..SLOWEST))).await;
        }
        let turn = match &self.gate {
            Some(gate) => Some(gate.turn(&call).await),
            None => None,
        };
        if let Some((number, cancel)) = &self.weather.stop
            && *number == call.number
        {
            cancel.ask();
        }
        if moment == Some(Moment::Before) {
            self.die().await;
        }
        self.disturb(&call).await;
        if self.is_dark(&request) {
            return lost().await;
        }
        let (request, listing) = plain(request).await;
        if moment == Some(Moment::Late) {
            let (cloud, laws) = (Arc::clone(&self.cloud), Arc::clone(&self.laws));
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                drop(cloud.handle(request).await);
                laws.look(&cloud);
            });
            self.die().await;
        }
        tokio::time::sleep(WAY).await;
        let faults = self.weather.faults.iter();
        let fault = faults.filter(|(number, _)| *number == call.number);
        let fault = fault.map(|(_, fault)| *fault).next();
        let broken = (self.weather.broken.iter())
            .find(|(from, action, _)| call.number >= *from && call.action == *action);
        let fault = fault.or(broken.map(|(_, _, fault)| *fault));
        if let Some(refused) = self.refuse(&call, fault, listing) {
            return Ok(refused);
        }
        if let Some(Fault::Lost) = fault {
            return lost().await;
        }
        let answer = self.cloud.handle(request).await;
        self.laws.look(&self.cloud);
        if moment == Some(Moment::After) {
            self.die().await;
        }
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map(Collected::to_bytes);
        let body = body.unwrap_or_default();
        drop(turn);
        tokio::time::sleep(WAY).await;
        if moment == Some(Moment::Answered) {
            self.kill();
        }
        let answer = match fault {
            Some(Fault::AnswerLost) => return lost().await,
            Some(Fault::Answer(spoil)) => spoil.answer(Some(&body), &call.action),
            Some(Fault::Lost | Fault::Refused(_)) | None => {
                let status = StatusCode::try_from(parts.status.as_u16()).unwrap();
                Response::new(status, SdkBody::from(body.to_vec()))
            }
        };
        Ok(answer)
    }
}

/// A connection that breaks.
async fn lost() -> Result<Response, ConnectorError> {
    tokio::time::sleep(WAY).await;
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Err(ConnectorError::io(Box::new(error)))
}

/// The action of a request to one of the services that share a path.
fn action_of(request: &HttpRequest) -> String {
    let body = request.body().bytes().unwrap_or_default();
    let action = form_urlencoded::parse(body).find(|(name, _)| name == "Action");
    if let Some((_, action)) = action {
        // What is asked by ids is answered by others of AWS's servers than a listing.
        let has = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        return if action == "DescribeInstances" && has("InstanceId.1=") {
            format!("{action} by id")
        } else if action == "DescribeInstances" && has("Name=instance-id&") {
            format!("{action} of ids")
        } else {
            action.into_owned()
        };
    }
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.rsplit('.').next());
    target.unwrap_or(request.method()).to_owned()
}

/// Which page of a listing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    First,
    Next,
}

/// The token of the page that follows an empty first one.
const AFTER_EMPTY: &str = "&NextToken=after-the-empty-page";

/// The request as the cloud takes it, and the page that it asks for.
async fn plain(request: HttpRequest) -> (http::Request<Body>, Option<Page>) {
    let request = request.try_into_http1x().unwrap();
    let (mut parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    if !text.contains("MaxResults=") {
        return (http::Request::from_parts(parts, Body::from(bytes)), None);
    }
    let page = if text.contains("NextToken=") {
        Page::Next
    } else {
        Page::First
    };
    let text = text.replace(AFTER_EMPTY, "");
    parts.headers.remove(http::header::CONTENT_LENGTH);
    let request = http::Request::from_parts(parts, Body::from(text));
    (request, Some(page))
}

/// A page without anything, and with a token for the next.
fn empty_page(action: &str) -> Response {
    let body =
        format!("<{action}Response><nextToken>after-the-empty-page</nextToken></{action}Response>");
    Response::new(StatusCode::try_from(200).unwrap(), SdkBody::from(body))
}

/// The network as the SDK's clients of one run have it.
#[derive(Clone)]
pub(super) struct Line(pub(super) Arc<Run>);

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Line")
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let run = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move { run.carry(request).await })
    }
}

impl HttpClient for Line {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
