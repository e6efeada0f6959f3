use super::*;

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn kinds(text: &str) -> Vec<SecretKind> {
    let secrets = Secrets::of(text);
    secrets.found().iter().map(|secret| secret.kind).collect()
}

fn github() -> String {
    format!("ghp_{}", "aB3".repeat(12))
}

#[test]
fn secrets_are_found_by_their_form() {
    let github = github();
    let long = format!("github_pat_{}_{}", "a1".repeat(11), "B2".repeat(29));
    let face = format!("hf_{}", "aB".repeat(17));
    for (text, kind) in [
        (ID.to_owned(), SecretKind::AccessKey),
        (format!("id=ASIA{}", &ID[4..]), SecretKind::AccessKey),
        (
            format!("export AWS_SECRET_ACCESS_KEY={KEY}"),
            SecretKind::SecretKey,
        ),
        (
            format!("\"aws_secret_access_key\": \"{KEY}\","),
            SecretKind::SecretKey,
        ),
        (
            format!("aws configure set aws_secret_access_key {KEY}"),
            SecretKind::SecretKey,
        ),
        (github.clone(), SecretKind::GitHub),
        (format!("https://x:{github}@github.com"), SecretKind::GitHub),
        (long, SecretKind::GitHub),
        (face, SecretKind::HuggingFace),
        (
            "-----BEGIN PRIVATE KEY-----\nMII\n".to_owned(),
            SecretKind::PrivateKey,
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3B".to_owned(),
            SecretKind::PrivateKey,
        ),
    ] {
        assert_eq!(kinds(&text), [kind], "{text}");
    }
}

#[test]
fn what_only_resembles_a_secret_is_none() {
    for text in [
        "AKIA",
        "AKIAIOSFODNN7EXAMPL",
        "AKIAIOSFODNN7EXAMPLE1",
        "XAKIAIOSFODNN7EXAMPLE",
        "AKIAiosfodnn7example",
        "aws_secret_access_key=$(aws ssm get-parameter --name key)",
        "AWS_SECRET_ACCESS_KEY=\"$AWS_SECRET_ACCESS_KEY\"",
        "aws_secret_access_key: /run/secrets/of/this/machine",
        "aws_secret_access_key_file_of_the_machine",
        "ghp_short",
        "hf_hub_download_of_a_model_with_a_long_name",
        "-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN ",
    ] {
        assert_eq!(kinds(text), [], "{text}");
        assert_eq!(hide_secrets(text), text);
    }
}

#[test]
fn a_secret_is_hidden_and_nothing_else() {
    let github = github();
    let text = format!("a=1\nkey={ID} AWS_SECRET_ACCESS_KEY='{KEY}'\n{github}");
    let hidden = "a=1\nkey=(hidden) AWS_SECRET_ACCESS_KEY='(hidden)'\n(hidden)";
    assert_eq!(hide_secrets(&text), hidden);
    let secrets = Secrets::of(&text);
    let masked = secrets.masked();
    assert_eq!(masked.len(), text.len());
    assert!(masked.starts_with("a=1\nkey=******************** AWS_SECRET"));
    assert_eq!(secrets.hidden_in(0..8), "a=1\nkey=");
    assert_eq!(secrets.hidden_in(8..12), "(hidden)");
}

#[test]
fn every_line_of_a_private_key_is_hidden() {
    let text = "cat <<END\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIé\n  abc=\n  -----END RSA PRIVATE KEY-----\nEND\n";
    let hidden = "cat <<END\n  -----BEGIN RSA PRIVATE KEY-----\n  (hidden)\n  (hidden)\n  -----END RSA PRIVATE KEY-----\nEND\n";
    assert_eq!(hide_secrets(text), hidden);
    let masked = Secrets::of(text).masked();
    assert_eq!(masked.len(), text.len());
    assert_eq!(masked.lines().count(), text.lines().count());
    assert!(!masked.contains("MII"), "{masked}");
    let open = "-----BEGIN PRIVATE KEY-----\nMII\nabc\n";
    let hidden = "-----BEGIN PRIVATE KEY-----\n(hidden)\n(hidden)\n";
    assert_eq!(hide_secrets(open), hidden);
}

#[test]
fn secrets_in_one_another_are_one() {
    let text = format!("-----BEGIN PRIVATE KEY-----\n{ID}\n-----END PRIVATE KEY----- {ID}");
    let [first, second] = &kinds(&text)[..] else {
        panic!("not two");
    };
    assert_eq!(
        (*first, *second),
        (SecretKind::PrivateKey, SecretKind::AccessKey)
    );
    assert!(!hide_secrets(&text).contains(ID));
}
