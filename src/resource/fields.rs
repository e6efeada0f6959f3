//! What a change of each key of a spec does to an environment that runs.
//!
//! One table for people and programs alike: the guide prints it, and tests hold
//! it to the schema. Effects follow the EC2 API reference and the create-only
//! properties of CloudFormation's schema.

use std::fmt::Write as _;

/// What a change of a key does to an environment that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldEffect {
    /// The instance goes on running.
    InPlace,
    /// The instance is stopped, changed and started.
    Restart,
    /// The instance is terminated and another one is launched.
    Replace,
    /// It holds for what is launched from now on.
    NewOnly,
    /// It cannot be changed: it names another environment.
    Refused,
    /// It says how to reach AWS, or what to read; nothing of it is on AWS.
    Nothing,
    /// Files are transferred.
    Data,
    /// What is no longer asked for is terminated.
    Ends,
}

impl FieldEffect {
    /// Every effect, the mildest first.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::NewOnly,
        Self::InPlace,
        Self::Data,
        Self::Restart,
        Self::Replace,
        Self::Ends,
        Self::Refused,
    ];

    /// The words in the table.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InPlace => "in place",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::NewOnly => "new only",
            Self::Refused => "refused",
            Self::Nothing => "nothing",
            Self::Data => "data",
            Self::Ends => "ends",
        }
    }

    /// What the words mean, as a sentence without its end.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::InPlace => "the instance goes on running",
            Self::Restart => {
                "stopped and started: minutes, another public address, instance store lost; \
                 a spot instance cannot be stopped, so it is replaced"
            }
            Self::Replace => "terminated and launched anew; the plan names the key that forces it",
            Self::NewOnly => "holds for what is launched from now on; what runs keeps what it has",
            Self::Refused => "cannot be changed: it makes another environment, and this one stays",
            Self::Nothing => "says how to reach AWS or what to read; nothing on AWS changes",
            Self::Data => "files are transferred",
            Self::Ends => "what is no longer asked for is terminated",
        }
    }
}

/// One key of a spec and what a change of it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldFact {
    /// The key with the keys that it stands below; `*` is any name.
    pub path: &'static str,
    /// What a change of it does.
    pub effect: FieldEffect,
    /// What the effect alone does not say.
    pub note: &'static str,
}

const fn fact(path: &'static str, effect: FieldEffect, note: &'static str) -> FieldFact {
    FieldFact { path, effect, note }
}

/// Every key of an environment's file, in the order of the schema's groups.
pub const FIELDS: &[FieldFact] = &[
    fact("version", FieldEffect::Nothing, "the version of the format"),
    fact(
        "name",
        FieldEffect::Refused,
        "unless `renamed_from` holds the old name: then in place",
    ),
    fact(
        "renamed_from",
        FieldEffect::InPlace,
        "tags are rewritten; it may stay when all is done",
    ),
    fact(
        "account",
        FieldEffect::Refused,
        "destroy the environment in the old account first",
    ),
    fact(
        "region",
        FieldEffect::Refused,
        "destroy the environment in the old region first",
    ),
    fact(
        "credentials.profile",
        FieldEffect::Nothing,
        "how AWS is reached",
    ),
    fact(
        "lease",
        FieldEffect::NewOnly,
        "the timer in an instance is armed once, at its launch",
    ),
    fact(
        "store",
        FieldEffect::Nothing,
        "where records are kept; nothing is moved",
    ),
    fact(
        "tags.*",
        FieldEffect::InPlace,
        "tags that others have set stay",
    ),
    fact(
        "data.*",
        FieldEffect::Data,
        "removing it leaves the files at both places",
    ),
    fact(
        "data.*.from",
        FieldEffect::Data,
        "what is new or different there",
    ),
    fact(
        "data.*.to",
        FieldEffect::Data,
        "the files at the old place stay",
    ),
    fact(
        "data.*.include",
        FieldEffect::Data,
        "what takes no part is not touched",
    ),
    fact(
        "data.*.exclude",
        FieldEffect::Data,
        "what takes no part is not touched",
    ),
    fact(
        "data.*.delete",
        FieldEffect::Data,
        "`extra` deletes what only the target has",
    ),
    fact(
        "instances.*",
        FieldEffect::Ends,
        "removing a group ends it, adding one launches it",
    ),
    fact(
        "instances.*.renamed_from",
        FieldEffect::InPlace,
        "tags are rewritten; it may stay when all is done",
    ),
    fact(
        "instances.*.adopt",
        FieldEffect::InPlace,
        "what is listed is taken over by tags",
    ),
    fact(
        "instances.*.count",
        FieldEffect::Ends,
        "growing launches; shrinking ends the highest numbers",
    ),
    fact(
        "instances.*.min",
        FieldEffect::NewOnly,
        "how few a launch may give",
    ),
    fact(
        "instances.*.image.id",
        FieldEffect::Replace,
        "not where it is the image that runs",
    ),
    fact(
        "instances.*.image.name",
        FieldEffect::Replace,
        "a newer image behind it is a note; see `--upgrade-image`",
    ),
    fact(
        "instances.*.image.owner",
        FieldEffect::Replace,
        "it is part of the image's name",
    ),
    fact(
        "instances.*.image.ssm",
        FieldEffect::Replace,
        "a newer image behind it is a note; see `--upgrade-image`",
    ),
    fact(
        "instances.*.type",
        FieldEffect::Restart,
        "only where what runs is not listed any more",
    ),
    fact(
        "instances.*.gpu",
        FieldEffect::Restart,
        "only where what runs does not meet it",
    ),
    fact(
        "instances.*.gpu_memory",
        FieldEffect::Restart,
        "only where what runs does not meet it",
    ),
    fact(
        "instances.*.vcpus",
        FieldEffect::Restart,
        "only where what runs does not meet it",
    ),
    fact(
        "instances.*.memory",
        FieldEffect::Restart,
        "only where what runs does not meet it",
    ),
    fact(
        "instances.*.market",
        FieldEffect::Replace,
        "only where what runs is bought in a way not asked for",
    ),
    fact(
        "instances.*.max_price",
        FieldEffect::NewOnly,
        "a spot request keeps its price",
    ),
    fact(
        "instances.*.wait_for_capacity",
        FieldEffect::NewOnly,
        "how long a launch is tried",
    ),
    fact(
        "instances.*.placement",
        FieldEffect::Replace,
        "a group is joined at launch",
    ),
    fact(
        "instances.*.distributed",
        FieldEffect::Replace,
        "the boot script reads the members",
    ),
    fact("instances.*.subnet", FieldEffect::Replace, ""),
    fact("instances.*.zone", FieldEffect::Replace, ""),
    fact(
        "instances.*.public_address",
        FieldEffect::Replace,
        "removing the key leaves what runs as it is",
    ),
    fact(
        "instances.*.iam_profile",
        FieldEffect::InPlace,
        "removing the key takes the profile away",
    ),
    fact(
        "instances.*.security_groups",
        FieldEffect::InPlace,
        "removing the key leaves the groups as they are",
    ),
    fact(
        "instances.*.key",
        FieldEffect::Replace,
        "not where `ssh.public_key` is asked for",
    ),
    fact(
        "instances.*.ssh.from",
        FieldEffect::InPlace,
        "rules of a group of ours; see `network`",
    ),
    fact(
        "instances.*.ssh.public_key",
        FieldEffect::NewOnly,
        "imported for a launch as a key pair of ours",
    ),
    fact(
        "instances.*.disk.size",
        FieldEffect::InPlace,
        "growing; shrinking replaces",
    ),
    fact(
        "instances.*.disk.type",
        FieldEffect::InPlace,
        "four changes a day at most (EC2)",
    ),
    fact("instances.*.disk.iops", FieldEffect::InPlace, ""),
    fact("instances.*.disk.throughput", FieldEffect::InPlace, ""),
    fact(
        "instances.*.disk.encrypted",
        FieldEffect::Replace,
        "switching it on; switching it off changes nothing",
    ),
    fact(
        "instances.*.disk.keep",
        FieldEffect::InPlace,
        "whether it stays when its instance ends",
    ),
    fact(
        "instances.*.volumes.*",
        FieldEffect::Replace,
        "adding or removing one",
    ),
    fact(
        "instances.*.volumes.*.size",
        FieldEffect::InPlace,
        "growing; shrinking replaces",
    ),
    fact(
        "instances.*.volumes.*.type",
        FieldEffect::InPlace,
        "four changes a day at most (EC2)",
    ),
    fact("instances.*.volumes.*.iops", FieldEffect::InPlace, ""),
    fact("instances.*.volumes.*.throughput", FieldEffect::InPlace, ""),
    fact(
        "instances.*.volumes.*.encrypted",
        FieldEffect::Replace,
        "switching it on; switching it off changes nothing",
    ),
    fact(
        "instances.*.volumes.*.keep",
        FieldEffect::InPlace,
        "whether it stays when its instance ends",
    ),
    fact("instances.*.metadata.tokens", FieldEffect::InPlace, ""),
    fact("instances.*.metadata.hop_limit", FieldEffect::InPlace, ""),
    fact("instances.*.metadata.enabled", FieldEffect::InPlace, ""),
    fact(
        "instances.*.user_data",
        FieldEffect::Replace,
        "it runs once, at the first boot",
    ),
    fact(
        "instances.*.protect",
        FieldEffect::InPlace,
        "the lease ends the instance all the same",
    ),
    fact(
        "instances.*.tags.*",
        FieldEffect::InPlace,
        "tags that others have set stay",
    ),
];

/// The effects and then the keys, as two Markdown tables whose columns line up in a terminal.
pub fn fields_markdown() -> String {
    let mut text = String::new();
    let effects: Vec<[String; 2]> = FieldEffect::ALL
        .map(|effect| [effect.words().to_owned(), effect.meaning().to_owned()])
        .to_vec();
    push_table(&mut text, ["effect", "what it does"], &effects);
    text.push('\n');
    let facts: Vec<[String; 3]> = FIELDS
        .iter()
        .map(|fact| {
            let FieldFact { path, effect, note } = fact;
            [
                format!("`{path}`"),
                effect.words().to_owned(),
                (*note).to_owned(),
            ]
        })
        .collect();
    push_table(&mut text, ["key", "effect", "note"], &facts);
    text
}

/// Every column but the last is padded: a note may be longer than a line.
fn push_table<const COLUMNS: usize>(
    text: &mut String,
    heads: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) {
    let mut widths = heads.map(str::len);
    widths[COLUMNS - 1] = 0;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row).take(COLUMNS - 1) {
            *width = cell.len().max(*width);
        }
    }
    let mut push = |cells: &[String]| {
        for (cell, width) in cells.iter().zip(widths) {
            // Writing to a string cannot fail.
            write!(text, "| {cell:width$} ").unwrap_or_default();
        }
        text.push_str("|\n");
    };
    push(&heads.map(str::to_owned));
    push(&widths.map(|width| "-".repeat(width.max(4))));
    for row in rows {
        push(row);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_stands_twice_in_the_table() {
        let paths: BTreeSet<&str> = FIELDS.iter().map(|fact| fact.path).collect();
        assert_eq!(paths.len(), FIELDS.len());
    }

    #[test]
    fn every_effect_is_explained_once_and_used() {
        let all: BTreeSet<FieldEffect> = FieldEffect::ALL.into();
        assert_eq!(all.len(), FieldEffect::ALL.len());
        let used: BTreeSet<FieldEffect> = FIELDS.iter().map(|fact| fact.effect).collect();
        assert_eq!(used, all);
    }

    #[test]
    fn the_columns_of_the_tables_line_up() {
        let text = fields_markdown();
        for table in text.split("\n\n") {
            let places: BTreeSet<Vec<usize>> = table
                .lines()
                .map(|line| {
                    let bars = line.match_indices("| ").map(|(place, _)| place);
                    bars.collect()
                })
                .collect();
            assert_eq!(places.len(), 1, "{table}");
        }
    }
}
