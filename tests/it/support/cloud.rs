//! An embedded cloud of a test's own, with its control endpoint.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A `trainyard local serve` that lives as long as this value.
pub(crate) struct LocalCloud {
    server: Child,
    address: String,
}

impl LocalCloud {
    /// Starts one that keeps everything in memory.
    pub(crate) fn start() -> Self {
        Self::start_with(&[OsStr::new("--memory")])
    }

    /// Starts one that runs with `--local` in `folder` find, and which they leave running.
    pub(crate) fn start_in(folder: &Path) -> Self {
        let state = folder.join(".trainyard");
        Self::start_with(&[OsStr::new("--folder"), state.as_os_str()])
    }

    fn start_with(place: &[&OsStr]) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_trainyard"))
            .args(["local", "serve", "--control"])
            .args(place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            server,
            address: line.trim().to_owned(),
        }
    }

    /// Its address, such as `http://127.0.0.1:4000`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The requests that it answered so far, as `service action`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let list = self.control("GET", "requests", "");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {}", text(&one["service"]), text(&one["action"])))
            .collect()
    }

    /// Waits until a request has arrived so many times.
    #[track_caller]
    pub(crate) fn await_requests(&self, request: &str, times: usize) {
        for _ in 0..6_000 {
            let all = self.requests();
            if all.iter().filter(|one| *one == request).count() >= times {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{request} never came {times} times");
    }

    /// How often an action of EC2 was asked for so far.
    pub(crate) fn number_of(&self, action: &str) -> usize {
        let wanted = format!("ec2 {action}");
        let requests = self.requests();
        requests.iter().filter(|one| **one == wanted).count()
    }

    /// Fails if any request so far asked for more than an answer.
    #[track_caller]
    pub(crate) fn expect_untouched(&self) {
        let requests = self.requests();
        let changing: Vec<&String> = requests.iter().filter(|one| !only_reads(one)).collect();
        assert!(changing.is_empty(), "{changing:?} in {requests:?}");
    }

    /// The same, but for some requests.
    #[track_caller]
    pub(crate) fn expect_untouched_but(&self, allowed: &[&str]) {
        let requests = self.requests();
        let changing = requests.iter().filter(|one| !only_reads(one));
        let others: Vec<&String> = changing
            .filter(|one| !allowed.contains(&one.as_str()))
            .collect();
        assert!(others.is_empty(), "{others:?} in {requests:?}");
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.control("DELETE", "requests", "");
    }

    /// Orders faults, as the control endpoint takes them.
    pub(crate) fn order(&self, faults: &Value) {
        self.control("POST", "faults", &faults.to_string());
    }

    /// Takes back the faults that were ordered.
    pub(crate) fn no_faults(&self) {
        self.control("DELETE", "faults", "");
    }

    /// Makes a bucket.
    pub(crate) fn make_bucket(&self, name: &str) {
        let head = "Authorization: AWS4-HMAC-SHA256 Credential=TESTING/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let answer = self.send(&format!("PUT /{name}"), head, "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// One request to the control endpoint; its answer as JSON, or null where there is none.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let line = format!("{method} /_trainyard/{path}");
        let answer = self.send(&line, "Content-Type: application/json", body);
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// One request with one header of its own, and the whole answer.
    fn send(&self, line: &str, header: &str, body: &str) -> String {
        let host = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: {host}\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// Whether a request only reads, by the name of its action. Signing in changes nothing.
fn only_reads(request: &str) -> bool {
    let action = request.split(' ').next_back().unwrap_or_default();
    ["Describe", "Get", "List", "AssumeRole", "getSigninToken"]
        .iter()
        .any(|verb| action.starts_with(verb))
        || ["GET", "HEAD"].contains(&action)
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}
