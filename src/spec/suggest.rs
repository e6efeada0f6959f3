//! "Did you mean".

/// The candidate that `text` is most likely a slip of, if any is near enough.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong: `regoin` is a slip, `bucket` is not.
    let limit = (text.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(text, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_offered() {
        let names = ["region", "name", "account"];
        assert_eq!(nearest("regoin", names), Some("region"));
        assert_eq!(nearest("Region", names), Some("region"));
        assert_eq!(nearest("bucket", names), None);
    }
}
