//! `doctor`: which credentials won, what each step gave, and what stands in the way.

use clap::Args;
use jiff::SignedDuration;

use super::arguments::{Global, PlaceArguments};
use super::environment;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::login::{destination, until};
use super::output::Output;
use super::session::{Destination, open};
use super::sign_in;
use crate::cloud::{Permission, permissions, time_of_aws};
use crate::credentials::{Renewal, Signed};
use crate::render::{bad, dim, escape, good, warn};

/// From so many seconds on, a clock makes codes that AWS refuses.
const CODES: i64 = 30;
/// From so many seconds on, AWS refuses every request (Signature Version 4).
const SIGNATURES: i64 = 300;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The environment that says as whom, by its name or its file [default: what trainyard.yaml says]
    pub(super) environment: Option<String>,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

/// What has been found so far.
struct Findings {
    output: Output,
    is_well: bool,
}

impl Findings {
    fn well(&self, text: &str) {
        self.output
            .data(&format!("{} {}\n", good("✓"), escape(text)));
    }

    fn told(&self, text: &str) {
        self.output
            .data(&format!("{} {}\n", dim("·"), escape(text)));
    }

    fn odd(&self, text: &str) {
        self.output
            .data(&format!("{} {}\n", warn("!"), escape(text)));
    }

    fn wrong(&mut self, error: &CommandError) {
        self.is_well = false;
        self.output.data(&format!("{} {}\n", bad("✗"), error.text));
        if let Some(help) = &error.help {
            self.output.data(&format!("  {}\n", escape(help)));
        }
    }
}

pub(super) async fn run(global: &Global, arguments: &Doctor, output: Output) -> CommandResult {
    let Doctor { environment, place } = arguments;
    let mut findings = Findings {
        output,
        is_well: true,
    };
    let destination = destination(global, (environment.as_deref(), place), output).await?;
    say_source(global, &destination, &findings)?;
    match open(global, destination, output).await {
        Ok(session) => {
            if let Some(engine) = &session.engine {
                for line in engine.steps() {
                    findings.told(&line);
                }
                say_session(global, engine.current().as_ref(), &findings);
            }
            let identity = &session.identity;
            findings.well(&format!(
                "signed in to the account {} as {}",
                identity.account, identity.arn
            ));
            say_clock(global, &session, &mut findings).await;
            Box::pin(say_permissions(&session, &mut findings)).await;
        }
        Err(error) => findings.wrong(&error),
    }
    Ok(if findings.is_well {
        ExitCode::Done
    } else {
        ExitCode::Failed
    })
}

/// What comes first, of all that could give credentials.
fn say_source(
    global: &Global,
    destination: &Destination,
    findings: &Findings,
) -> Result<(), CommandError> {
    let wish = sign_in::wish(global, &destination.sign_in)?;
    if global.local {
        findings.told("the embedded cloud takes any credentials");
        return Ok(());
    }
    let by = if global.profile.is_some() {
        "--profile"
    } else {
        "the spec or trainyard.yaml"
    };
    match (
        &wish.profile,
        environment::has_keys(),
        environment::profile(),
    ) {
        (Some(profile), true, _) if global.profile.is_none() => findings.odd(&format!(
            "the keys in AWS_ACCESS_KEY_ID go before the profile `{profile}` of {by}"
        )),
        (Some(profile), _, _) => {
            findings.told(&format!("the profile `{profile}` is named by {by}"));
        }
        (None, true, _) => findings.told("the keys in AWS_ACCESS_KEY_ID come first"),
        (None, false, Some(profile)) => {
            findings.told(&format!("the profile `{profile}` is named by AWS_PROFILE"));
        }
        (None, false, None) => {
            findings
                .told("nothing names a profile: the default one, SSO, or the machine's own role");
        }
    }
    if let Some(account) = &destination.account {
        findings.told(&format!("any other account than {account} is refused"));
    }
    Ok(())
}

fn say_session(global: &Global, signed: Option<&Signed>, findings: &Findings) {
    let now = global.host.clock.now();
    let Some(signed) = signed else {
        return;
    };
    if let Some(expires) = signed.expires {
        findings.told(&format!("the session lasts until {}", until(expires, now)));
    }
    match signed.renewal {
        Renewal::ByItself => {}
        Renewal::ByItselfUntil(end) => {
            findings.told(&format!("no MFA code is needed until {}", until(end, now)));
        }
        Renewal::WithCode => findings.told("after that, another MFA code is needed"),
        Renewal::NotAtAll => findings.told("nothing renews it: it is in this shell's environment"),
    }
}

async fn say_clock(global: &Global, session: &super::session::Session, findings: &mut Findings) {
    let Some(theirs) = time_of_aws(&session.clients).await else {
        findings.odd("AWS did not tell what time it is");
        return;
    };
    let skew = global.host.clock.now().duration_since(theirs);
    let seconds = skew.as_secs();
    // What an answer takes is no skew.
    let off = SignedDuration::from_secs(seconds.abs());
    let side = if seconds > 0 { "ahead of" } else { "behind" };
    match off.as_secs() {
        0..CODES => findings.well("this machine's clock agrees with AWS's"),
        CODES..SIGNATURES => findings.odd(&format!(
            "this machine's clock is {} s {side} AWS's: MFA codes that are made here are refused",
            off.as_secs()
        )),
        _ => {
            let text = format!("this machine's clock is {} s {side} AWS's", off.as_secs());
            let error = CommandError::failed(text);
            findings
                .wrong(&error.help("set the clock: AWS refuses what is signed at another time"));
        }
    }
}

async fn say_permissions(session: &super::session::Session, findings: &mut Findings) {
    for (action, permission) in Box::pin(permissions(&session.clients)).await {
        match permission {
            Permission::Granted => findings.well(action),
            Permission::Missing => {
                let error = CommandError::failed(format!("{action} is not allowed"));
                findings.wrong(&error.help(format!(
                    "ask for it in the policy of {}",
                    session.identity.arn
                )));
            }
            Permission::Unknown => {
                findings.odd(&format!("whether {action} is allowed, AWS does not tell"));
            }
        }
    }
}
