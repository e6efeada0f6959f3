//! What is asked for, in which words, and how often.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::cloud::Clock;
use crate::credentials::chain::Device;
use crate::credentials::code::{Code, Codes, Terminal, Tries, Used};
use crate::credentials::error::SignInError;

/// Somebody who types lines, one after the other.
#[derive(Debug, Default)]
struct Typist {
    lines: Mutex<VecDeque<&'static str>>,
    heard: Mutex<Vec<String>>,
}

impl Terminal for Typist {
    fn ask<'a>(&'a self, question: &'a str) -> BoxFuture<'a, Option<Zeroizing<String>>> {
        self.say(question);
        let line = self.lines.lock().unwrap().pop_front();
        Box::pin(async move { line.map(|line| Zeroizing::new(line.to_owned())) })
    }

    fn say(&self, text: &str) {
        self.heard.lock().unwrap().push(text.to_owned());
    }
}

fn typist(lines: &[&'static str]) -> Arc<Typist> {
    Arc::new(Typist {
        lines: Mutex::new(lines.iter().copied().collect()),
        heard: Mutex::default(),
    })
}

fn device() -> Device {
    Device {
        serial: "arn:aws:iam::123456789012:mfa/alex".to_owned(),
        process: None,
    }
}

/// Ten seconds into a step.
fn now() -> Timestamp {
    "2026-03-01T12:00:10Z".parse().unwrap()
}

fn clock() -> Clock {
    Clock::new(now)
}

fn seconds_ago(seconds: i64) -> Used {
    Used {
        at: Timestamp::from_second(now().as_second() - seconds).unwrap(),
        code: Code::read("123456"),
    }
}

#[test]
fn a_code_is_six_digits_and_never_shown() {
    for (text, expected) in [
        ("123456", true),
        (" 123 456\n", true),
        ("12345", false),
        ("1234567", false),
        ("12345a", false),
        ("١٢٣٤٥٦", false),
        ("", false),
    ] {
        assert_eq!(Code::read(text).is_some(), expected, "{text:?}");
    }
    let code = Code::read("123456").unwrap();
    assert!(!format!("{code:?}").contains("123456"));
}

#[tokio::test]
async fn a_refusal_is_told_with_what_it_may_come_from() {
    let (device, clock) = (device(), clock());
    let date = |seconds: i64| Timestamp::from_second(now().as_second() + seconds).ok();
    for (used, date, expected) in [
        (
            None,
            None,
            "it is mistyped, of another device, or was used before",
        ),
        (None, date(29), "it is mistyped"),
        (
            None,
            date(-300),
            "this machine's clock is 300 s ahead of AWS's",
        ),
        (
            None,
            date(300),
            "this machine's clock is 300 s behind AWS's",
        ),
        (
            Some(seconds_ago(40)),
            date(1),
            "one was used 40 s ago, and each works once",
        ),
        (Some(seconds_ago(90)), None, "it is mistyped"),
    ] {
        let typist = typist(&["123 456"]);
        let codes = Codes::new(None, Some(typist.clone()));
        let mut tries = Tries::new(&codes, &device, &clock, used);
        tries.is_wrong(date);
        tries.next().await.unwrap();
        let heard = typist.heard.lock().unwrap();
        assert!(heard[0].contains(expected), "{heard:?}");
    }
}

#[tokio::test]
async fn what_was_used_is_not_taken_again_and_costs_no_try() {
    let (device, clock) = (device(), clock());
    let typist = typist(&["123456", "1", "654321", "111111", "222222", "333333"]);
    let codes = Codes::new(None, Some(typist.clone()));
    let mut tries = Tries::new(&codes, &device, &clock, Some(seconds_ago(3)));
    let code = tries.next().await.unwrap();
    assert_eq!(code, Code::read("654321").unwrap());
    {
        let heard = typist.heard.lock().unwrap();
        assert_eq!(heard[0], "next MFA code of alex (account 123456789012): ");
        assert!(heard[1].contains("the next one comes in 20 s"), "{heard:?}");
        assert_eq!(heard[3], "a code has six digits");
    }
    for _ in 0..2 {
        tries.is_wrong(None);
        tries.next().await.unwrap();
    }
    tries.is_wrong(None);
    let over = tries.next().await.unwrap_err();
    assert!(matches!(over, SignInError::CodeRefused(_)), "{over:?}");
}

#[tokio::test]
async fn a_code_that_was_given_goes_first_and_once() {
    let (device, clock) = (device(), clock());
    let codes = Codes::new(Code::read("123456"), None);
    let mut tries = Tries::new(&codes, &device, &clock, None);
    assert_eq!(Code::read("123456"), tries.next().await.ok());
    tries.is_wrong(None);
    let over = tries.next().await.unwrap_err();
    assert!(matches!(over, SignInError::CodeRefused(_)), "{over:?}");
    // One that nobody looked at can be shown again.
    let codes = Codes::new(Code::read("123456"), None);
    let mut tries = Tries::new(&codes, &device, &clock, None);
    let code = tries.next().await.unwrap();
    tries.give_back(code);
    assert_eq!(Code::read("123456"), tries.next().await.ok());
}

#[tokio::test]
async fn whoever_has_nothing_to_say_is_asked_once() {
    let (device, clock) = (device(), clock());
    for lines in [&[""][..], &[]] {
        let codes = Codes::new(None, Some(typist(lines)));
        let mut tries = Tries::new(&codes, &device, &clock, None);
        let over = tries.next().await.unwrap_err();
        assert!(matches!(over, SignInError::NotGiven), "{over}");
    }
    let nobody = Codes::new(None, None);
    let mut tries = Tries::new(&nobody, &device, &clock, None);
    let over = tries.next().await.unwrap_err();
    assert!(matches!(over, SignInError::NoTerminal(_)), "{over}");
}

#[tokio::test]
async fn a_command_that_prints_codes_is_asked_when_the_next_one_is_shown() {
    let mut device = device();
    device.process = Some("echo 654321".to_owned());
    // The last second of a step: a command takes real time, and so does the wait for it.
    let clock = Clock::new(|| "2026-03-01T12:00:29Z".parse().unwrap());
    let codes = Codes::new(None, None);
    let begin = tokio::time::Instant::now();
    let mut tries = Tries::new(&codes, &device, &clock, Some(seconds_ago(3)));
    assert_eq!(Code::read("654321"), tries.next().await.ok());
    assert!(begin.elapsed() >= std::time::Duration::from_secs(1));
    // Twice is enough: it is no person who mistypes.
    tries.is_wrong(None);
    tries.next().await.unwrap();
    tries.is_wrong(None);
    assert!(tries.next().await.is_err());
}
