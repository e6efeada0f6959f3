//! What whole runs need: a place of their own, the binary, and clouds to run against.

mod cloud;
mod lab;
mod moto;
mod python;
mod sandbox;
mod spec;
mod talking;
mod terminal;
mod tripwire;
mod witness;
mod world;

pub(crate) use cloud::LocalCloud;
pub(crate) use lab::Lab;
pub(crate) use moto::Moto;
pub(crate) use python::{venv, venv_of_awscli, venv_of_stores};
pub(crate) use sandbox::{Run, Sandbox};
pub(crate) use spec::{GOOD, change, good_but, good_with};
pub(crate) use talking::Talking;
pub(crate) use terminal::terminal;
pub(crate) use tripwire::Tripwire;
pub(crate) use witness::Witness;
pub(crate) use world::{LAB, REGION, World, both, embedded, on_moto};
