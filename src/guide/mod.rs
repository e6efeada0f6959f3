//! The guide: what a user wants to read beside the help, inside the binary.
//!
//! Pages are Markdown that reads well in a terminal too: lines of less than 100
//! columns outside tables, tables whose columns line up, no HTML.

mod pages;
#[cfg(test)]
mod tests;

pub use pages::{PAGES, Page, page};
