//! The AWS query protocol: forms in, XML out, errors as EC2 and STS write them.

mod error;
mod query;
mod time;
mod xml;

pub(crate) use error::{Refusal, Reply};
pub(crate) use query::{Node, Query};
pub(crate) use time::{after, aws_time, whole_second};
pub(crate) use xml::Xml;
