//! S3 servers, each a process of a test's own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{LocalCloud, Moto, venv_of_stores};

/// How long a server may take to start; far longer than it takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// An S3 server with a bucket in it.
pub(super) struct Store {
    pub(super) address: String,
    _server: Server,
}

/// Whatever ends the server when it is dropped.
#[expect(dead_code, reason = "held until the test ends")]
enum Server {
    Embedded(LocalCloud),
    Moto(Moto),
    Process(Process),
}

/// A process with the folder that it works in.
struct Process {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Store {
    pub(super) fn embedded() -> Self {
        let cloud = LocalCloud::start();
        let address = cloud.address().to_owned();
        Self::with(address, Server::Embedded(cloud))
    }

    pub(super) fn moto() -> Self {
        let moto = Moto::start();
        Self::with(moto.address().to_owned(), Server::Moto(moto))
    }

    pub(super) fn ministack() -> Self {
        let ([port], folder) = (ports(), tempfile::tempdir().unwrap());
        let mut command = Command::new(venv_of_stores().join("bin/ministack"));
        command
            .env_clear()
            .env("BIND_HOST", "127.0.0.1")
            .env("DOCKER_HOST", "")
            .env("GATEWAY_PORT", port.to_string());
        Self::of(port, command, folder)
    }

    pub(super) fn seaweedfs() -> Self {
        let ([s3, master, volume, filer], folder) = (ports(), tempfile::tempdir().unwrap());
        let mut command = Command::new(venv_of_stores().join("bin/weed"));
        command
            .env_clear()
            .arg("server")
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"])
            .arg(format!("-dir={}", folder.path().display()))
            .arg(format!("-s3.port={s3}"))
            .arg(format!("-master.port={master}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-filer.port={filer}"))
            .args(["-master.telemetry=false", "-master.volumeSizeLimitMB=256"])
            .args(["-volume.max=20", "-s3.allowDeleteBucketNotEmpty=false"]);
        Self::of(s3, command, folder)
    }

    /// Starts a server that has its folder for a home, and nothing of the machine's besides.
    fn of(port: u16, mut command: Command, folder: tempfile::TempDir) -> Self {
        let child = command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = Process {
            child,
            _folder: folder,
        };
        Self::with(format!("http://127.0.0.1:{port}"), Server::Process(process))
    }

    /// Waits until a bucket can be made.
    fn with(address: String, server: Server) -> Self {
        let begun = Instant::now();
        while !has_made_bucket(&address) {
            assert!(begun.elapsed() < PATIENCE, "{address} did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self {
            address,
            _server: server,
        }
    }
}

/// Asks for the bucket `data` in the plainest way: these servers want no signature.
fn has_made_bucket(address: &str) -> bool {
    let host = address.trim_start_matches("http://");
    let Ok(mut stream) = TcpStream::connect(host) else {
        return false;
    };
    let signature = "AWS4-HMAC-SHA256 Credential=TESTING/20260101/us-east-1/s3/aws4_request, \
                     SignedHeaders=host, Signature=0";
    let request = format!(
        "PUT /data HTTP/1.1\r\nHost: {host}\r\nAuthorization: {signature}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut answer = String::new();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let asked = stream.write_all(request.as_bytes()).is_ok();
    asked && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// Free ports that leave room for the ones 10,000 above them, which seaweedfs takes as well;
/// both below those that a system gives to whoever asks for any.
fn ports<const COUNT: usize>() -> [u16; COUNT] {
    let mut held = Vec::new();
    let mut random = fastrand::Rng::new();
    while held.len() < COUNT {
        let port = random.u16(10_000..22_000);
        let beside = TcpListener::bind(("127.0.0.1", port + 10_000));
        if let (Ok(one), Ok(_)) = (TcpListener::bind(("127.0.0.1", port)), beside) {
            held.push(one);
        }
    }
    std::array::from_fn(|index| held[index].local_addr().unwrap().port())
}
