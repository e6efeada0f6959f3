//! One place prints, so that one gate is enough.

use std::path::{Path, PathBuf};

/// What prints, or gives something to print on.
const WORDS: [&str; 9] = [
    "println!",
    "print!(",
    "eprint",
    "dbg!",
    "::stdout",
    "::stderr",
    "anstream",
    "MultiProgress",
    ".print()",
];

/// Who may hold such words, and why.
const MAY: [(&str, &str); 4] = [
    ("src/cli/output.rs", "it is the place that prints"),
    (
        "src/cli/host.rs",
        "it takes the colours out of what a simulation keeps",
    ),
    (
        "src/cli/prompt.rs",
        "a question has no line end; its words are ours",
    ),
    (
        "src/cli/progress.rs",
        "it draws what has been escaped, on a terminal",
    ),
];

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The words of a file, without its tests and comments.
fn words(path: &Path) -> Vec<&'static str> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let holds = |word: &&'static str| lines.iter().any(|line| line.contains(*word));
    WORDS.into_iter().filter(holds).collect()
}

#[test]
fn only_one_place_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut printing = Vec::new();
    for path in files(&root.join("src")) {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        let is_source = path.extension().is_some_and(|ending| ending == "rs");
        let is_source = is_source && !name.contains("tests");
        if is_source && !words(&path).is_empty() {
            printing.push((name.to_owned(), words(&path)));
        }
    }
    for (name, words) in &printing {
        let known = MAY.iter().any(|(may, _)| may == name);
        assert!(known, "{name} prints by itself: {words:?}");
    }
    for (may, _) in MAY {
        let does = printing.iter().any(|(name, _)| name == may);
        assert!(does, "{may} prints no more: take it off the list");
    }
}
