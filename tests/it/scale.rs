//! How few requests a thousand instances take: EC2 lends out a few launches and gives
//! two more a second (EC2 API throttling), and everybody in the account shares them.

use crate::support::{LocalCloud, Sandbox, Witness};

/// What "nothing to do" may ask for a thousand instances, whoever they belong to.
const MOST_OF_A_PLAN: usize = 20;

fn spec(name: &str, count: u32) -> String {
    format!(
        "version: 1\nname: {name}\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  worker:\n    count: {count}\n    type: t3.small\n    zone: us-east-1a\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n"
    )
}

struct Place {
    cloud: LocalCloud,
    sandbox: Sandbox,
}

impl Place {
    fn new() -> Self {
        let cloud = LocalCloud::start();
        let sandbox = Sandbox::at(cloud.address());
        Self { cloud, sandbox }
    }

    /// Runs a command that ends well; only its requests are remembered.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        self.cloud.forget_requests();
        let run = self.sandbox.run(&[arguments, &["--settle", "1s"]].concat());
        run.expect(0);
        run.stdout + &run.stderr
    }

    #[track_caller]
    fn at_most(&self, most: usize, action: &str) {
        let number = self.cloud.number_of(action);
        assert!((1..=most).contains(&number), "{number} {action}");
    }

    fn alive(&self, environment: &str) -> usize {
        let witness = Witness::of(self.cloud.address(), "us-east-1");
        let arguments = serde_json::json!({"environment": environment});
        let told = witness.ask("circumstances", &arguments);
        told.as_array().unwrap().len()
    }

    /// The requests of a plan that finds nothing to do, in order of names.
    #[track_caller]
    fn plan(&self) -> Vec<String> {
        self.run(&["plan", "--detailed-exitcode"]);
        let mut requests = self.cloud.requests();
        requests.sort();
        requests
    }
}

#[test]
fn a_hundred_equal_instances_are_at_most_two_launches() {
    let place = Place::new();
    place
        .sandbox
        .write("environments/lab.yaml", spec("lab", 100));
    let said = place.run(&["apply", "--yes"]);
    assert!(said.contains("100 instances running"), "{said}");
    place.at_most(2, "RunInstances");
    assert_eq!(place.alive("lab"), 100);
}

#[test]
fn a_thousand_instances_take_few_requests_from_launch_to_end() {
    let place = Place::new();
    place
        .sandbox
        .write("environments/lab.yaml", spec("lab", 1_000));
    place.run(&["apply", "--yes"]);
    place.at_most(10, "RunInstances");
    assert_eq!(place.alive("lab"), 1_000);

    let requests = place.plan();
    assert!(requests.len() <= MOST_OF_A_PLAN, "{requests:#?}");

    let said = place.run(&["destroy", "lab", "--yes"]);
    let proof = "lab is gone: 1000 instances read back as terminated";
    assert!(said.contains(proof), "{said}");
    place.at_most(5, "TerminateInstances");
    assert_eq!(place.alive("lab"), 0);
}

#[test]
fn a_plan_asks_as_much_for_two_hundred_environments_as_for_one() {
    let place = Place::new();
    // One name for all machines, so that what runs in one environment suits another.
    let write = |number: u32| {
        let name = format!("lab-{number}");
        let spec = spec(&name, 5) + "    tags: {Name: worker}\n";
        place
            .sandbox
            .write(&format!("environments/{name}.yaml"), spec);
        name
    };
    write(1);
    place.run(&["apply", "--yes"]);
    let one = place.plan();
    let others: Vec<String> = (2..=200).map(write).collect();
    let witness = Witness::of(place.cloud.address(), "us-east-1");
    let arguments = serde_json::json!({"environment": "lab-1", "names": others});
    witness.ask("copy", &arguments);
    let all = place.plan();
    assert!(all.len() <= MOST_OF_A_PLAN, "{all:#?}");
    // A listing has more pages, and nothing is asked for each of the environments.
    assert_eq!(kinds(one), kinds(all));
}

fn kinds(mut requests: Vec<String>) -> Vec<String> {
    requests.dedup();
    requests
}

#[test]
fn ways_in_are_listed_once_for_all_environments() {
    let place = Place::new();
    let mut asked = Vec::new();
    for number in 1..=3 {
        let name = format!("lab-{number}");
        let spec = spec(&name, 1) + "    ssh: {from: 203.0.113.0/24}\n    placement: cluster\n";
        let spec = spec.replace("t3.small", "c5.xlarge");
        place
            .sandbox
            .write(&format!("environments/{name}.yaml"), spec);
        place.run(&["apply", "--yes"]);
        asked.push(place.plan());
    }
    assert_eq!(asked[0], asked[1]);
    assert_eq!(asked[0], asked[2]);
}
