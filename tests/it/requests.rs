//! How many requests a command makes, counted by the cloud that answers them.

use crate::support::{LocalCloud, Sandbox};

/// Of which three are to know what is there, and the rest to know what the spec names.
const MOST: usize = 10;
/// A destroy lists what goes with instances once more at its end.
const AT_THE_END: usize = 3;

fn lab(count: u32) -> String {
    format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  trainer:\n    count: {count}\n    type: t3.small\n    iam_profile: trainer\n    security_groups: [default]\n    disk: {{size: 30 GiB}}\n    volumes: {{/dev/sdf: {{size: 10 GiB}}}}\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n"
    )
}

struct Place {
    cloud: LocalCloud,
    sandbox: Sandbox,
}

impl Place {
    fn with(count: u32) -> Self {
        let cloud = LocalCloud::start();
        let sandbox = Sandbox::at(cloud.address());
        sandbox.write("environments/lab.yaml", lab(count));
        Self { cloud, sandbox }
    }

    /// The requests of a command that ends well.
    #[track_caller]
    fn requests(&self, arguments: &[&str]) -> Vec<String> {
        self.cloud.forget_requests();
        self.sandbox
            .run(&[arguments, &["--settle", "1s"]].concat())
            .expect(0);
        self.cloud.requests()
    }

    #[track_caller]
    fn apply(&self) -> Vec<String> {
        self.requests(&["apply", "--yes"])
    }

    #[track_caller]
    fn plan(&self) -> Vec<String> {
        self.requests(&["plan", "--detailed-exitcode"])
    }
}

/// The requests without the reads that wait for the effect of `change`.
fn without_waiting(requests: &[String], change: &str) -> Vec<String> {
    let begun = requests.iter().position(|one| one == change);
    let begun = begun.unwrap_or_else(|| panic!("no {change} in {requests:?}"));
    let waits = |one: &str| one == "ec2 DescribeInstances" || one == "ec2 DescribeVolumes";
    requests
        .iter()
        .enumerate()
        .filter(|(place, one)| *place < begun || !waits(one))
        .map(|(_, one)| one.clone())
        .collect()
}

fn number_of(requests: &[String], action: &str) -> usize {
    requests.iter().filter(|one| *one == action).count()
}

#[test]
fn a_plan_without_changes_asks_as_much_for_one_as_for_a_hundred() {
    let mut counts = Vec::new();
    for count in [1, 100] {
        let place = Place::with(count);
        place.apply();
        let mut requests = place.plan();
        requests.sort();
        counts.push(requests);
    }
    assert_eq!(counts[0], counts[1]);
    let expected = [
        "ec2 DescribeInstances",
        "ec2 DescribeVolumes",
        // Whether there is a newer image.
        "ssm GetParameters",
        "sts GetCallerIdentity",
    ];
    assert_eq!(counts[0], expected);
}

#[test]
fn a_hundred_equal_instances_are_one_launch() {
    let place = Place::with(100);
    let requests = place.apply();
    assert_eq!(number_of(&requests, "ec2 RunInstances"), 1);
    let asked = without_waiting(&requests, "ec2 RunInstances");
    assert!(asked.len() <= MOST, "{} requests: {asked:#?}", asked.len());
}

#[test]
fn launching_one_asks_no_less_than_launching_a_hundred() {
    let asked = |count: u32| {
        let mut asked = without_waiting(&Place::with(count).apply(), "ec2 RunInstances");
        asked.sort();
        asked
    };
    assert_eq!(asked(1), asked(100));
}

#[test]
fn destroying_a_hundred_asks_once() {
    let place = Place::with(100);
    place.apply();
    let requests = place.requests(&["destroy", "lab", "--yes"]);
    assert_eq!(number_of(&requests, "ec2 TerminateInstances"), 1);
    let asked = without_waiting(&requests, "ec2 TerminateInstances");
    assert!(
        asked.len() <= MOST + AT_THE_END,
        "{} requests: {asked:#?}",
        asked.len()
    );
}

#[test]
fn status_asks_no_more_than_a_plan() {
    let place = Place::with(40);
    place.apply();
    let mut requests = place.requests(&["status"]);
    requests.sort();
    let mut plan = place.plan();
    plan.retain(|request| !request.starts_with("ssm "));
    plan.sort();
    assert_eq!(requests, plan);
}
