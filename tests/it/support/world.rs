//! One scenario on two clouds: the embedded one and moto, and the same story on both.

use serde_json::{Value, json};

use super::{LocalCloud, Moto, Run, Sandbox, Witness};

/// The region of every scenario: moto knows Amazon's images in this one.
pub(crate) const REGION: &str = "us-east-1";
/// The environment of every scenario.
pub(crate) const LAB: &str = "lab";

/// Where moto is known to differ from AWS in something that a snapshot shows.
///
/// Each is taken out of both clouds' snapshots, at a pointer below an instance.
const DIFFERENCES: [(&str, &str); 4] = [
    (
        "/protected",
        "moto forgets DisableApiTermination at launch; the scenario asserts it on the embedded cloud",
    ),
    ("/zone", "where no zone is asked for, each cloud picks one"),
    (
        "/subnet",
        "where no subnet is asked for, each cloud picks one",
    ),
    (
        "/interfaces",
        "ids are each cloud's own; the tags of interfaces are asserted by themselves",
    ),
];

enum Cloud {
    Local(LocalCloud),
    Moto(Moto),
}

/// A cloud, a place to work in, a witness, and what was seen so far.
pub(crate) struct World {
    cloud: Cloud,
    pub(crate) sandbox: Sandbox,
    pub(crate) witness: Witness,
    /// Ids of this cloud with the words that stand for them in snapshots.
    words: Vec<(String, String)>,
    seen: Vec<Value>,
}

/// Plays a scenario on both clouds, side by side, and compares what was seen on each.
#[track_caller]
pub(crate) fn both(scenario: impl Fn(&mut World) + Send + Sync) {
    let (local, moto) = std::thread::scope(|scope| {
        let local = scope.spawn(|| play(Cloud::Local(LocalCloud::start()), &scenario));
        let moto = scope.spawn(|| play(Cloud::Moto(Moto::start()), &scenario));
        (local.join(), moto.join())
    });
    let (local, moto) = (
        local.expect("the scenario failed on the embedded cloud"),
        moto.expect("the scenario failed on moto"),
    );
    assert_eq!(local.len(), moto.len());
    for (local, moto) in local.iter().zip(&moto) {
        let (local, moto) = (format!("{local:#}"), format!("{moto:#}"));
        assert!(
            local == moto,
            "the clouds differ (- embedded, + moto):\n{}",
            similar::TextDiff::from_lines(&local, &moto)
                .unified_diff()
                .context_radius(12)
        );
    }
}

/// Plays a scenario on the embedded cloud alone; the caller says why moto cannot.
#[track_caller]
pub(crate) fn embedded(scenario: impl Fn(&mut World)) {
    play(Cloud::Local(LocalCloud::start()), scenario);
}

/// Plays a scenario on moto alone; the caller says why the embedded cloud cannot.
#[track_caller]
pub(crate) fn on_moto(scenario: impl Fn(&mut World)) {
    play(Cloud::Moto(Moto::start()), scenario);
}

/// What was seen in a scenario that ended with nothing left.
fn play(cloud: Cloud, scenario: impl Fn(&mut World)) -> Vec<Value> {
    let mut world = World::on(cloud);
    scenario(&mut world);
    world.destroy();
    world.seen
}

impl World {
    fn on(cloud: Cloud) -> Self {
        let address = match &cloud {
            Cloud::Local(local) => local.address(),
            Cloud::Moto(moto) => moto.address(),
        };
        let sandbox = Sandbox::at(address);
        let witness = Witness::of(address, REGION);
        let world = Self {
            cloud,
            sandbox,
            witness,
            words: Vec::new(),
            seen: Vec::new(),
        };
        for name in ["trainer", "reader"] {
            world.make_profile(name);
        }
        world
    }

    /// Whether this is the embedded cloud.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.cloud, Cloud::Local(_))
    }

    /// Kills an apply while a request of its is on the way: before it has its effect, or after.
    ///
    /// Only on the embedded cloud, which can be made to wait.
    #[track_caller]
    pub(crate) fn apply_and_die(&self, action: &str, nth: u32, when: &str) {
        let Cloud::Local(cloud) = &self.cloud else {
            panic!("only the embedded cloud can stall");
        };
        cloud.forget_requests();
        cloud.order(&json!([{"action": action, "nth": nth, "when": when, "do": "stall"}]));
        let mut apply = self.sandbox.start(&["apply", "--yes", "--settle", "1s"]);
        cloud.await_requests(&format!("ec2 {action}"), nth as usize);
        apply.kill().unwrap();
        apply.wait().unwrap();
        cloud.no_faults();
    }

    /// An order to the embedded cloud; moto takes none.
    #[track_caller]
    pub(crate) fn order(&self, path: &str, body: &Value) -> Value {
        let Cloud::Local(cloud) = &self.cloud else {
            panic!("only the embedded cloud takes orders");
        };
        cloud.control("POST", path, &body.to_string())
    }

    /// How often the embedded cloud was asked for something since the last look, as `service action`.
    #[track_caller]
    pub(crate) fn asked(&self, request: &str) -> usize {
        let Cloud::Local(cloud) = &self.cloud else {
            panic!("only the embedded cloud tells what it was asked for");
        };
        let requests = cloud.requests();
        cloud.forget_requests();
        requests.iter().filter(|one| *one == request).count()
    }

    /// Makes an instance profile; the embedded cloud has no IAM, only names.
    pub(crate) fn make_profile(&self, name: &str) {
        match &self.cloud {
            Cloud::Local(local) => {
                local.control("POST", "profiles", &json!({"name": name}).to_string());
            }
            Cloud::Moto(_) => {
                self.witness.ask("profile", &json!({"name": name}));
            }
        }
    }

    /// Lets a word stand for an id of this cloud in what is compared.
    pub(crate) fn call(&mut self, id: &str, word: &str) {
        self.words.push((id.to_owned(), word.to_owned()));
    }

    /// Writes the scenario's spec: what stands below the shared head.
    pub(crate) fn spec(&self, body: &str) {
        let head = format!(
            "version: 1\nname: {LAB}\naccount: \"123456789012\"\nregion: {REGION}\nlease: 4h\n"
        );
        self.sandbox
            .write("environments/lab.yaml", format!("{head}{body}"));
    }

    /// Runs the binary, with a settle window that suits a cloud on this machine.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--settle", "1s"]);
        self.sandbox.run(&arguments)
    }

    /// The plan for people; there must be something to do.
    #[track_caller]
    pub(crate) fn plan(&self) -> String {
        let run = self.run(&["plan", "--detailed-exitcode"]);
        run.expect(2);
        run.stdout
    }

    /// Applies, notes what was planned and what is there now, and plans to nothing; what was said.
    #[track_caller]
    pub(crate) fn apply(&mut self) -> String {
        let planned = self.run(&["plan", "--format", "json"]);
        let planned = planned.expect(0).json();
        let steps = self.steps(&planned);
        let applied = self.run(&["apply", "--yes"]);
        applied.expect(0);
        self.nothing_to_do();
        let there = self.there();
        self.seen.push(json!({"steps": steps, "there": there}));
        applied.stdout + &applied.stderr
    }

    /// Fails unless the plan is empty.
    #[track_caller]
    pub(crate) fn nothing_to_do(&self) {
        self.run(&["plan", "--detailed-exitcode"]).expect(0);
    }

    /// The instance with a number of the group `trainer`.
    #[track_caller]
    pub(crate) fn trainer(&self, number: u32) -> Value {
        self.member("trainer", number)
    }

    /// The instance with a number of a group.
    #[track_caller]
    pub(crate) fn member(&self, group: &str, number: u32) -> Value {
        let is = |one: &Value| one["tags"]["trainyard:group"] == group && one["ordinal"] == number;
        let mut found = self.witness.alive(LAB);
        found.retain(is);
        assert_eq!(found.len(), 1, "{group}[{number}]: {found:#?}");
        found.remove(0)
    }

    /// Ends everything by name alone; the witness sees none but terminated instances, and no volume.
    #[track_caller]
    fn destroy(&self) {
        let place = ["--region", REGION, "--account", "123456789012"];
        let arguments = [&["destroy", LAB, "--yes", "--lift-protection"][..], &place].concat();
        self.run(&arguments).expect(0);
        for one in self.witness.instances(LAB) {
            assert_eq!(one["state"], "terminated", "{one:#}");
        }
        assert_eq!(self.witness.volumes(LAB), Vec::<Value>::new());
    }

    /// What a plan would do and why, without what only one cloud can say.
    fn steps(&self, document: &Value) -> Value {
        let mut steps = Vec::new();
        for plan in document["plans"].as_array().unwrap() {
            for step in plan["steps"].as_array().unwrap() {
                let action = &step["action"];
                let instances = action["instances"].as_array();
                let doomed: Vec<Value> = instances
                    .into_iter()
                    .flatten()
                    .map(|one| json!([one["address"], one["replaced_because"]]))
                    .collect();
                steps.push(json!({
                    "verb": step["verb"],
                    "reason": step["reason"],
                    "after": step["after"],
                    "address": action["address"],
                    "addresses": action["addresses"],
                    "incarnation": action["incarnation"],
                    "changes": action["changes"],
                    "doomed": doomed,
                    "files": action["files"],
                }));
            }
        }
        self.in_words(&json!(steps))
    }

    /// What the witness sees, without what only one cloud can say.
    fn there(&self) -> Value {
        let mut alive = self.witness.alive(LAB);
        alive.sort_by_key(|one| {
            let group = one["tags"]["trainyard:group"].to_string();
            (group, one["ordinal"].as_u64())
        });
        for one in &mut alive {
            for (pointer, _) in DIFFERENCES {
                remove(one, pointer);
            }
            for field in ["/id", "/image", "/token"] {
                remove(one, field);
            }
            // Digests over ids of this cloud, where a spec names some.
            remove(one, "/tags/trainyard:spec");
            for disk in one["disks"].as_object_mut().unwrap().values_mut() {
                remove(disk, "/id");
                remove(disk, "/tags/trainyard:spec");
            }
        }
        self.in_words(&json!(alive))
    }

    fn in_words(&self, value: &Value) -> Value {
        let mut text = value.to_string();
        for (id, word) in &self.words {
            text = text.replace(id, word);
        }
        serde_json::from_str(&text).unwrap()
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).and_then(Value::as_object_mut);
    let removed = parent.and_then(|parent| parent.remove(key));
    drop(removed);
}
