//! The ways of comparing that read no file.
//!
//! For a file and an object of one key; the first row that fits decides:
//!
//! | compare | sizes | times | verdict |
//! |---|---|---|---|
//! | any | differ | any | changed: size |
//! | size | equal | any | same |
//! | size and mtime | both 0 | any | same |
//! | size and mtime | equal | the file has another than a run has written down | changed: time |
//! | size and mtime | equal | the file has the one that a run has written down | same |
//! | size and mtime | equal | agree | same |
//! | size and mtime | equal | do not agree, on the way up | changed: time |
//! | size and mtime | equal | do not agree, on the way down | doubtful: time |
//!
//! What a run has written down counts while the object has the entity tag that it had
//! then. What was found the same in these ways is not written down: it need not be.

use super::{Look, Pair, Verdict, by_time, first_look, size_differs};
use crate::resource::Compare;
use crate::sync::plan::Why;

/// What a run has written down of the time of a file whose object has not changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum Remembered {
    /// Nothing.
    Nothing,
    /// The time that the file has now.
    SameTime,
    /// Another time.
    OtherTime,
}

/// Compares what needs no reading of the file.
pub(in crate::sync) fn look(compare: Compare, pair: &Pair<'_>, remembered: Remembered) -> Look {
    let verdict = match compare {
        Compare::Content => return first_look(pair),
        Compare::Size | Compare::SizeMtime if pair.local.size != pair.remote.size => {
            Verdict::Changed(size_differs(pair))
        }
        Compare::Size => Verdict::Same,
        Compare::SizeMtime if pair.local.size == 0 => Verdict::Same,
        Compare::SizeMtime => match remembered {
            Remembered::OtherTime => Verdict::Changed(Why::Time),
            Remembered::SameTime => Verdict::Same,
            Remembered::Nothing => by_time(pair),
        },
    };
    Look::Decided(verdict)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::sync::compare::{Direction, Doubt, LocalFacts, RemoteFacts};

    const OLD: i64 = 1_000;
    const NEW: i64 = 2_000;

    fn verdict(
        compare: Compare,
        direction: Direction,
        [local, remote]: [(u64, i64); 2],
        remembered: Remembered,
    ) -> Verdict {
        let at = |second| Timestamp::from_second(second).unwrap();
        let pair = Pair {
            direction,
            local: LocalFacts {
                size: local.0,
                modified: at(local.1),
            },
            remote: RemoteFacts {
                size: remote.0,
                modified: at(remote.1),
                etag: Some("900150983cd24fb0d6963f7d28e17f72"),
            },
        };
        match look(compare, &pair, remembered) {
            Look::Decided(verdict) => verdict,
            Look::NeedsDigest(_) => panic!("a file would be read"),
        }
    }

    #[test]
    fn size_looks_at_nothing_else() {
        for direction in [Direction::Up, Direction::Down] {
            for remembered in [
                Remembered::Nothing,
                Remembered::SameTime,
                Remembered::OtherTime,
            ] {
                let verdict = |sides| verdict(Compare::Size, direction, sides, remembered);
                assert_eq!(verdict([(3, NEW), (3, OLD)]), Verdict::Same);
                assert_eq!(verdict([(3, OLD), (3, NEW)]), Verdict::Same);
                let Verdict::Changed(Why::Size { .. }) = verdict([(3, OLD), (4, OLD)]) else {
                    panic!("sizes differ");
                };
            }
        }
    }

    #[test]
    fn size_and_mtime_is_the_classic_rule() {
        use Direction::{Down, Up};
        use Remembered::{Nothing, OtherTime, SameTime};
        let changed = Verdict::Changed(Why::Time);
        let (older, equal, newer) = (
            [(3, OLD), (3, NEW)],
            [(3, NEW), (3, NEW)],
            [(3, NEW), (3, OLD)],
        );
        for (direction, sides, remembered, expected) in [
            (Up, older, Nothing, Verdict::Same),
            (Up, equal, Nothing, Verdict::Same),
            (Up, newer, Nothing, changed),
            (Down, older, Nothing, Verdict::Doubtful(Doubt::Time)),
            (Down, equal, Nothing, Verdict::Same),
            (Down, newer, Nothing, Verdict::Doubtful(Doubt::Time)),
            (Up, older, OtherTime, changed),
            (Up, newer, SameTime, Verdict::Same),
            (Down, older, SameTime, Verdict::Same),
            (Down, equal, OtherTime, changed),
            (Up, [(0, NEW), (0, OLD)], OtherTime, Verdict::Same),
        ] {
            let found = verdict(Compare::SizeMtime, direction, sides, remembered);
            assert_eq!(found, expected, "{direction:?} {sides:?} {remembered:?}");
        }
        let Verdict::Changed(Why::Size { .. }) =
            verdict(Compare::SizeMtime, Up, [(3, OLD), (4, NEW)], SameTime)
        else {
            panic!("sizes differ");
        };
    }
}
