//! The way that a request takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::{
    Identity, ResolveCachedIdentity as _, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use tokio::time::sleep;

use super::body::Frames;

/// For how long nothing may move before a request is given up.
pub(super) const STALLED: Duration = Duration::from_secs(20);

/// The way that a request took, as the SDK found it.
#[derive(Debug)]
pub(super) struct Road {
    /// Everything before the key.
    pub(super) base: String,
    pub(super) region: String,
    /// What the SDK says of itself.
    pub(super) agent: Option<String>,
    pub(super) connector: SharedHttpConnector,
    pub(super) identities: SharedIdentityResolver,
    pub(super) components: RuntimeComponents,
}

/// One request.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    method: &'static str,
    key: &'a str,
    /// Without its question mark; encoded.
    pub(super) query: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: &'static str, key: &'a str) -> Self {
        Self {
            method,
            key,
            query: String::new(),
            headers: Vec::new(),
        }
    }
}

impl Road {
    /// Sends one request; `None` when no answer came.
    pub(super) async fn send(&self, ask: Ask<'_>, content: Option<&Bytes>) -> Option<HttpResponse> {
        let identity = self.identity().await?;
        let moved = Arc::new(AtomicU64::new(0));
        let mut request = self.request(&ask, content, &moved)?;
        self.sign(&mut request, &identity, content.is_some())?;
        let request = request.try_into().ok()?;
        let mut answer = self.connector.call(request);
        let mut before = None;
        loop {
            tokio::select! {
                answer = &mut answer => return answer.ok(),
                () = sleep(STALLED) => {
                    let now = Some(moved.load(Ordering::Relaxed));
                    if now == before {
                        return None;
                    }
                    before = now;
                }
            }
        }
    }

    /// Who signs; renewed by the SDK's own cache before it expires.
    async fn identity(&self) -> Option<Identity> {
        let cache = self.components.identity_cache();
        let nothing = ConfigBag::base();
        cache
            .resolve_cached_identity(self.identities.clone(), &self.components, &nothing)
            .await
            .ok()
    }

    fn request(
        &self,
        ask: &Ask<'_>,
        content: Option<&Bytes>,
        moved: &Arc<AtomicU64>,
    ) -> Option<http::Request<SdkBody>> {
        let mut address = String::with_capacity(self.base.len() + ask.key.len() + 16);
        address.push_str(&self.base);
        encode(ask.key, &mut address);
        if !ask.query.is_empty() {
            address.push('?');
            address.push_str(&ask.query);
        }
        let mut request = http::Request::builder().method(ask.method).uri(address);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(agent) = &self.agent {
            request = request.header("user-agent", agent);
        }
        let body = match content {
            // An empty body has a length as well.
            Some(content) if content.is_empty() => SdkBody::from(""),
            Some(content) => SdkBody::from_body_1_x(Frames::new(content.clone(), moved)),
            None => SdkBody::empty(),
        };
        if let Some(content) = content {
            request = request.header("content-length", content.len());
        }
        request.body(body).ok()
    }

    /// Signs as the SDK does. TLS and the checksum hold a body; a SHA-256 of it would only
    /// cost time.
    fn sign(
        &self,
        request: &mut http::Request<SdkBody>,
        identity: &Identity,
        has_content: bool,
    ) -> Option<()> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name("s3")
            .time(self.components.time_source()?.now())
            .settings(settings)
            .build()
            .ok()?
            .into();
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str() != "user-agent")
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let body = if has_content {
            SignableBody::UnsignedPayload
        } else {
            SignableBody::Bytes(&[])
        };
        let address = request.uri().to_string();
        let method = request.method().as_str();
        let signable = SignableRequest::new(method, address, headers, body).ok()?;
        let (instructions, _signature) = sign(signable, &parameters).ok()?.into_parts();
        instructions.apply_to_request_http1x(request);
        Some(())
    }
}

/// Writes a key as it stands in an address: everything but the unreserved characters and
/// `/` is encoded (S3 API, signing requests).
pub(super) fn encode(key: &str, address: &mut String) {
    encode_but(b"-_.~/", key, address);
}

/// A value as it stands in the query of an address, where `/` is encoded as well.
pub(in crate::sync) fn in_query(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    encode_but(b"-_.~", value, &mut encoded);
    encoded
}

fn encode_but(plain: &[u8], key: &str, address: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            address.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
            address.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}
