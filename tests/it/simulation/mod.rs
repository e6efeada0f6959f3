//! Histories of the real commands on the embedded cloud, in one process and on one clock.
//!
//! The commands run as the binary runs them, with the SDK and all; only the network, the
//! clock and the streams are given. A history is a pure function of its seed and its
//! orders, so one line replays it.

mod crash;
mod draw;
mod expiry;
mod fault;
mod faults;
mod foreign;
mod goal;
mod history;
mod lagging;
mod laws;
mod mutants;
mod network;
mod pair;
mod palette;
mod rare;
mod report;
mod scenario;
mod seeded;
mod single;
mod spoilt;
mod storm;
mod story;
mod teller;
mod time;
