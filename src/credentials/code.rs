//! Codes of MFA devices: where they come from, and what to say when one is refused.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::chain::Device;
use super::error::SignInError;
use crate::cloud::Clock;

/// How long one code is shown, in seconds (RFC 6238).
pub(super) const STEP: i64 = 30;
/// How often somebody may mistype a code.
const TRIES: u32 = 3;
/// How long a command may take to print a code; it may ask somebody to touch a key.
const PROCESS: Duration = Duration::from_mins(2);
/// A clock that is further off than this shows other codes than AWS expects.
const SKEW: i64 = 30;

/// Six digits that a device shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// Reads a code; spaces within it are how some devices show it.
    pub fn read(text: &str) -> Option<Self> {
        let digits: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        let fits = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(Zeroizing::new(digits)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(hidden)")
    }
}

/// Somebody who can be asked for a code.
pub trait Terminal: Send + Sync + fmt::Debug {
    /// Shows a question, and takes a line that is not shown; nothing when nobody is there.
    fn ask<'a>(&'a self, question: &'a str) -> BoxFuture<'a, Option<Zeroizing<String>>>;
    /// Says something to whoever is asked.
    fn say(&self, text: &str);
}

/// Where codes come from: what was given, a command of the profile, or somebody at a terminal.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    /// A code from the command line or the environment, until it is used.
    given: Mutex<Option<Code>>,
    terminal: Option<Arc<dyn Terminal>>,
}

impl Codes {
    pub(crate) fn new(given: Option<Code>, terminal: Option<Arc<dyn Terminal>>) -> Self {
        Self {
            given: Mutex::new(given),
            terminal,
        }
    }

    /// Whether one can be had at all.
    pub(super) fn can_be_had(&self, device: &Device) -> bool {
        self.terminal.is_some() || device.process.is_some() || self.lock().is_some()
    }

    pub(super) fn say(&self, text: &str) {
        if let Some(terminal) = &self.terminal {
            terminal.say(text);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Code>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One device and the codes that were used of it.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    codes: &'a Codes,
    device: &'a Device,
    clock: &'a Clock,
    used: Option<Used>,
    left: u32,
    /// A code that was shown to nobody who would have used it up.
    unused: Option<Code>,
    /// What is wrong with the code before.
    wrong: Option<String>,
}

/// A code that AWS has taken: it works once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) at: Timestamp,
    /// The code itself, where this very process used it.
    pub(super) code: Option<Code>,
}

impl<'a> Tries<'a> {
    pub(super) fn new(
        codes: &'a Codes,
        device: &'a Device,
        clock: &'a Clock,
        used: Option<Used>,
    ) -> Self {
        Self {
            codes,
            device,
            clock,
            used,
            left: TRIES,
            unused: None,
            wrong: None,
        }
    }

    /// Takes a code back that was not looked at.
    pub(super) fn give_back(&mut self, code: Code) {
        self.unused = Some(code);
    }

    /// Whether there is a code that nobody looked at.
    pub(super) fn has_unused(&self) -> bool {
        self.unused.is_some()
    }

    /// The next code that may work.
    ///
    /// # Errors
    ///
    /// When there is none: nobody to ask, or too many were wrong.
    pub(super) async fn next(&mut self) -> Result<Code, SignInError> {
        if let Some(code) = self.unused.take() {
            return Ok(code);
        }
        let given = self.codes.lock().take();
        if let Some(code) = given {
            return Ok(code);
        }
        if self.left == 0 {
            return Err(self.refused());
        }
        if let Some(command) = &self.device.process {
            self.wait_for_another().await;
            self.left = self.left.min(2) - 1;
            return run(command).await;
        }
        let Some(terminal) = &self.codes.terminal else {
            return Err(match &self.wrong {
                Some(_) => self.refused(),
                None => SignInError::NoTerminal(self.device.serial.clone()),
            });
        };
        loop {
            if let Some(wrong) = self.wrong.take() {
                terminal.say(&wrong);
            }
            let question = self.question();
            let line = terminal.ask(&question).await;
            let line = line.ok_or(SignInError::NotGiven)?;
            let Some(code) = Code::read(&line) else {
                if line.trim().is_empty() {
                    return Err(SignInError::NotGiven);
                }
                self.wrong = Some("a code has six digits".to_owned());
                continue;
            };
            if self.was_used(&code) {
                let seconds = self.until_next();
                self.wrong = Some(format!(
                    "that code was used a moment ago, and each works once: the next one comes in {seconds} s"
                ));
                continue;
            }
            self.left -= 1;
            return Ok(code);
        }
    }

    fn question(&self) -> String {
        let serial = &self.device.serial;
        let name = serial.rsplit('/').next().unwrap_or(serial);
        let account = serial
            .split(':')
            .nth(4)
            .filter(|account| !account.is_empty());
        let next = if self.is_fresh() { "next " } else { "" };
        match account {
            Some(account) => format!("{next}MFA code of {name} (account {account}): "),
            None => format!("{next}MFA code of {name}: "),
        }
    }

    /// Takes note that AWS has taken a code.
    pub(super) fn taken(&mut self, code: Code) -> Used {
        let used = Used {
            at: self.clock.now(),
            code: Some(code),
        };
        self.used = Some(used.clone());
        self.left = TRIES;
        used
    }

    /// Takes note that a code was refused; `date` is AWS's own time.
    pub(super) fn is_wrong(&mut self, date: Option<Timestamp>) {
        let now = self.clock.now();
        let skew = date.map_or(0, |date| now.as_second() - date.as_second());
        let used = self.used.as_ref();
        let ago = used.map(|used| now.as_second() - used.at.as_second());
        self.wrong = Some(if skew.abs() > SKEW {
            let side = if skew > 0 { "ahead of" } else { "behind" };
            format!(
                "the code was refused, and this machine's clock is {} s {side} AWS's: a code that is made here is wrong for that; set the clock",
                skew.abs()
            )
        } else if let Some(ago) = ago.filter(|ago| *ago < 3 * STEP) {
            format!(
                "the code was refused: one was used {ago} s ago, and each works once; wait for the next one"
            )
        } else {
            "the code was refused: it is mistyped, of another device, or was used before".to_owned()
        });
    }

    fn refused(&self) -> SignInError {
        let why = self.wrong.clone();
        SignInError::CodeRefused(why.unwrap_or_else(|| "the code was refused".to_owned()))
    }

    fn was_used(&self, code: &Code) -> bool {
        let known = self.used.as_ref().and_then(|used| used.code.as_ref());
        known == Some(code) && self.is_fresh()
    }

    /// Whether a code was taken that may still be shown.
    fn is_fresh(&self) -> bool {
        let now = self.clock.now().as_second();
        self.used
            .as_ref()
            .is_some_and(|used| used.at.as_second().div_euclid(STEP) >= now.div_euclid(STEP))
    }

    fn until_next(&self) -> i64 {
        STEP - self.clock.now().as_second().rem_euclid(STEP)
    }

    /// A command that prints codes would print the used one again.
    async fn wait_for_another(&self) {
        if self.is_fresh() {
            let seconds = self.until_next();
            self.codes
                .say(&format!("waiting {seconds} s for the next MFA code"));
            let seconds = u64::try_from(seconds).unwrap_or_default();
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
    }
}

/// Has a command print a code.
async fn run(command: &str) -> Result<Code, SignInError> {
    let failed = |why: String| SignInError::Process(why);
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(std::process::Stdio::inherit())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let output = child.stdout.take();
    let read = async {
        let mut text = Zeroizing::new(String::new());
        if let Some(output) = output {
            let mut output = output.take(1024);
            output.read_to_string(&mut text).await?;
        }
        Ok::<_, std::io::Error>((text, child.wait().await?))
    };
    let (text, status) = tokio::time::timeout(PROCESS, read)
        .await
        .map_err(|_| failed(format!("it printed none within {} s", PROCESS.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    // What it printed may be a code with something around it: not a word of it is shown.
    Code::read(&text).ok_or_else(|| failed("what it printed is no code of six digits".to_owned()))
}
