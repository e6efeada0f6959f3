//! A private home and working folder for the binary.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An empty home, an empty folder to work in, and an environment with nothing of the machine's in it.
pub(crate) struct Sandbox {
    root: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl Sandbox {
    /// A fresh one, with no credentials at all.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "work"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let home = root.path().join("home").display().to_string();
        let variables = [
            ("HOME", home.as_str()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("NO_COLOR", "1"),
            // Without it a machine without credentials asks the network for some.
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            root,
            variables: variables.into(),
        }
    }

    /// A fresh one that talks to a cloud at `address`, with credentials that it accepts.
    pub(crate) fn at(address: &str) -> Self {
        let mut sandbox = Self::new();
        sandbox.set("AWS_ENDPOINT_URL", address);
        sandbox.set("AWS_ACCESS_KEY_ID", "TESTING");
        sandbox.set("AWS_SECRET_ACCESS_KEY", "testing");
        sandbox
    }

    /// Sets an environment variable for the runs to come.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// The environment variables of the runs to come.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The folder that runs work in.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Writes a file below the folder, with its parents.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Copies a file or a folder of the repository to the same place below the folder.
    pub(crate) fn copy(&self, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if from.is_dir() {
            for entry in std::fs::read_dir(from).unwrap() {
                let entry = entry.unwrap().file_name();
                self.copy(&format!("{name}/{}", entry.to_str().unwrap()));
            }
        } else {
            self.write(name, std::fs::read(from).unwrap());
        }
    }

    /// Every file below the folder and the home, with its contents.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in ["home", "work"] {
            collect(&self.root.path().join(folder), &mut files);
        }
        files
    }

    /// The binary, ready to be started here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainyard"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Python, in the environment of the runs.
    pub(crate) fn python(&self) -> Command {
        let mut command = Command::new("python3");
        command.env_clear().envs(&self.variables);
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run {
            arguments: arguments.join(" "),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }

    /// Starts the binary and goes on; its output goes nowhere.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

/// Notes what is in a folder; of whatever is no plain file only that it is there.
fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            collect(&path, files);
            files.insert(path, b"folder".to_vec());
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            files.insert(path, bytes);
        } else {
            files.insert(path, b"special".to_vec());
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A run with `--local` leaves its cloud behind; it must not outlive the folder.
        if self.folder().join(".trainyard/server.address").exists() {
            drop(self.run(&["local", "stop"]));
        }
    }
}

/// What a run printed and how it ended.
#[must_use = "look at the output, or say which exit code is expected"]
pub(crate) struct Run {
    pub(crate) arguments: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Run {
    /// Fails unless the run ended with this code.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails unless stdout and stderr together hold all of these.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        let all = format!("{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(all.contains(word), "{word:?} is missing from:\n{self}");
        }
        self
    }

    /// Fails if stdout or stderr holds any of these.
    #[track_caller]
    pub(crate) fn says_nothing_about(&self, words: &[&str]) -> &Self {
        let all = format!("{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(!all.contains(word), "{word:?} must not stand in:\n{self}");
        }
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arguments,
            stdout,
            stderr,
            code,
        } = self;
        write!(
            formatter,
            "$ trainyard {arguments}\n{stdout}--- stderr ---\n{stderr}--- exit {code:?}"
        )
    }
}
