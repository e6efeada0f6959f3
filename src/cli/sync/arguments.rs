//! What can be written after `trainyard sync`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, ValueEnum};

use super::case::Case;
use super::choices::Choices;
use super::objects::Objects;
use crate::resource::DeletionLimit;
use crate::sync::{Archive, Place};

/// Arguments of `sync`.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[command(override_usage = "trainyard sync [OPTIONS] <SOURCE> <TARGET>\n       \
    trainyard sync --clean [OPTIONS] <SOURCE>")]
#[command(group = ArgGroup::new("removal").args(["delete", "archive"]).multiple(true))]
pub(in crate::cli) struct Sync {
    /// Where the files are: a folder, or `s3://BUCKET/PREFIX`
    #[arg(value_name = "SOURCE")]
    pub(super) from: PlaceName,
    /// Where they shall be: a folder, or `s3://BUCKET/PREFIX`
    #[arg(value_name = "TARGET", required_unless_present = "clean")]
    pub(super) to: Option<PlaceName>,
    /// Only files that match this pattern; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) include: Vec<String>,
    /// No file that matches this pattern; may be repeated, and goes before --include
    #[arg(long, value_name = "PATTERN")]
    pub(super) exclude: Vec<String>,
    /// Delete what only the target has, once everything has been transferred
    #[arg(long)]
    pub(super) delete: bool,
    /// Refuse to delete more than so many files, or a share such as 10% [default: 50%]
    #[arg(long, value_name = "LIMIT", requires = "removal")]
    pub(super) max_delete: Option<DeletionLimit>,
    /// Keep the files in the bucket as one object, named after the prefix: NAME.zip
    #[arg(long, value_enum, value_name = "KIND", conflicts_with_all = ["compare", "ignore_existing", "immutable", "no_follow_symlinks", "force_glacier_transfer"])]
    pub(super) archive: Option<ArchiveName>,
    /// With --delete: also what --include, --exclude or .trainyardignore leave out
    #[arg(long, requires = "delete")]
    pub(super) delete_excluded: bool,
    /// With --delete, or --archive: delete everything in the target where the source is empty
    #[arg(long, requires = "removal")]
    pub(super) allow_empty_source: bool,
    #[command(flatten)]
    pub(super) choices: Choices,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Exit with 2 where a dry run has something to do
    #[arg(long, requires = "dry_run")]
    pub(super) detailed_exitcode: bool,
    /// Give up what interrupted uploads have left below SOURCE, instead of a sync
    #[arg(long, conflicts_with_all = ["to", "include", "exclude", "delete", "detailed_exitcode", "storage_class", "sse", "sse_kms_key_id"])]
    pub(super) clean: bool,
    /// What becomes of keys that differ in case only, on their way down [default: warn, where the file system folds case]
    #[arg(long, value_name = "WHAT", value_enum, conflicts_with = "clean")]
    pub(super) case_conflict: Option<Case>,
    #[command(flatten)]
    pub(super) objects: Objects,
    /// With --clean: also uploads of others that were begun longer ago than this [default: 24h]
    #[arg(long, value_name = "AGE", requires = "clean")]
    pub(super) older_than: Option<Age>,
    /// How many requests are in flight at most
    #[arg(long, value_name = "COUNT", hide_short_help = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) concurrency: Option<u16>,
    /// The bucket's region, or the target's [default: the environment's]
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// The source's region, from bucket to bucket [default: what the bucket says]
    #[arg(long, value_name = "REGION", hide_short_help = true)]
    pub(super) source_region: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Style::Human)]
    pub(super) format: Style,
}

/// A length of time such as `30m`, `24h` or `7d`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age(pub(super) u32);

impl Age {
    pub(super) fn span(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::from(self.0))
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];
        units
            .iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
            .and_then(|(amount, seconds)| amount.parse::<u32>().ok()?.checked_mul(*seconds))
            .map(Self)
            .ok_or_else(|| "write a number with its unit, such as 30m, 24h or 7d".to_owned())
    }
}

/// How a run is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    /// For people
    Human,
    /// For programs: one event a line
    Json,
}

/// A kind of archive as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ArchiveName {
    /// Every machine can open it, and changed files come down without the others
    #[value(name = "zip")]
    Zip,
    /// Smaller, and read from the beginning
    #[value(name = "tar.zst")]
    TarZst,
}

impl From<ArchiveName> for Archive {
    fn from(name: ArchiveName) -> Self {
        match name {
            ArchiveName::Zip => Self::Zip,
            ArchiveName::TarZst => Self::TarZst,
        }
    }
}

/// A folder or a prefix as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlaceName(pub(super) Place);

impl FromStr for PlaceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("s3:") {
            let place = Place::parse_url(text).map_err(|error| error.to_string())?;
            return Ok(Self(place));
        }
        if text.is_empty() {
            return Err("name a folder, or s3://BUCKET/PREFIX".to_owned());
        }
        refuse_other_schemes(text)?;
        Ok(Self(Place::Folder(PathBuf::from(text))))
    }
}

/// A URL of something else than S3 is no folder, though it could be the name of one.
pub(in crate::cli) fn refuse_other_schemes(text: &str) -> Result<(), String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(());
    };
    let is_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    if scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return Ok(());
    }
    Err(
        if scheme.eq_ignore_ascii_case("s3") || scheme == "s3a" || scheme == "s3n" {
            format!("write it as s3://{rest}")
        } else {
            format!("only s3:// is known here; a folder of that name is written ./{text}")
        },
    )
}

impl Sync {
    /// Whether nothing is to be done.
    pub(in crate::cli) fn is_dry(&self) -> bool {
        self.dry_run
    }

    /// The command that goes on where one with these arguments stopped.
    pub(super) fn again(&self) -> String {
        let Self {
            from,
            to,
            include,
            exclude,
            delete,
            max_delete,
            archive,
            delete_excluded,
            allow_empty_source,
            choices,
            // What was begun is not tried out.
            dry_run: _,
            detailed_exitcode: _,
            clean: _,
            case_conflict,
            objects,
            older_than: _,
            concurrency,
            region,
            source_region,
            format: _,
        } = self;
        let mut words = vec![quoted(&from.0.to_string())];
        words.extend(to.iter().map(|to| quoted(&to.0.to_string())));
        for (flag, patterns) in [("--include", include), ("--exclude", exclude)] {
            for pattern in patterns {
                words.extend([flag.to_owned(), quoted(pattern)]);
            }
        }
        let flags = [
            ("--delete", *delete),
            ("--delete-excluded", *delete_excluded),
            ("--allow-empty-source", *allow_empty_source),
        ];
        let said = flags.iter().filter(|(_, said)| *said);
        words.extend(said.map(|(flag, _)| (*flag).to_owned()));
        words.extend(objects.again());
        words.extend(choices.again());
        let values = [
            (
                "--archive",
                archive.map(|kind| Archive::from(kind).to_string()),
            ),
            ("--max-delete", max_delete.map(|limit| limit.to_string())),
            ("--concurrency", concurrency.map(|count| count.to_string())),
            ("--region", region.clone()),
            ("--source-region", source_region.clone()),
            (
                "--case-conflict",
                case_conflict.map(|case| case.word().to_owned()),
            ),
        ];
        for (flag, value) in values {
            words.extend(value.map(|value| format!("{flag} {}", quoted(&value))));
        }
        words.join(" ")
    }
}

/// A word as a shell takes it for one.
pub(in crate::cli) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_unit() {
        let age = |text: &str| text.parse::<Age>().map(|age| age.0);
        assert_eq!(age("30m"), Ok(1800));
        assert_eq!(age("7d"), Ok(604_800));
        for wrong in ["", "24", "h", "-1h", "1.5h", "99999999999d", "100000d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_a_folder_unless_it_is_a_url() {
        let place = |text: &str| text.parse::<PlaceName>().map(|name| name.0.to_string());
        assert_eq!(place("data/images").unwrap(), "data/images");
        assert_eq!(place("s3://bucket/images").unwrap(), "s3://bucket/images/");
        assert_eq!(place("./s3:odd").unwrap(), "./s3:odd");
        assert_eq!(place("./gs://odd").unwrap(), "./gs://odd");
        for wrong in [
            "",
            "s3://",
            "s3:/bucket/images",
            "s3:bucket",
            "gs://b",
            "S3://b/c",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
