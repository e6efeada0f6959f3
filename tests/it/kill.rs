//! The real binary, killed at its worst moments, and interrupted by Ctrl-C.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{LocalCloud, Sandbox, Witness};

/// How long to wait for something that is certain to come; far longer than it takes.
const PATIENCE: u32 = 6_000;
const LOOK: Duration = Duration::from_millis(10);

fn lab(count: u32, group: &str) -> String {
    format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  {group}:\n    count: {count}\n    type: t3.small\n    iam_profile: trainer\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n"
    )
}

/// When the first apply dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The launch has been sent and not been taken.
    BeforeTheLaunch,
    /// The launch has been made, and its answer never came.
    AfterTheLaunch,
    /// The answer came; the instances are not seen to run yet.
    WhileWaiting,
}

const MOMENTS: [Moment; 3] = [
    Moment::BeforeTheLaunch,
    Moment::AfterTheLaunch,
    Moment::WhileWaiting,
];

impl Moment {
    /// What stalls, and the request that is then on its way.
    fn fault(self) -> Value {
        match self {
            Self::BeforeTheLaunch => stall("RunInstances", 1, "before"),
            Self::AfterTheLaunch => stall("RunInstances", 1, "after"),
            // The first listing is the plan's, the second waits for the launch.
            Self::WhileWaiting => stall("DescribeInstances", 2, "before"),
        }
    }

    fn sent(self) -> (&'static str, usize) {
        match self {
            Self::BeforeTheLaunch | Self::AfterTheLaunch => ("ec2 RunInstances", 1),
            Self::WhileWaiting => ("ec2 DescribeInstances", 2),
        }
    }
}

fn stall(action: &str, nth: u32, when: &str) -> Value {
    json!([{"action": action, "nth": nth, "when": when, "do": "stall"}])
}

struct Place {
    cloud: LocalCloud,
    sandbox: Sandbox,
    witness: Witness,
}

impl Place {
    fn with(spec: &str) -> Self {
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
    fn arrived(&self, request: &str, times: usize) {
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
    fn apply_and_die(&self, moment: Moment) {
        let mut apply = self.stalled_apply(moment);
        kill(&mut apply);
        self.cloud.no_faults();
    }

    #[track_caller]
    fn stalled_apply(&self, moment: Moment) -> Child {
        self.cloud.forget_requests();
        self.cloud.order(&moment.fault());
        let apply = self.sandbox.start(&["apply", "--yes", "--settle", "1s"]);
        let (request, times) = moment.sent();
        self.arrived(request, times);
        apply
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> crate::support::Run {
        self.sandbox.run(&[arguments, &["--settle", "1s"]].concat())
    }

    /// Fails unless there is exactly what was asked for, and never was anything else.
    #[track_caller]
    fn exactly(&self, count: u64) {
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
    fn nothing(&self) {
        for one in self.witness.instances("lab") {
            assert_eq!(one["state"], "terminated", "{one:#}");
        }
        let volumes = self.witness.ask("all_volumes", &json!({}));
        assert_eq!(volumes, json!([]), "a volume is left");
    }
}

/// SIGKILL: nothing in the process gets a word in.
fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

fn interrupt(process: &Child) {
    let command = format!("kill -INT {}", process.id());
    let sent = Command::new("sh").args(["-c", &command]).status().unwrap();
    assert!(sent.success());
}

/// Starts the binary with both its outputs in a file.
fn start_talking(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let file = File::create(sandbox.folder().join("said")).unwrap();
    sandbox
        .command(arguments)
        .stdout(Stdio::from(file.try_clone().unwrap()))
        .stderr(Stdio::from(file))
        .spawn()
        .unwrap()
}

fn said(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.folder().join("said")).unwrap()
}

#[track_caller]
fn until_it_says(sandbox: &Sandbox, words: &str) {
    for _ in 0..PATIENCE {
        if said(sandbox).contains(words) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    panic!("{words:?} was never said:\n{}", said(sandbox));
}

#[test]
fn a_killed_apply_is_finished_by_the_next() {
    for moment in MOMENTS {
        for count in [1, 5] {
            let place = Place::with(&lab(count, "trainer"));
            place.apply_and_die(moment);
            place.run(&["apply", "--yes"]).expect(0);
            place.exactly(u64::from(count));
        }
    }
}

#[test]
fn killed_twice_it_is_still_one_launch() {
    for moment in MOMENTS {
        let place = Place::with(&lab(5, "trainer"));
        place.apply_and_die(Moment::AfterTheLaunch);
        place.apply_and_die_if_it_gets_there(moment);
        place.run(&["apply", "--yes"]).expect(0);
        place.exactly(5);
    }
}

impl Place {
    /// A second apply may see what the first one launched and have nothing to launch.
    fn apply_and_die_if_it_gets_there(&self, moment: Moment) {
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

#[test]
fn destroy_ends_what_a_killed_apply_left() {
    for moment in MOMENTS {
        let place = Place::with(&lab(5, "trainer"));
        place.apply_and_die(moment);
        place.run(&["destroy", "lab", "--yes"]).expect(0);
        place.nothing();
    }
}

#[test]
fn a_killed_destroy_is_finished_by_the_next() {
    for when in ["before", "after"] {
        let place = Place::with(&lab(3, "trainer"));
        place.run(&["apply", "--yes"]).expect(0);
        place.cloud.forget_requests();
        place.cloud.order(&stall("TerminateInstances", 1, when));
        let mut destroy = place.sandbox.start(&["destroy", "lab", "--yes"]);
        place.arrived("ec2 TerminateInstances", 1);
        kill(&mut destroy);
        place.cloud.no_faults();
        place.run(&["destroy", "lab", "--yes"]).expect(0);
        place.nothing();
    }
}

#[test]
fn a_second_apply_beside_a_stalled_one_launches_nothing_twice() {
    for moment in MOMENTS {
        let place = Place::with(&lab(5, "trainer"));
        let mut first = place.stalled_apply(moment);
        place.run(&["apply", "--yes"]).expect(0);
        place.exactly(5);
        kill(&mut first);
        place.exactly(5);
    }
}

#[test]
fn applies_at_the_same_time_launch_once() {
    let place = Place::with(&lab(5, "trainer"));
    let applies: Vec<Child> = (0..4)
        .map(|_| place.sandbox.start(&["apply", "--yes", "--settle", "1s"]))
        .collect();
    for mut apply in applies {
        assert!(apply.wait().unwrap().success());
    }
    place.exactly(5);
}

#[test]
fn an_apply_that_finds_instances_starting_waits_until_they_run() {
    let place = Place::with(&lab(2, "trainer"));
    place.apply_and_die(Moment::AfterTheLaunch);
    // Now the instances are listed, and do not run yet.
    for _ in 0..PATIENCE {
        if place.witness.instances("lab").len() == 2 {
            break;
        }
        std::thread::sleep(LOOK);
    }
    place.run(&["apply", "--yes"]).expect(0);
    for one in place.witness.instances("lab") {
        assert_eq!(one["state"], "running", "{one:#}");
    }
    place.exactly(2);
}

#[test]
fn a_lost_answer_is_asked_for_again_within_one_run() {
    let place = Place::with(&lab(5, "trainer"));
    let lost = json!([{"action": "RunInstances", "nth": 1, "when": "after", "do": "drop"}]);
    place.cloud.order(&lost);
    place.run(&["apply", "--yes"]).expect(0);
    place.exactly(5);
}

#[test]
fn one_interrupt_while_instances_start_says_what_exists() {
    let place = Place::with(&lab(3, "trainer"));
    let arguments = ["apply", "--yes", "--settle", "1s"];
    let mut apply = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 RunInstances", 1);
    place.arrived("ec2 DescribeInstances", 2);
    interrupt(&apply);
    let code = apply.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("these exist, or may exist:"), "{said}");
    place.run(&["apply", "--yes"]).expect(0);
    place.exactly(3);
    // What was said to exist is what there is: the second run launched nothing.
    for one in place.witness.instances("lab") {
        assert!(said.contains(one["id"].as_str().unwrap()), "{said}");
    }
}

#[test]
fn one_interrupt_lets_a_stalled_launch_finish_and_says_what_exists() {
    let place = Place::with(&lab(3, "trainer"));
    place.cloud.order(&stall("RunInstances", 1, "before"));
    let arguments = ["apply", "--yes", "--settle", "1s"];
    let mut apply = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 RunInstances", 1);
    interrupt(&apply);
    until_it_says(&place.sandbox, "again to leave at once");
    // The client gives the attempt up after half a minute and asks again.
    let code = apply.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("these exist, or may exist:"), "{said}");
    let told: Vec<&str> = said
        .lines()
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(first, _)| first)
        .filter(|first| first.starts_with("i-"))
        .collect();
    assert_eq!(told.len(), 3, "{said}");
    place.run(&["apply", "--yes"]).expect(0);
    place.exactly(3);
    for one in place.witness.instances("lab") {
        assert!(told.contains(&one["id"].as_str().unwrap()), "{said}");
    }
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    // The group that is launched first is running by the time the other one stalls.
    let two = lab(1, "trainer").replace("instances:\n", "instances:\n  awaited:\n    type: t3.small\n    image: {ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}\n");
    let place = Place::with(&two);
    place.cloud.order(&stall("RunInstances", 2, "after"));
    let arguments = ["apply", "--yes", "--settle", "1s"];
    let mut apply = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 RunInstances", 2);
    until_it_says(&place.sandbox, "1 instance running");
    interrupt(&apply);
    until_it_says(&place.sandbox, "again to leave at once");
    assert!(apply.try_wait().unwrap().is_none(), "one was enough");
    interrupt(&apply);
    let code = apply.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("left at once"), "{said}");
    assert!(said.contains("to go on: trainyard apply"), "{said}");
    let running = said.split("left at once").nth(1).unwrap();
    let ids: Vec<String> = place
        .witness
        .instances("lab")
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(
        ids.iter().any(|id| running.contains(id)),
        "the one that is known is missing from:\n{said}"
    );
    place.run(&["apply", "--yes"]).expect(0);
    assert_eq!(place.witness.alive("lab").len(), 2);
    place.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn an_interrupted_destroy_says_what_is_left() {
    let place = Place::with(&lab(3, "trainer"));
    place.run(&["apply", "--yes"]).expect(0);
    place.cloud.forget_requests();
    let arguments = ["destroy", "lab", "--yes", "--settle", "1s"];
    let mut destroy = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 TerminateInstances", 1);
    place.arrived("ec2 DescribeInstances", 2);
    interrupt(&destroy);
    let code = destroy.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("alive, or not known to be gone:"), "{said}");
    assert!(said.contains("to go on: trainyard destroy lab"), "{said}");
    for one in place.witness.instances("lab") {
        assert!(said.contains(one["id"].as_str().unwrap()), "{said}");
    }
    place.run(&["destroy", "lab", "--yes"]).expect(0);
    place.nothing();
}

#[test]
fn a_destroy_that_is_interrupted_while_it_watches_claims_nothing() {
    let place = Place::with(&lab(1, "trainer"));
    place.run(&["apply", "--yes"]).expect(0);
    let arguments = ["destroy", "lab", "--yes", "--settle", "60s"];
    let mut destroy = start_talking(&place.sandbox, &arguments);
    until_it_says(&place.sandbox, "because a listing may lag behind");
    interrupt(&destroy);
    let code = destroy.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped before it was proven"), "{said}");
    assert!(!said.contains("is gone"), "{said}");
}

#[test]
fn listings_that_cannot_be_read_are_never_taken_for_nothing() {
    let place = Place::with(&lab(2, "trainer"));
    place.run(&["apply", "--yes"]).expect(0);
    let refused: Vec<Value> = (1..=3)
        .map(|nth| {
            json!({"action": "DescribeInstances", "nth": nth, "when": "before",
                "do": {"error": {"code": "UnauthorizedOperation", "status": 403, "message": "no"}}})
        })
        .collect();
    place.cloud.order(&json!(refused));
    let destroyed = place.run(&["destroy", "lab", "--yes"]);
    destroyed
        .expect(5)
        .says(&["whether anything is left is not known"]);
    place.cloud.no_faults();
    place.exactly(2);
    place.cloud.order(&json!(refused));
    place.run(&["plan"]).expect(1);
    place.cloud.no_faults();
}
