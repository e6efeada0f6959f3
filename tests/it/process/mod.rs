//! The real binary and what a process meets: broken connections, signals, closed
//! streams, odd places, hostile values, and secrets that it must keep.

mod asked;
mod bytes;
mod fault;
mod faults;
mod ground;
mod hostile;
mod places;
mod printing;
mod proxy;
mod secrets;
mod signals;
mod streams;
mod terminal;
mod wire;
