use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::rig::Rig;
use crate::local::{Cloud, OpenError, Settings};

fn kept(folder: &Path) -> Settings {
    Settings {
        folder: Some(folder.to_owned()),
        ..Settings::default()
    }
}

fn open(folder: &Path) -> Result<Cloud, OpenError> {
    Cloud::open(kept(folder), Arc::new(|| jiff::Timestamp::UNIX_EPOCH))
}

#[tokio::test]
async fn a_folder_keeps_the_cloud() {
    let folder = tempfile::tempdir().expect("folder");
    let place = folder.path().join("deep/er");
    let rig = Rig::with(kept(&place));
    let ids = rig.running("2", &[("ClientToken", "one")]).await;
    let before = rig.ok("DescribeInstances", &[]).await.body;
    let file = place.join("cloud.json");
    let mode = fs::metadata(&file).expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = Rig::with(kept(&place));
    again.settle();
    let after = again.ok("DescribeInstances", &[]).await.body;
    let inside = |body: &str| {
        body.split_once("</requestId>")
            .map(|(_, rest)| rest.to_owned())
    };
    assert_eq!(inside(&before), inside(&after));
    assert_eq!(again.running("2", &[("ClientToken", "one")]).await, ids);
    assert_eq!(
        fs::read_dir(&place).expect("folder").count(),
        1,
        "no temporary file stays"
    );
}

#[tokio::test]
async fn a_file_of_before_still_opens() {
    let folder = tempfile::tempdir().expect("folder");
    let rig = Rig::with(kept(folder.path()));
    let ids = rig.running("1", &[]).await;
    let file = folder.path().join("cloud.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("read")).expect("JSON");
    let world = state.as_object_mut().expect("an object");
    world.remove("stage").expect("what came later");
    let region = &mut world["regions"]["123456789012"]["eu-central-1"];
    let region = region.as_object_mut().expect("a region");
    for later in ["placement_groups", "loose"] {
        region.remove(later).expect("what came later");
    }
    let instances = region["instances"].as_object_mut().expect("instances");
    for instance in instances.values_mut() {
        let instance = instance.as_object_mut().expect("an instance");
        instance.remove("placement_group").expect("what came later");
    }
    fs::write(&file, state.to_string()).expect("write");
    let again = Rig::with(kept(folder.path()));
    again.settle();
    assert_eq!(again.states(&ids).await, ["running"]);
}

#[test]
fn a_corrupt_file_is_named_and_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("cloud.json");
    for bad in ["", "{", "[]", r#"{"version":1}"#] {
        fs::write(&file, bad).expect("write");
        let Err(error) = open(folder.path()) else {
            panic!("opened {bad}");
        };
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("cloud.json"), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("read"), bad);
    }
}

#[test]
fn an_account_is_twelve_digits() {
    for account in ["", "12345678901", "12345678901x", "1234567890123"] {
        let settings = Settings {
            account: account.to_owned(),
            ..Settings::default()
        };
        let opened = Cloud::open(settings, Arc::new(|| jiff::Timestamp::UNIX_EPOCH));
        assert!(matches!(opened, Err(OpenError::Account(_))), "{account}");
    }
}
