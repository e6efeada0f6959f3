//! Limits of EC2 that show only once it is known what is there.

use std::collections::BTreeSet;

use super::action::Change;
use super::candidates::Unfit;
use super::decide::Decisions;
use crate::resource::{Disk, Instance, MOST_TAGS, ResolvedImage, too_many_tags};

/// Whether a root disk without a size of its own can have the rate that the spec asks for.
///
/// It has the image's size then, which the spec does not tell.
pub(super) fn root_rate(instance: &Instance, image: &ResolvedImage) -> Option<Unfit> {
    let disk = instance.disk.as_ref()?;
    rate_of(instance, disk, image.root_gibibytes)
}

fn rate_of(instance: &Instance, disk: &Disk, gibibytes: u32) -> Option<Unfit> {
    let (None, Some(iops)) = (disk.size, disk.iops) else {
        return None;
    };
    let most = disk.kind.most_iops(gibibytes)?;
    (iops > most).then(|| Unfit {
        path: keys(instance, &["disk", "iops"]),
        exists: true,
        summary: format!("a disk of {gibibytes} GiB cannot have {iops} operations a second"),
        help: format!("it has at most {most}; add a `size` that is large enough"),
    })
}

/// Everything that keeps the instances that are there from being changed.
pub(super) fn beyond(decisions: &Decisions<'_>) -> Vec<Unfit> {
    let mut unfit = Vec::new();
    for change in &decisions.changed {
        let (set, remove) = change.mark.retag(
            &change.after,
            (&change.environment, &change.instance_type),
            &change.before.tags,
        );
        unfit.extend(too_many(change, set.keys(), &remove));
        let root = change.before.root_volume().zip(change.after.disk.as_ref());
        unfit.extend(root.and_then(|(live, disk)| rate_of(&change.after, disk, live.gibibytes)));
    }
    unfit.dedup();
    unfit
}

/// The tags that an instance would have, if they are more than EC2 takes.
fn too_many<'a>(
    change: &'a Change,
    set: impl Iterator<Item = &'a String>,
    remove: &BTreeSet<String>,
) -> Option<Unfit> {
    let all = too_many_tags(&change.before.tags, set, remove)?;
    let over = all - MOST_TAGS;
    Some(Unfit {
        path: keys(&change.after, &["tags"]),
        exists: true,
        summary: format!(
            "{} would have {all} tags, and EC2 takes {MOST_TAGS}",
            change.before.id
        ),
        help: format!("remove {over} that the instance has from elsewhere, or some of the spec's"),
    })
}

fn keys(instance: &Instance, last: &[&str]) -> Vec<String> {
    ["instances", instance.group.as_str()]
        .iter()
        .chain(last)
        .map(|key| (*key).to_owned())
        .collect()
}
