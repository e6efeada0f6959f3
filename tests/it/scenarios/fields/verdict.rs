//! What a plan does to one entry of the spec, in the words of the guide.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a plan does to an entry, and which keys it names for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The effect in the guide's words; `launches` where instances only come.
    pub(super) effect: &'static str,
    pub(super) fields: BTreeSet<String>,
}

/// Reads out of a plan in JSON what becomes of a group or a data set.
pub(super) fn verdict(plan: &Value, name: &str) -> Verdict {
    let mut seen = Seen::default();
    for step in plan["steps"].as_array().unwrap() {
        seen.step(step, name);
    }
    seen.verdict()
}

/// What steps do to an entry.
#[derive(Default)]
struct Seen {
    deeds: BTreeSet<&'static str>,
    /// The keys that force a replacement.
    forced: BTreeSet<String>,
    /// The keys that change what stays.
    changed: BTreeSet<String>,
}

impl Seen {
    fn step(&mut self, step: &Value, name: &str) {
        let action = &step["action"];
        match step["verb"].as_str().unwrap() {
            "sync" if action["address"] == format!("data.{name}") => {
                self.deeds.insert("sync");
            }
            "create" => {
                let mut addresses = action["addresses"].as_array().into_iter().flatten();
                if addresses.any(|one| is_of(one, name)) {
                    self.deeds.insert("launch");
                }
            }
            "delete" => {
                let doomed = action["instances"].as_array().into_iter().flatten();
                for one in doomed.filter(|one| is_of(&one["address"], name)) {
                    self.deeds.insert("end");
                    let forced = fields(&one["replaced_because"], "replace");
                    self.forced.extend(forced);
                }
            }
            verb if is_of(&action["address"], name) => {
                if verb == "restart" {
                    self.deeds.insert("restart");
                }
                self.changed.extend(fields(&action["changes"], "restart"));
                self.changed.extend(fields(&action["changes"], "in-place"));
            }
            // What is not named by an instance is a rule of its group.
            _ if action["address"] == format!("{name}.security_group") => {
                self.changed.insert("ssh.from".to_owned());
            }
            _ => {}
        }
    }

    fn verdict(self) -> Verdict {
        let Self {
            deeds,
            forced,
            changed,
        } = self;
        let did = |deed| deeds.contains(deed);
        let (effect, fields) = match (did("end"), did("launch")) {
            (true, true) => ("replace", forced),
            (true, false) => ("ends", forced),
            (false, true) => ("launches", changed),
            (false, false) if did("restart") => ("restart", changed),
            (false, false) if did("sync") => ("data", changed),
            (false, false) if changed.is_empty() => ("new only", changed),
            (false, false) => ("in place", changed),
        };
        Verdict { effect, fields }
    }
}

fn is_of(address: &Value, group: &str) -> bool {
    let address = address.as_str().unwrap_or_default();
    address
        .strip_prefix(group)
        .is_some_and(|rest| rest.starts_with('['))
}

fn fields(changes: &Value, effect: &str) -> Vec<String> {
    let changes = changes.as_array().into_iter().flatten();
    changes
        .filter(|change| change["effect"] == effect)
        .map(|change| change["field"].as_str().unwrap().to_owned())
        .collect()
}

/// The name that a plan has for a key of the guide, with the names that the rows use.
pub(super) fn field_of(path: &str) -> String {
    let field = path.strip_prefix("instances.*.").unwrap_or(path);
    match field {
        "image.id" | "image.name" | "image.owner" | "image.ssm" => "image".to_owned(),
        "gpu" | "gpu_memory" | "vcpus" | "memory" => "type".to_owned(),
        _ => field
            .replace("volumes.*", "volumes./dev/sdf")
            .replace("tags.*", "tags.stage"),
    }
}
