//! The scenarios whose every call is a place to die.

use std::collections::BTreeSet;

use trainyard::local::Cloud;

/// What is there before, what is asked for, and on what stage.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// The spec that was applied before, where one was.
    pub(super) before: Option<String>,
    /// The spec that is applied; nothing where it is destroyed.
    pub(super) after: Option<String>,
    /// What the cloud is told first.
    pub(super) stage: &'static [(&'static str, &'static str)],
}

/// The parameter that names the image of every spec.
pub(super) const SSM: &str =
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// A spec of one group, with further lines of it.
pub(super) fn spec(count: u32, lines: &[&str]) -> String {
    let mut text = format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  trainer:\n    count: {count}\n    image: {{ssm: {SSM}}}\n"
    );
    for line in lines {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

pub(super) const TYPE: &str = "type: t3.small";
pub(super) const WAY_IN: &str = "ssh: {from: 198.51.100.7/32, public_key: \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEZ6aOZh7uR3OUHBY1GWpJNODo9xmXKh/FodoN1dC6B3\"}";

/// All of them; new commands and kinds of resources join here.
pub(super) fn all() -> Vec<Scenario> {
    let plain = |count| spec(count, &[TYPE]);
    let scenario = |name, before, after| Scenario {
        name,
        before,
        after,
        stage: &[],
    };
    vec![
        scenario("create", None, Some(plain(2))),
        scenario("create_with_a_way_in", None, Some(spec(1, &[TYPE, WAY_IN]))),
        scenario("grow", Some(plain(1)), Some(plain(3))),
        scenario("shrink", Some(plain(3)), Some(plain(1))),
        scenario(
            "replace",
            Some(plain(2)),
            Some(spec(2, &[TYPE, "user_data: \"#!/bin/sh\\necho new\\n\""])),
        ),
        scenario(
            "stop_start",
            Some(plain(1)),
            Some(spec(1, &["type: t3.medium"])),
        ),
        scenario(
            "update",
            Some(plain(2)),
            Some(spec(2, &[TYPE, "tags: {project: new}", "protect: true"])),
        ),
        Scenario {
            name: "fallback",
            before: None,
            after: Some(spec(2, &["type: [p3.2xlarge, g5.2xlarge]"])),
            stage: &[("capacity", r#"[{"type": "p3.2xlarge"}]"#)],
        },
        scenario("spot", None, Some(spec(1, &[TYPE, "market: spot"]))),
        scenario(
            "disks",
            None,
            Some(spec(1, &[TYPE, "volumes: {/dev/sdf: {size: 20 GiB}}"])),
        ),
        scenario(
            "introduce",
            None,
            Some(spec(2, &[TYPE, "distributed: true"])),
        ),
        scenario("destroy", Some(plain(2)), None),
        scenario(
            "destroy_with_a_way_in",
            Some(spec(1, &[TYPE, WAY_IN])),
            None,
        ),
        scenario(
            "destroy_protected",
            Some(spec(2, &[TYPE, "protect: true"])),
            None,
        ),
        scenario(
            "destroy_kept",
            Some(spec(
                1,
                &[TYPE, "volumes: {/dev/sdf: {size: 20 GiB, keep: true}}"],
            )),
            None,
        ),
        scenario(
            "destroy_placed",
            Some(spec(2, &["type: g5.2xlarge", "placement: cluster"])),
            None,
        ),
        scenario("destroy_spot", Some(spec(2, &[TYPE, "market: spot"])), None),
    ]
}

impl Scenario {
    /// Whether what is there takes a word of the user's to be ended.
    pub(super) fn is_protected(&self) -> bool {
        let before = self.before.as_deref().unwrap_or_default();
        before.contains("protect: true") || before.contains("keep: true")
    }

    /// Tells the cloud what it is told first.
    pub(super) fn set(&self, cloud: &Cloud) {
        for (path, body) in self.stage {
            cloud.order(path, body).unwrap();
        }
    }
}

/// The places that a spec of [`spec`] asks for.
pub(super) fn places(text: &str) -> BTreeSet<(String, u32)> {
    let count = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("count: "));
    let count: u32 = count.unwrap().parse().unwrap();
    (0..count)
        .map(|number| ("trainer".to_owned(), number))
        .collect()
}
