//! Signing in to a cloud that checks MFA codes, with somebody at a terminal and without.

mod cache;
mod canaries;
mod doctor;
mod least;
mod place;
mod prompts;
mod roles;
mod tools;
