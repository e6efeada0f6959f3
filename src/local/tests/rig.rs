//! A cloud with a clock that is turned by hand, and requests as text.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use s3s::Body;

use crate::local::wire::after;
use crate::local::{Clock, Cloud, Delays, Settings};

/// A cloud and its clock.
pub(super) struct Rig {
    pub(super) cloud: Cloud,
    now: Arc<Mutex<Timestamp>>,
    key: String,
    token: Option<String>,
    region: &'static str,
}

/// An answer of the cloud.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The text of every element of this name, in order.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = self.body.split(open.as_str()).skip(1);
        pieces
            .filter_map(|piece| piece.split(close.as_str()).next())
            .collect()
    }

    /// The text of the first element of this name.
    pub(super) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        all.first()
            .copied()
            .unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    /// The states of the instances, in order.
    pub(super) fn states(&self) -> Vec<String> {
        let states = self.all("instanceState");
        states.iter().map(|state| name_in(state)).collect()
    }
}

fn name_in(state: &str) -> String {
    let (_, rest) = state.split_once("<name>").expect("a name");
    rest.split("</name>").next().expect("an end").to_owned()
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Settings {
            control: true,
            delays: Delays {
                interfaces: Duration::ZERO,
                ..Delays::default()
            },
            ..Settings::default()
        })
    }

    pub(super) fn with(settings: Settings) -> Self {
        let start: Timestamp = "2026-03-01T12:00:00.25Z".parse().expect("instant");
        let now = Arc::new(Mutex::new(start));
        let hands = now.clone();
        let clock: Clock = Arc::new(move || *hands.lock().expect("clock"));
        Self {
            cloud: Cloud::open(settings, clock).expect("cloud"),
            now,
            key: "AKIALOCAL".to_owned(),
            token: None,
            region: "eu-central-1",
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        let mut now = self.now.lock().expect("clock");
        *now = after(*now, time);
    }

    /// Lets everything that a launch, a stop or an end takes pass.
    pub(super) fn settle(&self) {
        self.pass(Duration::from_secs(2));
    }

    /// Calls as somebody else from now on.
    pub(super) fn become_key(&mut self, key: &str) {
        key.clone_into(&mut self.key);
        self.token = None;
    }

    /// Calls with the credentials of a session from now on.
    pub(super) fn become_session(&mut self, opened: &Answer) {
        opened.one("AccessKeyId").clone_into(&mut self.key);
        self.token = Some(opened.one("SessionToken").to_owned());
    }

    /// The headers that say who calls.
    fn signed(&self, request: http::request::Builder) -> http::request::Builder {
        let scope = format!("{}/20260301/{}/any/aws4_request", self.key, self.region);
        let request = request.header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=0"),
        );
        match &self.token {
            Some(token) => request.header("x-amz-security-token", token),
            None => request,
        }
    }

    /// Calls another region from now on.
    pub(super) fn move_to(&mut self, region: &'static str) {
        self.region = region;
    }

    /// Sends any request.
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.cloud.handle(request).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("body");
        let body = String::from_utf8(bytes.to_bytes().to_vec()).expect("text");
        Answer { status, body }
    }

    /// Calls an action of a query service.
    pub(super) async fn query(
        &self,
        version: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action);
        form.append_pair("Version", version);
        form.extend_pairs(fields);
        let request =
            Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        let request = self
            .signed(request)
            .body(Body::from(form.finish()))
            .expect("request");
        self.send(request).await
    }

    /// Calls an action of EC2.
    pub(super) async fn ec2(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.query("2016-11-15", action, fields).await
    }

    /// Calls an action of EC2 that must succeed.
    pub(super) async fn ok(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.ec2(action, fields).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        answer
    }

    /// Calls an action of EC2 that must be refused, with this code.
    pub(super) async fn refused(
        &self,
        action: &str,
        fields: &[(&str, &str)],
        code: &str,
    ) -> Answer {
        let answer = self.ec2(action, fields).await;
        assert_eq!(answer.all("Code"), [code], "{action}: {}", answer.body);
        assert!(answer.status >= 400);
        answer
    }

    /// Sends a request to the control endpoint.
    pub(super) async fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_trainyard/{path}"))
            .body(Body::from(body.to_owned()))
            .expect("request");
        self.send(request).await
    }

    /// The id of the newest image of a name pattern.
    pub(super) async fn image(&self, pattern: &str) -> String {
        let filter = [("Filter.1.Name", "name"), ("Filter.1.Value.1", pattern)];
        let images = self.ok("DescribeImages", &filter).await;
        images.one("imageId").to_owned()
    }

    /// Launches `count` instances, with more fields, and gives the answer.
    pub(super) async fn launch(&self, count: &str, fields: &[(&str, &str)]) -> Answer {
        let image = self.image("al2023*x86_64").await;
        let mut all = vec![
            ("ImageId", image.as_str()),
            ("InstanceType", "t3.micro"),
            ("MinCount", count),
            ("MaxCount", count),
        ];
        all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        all.extend(fields);
        self.ec2("RunInstances", &all).await
    }

    /// Launches instances that must succeed, lets them run, and gives their ids.
    pub(super) async fn running(&self, count: &str, fields: &[(&str, &str)]) -> Vec<String> {
        let answer = self.launch(count, fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.settle();
        let ids = answer.all("instanceId");
        // An answer of a launch has them in no order; here the last comes first.
        ids.into_iter().rev().map(str::to_owned).collect()
    }

    /// The states of instances by id.
    pub(super) async fn states(&self, ids: &[String]) -> Vec<String> {
        let names: Vec<String> = (1..=ids.len()).map(|n| format!("InstanceId.{n}")).collect();
        let fields: Vec<(&str, &str)> = names
            .iter()
            .map(String::as_str)
            .zip(ids.iter().map(String::as_str))
            .collect();
        self.ok("DescribeInstances", &fields).await.states()
    }
}

/// Delays that hide nothing: what was launched is seen at once.
pub(super) fn prompt() -> Settings {
    Settings {
        control: true,
        delays: Delays {
            visibility: Duration::ZERO,
            interfaces: Duration::ZERO,
            ..Delays::default()
        },
        ..Settings::default()
    }
}
