//! The embedded cloud that `--local` starts where none is running.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::error::CommandError;
use super::local::state_folder;
use super::output::Output;

/// How long a server may take to start; a debug build on a busy machine is slow.
const START: Duration = Duration::from_secs(20);
/// The file in the state folder that a server holds.
const LOCK: &str = "server.lock";
/// How long a server that nobody uses stays.
const IDLE: &str = "30m";

/// Keeps a state folder to one server; the system lets go of it when the process ends, however it ends.
pub(super) struct Guard {
    _lock: File,
    folder: PathBuf,
}

impl Guard {
    pub(super) fn take(folder: &Path) -> Result<Self, CommandError> {
        let failed = |error: std::io::Error| {
            CommandError::failed(format!("cannot use {}: {error}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        if lock.try_lock().is_err() {
            return Err(CommandError::refused(format!(
                "an embedded cloud is running over {} already",
                folder.display()
            ))
            .help("`trainyard local stop` ends it"));
        }
        Ok(Self {
            _lock: lock,
            folder: folder.to_owned(),
        })
    }

    /// Writes down where the server is, for the next command.
    pub(super) fn announce(&self, address: SocketAddr) -> Result<(), CommandError> {
        let failed = |error: std::io::Error| {
            CommandError::failed(format!(
                "cannot write to {}: {error}",
                self.folder.display()
            ))
        };
        let path = self.folder.join("server.address");
        let temporary = self.folder.join("server.address.new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(failed)?;
        write!(file, "{address} {}", std::process::id()).map_err(failed)?;
        std::fs::rename(temporary, path).map_err(failed)
    }
}

/// The address of the embedded cloud here, started if need be.
pub(super) async fn ensure(output: Output) -> Result<String, CommandError> {
    if let Some((address, _)) = running().await {
        return Ok(format!("http://{address}"));
    }
    start()?;
    let until = Instant::now() + START;
    while Instant::now() < until {
        if let Some((address, _)) = running().await {
            output.say(&format!(
                "started the embedded cloud on http://{address}, state in {}/",
                state_folder().display()
            ));
            return Ok(format!("http://{address}"));
        }
        sleep(Duration::from_millis(20)).await;
    }
    let log = state_folder().join("server.log");
    Err(CommandError::failed("the embedded cloud did not start")
        .help(format!("see {}", log.display())))
}

/// Ends the embedded cloud here; whether there was one.
pub(super) async fn stop() -> Result<bool, CommandError> {
    let Some((_, process)) = running().await else {
        return Ok(false);
    };
    let killed = Command::new("kill").arg(process.to_string()).status();
    if !killed.is_ok_and(|status| status.success()) {
        return Err(CommandError::failed(format!(
            "cannot end process {process}"
        )));
    }
    let until = Instant::now() + START;
    // It answers no more before it has put everything away.
    while running().await.is_some() || is_held() {
        if Instant::now() >= until {
            return Err(CommandError::failed(format!(
                "process {process} does not end"
            )));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(true)
}

/// Whether a server has the state folder here.
fn is_held() -> bool {
    let lock = File::open(state_folder().join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn start() -> Result<(), CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::failed(format!("cannot start the embedded cloud: {error}"))
    };
    let folder = state_folder();
    std::fs::create_dir_all(folder).map_err(failed)?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("server.log"))
        .map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let child = Command::new(program)
        .args(["local", "serve", "--idle", IDLE, "--folder"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // A group of its own: Ctrl-C is meant for the command, not for the cloud.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    drop(child);
    Ok(())
}

/// Address and process of a server that answers.
async fn running() -> Option<(SocketAddr, u32)> {
    let text = std::fs::read_to_string(state_folder().join("server.address")).ok()?;
    let (address, process) = text.split_once(' ')?;
    let address: SocketAddr = address.parse().ok()?;
    let healthy = timeout(Duration::from_secs(2), is_ours(address)).await;
    matches!(healthy, Ok(true)).then_some((address, process.parse().ok()?))
}

/// Whether the embedded cloud answers there, and not somebody else who got its port.
async fn is_ours(address: SocketAddr) -> bool {
    let request =
        format!("GET /_trainyard/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).await.is_ok()
        && (&mut stream)
            .take(64 * 1024)
            .read_to_end(&mut answer)
            .await
            .is_ok()
        && String::from_utf8_lossy(&answer).contains("trainyard-local")
}
