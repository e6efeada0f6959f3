//! A cloud of a test's own, and applies that are stopped at a chosen moment.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{LocalCloud, Run, Sandbox, Witness};

/// How long to wait for something that is certain to come; far longer than it takes.
pub(super) const PATIENCE: u32 = 6_000;

pub(super) const LOOK: Duration = Duration::from_millis(10);

pub(super) fn lab(count: u32, group: &str) -> String {
    format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  {group}:\n    count: {count}\n    type: t3.small\n    iam_profile: trainer\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n"
    )
}

/// When the first apply dies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// The launch has been sent and not been taken.
    BeforeTheLaunch,
    /// The launch has been made, and its answer never came.
    AfterTheLaunch,
    /// The answer came; the instances are not seen to run yet.
    WhileWaiting,
}

pub(super) const MOMENTS: [Moment; 3] = [
    Moment::BeforeTheLaunch,
    Moment::AfterTheLaunch,
    Moment::WhileWaiting,
];

impl Moment {
    /// What stalls, and the request that is then on its way.
    pub(super) fn fault(self) -> Value {
        match self {
            Self::BeforeTheLaunch => stall("RunInstances", 1, "before"),
            Self::AfterTheLaunch => stall("RunInstances", 1, "after"),
            // The first listing is the plan's, the second waits for the launch.
            Self::WhileWaiting => stall("DescribeInstances", 2, "before"),
        }
    }

    pub(super) fn sent(self) -> (&'static str, usize) {
        match self {
            Self::BeforeTheLaunch | Self::AfterTheLaunch => ("ec2 RunInstances", 1),
            Self::WhileWaiting => ("ec2 DescribeInstances", 2),
        }
    }
}

pub(super) fn stall(action: &str, nth: u32, when: &str) -> Value {
    json!([{"action": action, "nth": nth, "when": when, "do": "stall"}])
}

pub(super) struct Place {
    pub(super) cloud: LocalCloud,
    pub(super) sandbox: Sandbox,
    pub(super) witness: Witness,
}

impl Place {
    pub(super) fn with(spec: &str) -> Self {
        let cloud = LocalCloud::start();
        let sandbox = Sandbox::at(cloud.address());
        sandbox.write("environments/lab.yaml", spec);
        let witness = Witness::of(cloud.address(), "us-east-1");
        Self {
            cloud,
            sandbox,
            witness,
        }
    }

    /// Waits until a request has arrived so many times.
    #[track_caller]
    pub(super) fn arrived(&self, request: &str, times: usize) {
        for _ in 0..PATIENCE {
            let all = self.cloud.requests();
            if all.iter().filter(|one| *one == request).count() >= times {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("{request} never came {times} times");
    }

    /// Starts an apply and kills it at a moment; the faults are over then.
    #[track_caller]
    pub(super) fn apply_and_die(&self, moment: Moment) {
        let mut apply = self.stalled_apply(moment);
        kill(&mut apply);
        self.cloud.no_faults();
    }

    #[track_caller]
    pub(super) fn stalled_apply(&self, moment: Moment) -> Child {
        self.cloud.forget_requests();
        self.cloud.order(&moment.fault());
        let apply = self.sandbox.start(&["apply", "--yes", "--settle", "1s"]);
        let (request, times) = moment.sent();
        self.arrived(request, times);
        apply
    }

    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        self.sandbox.run(&[arguments, &["--settle", "1s"]].concat())
    }

    /// Fails unless there is exactly what was asked for, and never was anything else.
    #[track_caller]
    pub(super) fn exactly(&self, count: u64) {
        self.run(&["plan", "--detailed-exitcode"]).expect(0);
        let all = self.witness.instances("lab");
        let mut ordinals: Vec<u64> = all
            .iter()
            .map(|one| {
                assert_eq!(one["state"], "running", "{one:#}");
                assert_eq!(one["profile"], "trainer", "{one:#}");
                one["ordinal"].as_u64().unwrap()
            })
            .collect();
        ordinals.sort_unstable();
        assert_eq!(ordinals, (0..count).collect::<Vec<_>>());
        let status = self.run(&["status", "lab", "--format", "json"]).json();
        let told = status["environments"][0]["instances"].as_array().unwrap();
        assert_eq!(told.len() as u64, count);
    }

    /// Fails unless the cloud holds nothing that lives, and no volume.
    #[track_caller]
    pub(super) fn nothing(&self) {
        for one in self.witness.instances("lab") {
            assert_eq!(one["state"], "terminated", "{one:#}");
        }
        let volumes = self.witness.ask("all_volumes", &json!({}));
        assert_eq!(volumes, json!([]), "a volume is left");
    }
}

/// SIGKILL: nothing in the process gets a word in.
pub(super) fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

pub(super) fn interrupt(process: &Child) {
    let command = format!("kill -INT {}", process.id());
    let sent = Command::new("sh").args(["-c", &command]).status().unwrap();
    assert!(sent.success());
}

/// Starts the binary with both its outputs in a file.
pub(super) fn start_talking(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let file = File::create(sandbox.folder().join("said")).unwrap();
    sandbox
        .command(arguments)
        .stdout(Stdio::from(file.try_clone().unwrap()))
        .stderr(Stdio::from(file))
        .spawn()
        .unwrap()
}

pub(super) fn said(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.folder().join("said")).unwrap()
}

#[track_caller]
pub(super) fn until_it_says(sandbox: &Sandbox, words: &str) {
    for _ in 0..PATIENCE {
        if said(sandbox).contains(words) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    panic!("{words:?} was never said:\n{}", said(sandbox));
}

impl Place {
    /// A second apply may see what the first one launched and have nothing to launch.
    pub(super) fn apply_and_die_if_it_gets_there(&self, moment: Moment) {
        self.cloud.forget_requests();
        self.cloud.order(&moment.fault());
        let mut apply = self.sandbox.start(&["apply", "--yes", "--settle", "1s"]);
        let (request, times) = moment.sent();
        for _ in 0..PATIENCE {
            let all = self.cloud.requests();
            let there = all.iter().filter(|one| *one == request).count() >= times;
            if there || apply.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        if apply.try_wait().unwrap().is_none() {
            kill(&mut apply);
        }
        self.cloud.no_faults();
    }
}
