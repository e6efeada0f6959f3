//! What to say of a GPU that no type of a region has.

use std::collections::BTreeSet;

use super::candidates::Unfit;
use super::observed::Resolution;
use crate::resource::{Desired, GroupName, MachineSelector};

impl Unfit {
    /// Where no type has any GPU of the names asked for, that is what is wrong, whatever else is.
    #[must_use]
    pub fn with_known_gpus(self, desired: &Desired, resolution: &Resolution) -> Self {
        let group = self.path.get(1).map(GroupName::new);
        let group = group.and_then(|name| desired.groups.get(&name));
        let Some(MachineSelector::Need(need)) = group.map(|group| &group.instance.machine) else {
            return self;
        };
        let there: BTreeSet<&str> = resolution
            .machines
            .values()
            .flat_map(|machine| &machine.gpus)
            .map(|gpu| gpu.name.as_str())
            .collect();
        let is_there = |name: &str| {
            there.iter().any(|known| {
                need.gpu
                    .iter()
                    .any(|asked| asked.name == name && asked.is_called(known))
            })
        };
        if need.gpu.is_empty() || need.gpu.iter().any(|asked| is_there(&asked.name)) {
            return self;
        }
        let region = &desired.target.region;
        let names: Vec<String> = there.iter().map(|name| name.replace(' ', "-")).collect();
        let help = if names.is_empty() {
            format!("no type in {region} has a GPU: choose another region")
        } else {
            format!(
                "there are: {}; write a name and how many, such as `{}:1`",
                names.join(", "),
                names[0]
            )
        };
        Self {
            path: self.path,
            exists: false,
            summary: format!("no type in {region} has such a GPU: `{}`", need.gpu_text()),
            help,
        }
    }
}
