//! No answer is believed that was cut off.
//!
//! The SDK's XML reader takes the end of the text for the end of everything that is open.
//! A listing that broke off would be a shorter one, and what it does not name any more
//! would be absent.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Makes an error of every answer in XML that is not well-formed to its end.
#[derive(Debug)]
pub(super) struct Whole;

/// An answer in XML that ends before what it began, or never was any.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not whole: it was cut off, or something in between has changed it")]
struct NotWhole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "whole answers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // What was refused says so itself, whole or not.
        let taken = context.output_or_error().is_ok();
        // A body that streams is held against its length and its checksum instead.
        match context.response().body().bytes() {
            Some(body) if taken && !is_whole(body) => Err(NotWhole.into()),
            Some(_) | None => Ok(()),
        }
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
