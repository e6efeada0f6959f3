//! Whole runs of the real binary, in one test binary: the SDK is linked once.

mod bad_input;
mod demo;
mod support;
