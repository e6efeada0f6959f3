//! The files that a plan moves, in little memory.
//!
//! A first upload of a training set plans a million files. As values of their own they would
//! take 150 bytes and more each; here a file takes some twenty. Keys are written as what they
//! have beyond the key before, times as seconds since the one before, digests as the bytes
//! that their digits stand for. Every [`BLOCK`] files this begins anew, so that any one of
//! them is found without reading all before it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::plan::Transfer;
use code::{Last, read, write};

#[path = "transfers/code.rs"]
mod code;

/// How many files have one beginning.
const BLOCK: usize = 64;

/// Files to move, in the order in which they were put in.
///
/// What comes out are values that were made anew; nothing of them can be changed in place.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Transfers(Box<List>);

#[derive(Clone, Default, PartialEq, Eq)]
struct List {
    /// Each has [`BLOCK`] files.
    full: Vec<Box<[u8]>>,
    /// What comes after those.
    open: Vec<u8>,
    last: Last,
    count: usize,
}

impl Transfers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    /// How many bytes are taken by what has been put in.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        let full = self.0.full.iter().map(|block| block.len());
        full.sum::<usize>() + self.0.full.capacity() + self.0.open.capacity()
    }

    /// Puts one behind all others.
    pub fn push(&mut self, transfer: &Transfer) {
        let list = &mut *self.0;
        write(&mut list.open, &mut list.last, transfer);
        list.count += 1;
        if list.count.is_multiple_of(BLOCK) {
            list.full.push(list.open.as_slice().into());
            list.open.clear();
            list.last = Last::default();
        }
    }

    /// The one in this place; the first is in place 0.
    pub fn get(&self, place: usize) -> Option<Transfer> {
        let block = place / BLOCK;
        let begin = block * BLOCK;
        Iter::at(&self.0, block, self.0.count.saturating_sub(begin)).nth(place - begin)
    }

    /// All, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter::at(&self.0, 0, self.0.count)
    }

    /// Keeps those that pass, in order.
    pub fn retain(&mut self, mut passes: impl FnMut(&Transfer) -> bool) {
        let all = std::mem::take(self).into_iter();
        self.extend(all.filter(|transfer| passes(transfer)));
    }
}

/// Reads the files of a list one after another.
#[derive(Debug)]
pub struct Iter<'a> {
    blocks: std::slice::Iter<'a, Box<[u8]>>,
    open: &'a [u8],
    rest: &'a [u8],
    last: Last,
    left: usize,
}

impl<'a> Iter<'a> {
    /// From the beginning of a block on, behind which there are so many.
    fn at(list: &'a List, block: usize, left: usize) -> Self {
        let mut iter = Self {
            blocks: list.full.get(block..).unwrap_or_default().iter(),
            open: &list.open,
            rest: &[],
            last: Last::default(),
            left,
        };
        iter.turn();
        iter
    }

    fn turn(&mut self) {
        self.rest = match self.blocks.next() {
            Some(block) => block,
            None => std::mem::take(&mut self.open),
        };
        self.last = Last::default();
    }
}

impl Iterator for Iter<'_> {
    type Item = Transfer;

    fn next(&mut self) -> Option<Transfer> {
        if self.left == 0 {
            return None;
        }
        if self.rest.is_empty() {
            self.turn();
        }
        let transfer = read(&mut self.rest, &mut self.last)?;
        self.left -= 1;
        Some(transfer)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Reads the files of a list one after another, and gives its memory back on the way.
#[derive(Debug)]
pub struct IntoIter {
    blocks: std::vec::IntoIter<Box<[u8]>>,
    open: Vec<u8>,
    block: Box<[u8]>,
    /// How much of the block has been read, in bytes.
    begin: usize,
    last: Last,
    left: usize,
}

impl Iterator for IntoIter {
    type Item = Transfer;

    fn next(&mut self) -> Option<Transfer> {
        if self.left == 0 {
            return None;
        }
        if self.begin >= self.block.len() {
            self.block = match self.blocks.next() {
                Some(block) => block,
                None => std::mem::take(&mut self.open).into_boxed_slice(),
            };
            (self.begin, self.last) = (0, Last::default());
        }
        let mut rest = self.block.get(self.begin..)?;
        let transfer = read(&mut rest, &mut self.last)?;
        self.begin = self.block.len() - rest.len();
        self.left -= 1;
        Some(transfer)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for IntoIter {}

impl IntoIterator for Transfers {
    type Item = Transfer;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        let List {
            full,
            open,
            last: _,
            count,
        } = *self.0;
        IntoIter {
            blocks: full.into_iter(),
            open,
            block: Box::default(),
            begin: 0,
            last: Last::default(),
            left: count,
        }
    }
}

impl<'a> IntoIterator for &'a Transfers {
    type Item = Transfer;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Extend<Transfer> for Transfers {
    fn extend<T: IntoIterator<Item = Transfer>>(&mut self, transfers: T) {
        for transfer in transfers {
            self.push(&transfer);
        }
    }
}

impl FromIterator<Transfer> for Transfers {
    fn from_iter<T: IntoIterator<Item = Transfer>>(transfers: T) -> Self {
        let mut list = Self::new();
        list.extend(transfers);
        list
    }
}

impl From<Vec<Transfer>> for Transfers {
    fn from(transfers: Vec<Transfer>) -> Self {
        transfers.into_iter().collect()
    }
}

impl fmt::Debug for Transfers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self).finish()
    }
}

impl Serialize for Transfers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for Transfers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sequence;

        impl<'de> Visitor<'de> for Sequence {
            type Value = Transfers;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of files to move")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Transfers, A::Error> {
                let mut transfers = Transfers::new();
                while let Some(transfer) = list.next_element()? {
                    transfers.push(&transfer);
                }
                Ok(transfers)
            }
        }

        deserializer.deserialize_seq(Sequence)
    }
}

#[cfg(test)]
#[path = "transfers/tests.rs"]
mod tests;
