//! Which keys take part in a sync.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::key::folders_of;
#[cfg(feature = "aws")]
use super::place::Request;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern `{pattern}` {problem}")]
pub struct PatternError {
    /// The pattern as it was written.
    pub pattern: String,
    /// What is wrong with it, as the rest of a sentence that begins with it.
    pub problem: String,
}

/// Says which keys are in.
///
/// A key is in when `include` is empty or one of it matches, and none of
/// `exclude` does; the order within each list means nothing. How a pattern reads:
///
/// - `*` and `?` stay within one component, `**` crosses them; `[ab]`, `[!ab]`
///   and `{one,two}` are alternatives; a backslash takes the next character as it is.
/// - Without a `/` (or with one at its end only) it matches a name at any depth;
///   otherwise it is anchored at the root of the sync. A leading `/` anchors too.
/// - It matches a file, or a folder with everything in it. With a `/` or `/**` at
///   its end it matches folders only.
#[derive(Debug, Clone)]
pub struct Filter {
    include: Patterns,
    exclude: Patterns,
}

/// Patterns of one list, apart by what they may match.
#[derive(Debug, Clone)]
struct Patterns {
    /// Those that may match the key itself.
    files: GlobSet,
    /// Those that may match a folder that the key is in: all of them.
    folders: GlobSet,
}

/// One pattern as the glob that stands for it.
struct Reading {
    glob: String,
    folders_only: bool,
}

impl Filter {
    /// Compiles both lists.
    ///
    /// # Errors
    ///
    /// The first pattern that [`validate_pattern`] refuses.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, PatternError> {
        Ok(Self {
            include: Patterns::new(include)?,
            exclude: Patterns::new(exclude)?,
        })
    }

    /// What takes part at the source, and what at the target: everything where what is
    /// excluded is to go.
    ///
    /// # Errors
    ///
    /// As those of [`Self::new`].
    #[cfg(feature = "aws")]
    pub(super) fn of_ends(request: &Request) -> Result<(Self, Self), PatternError> {
        let source = Self::new(&request.include, &request.exclude)?;
        let target = if request.delete_excluded {
            Self::new(&[], &[])?
        } else {
            source.clone()
        };
        Ok((source, target))
    }

    /// Whether a file of this relative key takes part.
    pub fn keeps(&self, key: &str) -> bool {
        (self.include.is_empty() || self.include.matches(key)) && !self.exclude.matches(key)
    }

    /// Whether nothing below this folder can take part, so that nobody need look.
    ///
    /// `folder` is its key without the final `/`. Only what is excluded is
    /// certain: an include pattern may match something further down.
    pub fn drops_folder(&self, folder: &str) -> bool {
        !self.exclude.is_empty()
            && (self.exclude.folders.is_match(folder) || self.exclude.matches_above(folder))
    }
}

impl Patterns {
    fn new(patterns: &[String]) -> Result<Self, PatternError> {
        let mut files = GlobSetBuilder::new();
        let mut folders = GlobSetBuilder::new();
        for pattern in patterns {
            let wrong = |problem: String| PatternError {
                pattern: pattern.clone(),
                problem,
            };
            let reading = read(pattern).map_err(wrong)?;
            let glob = GlobBuilder::new(&reading.glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| wrong(format!("is no glob: {}", error.kind())))?;
            if !reading.folders_only {
                files.add(glob.clone());
            }
            folders.add(glob);
        }
        let build = |builder: GlobSetBuilder| {
            builder.build().map_err(|error| PatternError {
                pattern: patterns.join(" "),
                problem: format!("cannot be compiled: {}", error.kind()),
            })
        };
        Ok(Self {
            files: build(files)?,
            folders: build(folders)?,
        })
    }

    fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    fn matches(&self, key: &str) -> bool {
        !self.is_empty() && (self.files.is_match(key) || self.matches_above(key))
    }

    fn matches_above(&self, key: &str) -> bool {
        folders_of(key).any(|folder| self.folders.is_match(folder))
    }
}

/// Says whether a pattern of `include` or `exclude` can be used.
///
/// # Errors
///
/// What is wrong with it, in words for the person who wrote it.
pub fn validate_pattern(pattern: &str) -> Result<(), PatternError> {
    Patterns::new(&[pattern.to_owned()]).map(|_| ())
}

/// Turns a pattern into an anchored glob, or says what is wrong with it.
fn read(pattern: &str) -> Result<Reading, String> {
    if pattern.is_empty() {
        return Err("is empty".to_owned());
    }
    if pattern.starts_with('!') {
        return Err(
            "begins with `!`: nothing is negated here, use the other list (or `\\!` for a name)"
                .to_owned(),
        );
    }
    let body = pattern.strip_prefix("./").unwrap_or(pattern);
    let (body, leading) = match body.strip_prefix('/') {
        Some(rest) => (rest, true),
        None => (body, body.len() < pattern.len()),
    };
    let (body, inside, folders_only) = split_end(body);
    if body.is_empty() {
        return Err("names the root itself".to_owned());
    }
    if body.split('/').any(str::is_empty) {
        return Err("has an empty component (`//`)".to_owned());
    }
    if body.split('/').any(|part| part == "." || part == "..") {
        return Err("has a `.` or `..` component, and keys have none".to_owned());
    }
    // `logs/**` has a `/` inside it and so is anchored, unlike `logs/`.
    let anchored = leading || inside || body.contains('/');
    Ok(Reading {
        glob: if anchored {
            body.to_owned()
        } else {
            format!("**/{body}")
        },
        folders_only,
    })
}

/// Takes `/` or `/**` off the end: the body, whether the end anchors, and
/// whether it says "folders only".
fn split_end(body: &str) -> (&str, bool, bool) {
    if let Some(folder) = body.strip_suffix("/**")
        && !folder.ends_with("**")
        && !folder.is_empty()
    {
        return (folder, true, true);
    }
    match body.strip_suffix('/') {
        Some(folder) => (folder, false, true),
        None => (body, false, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let owned = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
        Filter::new(&owned(include), &owned(exclude)).unwrap()
    }

    #[test]
    fn patterns_match_as_documented() {
        for (pattern, matching, other) in [
            (
                "*.tmp",
                &["a.tmp", "x/y/a.tmp", "d.tmp/a"][..],
                &["a.tmp2", "atmp"][..],
            ),
            (
                "logs",
                &["logs", "logs/a", "x/logs/a/b"],
                &["logs2/a", "x/alogs"],
            ),
            ("logs/", &["logs/a", "x/logs/a/b"], &["logs", "x/logs"]),
            ("logs/*", &["logs/a", "logs/x/b"], &["logs", "keep/logs/c"]),
            ("logs/**", &["logs/a", "logs/x/b"], &["logs", "keep/logs/c"]),
            (
                "logs/*.txt",
                &["logs/a.txt"],
                &["logs/x/a.txt", "k/logs/a.txt"],
            ),
            ("/a", &["a", "a/b"], &["x/a"]),
            ("./a", &["a"], &["x/a"]),
            ("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["z", "a/b"]),
            ("**/z", &["z", "a/z", "a/b/z"], &["az"]),
            ("**", &["a", "a/b"], &[]),
            ("**/**", &["a", "a/b"], &[]),
            ("*", &["a", "a/b", ".hidden"], &[]),
            ("[ab].txt", &["a.txt", "x/b.txt"], &["c.txt"]),
            ("[!ab].txt", &["c.txt"], &["a.txt"]),
            ("?.txt", &["a.txt"], &["ab.txt", ".txt"]),
            ("{a,b}.txt", &["a.txt", "b.txt"], &["c.txt"]),
            ("\\!a", &["!a"], &["a"]),
            ("\\[a", &["[a"], &["a"]),
        ] {
            let filter = filter(&[pattern], &[]);
            for key in matching {
                assert!(filter.keeps(key), "{pattern} should match {key}");
            }
            for key in other {
                assert!(!filter.keeps(key), "{pattern} should not match {key}");
            }
        }
    }

    #[test]
    fn exclude_wins_over_include() {
        let both = filter(&["*.txt"], &["secret*"]);
        assert!(both.keeps("a.txt"));
        assert!(!both.keeps("a.bin"));
        assert!(!both.keeps("secret.txt"));
        assert!(!filter(&["*.txt"], &["*"]).keeps("a.txt"));
        assert!(filter(&[], &[]).keeps("anything/at/all"));
    }

    #[test]
    fn an_excluded_folder_is_not_looked_into() {
        for pattern in ["logs", "logs/", "logs/**", "/logs", "*", "**"] {
            let filter = filter(&[], &[pattern]);
            assert!(filter.drops_folder("logs"), "{pattern}");
            assert!(filter.drops_folder("logs/deep"), "{pattern}");
        }
        assert!(!filter(&[], &["logs/*.txt"]).drops_folder("logs"));
        assert!(!filter(&["other/**"], &[]).drops_folder("logs"));
    }

    #[test]
    fn a_pattern_that_cannot_work_says_why() {
        for (pattern, word) in [
            ("", "empty"),
            ("!a", "negated"),
            ("a//b", "empty component"),
            ("../a", "`..`"),
            ("/", "root"),
            ("[a", "no glob"),
            ("{a", "no glob"),
        ] {
            let message = validate_pattern(pattern).unwrap_err().to_string();
            assert!(message.contains(word), "{pattern}: {message}");
        }
        assert_eq!(validate_pattern("**/*.jpg"), Ok(()));
    }
}
