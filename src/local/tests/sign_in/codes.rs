use std::time::Duration;

use super::{
    CODE, CODE_BEFORE, CODES, accepts, assume, refuses, register_device, register_role, sts,
    with_code,
};
use crate::local::tests::rig::{Answer, Rig};

fn is_invalid(answer: &Answer) {
    let words = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
    refuses(answer, "AccessDenied", words);
}

#[tokio::test]
async fn a_code_of_a_device_that_nobody_registered_works_once() {
    let rig = Rig::new();
    let code = with_code("123456");
    accepts(&assume(&rig, &code).await);
    is_invalid(&assume(&rig, &code).await);
    rig.pass(Duration::from_secs(90));
    accepts(&assume(&rig, &code).await);
    is_invalid(&assume(&rig, &with_code("000000")).await);
}

#[tokio::test]
async fn a_code_is_six_digits_and_comes_with_its_device() {
    let rig = Rig::new();
    for bad in ["12345", "1234567", "abcdef", ""] {
        let answer = assume(&rig, &with_code(bad)).await;
        refuses(&answer, "ValidationError", "tokenCode");
    }
    for half in with_code("123456") {
        let answer = assume(&rig, &[half]).await;
        refuses(&answer, "AccessDenied", "must provide both");
    }
}

#[tokio::test]
async fn a_device_shows_a_code_for_each_half_minute() {
    let rig = Rig::new();
    register_device(&rig).await;
    is_invalid(&assume(&rig, &with_code("123456")).await);
    for code in CODES.iter().skip(1) {
        accepts(&sts(&rig, "GetSessionToken", &with_code(code)).await);
        rig.pass(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_clock_that_is_one_step_off_is_forgiven_and_two_are_not() {
    // Each code with the first and the last second of the half minutes that it works in.
    for (code, first, last) in [(CODES[2], 0, 89), (CODES[3], 30, 119)] {
        for second in [first, last] {
            let rig = Rig::new();
            register_device(&rig).await;
            rig.pass(Duration::from_secs(second));
            accepts(&assume(&rig, &with_code(code)).await);
        }
        let late = Rig::new();
        register_device(&late).await;
        late.pass(Duration::from_secs(last + 1));
        is_invalid(&assume(&late, &with_code(code)).await);
    }
    let early = Rig::new();
    register_device(&early).await;
    early.pass(Duration::from_secs(29));
    is_invalid(&assume(&early, &with_code(CODES[3])).await);
}

#[tokio::test]
async fn after_a_code_neither_it_nor_an_older_one_works() {
    let rig = Rig::new();
    register_device(&rig).await;
    accepts(&assume(&rig, &with_code(CODE)).await);
    is_invalid(&assume(&rig, &with_code(CODE)).await);
    is_invalid(&sts(&rig, "GetSessionToken", &with_code(CODE)).await);
    is_invalid(&assume(&rig, &with_code(CODE_BEFORE)).await);
    accepts(&assume(&rig, &with_code(CODES[2])).await);
}

#[tokio::test]
async fn a_wrong_code_uses_nothing_up() {
    let rig = Rig::new();
    register_device(&rig).await;
    is_invalid(&assume(&rig, &with_code("000000")).await);
    accepts(&assume(&rig, &with_code(CODE_BEFORE)).await);
    accepts(&assume(&rig, &with_code(CODE)).await);
}

#[tokio::test]
async fn a_request_that_is_refused_for_something_else_uses_no_code_up() {
    let rig = Rig::new();
    register_device(&rig).await;
    register_role(&rig, r#""longest":3600,"external_id":"of-the-team""#).await;
    let [serial, code] = with_code(CODE);
    let long = [serial, code, ("DurationSeconds", "7200")];
    refuses(&assume(&rig, &long).await, "ValidationError", "MaxSession");
    let stranger = [serial, code, ("ExternalId", "of-another")];
    refuses(&assume(&rig, &stranger).await, "AccessDenied", "AssumeRole");
    accepts(&assume(&rig, &[serial, code, ("ExternalId", "of-the-team")]).await);
}

#[tokio::test]
async fn a_device_that_is_registered_anew_has_used_nothing() {
    let rig = Rig::new();
    register_device(&rig).await;
    accepts(&assume(&rig, &with_code(CODE)).await);
    register_device(&rig).await;
    accepts(&assume(&rig, &with_code(CODE)).await);
}

#[tokio::test]
async fn a_seed_that_is_no_base32_is_refused() {
    let rig = Rig::new();
    for seed in ["", "JBSWY3DP1", "not base32!"] {
        let device = format!(r#"{{"serial":"s","seed":"{seed}"}}"#);
        let answer = rig.control("POST", "devices", &device).await;
        assert_eq!(answer.status, 400, "{seed}");
    }
}
