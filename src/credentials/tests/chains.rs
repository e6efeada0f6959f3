//! Which steps follow from which profiles.

use aws_config::profile::{ProfileSet, load};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use crate::credentials::chain::{Base, Chain, ChainError, Device, Hop, Place, chain};
use crate::resource::{AccountId, RoleName, SessionLength, SignIn};

const ROLE: &str = "arn:aws:iam::123456789012:role/trainer";
const TWO: &str = "arn:aws:iam::123456789012:role/two";
const KEYS: &str = "aws_access_key_id = AKIA\naws_secret_access_key = secret\n";

async fn profiles_of(text: &str) -> ProfileSet {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text)
        .build();
    load(&Fs::real(), &Env::from_slice(&[]), &files, None)
        .await
        .unwrap()
}

fn wish(profile: Option<&str>, role: Option<&str>) -> SignIn {
    SignIn {
        profile: profile.map(str::to_owned),
        role: role.map(|role| RoleName::read(role).unwrap()),
        duration: None,
        external_id: None,
    }
}

async fn found(text: &str, wish: &SignIn, environment_first: bool) -> Result<Chain, ChainError> {
    let account = AccountId::new("123456789012");
    let place = Place {
        account: Some(&account),
        region: "eu-central-1",
        environment_first,
    };
    chain(&profiles_of(text).await, wish, place)
}

/// A chain in one line.
fn line(chain: &Chain) -> String {
    let roles = |hops: &[Hop]| {
        let names: Vec<&str> = hops.iter().map(|hop| hop.role.name()).collect();
        names.join(">")
    };
    let base = match &chain.base {
        Base::Sdk => "sdk".to_owned(),
        Base::Environment => "environment".to_owned(),
        Base::Profile(name) => format!("profile {name}"),
        Base::Keys {
            profile,
            credentials: _,
        } => format!("keys of {profile}"),
    };
    let device = chain.device.as_ref().map_or("", |device| &device.serial);
    let detour = chain.detour.as_deref().map_or_else(String::new, roles);
    format!("{base} | {device} | {} | {detour}", roles(&chain.hops))
}

/// Profiles by a short name; several of them make a file.
fn section(name: &str) -> String {
    let role = |name: &str, source: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{name}\nsource_profile = {source}\n"
        )
    };
    match name {
        "keys" => format!("[profile base]\n{KEYS}"),
        "device" => format!("[profile base]\n{KEYS}mfa_serial = DEVICE\n"),
        "process" => "[profile base]\ncredential_process = get\nmfa_serial = DEVICE\n".to_owned(),
        "region" => "[default]\nregion = eu-central-1\n".to_owned(),
        "one" => role("one", "base"),
        "two" => role("two", "one"),
        "own" => format!("{}mfa_serial = OWN\n", role("one", "base")),
        "me" => format!("{}mfa_serial = MINE\n{KEYS}", role("me", "me")),
        "ring" => format!("{}mfa_serial = X\n", role("one", "two")),
        other => panic!("no section {other}"),
    }
}

/// The sections of a file, the profile and the role that are wanted, and the chain.
type Row = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
);

#[rustfmt::skip]
const ROWS: [Row; 27] = [
    // What the SDK does by itself.
    ("", None, None, "sdk |  |  | "),
    ("", Some("absent"), None, "sdk |  |  | "),
    ("keys", Some("base"), None, "sdk |  |  | "),
    ("keys one two", Some("two"), None, "sdk |  |  | "),
    ("ring two", Some("one"), None, "sdk |  |  | "),
    // A device of the user.
    ("device", Some("base"), None, "keys of base | DEVICE |  | "),
    ("device one", Some("one"), None, "keys of base | DEVICE | one | "),
    ("device one two", Some("two"), None, "keys of base | DEVICE | one>two | "),
    ("keys own", Some("one"), None, "keys of base | OWN | one | "),
    ("me", Some("me"), None, "keys of me | MINE | me | "),
    ("process one", Some("one"), None, "profile base | DEVICE | one | "),
    // A role that somebody wants.
    ("", None, Some(ROLE), "sdk |  | trainer | "),
    ("", None, Some("short"), "sdk |  | short | "),
    ("keys", Some("base"), Some(ROLE), "keys of base |  | trainer | "),
    ("device", Some("base"), Some(ROLE), "keys of base | DEVICE | trainer | "),
    ("device one", Some("one"), Some(ROLE), "keys of base | DEVICE | trainer | one>trainer"),
    ("device one", Some("one"), Some("one"), "keys of base | DEVICE | one | "),
    // A role that a profile names, and with it where it is reached from.
    ("device one", None, Some("one"), "keys of base | DEVICE | one | "),
    ("keys own", None, Some("one"), "keys of base | OWN | one | "),
    ("keys one two", None, Some("two"), "keys of base |  | one>two | "),
    ("device one two", None, Some("two"), "keys of base | DEVICE | one>two | "),
    ("keys one two", Some("two"), Some("two"), "keys of base |  | one>two | "),
    ("keys one two", Some("two"), Some(TWO), "keys of base |  | one>two | "),
    ("keys one two", Some("two"), Some("one"), "keys of base |  | one | "),
    // What a machine or a pod has is found behind a profile that nobody named.
    ("region", None, Some(ROLE), "sdk |  | trainer | "),
    ("region", Some("default"), Some(ROLE), "profile default |  | trainer | "),
    ("keys", Some("gone"), Some(ROLE), "profile gone |  | trainer | "),
];

#[tokio::test]
async fn every_arrangement_of_profiles_has_its_steps() {
    for (sections, profile, role, expected) in ROWS {
        let text: String = sections.split_whitespace().map(section).collect();
        let chain = found(&text, &wish(profile, role), false).await.unwrap();
        assert_eq!(line(&chain), expected, "{text}\n{profile:?} {role:?}");
        assert_eq!(chain.is_plain(), expected == "sdk |  |  | ");
    }
}

#[tokio::test]
async fn keys_in_the_environment_are_the_base_of_whatever_is_wanted() {
    let text = format!("[profile base]\n{KEYS}mfa_serial = DEVICE\n");
    for (profile, role, expected) in [
        (None, None, "environment |  |  | "),
        (Some("base"), None, "environment |  |  | "),
        (Some("base"), Some(ROLE), "environment |  | trainer | "),
    ] {
        let chain = found(&text, &wish(profile, role), true).await.unwrap();
        assert_eq!(line(&chain), expected);
    }
}

#[tokio::test]
async fn what_a_profile_says_of_its_role_is_kept_and_a_wish_goes_before_it() {
    let text = format!(
        "[profile base]\n{KEYS}[profile one]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = theirs\nduration_seconds = 7200\nrole_session_name = me\nmfa_serial = X\nmfa_process = show me\n"
    );
    let chain = found(&text, &wish(Some("one"), None), false).await.unwrap();
    let [hop] = chain.hops.as_slice() else {
        panic!("{chain:?}");
    };
    assert_eq!(hop.external_id.as_deref(), Some("theirs"));
    assert_eq!(hop.length.map(SessionLength::seconds), Some(7200));
    assert_eq!(hop.session_name.as_deref(), Some("me"));
    let device = Device {
        serial: "X".to_owned(),
        process: Some("show me".to_owned()),
    };
    assert_eq!(chain.device, Some(device));
    let mut own = wish(None, Some("one"));
    own.duration = Some("30m".parse().unwrap());
    own.external_id = Some("ours".to_owned());
    let chain = found(&text, &own, false).await.unwrap();
    let [hop] = chain.hops.as_slice() else {
        panic!("{chain:?}");
    };
    assert_eq!(hop.external_id.as_deref(), Some("ours"));
    assert_eq!(hop.length.map(SessionLength::seconds), Some(1800));
}

#[tokio::test]
async fn a_role_that_cannot_be_told_is_named() {
    let profiles = profiles_of("[profile bad]\nrole_arn = nothing\nsource_profile = base\n").await;
    let place = Place {
        account: None,
        region: "eu-central-1",
        environment_first: false,
    };
    let nowhere = chain(&profiles, &wish(None, Some("short")), place).unwrap_err();
    assert_eq!(nowhere, ChainError::Nowhere("short".to_owned()));
    let bad = chain(&profiles, &wish(Some("bad"), None), place).unwrap_err();
    for command in [
        "trainyard login --json",
        "/usr/bin/trainyard login --json --profile=me",
        "trainyard login --profile me --json",
    ] {
        let text = format!("[profile me]\ncredential_process = {command}\n");
        let ring = chain(&profiles_of(&text).await, &wish(Some("me"), None), place).unwrap_err();
        assert_eq!(ring, ChainError::Itself("me".to_owned()));
    }
    let other = "[profile me]\ncredential_process = trainyard login --json --profile other\n";
    let other = chain(&profiles_of(other).await, &wish(Some("me"), None), place).unwrap();
    assert!(other.is_plain());
    let expected = "the profile `bad` names `nothing` as its role_arn, which is no ARN of a role";
    assert_eq!(bad.to_string(), expected);
}
