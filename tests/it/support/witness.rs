//! boto3 as the independent witness of what a cloud holds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::python::venv;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/witness.py");

/// A `witness.py serve` that lives as long as this value.
pub(crate) struct Witness {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Witness {
    /// One that looks at the cloud at `address`.
    pub(crate) fn of(address: &str, region: &str) -> Self {
        let mut process = Command::new(venv().join("bin/python"))
            .args([SCRIPT, address, region, "serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (
            process.stdin.take().unwrap(),
            BufReader::new(process.stdout.take().unwrap()),
        );
        Self {
            process,
            pipes: Mutex::new(pipes),
        }
    }

    /// One command of the script; what it tells.
    #[track_caller]
    pub(crate) fn ask(&self, command: &str, arguments: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap();
        let question = json!({"command": command, "arguments": arguments});
        writeln!(pipes.0, "{question}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        if let Some(error) = answer["error"].as_str() {
            panic!("the witness cannot {command} {arguments}:\n{error}");
        }
        answer["told"].take()
    }

    /// Every instance of an environment, terminated ones too.
    #[track_caller]
    pub(crate) fn instances(&self, environment: &str) -> Vec<Value> {
        list(self.ask("instances", &json!({"environment": environment})))
    }

    /// The instances of an environment that are neither ended nor ending.
    #[track_caller]
    pub(crate) fn alive(&self, environment: &str) -> Vec<Value> {
        let mut instances = self.instances(environment);
        instances.retain(|one| one["state"] != "terminated" && one["state"] != "shutting-down");
        instances
    }

    /// Every volume of an environment.
    #[track_caller]
    pub(crate) fn volumes(&self, environment: &str) -> Vec<Value> {
        list(self.ask("volumes", &json!({"environment": environment})))
    }
}

fn list(value: Value) -> Vec<Value> {
    serde_json::from_value(value).unwrap()
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
