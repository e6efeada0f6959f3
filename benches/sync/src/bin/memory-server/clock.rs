//! The time, and the two forms S3 writes it in.

use jiff::Timestamp;

/// Now, in whole seconds since 1970: S3 keeps no finer time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks for the time"
)]
pub(crate) fn now() -> i64 {
    Timestamp::now().as_second()
}

/// The form of headers: `Wed, 21 Oct 2015 07:28:00 GMT`.
pub(crate) fn header_form(second: i64) -> String {
    timestamp(second)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

/// The form of XML documents: `2015-10-21T07:28:00.000Z`.
pub(crate) fn document_form(second: i64) -> String {
    timestamp(second)
        .strftime("%Y-%m-%dT%H:%M:%S.000Z")
        .to_string()
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{document_form, header_form};

    #[test]
    fn both_forms_are_those_of_s3() {
        assert_eq!(header_form(1_445_412_480), "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(document_form(1_445_412_480), "2015-10-21T07:28:00.000Z");
    }
}
