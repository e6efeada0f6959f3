//! What differs between the machine of an instance as wanted and as it is.

use super::instance_diff::{Changes, Known};
use super::{Effect, LiveInstance, Machine, MachineSelector, Mark, Purchase, Value, choose};

/// Any type of the list is as good as another once it runs, and so is any that meets the need.
pub(super) fn diff_machine(
    changes: &mut Changes,
    wanted: &MachineSelector,
    (live, mark): (&LiveInstance, &Mark),
    known: Known<'_>,
) {
    let facts = |name: &str| known.machines.and_then(|machines| machines.get(name));
    let after = match wanted {
        MachineSelector::Types(types) if types.contains(&live.instance_type) => return,
        MachineSelector::Types(types) => types.first().cloned(),
        MachineSelector::Need(_) if mark.machine.as_ref() == Some(&wanted.tag_value()) => {
            let chosen = mark.instance_type.clone();
            let Some(chosen) = chosen.filter(|chosen| *chosen != live.instance_type) else {
                return;
            };
            Some(chosen)
        }
        MachineSelector::Need(need) => {
            // A type that was not looked up is unknown, not different.
            let (Some(machine), Some(machines)) = (facts(&live.instance_type), known.machines)
            else {
                return;
            };
            if machine.unmet(need).is_empty() {
                changes.push(
                    "machine",
                    Value::text(mark.machine.as_deref()),
                    Value::Text(wanted.tag_value()),
                    Effect::InPlace,
                );
                return;
            }
            let fits = choose(need, machines.values()).fits;
            // One that the instance can become comes before a smaller one that it cannot.
            let possible = fits.iter().find(|one| can_become(live, machine, one));
            possible
                .or(fits.first())
                .map(|machine| machine.name.clone())
        }
    };
    let impossible = facts(&live.instance_type)
        .zip(after.as_deref().and_then(facts))
        .is_some_and(|(before, after)| !can_become(live, before, after));
    // A one-time spot instance cannot be stopped, so its type cannot be changed
    // (EC2 user guide, Spot Instances).
    let replace = live.purchase == Purchase::Spot || impossible || after.is_none();
    changes.push(
        "type",
        Value::Text(live.instance_type.clone()),
        Value::Text(after.unwrap_or_else(|| wanted.to_string())),
        if replace {
            Effect::Replace
        } else {
            Effect::Restart
        },
    );
}

/// Whether a stopped instance can be started as another type: in its zone, with its image
/// (EC2 user guide, change the instance type). What is not known is possible.
fn can_become(live: &LiveInstance, before: &Machine, after: &Machine) -> bool {
    let (old, new) = (&before.architectures, &after.architectures);
    let runs = old.is_empty() || new.is_empty() || old.iter().any(|one| new.contains(one));
    let zone = live.zone.as_ref();
    let offered = after.zones.is_empty() || zone.is_none_or(|zone| after.zones.contains(zone));
    runs && offered
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::fixtures::{full, live, machine, mark};
    use super::super::{Need, diff};
    use super::*;

    /// The change of the type for an instance that runs `m5.large` in eu-central-1a.
    fn change(wanted: MachineSelector, machines: Vec<Machine>) -> (Value, Effect) {
        let mut running = live(&full("trainer"));
        "m5.large".clone_into(&mut running.instance_type);
        running.zone = Some("eu-central-1a".to_owned());
        running.purchase = Purchase::OnDemand;
        let machines: BTreeMap<String, Machine> = machines
            .into_iter()
            .chain([machine("m5.large")])
            .map(|machine| (machine.name.clone(), machine))
            .collect();
        let known = Known {
            machines: Some(&machines),
            ..Known::default()
        };
        let mut desired = full("trainer");
        desired.machine = wanted;
        let changes = diff(&desired, &running, &mark(&running), known);
        let mut found = changes.into_iter().filter(|change| change.field == "type");
        let change = found.next().unwrap();
        (change.after, change.effect)
    }

    fn large(name: &str, architectures: &[&str], zones: &[&str]) -> Machine {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Machine {
            architectures: words(architectures),
            zones: BTreeSet::from_iter(words(zones)),
            memory_mib: 32_768,
            ..machine(name)
        }
    }

    fn of_32_gib() -> MachineSelector {
        MachineSelector::Need(Need {
            gpu: Vec::new(),
            gpu_memory: None,
            vcpus: None,
            memory: Some("32768..".parse().unwrap()),
        })
    }

    fn text(name: &str) -> Value {
        Value::Text(name.to_owned())
    }

    #[test]
    fn what_the_instance_can_become_comes_before_a_smaller_one_that_would_replace_it() {
        let here = ["eu-central-1a"];
        let machines = vec![
            large("a-arm", &["arm64"], &here),
            large("b-elsewhere", &["x86_64"], &["eu-central-1b"]),
            large("c-possible", &["i386", "x86_64"], &here),
        ];
        let found = change(of_32_gib(), machines);
        assert_eq!(found, (text("c-possible"), Effect::Restart));
    }

    #[test]
    fn what_the_instance_cannot_become_replaces_it() {
        for (architectures, zones) in [
            (["arm64"], ["eu-central-1a"]),
            (["x86_64"], ["eu-central-1b"]),
        ] {
            let other = || vec![large("other", &architectures, &zones)];
            let found = change(of_32_gib(), other());
            assert_eq!(found, (text("other"), Effect::Replace));
            let named = MachineSelector::Types(vec!["other".to_owned()]);
            assert_eq!(change(named, other()), (text("other"), Effect::Replace));
        }
        // What EC2 does not tell is possible.
        let named = MachineSelector::Types(vec!["other".to_owned()]);
        let untold = vec![large("other", &[], &[])];
        assert_eq!(change(named, untold), (text("other"), Effect::Restart));
    }
}
