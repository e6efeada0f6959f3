//! The specs that drawn histories move between.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::history::Specs;
use super::scenario::{TYPE, WAY_IN, spec};

pub(super) const NAMES: &[&str] = &[
    "one", "three", "medium", "script", "spot", "ways", "fallback", "disks", "way-in", "group",
];

/// The text of a spec by its name.
fn text(name: &str) -> String {
    match name {
        "one" => spec(1, &[TYPE]),
        "three" => spec(3, &[TYPE]),
        "medium" => spec(1, &["type: t3.medium"]),
        "script" => spec(1, &[TYPE, "user_data: \"#!/bin/sh\\necho new\\n\""]),
        "spot" => spec(1, &[TYPE, "market: spot"]),
        "ways" => spec(2, &[TYPE, "market: spot-then-on-demand"]),
        "fallback" => spec(2, &["type: [p3.2xlarge, g5.2xlarge]"]),
        "disks" => spec(1, &[TYPE, "volumes: {/dev/sdf: {size: 20 GiB}}"]),
        "way-in" => spec(1, &[TYPE, WAY_IN]),
        "group" => spec(2, &[TYPE, "distributed: true"]),
        other => panic!("there is no spec {other}"),
    }
}

/// All of them, written once.
pub(super) struct Palette {
    _folder: Specs,
    specs: BTreeMap<&'static str, (PathBuf, String)>,
}

impl Palette {
    pub(super) fn new() -> Self {
        let folder = Specs::new();
        let specs = NAMES.iter().map(|name| {
            let text = text(name);
            (*name, (folder.write(name, &text), text))
        });
        Self {
            specs: specs.collect(),
            _folder: folder,
        }
    }

    /// The path and the text of a spec.
    pub(super) fn spec(&self, name: &str) -> (PathBuf, &str) {
        let (path, text) = &self.specs[name];
        (path.clone(), text)
    }
}
