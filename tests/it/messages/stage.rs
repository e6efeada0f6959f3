//! A cloud with one environment on it, and output without what differs from run to run.

use serde_json::json;

use crate::support::{GOOD, LocalCloud, Run, Sandbox, Witness, change};

/// Where the spec of a test stands.
pub(super) const SPEC: &str = "environments/trial.yaml";

/// What differs from run to run, and what stands for it.
const FILTERS: [(&str, &str); 13] = [
    (r"\b(i|vol|ami|eni|sg|subnet|snap)-[0-9a-f]{17}\b", "$1-ID"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "[TIME]"),
    (r"\b20\d\d-\d\d-\d\dT[0-9:.]+Z", "[INSTANT]"),
    (r"(\(in|ended) \d+[dhms]( \d+[dhms])*", "$1 [DURATION]"),
    (r"\(\d+[dhms]( \d+[dhms])* ago", "([DURATION] ago"),
    (r"\b(1h 59m|2h 00m)\b", "[LEFT]"),
    (r"\b(\d+m )?\d+s(  \[LEFT\])", "[AGE]$2"),
    (r"\b\d+ complete listings?", "[NUMBER] complete listings"),
    (r"(?m)(^|[\s/])\d+\.\d+\.\d+\.\d+(:\d+)?", "$1[ADDRESS]"),
    (r"(m5.large  eu-central-1)[abc]", "$1[ZONE]"),
    (r#""token": "[^"]+""#, r#""token": "[TOKEN]""#),
    (r"/[^ ]*/\.tmp[A-Za-z0-9]+/work", "[FOLDER]"),
    (
        r#""trainyard:spec": "[^"]+""#,
        r#""trainyard:spec": "[DIGEST]""#,
    ),
];

/// Compares output with the snapshot of this name.
pub(super) fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, word) in FILTERS {
        settings.add_filter(pattern, word);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Compares a run, its exit code included, with the snapshot of this name.
pub(super) fn check_run(name: &str, run: &Run) {
    check(name, &run.to_string());
}

/// The same for output with columns, whose widths differ from run to run.
pub(super) fn check_table(name: &str, run: &Run) {
    let text: Vec<String> = run.to_string().lines().map(narrow).collect();
    check(name, &text.join("\n"));
}

/// A line whose columns are two spaces apart.
fn narrow(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let words: Vec<&str> = line
        .split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    format!("{}{}", &line[..indent], words.join("  "))
}

/// An embedded cloud with the environment `trial` on it.
pub(super) struct Stage {
    pub(super) cloud: LocalCloud,
    pub(super) sandbox: Sandbox,
}

impl Stage {
    /// A spec, and nothing on the cloud yet.
    pub(super) fn empty(spec: &str) -> Self {
        let cloud = LocalCloud::start();
        let sandbox = Sandbox::at(cloud.address());
        sandbox.write(SPEC, spec);
        Self { cloud, sandbox }
    }

    /// A spec that has been applied.
    #[track_caller]
    pub(super) fn applied(spec: &str) -> Self {
        let stage = Self::empty(spec);
        stage.run(&["apply", "--yes"]).expect(0);
        stage
    }

    /// The spec of [`GOOD`] with two instances, applied.
    #[track_caller]
    pub(super) fn two() -> Self {
        Self::applied(&two())
    }

    /// Writes the spec anew.
    pub(super) fn edit(&self, spec: &str) {
        self.sandbox.write(SPEC, spec);
    }

    /// Runs the binary with a settle window that suits a cloud on this machine.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        let arguments = [arguments, &["--settle", "1s"]].concat();
        let mut run = self.sandbox.run(&arguments);
        run.arguments = run.arguments.replace(" --settle 1s", "");
        run
    }

    /// Compares what `plan` says with the snapshot of this name.
    #[track_caller]
    pub(super) fn check_plan(&self, name: &str) {
        let run = self.run(&["plan"]);
        check_run(name, run.expect(0));
    }

    /// An instance with tags of somebody else's making.
    pub(super) fn launch_by_hand(&self, tags: &[(&str, &str)]) -> String {
        let witness = Witness::of(self.cloud.address(), "eu-central-1");
        let images = json!({"owner": "amazon", "pattern": "al2023*x86_64"});
        let image = witness.ask("images", &images)[0]["id"].clone();
        let tags: serde_json::Map<String, serde_json::Value> = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let id = witness.ask("launch", &json!({"image": image, "tags": tags}));
        id.as_str().unwrap().to_owned()
    }

    /// The id of the instance with a number, as `status` tells it.
    #[track_caller]
    pub(super) fn id(&self, number: usize) -> String {
        let run = self.run(&["status", "--format", "json"]);
        let json = run.expect(0).json();
        let id = &json["environments"][0]["instances"][number]["id"];
        id.as_str().unwrap().to_owned()
    }

    /// Writes a tag past the product.
    pub(super) fn tag(&self, id: &str, key: &str, value: &str) {
        let witness = Witness::of(self.cloud.address(), "eu-central-1");
        witness.ask("tag", &json!({"id": id, "key": key, "value": value}));
    }
}

/// [`GOOD`] with two instances and a script.
pub(super) fn two() -> String {
    let script = "    user_data: |\n      #!/bin/bash\n      set -e\n      source activate tensorflow\n      pip install opencv-python\n";
    format!("{}{script}", change(GOOD, "count: 1", "count: 2"))
}
