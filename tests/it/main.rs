//! Whole runs of the real binary, in one test binary: the SDK is linked once.

mod bad_input;
mod demo;
mod examples;
mod kill;
mod many;
mod messages;
mod project;
mod requests;
mod scenarios;
mod schema;
mod support;
