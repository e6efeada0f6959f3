//! Options that decide which files are moved.

use clap::{Args, ValueEnum};

use crate::resource;
use crate::sync::{Archived, Existing, Policy, SourceLinks};

/// Options that decide which files are moved.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(in crate::cli) struct Choices {
    /// How two versions of a file are compared
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Compare::Content)]
    compare: Compare,
    /// Leave alone what the target has already, whatever it has
    #[arg(long)]
    ignore_existing: bool,
    /// Let files of the target stay as they are: one that differs is a failure
    #[arg(long, conflicts_with = "ignore_existing")]
    immutable: bool,
    /// Leave symbolic links at the source alone instead of following them
    #[arg(long)]
    no_follow_symlinks: bool,
    /// Ask for archived objects too: they may have been restored
    #[arg(long, hide_short_help = true)]
    force_glacier_transfer: bool,
    /// Say nothing of archived objects that are skipped
    #[arg(
        long,
        hide_short_help = true,
        conflicts_with = "force_glacier_transfer"
    )]
    pub(super) ignore_glacier_warnings: bool,
}

/// How two versions of a file are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Compare {
    /// By content, which is read where nothing else proves it
    Content,
    /// By size and time of modification; nothing is read
    SizeMtime,
    /// By size alone
    Size,
}

impl Choices {
    pub(super) fn policy(&self) -> Policy {
        let Self {
            compare,
            ignore_existing,
            immutable,
            no_follow_symlinks,
            force_glacier_transfer,
            // What is said is no business of the engine.
            ignore_glacier_warnings: _,
        } = self;
        Policy {
            compare: match compare {
                Compare::Content => resource::Compare::Content,
                Compare::SizeMtime => resource::Compare::SizeMtime,
                Compare::Size => resource::Compare::Size,
            },
            existing: match (ignore_existing, immutable) {
                (true, _) => Existing::Keep,
                (false, true) => Existing::Refuse,
                (false, false) => Existing::Replace,
            },
            links: if *no_follow_symlinks {
                SourceLinks::Skip
            } else {
                SourceLinks::Follow
            },
            archived: if *force_glacier_transfer {
                Archived::Transfer
            } else {
                Archived::Skip
            },
        }
    }

    /// The words that say the same again.
    pub(super) fn again(&self) -> Vec<String> {
        let Self {
            compare,
            ignore_existing,
            immutable,
            no_follow_symlinks,
            force_glacier_transfer,
            ignore_glacier_warnings,
        } = self;
        let compare = match compare {
            Compare::Content => None,
            Compare::SizeMtime => Some("--compare size-mtime"),
            Compare::Size => Some("--compare size"),
        };
        let flags = [
            ("--ignore-existing", ignore_existing),
            ("--immutable", immutable),
            ("--no-follow-symlinks", no_follow_symlinks),
            ("--force-glacier-transfer", force_glacier_transfer),
            ("--ignore-glacier-warnings", ignore_glacier_warnings),
        ];
        let said = flags.into_iter().filter(|(_, said)| **said);
        let words = compare.into_iter().chain(said.map(|(flag, _)| flag));
        words.map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        choices: Choices,
    }

    fn choices(words: &[&str]) -> Choices {
        Line::try_parse_from([&["line"], words].concat())
            .unwrap()
            .choices
    }

    #[test]
    fn what_is_chosen_is_said_again() {
        assert_eq!(choices(&[]).policy(), Policy::default());
        assert!(choices(&[]).again().is_empty());
        for words in [
            &["--compare", "size"][..],
            &["--compare", "size-mtime", "--immutable"],
            &["--ignore-existing", "--no-follow-symlinks"],
            &["--force-glacier-transfer"],
        ] {
            let said = choices(words);
            assert_ne!(said.policy(), Policy::default(), "{words:?}");
            let again = said.again().join(" ");
            let again: Vec<&str> = again.split(' ').collect();
            assert_eq!(choices(&again).policy(), said.policy(), "{words:?}");
        }
        let ignore = choices(&["--ignore-glacier-warnings"]);
        assert_eq!(ignore.again(), ["--ignore-glacier-warnings"]);
    }
}
