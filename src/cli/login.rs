//! `login`, `logout` and `whoami`: who one is to AWS, and until when.

use aws_credential_types::provider::ProvideCredentials as _;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use super::arguments::{Format, Global, PlaceArguments};
use super::environment;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use super::session::{Destination, Session, open, region_of};
use super::sign_in::{self, vault};
use super::specs;
use crate::cloud::region_of_profile;
use crate::credentials::{
    Exported, Mode, Renewal, Shell, Signed, console_link, export_lines, process_json,
    unexport_lines,
};
use crate::render::{escape, good};
use crate::resource::{AccountId, Region, human_duration};

#[derive(Debug, Args)]
pub(super) struct Login {
    /// The environment that says as whom, by its name or its file [default: what trainyard.yaml says]
    pub(super) environment: Option<String>,
    /// Print shell lines that set the credentials, for `eval "$(trainyard login --export)"`
    #[arg(long, value_name = "SHELL", num_args = 0..=1, require_equals = true, default_missing_value = "own", conflicts_with_all = ["json", "console"])]
    pub(super) export: Option<ShellName>,
    /// Print the credentials in the format of `credential_process`, for other AWS tools
    #[arg(long, conflicts_with = "console")]
    pub(super) json: bool,
    /// Print a link that opens the AWS console in this session
    #[arg(long)]
    pub(super) console: bool,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Debug, Args)]
pub(super) struct Logout {
    /// Print shell lines that take the credentials away, for `eval "$(trainyard logout --export)"`
    #[arg(long, value_name = "SHELL", num_args = 0..=1, require_equals = true, default_missing_value = "own")]
    pub(super) export: Option<ShellName>,
}

#[derive(Debug, Args)]
pub(super) struct Whoami {
    /// The environment that says as whom, by its name or its file [default: what trainyard.yaml says]
    pub(super) environment: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

/// A shell that lines can be printed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShellName {
    /// The one that runs this command, or else the one that SHELL names
    Own,
    Bash,
    Zsh,
    Fish,
}

pub(super) async fn login(global: &Global, arguments: &Login, output: Output) -> CommandResult {
    let Login {
        environment,
        export,
        json,
        console,
        place,
    } = arguments;
    let destination = destination(global, (environment.as_deref(), place), output).await?;
    let session = open(global, destination, output).await?;
    let given = given(&session).await?;
    if let Some(shell) = export {
        output.raw(&export_lines(shell_of(*shell), &given.exported(&session)));
    } else if *json {
        output.raw(&format!("{}\n", process_json(&given.exported(&session))));
    } else if *console {
        let endpoint = session.clients.endpoint.as_deref();
        let link = console_link(&given.credentials, &session.clients.region, endpoint).await;
        output.raw(&format!(
            "{}\n",
            link.map_err(|error| sign_in::failed(&error))?
        ));
        output.say("whoever opens the link is signed in as you: it works once, within 15 minutes");
    } else {
        output.say(&format!("{} signed in", good("✓")));
        output.data(&said(&session, &given, global.host.clock.now()));
    }
    Ok(ExitCode::Done)
}

/// The shell that lines are for.
fn shell_of(named: ShellName) -> Shell {
    match named {
        ShellName::Own => Shell::of(&environment::shell().unwrap_or_default()),
        ShellName::Bash | ShellName::Zsh => Shell::Posix,
        ShellName::Fish => Shell::Fish,
    }
}

/// Where somebody signs in; STS is there in every region, so that nobody has to name one.
pub(super) async fn destination(
    global: &Global,
    (environment, place): (Option<&str>, &PlaceArguments),
    output: Output,
) -> Result<Destination, CommandError> {
    let mut destination = if let Some(word) = environment {
        specs::target(word, place, output)?.1
    } else {
        let project = specs::good_project_place(output)?;
        let account = place.account.clone().map(AccountId::new);
        Destination {
            sign_in: project.sign_in,
            account: account.or(project.account),
            region: place.region.clone().map(Region::new).or(project.region),
        }
    };
    if region_of(global, &destination).is_err() {
        let wish = sign_in::wish(global, &destination.sign_in)?;
        let known = region_of_profile(wish.profile.as_deref()).await;
        destination.region = known.or_else(|| Some(Region::new("us-east-1")));
    }
    Ok(destination)
}

/// Credentials, and how it goes on with them.
struct Given {
    credentials: aws_credential_types::Credentials,
    expires: Option<Timestamp>,
    renewal: Renewal,
}

impl Given {
    fn exported(&self, session: &Session) -> Exported {
        Exported {
            access_key_id: self.credentials.access_key_id().to_owned(),
            secret_access_key: self.credentials.secret_access_key().to_owned(),
            session_token: self.credentials.session_token().map(str::to_owned),
            expires: self.expires,
            region: Some(session.clients.region.to_string()),
        }
    }
}

async fn given(session: &Session) -> Result<Given, CommandError> {
    if let Some(engine) = &session.engine {
        let Signed {
            credentials,
            expires,
            renewal,
            notes: _,
        } = engine
            .sign_in(Mode::Silent)
            .await
            .map_err(|error| sign_in::failed(&error))?;
        return Ok(Given {
            credentials,
            expires,
            renewal,
        });
    }
    let provider = session.clients.credentials.as_ref();
    let provider = provider.ok_or_else(|| CommandError::failed("there are no credentials"))?;
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| CommandError::failed(error.to_string()))?;
    Ok(Given {
        expires: credentials.expiry().and_then(|end| end.try_into().ok()),
        credentials,
        renewal: Renewal::ByItself,
    })
}

/// Who one is, and until when.
fn said(session: &Session, given: &Given, now: Timestamp) -> String {
    let identity = &session.identity;
    let mut lines = vec![
        ("account", identity.account.to_string()),
        ("identity", escape(&identity.arn)),
        ("region", session.clients.region.to_string()),
    ];
    if let Some(expires) = given.expires {
        lines.push(("until", until(expires, now)));
    }
    match given.renewal {
        Renewal::ByItselfUntil(end) => {
            lines.push(("no MFA code until", until(end, now)));
        }
        Renewal::WithCode => lines.push(("after that", "another MFA code is needed".to_owned())),
        Renewal::ByItself if given.expires.is_some() => {
            lines.push(("after that", "it is renewed by itself".to_owned()));
        }
        Renewal::NotAtAll if given.expires.is_some() => {
            lines.push((
                "after that",
                "nothing renews it: it is in this shell's environment".to_owned(),
            ));
        }
        Renewal::ByItself | Renewal::NotAtAll => {}
    }
    let width = lines
        .iter()
        .map(|(head, _)| head.len())
        .max()
        .unwrap_or_default();
    let lines = lines
        .into_iter()
        .map(|(head, text)| format!("{head:width$}  {text}\n"));
    lines.collect::<Vec<_>>().concat()
}

/// A time in UTC, and how long it is until then.
pub(super) fn until(end: Timestamp, now: Timestamp) -> String {
    let time = end.strftime("%Y-%m-%d %H:%M UTC");
    let left = end.duration_since(now).as_secs().max(0);
    format!("{time} (in {})", human_duration(left))
}

pub(super) fn logout(arguments: &Logout, output: Output) -> CommandResult {
    let count = match vault() {
        Some(vault) => vault
            .clear()
            .map_err(|error| CommandError::failed(error.to_string()))?,
        None => 0,
    };
    if let Some(shell) = arguments.export {
        output.raw(&unexport_lines(shell_of(shell)));
    }
    let text = match count {
        0 => "no session was kept on this machine".to_owned(),
        _ => format!(
            "{} every session that was kept on this machine is forgotten",
            good("✓")
        ),
    };
    output.say(&text);
    if environment::has_keys() && arguments.export.is_none() {
        output.say("the credentials in this shell's environment stay: `eval \"$(trainyard logout --export)\"` takes them away");
    }
    Ok(ExitCode::Done)
}

pub(super) async fn whoami(global: &Global, arguments: &Whoami, output: Output) -> CommandResult {
    let Whoami {
        environment,
        format,
        place,
    } = arguments;
    let mut global = global.clone();
    // Whoever asks who they are wants to be asked nothing.
    global.sign_in_mode = Mode::Silent;
    let destination = destination(&global, (environment.as_deref(), place), output).await?;
    let session = open(&global, destination, output).await?;
    let given = given(&session).await?;
    let now = global.host.clock.now();
    match format {
        Format::Human | Format::Markdown => output.data(&said(&session, &given, now)),
        Format::Json => output.json(&json!({
            "account": session.identity.account.as_str(),
            "identity": session.identity.arn,
            "region": session.clients.region.to_string(),
            "expires": given.expires.map(|end| end.to_string()),
            "no_code_until": match given.renewal {
                Renewal::ByItselfUntil(end) => Some(end.to_string()),
                Renewal::ByItself | Renewal::WithCode | Renewal::NotAtAll => None,
            },
        })),
    }
    Ok(ExitCode::Done)
}
