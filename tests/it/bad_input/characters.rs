//! Bytes and characters that do not belong into a spec.

use super::scene::{accepted, refused};
use crate::support::{GOOD, good_but};

#[test]
fn invisible_characters_are_refused() {
    for (character, name) in [
        ('\u{202e}', "U+202E"),
        ('\u{2066}', "U+2066"),
        ('\u{200b}', "U+200B"),
        ('\u{200d}', "U+200D"),
        ('\u{2060}', "U+2060"),
    ] {
        let run = refused(good_but(
            "project: trial",
            &format!("project: tri{character}al"),
        ));
        run.says(&[
            &format!("error[T004]: the invisible character {name} must not stand in a spec"),
            "environments/trial.yaml:7:15",
            "delete it",
        ]);
        // Otherwise the message would look as false as the spec does.
        assert!(!run.stderr.contains(character), "{run}");
    }
}

#[test]
fn a_byte_order_mark_in_the_middle_is_refused() {
    refused(good_but("project: trial", "project: tri\u{feff}al")).says(&["error[T004]", "U+FEFF"]);
}

#[test]
fn control_characters_are_refused_and_not_repeated() {
    for (character, name) in [('\0', "U+0000"), ('\u{1b}', "U+001B"), ('\u{7}', "U+0007")] {
        let run = refused(good_but(
            "project: trial",
            &format!("project: {character}[2Jtrial"),
        ));
        run.says(&["error[T004]", name]);
        assert!(!run.stderr.contains(character), "{run}");
    }
}

#[test]
fn a_comment_hides_nothing() {
    refused(format!("# \u{202e}pleh\n{GOOD}")).says(&["error[T004]", "trial.yaml:1:3"]);
}

#[test]
fn an_escape_in_quotes_hides_nothing() {
    refused(good_but("project: trial", "project: \"tri\\u202eal\"")).says(&["error[T"]);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut bytes = GOOD.as_bytes().to_vec();
    let at = GOOD.find("trial").unwrap();
    bytes[at + 1] = 0xff;
    refused(bytes).says(&[
        "error[T004]: the file is not UTF-8 text",
        "environments/trial.yaml:2:8",
        "save it as UTF-8",
    ]);
}

#[test]
fn utf_16_is_refused() {
    for mark in [true, false] {
        let units = mark
            .then_some(0xfeff)
            .into_iter()
            .chain(GOOD.encode_utf16());
        let little: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            refused(bytes).says(&["error[T004]"]);
        }
    }
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_accepted() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    accepted(&windows);
    // Places are counted as an editor counts them.
    refused(windows.replace("lease: 2h", "lease: 2"))
        .says(&["error[T102]", "environments/trial.yaml:5:8"]);
}

#[test]
fn places_are_counted_in_characters() {
    refused(good_but("project: trial", "größe: {日: 本}"))
        .says(&["error[T102]", "environments/trial.yaml:7:10"]);
}

#[test]
fn words_of_other_scripts_are_accepted_as_values() {
    accepted(good_but("project: trial", "project: größe ✓ 日本"));
}
