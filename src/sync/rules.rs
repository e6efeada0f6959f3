//! What `.trainyardignore` leaves out of a sync.
//!
//! The walk reads the rules of a folder when it enters it, and sends them along before
//! anything of the folder. The listing is joined with the walk in the order of the keys, and
//! a folder comes before all that is in it: so whatever is judged has all its rules there
//! already, no folder is read twice, and only the rules of open folders are held.

use std::fs;
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::slice::Iter;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::key::folders_of;
use super::source::open_to_read;

/// The name of the files that say what is left out; they take no part themselves.
pub(super) const RULES_FILE: &str = ".trainyardignore";

/// The longest file of rules that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Why the rules of a folder are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RulesFault {
    pub(super) file: PathBuf,
    pub(super) problem: String,
}

/// The rules of one folder.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The key of the folder with its `/`; empty for the root.
    folder: String,
    rules: Arc<Gitignore>,
}

/// Two rules are the same where they are of one folder.
impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.folder == other.folder
    }
}

impl Eq for Rules {}

impl Rules {
    /// Reads the rules of a folder; `None` where it has none.
    pub(super) fn read(root: &Path, folder: &str) -> Result<Option<Self>, RulesFault> {
        let file = root.join(folder).join(RULES_FILE);
        let fault = |problem: String| RulesFault {
            file: file.clone(),
            problem,
        };
        let text = match text_of(&file) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(None),
            Err(error) => return Err(fault(error.to_string())),
        };
        Self::parse(folder, &text).map(Some).map_err(fault)
    }

    fn parse(folder: &str, text: &str) -> Result<Self, String> {
        let mut builder = GitignoreBuilder::new("");
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            builder
                .add_line(None, line)
                .map_err(|error| format!("line {number}: {error}"))?;
        }
        let rules = builder.build().map_err(|error| error.to_string())?;
        Ok(Self {
            folder: folder.to_owned(),
            rules: Arc::new(rules),
        })
    }

    /// The key of the folder with its `/`; empty for the root.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// Whether the rules leave a path out, let it in, or say nothing of it.
    fn judge(&self, path: &str, is_folder: bool) -> Option<bool> {
        let relative = path.strip_prefix(&self.folder)?;
        match self.rules.matched(relative, is_folder) {
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
            Match::None => None,
        }
    }
}

/// Whether the rules of the folders that a path is in leave it out, the nearest first; those
/// folders themselves are not.
pub(super) fn leave_out<'a>(
    rules: impl DoubleEndedIterator<Item = &'a Rules>,
    path: &str,
    is_folder: bool,
) -> bool {
    let mut said = rules.rev().filter_map(|rules| rules.judge(path, is_folder));
    said.next().unwrap_or(false)
}

/// Whether a key is that of a file of rules.
pub(super) fn is_rules_file(key: &str) -> bool {
    key.rsplit('/').next() == Some(RULES_FILE)
}

/// The text of a file of rules; a folder or a pipe of that name has none.
fn text_of(file: &Path) -> io::Result<Option<String>> {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    if metadata.len() > LONGEST {
        let problem = format!("it has more than {LONGEST} bytes");
        return Err(io::Error::other(problem));
    }
    io::read_to_string(open_to_read(file)?).map(Some)
}

/// The rules of the folders that keys, as they come in their order, are in.
#[derive(Debug, Default)]
pub(super) struct OpenRules {
    open: Vec<Rules>,
}

impl OpenRules {
    /// Takes in the rules of a folder that comes next.
    pub(super) fn push(&mut self, rules: Rules) {
        self.close(rules.folder());
        self.open.push(rules);
    }

    /// Whether a key that comes next is left out, or a folder that it is in.
    pub(super) fn leave_out(&mut self, key: &str) -> bool {
        self.close(key);
        if self.open.is_empty() {
            return false;
        }
        folders_of(key).any(|folder| leave_out(self.open.iter(), folder, true))
            || leave_out(self.open.iter(), key, false)
    }

    /// Forgets the rules of folders that end before a key.
    fn close(&mut self, key: &str) {
        while self
            .open
            .last()
            .is_some_and(|last| !key.starts_with(last.folder()))
        {
            self.open.pop();
        }
    }
}

/// The rules of a whole folder beside keys that come in their order.
#[derive(Debug)]
pub(super) struct RulesInOrder<'a> {
    rest: Peekable<Iter<'a, Rules>>,
    open: OpenRules,
}

impl<'a> RulesInOrder<'a> {
    /// Takes the rules in the order of their folders.
    pub(super) fn of(rules: &'a [Rules]) -> Self {
        Self {
            rest: rules.iter().peekable(),
            open: OpenRules::default(),
        }
    }

    /// Whether a key that comes next takes part: files of rules never do.
    pub(super) fn keep(&mut self, key: &str) -> bool {
        while let Some(rules) = self.rest.next_if(|rules| rules.folder() < key) {
            self.open.push(rules.clone());
        }
        !is_rules_file(key) && !self.open.leave_out(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out<'a>(rules: &[(&str, &str)], keys: &[&'a str]) -> Vec<&'a str> {
        let rules: Vec<Rules> = rules
            .iter()
            .map(|(folder, text)| Rules::parse(folder, text).unwrap())
            .collect();
        let mut rules = RulesInOrder::of(&rules);
        let judged = keys.iter().filter(|key| !rules.keep(key));
        judged.copied().collect()
    }

    #[test]
    fn a_line_means_what_it_means_to_git() {
        for (text, out, kept) in [
            ("*.tmp", "a/b.tmp", "a/b.tmp2"),
            ("/a", "a/b", "b/a"),
            ("build/", "x/build/y", "x/build"),
            ("a/*.log", "a/b.log", "a/c/b.log"),
            ("a/**/z", "a/b/c/z", "b/a/b/z"),
            ("*.log\n!keep.log", "a.log", "keep.log"),
            ("# note\n\\#x", "#x", "# note"),
            ("x \r\n", "x", "x "),
        ] {
            assert_eq!(left_out(&[("", text)], &[out]), [out], "{text:?}");
            assert_eq!(left_out(&[("", text)], &[kept]), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn the_nearest_rules_win_and_end_with_their_folder() {
        let rules = [("", "*.log\nout/"), ("a/", "!*.log\nx"), ("a/b/", "*.log")];
        let keys = [
            "a/b/c.log",
            "a/c.log",
            "a/x",
            "b/c.log",
            "b/x",
            "out/c",
            "outer",
        ];
        let expected = ["a/b/c.log", "a/x", "b/c.log", "out/c"];
        assert_eq!(left_out(&rules, &keys), expected);
    }

    /// As in git: what is in a folder that is left out cannot be let in.
    #[test]
    fn nothing_is_let_in_below_a_folder_that_is_left_out() {
        let rules = [("", "out/\n!out/kept")];
        assert_eq!(left_out(&rules, &["out/kept"]), ["out/kept"]);
        let rules = [("", "out/*\n!out/kept")];
        assert_eq!(left_out(&rules, &["out/kept"]), [""; 0]);
    }

    #[test]
    fn what_is_no_rule_is_said_with_its_line() {
        let problem = Rules::parse("", "a\n[z-a]").unwrap_err();
        assert!(problem.starts_with("line 2: "), "{problem}");
    }
}
