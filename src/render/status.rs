//! What is there, as a table or as JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::escape::escape;
use super::style::{bad, bold, dim, warn};
use super::table::table;
use super::unknown::UnknownPlace;
use crate::resource::human_duration;

/// One environment as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvironmentStatus {
    /// Its name.
    pub environment: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// When its first lease ends; nothing where that cannot be read.
    pub lease_ends: Option<Timestamp>,
    /// Whether that is past, or unreadable.
    pub lease_over: bool,
    /// How it compares with its spec: `in sync`, a number of changes, or `no spec`.
    pub drift: String,
    /// What its spec asks for and is not alive, by address.
    pub missing: Vec<String>,
    /// Volumes of it that are attached to nothing.
    pub loose_volumes: Vec<String>,
    /// Its instances that are not terminated.
    pub instances: Vec<InstanceStatus>,
    /// Instances that name it without being provably ours, with the gap in the proof.
    pub unproven: Vec<(String, String)>,
}

/// One instance as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceStatus {
    /// Where it stands.
    pub address: String,
    /// Its id.
    pub id: String,
    /// Where it is in its life.
    pub state: String,
    /// Its type.
    pub instance_type: String,
    /// Its zone.
    pub zone: Option<String>,
    /// Its public address, or its private one where it has none.
    pub network_address: Option<String>,
    /// When it was first launched.
    pub launched: Option<Timestamp>,
    /// When its lease ends; nothing where that cannot be read.
    pub lease_ends: Option<Timestamp>,
    /// Whether it is as its spec says; nothing where there is no spec.
    pub in_sync: Option<bool>,
}

/// The status for programs.
pub fn status_json(
    environments: &[EnvironmentStatus],
    unknown: &[UnknownPlace],
    now: Timestamp,
) -> Value {
    json!({"format": 1, "now": now, "environments": environments, "unknown": unknown})
}

/// The status for people.
pub fn status_text(environments: &[EnvironmentStatus], now: Timestamp) -> String {
    let mut text = String::new();
    let heads = [
        "ENVIRONMENT",
        "INSTANCE",
        "ID",
        "STATE",
        "TYPE",
        "ZONE",
        "ADDRESS",
        "AGE",
        "LEASE LEFT",
        "SPEC",
    ];
    let mut rows = vec![heads.iter().map(|head| dim(head)).collect::<Vec<_>>()];
    for environment in environments {
        for instance in &environment.instances {
            rows.push(row(environment, instance, now));
        }
    }
    if rows.len() > 1 {
        text.push_str(&table(&rows));
    }
    for environment in environments {
        let name = &escape(&environment.environment);
        if environment.lease_over {
            let when = environment.lease_ends.map_or_else(
                || "cannot be read, which counts as over".to_owned(),
                |end| {
                    format!(
                        "ended {} ago",
                        human_duration(now.duration_since(end).as_secs())
                    )
                },
            );
            let line = format!(
                "{} the lease of {} {when}: run `trainyard destroy {name}`\n",
                bad("over:"),
                bold(name)
            );
            text.push_str(&line);
        }
        if !matches!(environment.drift.as_str(), "in sync" | "no spec") {
            let line = format!(
                "{} {}: {}; `trainyard plan` says how and why\n",
                warn("drift:"),
                bold(name),
                environment.drift
            );
            text.push_str(&line);
        }
        if !environment.loose_volumes.is_empty() {
            let list = escape(&environment.loose_volumes.join(", "));
            let what = format!("{list} of {name}: attached to nothing, and paid for");
            text.push_str(&format_line(&warn("volumes:"), &what));
        }
        for (id, reason) in &environment.unproven {
            let line = format!(
                "{} {} names {name}, but {}\n",
                warn("unproven:"),
                escape(id),
                escape(reason)
            );
            text.push_str(&line);
        }
    }
    text
}

fn format_line(head: &str, what: &str) -> String {
    format!("{head} {what}\n")
}

fn row(environment: &EnvironmentStatus, instance: &InstanceStatus, now: Timestamp) -> Vec<String> {
    let InstanceStatus {
        address,
        id,
        state,
        instance_type,
        zone,
        network_address,
        launched,
        lease_ends,
        in_sync,
    } = instance;
    let none = || "-".to_owned();
    let age = launched.map_or_else(none, |launched| {
        human_duration(now.duration_since(launched).as_secs())
    });
    let left = match lease_ends {
        Some(end) if *end > now => human_duration(end.duration_since(now).as_secs()),
        Some(_) => bad("over"),
        None => bad("unreadable"),
    };
    let spec = match in_sync {
        Some(true) => "in sync".to_owned(),
        Some(false) => warn("differs"),
        None => dim("no spec"),
    };
    vec![
        escape(&environment.environment),
        escape(address),
        escape(id),
        state.clone(),
        escape(instance_type),
        zone.as_deref().map_or_else(none, escape),
        network_address.as_deref().map_or_else(none, escape),
        age,
        left,
        spec,
    ]
}
