//! Plans for programs.

use serde_json::{Value, json};

use crate::plan::{
    Action, Change, Doomed, Held, Launch, Mode, Note, OtherEnvironment, Plan, Refusal, Step,
    Summary, Verb,
};
use crate::resource::Address;
use crate::sync::SyncPlan;

/// Everything that a `plan` shows.
#[derive(Debug)]
pub struct PlanDocument<'a> {
    /// One for each environment.
    pub plans: &'a [Plan],
    /// Environments of ours that no spec names.
    pub others: &'a [OtherEnvironment],
}

/// The document; its format number changes when a reader would have to.
pub fn plan_json(document: &PlanDocument<'_>) -> Value {
    let PlanDocument { plans, others } = document;
    let mut summary = Summary::default();
    for plan in *plans {
        summary += plan.summary();
    }
    json!({
        "format": 1,
        "plans": plans.iter().map(one).collect::<Vec<_>>(),
        "others": others,
        "summary": summary,
    })
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
        "refusal": refusal.as_ref().map(|Refusal::LeaseOver { ended }| json!({"kind": "lease-over", "ended": ended})),
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
        Action::Update(change) => (Verb::Update, change_json(change)),
        Action::Restart(change) => (Verb::Restart, change_json(change)),
        Action::Terminate(doomed) => (
            Verb::Delete,
            json!({"instances": doomed.iter().map(doomed_json).collect::<Vec<_>>()}),
        ),
        Action::DeleteVolumes(volumes) => (Verb::Delete, json!({"volumes": volumes})),
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
        identity,
        incarnation,
        instance,
        image,
        security_groups,
    } = launch;
    json!({
        "addresses": launch.addresses().collect::<Vec<Address>>(),
        "token": identity.token(*incarnation),
        "incarnation": incarnation,
        "instance": instance.as_ref(),
        "image": image,
        "security_group_ids": security_groups,
        "tags": launch.tags(*incarnation),
    })
}

fn change_json(change: &Change) -> Value {
    let Change {
        address,
        before,
        mark: _,
        after: _,
        changes,
        security_groups: _,
    } = change;
    json!({"address": address, "id": before.id, "changes": changes})
}

fn doomed_json(doomed: &Doomed) -> Value {
    let Doomed {
        address,
        id,
        replaced_because,
        unprotect,
    } = doomed;
    json!({"address": address, "id": id, "replaced_because": replaced_because, "lift_protection": unprotect})
}

fn files_json(files: &SyncPlan) -> Value {
    let largest: Vec<Value> = files
        .largest(10)
        .into_iter()
        .map(|transfer| json!({"key": transfer.key, "bytes": transfer.bytes}))
        .collect();
    json!({
        "new": files.new_files(),
        "changed": files.changed(),
        "same": files.same,
        "deleted": files.deleted(),
        "largest": largest,
        "deletions": files.deletions.iter().map(|deleted| &deleted.key).collect::<Vec<_>>(),
        "skipped": files.skipped.len(),
    })
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
        Held::Unresolved { address, what } => {
            json!({"kind": "unresolved", "address": address, "what": what})
        }
    }
}

fn note(note: &Note) -> Value {
    match note {
        Note::KeepsLease { address, lease } => {
            json!({"kind": "keeps-lease", "address": address, "lease": lease})
        }
        Note::LooseVolume { id, gibibytes } => {
            json!({"kind": "loose-volume", "id": id, "gibibytes": gibibytes})
        }
        Note::DeletionsWithheld { address, reason } => {
            json!({"kind": "deletions-withheld", "address": address, "reason": reason})
        }
        Note::FilesSkipped {
            address,
            count,
            first,
        } => {
            json!({"kind": "files-skipped", "address": address, "count": count, "first": first})
        }
    }
}
