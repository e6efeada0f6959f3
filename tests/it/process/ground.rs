//! One cloud and one witness for many cases, each with an environment and a proxy of its own.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::proxy::Proxy;

use crate::support::{LocalCloud, Run, Sandbox, Talking, Witness};

/// How many cases run at a time: nearly all that they do is to wait.
const SIDE_BY_SIDE: usize = 36;

/// How many cases share a cloud and a witness.
const ON_A_GROUND: usize = 24;

/// Where cases take place.
pub(super) struct Ground {
    cloud: LocalCloud,
    witness: Witness,
}

impl Ground {
    pub(super) fn new() -> Self {
        let cloud = LocalCloud::start();
        let witness = Witness::of(cloud.address(), "us-east-1");
        Self { cloud, witness }
    }

    /// A place for one case.
    pub(super) fn case(&self, number: usize) -> Case<'_> {
        let proxy = Proxy::before(self.cloud.address());
        let sandbox = Sandbox::at(proxy.address());
        let name = name(number);
        sandbox.write("environments/one.yaml", spec(&name));
        Case {
            ground: self,
            name,
            proxy,
            sandbox,
        }
    }
}

/// How many instances the spec of a case asks for.
pub(super) const COUNT: u64 = 2;

fn spec(name: &str) -> String {
    format!(
        "version: 1\nname: {name}\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  trainer:\n    count: {COUNT}\n    type: t3.small\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n"
    )
}

/// A name that is near no other: of near ones `destroy` takes one for a slip of the pen.
fn name(number: usize) -> String {
    let mut seed = number as u64 + 1;
    let letters = (0..16).map(|_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005);
        seed = seed.wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((seed >> 33) % 26).unwrap())
    });
    letters.collect()
}

/// An environment on a shared cloud.
pub(super) struct Case<'a> {
    ground: &'a Ground,
    pub(super) name: String,
    pub(super) proxy: Proxy,
    pub(super) sandbox: Sandbox,
}

impl Case<'_> {
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        self.sandbox.run(&[arguments, &["--settle", "1s"]].concat())
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Talking {
        Talking::start(&self.sandbox, &[arguments, &["--settle", "1s"]].concat())
    }

    pub(super) fn apply(&self) -> Run {
        self.run(&["apply", "--yes"])
    }

    pub(super) fn destroy(&self) -> Run {
        self.run(&["destroy", &self.name, "--yes"])
    }

    /// Fails unless there is exactly what was asked for, and never was anything else.
    #[track_caller]
    pub(super) fn exactly(&self) {
        self.run(&["plan", "--detailed-exitcode"]).expect(0);
        let mut ordinals = Vec::new();
        for one in self.ground.witness.instances(&self.name) {
            assert_eq!(one["state"], "running", "{one:#}");
            ordinals.push(one["ordinal"].as_u64().unwrap());
        }
        ordinals.sort_unstable();
        assert_eq!(ordinals, (0..COUNT).collect::<Vec<_>>());
    }

    /// Fails unless everything has ended, and no volume is left.
    #[track_caller]
    pub(super) fn nothing(&self) {
        for one in self.ground.witness.instances(&self.name) {
            assert_eq!(one["state"], "terminated", "{one:#}");
        }
        let volumes = self.ground.witness.volumes(&self.name);
        assert_eq!(volumes, Vec::<Value>::new(), "a volume is left");
    }

    /// Sets a tag on what lives, as anybody may.
    #[track_caller]
    pub(super) fn tag(&self, key: &str, value: &str) {
        for id in self.alive() {
            let order = json!({"id": id, "key": key, "value": value});
            self.ground.witness.ask("tag", &order);
        }
    }

    /// Protects what lives from being terminated, or no more.
    #[track_caller]
    pub(super) fn protect(&self, on: bool) {
        for id in self.alive() {
            let order = json!({"id": id, "on": on});
            self.ground.witness.ask("protect", &order);
        }
    }

    /// The ids of what lives, or may live soon.
    #[track_caller]
    pub(super) fn alive(&self) -> Vec<String> {
        let alive = self.ground.witness.alive(&self.name);
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        alive.iter().map(id).collect()
    }
}

/// Plays cases, many at a time; each has a place of its own.
#[track_caller]
pub(super) fn each<T: Copy + Send + Sync>(cases: &[T], play: impl Fn(&Case<'_>, T) + Sync) {
    // A listing holds whatever there is on a ground: several small ones are faster.
    let grounds: Vec<Ground> = cases.chunks(ON_A_GROUND).map(|_| Ground::new()).collect();
    side_by_side(cases, |number, case| {
        play(&grounds[number % grounds.len()].case(number), case);
    });
}

/// Plays cases, many at a time; each gets its number.
#[track_caller]
pub(super) fn side_by_side<T: Copy + Send + Sync>(cases: &[T], play: impl Fn(usize, T) + Sync) {
    let next = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(cases.len()) {
            scope.spawn(|| {
                while let Some((number, case)) = take(cases, &next) {
                    play(number, case);
                }
            });
        }
    });
}

fn take<T: Copy>(cases: &[T], next: &Mutex<usize>) -> Option<(usize, T)> {
    let mut next = next.lock().unwrap();
    let number = *next;
    *next += 1;
    cases.get(number).map(|case| (number, *case))
}
