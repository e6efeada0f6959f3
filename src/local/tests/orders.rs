use super::rig::Rig;
use crate::local::Settings;

#[tokio::test]
async fn an_ordered_error_comes_before_or_after_the_effect() {
    let rig = Rig::new();
    for (when, launched) in [("before", 0), ("after", 1)] {
        let order = format!(
            r#"[{{"action":"RunInstances","nth":2,"when":"{when}","do":{{"error":{{"code":"RequestLimitExceeded","status":503,"message":"slow"}}}}}}]"#
        );
        assert_eq!(rig.control("POST", "faults", &order).await.status, 200);
        let token = format!("{when}-1");
        assert_eq!(
            rig.launch("1", &[("ClientToken", &token)]).await.status,
            200
        );
        let before = count(&rig).await;
        let refused = rig.launch("1", &[]).await;
        assert_eq!(
            (refused.status, refused.one("Code")),
            (503, "RequestLimitExceeded")
        );
        assert_eq!(count(&rig).await - before, launched, "{when}");
        assert_eq!(rig.launch("1", &[]).await.status, 200, "it happens once");
    }
}

async fn count(rig: &Rig) -> usize {
    rig.settle();
    rig.ok("DescribeInstances", &[]).await.states().len()
}

#[tokio::test]
async fn requests_are_listed_in_order() {
    let rig = Rig::new();
    rig.ok("DescribeVpcs", &[]).await;
    rig.query("2011-06-15", "GetCallerIdentity", &[]).await;
    let listed = rig.control("GET", "requests", "").await;
    assert_eq!(
        listed.body,
        r#"[{"action":"DescribeVpcs","service":"ec2"},{"action":"GetCallerIdentity","service":"sts"}]"#
    );
    rig.control("DELETE", "requests", "").await;
    assert_eq!(rig.control("GET", "requests", "").await.body, "[]");
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    for bad in [
        "",
        "{}",
        r#"[{"action":"X","when":"never","do":"drop"}]"#,
        r#"[{"action":"X","when":"before","do":"drop","nth":0}]"#,
        r#"[{"action":"X","when":"before","do":{"error":{"code":"C","status":200}}}]"#,
    ] {
        assert_eq!(
            rig.control("POST", "faults", bad).await.status,
            400,
            "{bad}"
        );
    }
    assert_eq!(rig.control("GET", "nothing", "").await.status, 404);
}

#[tokio::test]
async fn without_control_only_health_is_told() {
    let rig = Rig::with(Settings::default());
    let health = rig.control("GET", "health", "").await;
    assert!(health.body.contains("trainyard-local"));
    for path in ["requests", "faults", "profiles"] {
        assert_eq!(rig.control("GET", path, "").await.status, 404);
    }
}
