//! Specs to begin a test with.

/// A small good spec; tests change one thing about it.
pub(crate) const GOOD: &str = "\
version: 1
name: trial
account: \"123456789012\"
region: eu-central-1
lease: 2h
tags:
  project: trial

instances:
  trainer:
    count: 1
    type: m5.large
    image: {ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}
    disk: {size: 20 GiB}
";

/// [`GOOD`] with one piece of text replaced, which must stand there exactly once.
#[track_caller]
pub(crate) fn good_but(old: &str, new: &str) -> String {
    change(GOOD, old, new)
}

/// A text with one piece replaced, which must stand there exactly once.
#[track_caller]
pub(crate) fn change(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old:?} in:\n{text}");
    text.replacen(old, new, 1)
}

/// [`GOOD`] with further lines in its only group, indented here.
pub(crate) fn good_with(lines: &str) -> String {
    let indented: Vec<String> = lines.lines().map(|line| format!("    {line}")).collect();
    format!("{GOOD}{}\n", indented.join("\n"))
}
