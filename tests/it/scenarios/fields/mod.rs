//! What the guide says of every key of a spec, held against both clouds.
//!
//! `trainyard guide fields` says what a change of each key does. Here every key is
//! changed alone in an environment that runs: the plan must be what the guide says,
//! and once it is applied there is nothing left to do. Keys of groups and of data
//! sets are rows, and many rows share one environment, each with a group of its own;
//! keys of the environment as a whole are stories.

mod differences;
mod embedded;
mod guide;
mod rows;
mod run;
mod stories;
mod tables;
mod verdict;
