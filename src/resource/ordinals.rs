//! Sets of instance numbers, written briefly.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The numbers of the instances of one launch, such as `0-3,7`.
///
/// The text stands in one tag that all instances of a launch share; the launch
/// index that EC2 gives each of them picks its own number out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ordinals {
    /// First and last of each run, ascending, with a gap between any two.
    runs: Vec<(u32, u32)>,
}

impl Ordinals {
    /// Highest number that is accepted when reading.
    pub const HIGHEST: u32 = 99_999;

    /// The number at a launch index, counting from the lowest.
    pub fn nth(&self, launch_index: usize) -> Option<u32> {
        let mut left = u32::try_from(launch_index).ok()?;
        for (first, last) in &self.runs {
            let length = last - first + 1;
            if left < length {
                return Some(first + left);
            }
            left -= length;
        }
        None
    }

    /// The lowest `count` numbers, and the rest.
    pub fn split(&self, count: usize) -> (Self, Self) {
        if count >= self.len() {
            return (self.clone(), Self::default());
        }
        (
            self.iter().take(count).collect(),
            self.iter().skip(count).collect(),
        )
    }

    /// Lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let lengths = self
            .runs
            .iter()
            .map(|(first, last)| (last - first) as usize + 1);
        lengths.sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Runs in any order, overlapping or not.
    fn of_runs(mut runs: Vec<(u32, u32)>) -> Self {
        runs.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (first, last) in runs {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                Some(_) | None => merged.push((first, last)),
            }
        }
        Self { runs: merged }
    }
}

impl FromIterator<u32> for Ordinals {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self::of_runs(numbers.into_iter().map(|number| (number, number)).collect())
    }
}

impl fmt::Display for Ordinals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (first, last) in &self.runs {
            if first == last {
                write!(formatter, "{separator}{first}")?;
            } else {
                write!(formatter, "{separator}{first}-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

impl FromStr for Ordinals {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut runs = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: u32 = first.parse().map_err(|_| ())?;
            let last: u32 = last.parse().map_err(|_| ())?;
            if first > last || last > Self::HIGHEST {
                return Err(());
            }
            runs.push((first, last));
        }
        Ok(Self::of_runs(runs))
    }
}

impl Serialize for Ordinals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_briefly_and_read_back() {
        for (numbers, text) in [
            (vec![0], "0"),
            (vec![0, 1, 2, 3], "0-3"),
            (vec![0, 2, 3, 9], "0,2-3,9"),
        ] {
            let ordinals: Ordinals = numbers.into_iter().collect();
            assert_eq!(ordinals.to_string(), text);
            assert_eq!(text.parse(), Ok(ordinals));
        }
    }

    #[test]
    fn numbers_are_picked_and_parted_across_gaps() {
        let ordinals: Ordinals = "7,0-2,2-4,9-11".parse().unwrap();
        assert_eq!(ordinals.to_string(), "0-4,7,9-11");
        let numbers: Vec<u32> = ordinals.iter().collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 7, 9, 10, 11]);
        for (index, number) in numbers.iter().enumerate() {
            assert_eq!(ordinals.nth(index), Some(*number));
        }
        assert_eq!((ordinals.nth(9), ordinals.len()), (None, 9));
        let (low, high) = ordinals.split(6);
        assert_eq!(
            (low.to_string(), high.to_string()),
            ("0-4,7".to_owned(), "9-11".to_owned())
        );
        assert_eq!(ordinals.split(9), (ordinals.clone(), Ordinals::default()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a", "3-1", "0-4000000000", "1,,2", "-1"] {
            assert_eq!(text.parse::<Ordinals>(), Err(()), "{text}");
        }
    }
}
