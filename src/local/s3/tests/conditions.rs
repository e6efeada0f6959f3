//! Conditional requests.

use aws_sdk_s3::primitives::DateTime;

use super::{BUCKET, Server, refusal};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixteen_writers_wins() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    for round in 0..20 {
        let key = format!("locks/{round}");
        let attempts = (0..16).map(|writer: i32| {
            let request = server
                .client
                .put_object()
                .bucket(BUCKET)
                .key(&key)
                .if_none_match("*");
            let request = request.body(writer.to_string().into_bytes().into());
            tokio::spawn(async move { (writer, request.send().await) })
        });
        let mut winners = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                (writer, Ok(_)) => winners.push(writer),
                (_, refused) => assert_eq!(refusal(refused), "412 PreconditionFailed"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(server.get(&key).await, winners[0].to_string().as_bytes());
    }
    // The losers' bytes are gone.
    assert_eq!(
        std::fs::read_dir(folder.path().join("objects"))
            .unwrap()
            .count(),
        20
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixteen_swappers_wins() {
    // In a folder there is a long way from the first byte to the commit.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let mut etag = server.put("lock", "start").await;
    for round in 0..10 {
        let attempts: Vec<_> = (0..16)
            .map(|writer| {
                let request = server
                    .client
                    .put_object()
                    .bucket(BUCKET)
                    .key("lock")
                    .if_match(&etag);
                tokio::spawn(
                    request
                        .body(format!("{round} {writer}").into_bytes().into())
                        .send(),
                )
            })
            .collect();
        let mut winners = Vec::new();
        for attempt in attempts {
            winners.extend(attempt.await.unwrap().ok());
        }
        assert_eq!(winners.len(), 1, "round {round}");
        winners[0].e_tag().unwrap().clone_into(&mut etag);
    }
}

#[tokio::test]
async fn writes_that_expect_an_object() {
    let server = Server::in_memory().await;
    let put = |etag: &str| {
        server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .if_match(etag)
            .body(b"new".to_vec().into())
    };
    assert_eq!(
        refusal(put("\"25f9e794323b453885f5181f1b624d0b\"").send().await),
        "404 NoSuchKey"
    );
    let etag = server.put("a", "old").await;
    assert_eq!(
        refusal(put("\"25f9e794323b453885f5181f1b624d0b\"").send().await),
        "412 PreconditionFailed"
    );
    assert_eq!(server.get("a").await, b"old");
    put(&etag).send().await.unwrap();
    assert_eq!(server.get("a").await, b"new");
}

#[tokio::test]
async fn deletions_that_expect_an_object() {
    let server = Server::in_memory().await;
    let delete = |etag: &str| {
        server
            .client
            .delete_object()
            .bucket(BUCKET)
            .key("a")
            .if_match(etag)
            .send()
    };
    let etag = server.put("a", "bytes").await;
    assert_eq!(refusal(delete("\"other\"").await), "412 PreconditionFailed");
    assert_eq!(server.get("a").await, b"bytes");
    delete(&etag).await.unwrap();
    assert_eq!(refusal(delete(&etag).await), "404 NoSuchKey");
    assert_eq!(refusal(delete("*").await), "404 NoSuchKey");
}

#[tokio::test]
async fn reads() {
    let server = Server::in_memory().await;
    let etag = server.put("a", "bytes").await;
    let get = || server.client.get_object().bucket(BUCKET).key("a");
    let head = get().send().await.unwrap();
    let modified = head.last_modified().unwrap().secs();
    let (before, at) = (
        DateTime::from_secs(modified - 1),
        DateTime::from_secs(modified),
    );

    let status =
        async |request: aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder| {
            match request.send().await {
                Ok(_) => 200,
                Err(error) => error.raw_response().unwrap().status().as_u16(),
            }
        };
    assert_eq!(status(get().if_none_match(&etag)).await, 304);
    assert_eq!(status(get().if_none_match("\"other\"")).await, 200);
    assert_eq!(status(get().if_match(&etag)).await, 200);
    assert_eq!(status(get().if_match("\"other\"")).await, 412);
    // The object is half a second younger than its header says.
    assert_eq!(status(get().if_modified_since(at)).await, 304);
    assert_eq!(status(get().if_modified_since(before)).await, 200);
    assert_eq!(status(get().if_unmodified_since(at)).await, 200);
    assert_eq!(status(get().if_unmodified_since(before)).await, 412);
    // An entity tag outweighs a date.
    assert_eq!(
        status(get().if_match(&etag).if_unmodified_since(before)).await,
        200
    );
    assert_eq!(
        status(get().if_none_match("\"other\"").if_modified_since(at)).await,
        200
    );

    let refused = get().if_none_match(&etag).send().await.unwrap_err();
    let answer = refused.raw_response().unwrap();
    assert_eq!(answer.headers().get("etag"), Some(etag.as_str()));
    assert_eq!(answer.body().bytes(), Some(&b""[..]));
}
