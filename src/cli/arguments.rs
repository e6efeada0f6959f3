//! What can be written on the command line. The doc comments are the help.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::host::Host;
use crate::credentials::Mode;
use crate::plan::TargetName;

use crate::guide::PAGES;

/// Training environments on AWS as reviewed YAML: plan, apply, and a destroy that proves itself.
#[derive(Debug, Parser)]
#[command(name = "trainyard", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 error; 2 changes (plan --detailed-exitcode only); 3 partly done; \
4 refused; 5 something of ours is still alive or unknown; 64 bad usage; 130 interrupted.";

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// Use the embedded cloud on this machine instead of AWS; its state is kept in .trainyard/
    #[arg(long, global = true)]
    pub(super) local: bool,
    /// Use this profile of ~/.aws instead of the spec's
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Take on this role: a name of trainyard.yaml's roles, a profile's name, a role of the account, or an ARN
    #[arg(long, global = true, value_name = "ROLE")]
    pub(super) role: Option<String>,
    /// The code that an MFA device shows now; `TRAINYARD_MFA_CODE` does the same [default: it is asked for]
    #[arg(short = 't', long, global = true, value_name = "CODE")]
    pub(super) mfa_code: Option<String>,
    /// How long listings must show nothing new before absence is believed [default: 30s, with --local 1s]
    #[arg(long, global = true, value_name = "DURATION", hide_short_help = true)]
    pub(super) settle: Option<Seconds>,
    /// Say more about what is done; twice for more still
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Print without colours; NO_COLOR does the same
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    /// Not an option: whether somebody may be asked for a code.
    #[arg(skip)]
    pub(super) sign_in_mode: Mode,
    /// Not an option: where the command runs.
    #[arg(skip)]
    pub(super) host: Host,
}

impl Global {
    /// The options that a command that goes on from here needs too.
    pub(super) fn again(&self) -> String {
        let mut flags = String::new();
        if self.local {
            flags.push_str(" --local");
        }
        for (flag, value) in [(" --profile ", &self.profile), (" --role ", &self.role)] {
            if let Some(value) = value {
                flags.push_str(flag);
                flags.push_str(&quoted(value));
            }
        }
        flags
    }
}

/// A value as one word of a command line, in quotes where it needs some.
fn quoted(value: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@+=,".contains(letter);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a first environment, and the schemas that editors check it with
    Init(Init),
    /// Check specs without a network and without credentials
    Validate(Validate),
    /// Show what would change, and why
    Plan(Plan),
    /// Make AWS what the specs say
    Apply(Apply),
    /// End an environment, and prove that nothing of it is left
    Destroy(Destroy),
    /// Show what is there, and how long its lease lasts
    Status(Status),
    /// Make a folder and a bucket prefix the same
    Sync(super::sync::Sync),
    /// Copy one file, object or stream to another
    Cp(super::cp::Cp),
    /// Write a spec for instances that were launched by hand, so that they can be taken over
    Adopt(Adopt),
    /// Give instances up without ending them
    Release(Release),
    /// Play the whole life of an environment on the embedded cloud
    Demo,
    /// The embedded cloud
    Local(Local),
    /// Print the JSON Schema of a file
    Schema(Schema),
    /// Read about a subject: capacity, network, disks and more
    Guide(Guide),
    /// Sign in, with an MFA code where one is needed, for a day of commands
    Login(super::login::Login),
    /// Forget every session that is kept on this machine
    Logout(super::login::Logout),
    /// Show whose credentials are used, and until when
    Whoami(super::login::Whoami),
    /// Explain which credentials are used, and what they lack
    Doctor(super::doctor::Doctor),
    /// Print completions for a shell
    Completions(Completions),
}

impl Command {
    /// Whether what it prints is all that it is asked for.
    pub(super) fn only_prints(&self) -> bool {
        match self {
            Self::Validate(_)
            | Self::Plan(_)
            | Self::Status(_)
            | Self::Schema(_)
            | Self::Guide(_)
            | Self::Whoami(_)
            | Self::Doctor(_)
            | Self::Completions(_) => true,
            Self::Sync(sync) => sync.is_dry(),
            Self::Init(_)
            | Self::Adopt(_)
            | Self::Apply(_)
            | Self::Destroy(_)
            | Self::Cp(_)
            | Self::Release(_)
            | Self::Demo
            | Self::Local(_)
            | Self::Login(_)
            | Self::Logout(_) => false,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The environment's name
    #[arg(default_value = "my-training")]
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Spec files, or folders of them [default: environments]
    pub(super) paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Spec files, or folders of them [default: environments]
    pub(super) paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Exit with 2 where there are changes
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    #[command(flatten)]
    pub(super) wishes: Wishes,
}

/// What a plan is to take into account besides the spec.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Wishes {
    /// Replace instances that are protected, too
    #[arg(long)]
    pub(super) lift_protection: bool,
    /// Replace instances that run an older image than the spec's name or parameter means now
    #[arg(long)]
    pub(super) upgrade_image: bool,
    /// Only this: a group, an instance such as `trainer[0]`, or `data.NAME`; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<TargetName>,
    /// Replace this group or instance although nothing about it differs; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) replace: Vec<TargetName>,
    /// Your own address as the world sees it, for `ssh: {from: me}` [default: the project's address service is asked]
    #[arg(long, value_name = "ADDRESS", hide_short_help = true)]
    pub(super) address: Option<IpAddr>,
}

impl Wishes {
    /// The options that a command that goes on from here needs too.
    pub(super) fn again(&self) -> String {
        let Self {
            lift_protection,
            upgrade_image,
            target,
            // One that was begun is not begun again: what was launched stays.
            replace: _,
            address,
        } = self;
        let mut flags = String::new();
        for (flag, given) in [
            (" --lift-protection", lift_protection),
            (" --upgrade-image", upgrade_image),
        ] {
            if *given {
                flags.push_str(flag);
            }
        }
        let named = target.iter().map(|name| format!(" --target '{name}'"));
        flags.extend(named);
        if let Some(address) = address {
            flags.push_str(" --address ");
            flags.push_str(&address.to_string());
        }
        flags
    }
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Spec files, or folders of them [default: environments]
    pub(super) paths: Vec<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Apply in a session of the role that can do no more than the plan says
    #[arg(long)]
    pub(super) least_privilege: bool,
    #[command(flatten)]
    pub(super) wishes: Wishes,
}

#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// The instances, such as i-0123456789abcdef0; all of one kind make one group
    #[arg(required = true, value_name = "ID")]
    pub(super) instances: Vec<String>,
    /// How long they may live from now on, such as 12h
    #[arg(long)]
    pub(super) lease: String,
    /// The environment's name [default: from the instance's Name tag]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The group's name
    #[arg(long, default_value = "trainer")]
    pub(super) group: String,
    /// The file to write [default: environments/NAME.yaml]
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Debug, Args)]
pub(super) struct Release {
    /// The environment's name, or its file
    pub(super) environment: String,
    /// Only this group or instance, such as `trainer[0]`; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<TargetName>,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Debug, Args)]
pub(super) struct Destroy {
    /// The environment's name, or its file
    pub(super) environment: String,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Lift termination protection where it stands in the way
    #[arg(long)]
    pub(super) lift_protection: bool,
    /// Delete the disks, too, that were to be kept
    #[arg(long)]
    pub(super) delete_kept: bool,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// The environment's name, or its file [default: every environment of ours]
    pub(super) environment: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

/// Where to look when there is no file that says so.
#[derive(Debug, Clone, Args)]
pub(super) struct PlaceArguments {
    /// The region, where no spec names it
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Refuse any other account than this
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Local {
    #[command(subcommand)]
    pub(super) command: LocalCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum LocalCommand {
    /// Serve the embedded cloud on a loopback port
    Serve(Serve),
    /// Make a bucket on the embedded cloud
    MakeBucket {
        /// Its name
        bucket: String,
    },
    /// End the embedded cloud that --local started here; its state stays
    Stop,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// The folder that keeps the state
    #[arg(long, default_value = ".trainyard", value_name = "FOLDER")]
    pub(super) folder: PathBuf,
    /// Keep everything in memory
    #[arg(long)]
    pub(super) memory: bool,
    /// The account that it plays
    #[arg(long, default_value = "123456789012", value_name = "ACCOUNT")]
    pub(super) account: String,
    /// End after this long without a request
    #[arg(long, value_name = "DURATION")]
    pub(super) idle: Option<Seconds>,
    /// Answer the control endpoint that tests use
    #[arg(long, hide = true)]
    pub(super) control: bool,
}

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which file
    #[arg(value_enum)]
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A file under environments/
    Environment,
    /// trainyard.yaml
    Project,
}

#[derive(Debug, Args)]
pub(super) struct Guide {
    /// The page [default: a list of the pages]
    #[arg(value_parser = PageName)]
    pub(super) page: Option<String>,
}

/// Any name of a page; those that there are stand in the help and in completions.
#[derive(Debug, Clone, Copy)]
struct PageName;

impl TypedValueParser for PageName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let pages = PAGES.iter();
        Some(Box::new(pages.map(|page| {
            PossibleValue::new(page.name).help(page.summary)
        })))
    }
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
    /// For pull requests
    Markdown,
}

/// A short duration such as `30s` or `2m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "write seconds or minutes with their unit, such as 30s or 2m".to_owned();
        let (amount, factor) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
            (Some(amount), _) => (amount, 1),
            (None, Some(amount)) => (amount, 60),
            (None, None) => return Err(wrong()),
        };
        let amount: u32 = amount.parse().map_err(|_| wrong())?;
        Ok(Self(Duration::from_secs(u64::from(amount) * factor)))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_is_one_word_whatever_is_in_it() {
        for (value, expected) in [
            ("team", "team"),
            (
                "arn:aws:iam::123456789012:role/x",
                "arn:aws:iam::123456789012:role/x",
            ),
            ("my team", "'my team'"),
            ("$HOME", "'$HOME'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(value), expected);
        }
    }
}
