//! The terminal itself, for a question whose answer is not shown.
//!
//! It is asked on, not on stdin or stderr: those may be a pipe while somebody is there all
//! the same, as in `eval "$(trainyard login --export)"`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use zeroize::Zeroizing;

use super::output::Output;
use crate::credentials::Terminal;

/// How long one look for a key takes, so that nobody waits for a question that is given up.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// The longest line that is taken.
const LONGEST: usize = 256;

/// The terminal that the process was started from.
#[derive(Debug)]
pub(super) struct Tty {
    output: Output,
}

impl Tty {
    /// The terminal, where there is one with somebody at it.
    pub(super) fn open(output: Output) -> Option<Self> {
        let terminal = device()?;
        is_ours(&terminal).then_some(Self { output })
    }
}

/// Whether it listens to this process: whoever runs in the background, or was put there since,
/// is stopped by the system when it reads.
fn is_ours(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn device() -> Option<File> {
    File::options().read(true).write(true).open("/dev/tty").ok()
}

impl Terminal for Tty {
    fn ask<'a>(&'a self, question: &'a str) -> BoxFuture<'a, Option<Zeroizing<String>>> {
        let question = crate::render::escape(question);
        Box::pin(async move {
            let given_up = GivenUp::default();
            let flag = Arc::clone(&given_up.0);
            let asked = tokio::task::spawn_blocking(move || ask(&question, &flag));
            asked.await.ok().flatten()
        })
    }

    fn say(&self, text: &str) {
        self.output.insist(text);
    }
}

/// Ends the question when nobody waits for its answer any more.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Keys are taken one by one while this lives, shown to nobody, and mean nothing to the
/// system: one that ended the process would leave the terminal as it is now.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a File) -> Option<Self> {
        let before = tcgetattr(terminal).ok()?;
        let mut now = before.clone();
        now.local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Flush, &now).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // There is nothing to be done where the terminal is gone.
        tcsetattr(self.terminal, OptionalActions::Now, &self.before).unwrap_or_default();
    }
}

fn ask(question: &str, given_up: &AtomicBool) -> Option<Zeroizing<String>> {
    let mut terminal = device().filter(is_ours)?;
    let line = {
        let hidden = Hidden::begin(&terminal)?;
        write!(&terminal, "{question}").ok()?;
        let line = read(&terminal, given_up);
        drop(hidden);
        line
    };
    writeln!(terminal).unwrap_or_default();
    line
}

/// Takes keys until a line is complete; nothing where it is given up.
fn read(mut terminal: &File, given_up: &AtomicBool) -> Option<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LONGEST));
    loop {
        if given_up.load(Ordering::SeqCst) {
            return None;
        }
        let mut ready = [PollFd::new(terminal, PollFlags::IN)];
        match poll(&mut ready, Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return None,
        }
        let mut key = [0];
        if terminal.read(&mut key).ok()? == 0 {
            return None;
        }
        match key[0] {
            b'\r' | b'\n' => return Some(line),
            // Ctrl-C, Ctrl-D, Ctrl-\ and Escape: nobody wants to answer.
            0x03 | 0x04 | 0x1b | 0x1c => return None,
            0x08 | 0x7f => drop(line.pop()),
            // Ctrl-U takes the line back.
            0x15 => line.clear(),
            byte if line.len() < LONGEST && (byte.is_ascii_graphic() || byte == b' ') => {
                line.push(char::from(byte));
            }
            _ => {}
        }
    }
}
