//! Plans for programs.

use serde_json::{Value, json};

use crate::plan::{
    Action, Change, Doomed, Held, Launch, Mode, Note, OtherEnvironment, Plan, Refusal,
    SecurityGroupChange, Step, Summary, Verb, VolumeFacts,
};
use crate::resource::{Address, Digest, Instance, hide_secrets};
use crate::sync::{Estimate, SyncPlan};

use super::unknown::UnknownPlace;

/// Everything that a `plan` shows.
#[derive(Debug)]
pub struct PlanDocument<'a> {
    /// One for each environment.
    pub plans: &'a [Plan],
    /// Environments of ours that no spec names.
    pub others: &'a [OtherEnvironment],
    /// Places that could not be looked at.
    pub unknown: &'a [UnknownPlace],
}

/// The document; its format number changes when a reader would have to.
pub fn plan_json(document: &PlanDocument<'_>) -> Value {
    let PlanDocument {
        plans,
        others,
        unknown,
    } = document;
    let mut summary = Summary::default();
    for plan in *plans {
        summary += plan.summary();
    }
    let mut document = json!({
        "format": 1,
        "plans": plans.iter().map(one).collect::<Vec<_>>(),
        "others": others,
        "unknown": unknown,
        "summary": summary,
    });
    hide(&mut document);
    document
}

/// Hides what looks like a secret, wherever it stands: a plan is kept and passed on.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) => *text = hide_secrets(text),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn one(plan: &Plan) -> Value {
    let Plan {
        environment,
        account,
        region,
        mode,
        made_at,
        lease,
        lease_ends,
        steps,
        held,
        notes,
        unchanged,
        refusal,
    } = plan;
    json!({
        "environment": environment,
        "account": account,
        "region": region,
        "mode": match mode { Mode::Reconcile => "reconcile", Mode::Destroy => "destroy" },
        "made_at": made_at,
        "lease": lease,
        "lease_ends": lease_ends,
        "empty": plan.is_empty(),
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
        "held": held.iter().map(held_json).collect::<Vec<_>>(),
        "notes": notes.iter().map(note).collect::<Vec<_>>(),
        "unchanged": unchanged,
        "refusal": refusal.as_ref().map(refusal_json),
        "summary": plan.summary(),
    })
}

fn step(step: &Step) -> Value {
    let Step {
        id,
        action,
        reason,
        after,
    } = step;
    let (verb, body) = match action {
        Action::Launch(launch) => (Verb::Create, launch_json(launch)),
        Action::Update(change) | Action::Adopt(change) => (Verb::Update, change_json(change)),
        Action::Restart(change) => (Verb::Restart, change_json(change)),
        Action::Terminate(doomed) => (
            Verb::Delete,
            json!({"instances": doomed.iter().map(doomed_json).collect::<Vec<_>>()}),
        ),
        Action::DeleteVolumes(volumes) => (Verb::Delete, json!({"volumes": volumes})),
        Action::SecurityGroup(group) => (
            match group.existing {
                None => Verb::Create,
                Some(_) => Verb::Update,
            },
            security_group_json(group),
        ),
        Action::KeyPair(key) => (
            Verb::Create,
            json!({"address": key.address, "name": key.name, "fingerprint": key.key.fingerprint}),
        ),
        Action::PlacementGroup(group) => (
            Verb::Create,
            json!({"address": group.address, "name": group.name}),
        ),
        Action::Retag(object) => (
            Verb::Update,
            json!({"address": object.address, "id": object.id, "name": object.name, "tags": object.tags}),
        ),
        Action::Introduce(introduction) => (
            Verb::Update,
            json!({"group": introduction.group, "members": introduction.members, "launched": introduction.launched}),
        ),
        Action::DeleteNetwork(objects) => (
            Verb::Delete,
            json!({"objects": objects.iter().map(|one| json!({"address": one.address, "id": one.id, "name": one.name})).collect::<Vec<_>>()}),
        ),
        Action::CancelSpot(requests) => (Verb::Delete, json!({"spot_requests": requests})),
        Action::Sync {
            address,
            data,
            files,
        } => (
            Verb::Sync,
            json!({"address": address, "from": data.from.to_string(), "to": data.to.to_string(), "files": files_json(files)}),
        ),
    };
    json!({
        "id": id,
        "verb": verb.word(),
        "reason": reason.word(),
        "after": after,
        "action": body,
    })
}

fn launch_json(launch: &Launch) -> Value {
    let Launch {
        identity: _,
        incarnation,
        instance,
        image,
        security_groups,
        own_group,
        key,
        placement_group,
        least,
        candidates: _,
        rejected,
    } = launch;
    let attempts: Vec<Value> = launch
        .attempts(0)
        .map(|attempt| {
            json!({
                "type": attempt.candidate.instance_type,
                "market": attempt.candidate.purchase,
                "zone": attempt.candidate.zone,
                "token": launch.token(&attempt, *incarnation),
            })
        })
        .collect();
    json!({
        "addresses": launch.addresses().collect::<Vec<Address>>(),
        "attempts": attempts,
        "rounds": launch.rounds(),
        "rejected": rejected,
        "least": least,
        "incarnation": incarnation,
        "instance": instance_json(instance),
        "image": image,
        "security_group_ids": security_groups,
        "own_security_group": own_group,
        "key": key,
        "placement_group": placement_group,
        "tags": launch.attempts(0).next().map(|first| launch.tags(&first, *incarnation)),
    })
}

/// An instance, with its user data as people see it: a plan is kept and passed on, and
/// scripts hold what should not be.
fn instance_json(instance: &Instance) -> Value {
    let mut told = json!(instance);
    if let Some(text) = &instance.user_data {
        told["user_data"] = json!({
            "lines": text.lines().count(),
            "digest": Digest::of_bytes(text.as_bytes()).short(),
        });
    }
    told
}

fn security_group_json(group: &SecurityGroupChange) -> Value {
    let SecurityGroupChange {
        address,
        existing,
        name,
        network,
        add,
        remove,
        tags,
    } = group;
    json!({
        "address": address,
        "id": existing,
        "name": name,
        "network": network,
        "add": add,
        "remove": remove,
        "tags": tags,
    })
}

fn change_json(change: &Change) -> Value {
    let Change {
        address,
        before,
        mark: _,
        after: _,
        environment: _,
        instance_type: _,
        changes,
        security_groups: _,
        own_group: _,
    } = change;
    json!({"address": address, "id": before.id, "changes": changes})
}

fn doomed_json(doomed: &Doomed) -> Value {
    let Doomed {
        address,
        id,
        replaced_because,
        unprotect,
        spot_request,
    } = doomed;
    json!({
        "address": address,
        "id": id,
        "replaced_because": replaced_because,
        "lift_protection": unprotect,
        "spot_request": spot_request,
    })
}

fn files_json(files: &SyncPlan) -> Value {
    let largest: Vec<Value> = files
        .largest(10)
        .into_iter()
        .map(|transfer| json!({"key": transfer.key, "bytes": transfer.bytes}))
        .collect();
    let mut document = json!({
        "new": files.new_files(),
        "changed": files.changed(),
        "same": files.same,
        "deleted": files.deleted(),
        "largest": largest,
        "deletions": files.deletions.iter().map(|deleted| &deleted.key).collect::<Vec<_>>(),
        "skipped": files.skipped.len(),
        "estimate": Estimate::of(files),
    });
    if let Some(packing) = &files.archive {
        document["archive"] = json!({
            "kind": packing.kind,
            "key": packing.key,
            "whole": packing.whole,
        });
    }
    document
}

fn refusal_json(refusal: &Refusal) -> Value {
    match refusal {
        Refusal::LeaseOver { ended } => json!({"kind": "lease-over", "ended": ended}),
        Refusal::TooManyDeletions { address, excess } => {
            json!({"kind": "too-many-deletions", "address": address, "excess": excess})
        }
    }
}

fn held_json(held: &Held) -> Value {
    match held {
        Held::NotYetVisible { address, until } => {
            json!({"kind": "not-yet-visible", "address": address, "until": until})
        }
        Held::Unproven { id, reason } => json!({"kind": "unproven", "id": id, "reason": reason}),
        Held::Protected {
            address,
            id,
            withheld,
        } => {
            json!({"kind": "protected", "address": address, "id": id, "withheld": withheld})
        }
        Held::Blocked { address, by } => json!({"kind": "blocked", "address": address, "by": by}),
        Held::Unreadable {
            address,
            count,
            first,
        } => {
            json!({"kind": "unreadable", "address": address, "count": count, "first": first})
        }
        Held::NotAdopted { address, id, why } => {
            json!({"kind": "not-adopted", "address": address, "id": id, "why": why})
        }
        Held::Unresolved { address, what } => {
            json!({"kind": "unresolved", "address": address, "what": what})
        }
    }
}

fn volume_json(kind: &str, facts: &VolumeFacts) -> Value {
    let VolumeFacts {
        id,
        gibibytes,
        devices,
        group,
        ordinals,
    } = facts;
    json!({
        "kind": kind,
        "id": id,
        "gibibytes": gibibytes,
        "devices": devices,
        "group": group,
        "ordinals": ordinals,
    })
}

fn note(note: &Note) -> Value {
    match note {
        Note::KeepsLease { address, lease } => {
            json!({"kind": "keeps-lease", "address": address, "lease": lease})
        }
        Note::LooseVolume(facts) => volume_json("loose-volume", facts),
        Note::KeptVolume(facts) => volume_json("kept-volume", facts),
        Note::VolumeGoes(facts) => volume_json("volume-goes", facts),
        Note::DisksStay {
            address,
            instance,
            disks,
        } => {
            json!({"kind": "disks-stay", "address": address, "instance": instance, "disks": disks})
        }
        Note::OthersDisk {
            address,
            device,
            id,
            gibibytes,
        } => {
            json!({"kind": "others-disk", "address": address, "device": device, "id": id, "gibibytes": gibibytes})
        }
        Note::NewerImage {
            addresses,
            runs,
            newest,
        } => {
            json!({"kind": "newer-image", "addresses": addresses, "runs": runs, "newest": newest})
        }
        Note::ImageWarning { group, text } => {
            json!({"kind": "image-warning", "group": group, "text": text})
        }
        Note::FileSystem { address, field } => {
            json!({"kind": "file-system", "address": address, "field": field})
        }
        Note::Fewer {
            group,
            alive,
            count,
            min,
        } => {
            json!({"kind": "fewer", "group": group, "alive": alive, "count": count, "min": min})
        }
        Note::NothingRenamed {
            group,
            renamed_from,
            ending,
        } => {
            json!({"kind": "nothing-renamed", "group": group, "renamed_from": renamed_from, "ending": ending})
        }
        Note::OtherKey { address, key } => {
            json!({"kind": "other-key", "address": address, "key": key})
        }
        Note::OnlyTargets { targets } => json!({"kind": "only-targets", "targets": targets}),
        Note::DeletionsWithheld { address, reason } => {
            json!({"kind": "deletions-withheld", "address": address, "reason": reason})
        }
        Note::OtherRegion { address, region } => {
            json!({"kind": "other-region", "address": address, "region": region})
        }
        Note::CaseConflicts {
            address,
            count,
            first,
        } => {
            json!({"kind": "case-conflicts", "address": address, "count": count, "first": first})
        }
        Note::FilesSkipped {
            address,
            count,
            first,
        } => {
            json!({"kind": "files-skipped", "address": address, "count": count, "first": first})
        }
        Note::ArchiveFound { address, remark } => {
            json!({"kind": "archive-found", "address": address, "remark": remark})
        }
    }
}
