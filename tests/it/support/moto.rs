//! A moto server of a test's own: an AWS that we did not write.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::python::venv;

/// A `moto_server` that lives as long as this value; its state is all its own.
pub(crate) struct Moto {
    server: Child,
    address: String,
}

impl Moto {
    /// Starts one on a free loopback port.
    pub(crate) fn start() -> Self {
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/server.py");
        let mut server = Command::new(venv().join("bin/python"))
            .args([server])
            .args(["-H", "127.0.0.1", "-p", "0"])
            // Without these moto launches images, types and keys that do not exist.
            .env("MOTO_ENABLE_AMI_VALIDATION", "1")
            .env("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "1")
            .env("MOTO_ENABLE_KEYPAIR_VALIDATION", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(server.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(
                talk.read_line(&mut line).unwrap(),
                0,
                "moto did not start:\n{said}"
            );
            said.push_str(&line);
            if let Some((_, address)) = line.trim().split_once("Running on ") {
                break address.to_owned();
            }
        };
        // It writes a line for every request, and stops when nobody reads them.
        std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        Self { server, address }
    }

    /// Its address, such as `http://127.0.0.1:4000`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}
