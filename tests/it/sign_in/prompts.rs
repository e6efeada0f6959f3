//! What is asked for a code, and what is said when it is refused.

use std::process::{Command, Stdio};

use super::place::{Place, ROLE, SERIAL};
use crate::support::{Talking, venv};

const LOGIN: [&str; 5] = ["login", "--profile", "team", "--role", ROLE];

#[test]
fn a_code_is_asked_for_once_and_serves_every_command_of_a_day() {
    let place = Place::new();
    let code = place.code(0);
    let login = place.answered(&LOGIN, &[&code]);
    login.expect(0).says(&[
        "MFA code of alex (account 123456789012): ",
        "signed in",
        "arn:aws:sts::123456789012:assumed-role/play_trainer_v1/alex",
        "no MFA code until",
        "(in 23h 59m)",
    ]);
    // What is typed is not shown.
    login.says_nothing_about(&[&code]);
    place.spec(&format!("{{profile: team, role_arn: \"{ROLE}\"}}"));
    for command in [
        &["plan"][..],
        &["apply", "--yes", "--settle", "1s"],
        &["status"],
    ] {
        place.run(command).expect(0);
    }
    assert_eq!(place.asked("GetSessionToken"), 1);
    assert_eq!(place.asked("AssumeRole"), 1);
    // Another role of the day takes no other code.
    let other = "arn:aws:iam::123456789012:role/reader";
    let whoami = ["whoami", "--profile", "team", "--role", other];
    place
        .run(&whoami)
        .expect(0)
        .says(&["assumed-role/reader/alex"]);
    assert_eq!(place.asked("GetSessionToken"), 1);
    place.run(&["logout"]).expect(0).says(&["forgotten"]);
    place
        .run(&["whoami", "--profile", "team"])
        .expect(1)
        .says(&[
            "nobody is signed in",
            "run `trainyard login --profile team`",
        ]);
    place
        .run(&["logout"])
        .expect(0)
        .says(&["no session was kept"]);
    let destroy = [
        "destroy",
        "lab",
        "--yes",
        "--settle",
        "1s",
        "-t",
        &place.code(1),
    ];
    place.run(&destroy).expect(0);
}

#[test]
fn a_mistyped_code_is_told_and_asked_for_again() {
    let place = Place::new();
    let (wrong, right) = (place.wrong_code(), place.code(0));
    let login = place.answered(&LOGIN, &["12 34", &wrong, &right]);
    login.expect(0).says(&[
        "a code has six digits",
        "the code was refused: it is mistyped, of another device, or was used before",
        "signed in",
    ]);
}

#[test]
fn three_wrong_codes_are_the_end() {
    let place = Place::new();
    let wrong = place.wrong_code();
    let login = place.answered(&LOGIN, &[&wrong, &wrong, &wrong]);
    login.expect(1).says(&[
        "the code was refused: it is mistyped",
        "run it again with the code that is shown next",
    ]);
    assert_eq!(place.asked("GetSessionToken"), 3);
    assert_eq!(place.asked("AssumeRole"), 0);
}

#[test]
fn a_code_works_once_and_the_next_one_is_waited_for() {
    let place = Place::new();
    let code = place.code(0);
    place.run(&[&LOGIN[..], &["-t", &code]].concat()).expect(0);
    // What was used is known, and which code it was is not kept.
    std::fs::remove_dir_all(place.sandbox.folder().join("../home/.cache")).unwrap();
    let again = place.run(&[&LOGIN[..], &["-t", &code]].concat());
    again
        .expect(1)
        .says(&["was used before", "the code that is shown next"]);
    let login = place.answered(&LOGIN, &[&code, &place.code(1)]);
    login.expect(0).says(&["the code was refused", "signed in"]);
}

#[test]
fn whoever_gives_no_code_is_left_in_peace_and_the_terminal_as_it_was() {
    let place = Place::new();
    for key in ["\u{3}", "\u{4}", ""] {
        let script = format!(
            "{} login --profile team --role {ROLE}; echo ended $?; stty -a",
            env!("CARGO_BIN_EXE_trainyard")
        );
        let mut command = Command::new(venv().join("bin/python"));
        command
            .args([
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/terminal.py"),
                "200",
                "/bin/sh",
                "-c",
                &script,
            ])
            .current_dir(place.sandbox.folder())
            .env_clear()
            .envs(place.sandbox.variables())
            .stdin(Stdio::piped());
        let mut talking = Talking::of(&place.sandbox, command);
        talking.until_it_says("MFA code of");
        talking.answer(key);
        let end = talking.end();
        end.says(&[
            "no MFA code was given",
            "ended 1",
            "isig icanon iexten echo ",
        ]);
    }
    assert_eq!(place.asked("GetSessionToken"), 0);
}

#[test]
fn without_a_terminal_nobody_is_asked_and_the_ways_out_are_named() {
    let mut place = Place::new();
    let alone = place.run(&LOGIN);
    alone.expect(1).says(&[
        &format!("an MFA code of {SERIAL} is needed, and there is no terminal to ask on"),
        "-t CODE",
        "TRAINYARD_MFA_CODE",
    ]);
    assert_eq!(place.asked("GetSessionToken"), 0);
    place.sandbox.set("TRAINYARD_MFA_CODE", &place.code(0));
    place.run(&LOGIN).expect(0);
    let bad = place.run(&["login", "--profile", "team", "-t", "12345"]);
    bad.expect(64).says(&["six digits"]);
}

#[test]
fn a_device_that_is_not_the_users_is_told_from_a_wrong_code() {
    let place = Place::new();
    let other = "arn:aws:iam::123456789012:mfa/another";
    let config = format!("[profile team]\nmfa_serial = {other}\n");
    place.sandbox.write("../home/.aws/config", config);
    let code = place.code(0);
    let lost = place.run(&["login", "--profile", "team", "-t", &code]);
    lost.expect(1).says(&[
        &format!("AWS does not know the MFA device {other} as one of this user"),
        "compare `mfa_serial` in ~/.aws/config",
    ]);
    assert_eq!(place.asked("GetSessionToken"), 1, "no code makes it theirs");
}

#[test]
fn a_command_of_the_profile_gives_the_code() {
    let place = Place::new();
    let code = place.code(0);
    place.profiles(&format!("mfa_process = echo {code}\n"));
    place.run(&LOGIN).expect(0).says(&["signed in"]);
    for (command, why) in [
        ("exit 3", "exit status: 3"),
        ("echo no code: 1234567", "is no code of six digits"),
    ] {
        place.run(&["logout"]).expect(0);
        place.profiles(&format!("mfa_process = {command}\n"));
        let login = place.run(&LOGIN);
        login.expect(1).says(&["mfa_process gave no code", why]);
        login.says_nothing_about(&["1234567"]);
    }
}
