use super::{ALEX, accepts, assume, become_alex, order, refuses, sts};
use crate::local::tests::rig::Rig;

#[tokio::test]
async fn a_key_belongs_to_its_user() {
    let mut rig = Rig::new();
    become_alex(&mut rig).await;
    let who = sts(&rig, "GetCallerIdentity", &[]).await;
    assert_eq!(who.one("Arn"), ALEX);
    let id = who.one("UserId").to_owned();
    order(&rig, "users", r#"{"key":"AKIAOTHER","name":"alex"}"#).await;
    rig.become_key("AKIAOTHER");
    let same = sts(&rig, "GetCallerIdentity", &[]).await;
    assert_eq!((same.one("Arn"), same.one("UserId")), (ALEX, id.as_str()));
    rig.become_key("AKIALOCAL");
    let other = sts(&rig, "GetCallerIdentity", &[]).await;
    assert_eq!(other.one("Arn"), "arn:aws:iam::123456789012:user/local");
}

#[tokio::test]
async fn a_user_may_be_kept_from_sessions_of_its_own() {
    let mut rig = Rig::new();
    let user = r#"{"key":"AKIAALEX","name":"alex","session_tokens":false}"#;
    order(&rig, "users", user).await;
    rig.become_key("AKIAALEX");
    let refused = sts(&rig, "GetSessionToken", &[]).await;
    let words = format!("User: {ALEX} is not authorized to perform: sts:GetSessionToken");
    refuses(&refused, "AccessDenied", &words);
    accepts(&assume(&rig, &[]).await);
    become_alex(&mut rig).await;
    accepts(&sts(&rig, "GetSessionToken", &[]).await);
}

#[tokio::test]
async fn users_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    for bad in [
        r#"{"key":"AKIA"}"#,
        r#"{"key":"","name":"alex"}"#,
        r#"{"key":"A/B","name":"alex"}"#,
        r#"{"key":"ASIAALEX","name":"alex"}"#,
        r#"{"key":"AKIA","name":""}"#,
        r#"{"key":"AKIA","name":"a/b"}"#,
        r#"{"key":"AKIA","name":"alex","admin":true}"#,
    ] {
        let answer = rig.control("POST", "users", bad).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}
