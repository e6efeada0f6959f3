//! Values that are meant to rewrite a terminal: none of them gets there as it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::ground::{Case, each};
use crate::support::{GOOD, Run, Sandbox, change};

/// What stands for the hostile text until it is on the wire.
const MARK: &str = "HostileMark";

/// Escape sequences that clear, link and fill the clipboard, line ends, C1 controls,
/// and characters that reorder or hide text.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{1b}]8;;http://example.com\u{1b}\\b\r\nFORGED\u{9b}31m\u{90}q\u{85}d\u{202e}e\u{2066}f\u{200b}\u{feff}\u{2028}g\u{7f}h\u{8}";

/// The hostile text as XML carries it.
fn on_the_wire() -> String {
    let codes: Vec<String> = HOSTILE
        .chars()
        .map(|one| format!("&#x{:x};", u32::from(one)))
        .collect();
    codes.concat()
}

/// Whether a character may stand in what is printed without colours.
fn is_harmless(character: char) -> bool {
    let reorders = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    character == '\n' || !(character.is_control() || reorders)
}

#[track_caller]
fn is_clean(run: &Run) {
    for (name, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if let Some(line) = text.lines().find(|line| !line.chars().all(is_harmless)) {
            panic!("{name} of {} holds {line:?}", run.arguments);
        }
        // A line of its own would pass for ours.
        assert!(
            !text.lines().any(|line| line.starts_with("FORGED")),
            "{run}"
        );
    }
}

/// Where a hostile text gets in.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// The value of a tag of ours, as somebody else has set it.
    Tag(&'static str),
    /// Behind a piece of any answer.
    After(&'static str),
}

const ENTRIES: [Entry; 17] = [
    Entry::Tag("Name"),
    Entry::Tag("owner"),
    Entry::Tag(MARK),
    Entry::Tag("trainyard:environment"),
    Entry::Tag("trainyard:group"),
    Entry::Tag("trainyard:ordinals"),
    Entry::Tag("trainyard:image"),
    Entry::Tag("trainyard:lease"),
    Entry::Tag("trainyard:spec"),
    Entry::Tag("trainyard:version"),
    Entry::After("<instanceType>"),
    Entry::After("<availabilityZone>us-east-1"),
    Entry::After("<name>"),
    Entry::After("<groupName>"),
    Entry::After("<Account>"),
    Entry::After("<Arn>"),
    Entry::After("<ipAddress>"),
];

/// Every command that shows what there is, however it ends; none changes anything.
fn every_look(case: &Case<'_>) {
    for louder in [&[][..], &["-vv"]] {
        for arguments in [
            &["plan"][..],
            &["plan", "--format", "json"],
            &["plan", "--format", "markdown"],
            &["status"],
            &["status", "--format", "json"],
            &["status", &case.name],
            // Nobody can be asked, and so nothing is done.
            &["apply"],
            &["release", &case.name, "--target", "trainer[0]"],
            &["destroy", &case.name],
        ] {
            is_clean(&case.run(&[arguments, louder].concat()));
        }
    }
}

#[test]
fn what_somebody_else_writes_never_reaches_a_terminal_as_it_is() {
    each(&ENTRIES, |case, entry| {
        case.apply().expect(0);
        match entry {
            Entry::Tag(key) => {
                case.tag(key, MARK);
                case.proxy.rewrite(MARK, &on_the_wire());
            }
            Entry::After(piece) => case
                .proxy
                .rewrite(piece, &format!("{piece}{}", on_the_wire())),
        }
        every_look(case);
    });
}

#[test]
fn what_aws_gives_as_a_reason_never_reaches_a_terminal_as_it_is() {
    let refused = [
        "GetCallerIdentity",
        "DescribeInstances",
        "DescribeImages",
        "GetParameters",
        "RunInstances",
        "TerminateInstances",
        "DescribeVolumes",
        "DescribeSecurityGroups",
    ];
    each(&refused, |case, action| {
        case.proxy.rewrite(MARK, &on_the_wire());
        for code in ["UnauthorizedOperation", MARK] {
            let body = format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{MARK}</Message></Error></Errors><RequestID>1</RequestID></Response>"
            );
            case.proxy.refuse(action, &body);
            every_look(case);
            is_clean(&case.run(&["apply", "--yes", "-v"]));
            is_clean(&case.run(&["destroy", &case.name, "--yes", "-v"]));
            case.proxy.no_faults();
        }
    });
}

/// Specs in which something tries, and their names.
fn specs() -> Vec<(Vec<u8>, String)> {
    let quoted = "\"\\e[2J\\e]52;c;aGk=\\a\\r\\nFORGED\\x9b31m\\u202e\\u200b\"";
    let values = [
        change(GOOD, "name: trial", &format!("name: {quoted}")),
        change(GOOD, "project: trial", &format!("project: {quoted}")),
        change(GOOD, "project: trial", &format!("{quoted}: trial")),
        change(GOOD, "trainer:", &format!("{quoted}:")),
        change(GOOD, "type: m5.large", &format!("type: {quoted}")),
        change(GOOD, "region: eu-central-1", &format!("region: {quoted}")),
        change(GOOD, "lease: 2h", &format!("lease: {quoted}")),
        change(GOOD, "version: 1", &format!("version: {quoted}")),
        change(GOOD, "version: 1\n", &format!("version: 1\n{quoted}: 1\n")),
        change(GOOD, "name: trial", &format!("name: {HOSTILE}")),
        format!("{GOOD}# {HOSTILE}\n"),
        format!("{GOOD}{HOSTILE}: 1\n"),
    ];
    let names = [
        "a\u{1b}[2Jb.yaml",
        "a\rb.yaml",
        "a\nFORGED.yaml",
        "a\u{9b}31m\u{202e}.yaml",
    ];
    let odd_names = names.map(|name| (name.as_bytes().to_vec(), GOOD.replace("2h", "never")));
    let invalid = (b"a\xff\x1b[2J.yaml".to_vec(), GOOD.replace("2h", "never"));
    let odd_values = values.into_iter().map(|text| (b"one.yaml".to_vec(), text));
    odd_values.chain(odd_names).chain([invalid]).collect()
}

#[test]
fn what_a_spec_says_never_reaches_a_terminal_as_it_is() {
    for (name, text) in specs() {
        let sandbox = Sandbox::new();
        let folder = sandbox.write("environments/empty", "");
        let file = folder.with_file_name(OsStr::from_bytes(&name));
        std::fs::write(&file, text).unwrap();
        let named = file.to_str().unwrap_or("environments");
        for arguments in [
            &["validate"][..],
            &["validate", "--format", "json"],
            &["validate", named],
            &["plan"],
            &["plan", "--format", "json"],
            &["apply", "--yes"],
            &["destroy", named],
            &["destroy", "a\u{1b}[2J\nFORGED"],
            &["status", named],
            &["status", HOSTILE],
            &["guide", HOSTILE],
        ] {
            is_clean(&sandbox.run(arguments));
        }
    }
}
