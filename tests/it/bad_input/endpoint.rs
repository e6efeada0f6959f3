//! Endpoints where no AWS answers.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::scene::SPEC;
use crate::support::{GOOD, Sandbox};

/// An address that refuses every connection.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// An address that answers every request with a web page.
fn web_page(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 16_384];
            let read = stream.read(&mut request).unwrap_or(0);
            assert!(read > 0);
            let page = "<!DOCTYPE html><html><body>Welcome to the hotel</body></html>";
            let length = page.len();
            // The client may have left already.
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
            )
            .unwrap_or_default();
        }
    });
    format!("http://{address}")
}

#[test]
fn a_closed_port_is_an_error_that_names_the_variable() {
    let sandbox = Sandbox::at(&closed());
    sandbox.write(SPEC, GOOD);
    let run = sandbox.run(&["plan", SPEC]);
    run.expect(1).says(&[
        "Connection refused",
        "check the network, the region and AWS_ENDPOINT_URL",
    ]);
}

#[test]
fn an_unknown_host_is_an_error() {
    let sandbox = Sandbox::at("http://trainyard.invalid:4566");
    sandbox.write(SPEC, GOOD);
    let run = sandbox.run(&["plan", SPEC]);
    run.expect(1)
        .says(&["error: failed to find out whose", "AWS_ENDPOINT_URL"]);
}

#[test]
fn a_web_page_is_no_answer_of_aws() {
    for status in ["200 OK", "403 Forbidden", "404 Not Found"] {
        let sandbox = Sandbox::at(&web_page(status));
        sandbox.write(SPEC, GOOD);
        for arguments in [&["plan", SPEC][..], &["apply", "--yes", SPEC]] {
            let run = sandbox.run(arguments);
            run.expect(1)
                .says(&["not an answer of AWS", "AWS_ENDPOINT_URL"])
                .says_nothing_about(&["<html>", "Unknown"]);
        }
    }
}

#[test]
fn destroy_takes_no_web_page_for_success() {
    for address in [closed(), web_page("200 OK")] {
        let sandbox = Sandbox::at(&address);
        sandbox.write(SPEC, GOOD);
        let run = sandbox.run(&["destroy", "--yes", SPEC]);
        assert!(matches!(run.code, Some(1 | 5)), "{run}");
        run.says_nothing_about(&["is gone", "nothing of trial is there"]);
    }
}
