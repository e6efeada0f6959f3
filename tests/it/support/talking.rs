//! A run of the binary that goes on while a test looks at what it says.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Run, Sandbox};

/// How often to look for something that is certain to come; it takes far less.
const PATIENCE: u32 = 12_000;

const LOOK: Duration = Duration::from_millis(10);

/// A run that was started, with its outputs in files.
pub(crate) struct Talking {
    process: Child,
    arguments: String,
    outputs: [PathBuf; 2],
}

impl Talking {
    /// Starts the binary.
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        Self::of(sandbox, sandbox.command(arguments))
    }

    /// Starts a command that is ready.
    pub(crate) fn of(sandbox: &Sandbox, mut command: Command) -> Self {
        // Beside the folder: what a run leaves there is looked at.
        let folder = sandbox.folder().parent().unwrap().to_owned();
        let outputs = ["stdout", "stderr"].map(|name| folder.join(name));
        let file = |path: &PathBuf| Stdio::from(File::create(path).unwrap());
        let process = command
            .stdout(file(&outputs[0]))
            .stderr(file(&outputs[1]))
            .spawn()
            .unwrap();
        let arguments: Vec<_> = command
            .get_args()
            .map(|one| one.to_string_lossy())
            .collect();
        Self {
            process,
            arguments: arguments.join(" "),
            outputs,
        }
    }

    fn said(&self) -> [String; 2] {
        let read = |path: &PathBuf| std::fs::read(path).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        [0, 1].map(|which| text(read(&self.outputs[which])))
    }

    /// Waits until the run has said something on either stream.
    #[track_caller]
    pub(crate) fn until_it_says(&self, words: &str) {
        for _ in 0..PATIENCE {
            if self.said().iter().any(|said| said.contains(words)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("{words:?} was never said:\n{:?}", self.said());
    }

    /// Waits until the run has said something so many times on its stdout.
    #[track_caller]
    pub(crate) fn until_it_says_times(&self, words: &str, times: usize) {
        for _ in 0..PATIENCE {
            if self.said()[0].matches(words).count() >= times {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("{words:?} was never said {times} times:\n{:?}", self.said());
    }

    /// Types a line, where stdin is a pipe to it.
    pub(crate) fn answer(&mut self, line: &str) {
        let stdin = self.process.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL: nothing in the process gets a word in.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for the end of the run.
    pub(crate) fn end(mut self) -> Run {
        let code = self.process.wait().unwrap().code();
        let [stdout, stderr] = self.said();
        Run {
            arguments: self.arguments,
            stdout,
            stderr,
            code,
        }
    }
}
