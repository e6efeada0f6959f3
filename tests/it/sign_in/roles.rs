//! Roles: how they are named, how long they last, and what stands in the way.

use serde_json::json;

use super::place::{Place, ROLE, SERIAL, USER};

const FIRST: &str = "arn:aws:iam::123456789012:role/first";

#[test]
fn a_role_is_named_by_the_project_by_a_profile_or_by_its_account() {
    let place = Place::new();
    place.profiles(&format!(
        "[profile play_reader_v2]\nrole_arn = {FIRST}\nsource_profile = team\n"
    ));
    place.sandbox.write(
        "trainyard.yaml",
        format!(
            "version: 1\naccount: \"123456789012\"\nregion: eu-central-1\ncredentials: {{profile: team, role: play_trainer_v1}}\nroles:\n  play_trainer_v1: {ROLE}\n"
        ),
    );
    let code = place.code(0);
    let login = place.run(&["login", "-t", &code]);
    login.expect(0).says(&["assumed-role/play_trainer_v1/alex"]);
    for (role, session) in [
        ("play_reader_v2", "assumed-role/first/alex"),
        ("plain", "assumed-role/plain/alex"),
        (
            "arn:aws:iam::123456789012:role/x/other",
            "assumed-role/other/alex",
        ),
    ] {
        let whoami = place.run(&["whoami", "--role", role]);
        whoami.expect(0).says(&[session]);
    }
    assert_eq!(place.asked("GetSessionToken"), 1);
    let bad = place.run(&["whoami", "--role", "a/b"]);
    bad.expect(64).says(&["`a/b` cannot be the name of a role"]);
}

#[test]
fn a_session_is_as_long_as_its_role_allows() {
    let place = Place::new();
    place.role(&json!({"longest": 7200}));
    place.sign_in();
    // 12, 8 and 4 hours are refused; two are not.
    assert_eq!(place.asked("AssumeRole"), 4);
    let whoami = ["whoami", "--profile", "team", "--role", ROLE];
    place.run(&whoami).expect(0).says(&["(in 1h 59m)"]);
    // It is remembered: a session for something else asks for two hours at once.
    let mut other = place;
    other.sandbox.set("USER", "sam");
    let whoami = other.run(&whoami);
    whoami.expect(0).says(&["/sam", "(in 1h 59m)"]);
    assert_eq!(other.asked("AssumeRole"), 5);
}

#[test]
fn a_length_that_a_role_does_not_allow_is_told() {
    let place = Place::new();
    place.role(&json!({"longest": 3600}));
    place.spec(&format!(
        "{{profile: team, role_arn: \"{ROLE}\", duration: 6h}}"
    ));
    let login = place.run(&["login", "environments/lab.yaml", "-t", &place.code(0)]);
    login
        .expect(0)
        .says(&["play_trainer_v1 allows no session of 6h", "(in 59m "]);
    place.spec(&format!(
        "{{profile: team, role_arn: \"{ROLE}\", duration: 30m}}"
    ));
    let login = place.run(&["login", "environments/lab.yaml"]);
    login.expect(0).says(&["(in 29m "]);
}

#[test]
fn a_role_taken_on_by_a_role_lasts_an_hour_and_that_is_told() {
    let place = Place::new();
    place.profiles(&format!(
        "[profile first]\nrole_arn = {FIRST}\nsource_profile = team\n[profile last]\nrole_arn = {ROLE}\nsource_profile = first\n"
    ));
    place.role(
        &json!({"mfa": false, "trusts": ["arn:aws:sts::123456789012:assumed-role/first/alex"]}),
    );
    let login = place.run(&["login", "--profile", "last", "-t", &place.code(0)]);
    login.expect(0).says(&[
        "play_trainer_v1 is taken on by first: AWS ends such a session after an hour, and it is renewed by itself",
        "(in 59m ",
        "no MFA code until",
    ]);
    // The way around is gone only where the straight one is refused.
    place.run(&["logout"]).expect(0);
    place.role(&json!({"trusts": [USER]}));
    let straight = [
        "login",
        "--profile",
        "first",
        "--role",
        ROLE,
        "-t",
        &place.code(1),
    ];
    place.run(&straight).expect(0).says(&["(in 11h 59m)"]);
}

#[test]
fn the_way_by_a_profiles_own_role_is_taken_where_the_straight_one_is_refused() {
    let place = Place::new();
    place.profiles(&format!(
        "[profile first]\nrole_arn = {FIRST}\nsource_profile = team\n"
    ));
    place.role(
        &json!({"mfa": false, "trusts": ["arn:aws:sts::123456789012:assumed-role/first/alex"]}),
    );
    let login = [
        "login",
        "--profile",
        "first",
        "--role",
        ROLE,
        "-t",
        &place.code(0),
    ];
    place
        .run(&login)
        .expect(0)
        .says(&["is taken on by first", "(in 59m "]);
}

#[test]
fn where_no_session_is_given_the_code_goes_with_the_role() {
    let place = Place::new();
    let user = json!({"key": super::place::KEY, "name": "alex", "session_tokens": false});
    place.order("users", &user);
    place.role(&json!({"longest": 3600}));
    place.sign_in();
    assert_eq!(place.asked("GetSessionToken"), 1);
    let whoami = place.run(&["whoami", "--profile", "team", "--role", ROLE]);
    whoami
        .expect(0)
        .says(&["(in 59m ", "after that", "another MFA code is needed"]);
}

#[test]
fn a_role_that_wants_a_fresh_code_is_shown_one() {
    let place = Place::new();
    place.sign_in();
    // From now on a session of the user is too old for it, whenever it was opened.
    place.role(&json!({"mfa_age": 0}));
    let other = ["login", "--profile", "team", "--role", ROLE];
    let mut place = place;
    place.sandbox.set("USER", "sam");
    let login = place.answered(&other, &[&place.code(1)]);
    login
        .expect(0)
        .says(&["next MFA code of alex", "signed in", "/sam"]);
}

#[test]
fn an_external_id_goes_with_the_role() {
    let place = Place::new();
    place.role(&json!({"external_id": "team-42"}));
    let login = ["login", "environments/lab.yaml", "-t", &place.code(0)];
    place.spec(&format!("{{profile: team, role_arn: \"{ROLE}\"}}"));
    place.run(&login).expect(1).says(&[
        "is not authorized to perform: sts:AssumeRole",
        "the role's trust policy must allow whoever asks",
    ]);
    place.spec(&format!(
        "{{profile: team, role_arn: \"{ROLE}\", external_id: team-42}}"
    ));
    place.run(&["login", "environments/lab.yaml"]).expect(0);
}

#[test]
fn another_account_is_refused_before_a_code_is_asked_for() {
    let place = Place::new();
    let role = "arn:aws:iam::999999999999:role/trainer";
    place.spec(&format!("{{profile: team, role_arn: \"{role}\"}}"));
    let plan = place.run(&["plan", "-t", &place.code(0)]);
    plan.expect(4).says(&[
        "belongs to the account 999999999999, and 123456789012 is asked for",
        "nothing was read and nothing was changed",
    ]);
    assert_eq!(place.cloud.requests(), [""; 0]);
}

#[test]
fn keys_in_the_environment_go_first_and_a_role_they_are_of_is_not_taken_on_again() {
    let mut place = Place::new();
    place.sign_in();
    let whoami = ["login", "--json", "--profile", "team", "--role", ROLE];
    let keys = place.run(&whoami).json();
    for (name, key) in [
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ] {
        place.sandbox.set(name, keys[key].as_str().unwrap());
    }
    place.spec(&format!("{{role_arn: \"{ROLE}\"}}"));
    let before = place.asked("AssumeRole");
    place.run(&["plan"]).expect(0);
    assert_eq!(place.asked("AssumeRole"), before);
    let other = ["whoami", "--role", "arn:aws:iam::123456789012:role/reader"];
    place
        .run(&other)
        .expect(0)
        .says(&["assumed-role/reader/alex"]);
}

#[test]
fn a_session_in_the_environment_is_watched_and_named_when_it_is_over() {
    let mut place = Place::new();
    place.sign_in();
    let keys = place
        .run(&["login", "--json", "--profile", "team", "--role", ROLE])
        .json();
    for (name, key) in [
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
        ("AWS_CREDENTIAL_EXPIRATION", "Expiration"),
    ] {
        place.sandbox.set(name, keys[key].as_str().unwrap());
    }
    place.run(&["whoami"]).expect(0).says(&[
        "assumed-role/play_trainer_v1/alex",
        "nothing renews it: it is in this shell's environment",
    ]);
    // A second export tells the end as the first one did.
    let again = place.run(&["login", "--export=bash"]);
    let line = format!(
        "AWS_CREDENTIAL_EXPIRATION='{}'",
        keys["Expiration"].as_str().unwrap()
    );
    assert!(again.expect(0).stdout.contains(&line), "{line}");
    let ended = [("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")];
    for (name, value) in ended {
        place.sandbox.set(name, value);
    }
    for command in [&["whoami"][..], &["login"], &["doctor"]] {
        place.run(command).expect(1).says(&[
            "the session in this shell's environment ended at 2020-01-01 00:00 UTC",
            "`eval \"$(trainyard logout --export)\"` takes it away",
        ]);
    }
    place.run(&["whoami", "--profile", "team"]).expect(0);
    // Nobody says when keys of one's own end.
    place.sandbox.set("AWS_CREDENTIAL_EXPIRATION", "");
    place.sandbox.set("AWS_SESSION_TOKEN", "another");
    place
        .run(&["whoami"])
        .expect(1)
        .says(&["the keys in AWS_ACCESS_KEY_ID go before every profile of a spec"]);
}

#[test]
fn a_profile_without_a_device_says_what_it_may_lack() {
    let place = Place::new();
    let config = place
        .sandbox
        .write("../home/.aws/config", "[profile team]\n");
    let login = place.run(&["login", "--profile", "team", "--role", ROLE]);
    login
        .expect(1)
        .says(&["where it demands MFA, the profile needs `mfa_serial`"]);
    std::fs::write(config, format!("[profile team]\nmfa_serial = {SERIAL}\n")).unwrap();
    place.sign_in();
}
