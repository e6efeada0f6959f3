//! What a cache does, and what attackers and accidents may do to it.

mod attacks_on_files;
mod attacks_on_folders;
mod damage;
mod entries;
mod keyring;
mod locks;
mod writers;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Found, Keys, Vault};

/// The name of an entry.
const NAME: &str = "00ff";
/// The name of another.
const OTHER: &str = "11ee";
/// What no file and no output may show.
const SECRET: &[u8] = b"canary: a secret access key";

/// A cache folder that nothing has been written to yet.
struct Cache {
    root: TempDir,
    folder: PathBuf,
}

impl Cache {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache/credentials");
        Self { root, folder }
    }

    /// A cache with one entry, [`SECRET`] under [`NAME`].
    fn with_entry() -> Self {
        let cache = Self::new();
        cache.vault().write(NAME, SECRET).unwrap();
        cache
    }

    fn vault(&self) -> Vault {
        Vault::open(&self.folder, Keys::Off)
    }

    fn file(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Everything in the folder but locks.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let is_lock = |name: &String| name.strip_suffix(".lock").is_some();
        let mut names: Vec<String> = names.filter(|name| !is_lock(name)).collect();
        names.sort();
        names
    }
}

fn content(found: &Found) -> Option<&[u8]> {
    match found {
        Found::Entry(content) => Some(content),
        Found::Nothing => None,
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Gives a path to somebody else; only root can, and others cannot test what follows.
fn give_away(path: &Path) -> bool {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can give files away: not tested");
        return false;
    }
    std::os::unix::fs::lchown(path, Some(12345), None).unwrap();
    true
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    let command = command.args(arguments).current_dir(folder);
    command.stderr(Stdio::null()).status().unwrap().success()
}

/// The file that says that this process was started by [`child`], in its folder.
const CHILD: &str = "started-by-a-test";

/// A process of its own that runs one of the ignored tests in a folder, after shell commands.
fn child(module: &str, test: &str, folder: &Path, first: &str) -> Command {
    fs::write(folder.join(CHILD), "").unwrap();
    let (_, module) = module.split_once("::").unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{first}\nexec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("{module}::{test}"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// The cache of a process that [`child`] started; nothing where people run ignored tests.
fn cache_of_child() -> Option<Vault> {
    let is_child = Path::new(CHILD).exists();
    is_child.then(|| Vault::open(Path::new("cache/credentials"), Keys::Off))
}
