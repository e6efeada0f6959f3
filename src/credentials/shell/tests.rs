//! What real shells make of the lines.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use super::{Exported, Shell, VARIABLES, export_lines, process_json, unexport_lines};

/// Values that a shell could take for something else, or for more than one word.
const NASTY: [&str; 16] = [
    "",
    "plain/with+base64==",
    "two words",
    "'",
    "''",
    "it's",
    "'quoted'",
    "\\",
    "a\\'b\\\\c\\n",
    "back\\",
    "$(touch pwned) `touch pwned` ${HOME} $HOME",
    "; touch pwned; #",
    "\"; touch pwned; \"",
    "first\nsecond\n\tthird",
    "!! !$ * ? [a-z] {a,b} ~ | & < > %",
    "ünïcödé \u{1b}[31m",
];

fn credentials(value: &str) -> Exported {
    Exported {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: value.to_owned(),
        session_token: Some(format!("{value}.{value}")),
        expires: Some("2026-11-27T12:00:00.75Z".parse().unwrap()),
        region: Some("eu-central-1".to_owned()),
    }
}

/// What a shell that evaluates the output of a command gives to the programs it starts;
/// nothing where the shell is not installed.
fn evaluated(shell: &[&str], script: &str, lines: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines"), lines).unwrap();
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", script])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("AWS_SESSION_TOKEN", "of earlier credentials")
        .env("AWS_CREDENTIAL_EXPIRATION", "of earlier credentials")
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell:?}: {errors}");
    assert_eq!(errors, "", "{shell:?} complains");
    assert!(!folder.path().join("pwned").exists(), "{shell:?} ran it");
    Some(String::from_utf8(output.stdout).unwrap())
}

const EVAL: &str = "eval \"$(cat lines)\"; env -0";

fn value<'a>(environment: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = environment.split('\0');
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// Checks every nasty value, and says whether the shell was there.
fn takes_every_value(shell: &[&str], dialect: Shell) -> bool {
    // The `export` of fish is a function, and takes a line break for the end of a value.
    let is_foreign = shell[0] == "fish" && dialect == Shell::Posix;
    let mut values = NASTY
        .iter()
        .filter(|nasty| !is_foreign || !nasty.contains('\n'));
    values.all(|nasty| {
        let lines = export_lines(dialect, &credentials(nasty));
        let Some(environment) = evaluated(shell, EVAL, &lines) else {
            return false;
        };
        let token = format!("{nasty}.{nasty}");
        let expected = [
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", nasty),
            ("AWS_SESSION_TOKEN", token.as_str()),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-11-27T12:00:00Z"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
        ];
        for (name, expected) in expected {
            assert_eq!(
                value(&environment, name),
                Some(expected),
                "{shell:?} {name}"
            );
        }
        true
    })
}

#[test]
fn posix_shells_and_fish_take_any_value_from_the_same_lines() {
    assert!(takes_every_value(&["sh"], Shell::Posix));
    let shells: [&[&str]; 5] = [
        &["bash", "--norc", "-eu"],
        &["bash", "--posix"],
        &["zsh", "-f"],
        &[
            "zsh", "-f", "-o", "rcquotes", "-o", "errexit", "-o", "nounset",
        ],
        &["fish", "--no-config"],
    ];
    for shell in shells {
        if !takes_every_value(shell, Shell::Posix) {
            eprintln!("{} is not installed: not tested", shell[0]);
        }
    }
}

#[test]
fn fish_takes_any_value_from_its_own_lines() {
    if !takes_every_value(&["fish", "--no-config"], Shell::Fish) {
        eprintln!("fish is not installed: not tested");
    }
}

#[test]
fn an_eval_without_quotes_takes_what_aws_gives() {
    let exported = credentials("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY==");
    let secret = Some(exported.secret_access_key.as_str());
    let bash: (&[&str], &str, Shell) = (&["bash", "--norc"], "eval $(cat lines)", Shell::Posix);
    let fish: (&[&str], &str, Shell) = (&["fish", "--no-config"], "eval (cat lines)", Shell::Fish);
    for (shell, eval, dialect) in [bash, fish] {
        let script = format!("{eval}; env -0");
        if let Some(environment) = evaluated(shell, &script, &export_lines(dialect, &exported)) {
            assert_eq!(value(&environment, "AWS_SECRET_ACCESS_KEY"), secret);
            let token = value(&environment, "AWS_SESSION_TOKEN");
            assert_eq!(token, exported.session_token.as_deref());
        }
    }
}

/// The shells whose own dialect is tested, strict ones among them.
const DIALECTS: [(&[&str], Shell); 4] = [
    (&["sh"], Shell::Posix),
    (&["bash", "--norc", "-eu"], Shell::Posix),
    (&["zsh", "-f", "-o", "errexit"], Shell::Posix),
    (&["fish", "--no-config"], Shell::Fish),
];

#[test]
fn credentials_without_a_token_do_not_go_with_the_token_of_earlier_ones() {
    let exported = Exported {
        session_token: None,
        expires: None,
        region: None,
        ..credentials("secret")
    };
    for (shell, dialect) in DIALECTS {
        if let Some(environment) = evaluated(shell, EVAL, &export_lines(dialect, &exported)) {
            assert_eq!(value(&environment, "AWS_SECRET_ACCESS_KEY"), Some("secret"));
            assert_eq!(value(&environment, "AWS_SESSION_TOKEN"), None, "{shell:?}");
            let expiration = value(&environment, "AWS_CREDENTIAL_EXPIRATION");
            assert_eq!(expiration, None, "{shell:?}");
        }
    }
}

#[test]
fn what_was_exported_is_taken_back_and_twice_does_no_harm() {
    for (shell, dialect) in DIALECTS {
        let exported = export_lines(dialect, &credentials("it's"));
        let back = unexport_lines(dialect);
        let lines = [exported.as_str(), &back, &back].concat();
        if let Some(environment) = evaluated(shell, EVAL, &lines) {
            for name in VARIABLES {
                assert_eq!(value(&environment, name), None, "{shell:?} {name}");
            }
        }
    }
}

#[test]
fn the_lines_read_well() {
    let lines = export_lines(Shell::Posix, &credentials("it's"));
    insta::assert_snapshot!(lines, @r"
    export AWS_ACCESS_KEY_ID='ASIAEXAMPLE';
    export AWS_SECRET_ACCESS_KEY='it'\''s';
    export AWS_SESSION_TOKEN='it'\''s.it'\''s';
    export AWS_CREDENTIAL_EXPIRATION='2026-11-27T12:00:00Z';
    export AWS_REGION='eu-central-1';
    export AWS_DEFAULT_REGION='eu-central-1';
    ");
    let lines = export_lines(Shell::Fish, &credentials("it's"));
    assert!(lines.starts_with("set -gx AWS_ACCESS_KEY_ID 'ASIAEXAMPLE';\n"));
}

#[test]
fn the_shell_is_known_by_its_program() {
    assert_eq!(Shell::of("/usr/bin/fish"), Shell::Fish);
    assert_eq!(Shell::of("fish"), Shell::Fish);
    for program in ["/bin/bash", "/usr/bin/zsh", "/opt/fish/bin/sh", ""] {
        assert_eq!(Shell::of(program), Shell::Posix, "{program:?}");
    }
}

#[test]
fn a_process_answers_in_the_format_of_version_one() {
    let json = process_json(&credentials("it's \"so\"\n"));
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!({
        "Version": 1,
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "it's \"so\"\n",
        "SessionToken": "it's \"so\"\n.it's \"so\"\n",
        "Expiration": "2026-11-27T12:00:00Z",
    });
    assert_eq!(document, expected);
}

#[test]
fn a_process_says_nothing_of_what_is_not_known() {
    let exported = Exported {
        session_token: None,
        expires: None,
        ..credentials("secret")
    };
    let expected = r#"{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secret"}"#;
    assert_eq!(process_json(&exported), expected);
}

#[test]
fn debugging_shows_no_secret() {
    let shown = format!("{:?}", credentials("canary"));
    assert!(
        !shown.contains("canary") && !shown.contains("ASIA"),
        "{shown}"
    );
    assert!(shown.contains("eu-central-1"), "{shown}");
}
