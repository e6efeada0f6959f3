//! Key pairs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::filter::{Field, Filters, one};
use super::{Call, tags};
use crate::local::state::KeyPair;
use crate::local::wire::{Refusal, Reply, Xml, aws_time};

/// `ImportKeyPair`.
pub(super) fn import(call: &mut Call) -> Reply {
    let name = call.form.required("KeyName")?;
    let material = call.form.required("PublicKeyMaterial")?;
    if call.region.keys.contains_key(name) {
        let message = format!("The keypair '{name}' already exists.");
        return Err(Refusal::new("InvalidKeyPair.Duplicate", message));
    }
    if name.chars().count() > 255 {
        return Err(Refusal::value("A key name has at most 255 characters"));
    }
    let bad = || {
        Refusal::new(
            "InvalidKey.Format",
            "Key is not in valid OpenSSH public key format",
        )
    };
    let packed: String = material.split_ascii_whitespace().collect();
    let raw = STANDARD.decode(packed).map_err(|_| bad())?;
    let public_key = String::from_utf8(raw).map_err(|_| bad())?.trim().to_owned();
    let (kind, fingerprint) = read(&public_key).ok_or_else(bad)?;
    let tags = tags::specifications(&call.form, &["key-pair"])?;
    let key = KeyPair {
        id: call.region.mint("key"),
        name: name.to_owned(),
        kind: kind.to_owned(),
        fingerprint,
        public_key,
        created: call.now,
    };
    if let Some(tags) = tags.get("key-pair") {
        call.region.tags.insert(key.id.clone(), tags.clone());
    }
    let mut xml = Xml::default();
    xml.text("keyName", name)
        .text("keyFingerprint", &key.fingerprint)
        .text("keyPairId", &key.id)
        .tags(call.region.tags_of(&key.id));
    call.region.keys.insert(name.to_owned(), key);
    Ok(xml)
}

/// Reads a line of OpenSSH: the kind of key, and its fingerprint.
fn read(line: &str) -> Option<(&'static str, String)> {
    let mut words = line.split_ascii_whitespace();
    let algorithm = words.next()?;
    let blob = STANDARD.decode(words.next()?).ok()?;
    // The key names its algorithm once more inside, behind its length.
    let length = u32::try_from(algorithm.len()).ok()?.to_be_bytes();
    let inside = blob.strip_prefix(&length)?;
    inside.strip_prefix(algorithm.as_bytes())?;
    match algorithm {
        "ssh-ed25519" => Some((
            "ed25519",
            STANDARD_NO_PAD.encode(Sha256::digest(&blob)) + "=",
        )),
        "ssh-rsa" => {
            let digest = Md5::digest(&blob);
            let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(("rsa", pairs.join(":")))
        }
        _ => None,
    }
}

/// `DeleteKeyPair`: one that is not there is no error, as on AWS.
pub(super) fn delete(call: &mut Call) -> Reply {
    let name = match (call.form.text("KeyName"), call.form.text("KeyPairId")) {
        (Some(name), _) => Some(name.to_owned()),
        (None, Some(id)) => {
            let found = call.region.keys.values().find(|key| key.id == id);
            found.map(|key| key.name.clone())
        }
        (None, None) => return Err(Refusal::missing("KeyName or KeyPairId")),
    };
    let mut xml = Xml::default();
    xml.text("return", true);
    if let Some(key) = name.and_then(|name| call.region.keys.remove(&name)) {
        call.region.tags.remove(&key.id);
        xml.text("keyPairId", key.id);
    }
    Ok(xml)
}

/// `DescribeKeyPairs`.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<KeyPair>; 4] = [
        ("key-name", |key| one(&key.name)),
        ("key-pair-id", |key| one(&key.id)),
        ("fingerprint", |key| one(&key.fingerprint)),
        ("key-type", |key| one(&key.kind)),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let names = call.form.values("KeyName");
    let ids = call.form.values("KeyPairId");
    let keys = &call.region.keys;
    for name in &names {
        if !keys.contains_key(*name) {
            let message = format!("The key pair '{name}' does not exist");
            return Err(Refusal::new("InvalidKeyPair.NotFound", message));
        }
    }
    for id in &ids {
        if !keys.values().any(|key| key.id == *id) {
            let message = format!("The key pair ID '{id}' does not exist");
            return Err(Refusal::new("InvalidKeyPair.NotFound", message));
        }
    }
    let with_key = call.form.flag("IncludePublicKey")?.unwrap_or(false);
    let shown = keys
        .values()
        .filter(|key| names.is_empty() || names.contains(&key.name.as_str()))
        .filter(|key| ids.is_empty() || ids.contains(&key.id.as_str()))
        .filter(|key| filters.accept(*key, call.region.tags_of(&key.id), &fields));
    let mut xml = Xml::default();
    xml.list("keySet", shown, |xml, key| {
        xml.text("keyPairId", &key.id)
            .text("keyName", &key.name)
            .text("keyType", &key.kind)
            .text("keyFingerprint", &key.fingerprint)
            .text("createTime", aws_time(key.created))
            .maybe("publicKey", with_key.then_some(&key.public_key))
            .tags(call.region.tags_of(&key.id));
    });
    Ok(xml)
}
