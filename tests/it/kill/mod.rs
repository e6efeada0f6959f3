//! The real binary, killed at its worst moments, and interrupted by Ctrl-C.

mod interrupted;
mod killed;
mod place;
