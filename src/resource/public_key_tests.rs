use super::*;

/// Keys made with `ssh-keygen`, and the fingerprints that `ssh-keygen -l` shows.
const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIM8lG+q81qyttKIGds8MAsZ44RhYBHOPjaDfuwaEmiqo";
const ED25519_FINGERPRINT: &str = "SHA256:0zmaTXX43WwdMbniNtEwMqkeTfXEgfXBGgrhujn15c4";
const RSA: &str = "AAAAB3NzaC1yc2EAAAADAQABAAABAQDoyM3kXSsLYyLtaRIPhGXJTBDIF1MxlUd4/Kk8iM/0TESd0pTj+CVz07loZTyx7bFIyzPXqSb60p4PKWZ71B5hh9yqMhTvz7LjWa8BlSnWFOozGHMR1yCO4ywrQUPNeuVYS2492EihNCq7vKqL2kxjR+9rpALISIyxk5BSFfGkI3AY6e+TszSRzYrbO8lioJ1SSi51FPhrZKEKijKcnfmhtQT6KaoXewe0zWUwJDShemsi9cJvwyU9ssl4O48kTjHhsl+oIhK34quxdVFED1giTMRrT4Yn/EYWGgOBOfmy0N/oIpD9ojqRDo20FHRNU7aE4RQ8Lqxabzq9e4IbyIXv";
const RSA_FINGERPRINT: &str = "SHA256:WoKVnUE/9gk96r02oWanFSOYFGIpB2LxDWIodcyBqMk";

fn refused(text: &str) -> String {
    text.parse::<PublicKey>().unwrap_err().to_string()
}

/// A key's bytes: each field after its length.
fn encode(fields: &[&[u8]]) -> String {
    let mut blob = Vec::new();
    for field in fields {
        blob.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        blob.extend_from_slice(field);
    }
    STANDARD.encode(blob)
}

#[test]
fn the_fingerprint_is_the_one_that_ssh_keygen_shows() {
    for (kind, encoded, fingerprint) in [
        (KeyKind::Ed25519, ED25519, ED25519_FINGERPRINT),
        (KeyKind::Rsa, RSA, RSA_FINGERPRINT),
    ] {
        let key: PublicKey = format!("{kind} {encoded}").parse().unwrap();
        assert_eq!(key.kind, kind);
        assert_eq!(key.fingerprint, fingerprint);
    }
}

#[test]
fn the_comment_and_the_space_around_are_dropped() {
    let line = format!("ssh-ed25519 {ED25519}");
    for text in [
        line.clone(),
        format!("{line} alex@laptop\n"),
        format!("  {line}\t alex at work \r\n"),
    ] {
        let key: PublicKey = text.parse().unwrap();
        assert_eq!(key.line, line);
        assert_eq!(
            key.to_string().parse(),
            Ok(key),
            "what is shown can be read"
        );
    }
}

#[test]
fn a_private_key_is_refused_and_not_shown() {
    for header in [
        concat!("-----BEGIN OPENSSH ", "PRIVATE KEY-----"),
        concat!("-----BEGIN RSA ", "PRIVATE KEY-----"),
        concat!("-----BEGIN ", "PRIVATE KEY-----"),
        "PuTTY-User-Key-File-3: ssh-ed25519",
    ] {
        let error = refused(&format!("{header}\nsecret\n"));
        assert!(error.contains("must never be pasted"), "{error}");
        assert!(error.contains("`.pub`"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn other_forms_and_several_lines_are_refused() {
    let several = format!("ssh-ed25519 {ED25519}\nssh-rsa {RSA}\n");
    assert!(refused(&several).contains("several lines"));
    assert!(refused("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n").contains("`ssh-keygen -i"));
    assert!(refused("-----BEGIN PUBLIC KEY-----\nMIIB\n").contains("`ssh-keygen -i"));
    for text in [
        "",
        "\n",
        "ssh-ed25519",
        "~/.ssh/id_ed25519.pub",
        "alex ssh-ed25519 AAAA",
    ] {
        assert!(refused(text).contains("`id_ed25519.pub`"), "{text}");
    }
}

#[test]
fn kinds_that_ec2_does_not_import_are_refused_with_how_to_make_another() {
    for kind in [
        "ecdsa-sha2-nistp256",
        "ssh-dss",
        "sk-ssh-ed25519@openssh.com",
        "ssh-ed25519-cert-v01@openssh.com",
    ] {
        let error = refused(&format!("{kind} AAAA"));
        assert!(error.contains(&format!("no `{kind}` keys")), "{error}");
        assert!(error.contains("`ssh-keygen -t ed25519`"), "{error}");
    }
}

#[test]
fn a_key_that_is_cut_or_altered_is_refused() {
    let [exponent, modulus] = [&[1, 0, 1][..], &[0x80; 256]];
    for text in [
        format!("ssh-ed25519 {}", &ED25519[..40]),
        format!("ssh-ed25519 {}", &ED25519[..39]),
        format!("ssh-ed25519 {}*", &ED25519[1..]),
        format!("ssh-ed25519 {}", encode(&[b"ssh-ed25519", &[7; 31]])),
        format!(
            "ssh-ed25519 {}",
            encode(&[b"ssh-ed25519", &[7; 32], b"more"])
        ),
        format!("ssh-rsa {}", encode(&[b"ssh-rsa", exponent])),
        format!("ssh-rsa {}", encode(&[b"ssh-rsa", b"", modulus])),
        "ssh-rsa AAAA".to_owned(),
    ] {
        assert!(refused(&text).contains("cut or altered"), "{text}");
    }
}

#[test]
fn the_kind_within_the_key_must_be_the_one_before_it() {
    let error = refused(&format!("ssh-rsa {ED25519}"));
    assert!(error.contains("says `ssh-rsa`"), "{error}");
    assert!(error.contains("kind `ssh-ed25519`"), "{error}");
}

#[test]
fn an_rsa_key_that_ec2_finds_too_short_is_refused() {
    // As in real keys, a zero keeps the number from reading as a negative one.
    for (bytes, bits) in [(128, None), (127, Some(1016)), (64, Some(512))] {
        let modulus = [&[0][..], &vec![0x80; bytes]].concat();
        let encoded = encode(&[b"ssh-rsa", &[1, 0, 1], &modulus]);
        let key = format!("ssh-rsa {encoded}").parse::<PublicKey>();
        match bits {
            None => assert!(key.is_ok()),
            Some(bits) => {
                let error = key.unwrap_err().to_string();
                assert!(error.contains(&format!("this one has {bits}")), "{error}");
            }
        }
    }
}
