//! As whom a command runs: what the command line, the spec and the environment say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use super::arguments::Global;
use super::environment;
use super::error::CommandError;
use super::exit::ExitCode;
use super::output::Output;
use super::session::Destination;
use super::tty::Tty;
use crate::cloud::{Connection, unsigned};
use crate::credentials::{
    Code, Codes, Engine, Kept, Keys, Mode, Request, SignInError, Signed, Terminal, Vault,
};
use crate::render::{dim, escape, warn};
use crate::resource::{AccountId, RoleName, SignIn};

/// What a process knows of signing in: nobody is asked twice for one code.
#[derive(Clone, Default)]
pub(super) struct SignIns(Arc<State>);

#[derive(Default)]
struct State {
    engines: Mutex<Engines>,
    shared: OnceLock<Shared>,
}

/// What signs in, by who wants to be whom in which account.
type Engines = BTreeMap<(SignIn, Option<AccountId>), Arc<Engine>>;

#[derive(Clone)]
struct Shared {
    codes: Arc<Codes>,
    kept: Arc<Kept>,
    vault: Option<Arc<Vault>>,
}

impl fmt::Debug for SignIns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SignIns")
    }
}

/// What the command line says goes before what a spec says.
pub(super) fn wish(global: &Global, spec: &SignIn) -> Result<SignIn, CommandError> {
    let mut wish = spec.clone();
    if let Some(profile) = &global.profile {
        wish.profile = Some(profile.clone());
    }
    if let Some(role) = &global.role {
        let role = RoleName::read(role)
            .map_err(|error| CommandError::new(ExitCode::Usage, error.to_string()))?;
        // What the spec says of its own role is not about this one.
        if wish.role.as_ref() != Some(&role) {
            wish.external_id = None;
        }
        wish.role = Some(role);
    }
    Ok(wish)
}

/// What signs in for a destination, where that takes more than the SDK does by itself.
///
/// # Errors
///
/// When profiles cannot be read, or the role belongs to another account than is asked for.
pub(super) async fn engine(
    global: &Global,
    destination: &Destination,
    connection: &Connection,
    output: Output,
) -> Result<Option<Arc<Engine>>, CommandError> {
    let simulated = global.host.sign_in.as_ref();
    if global.local || (global.host.transport.is_some() && simulated.is_none()) {
        return Ok(None);
    }
    let wish = wish(global, &destination.sign_in)?;
    let key = (wish.clone(), destination.account.clone());
    let SignIns(state) = &global.host.sign_ins;
    if let Some(known) = lock(&state.engines).get(&key) {
        return Ok(Some(Arc::clone(known)));
    }
    let given = given_code(global)?;
    let Shared { codes, kept, .. } = state
        .shared
        .get_or_init(|| shared(global, given, output))
        .clone();
    let profiles = simulated.map_or_else(EnvConfigFiles::default, |simulated| {
        EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, simulated.profiles.clone())
            .build()
    });
    let request = Request {
        environment_first: simulated.is_none()
            && global.profile.is_none()
            && environment::has_keys(),
        environment_ends: environment::session_ends(),
        wish,
        account: destination.account.clone(),
        region: connection.region.to_string(),
        sdk: unsigned(connection).await,
        profiles,
        codes,
        kept,
        clock: global.host.clock.clone(),
        user: environment::user(),
    };
    let Some(engine) = request.engine().await.map_err(|error| failed(&error))? else {
        return Ok(None);
    };
    check_account(&engine, destination.account.as_ref())?;
    let engine = Arc::new(engine);
    lock(&state.engines).insert(key, Arc::clone(&engine));
    Ok(Some(engine))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The code that came with the command, which no message repeats.
fn given_code(global: &Global) -> Result<Option<Code>, CommandError> {
    let given = global.mfa_code.clone().or_else(environment::mfa_code);
    let read = given.map(|given| {
        let wrong = "the MFA code that was given is none: a code has six digits";
        Code::read(&given).ok_or_else(|| CommandError::new(ExitCode::Usage, wrong))
    });
    read.transpose()
}

fn shared(global: &Global, given: Option<Code>, output: Output) -> Shared {
    let simulated = global.host.sign_in.as_ref();
    let terminal: Option<Arc<dyn Terminal>> = match simulated {
        Some(simulated) => simulated.terminal.clone(),
        None => Tty::open(output).map(|tty| Arc::new(tty) as Arc<dyn Terminal>),
    };
    let vault = simulated.is_none().then(vault).flatten();
    Shared {
        codes: Arc::new(Codes::new(given, terminal)),
        kept: Arc::new(Kept::new(vault.clone())),
        vault,
    }
}

/// Where sessions are kept from one command to the next.
pub(super) fn vault() -> Option<Arc<Vault>> {
    let folder = environment::cache()?.join("credentials");
    let keys = if environment::keyring_is_off() {
        Keys::Off
    } else {
        Keys::System
    };
    Some(Arc::new(Vault::open(&folder, keys)))
}

/// The account that is asked for goes before everything: even before a code is asked for.
fn check_account(engine: &Engine, pinned: Option<&AccountId>) -> Result<(), CommandError> {
    let (Some(role), Some(pinned)) = (engine.role(), pinned) else {
        return Ok(());
    };
    let account = role.account();
    if account == *pinned {
        return Ok(());
    }
    let text = format!(
        "the role {role} belongs to the account {account}, and {pinned} is asked for; nothing was read and nothing was changed"
    );
    Err(CommandError::refused(text).help(format!("name a role of the account {pinned}")))
}

/// Signs in before anything is asked of AWS, and says what is worth knowing.
///
/// # Errors
///
/// When a code is needed and cannot be had, or AWS says no.
pub(super) async fn sign_in(
    global: &Global,
    engine: &Engine,
    output: Output,
) -> Result<Signed, CommandError> {
    let signed = engine.sign_in(global.sign_in_mode).await;
    warn_of_cache(global, output);
    let signed = signed.map_err(|error| match (error, global.sign_in_mode) {
        (SignInError::Ended, Mode::Silent) => CommandError::failed("nobody is signed in")
            .help(format!("run `trainyard login{}`", global.again())),
        (error, Mode::Ask | Mode::Silent) => failed(&error),
    })?;
    for note in &signed.notes {
        output.say(&format!("  {} {}", dim("·"), escape(note)));
    }
    Ok(signed)
}

/// Says what was wrong with the cache: somebody may be after what is in it.
fn warn_of_cache(global: &Global, output: Output) {
    let SignIns(state) = &global.host.sign_ins;
    let vault = state.shared.get().and_then(|shared| shared.vault.clone());
    for warning in vault.iter().flat_map(|vault| vault.take_warnings()) {
        output.insist(&format!("{} {}", warn("note:"), escape(&warning)));
    }
}

/// An error in the words of the command line.
pub(super) fn failed(error: &SignInError) -> CommandError {
    if let SignInError::Cloud(error) = error {
        return error.clone().into();
    }
    let mut failed = CommandError::failed(error.to_string());
    failed.help = error.help();
    failed
}
