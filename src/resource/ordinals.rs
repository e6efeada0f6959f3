//! Sets of instance numbers, written briefly.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The numbers of the instances of one launch, such as `0-3,7`.
///
/// The text stands in one tag that all instances of a launch share; the launch
/// index that EC2 gives each of them picks its own number out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ordinals(BTreeSet<u32>);

impl Ordinals {
    /// Highest number that is accepted when reading.
    pub const HIGHEST: u32 = 99_999;

    /// The number at a launch index, counting from the lowest.
    pub fn nth(&self, launch_index: usize) -> Option<u32> {
        self.0.iter().nth(launch_index).copied()
    }

    /// Lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<u32> for Ordinals {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl fmt::Display for Ordinals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if(|next| *next == last + 1) {
                last = next;
            }
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
        let mut numbers = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: u32 = first.parse().map_err(|_| ())?;
            let last: u32 = last.parse().map_err(|_| ())?;
            if first > last || last > Self::HIGHEST {
                return Err(());
            }
            numbers.extend(first..=last);
        }
        Ok(Self(numbers))
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
    fn nonsense_is_refused() {
        for text in ["", "a", "3-1", "0-4000000000", "1,,2", "-1"] {
            assert_eq!(text.parse::<Ordinals>(), Err(()), "{text}");
        }
    }
}
