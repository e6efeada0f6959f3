//! Requests to the services that share one path, as far as their action.

use http::header::CONTENT_TYPE;
use http::{Method, Request, request};

use super::service::Service;
use super::wire::{Query, Refusal};

/// The two protocols that share the path `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Query,
    Json,
}

impl Protocol {
    /// The service to answer for when the body could not be read.
    pub(super) fn service_unread(self) -> Service {
        match self {
            Self::Query => Service::Ec2,
            Self::Json => Service::Ssm,
        }
    }
}

/// Tells which of them a request speaks; any other request is for S3.
pub(super) fn protocol<T>(method: &Method, path: &str, request: &Request<T>) -> Option<Protocol> {
    if *method != Method::POST || path != "/" {
        return None;
    }
    if request.headers().contains_key("x-amz-target") {
        return Some(Protocol::Json);
    }
    let kind = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    kind.trim_start()
        .to_ascii_lowercase()
        .starts_with("application/x-www-form-urlencoded")
        .then_some(Protocol::Query)
}

/// A request that was understood as far as its action.
pub(super) enum Incoming {
    Ec2(Query, String),
    Sts(Query, String),
    Ssm(serde_json::Value, String),
}

impl Incoming {
    /// Reads a request. A refusal comes with the service whose words it needs.
    pub(super) fn read(
        protocol: Protocol,
        parts: &request::Parts,
        body: &[u8],
    ) -> Result<Self, (Service, Refusal)> {
        match protocol {
            Protocol::Query => Self::read_query(body),
            Protocol::Json => {
                Self::read_json(parts, body).map_err(|refusal| (Service::Ssm, refusal))
            }
        }
    }

    fn read_query(body: &[u8]) -> Result<Self, (Service, Refusal)> {
        let query = Query::parse(body).map_err(|refusal| (Service::Ec2, refusal))?;
        let version = query.root().text("Version").map(str::to_owned);
        let action = query.root().text("Action").unwrap_or_default().to_owned();
        let service = match version.as_deref() {
            Some("2011-06-15") => Service::Sts,
            _ => Service::Ec2,
        };
        if action.is_empty() {
            let refusal = Refusal::new(
                "MissingAction",
                "The request is missing an action or a required parameter.",
            );
            return Err((service, refusal));
        }
        match version.as_deref() {
            Some("2011-06-15") => Ok(Self::Sts(query, action)),
            Some("2016-11-15") => Ok(Self::Ec2(query, action)),
            other => {
                let other = other.unwrap_or_default();
                let message = format!("The version {other} of {action} is not known here.");
                Err((service, Refusal::new("InvalidAction", message)))
            }
        }
    }

    fn read_json(parts: &request::Parts, body: &[u8]) -> Result<Self, Refusal> {
        let action = parts
            .headers
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok())
            .and_then(|target| target.strip_prefix("AmazonSSM."))
            .ok_or_else(|| {
                Refusal::new("UnknownOperationException", "Only AmazonSSM is known here.")
            })?;
        let value = serde_json::from_slice(body)
            .map_err(|error| Refusal::new("SerializationException", error.to_string()))?;
        Ok(Self::Ssm(value, action.to_owned()))
    }

    /// The service that is asked.
    pub(super) fn service(&self) -> Service {
        match self {
            Self::Ec2(..) => Service::Ec2,
            Self::Sts(..) => Service::Sts,
            Self::Ssm(..) => Service::Ssm,
        }
    }

    /// The action that is asked for.
    pub(super) fn action(&self) -> &str {
        match self {
            Self::Ec2(_, action) | Self::Sts(_, action) | Self::Ssm(_, action) => action,
        }
    }
}
