//! What people see, word for word: `INSTA_UPDATE=always cargo test --test it messages::` writes it anew.

mod help;
mod lease_over;
mod life;
mod plans;
mod stage;
mod without_cloud;
