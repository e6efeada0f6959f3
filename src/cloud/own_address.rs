//! The caller's own address, as the world sees it: one question to a service.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use http_body_util::BodyExt as _;

use super::error::{CloudError, CloudErrorKind};
use crate::render::escape;

/// How long the whole question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// An address is shorter; a page that says something else is cut here.
const LONGEST_ANSWER: usize = 1_024;
/// How much of an answer that is no address is repeated.
const SHOWN: usize = 80;

/// Asks a service, such as `https://checkip.amazonaws.com`, for the address that it sees.
///
/// No proxy is asked: what it would tell is its own address, from which no ssh comes.
///
/// # Errors
///
/// When the service does not answer, or not with an address that the world can see.
pub async fn own_address(service: &str) -> Result<IpAddr, CloudError> {
    let service: Uri = service
        .parse()
        .ok()
        .filter(is_web_address)
        .ok_or_else(|| failure(&format!("`{}` is no address of the web", escape(service))))?;
    let answer = tokio::time::timeout(PATIENCE, ask(&service))
        .await
        .map_err(|_| {
            let seconds = PATIENCE.as_secs();
            failure(&format!("{service} did not answer within {seconds} s"))
        })??;
    read(&answer, &service)
}

fn is_web_address(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
}

/// A failure, with what to do about it.
fn failure(text: &str) -> CloudError {
    let text = format!("{text}; write the block in the spec, or pass --address");
    CloudError::of("find out your own address", CloudErrorKind::Rejected, text)
}

/// The beginning of what the service says.
async fn ask(service: &Uri) -> Result<String, CloudError> {
    let connector = Connector::builder()
        .proxy_config(ProxyConfig::disabled())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build();
    let mut request = HttpRequest::new(SdkBody::empty());
    let silent = |error: &dyn std::error::Error| {
        let words = chain(error);
        failure(&format!("{service} cannot be asked: {}", escape(&words)))
    };
    request
        .set_uri(service.to_string())
        .map_err(|error| silent(&error))?;
    let response = connector
        .call(request)
        .await
        .map_err(|error| silent(&error))?;
    let status = response.status();
    if !status.is_success() {
        let status = status.as_u16();
        return Err(failure(&format!("{service} answered with status {status}")));
    }
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while bytes.len() <= LONGEST_ANSWER
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|error| silent(error.as_ref()))?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(LONGEST_ANSWER);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An error and what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}

fn read(answer: &str, service: &Uri) -> Result<IpAddr, CloudError> {
    let answer = answer.trim();
    let Ok(address) = answer.parse::<IpAddr>() else {
        let shown: String = answer.chars().take(SHOWN).collect();
        let more = if shown.len() < answer.len() {
            "..."
        } else {
            ""
        };
        let shown = escape(&shown);
        return Err(failure(&format!(
            "{service} answered \"{shown}{more}\", which is no address"
        )));
    };
    let address = address.to_canonical();
    if is_seen_by_the_world(address) || is_on_this_machine(service) {
        return Ok(address);
    }
    Err(failure(&format!(
        "{service} answered {address}, which AWS cannot see"
    )))
}

/// Whether the service is one on this machine, which knows no other address.
fn is_on_this_machine(service: &Uri) -> bool {
    let host = service.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

/// Whether packets from the address can come from outside its own network (RFC 6890).
fn is_seen_by_the_world(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || is_shared(address))
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast())
        }
    }
}

/// Whether the address is one that a provider shares out behind one of its own (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A service on this machine that gives one answer.
    fn service(answer: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let answer = answer.to_owned();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            // A client that has read enough hangs up.
            stream.write_all(answer.as_bytes()).ok();
        });
        address
    }

    fn said(body: &str) -> String {
        let length = body.len();
        service(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    }

    fn of(text: &str, service: &str) -> Result<String, String> {
        read(text, &service.parse().unwrap())
            .map(|address| address.to_string())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_answer_of_a_service_is_an_address() {
        for (body, address) in [
            ("203.0.113.7\n", "203.0.113.7"),
            ("  2001:db8::7  ", "2001:db8::7"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            let found = own_address(&said(body)).await.unwrap();
            assert_eq!(found.to_string(), address);
        }
    }

    #[tokio::test]
    async fn a_page_instead_of_an_address_is_told_and_cut() {
        let page = format!("<html>\u{1b}[2J{}", "x".repeat(100_000));
        let error = own_address(&said(&page)).await.unwrap_err().to_string();
        assert!(error.contains("answered \"<html>\\u{1b}[2Jxxx"), "{error}");
        assert!(error.contains("xxx...\", which is no address"), "{error}");
        assert!(error.len() < 300, "{error}");
        assert!(error.ends_with("write the block in the spec, or pass --address"));
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_status() {
        let moved = "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
        let error = own_address(&service(moved)).await.unwrap_err();
        assert!(error.text.contains("answered with status 302"), "{error}");
    }

    #[tokio::test]
    async fn whoever_does_not_answer_is_named() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", free.local_addr().unwrap());
        drop(free);
        let error = own_address(&address).await.unwrap_err();
        let begin = format!("{address} cannot be asked: ");
        assert!(error.text.starts_with(&begin), "{error}");
        for wrong in ["", "ftp://example.com", "example.com", "http://", "a b"] {
            let error = own_address(wrong).await.unwrap_err();
            assert!(error.text.contains("is no address of the web"), "{error}");
        }
    }

    #[test]
    fn an_address_that_aws_cannot_see_comes_from_this_machine_only() {
        for address in [
            "10.1.2.3",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "127.0.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            let error = of(address, "https://checkip.amazonaws.com").unwrap_err();
            assert!(error.contains("which AWS cannot see"), "{error}");
            assert!(of(address, "http://[::1]:8080/").is_ok());
            assert!(of(address, "http://localhost/").is_ok());
        }
        let world = "https://checkip.amazonaws.com/";
        assert_eq!(of("100.128.0.1", world).unwrap(), "100.128.0.1");
        assert_eq!(of("::ffff:203.0.113.7", world).unwrap(), "203.0.113.7");
        assert!(of("", world).unwrap_err().contains("answered \"\""));
        assert!(of("203.0.113.7, 10.0.0.1", world).is_err());
    }
}
