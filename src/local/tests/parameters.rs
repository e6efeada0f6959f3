use http::Request;
use s3s::Body;

use super::rig::Rig;

#[tokio::test]
async fn public_parameters_name_images_that_exist() {
    let rig = Rig::new();
    let ask = |action: &str, body: &str| {
        Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("AmazonSSM.{action}"))
            .header(
                "authorization",
                "x Credential=A/1/eu-central-1/ssm/aws4_request",
            )
            .body(Body::from(body.to_owned()))
            .expect("request")
    };
    let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let answer = rig
        .send(ask("GetParameter", &format!(r#"{{"Name":"{name}"}}"#)))
        .await;
    let value: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let image = value["Parameter"]["Value"].as_str().expect("an image");
    rig.ok("DescribeImages", &[("ImageId.1", image)]).await;
    let resolved = rig
        .launch("1", &[("ImageId", &format!("resolve:ssm:{name}"))])
        .await;
    assert_eq!(resolved.one("imageId"), image);
    for (action, body, expected) in [
        ("GetParameter", r#"{"Name":"/none"}"#, "ParameterNotFound"),
        ("GetParameter", "{}", "ValidationException"),
        ("GetParameter", "{", "SerializationException"),
        ("GetParameters", r#"{"Names":[]}"#, "ValidationException"),
        ("PutParameter", "{}", "UnknownOperationException"),
    ] {
        let answer = rig.send(ask(action, body)).await;
        assert!(
            answer.status == 400 && answer.body.contains(expected),
            "{}",
            answer.body
        );
    }
    let both = format!(r#"{{"Names":["{name}","/none"]}}"#);
    let answer = rig.send(ask("GetParameters", &both)).await;
    assert!(
        answer.body.contains(r#""InvalidParameters":["/none"]"#),
        "{}",
        answer.body
    );
    let moved = format!(r#"{{"name":"{name}","value":"ami-0123456789abcdef0"}}"#);
    rig.control("POST", "parameters", &moved).await;
    let answer = rig.send(ask("GetParameters", &both)).await;
    assert!(answer.body.contains(r#""Value":"ami-0123456789abcdef0""#));
}
