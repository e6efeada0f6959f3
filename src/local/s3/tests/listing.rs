//! Listings over the wire.

use std::fmt::Write as _;

use http::Request;
use s3s::Body;

use super::{BUCKET, Server, refusal};

async fn fill(server: &Server, count: usize) {
    for number in 0..count {
        let request = Request::put(format!(
            "/training-data/run-{:03}/step-{number:05}",
            number % 100
        ));
        let request = request
            .header("content-length", "1")
            .body(Body::from("x".to_owned()))
            .unwrap();
        assert_eq!(server.raw(request).await.0, 200);
    }
}

#[tokio::test]
async fn ten_thousand_keys_in_pages() {
    let server = Server::in_memory().await;
    fill(&server, 10_000).await;
    let mut pages = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .into_paginator()
        .send();
    let (mut keys, mut sizes) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.contents().len());
        assert_eq!(page.key_count(), Some(1000));
        keys.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    assert_eq!(sizes, [1000; 10]);
    assert!(keys.is_sorted());
    keys.dedup();
    assert_eq!(keys.len(), 10_000);

    let grouped = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .delimiter("/")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (grouped.contents().len(), grouped.common_prefixes().len()),
        (0, 100)
    );
    let one = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("run-042/")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (one.contents().len(), one.is_truncated()),
        (100, Some(false))
    );
}

#[tokio::test]
async fn the_second_version() {
    let server = Server::in_memory().await;
    for key in ["a", "b/1", "b/2", "b0", "c"] {
        server.put(key, key).await;
    }
    let list = || server.client.list_objects_v2().bucket(BUCKET);
    let after = list().start_after("b/1").send().await.unwrap();
    assert_eq!(
        after
            .contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["b/2", "b0", "c"]
    );
    let none = list().max_keys(0).send().await.unwrap();
    assert_eq!(
        (none.contents().len(), none.is_truncated()),
        (0, Some(false))
    );
    let page = list().delimiter("/").max_keys(2).send().await.unwrap();
    assert_eq!(
        (
            page.contents().len(),
            page.common_prefixes().len(),
            page.is_truncated()
        ),
        (1, 1, Some(true))
    );
    let rest = list()
        .delimiter("/")
        .continuation_token(page.next_continuation_token().unwrap());
    let rest = rest.send().await.unwrap();
    assert_eq!(
        rest.contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["b0", "c"]
    );
    assert!(rest.common_prefixes().is_empty());
    assert_eq!(
        refusal(list().continuation_token("=").send().await),
        "400 InvalidArgument"
    );
    assert_eq!(
        refusal(list().max_keys(-1).send().await),
        "400 InvalidArgument"
    );
    assert_eq!(
        list().fetch_owner(true).send().await.unwrap().contents()[0]
            .owner()
            .unwrap()
            .id()
            .unwrap()
            .len(),
        64
    );
}

#[tokio::test]
async fn the_first_version() {
    let server = Server::in_memory().await;
    for key in ["a", "b/1", "b/2", "c"] {
        server.put(key, key).await;
    }
    let list = || server.client.list_objects().bucket(BUCKET).max_keys(2);
    let (mut marker, mut seen) = (String::new(), String::new());
    loop {
        let page = list().delimiter("/").marker(&marker).send().await.unwrap();
        for object in page.contents() {
            write!(seen, "{} ", object.key().unwrap()).unwrap();
        }
        for prefix in page.common_prefixes() {
            write!(seen, "{} ", prefix.prefix().unwrap()).unwrap();
        }
        match page.next_marker() {
            Some(next) => next.clone_into(&mut marker),
            None => break,
        }
    }
    assert_eq!(seen, "a b/ c ");
    let plain = list().send().await.unwrap();
    assert_eq!(
        (plain.is_truncated(), plain.next_marker()),
        (Some(true), None)
    );
}
