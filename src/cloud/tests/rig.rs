//! An embedded cloud whose clock moves with every look at it, and real clients.

use std::future::pending;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use s3s::Body;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::{Aws, Clients, Connection, Pace, connect, observe};
use crate::apply::{Cancel, Control};
use crate::local::{Clock, Cloud, Delays, Settings, serve};
use crate::plan::Launch;
use crate::resource::fixtures::{account, attempt, identity, now, plain, region};
use crate::resource::{Instance, InstanceState, LiveInstance, ResolvedImage};

/// How far the cloud's clock moves with every request.
const TICK: i64 = 50;

pub(super) struct Rig {
    cloud: Arc<Cloud>,
    pub(super) clients: Clients,
    pub(super) pace: Pace,
    pub(super) control: Control,
    progress: Arc<Mutex<Vec<String>>>,
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::with(Delays::default()).await
    }

    pub(super) async fn with(delays: Delays) -> Self {
        let settings = Settings {
            control: true,
            delays,
            ..Settings::default()
        };
        let now = AtomicI64::new(1_900_000_000_000);
        let clock: Clock = Arc::new(move || {
            let millisecond = now.fetch_add(TICK, Ordering::Relaxed);
            Timestamp::from_millisecond(millisecond).unwrap()
        });
        let cloud = Arc::new(Cloud::open(settings, clock).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, Arc::clone(&cloud), None, pending()));
        let connection = Connection {
            provider: None,
            profile: None,
            region: region(),
            local: Some(address),
            profile_first: false,
            account: None,
            own_endpoint: false,
            patience: super::super::Patience::Brief,
            notice: None,
            transport: None,
        };
        let progress = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&progress);
        let pause = Duration::from_millis(1);
        Self {
            cloud,
            clients: connect(&connection).await,
            pace: Pace {
                first: pause,
                longest: pause,
                running: Duration::from_mins(1),
                terminated: Duration::from_mins(1),
                settle: Duration::from_millis(200),
                ..Pace::LOCAL
            },
            control: Control {
                cancel: Cancel::default(),
                progress: Arc::new(move |text| lines.lock().unwrap().push(text)),
            },
            progress,
        }
    }

    /// The progress that was told so far.
    pub(super) fn progress(&self) -> Vec<String> {
        self.progress.lock().unwrap().clone()
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_trainyard/{path}"))
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.cloud.handle(request).await;
        assert!(response.status().is_success());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Orders the cloud about.
    pub(super) async fn order(&self, path: &str, body: &Value) {
        self.ask("POST", path, body).await;
    }

    /// Lets the first call of an action after this one go wrong, so many times.
    pub(super) async fn fault(&self, action: &str, when: &str, deed: Value, times: usize) {
        // Faults count side by side, so each of them waits for a call of its own.
        let faults: Vec<Value> = (1..=times)
            .map(|nth| json!({"action": action, "nth": nth, "when": when, "do": deed}))
            .collect();
        self.ask("POST", "faults", &Value::from(faults)).await;
    }

    /// How often an action was asked for.
    pub(super) async fn count(&self, action: &str) -> usize {
        let events = self.ask("GET", "requests", &Value::Null).await;
        let of_action = |event: &&Value| event["action"] == action;
        events.as_array().unwrap().iter().filter(of_action).count()
    }

    /// Somebody who carries out steps.
    pub(super) fn aws(&self) -> Aws {
        Aws {
            clients: self.clients.clone(),
            account: account(),
            pace: self.pace,
            clock: crate::cloud::Clock::new(now),
            journals: None,
            memory: Arc::default(),
        }
    }

    /// A launch of these numbers.
    pub(super) async fn launch(&self, instance: &Instance, ordinals: &[u32]) -> Launch {
        let images = self.clients.ec2.describe_images().send().await.unwrap();
        let image = images
            .images()
            .iter()
            .find(|image| {
                image
                    .name()
                    .unwrap_or_default()
                    .starts_with("Deep Learning")
            })
            .unwrap();
        Launch {
            identity: identity(instance, ordinals),
            incarnation: 0,
            instance: Arc::new(instance.clone()),
            image: ResolvedImage {
                id: image.image_id().unwrap().to_owned(),
                name: String::new(),
                architecture: "x86_64".to_owned(),
                root_device: image.root_device_name().unwrap().to_owned(),
                root_gibibytes: 100,
                other_disks: Vec::new(),
                created: String::new(),
                deprecated: None,
            },
            security_groups: Vec::new(),
            own_group: None,
            key: None,
            placement_group: None,
            least: u32::try_from(ordinals.len()).unwrap(),
            candidates: vec![attempt(instance).candidate],
            rejected: Vec::new(),
        }
    }

    /// So many plain instances that run.
    pub(super) async fn running(&self, count: u32) -> Vec<LiveInstance> {
        let ordinals: Vec<u32> = (0..count).collect();
        let launch = self.launch(&plain("trainer"), &ordinals).await;
        let aws = self.aws();
        let performed = super::super::launch::launch(&aws, &launch, &self.control);
        performed.await.unwrap().instances
    }

    /// The states of everything of ours that is listed, ended or not.
    pub(super) async fn states(&self) -> Vec<InstanceState> {
        let observed = observe(&self.clients, &account()).await.unwrap();
        observed.instances.iter().map(|live| live.state).collect()
    }

    /// How many instances of ours are alive, once every listing has caught up.
    pub(super) async fn alive(&self) -> usize {
        for _ in 0..10 {
            self.states().await;
        }
        let states = self.states().await;
        states.iter().filter(|state| state.is_alive()).count()
    }
}
