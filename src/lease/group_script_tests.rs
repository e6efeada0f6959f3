use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use super::GROUP_SCRIPT;
use crate::resource::member_tags;

/// Answers as the metadata service of one machine does, until the test ends.
fn metadata_service(own: &str, members: &[String]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (own, tags) = (own.to_owned(), member_tags(members));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let path = first.split(' ').nth(1).unwrap_or_default();
            let tag = path.rsplit('/').next().unwrap_or_default();
            let body = match path {
                "/latest/api/token" => Some("token".to_owned()),
                "/latest/meta-data/local-ipv4" => Some(own.clone()),
                _ => tags.get(tag).cloned(),
            };
            let answer = match body {
                Some(body) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                ),
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    .to_owned(),
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// Runs the script as a machine with this address; the variables that a shell then has.
fn variables(own: &str, members: &[String]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let service = metadata_service(own, members);
    let place = folder.path().to_str().unwrap();
    let run = Command::new("sh")
        .args(["-c", GROUP_SCRIPT])
        .env("TRAINYARD_METADATA", service)
        .env("TRAINYARD_FOLDER", place)
        .env("TRAINYARD_TRIES", "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let file = folder.path().join("group.env");
    let read = format!(". {} && env", file.display());
    file.exists().then(|| {
        let shell = Command::new("sh").args(["-c", &read]).output().unwrap();
        String::from_utf8(shell.stdout).unwrap()
    })
}

fn members(count: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!("172.31.{}.{}", 16 + number / 50, number % 50 + 4))
        .collect()
}

#[test]
fn a_member_knows_its_rank_and_the_world() {
    let told = variables("172.31.16.6", &members(4)).unwrap();
    for line in [
        "PET_NNODES=4",
        "PET_NODE_RANK=2",
        "PET_MASTER_ADDR=172.31.16.4",
        "PET_MASTER_PORT=29500",
        "MASTER_ADDR=172.31.16.4",
        "NODE_RANK=2",
        "TRAINYARD_MEMBERS=172.31.16.4,172.31.16.5,172.31.16.6,172.31.16.7",
    ] {
        assert!(told.lines().any(|one| one == line), "{line} in:\n{told}");
    }
}

#[test]
fn a_large_group_is_told_in_several_tags() {
    let all = members(200);
    assert!(member_tags(&all).len() >= 3);
    let told = variables("172.31.19.53", &all).unwrap();
    assert!(told.contains("PET_NODE_RANK=199\n"), "{told}");
    assert!(told.contains(&format!("TRAINYARD_MEMBERS={}\n", all.join(","))));
}

#[test]
fn a_machine_that_has_not_been_told_goes_on_without() {
    assert_eq!(variables("172.31.16.6", &[]), None);
    // Tags of before: this machine is not among them yet.
    assert_eq!(variables("172.31.16.99", &members(4)), None);
}
