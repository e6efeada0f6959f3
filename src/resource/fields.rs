//! What a change of each key of a spec does to an environment that runs.
//!
//! One table for people and programs alike: the guide prints it, and tests hold
//! it to the schema. Effects follow the EC2 API reference and the create-only
//! properties of CloudFormation's schema.

use std::fmt::Write as _;

use super::{FieldEffect, FieldFact};

const fn fact(path: &'static str, effect: FieldEffect, note: &'static str) -> FieldFact {
    FieldFact { path, effect, note }
}

/// Every key of an environment's file, in the order of the schema's groups.
pub const FIELDS: &[FieldFact] = &[
    fact("version", FieldEffect::Nothing, "the version of the format"),
    fact(
        "name",
        FieldEffect::Another,
        "unless `renamed_from` holds the old name: then in place",
    ),
    fact(
        "renamed_from",
        FieldEffect::InPlace,
        "tags are rewritten; it may stay when all is done",
    ),
    fact(
        "account",
        FieldEffect::Another,
        "destroy the environment in the old account first",
    ),
    fact(
        "region",
        FieldEffect::Another,
        "destroy the environment in the old region first",
    ),
    fact(
        "credentials.profile",
        FieldEffect::Nothing,
        "how AWS is reached",
    ),
    fact("credentials.role", FieldEffect::Nothing, "as whom"),
    fact("credentials.role_arn", FieldEffect::Nothing, "as whom"),
    fact(
        "credentials.duration",
        FieldEffect::Nothing,
        "how long a session lasts",
    ),
    fact(
        "credentials.external_id",
        FieldEffect::Nothing,
        "what the role asks for",
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
        "data.*.archive",
        FieldEffect::Data,
        "what was kept before in another form stays",
    ),
    fact(
        "data.*.compare",
        FieldEffect::Data,
        "how files are held to be the same",
    ),
    fact(
        "data.*.max_delete",
        FieldEffect::Data,
        "a plan that would delete more is refused",
    ),
    fact(
        "data.*.storage_class",
        FieldEffect::Data,
        "what is there already stays as it is stored",
    ),
    fact(
        "data.*.kms_key",
        FieldEffect::Data,
        "what is there already stays as it is encrypted",
    ),
    fact(
        "data.*.request_payer",
        FieldEffect::Data,
        "who pays for requests",
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
        "it goes with the name",
    ),
    fact(
        "instances.*.image.ssm",
        FieldEffect::Replace,
        "a newer image behind it is a note; see `--upgrade-image`",
    ),
    fact(
        "instances.*.type",
        FieldEffect::Restart,
        "only where what runs is not listed; another architecture replaces",
    ),
    fact(
        "instances.*.gpu",
        FieldEffect::Restart,
        "only where what runs does not meet it; else as for `type`",
    ),
    fact(
        "instances.*.gpu_memory",
        FieldEffect::Restart,
        "only where what runs does not meet it; else as for `type`",
    ),
    fact(
        "instances.*.vcpus",
        FieldEffect::Restart,
        "only where what runs does not meet it; else as for `type`",
    ),
    fact(
        "instances.*.memory",
        FieldEffect::Restart,
        "only where what runs does not meet it; else as for `type`",
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
    fact(
        "instances.*.subnet",
        FieldEffect::Replace,
        "removing the key leaves what runs as it is",
    ),
    fact(
        "instances.*.zone",
        FieldEffect::Replace,
        "removing the key leaves what runs as it is",
    ),
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
        "rules of a group of ours; others' groups stay as they are",
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
    fact(
        "instances.*.disk.iops",
        FieldEffect::InPlace,
        "removing the key leaves it as it is",
    ),
    fact(
        "instances.*.disk.throughput",
        FieldEffect::InPlace,
        "removing the key leaves it as it is",
    ),
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
    fact(
        "instances.*.volumes.*.iops",
        FieldEffect::InPlace,
        "removing the key leaves it as it is",
    ),
    fact(
        "instances.*.volumes.*.throughput",
        FieldEffect::InPlace,
        "removing the key leaves it as it is",
    ),
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
    fact(
        "instances.*.metadata.tokens",
        FieldEffect::InPlace,
        "`required` when nothing is said",
    ),
    fact(
        "instances.*.metadata.hop_limit",
        FieldEffect::InPlace,
        "2 when nothing is said",
    ),
    fact(
        "instances.*.metadata.enabled",
        FieldEffect::InPlace,
        "a group with `distributed` needs it",
    ),
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
    fn no_key_stands_twice_and_every_key_has_a_note() {
        let paths: BTreeSet<&str> = FIELDS.iter().map(|fact| fact.path).collect();
        assert_eq!(paths.len(), FIELDS.len());
        for fact in FIELDS {
            assert!((1..=70).contains(&fact.note.len()), "{fact:?}");
        }
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
