//! An environment on an embedded cloud that a test orders about.

use serde_json::{Value, json};

use super::world::{LAB, REGION};
use super::{LocalCloud, Run, Sandbox, Witness};

/// A cloud, a place to work in and a witness, for one environment.
///
/// Commands run with `--local`, and so at the pace of a cloud on this machine: a
/// wait for capacity pauses for half a second, and not for minutes.
pub(crate) struct Lab {
    // The cloud ends before its folder goes.
    pub(crate) cloud: LocalCloud,
    pub(crate) witness: Witness,
    pub(crate) sandbox: Sandbox,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        let cloud = LocalCloud::start_in(&sandbox.folder());
        let witness = Witness::of(cloud.address(), REGION);
        Self {
            cloud,
            witness,
            sandbox,
        }
    }

    /// Writes the spec: what stands below the shared head.
    pub(crate) fn spec(&self, body: &str) {
        let head = format!(
            "version: 1\nname: {LAB}\naccount: \"123456789012\"\nregion: {REGION}\nlease: 4h\n"
        );
        self.sandbox
            .write("environments/lab.yaml", format!("{head}{body}"));
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.sandbox.run(&[arguments, &["--local"]].concat())
    }

    /// Plans; there must be something to do, and the plan holds these words.
    #[track_caller]
    pub(crate) fn plan(&self, words: &[&str]) {
        let planned = self.run(&["plan", "--detailed-exitcode"]);
        planned.expect(2).says(words);
    }

    /// Applies, whatever comes of it; the requests so far are forgotten first.
    pub(crate) fn try_apply(&self) -> Run {
        self.cloud.forget_requests();
        self.run(&["apply", "--yes"])
    }

    /// Applies, with these words, and plans to nothing.
    #[track_caller]
    pub(crate) fn apply(&self, words: &[&str]) {
        self.try_apply().expect(0).says(words);
        self.nothing_to_do(&[]);
    }

    /// Fails unless the plan is empty and holds these words.
    #[track_caller]
    pub(crate) fn nothing_to_do(&self, words: &[&str]) {
        let planned = self.run(&["plan", "--detailed-exitcode"]);
        planned.expect(0).says(words);
    }

    /// Lets the cloud refuse launches, as `POST capacity` takes it.
    pub(crate) fn refuse(&self, shortages: &Value) {
        self.cloud
            .control("POST", "capacity", &shortages.to_string());
    }

    /// Lets everything be launched again.
    pub(crate) fn refuse_nothing(&self) {
        self.cloud.control("DELETE", "capacity", "");
    }

    /// How many launches were asked for since the last apply began.
    pub(crate) fn launches(&self) -> usize {
        self.cloud.number_of("RunInstances")
    }

    /// The living instances by number; no number twice.
    #[track_caller]
    pub(crate) fn members(&self) -> Vec<Value> {
        let mut alive = self.witness.alive(LAB);
        alive.sort_by_key(|one| one["ordinal"].as_u64());
        for pair in alive.windows(2) {
            assert_ne!(pair[0]["ordinal"], pair[1]["ordinal"], "{pair:#?}");
        }
        alive
    }

    /// One field of every living instance, by number.
    #[track_caller]
    pub(crate) fn each(&self, field: &str) -> Vec<Value> {
        self.members()
            .iter()
            .map(|one| one[field].clone())
            .collect()
    }

    /// How each living instance was bought, and where it is and can be reached.
    #[track_caller]
    pub(crate) fn circumstances(&self) -> Vec<Value> {
        let told = self
            .witness
            .ask("circumstances", &json!({"environment": LAB}));
        serde_json::from_value(told).unwrap()
    }

    /// Destroys by name.
    pub(crate) fn destroy(&self, more: &[&str]) -> Run {
        self.cloud.forget_requests();
        let place = ["--region", REGION, "--account", "123456789012"];
        self.run(&[&["destroy", LAB, "--yes"], &place[..], more].concat())
    }

    /// Destroys; the witness sees nothing that lives, and nothing that went with it.
    #[track_caller]
    pub(crate) fn end(&self) {
        self.destroy(&[]).expect(0);
        self.expect_nothing();
    }

    /// Fails unless nothing lives, and nothing that went with instances is left.
    #[track_caller]
    pub(crate) fn expect_nothing(&self) {
        self.expect_no_instance();
        for what in ["all_volumes", "own_keys", "own_placement_groups"] {
            assert_eq!(self.witness.ask(what, &json!({})), json!([]), "{what}");
        }
        let groups = self.witness.ask("own_groups", &json!({}));
        assert_eq!(groups, json!({}), "a security group is left");
        let requests = self.witness.ask("spot_requests", &json!({}));
        for (id, request) in requests.as_object().unwrap() {
            let over = ["closed", "cancelled"].contains(&request["state"].as_str().unwrap());
            assert!(over, "{id}: {request:#}");
        }
    }

    /// Fails if any instance is not terminated.
    #[track_caller]
    pub(crate) fn expect_no_instance(&self) {
        for one in self.witness.instances(LAB) {
            assert_eq!(one["state"], "terminated", "{one:#}");
        }
    }
}
