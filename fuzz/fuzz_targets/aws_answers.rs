//! Any bytes as the answers of AWS, through the real SDK: what we make of them.
//!
//! The first byte chooses what is asked, the second the status and the third the content
//! type. The rest is the answers, parted by record separators (U+001E): the first request
//! gets the first of them, and when they are used up they begin again.
#![no_main]

use std::cell::RefCell;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use trainyard::apply::{Cancel, Control, Performed, Performer as _, StepError};
use trainyard::cloud::{
    Aws, Clients, Clock, CloudError, Images, Pace, Patience, attributes, default_subnets,
    has_user_data, identify, look_up, network_for_destroy, observe, observe_instances_first,
    observe_network, spot_requests, with_volumes,
};
use trainyard::plan::{Action, Plan, Resolution, plan, plan_destroy, wanted};
use trainyard::resource::{InstanceId, VolumeId};
use trainyard::sync::{Place, Request, survey};
use trainyard_fuzz::{Kit, Moment, check_plan, context, empty, instant};

/// What parts one answer from the next.
const SEPARATOR: u8 = 0x1e;
/// The statuses that an answer can have; the first of them most often.
const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 403, 500, 503];
/// The content types that an answer can have.
const TYPES: [&str; 4] = [
    "text/xml;charset=UTF-8",
    "application/x-amz-json-1.1",
    "text/html",
    "",
];

fuzz_target!(|bytes: &[u8]| {
    let [deed, status, kind, rest @ ..] = bytes else {
        return;
    };
    STAGE.with_borrow(|stage| stage.play(*deed, (*status, *kind), rest));
});

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::new());
}

/// What is answered, and what has been.
#[derive(Debug, Default)]
struct Script {
    answers: Vec<Vec<u8>>,
    status: u16,
    kind: &'static str,
    asked: Vec<String>,
    given: Vec<Vec<u8>>,
}

/// Answers from a script.
#[derive(Debug, Clone, Default)]
struct Wire(Arc<Mutex<Script>>);

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut script = self.0.lock().unwrap();
        let asked = request
            .body()
            .bytes()
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        let number = script.asked.len();
        script.asked.push(asked.into_owned());
        let body = script.answers[number % script.answers.len()].clone();
        script.given.push(body.clone());
        let status = script.status.try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        response.headers_mut().insert("content-type", script.kind);
        HttpConnectorFuture::ready(Ok(response))
    }
}

struct Stage {
    runtime: Runtime,
    wire: Wire,
    aws: Aws,
    first: &'static Plan,
    last: Plan,
    asked: trainyard::plan::Wanted,
}

impl Stage {
    fn new() -> Self {
        let kit = Kit::of_everything();
        let target = &kit.desired.target;
        let wire = Wire::default();
        let connector = SharedHttpConnector::new(wire.clone());
        let keys = Credentials::new("key", "secret", None, None, "fuzz");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::new(target.region.to_string()))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        // A few looks tell as much as many: time stands still but for the pauses.
        let short = Duration::from_millis(5);
        let pace = Pace {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(2),
            running: short,
            stopped: short,
            terminated: short,
            settle: short,
            round: short,
            visible: short,
        };
        let observed = {
            let mut observed = empty(&target.account, &target.region);
            observed.instances = kit.instances.iter().cloned().map(Arc::new).collect();
            observed
        };
        let now = context(&kit.desired, now());
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap(),
            wire,
            aws: Aws {
                clients: Clients::of(&config, target.region.clone(), true),
                account: target.account.clone(),
                pace,
                clock: Clock::new(now_of),
                journals: None,
                memory: Arc::default(),
            },
            first: &kit.first,
            last: plan_destroy(&kit.desired.environment, &observed, &now),
            asked: wanted(
                &kit.desired,
                &empty(&target.account, &target.region),
                &Resolution::default(),
                &now,
            ),
        }
    }

    fn play(&self, deed: u8, (status, kind): (u8, u8), rest: &[u8]) {
        *self.wire.0.lock().unwrap() = Script {
            answers: rest
                .split(|byte| *byte == SEPARATOR)
                .map(<[u8]>::to_vec)
                .collect(),
            status: STATUSES[usize::from(status) % STATUSES.len()],
            kind: TYPES[usize::from(kind) % TYPES.len()],
            ..Script::default()
        };
        self.runtime.block_on(self.ask(deed));
    }

    async fn ask(&self, deed: u8) {
        let clients = &self.aws.clients;
        let id = InstanceId::new("i-0123456789abcdef0");
        match deed % 20 {
            0 | 1 => self.look(observe(clients, &self.aws.account)).await,
            2 => {
                self.look(async {
                    let (observed, blind) =
                        observe_instances_first(clients, &self.aws.account).await?;
                    blind.map_or(Ok(observed), Err)
                })
                .await
            }
            3 => self.listed(observe_network(clients, true).await.map(drop)),
            4 => {
                // What could not be listed is told besides, and nothing else is believed.
                let (_, blind) = network_for_destroy(clients).await;
                self.listed(blind.into_iter().next().map_or(Ok(()), Err));
            }
            5 => self.listed(spot_requests(clients).await.map(drop)),
            6 => self.listed(default_subnets(clients).await.map(drop)),
            7 => self.listed(identify(clients, Patience::Brief).await.map(drop)),
            8 => self.listed(with_volumes(clients, &[id]).await.map(drop)),
            9 => self.listed(attributes(clients, &id).await.map(drop)),
            10 => self.listed(has_user_data(clients, &id).await.map(drop)),
            11 => {
                let _ = look_up(clients, &self.asked, &Images::default()).await;
            }
            12 => self.survey().await,
            13..=15 => self.launch(deed).await,
            16 => self.end().await,
            17 => self.delete_volumes().await,
            number => self.network(number).await,
        }
    }

    /// A listing that is good is planned against.
    async fn look(
        &self,
        listing: impl Future<Output = Result<trainyard::plan::Observed, CloudError>>,
    ) {
        let observed = listing.await;
        let Ok(observed) = observed else {
            self.listed(observed.map(drop));
            return;
        };
        self.listed(Ok(()));
        let desired = &Kit::of_everything().desired;
        let context = context(desired, now());
        check_plan(
            &plan(desired, &observed, &Resolution::default(), &context),
            &[],
        );
        check_plan(
            &plan_destroy(&desired.environment, &observed, &context),
            &[],
        );
    }

    /// What is believed was answered whole, by what was asked, and not by an error.
    fn listed(&self, result: Result<(), CloudError>) {
        let script = self.wire.0.lock().unwrap();
        if let Err(error) = result {
            assert!(!error.text.is_empty());
            return;
        }
        assert!(script.status < 300, "{} was believed", script.status);
        for (asked, given) in script.asked.iter().zip(&script.given) {
            let action = asked
                .split('&')
                .find_map(|pair| pair.strip_prefix("Action="));
            let root = format!("{}Response", action.unwrap_or_default());
            assert!(
                is_closed(given, &root),
                "{asked}\n{}",
                String::from_utf8_lossy(given)
            );
        }
    }

    async fn survey(&self) {
        let folder = std::env::temp_dir().join("nothing");
        let request = Request::new(Place::prefix("bucket", "prefix"), Place::Folder(folder));
        let survey = survey(&self.aws.clients.s3, &request).await;
        let script = self.wire.0.lock().unwrap();
        if let Ok(plan) = survey {
            assert!(script.status < 300);
            let closed = |given: &Vec<u8>| is_closed(given, "ListBucketResult");
            assert!(script.given.iter().all(closed), "{plan:?} from {script:?}");
            for transfer in &plan.transfers {
                assert!(
                    trainyard::sync::check_key(&transfer.key).is_ok(),
                    "{transfer:?}"
                );
            }
        }
    }

    async fn perform(
        &self,
        plan: &Plan,
        is_meant: impl Fn(&Action) -> bool,
    ) -> Result<Performed, StepError> {
        let steps: Vec<_> = plan
            .steps
            .iter()
            .filter(|step| is_meant(&step.action))
            .collect();
        let control = Control {
            cancel: Cancel::default(),
            progress: Arc::new(|_| {}),
        };
        // Nobody remembers anything from one run to the next.
        let aws = Aws {
            memory: Arc::default(),
            ..self.aws.clone()
        };
        let mut performed = Performed::default();
        for step in steps {
            performed = aws.perform(step, &control).await?;
        }
        Ok(performed)
    }

    /// What is said to be launched was named by an answer.
    async fn launch(&self, deed: u8) {
        let group = ["plain", "full", "worker"][usize::from(deed % 20 - 13)];
        let launched = self.perform(self.first, |action| {
            matches!(action, Action::Launch(launch) if launch.instance.group.as_str() == group)
        });
        if let Ok(performed) = launched.await {
            assert!(!performed.instances.is_empty(), "{performed:?}");
            for live in &performed.instances {
                assert!(self.was_said(live.id.as_str()), "{live:?}");
                assert!(self.was_said("running"), "{live:?}");
            }
        }
    }

    /// What is said to be gone was said to be terminated.
    async fn end(&self) {
        let ended = self.perform(&self.last, |action| matches!(action, Action::Terminate(_)));
        if ended.await.is_ok() {
            assert!(self.was_said("terminated"));
            let doomed = self
                .last
                .steps
                .iter()
                .filter_map(|step| step.action.doomed())
                .flatten();
            for one in doomed {
                assert!(self.was_said(one.id.as_str()), "{one:?}");
            }
        }
    }

    async fn delete_volumes(&self) {
        let mut plan = self.last.clone();
        for step in &mut plan.steps {
            step.action = Action::DeleteVolumes(vec![VolumeId::new("vol-0123456789abcdef0")]);
        }
        plan.steps.truncate(1);
        let _ = self.perform(&plan, |_| true).await;
    }

    async fn network(&self, number: u8) {
        let _ = self
            .perform(self.first, |action| match action {
                Action::SecurityGroup(_) => number == 18,
                Action::KeyPair(_) | Action::PlacementGroup(_) => number == 19,
                _ => false,
            })
            .await;
    }

    fn was_said(&self, word: &str) -> bool {
        let script = self.wire.0.lock().unwrap();
        script.given.iter().any(|given| {
            // An entity may stand for a letter; then there is nothing to compare.
            given.contains(&b'&')
                || given
                    .windows(word.len())
                    .any(|part| part == word.as_bytes())
        })
    }
}

/// Whether a body ends what it began under this name, as far as its two ends tell.
fn is_closed(body: &[u8], root: &str) -> bool {
    let text = String::from_utf8_lossy(body);
    let begins = text.contains(&format!("<{root}")) || text.contains(&format!(":{root}"));
    let mut end = text.trim_end();
    // Comments may stand after the end.
    while let Some(before) = end.strip_suffix("-->").or_else(|| end.strip_suffix("?>")) {
        let from = before.rfind("<!--").max(before.rfind("<?"));
        end = from.map_or("", |from| before[..from].trim_end());
    }
    let end = end.strip_suffix('>').map_or("", str::trim_end);
    begins && (end.ends_with(root) || end.ends_with('/'))
}

fn now() -> Timestamp {
    instant(Moment::Ago(0)).unwrap()
}

fn now_of() -> Timestamp {
    now()
}
