//! What is not as the schema says, with its code and its place.

use std::collections::BTreeSet;

use super::{GOOD, codes, lines, source, with, with_group, wrong};
use crate::spec::{Code, ProjectSpec, judge};

#[test]
fn every_mistake_of_shape_has_its_code_and_its_place() {
    let table = [
        // Unknown, missing, wrong.
        (
            "region:",
            "regoin:",
            "T101 4:1: the key `regoin` is not known here",
        ),
        ("lease: 12h\n", "", "T103 1:1: the key `lease` is missing"),
        (
            "    type: g5.xlarge\n",
            "",
            "T103 8:5: the key `type` is missing in `instances.trainer`",
        ),
        ("version: 1", "version: 2", "T104 1:10: `version` must be 1"),
        (
            "version: 1",
            "version: \"1\"",
            "T104 1:10: `version` must be 1",
        ),
        (
            "\"123456789012\"",
            "123456789012",
            "T102 3:10: `account` must be text, and this is the number 123456789012",
        ),
        (
            "{id: ami-0123456789abcdef0}",
            "ami-0123456789abcdef0",
            "T102 8:12: `instances.trainer.image` must be a map of keys and values, and this is `ami-0123456789abcdef0`",
        ),
        (
            "lease: 12h",
            "lease:",
            "T102 5:7: `lease` must be text, and this is empty",
        ),
        // Forms.
        (
            "name: demo",
            "name: De_mo",
            "T107 2:7: `name` cannot be `De_mo`",
        ),
        ("name: demo", "name: d*", "T107 2:7: `name` cannot be `d*`"),
        (
            "  trainer:",
            "  Trainer:",
            "T107 7:3: `Trainer` cannot be a name in `instances`",
        ),
        (
            "\"123456789012\"",
            "\"12345\"",
            "T105 3:10: `account` cannot be `12345`",
        ),
        (
            "eu-central-1",
            "frankfurt",
            "T105 4:9: `region` cannot be `frankfurt`",
        ),
        (
            "12h",
            "12",
            "T102 5:8: `lease` must be text, and this is the number 12",
        ),
        (
            "12h",
            "12 parsecs",
            "T105 5:8: `lease` cannot be `12 parsecs`",
        ),
        ("12h", "31d", "T105 5:8: `lease` cannot be `31d`"),
        (
            "ami-0123456789abcdef0",
            "ami-123",
            "T105 8:17: `instances.trainer.image.id` cannot be `ami-123`",
        ),
        (
            "g5.xlarge",
            "large",
            "T105 9:11: `instances.trainer.type` cannot be `large`",
        ),
    ];
    for (from, to, expected) in table {
        assert_eq!(lines(&with(from, to)), [expected]);
    }
}

#[test]
fn a_slip_of_a_key_is_unknown_and_leaves_the_key_missing() {
    assert_eq!(
        lines(&with("    image:", "    imag:")),
        [
            "T101 8:5: the key `imag` is not known in `instances.trainer`",
            "T103 8:5: the key `image` is missing in `instances.trainer`"
        ]
    );
}

#[test]
fn a_slip_of_the_type_is_told_once_and_its_absence_too() {
    assert_eq!(
        lines(&with("    type:", "    typ:")),
        ["T101 9:5: the key `typ` is not known in `instances.trainer`"]
    );
    assert_eq!(
        lines(&with("    type: g5.xlarge\n", "")),
        ["T103 8:5: the key `type` is missing in `instances.trainer`"]
    );
}

fn each_of_a_group_is(table: &[(&str, &str)]) {
    for (line, expected) in table {
        assert_eq!(lines(&with_group(&[line])), [*expected]);
    }
}

#[test]
fn every_mistake_of_a_machine_has_its_code_and_its_place() {
    each_of_a_group_is(&[
        (
            "count: 0",
            "T106 10:12: `instances.trainer.count` is 0; it must be from 1 to 1000",
        ),
        (
            "count: 1001",
            "T106 10:12: `instances.trainer.count` is 1001; it must be from 1 to 1000",
        ),
        (
            "count: -1",
            "T106 10:12: `instances.trainer.count` is -1; it must be from 1 to 1000",
        ),
        (
            "count: many",
            "T102 10:12: `instances.trainer.count` must be a whole number, and this is `many`",
        ),
        (
            "protect: yes",
            "T102 10:14: `instances.trainer.protect` must be `true` or `false`, and this is `yes`",
        ),
        (
            "security_groups: web",
            "T102 10:22: `instances.trainer.security_groups` must be a list, and this is `web`",
        ),
        (
            "security_groups: [web, ssh, web]",
            "T104 10:33: `instances.trainer.security_groups` names `web` twice",
        ),
        (
            "security_groups: [\"\"]",
            "T105 10:23: `instances.trainer.security_groups[0]` has 0 characters; it must have at least 1",
        ),
        (
            "disk: {type: gp4}",
            "T104 10:18: `instances.trainer.disk.type` is `gp4`; it must be one of `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1`",
        ),
        (
            "disk: {size: 150 GB}",
            "T105 10:18: `instances.trainer.disk.size` cannot be `150 GB`",
        ),
        (
            "disk: {throughput: 250}",
            "T102 10:24: `instances.trainer.disk.throughput` must be text, and this is the number 250",
        ),
        (
            "disk: {iops: 99}",
            "T106 10:18: `instances.trainer.disk.iops` is 99; it must be from 100 to 256000",
        ),
        (
            "volumes: {/dev/sda: {size: 1 GiB}}",
            "T107 10:15: `/dev/sda` cannot be a name in `instances.trainer.volumes`",
        ),
        (
            "volumes: {/dev/sdf: {}}",
            "T103 10:25: the key `size` is missing in `instances.trainer.volumes./dev/sdf`",
        ),
    ]);
}

#[test]
fn every_mistake_of_its_surroundings_has_its_code_and_its_place() {
    each_of_a_group_is(&[
        (
            "metadata: {hop_limit: 65}",
            "T106 10:27: `instances.trainer.metadata.hop_limit` is 65; it must be from 1 to 64",
        ),
        (
            "subnet: subnet-1",
            "T105 10:13: `instances.trainer.subnet` cannot be `subnet-1`",
        ),
        (
            "zone: a",
            "T105 10:11: `instances.trainer.zone` cannot be `a`",
        ),
        (
            "iam_profile: arn:aws:iam::1:instance-profile/x",
            "T105 10:18: `instances.trainer.iam_profile` cannot be `arn:aws:iam::1:instance-profile/x`",
        ),
        (
            "user_data: echo hello",
            "T105 10:16: `instances.trainer.user_data` cannot be `echo hello`",
        ),
        (
            "tags: {a: 1}",
            "T102 10:15: `instances.trainer.tags.a` must be text, and this is the number 1",
        ),
        (
            "tags: {1: a}",
            "T102 10:11: a key must be text, and this is the number 1",
        ),
        (
            "key: !secret x",
            "T102 10:10: `instances.trainer.key` must be text, and this is a value with the tag `!secret`",
        ),
    ]);
}

#[test]
fn whatever_is_wrong_has_a_remedy_or_says_its_bounds() {
    for (from, to, remedy) in [
        ("region:", "regoin:", "did you mean `region`?"),
        ("lease: 12h\n", "", "add `lease: 12h`"),
        ("name: demo\n", "", "add `name: alex-training`"),
        ("version: 1\n", "", "add `version: 1`"),
        ("version: 1", "version: 3", "write `version: 1`"),
        (
            "\"123456789012\"",
            "123456789012",
            "put it in quotes: `\"123456789012\"`",
        ),
        (
            "lease: 12h",
            "lease: 12",
            "write days, hours and minutes with their units, such as `12h`, `90m` or `1d12h`",
        ),
        ("lease: 12h", "lease: ", "write a value, or remove the key"),
    ] {
        let found = wrong(&with(from, to));
        assert_eq!(found[0].help.as_deref(), Some(remedy), "{to}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = GOOD
        .replace("demo", "Demo")
        .replace("eu-central-1", "here")
        .replace("12h", "1s")
        .replace("g5.xlarge", "7")
        .replace("ami-0123456789abcdef0", "x");
    assert_eq!(codes(&text).len(), 5);
}

#[test]
fn files_that_are_no_spec_say_why() {
    let deep = format!("{}1", "a: {".repeat(40));
    let table = [
        ("", Code::Empty),
        ("# nothing\n", Code::Empty),
        ("---\n", Code::Empty),
        ("~", Code::Empty),
        ("a: 1\n---\nb: 2\n", Code::ManyDocuments),
        ("a: 1\na: 2\n", Code::DuplicateKey),
        ("a: [", Code::Syntax),
        ("\tа: 1", Code::Syntax),
        (deep.as_str(), Code::Syntax),
        ("a: \u{202e}b", Code::BadCharacter),
        ("a: \u{61c}b", Code::BadCharacter),
        ("a: \u{2029}b", Code::BadCharacter),
        ("a: \u{0}b", Code::BadCharacter),
        ("- 1\n", Code::WrongType),
        ("just text", Code::WrongType),
        ("7", Code::WrongType),
    ];
    for (text, code) in table {
        assert_eq!(codes(text), [code], "{text:?}");
    }
    let bytes = vec![b'a', b':', b' ', 0xff];
    let refused = crate::spec::Source::from_bytes(std::path::Path::new("x"), bytes).unwrap_err();
    assert_eq!(
        (refused.1.code, refused.1.position),
        (Code::BadCharacter, Some((1, 4)))
    );
    let large = vec![b'#'; 1 + (1 << 20)];
    let refused = crate::spec::Source::from_bytes(std::path::Path::new("x"), large).unwrap_err();
    assert_eq!(refused.1.code, Code::TooLarge);
}

#[test]
fn a_mark_at_the_beginning_and_line_ends_of_windows_are_no_mistakes() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(lines(&text), Vec::<String>::new());
}

#[test]
fn aliases_that_unfold_without_end_are_refused() {
    let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (one, next) in ('a'..='i').zip('b'..='j') {
        let list = vec![format!("*{one}"); 9].join(", ");
        text = format!("{text}{next}: &{next} [{list}]\n");
    }
    assert_eq!(codes(&text), [Code::Syntax]);
}

#[test]
fn more_mistakes_than_anybody_reads_are_counted() {
    let lines: Vec<String> = (0..102).map(|number| format!("k{number}: 1")).collect();
    let source = source(&lines.join("\n")).unwrap();
    let found = judge(source, &ProjectSpec::default()).unwrap_err().1;
    assert_eq!(found.len(), 101);
    let last = &found[100];
    assert!(
        last.summary
            .ends_with("more mistakes are told when these are gone")
    );
    assert_eq!((last.path.as_ref(), last.position), (None, None));
}

#[test]
fn brackets_without_end_are_refused_before_they_are_parsed() {
    for text in ["[".repeat(500_000), "{a: ".repeat(200_000)] {
        let found = source(&text).unwrap().parse().unwrap_err();
        assert_eq!(found.summary, "the file is nested too deeply to be a spec");
    }
}

#[test]
fn every_code_is_its_own() {
    let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
}
