//! Pages of the describe calls.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Call;
use crate::local::state::derived_hex;
use crate::local::wire::Refusal;

/// The digits of a token that prove it to be ours.
const SEAL: usize = 8;

/// Where a page begins, and how long it may be.
#[derive(Debug)]
pub(super) struct Page {
    limit: Option<usize>,
    after: Option<String>,
    place: [String; 3],
}

impl Page {
    /// Reads the page that a call asks for. A size above the range is cut to it.
    pub(super) fn read(call: &Call, sizes: &RangeInclusive<usize>) -> Result<Self, Refusal> {
        let limit = match call.form.number::<usize>("MaxResults")? {
            Some(size) if size < *sizes.start() => {
                return Err(Refusal::value(format!(
                    "Value ( {size} ) for parameter maxResults is invalid. Expecting a value \
                     greater than or equal to {}.",
                    sizes.start()
                )));
            }
            size => size.map(|size| size.min(*sizes.end())),
        };
        let region = &call.region;
        let place = [&region.account, &region.name, call.action].map(|part: &str| part.to_owned());
        let after = match call.form.text("NextToken") {
            None | Some("") => None,
            Some(token) => Some(open(token, &place).ok_or_else(|| {
                Refusal::new(
                    "InvalidNextToken",
                    "The token contains an invalid value or has expired.",
                )
            })?),
        };
        Ok(Self {
            limit,
            after,
            place,
        })
    }

    /// Refuses a page size beside ids, as EC2 does.
    pub(super) fn refuse_with_ids(&self, name: &str, ids: &[&str]) -> Result<(), Refusal> {
        if ids.is_empty() || self.limit.is_none() {
            return Ok(());
        }
        Err(Refusal::combination(format!(
            "The parameter {name} cannot be used with the parameter maxResults"
        )))
    }

    /// Cuts the page out of all items, which stand under the keys that they are
    /// ordered by. Gives the token of the next page when there is one.
    pub(super) fn cut<T>(&self, mut items: BTreeMap<String, T>) -> (Vec<T>, Option<String>) {
        if let Some(after) = &self.after {
            let bounds = (Bound::Excluded(after.clone()), Bound::Unbounded);
            let first = items.range(bounds).next().map(|(key, _)| key.clone());
            items = first.map_or_else(BTreeMap::new, |first| items.split_off(&first));
        }
        let whole = items.len();
        let limit = self.limit.unwrap_or(whole);
        let mut last = None;
        let mut page = Vec::with_capacity(limit.min(whole));
        for (key, item) in items.into_iter().take(limit) {
            page.push(item);
            last = Some(key);
        }
        let token = last
            .filter(|_| whole > limit)
            .map(|key| seal(&key, &self.place));
        (page, token)
    }
}

fn seal(key: &str, place: &[String; 3]) -> String {
    let [account, region, action] = place;
    let proof = derived_hex(&["page", account, region, action, key], SEAL);
    URL_SAFE_NO_PAD.encode(format!("{proof}{key}"))
}

fn open(token: &str, place: &[String; 3]) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let key = text.get(SEAL..)?;
    (seal(key, place) == token).then(|| key.to_owned())
}
