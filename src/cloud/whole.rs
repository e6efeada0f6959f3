//! Answers that were cut short.
//!
//! The SDK's reader of XML takes the end of the text for the end of the document: of a
//! listing whose second half is missing it gives the first half, and calls it a listing.
//! A part is never taken for the whole, so an answer is only believed that is
//! well-formed to its last tag. What has no body at all is left to the reader, and a body
//! that streams to its length and its checksum.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Refuses answers in XML that are not whole.
#[derive(Debug)]
pub(crate) struct Whole;

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

/// Whether an answer is empty, or XML with one root that is closed.
fn is_whole(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let mut reader = Reader::from_str(text);
    let (mut open, mut roots) = (0_usize, 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => {
                roots += usize::from(open == 0);
                open += 1;
            }
            Ok(Event::Empty(_)) => roots += usize::from(open == 0),
            // The reader holds the names of ends against those of beginnings.
            Ok(Event::End(_)) => open = open.saturating_sub(1),
            Ok(Event::Text(text)) if open == 0 && !is_blank(&text) => return false,
            Ok(Event::CData(_)) if open == 0 => return false,
            Ok(Event::Eof) => return open == 0 && (roots == 1 || text.is_empty()),
            Ok(
                Event::Text(_)
                | Event::CData(_)
                | Event::GeneralRef(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_),
            ) => {}
            Err(_) => return false,
        }
    }
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_when_all_that_it_began_has_ended() {
        for body in [
            "",
            "<A/>",
            "<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><b>1 &lt; 2</b><c/></A>\n",
        ] {
            assert!(is_whole(body.as_bytes()), "{body}");
        }
        let whole = "<A><b>1</b><c><d>2</d></c></A>";
        for end in 1..whole.len() {
            let body = &whole[..end];
            assert!(!is_whole(body.as_bytes()), "{body}");
        }
        for body in [
            "<A></B>",
            "</A>",
            "<A/><B/>",
            "<A/>x",
            "<A><b></A></b>",
            "sign in",
        ] {
            assert!(!is_whole(body.as_bytes()), "{body}");
        }
        assert!(!is_whole(b"<A>\xff</A>"));
    }
}
