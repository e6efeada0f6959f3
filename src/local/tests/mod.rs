//! Tests of the embedded cloud.
