//! A history: commands that run, die and run again on one cloud.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use trainyard::apply::Cancel;
use trainyard::cli::{ExitCode, Host, Kept, SimulatedSignIn, Streams, run};
use trainyard::cloud::{Clock, Transport};
use trainyard::local::{Cloud, Settings};

use super::laws::{Laws, controls};
use super::network::{Call, Gate, Line, Run, Weather};
use super::time::Time;

/// How a run of a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with an exit code.
    Exit(ExitCode),
    /// Its process was killed.
    Killed,
    /// It did not end within its bound.
    Hung,
}

/// A run of a command that is over.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub(super) end: End,
    pub(super) calls: Vec<Call>,
    /// What it printed.
    pub(super) output: String,
}

impl Over {
    pub(super) fn is(&self, code: ExitCode) -> bool {
        self.end == End::Exit(code)
    }
}

/// What a command is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Apply(PathBuf),
    Plan(PathBuf),
    /// By the file, which says as whom.
    DestroySpec(PathBuf),
    Destroy,
    /// The same, with the words that lift protections and delete what is kept.
    DestroyAll,
}

impl Order {
    fn words(&self) -> Vec<String> {
        let (words, path): (&[&str], _) = match self {
            Self::Apply(path) => (&["apply", "--yes"], Some(path)),
            Self::Plan(path) => (&["plan", "--detailed-exitcode"], Some(path)),
            Self::DestroySpec(path) => (&["destroy", "--yes"], Some(path)),
            Self::Destroy | Self::DestroyAll => {
                let words: &[&str] = &[
                    "destroy",
                    super::laws::ENVIRONMENT,
                    "--yes",
                    "--region",
                    "us-east-1",
                    "--account",
                    super::laws::ACCOUNT,
                ];
                (words, None)
            }
        };
        let path = path.map(|path| path.display().to_string());
        let lift: &[&str] = match self {
            Self::DestroyAll => &["--lift-protection", "--delete-kept"],
            Self::Apply(_) | Self::Plan(_) | Self::DestroySpec(_) | Self::Destroy => &[],
        };
        let words = ["trainyard", "--no-color"].iter().chain(words).chain(lift);
        words.map(|word| (*word).to_owned()).chain(path).collect()
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Plan(_) => "plan",
            Self::DestroySpec(_) | Self::Destroy | Self::DestroyAll => "destroy",
        }
    }
}

/// The longest that any run of a command may take: more than all of its own bounds.
const HANGS: Duration = Duration::from_hours(6);

/// A cloud with a clock of its own, and what happened on it.
pub(super) struct History {
    pub(super) cloud: Arc<Cloud>,
    pub(super) laws: Arc<Laws>,
    pub(super) time: Time,
    pub(super) log: std::sync::Mutex<Vec<String>>,
    /// How commands sign in, where they have to.
    pub(super) sign_in: std::sync::Mutex<Option<SimulatedSignIn>>,
    /// What every command is told besides.
    pub(super) words: std::sync::Mutex<Vec<String>>,
}

impl History {
    fn new(settings: Settings) -> Self {
        let time = Time::begin();
        let clock = Arc::new(move || time.now());
        Self {
            cloud: Arc::new(Cloud::open(settings, clock).unwrap()),
            laws: Arc::default(),
            time,
            log: std::sync::Mutex::default(),
            sign_in: std::sync::Mutex::default(),
            words: std::sync::Mutex::default(),
        }
    }

    /// Runs a command from its beginning to its end, or to its death.
    pub(super) async fn run(&self, order: &Order, weather: Weather) -> Over {
        self.run_as(order, weather, Cancel::default()).await
    }

    /// The same in good weather.
    pub(super) async fn calmly(&self, order: &Order) -> Over {
        self.run(order, Weather::default()).await
    }

    pub(super) async fn run_as(&self, order: &Order, weather: Weather, cancel: Cancel) -> Over {
        self.run_beside((0, None), order, weather, cancel).await
    }

    /// The same as one of two actors.
    pub(super) async fn run_beside(
        &self,
        (actor, gate): (usize, Option<Arc<dyn Gate>>),
        order: &Order,
        weather: Weather,
        cancel: Cancel,
    ) -> Over {
        let skew = weather.skew;
        let place = (&self.cloud, &self.laws);
        let time = self.time.skewed(skew);
        let line = Run::new(place, time, weather, gate);
        let kept: &'static Kept = KEPT.with(|kept| kept[actor]);
        let transport = Transport {
            http: SharedHttpClient::new(Line(Arc::clone(&line))),
            time: SharedTimeSource::new(time),
            address: "http://cloud.invalid".to_owned(),
        };
        let clock = Clock::new(move || time.now());
        let mut host = Host::simulated(clock, transport, Some(cancel), Streams::Kept(kept));
        host.sign_in.clone_from(&self.sign_in.lock().unwrap());
        let mut words = order.words();
        words.extend(self.words.lock().unwrap().iter().cloned());
        let end = tokio::select! {
            biased;
            () = line.death() => End::Killed,
            // A future of all that a command is would be too large to lay out inline.
            code = Box::pin(run(host, words)) as Pin<Box<dyn Future<Output = ExitCode>>> => End::Exit(code),
            () = tokio::time::sleep(HANGS) => End::Hung,
        };
        let over = Over {
            end: if line.is_dead() { End::Killed } else { end },
            calls: line.calls(),
            output: kept.take(),
        };
        self.judge(order, &over);
        over
    }

    /// Holds what a run said against the laws.
    #[expect(
        clippy::print_stdout,
        reason = "whoever plays one history wants to see it"
    )]
    fn judge(&self, order: &Order, over: &Over) {
        let name = order.name();
        let line = format!("{name} -> {:?} after {} calls", over.end, over.calls.len());
        if SPEAK.get() {
            let calls: Vec<&str> = over.calls.iter().map(|call| call.action.as_str()).collect();
            println!("== {line}: {}\n{}", calls.join(" "), over.output);
        }
        self.log.lock().unwrap().push(line);
        if let Some(control) = controls(&over.output) {
            self.laws.broken(format!("I8: {name} printed {control:?}"));
        }
        if over.end == End::Hung {
            self.laws.broken(format!("{name} hung"));
        }
        if over.output.contains("rule of its own") {
            self.laws
                .broken(format!("{name} made a plan that breaks a rule"));
        }
    }

    /// Lets time go by.
    pub(super) async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// What a test is told to play.
#[expect(clippy::disallowed_methods, reason = "a test is told what to play")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

thread_local! {
    /// Whether what commands ask and print is shown.
    pub(super) static SPEAK: Cell<bool> = const { Cell::new(false) };
    /// What the commands of two actors print; each run takes it away when it is over.
    static KEPT: [&'static Kept; 2] = [Box::leak(Box::default()), Box::leak(Box::default())];
}

/// Plays a history in a runtime of its own, whose clock stands still while anybody works.
pub(super) fn play<T>(seed: u64, settings: Settings, story: impl AsyncFnOnce(&History) -> T) -> T {
    // The pauses between the SDK's attempts are drawn from this.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let history = History::new(settings);
        story(&history).await
    })
}

/// A folder with specs, written once for all histories.
pub(super) struct Specs(tempfile::TempDir);

impl Specs {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The folder with all of them.
    pub(super) fn folder(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// The path of one.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.yaml"))
    }

    /// Writes one, and gives its path.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}
