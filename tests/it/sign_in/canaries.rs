//! Secrets, tokens and codes: nowhere but in the cache, and where they were asked for.

use super::place::{Place, ROLE, SECRET};

/// What the cache holds is sealed or not; everything else is searched.
fn keeps(what: &str, text: &str, canaries: &[String]) {
    for canary in canaries {
        assert!(
            !text.contains(canary.as_str()),
            "{what} tells {canary}:\n{text}"
        );
    }
}

#[test]
fn nothing_of_a_session_is_told_by_any_command_however_much_it_says() {
    for loudness in [&[][..], &["-v"], &["-vv"], &["trace"]] {
        let mut place = Place::new();
        let louder = if loudness == ["trace"] {
            place.sandbox.set("TRAINYARD_LOG", "trace");
            place.sandbox.set("LOG_SIGNABLE_BODY", "true");
            place.sandbox.set("LOG_SENSITIVE_BODIES", "true");
            &[]
        } else {
            loudness
        };
        place.spec(&format!("{{profile: team, role_arn: \"{ROLE}\"}}"));
        let (wrong, code) = (place.wrong_code(), place.code(0));
        let mut canaries = vec![SECRET.to_owned(), wrong.clone(), code.clone()];
        let run = |arguments: &[&str], code: i32, canaries: &[String]| {
            let run = place.run(&[arguments, louder].concat());
            run.expect(code);
            keeps(&run.arguments, &run.stderr, canaries);
            keeps(&run.arguments, &run.stdout, canaries);
        };
        let given = place
            .sandbox
            .command(&[&["login", "environments/lab.yaml"], louder].concat())
            .env("TRAINYARD_MFA_CODE", &wrong)
            .output()
            .unwrap();
        assert_eq!(given.status.code(), Some(1));
        keeps(
            "a refusal",
            &String::from_utf8_lossy(&given.stderr),
            &canaries,
        );
        let typed = place.answered(
            &[&["login", "environments/lab.yaml"][..], louder].concat(),
            &[&wrong, &code],
        );
        keeps("login on a terminal", &typed.expect(0).stdout, &canaries);
        let keys = place
            .run(&["login", "environments/lab.yaml", "--json"])
            .json();
        let secrets = ["SecretAccessKey", "SessionToken"];
        canaries.extend(secrets.map(|key| keys[key].as_str().unwrap().to_owned()));
        for (arguments, code) in [
            (&["whoami", "environments/lab.yaml"][..], 0),
            (&["whoami", "environments/lab.yaml", "--format", "json"], 0),
            (&["login", "environments/lab.yaml"], 0),
            (&["plan"], 0),
            (&["apply", "--yes", "--settle", "1s"], 0),
            (&["status"], 0),
            (&["doctor", "environments/lab.yaml"], 0),
            (
                &[
                    "destroy",
                    "environments/lab.yaml",
                    "--yes",
                    "--settle",
                    "1s",
                ],
                0,
            ),
        ] {
            run(arguments, code, &canaries);
        }
        for (path, bytes) in place.sandbox.files() {
            let path = path.display().to_string();
            if !path.contains("/.cache/trainyard/credentials/") && !path.contains("/.aws/") {
                keeps(&path, &String::from_utf8_lossy(&bytes), &canaries);
            }
        }
        run(&["logout"], 0, &canaries);
        for (path, bytes) in place.sandbox.files() {
            let path = path.display().to_string();
            if !path.contains("/.aws/") {
                keeps(&path, &String::from_utf8_lossy(&bytes), &canaries);
            }
        }
    }
}
