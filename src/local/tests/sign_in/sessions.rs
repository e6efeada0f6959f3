use std::time::Duration;

use super::{CODE, ROLE, accepts, assume, refuses, register_device, register_role, sts, with_code};
use crate::local::Settings;
use crate::local::tests::rig::Rig;

#[tokio::test]
async fn a_session_is_its_role_until_it_ends() {
    let mut rig = Rig::new();
    let opened = assume(&rig, &[("DurationSeconds", "900")]).await;
    assert_eq!(opened.one("Expiration"), "2026-03-01T12:15:00.250Z");
    assert!(opened.all("PackedPolicySize").is_empty());
    rig.become_session(&opened);
    let who = sts(&rig, "GetCallerIdentity", &[]).await;
    assert_eq!(
        who.one("Arn"),
        "arn:aws:sts::123456789012:assumed-role/play_trainer_v1/alex"
    );
    assert_eq!(who.one("Account"), "123456789012");
    assert_eq!(who.one("UserId"), opened.one("AssumedRoleId"));
    rig.pass(Duration::from_mins(15));
    let late = sts(&rig, "GetCallerIdentity", &[]).await;
    refuses(&late, "ExpiredToken", "is expired");
    rig.refused("DescribeInstances", &[], "RequestExpired")
        .await;
}

#[tokio::test]
async fn a_session_of_a_user_is_that_user() {
    let mut rig = Rig::new();
    let before = sts(&rig, "GetCallerIdentity", &[]).await;
    let opened = sts(&rig, "GetSessionToken", &[]).await;
    assert_eq!(opened.one("Expiration"), "2026-03-02T00:00:00.250Z");
    rig.become_session(&opened);
    let after = sts(&rig, "GetCallerIdentity", &[]).await;
    for name in ["Arn", "UserId", "Account"] {
        assert_eq!(before.one(name), after.one(name));
    }
    rig.ok("DescribeInstances", &[]).await;
}

#[tokio::test]
async fn a_duration_is_within_the_bounds_of_the_call() {
    let rig = Rig::new();
    for (action, least, most) in [
        ("AssumeRole", 900, 43_200),
        ("GetSessionToken", 900, 129_600),
    ] {
        for (seconds, words) in [
            (least - 1, Some("greater than or equal to 900")),
            (least, None),
            (most, None),
            (most + 1, Some("less than or equal to")),
        ] {
            let seconds = seconds.to_string();
            let fields = [
                ("RoleArn", ROLE),
                ("RoleSessionName", "alex"),
                ("DurationSeconds", seconds.as_str()),
            ];
            let answer = sts(&rig, action, &fields).await;
            match words {
                Some(words) => refuses(&answer, "ValidationError", words),
                None => accepts(&answer),
            }
        }
    }
}

#[tokio::test]
async fn the_session_of_a_user_opens_no_other() {
    let mut rig = Rig::new();
    for action in ["GetSessionToken", "AssumeRole"] {
        rig.become_key("AKIALOCAL");
        let fields = [("RoleArn", ROLE), ("RoleSessionName", "alex")];
        let opened = sts(&rig, action, &fields).await;
        rig.become_session(&opened);
        let refused = sts(&rig, "GetSessionToken", &[]).await;
        refuses(
            &refused,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        );
        accepts(&assume(&rig, &[]).await);
    }
}

#[tokio::test]
async fn a_folder_keeps_sessions_and_what_was_registered() {
    let folder = tempfile::tempdir().expect("folder");
    let settings = || Settings {
        folder: Some(folder.path().to_owned()),
        control: true,
        ..Settings::default()
    };
    let rig = Rig::with(settings());
    register_device(&rig).await;
    register_role(&rig, r#""longest":3600"#).await;
    let opened = sts(&rig, "GetSessionToken", &with_code(CODE)).await;

    let mut again = Rig::with(settings());
    let used = assume(&again, &with_code(CODE)).await;
    refuses(&used, "AccessDenied", "invalid MFA");
    let long = assume(&again, &[("DurationSeconds", "3601")]).await;
    refuses(&long, "ValidationError", "MaxSessionDuration");
    again.become_session(&opened);
    accepts(&sts(&again, "GetCallerIdentity", &[]).await);
}
