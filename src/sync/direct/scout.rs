//! Looks at the road that the SDK takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme as _, AuthSchemeId};
use aws_smithy_runtime_api::client::http::{HttpClient as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::timeout::TimeoutConfig;

use super::Direct;
use super::road::{Road, encode};

/// Looks at the road that the SDK takes to one object.
#[derive(Debug)]
pub(in crate::sync) struct Scout {
    direct: Arc<Direct>,
    key: String,
}

impl Scout {
    /// Nobody need look twice.
    pub(in crate::sync) fn of(direct: &Arc<Direct>, key: &str) -> Self {
        Self {
            direct: Arc::clone(direct),
            key: key.to_owned(),
        }
    }
}

impl Intercept for Scout {
    fn name(&self) -> &'static str {
        "Scout"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        configuration: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.direct.is_unknown() {
            match seen(context.request(), &self.key, components, configuration) {
                // Another request may have been faster, by the same road.
                Some(road) => drop(self.direct.road.set(road)),
                None => self.direct.closed.store(true, Ordering::Relaxed),
            }
        }
        Ok(())
    }
}

/// The road of a signed request; `None` when its signature is not one that we make.
fn seen(
    request: &Request,
    key: &str,
    components: &RuntimeComponents,
    configuration: &ConfigBag,
) -> Option<Road> {
    let header = |name| request.headers().get(name);
    // Directory buckets have sessions of their own, and access points of several regions
    // another signature.
    if header("x-amz-s3session-token").is_some() {
        return None;
    }
    let scope = header("authorization")?.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let scope: Vec<&str> = scope.split(',').next()?.split('/').collect();
    let [.., region, "s3", "aws4_request"] = scope[..] else {
        return None;
    };
    let address = request.uri().split(['?', '#']).next()?;
    let mut encoded = String::new();
    encode(key, &mut encoded);
    let base = address.strip_suffix(&encoded)?;
    let timeouts = configuration.load::<TimeoutConfig>();
    let mut settings = HttpConnectorSettings::builder();
    settings.set_connect_timeout(timeouts.and_then(TimeoutConfig::connect_timeout));
    settings.set_read_timeout(timeouts.and_then(TimeoutConfig::read_timeout));
    let client = components.http_client()?;
    Some(Road {
        base: base.to_owned(),
        region: region.to_owned(),
        agent: header("user-agent").map(str::to_owned),
        // The same settings, the same connections.
        connector: client.http_connector(&settings.build(), components),
        identities: components
            .auth_scheme(AuthSchemeId::from("sigv4"))?
            .identity_resolver(components)?,
        components: components.clone(),
    })
}
