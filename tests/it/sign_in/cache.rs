//! The cache of sessions: what others do to it, and two commands at once.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use super::place::{Place, ROLE, SECRET};

const WHOAMI: [&str; 5] = ["whoami", "--profile", "team", "--role", ROLE];

fn folder(place: &Place) -> PathBuf {
    place
        .sandbox
        .folder()
        .join("../home/.cache/trainyard/credentials")
}

fn entries(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(place)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file() && !path.to_str().unwrap().contains("lock"))
        .collect()
}

#[test]
fn sessions_are_kept_for_nobody_else_to_read() {
    let place = Place::new();
    place.sign_in();
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder(&place)), 0o700);
    let entries = entries(&place);
    assert!(!entries.is_empty());
    for entry in &entries {
        assert_eq!(mode(entry), 0o600, "{entry:?}");
        let bytes = fs::read(entry).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
    }
    place.run(&WHOAMI).expect(0);
}

#[test]
fn what_is_not_as_it_was_written_is_not_believed() {
    type Attack = fn(&PathBuf);
    let attacks: [(&str, Attack, &str); 6] = [
        (
            "cut",
            |path| fs::write(path, &fs::read(path).unwrap()[..40]).unwrap(),
            "",
        ),
        ("emptied", |path| fs::write(path, "").unwrap(), ""),
        (
            "hostile",
            |path| fs::write(path, "[".repeat(60_000)).unwrap(),
            "",
        ),
        (
            "readable by all",
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap(),
            "note:",
        ),
        (
            "a link to what somebody else wrote",
            |path| {
                let elsewhere = path.with_extension("elsewhere");
                fs::rename(path, &elsewhere).unwrap();
                symlink(elsewhere, path).unwrap();
            },
            "note:",
        ),
        (
            "a link to the keys",
            |path| {
                fs::remove_file(path).unwrap();
                symlink(path.join("../../../../.aws/credentials"), path).unwrap();
            },
            "note:",
        ),
    ];
    for (name, attack, word) in attacks {
        let place = Place::new();
        place.sign_in();
        entries(&place).iter().for_each(attack);
        let whoami = place.run(&WHOAMI);
        whoami.expect(1).says(&["nobody is signed in", word]);
        let keys = place.sandbox.folder().join("../home/.aws/credentials");
        let before = fs::read(&keys).unwrap();
        // Signing in again repairs it.
        let code = place.code(1);
        let again = ["login", "--profile", "team", "--role", ROLE, "-t", &code];
        place.run(&again).expect(0);
        place.run(&WHOAMI).expect(0);
        assert_eq!(
            fs::read(&keys).unwrap(),
            before,
            "{name} wrote through a link"
        );
    }
}

#[test]
fn a_folder_that_leads_elsewhere_is_not_used_and_signing_in_works_without() {
    let place = Place::new();
    let elsewhere = place.sandbox.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::create_dir_all(folder(&place).parent().unwrap()).unwrap();
    symlink(&elsewhere, folder(&place)).unwrap();
    let code = place.code(0);
    let login = place.run(&["login", "--profile", "team", "--role", ROLE, "-t", &code]);
    login.expect(0).says(&["note:", "signed in"]);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    place.run(&WHOAMI).expect(1);
}

#[test]
fn two_commands_at_once_ask_for_one_code() {
    let place = Place::new();
    let login = ["login", "--profile", "team", "--role", ROLE];
    let mut first = place.talk(&login);
    first.until_it_says("MFA code of");
    let second = crate::support::Sandbox::new();
    // Another terminal of the same user.
    let mut other = crate::support::terminal(&place.sandbox, 200, &login);
    other.current_dir(second.folder());
    let other = crate::support::Talking::of(&second, other);
    other.until_it_says("another trainyard is signing in; waiting for it");
    first.answer(&place.code(0));
    first.end().expect(0);
    other.end().expect(0).says_nothing_about(&["MFA code of"]);
    assert_eq!(place.asked("GetSessionToken"), 1);
}
