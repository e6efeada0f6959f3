//! Answers that were cut short.
//!
//! The SDK's reader of XML takes the end of the text for the end of the document: of a
//! listing whose second half is missing it gives the first half, and calls it a listing.
//! A part is never taken for the whole, so an answer is only believed with its last tag.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Refuses answers in XML that are not whole.
#[derive(Debug)]
pub(super) struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "whole"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let succeeded = context.output_or_error().is_some_and(|one| one.is_ok());
        let body = context.response().and_then(|answer| answer.body().bytes());
        let is_cut = body.is_some_and(|body| !is_whole(body));
        if let Some(result) = context.output_or_error_mut()
            && succeeded
            && is_cut
        {
            // As if the connection had broken off: it is asked for again.
            *result = Err(OrchestratorError::response(
                "the answer breaks off before its end".into(),
            ));
        }
        Ok(())
    }
}

/// Whether a document ends with the tag that it begins with.
fn is_whole(document: &[u8]) -> bool {
    let Some((name, rest)) = root_of(document) else {
        return false;
    };
    // One without anything inside is its own end.
    if let Some(end) = rest.iter().position(|byte| *byte == b'>')
        && rest[..end].ends_with(b"/")
    {
        return rest[end + 1..].trim_ascii().is_empty();
    }
    let last = rest.trim_ascii_end().strip_suffix(b">");
    let last = last.and_then(|last| last.trim_ascii_end().strip_suffix(name));
    last.is_some_and(|last| last.ends_with(b"</"))
}

/// The name of the first element, and what follows the name.
fn root_of(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = document;
    loop {
        let start = rest.iter().position(|byte| *byte == b'<')?;
        rest = &rest[start + 1..];
        if !matches!(rest.first(), Some(b'?' | b'!')) {
            let end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
            return rest.iter().position(end).map(|end| rest.split_at(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_with_its_last_tag_and_never_without() {
        let whole = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AResponse xmlns=\"x\"><a>\
                     <b>c</b></a></AResponse>\n";
        assert!(is_whole(whole.as_bytes()));
        let trimmed = whole.trim_end().len();
        for end in 0..trimmed {
            assert!(!is_whole(&whole.as_bytes()[..end]), "{}", &whole[..end]);
        }
        assert!(is_whole(b"<?xml version=\"1.0\"?><AResponse/>"));
        assert!(!is_whole(b"<AResponse><a/>"));
        assert!(!is_whole(b""));
        assert!(!is_whole(&[0, 159, b'<', b'a']));
    }
}
