//! F52: sessions that end in the middle of an apply or a destroy.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use trainyard::cli::{ExitCode, SimulatedSignIn};
use trainyard::credentials::Terminal;
use trainyard::local::{Cloud, Delays, Settings};
use zeroize::Zeroizing;

use super::goal;
use super::history::{History, Order, Specs, play};
use super::laws::alive;
use super::scenario::SSM;

const NONE: [String; 0] = [];
const ROLE: &str = "arn:aws:iam::123456789012:role/trainer";

/// Somebody who needs a while to find the device, or has gone home.
struct Somebody {
    asked: AtomicU32,
    /// How often a code is given before nobody is there any more.
    answers: u32,
    /// Where machines are to be had again once the second code is asked for.
    cloud: Option<Arc<Cloud>>,
}

impl fmt::Debug for Somebody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Somebody")
    }
}

impl Terminal for Somebody {
    fn ask<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Zeroizing<String>>> {
        Box::pin(async move {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            if number >= self.answers {
                return std::future::pending().await;
            }
            tokio::time::sleep(Duration::from_secs(40)).await;
            if let (Some(cloud), 1) = (&self.cloud, number) {
                cloud.order("DELETE capacity", "").unwrap();
            }
            Some(Zeroizing::new((100_001 + number).to_string()))
        })
    }

    fn say(&self, _: &str) {}
}

fn somebody(answers: u32) -> Arc<Somebody> {
    Arc::new(Somebody {
        asked: AtomicU32::new(0),
        answers,
        cloud: None,
    })
}

/// Sessions of a quarter of an hour, each of which takes a code.
fn signs_in(history: &History, terminal: Option<Arc<Somebody>>) {
    let user = r#"{"key": "AKIAALEX000000000001", "name": "alex", "session_tokens": false}"#;
    history.cloud.order("users", user).unwrap();
    let role = format!(r#"{{"arn": "{ROLE}", "mfa": true}}"#);
    history.cloud.order("roles", &role).unwrap();
    let profiles = "[profile team]\naws_access_key_id = AKIAALEX000000000001\naws_secret_access_key = x\nmfa_serial = arn:aws:iam::123456789012:mfa/alex\n";
    *history.sign_in.lock().unwrap() = Some(SimulatedSignIn {
        profiles: profiles.to_owned(),
        terminal: terminal.map(|somebody| somebody as Arc<dyn Terminal>),
    });
}

/// What a command is given where there is nobody to ask.
fn gives(history: &History, code: &str) {
    let words = ["-t", code].map(str::to_owned);
    *history.words.lock().unwrap() = words.to_vec();
}

/// One group that is there at once, and one that AWS has no machine for.
fn spec() -> String {
    let image = format!("image: {{ssm: {SSM}}}");
    format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\ncredentials: {{profile: team, role_arn: \"{ROLE}\", duration: 15m}}\ninstances:\n  quick:\n    {image}\n    type: t3.small\n  scarce:\n    {image}\n    type: p3.2xlarge\n    wait_for_capacity: 45m\n"
    )
}

/// A cloud whose instances take their time to end.
fn slow() -> Settings {
    Settings {
        delays: Delays {
            shutting_down: Duration::from_mins(18),
            ..Delays::default()
        },
        ..Settings::default()
    }
}

fn scarce(history: &History) {
    let body = r#"[{"type": "p3.2xlarge"}]"#;
    history.cloud.order("capacity", body).unwrap();
}

#[test]
fn an_apply_asks_for_the_next_code_between_two_requests() {
    let specs = Specs::new();
    let apply = Order::Apply(specs.write("lab", &spec()));
    play(0, Settings::default(), async |history| {
        let alex = Arc::new(Somebody {
            asked: AtomicU32::new(0),
            answers: 99,
            cloud: Some(Arc::clone(&history.cloud)),
        });
        signs_in(history, Some(Arc::clone(&alex)));
        scarce(history);
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        assert!(alex.asked.load(Ordering::SeqCst) >= 2, "{}", over.output);
        for words in [
            "nothing new is begun until there is an MFA code",
            "signed in until",
        ] {
            assert!(over.output.contains(words), "{}", over.output);
        }
        assert_eq!(alive(&history.cloud).len(), 2);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

#[test]
fn an_apply_that_can_ask_nobody_stops_in_time_and_tells_what_is_alive() {
    let specs = Specs::new();
    let apply = Order::Apply(specs.write("lab", &spec()));
    for terminal in [None, Some(1)] {
        play(0, Settings::default(), async |history| {
            signs_in(history, terminal.map(somebody));
            gives(history, "100001");
            scarce(history);
            let over = history.calmly(&apply).await;
            assert!(over.is(ExitCode::Partly), "{:?}: {}", over.end, over.output);
            for words in [
                "going on needs an MFA code",
                "stopping: what has been asked of AWS is finished first",
                "quick[0]",
                "to go on: trainyard login, then trainyard apply",
            ] {
                assert!(over.output.contains(words), "{words}: {}", over.output);
            }
            let [quick] = &alive(&history.cloud)[..] else {
                panic!("{}", over.output);
            };
            assert!(over.output.contains(&quick.id), "{}", over.output);
            // The same command goes on once somebody has signed in.
            history.cloud.order("DELETE capacity", "").unwrap();
            gives(history, "100002");
            let over = history.calmly(&apply).await;
            assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            assert_eq!(alive(&history.cloud).len(), 2);
            gives(history, "100003");
            goal::destroy(history).await;
            assert_eq!(history.laws.verdict(), NONE);
        });
    }
}

#[test]
fn a_destroy_asks_for_the_next_code_or_says_what_it_could_not_prove() {
    let specs = Specs::new();
    let text = spec().replace("p3.2xlarge", "t3.small");
    let apply = Order::Apply(specs.write("lab", &text));
    for terminal in [Some(99), None] {
        play(0, slow(), async |history| {
            signs_in(history, terminal.map(somebody));
            gives(history, "200001");
            let over = history.calmly(&apply).await;
            assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            gives(history, "200002");
            let over = history.calmly(&Order::DestroySpec(specs.path("lab"))).await;
            if terminal.is_some() {
                assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
                assert!(over.output.contains("signed in until"), "{}", over.output);
            } else {
                assert!(over.is(ExitCode::Alive), "{:?}: {}", over.end, over.output);
                for words in [
                    "going on needs an MFA code",
                    "alive, or not known to be gone",
                    "to go on: trainyard login, then trainyard destroy lab",
                ] {
                    assert!(over.output.contains(words), "{words}: {}", over.output);
                }
                gives(history, "200003");
                let over = history.calmly(&Order::DestroySpec(specs.path("lab"))).await;
                assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            }
            assert_eq!(alive(&history.cloud).len(), 0);
            assert_eq!(history.laws.verdict(), NONE);
        });
    }
}
