//! Secrets: none may be printed, logged, kept in a file or passed as an argument.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::ground::side_by_side;
use crate::support::{LocalCloud, Run, Sandbox, Witness};

/// What must not be found again. Letters and digits, which no encoding of URLs changes.
const SECRETS: [&str; 5] = [
    "CanaryOfTheSecretKey0001",
    "CanaryOfTheSessionToken0002",
    "CanaryInTheUserData0003",
    "CanaryInTheNextUserData0004",
    "CanaryOfASignature0005",
];

/// Where the binary gets its credentials from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Environment,
    File,
    Process,
    Role,
}

/// How much the binary is to say.
#[derive(Clone, Copy, Debug)]
enum Loudness {
    Normal,
    More,
    MoreStill,
    Everything,
}

fn spec(user_data: &str) -> String {
    format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ninstances:\n  trainer:\n    type: t3.small\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n    user_data: |\n      #!/bin/sh\n      export TOKEN={user_data}\n      curl 'https://bucket.s3.amazonaws.com/key?X-Amz-Expires=60&X-Amz-Signature={}'\n",
        SECRETS[4]
    )
}

/// A place whose credentials come from a source; all of them hold the same secrets.
fn place(cloud: &LocalCloud, source: Source) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL", cloud.address());
    let [key, token, ..] = SECRETS;
    let keys = format!(
        "aws_access_key_id = TESTING\naws_secret_access_key = {key}\naws_session_token = {token}\n"
    );
    let said = json!({"Version": 1, "AccessKeyId": "TESTING", "SecretAccessKey": key, "SessionToken": token});
    let settings = match source {
        Source::Environment => {
            sandbox.set("AWS_ACCESS_KEY_ID", "TESTING");
            sandbox.set("AWS_SECRET_ACCESS_KEY", key);
            sandbox.set("AWS_SESSION_TOKEN", token);
            return sandbox;
        }
        Source::File => format!("[default]\n{keys}"),
        Source::Process => format!("[default]\ncredential_process = echo '{said}'\n"),
        Source::Role => format!(
            "[default]\nrole_arn = arn:aws:iam::123456789012:role/trainer\nsource_profile = base\n[profile base]\n{keys}"
        ),
    };
    let file = sandbox.write("../aws/config", settings);
    sandbox.set("AWS_CONFIG_FILE", file.to_str().unwrap());
    sandbox
}

/// The ways in which a secret may stand in a text: as it is, and within base64.
fn shapes(secret: &str) -> Vec<String> {
    let encoded = (0..3).map(|shift| {
        let text = STANDARD.encode(format!("{}{secret}", "x".repeat(shift)));
        // What is encoded together with a neighbour is not the secret's alone.
        text[4..text.len() - 4].to_owned()
    });
    encoded.chain([secret.to_owned()]).collect()
}

#[track_caller]
fn keeps_secrets(what: &str, text: &str) {
    for secret in SECRETS {
        for shape in shapes(secret) {
            if let Some(line) = text.lines().find(|line| line.contains(&shape)) {
                let line: String = line.chars().take(2_000).collect();
                panic!("{what} tells {secret}:\n{line}");
            }
        }
    }
    let signed = text.split("Signature=").skip(1);
    for signature in signed {
        let digits = signature.chars().take_while(char::is_ascii_hexdigit);
        assert!(digits.count() < 32, "{what} tells a signature");
    }
}

/// Files that a run left; what a test wrote itself is taken out.
fn left(sandbox: &Sandbox, own: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<(PathBuf, String)> {
    let files = sandbox.files().into_iter();
    files
        .filter(|(path, bytes)| own.get(path) != Some(bytes))
        .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
        .collect()
}

/// Every command in a life, at one loudness.
fn live(cloud: &LocalCloud, witness: &Witness, source: Source, loudness: Loudness) {
    let mut sandbox = place(cloud, source);
    let louder: &[&str] = match loudness {
        Loudness::Normal => &[],
        Loudness::More => &["-v"],
        Loudness::MoreStill => &["-vv"],
        Loudness::Everything => {
            sandbox.set("TRAINYARD_LOG", "trace");
            // The SDK's own words for "do not redact".
            sandbox.set("LOG_SIGNABLE_BODY", "true");
            sandbox.set("LOG_SENSITIVE_BODIES", "true");
            &[]
        }
    };
    let run = |arguments: &[&str]| -> Run {
        let run = sandbox.run(&[arguments, &["--settle", "1s"], louder].concat());
        let what = format!("{arguments:?} with {source:?}, {loudness:?}");
        keeps_secrets(&what, &format!("{}\n{}", run.stdout, run.stderr));
        run
    };
    sandbox.write("environments/lab.yaml", spec(SECRETS[2]));
    run(&["validate"]).expect(0);
    for format in ["human", "json", "markdown"] {
        run(&["plan", "--format", format]).expect(0);
    }
    run(&["apply", "--yes"]).expect(0);
    // What an instance was launched with is read for the difference.
    let spec = sandbox.write("environments/lab.yaml", spec(SECRETS[3]));
    for format in ["human", "json", "markdown"] {
        let arguments = ["plan", "--format", format, "--detailed-exitcode"];
        let run = sandbox.run(&[&arguments, louder].concat());
        // The difference itself is what a review is for; a log of it is not.
        keeps_secrets(&format!("the log of {arguments:?}"), &run.expect(2).stderr);
    }
    for format in ["human", "json"] {
        run(&["status", "lab", "--format", format]).expect(0);
    }
    run(&["release", "lab", "--yes"]).expect(0);
    let others = witness.alive("lab");
    assert_eq!(others.len(), 0, "{others:?}");
    std::fs::remove_file(spec).unwrap();
    let own = sandbox.files();
    let id = by_hand(witness);
    run(&[
        "adopt",
        &id,
        "--lease",
        "2h",
        "--name",
        "lab",
        "--region",
        "us-east-1",
    ])
    .expect(0);
    run(&["apply", "--yes"]).expect(0);
    run(&["destroy", "lab", "--yes"]).expect(0);
    run(&["guide"]).expect(0);
    run(&["completions", "bash"]).expect(0);
    for (path, text) in left(&sandbox, &own) {
        keeps_secrets(&path.display().to_string(), &text);
    }
}

/// An instance with a secret in its user data that somebody launched.
fn by_hand(witness: &Witness) -> String {
    let image = &witness.ask(
        "images",
        &json!({"owner": "amazon", "pattern": "al2023-ami-2023*x86_64"}),
    )[0]["id"];
    let data = format!("#!/bin/sh\nexport TOKEN={}\n", SECRETS[2]);
    let parameters = json!({"ImageId": image, "InstanceType": "t3.small", "UserData": data});
    let ids = witness.ask("launch_by_hand", &json!({"parameters": parameters}));
    ids[0].as_str().unwrap().to_owned()
}

#[test]
fn no_command_tells_a_secret_however_much_it_says() {
    let sources = [
        Source::Environment,
        Source::File,
        Source::Process,
        Source::Role,
    ];
    let loudnesses = [
        Loudness::Normal,
        Loudness::More,
        Loudness::MoreStill,
        Loudness::Everything,
    ];
    let all: Vec<(Source, Loudness)> = sources
        .into_iter()
        .flat_map(|source| loudnesses.map(|loudness| (source, loudness)))
        .collect();
    side_by_side(&all, |_, (source, loudness)| {
        let cloud = LocalCloud::start();
        let witness = Witness::of(cloud.address(), "us-east-1");
        live(&cloud, &witness, source, loudness);
    });
}

#[test]
fn a_cloud_on_this_machine_is_told_no_credential() {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ACCESS_KEY_ID", "TESTING");
    sandbox.set("AWS_SECRET_ACCESS_KEY", SECRETS[0]);
    sandbox.set("AWS_SESSION_TOKEN", SECRETS[1]);
    sandbox.set("TRAINYARD_LOG", "trace");
    sandbox.write(
        "environments/lab.yaml",
        spec("nothing").replace(SECRETS[4], "none"),
    );
    let own = sandbox.files();
    for arguments in [&["apply", "--yes"][..], &["status", "lab"], &["plan"]] {
        let run = sandbox.run(&[arguments, &["--local"]].concat());
        run.expect(0);
        keeps_secrets(&run.arguments, &format!("{}\n{}", run.stdout, run.stderr));
    }
    keeps_secrets("the command of the cloud", &command_of_the_cloud(&sandbox));
    for (path, text) in left(&sandbox, &own) {
        keeps_secrets(&path.display().to_string(), &text);
    }
}

/// How the cloud was started that runs left behind.
#[track_caller]
fn command_of_the_cloud(sandbox: &Sandbox) -> String {
    let address = sandbox.folder().join(".trainyard/server.address");
    let address = std::fs::read_to_string(address).unwrap();
    let (_, process) = address.split_once(' ').unwrap();
    let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap();
    String::from_utf8_lossy(&arguments).into_owned()
}
