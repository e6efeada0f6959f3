//! Instance profiles on instances.

use super::Call;
use super::filter::{Field, Filters, one};
use super::identifiers::ASSOCIATION;
use super::page::Page;
use crate::local::state::{Association, InstanceState, Region, derived_hex};
use crate::local::wire::{Node, Refusal, Reply, Xml, aws_time};

/// Reads the profile that a call names, by name or by ARN.
pub(super) fn read(call: &Call, node: &Node) -> Result<String, Refusal> {
    let (field, text, name) = match (node.text("Name"), node.text("Arn")) {
        (Some(name), None) => ("name", name, Some(name)),
        (None, Some(arn)) => {
            let start = profile_arn(call.region, "");
            ("arn", arn, arn.strip_prefix(start.as_str()))
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::combination(
                "The parameter 'iamInstanceProfile.name' may not be used in combination with \
                 'iamInstanceProfile.arn'",
            ));
        }
        (None, None) => return Err(Refusal::missing("iamInstanceProfile.name")),
    };
    match name {
        Some(name) if call.profiles.contains(name) => Ok(name.to_owned()),
        Some(_) | None => {
            let what = if field == "arn" { "ARN" } else { "name" };
            Err(Refusal::value(format!(
                "Value ({text}) for parameter iamInstanceProfile.{field} is invalid. Invalid IAM \
                 Instance Profile {what}"
            )))
        }
    }
}

/// The ARN of a profile.
pub(super) fn profile_arn(region: &Region, name: &str) -> String {
    format!("arn:aws:iam::{}:instance-profile/{name}", region.account)
}

/// Writes ARN and id of a profile.
pub(super) fn profile_xml(xml: &mut Xml, region: &Region, name: &str) {
    let id = derived_hex(&["profile", &region.account, name], 17).to_uppercase();
    xml.text("arn", profile_arn(region, name))
        .text("id", format_args!("AIPA{id}"));
}

/// `AssociateIamInstanceProfile`.
pub(super) fn associate(call: &mut Call) -> Reply {
    let id = call.form.required("InstanceId")?;
    let profile = read(call, &call.form.node("IamInstanceProfile"))?;
    let instance = call.known_instance(id)?;
    if !matches!(
        instance.state(),
        InstanceState::Running | InstanceState::Stopped
    ) {
        let message = format!("The instance '{id}' is not in the 'running' or 'stopped' states.");
        return Err(Refusal::new("IncorrectInstanceState", message));
    }
    if call.region.association_of(id).is_some() {
        let message = format!("There is an existing association for instance {id}");
        return Err(Refusal::new("IncorrectState", message));
    }
    let association = Association {
        id: call.region.mint("iip-assoc"),
        instance: id.to_owned(),
        profile,
        since: call.now,
    };
    Ok(keep(call, association))
}

/// `ReplaceIamInstanceProfileAssociation`: a new association for the old one.
pub(super) fn replace(call: &mut Call) -> Reply {
    let old = known(call)?;
    let profile = read(call, &call.form.node("IamInstanceProfile"))?;
    call.region.associations.remove(&old.id);
    let association = Association {
        id: call.region.mint("iip-assoc"),
        instance: old.instance,
        profile,
        since: call.now,
    };
    Ok(keep(call, association))
}

/// `DisassociateIamInstanceProfile`.
pub(super) fn disassociate(call: &mut Call) -> Reply {
    let old = known(call)?;
    call.region.associations.remove(&old.id);
    let mut xml = Xml::default();
    xml.node("iamInstanceProfileAssociation", |xml| {
        association_xml(xml, call.region, &old, "disassociating");
    });
    Ok(xml)
}

fn known(call: &Call) -> Result<Association, Refusal> {
    let id = call.form.required("AssociationId")?;
    ASSOCIATION.check(id)?;
    let known = call.region.associations.get(id);
    known.cloned().ok_or_else(|| ASSOCIATION.unknown(&[id]))
}

fn keep(call: &mut Call, association: Association) -> Xml {
    let mut xml = Xml::default();
    xml.node("iamInstanceProfileAssociation", |xml| {
        association_xml(xml, call.region, &association, "associated");
    });
    call.region
        .associations
        .insert(association.id.clone(), association);
    xml
}

/// `DescribeIamInstanceProfileAssociations`.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<Association>; 2] = [
        ("instance-id", |association| one(&association.instance)),
        ("state", |_| one("associated")),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let ids = call.form.values("AssociationId");
    let region: &Region = call.region;
    let ids = ASSOCIATION.check_all(&ids, |id| region.associations.contains_key(id))?;
    let found = region
        .associations
        .iter()
        .filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str()))
        .filter(|(_, association)| call.instance(&association.instance).is_some())
        .filter(|(_, association)| filters.accept(*association, None, &fields))
        .map(|(id, association)| (id.clone(), association))
        .collect();
    let (associations, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list(
        "iamInstanceProfileAssociationSet",
        associations,
        |xml, association| {
            association_xml(xml, region, association, "associated");
        },
    );
    xml.maybe("nextToken", next);
    Ok(xml)
}

fn association_xml(xml: &mut Xml, region: &Region, association: &Association, state: &str) {
    xml.text("associationId", &association.id)
        .text("instanceId", &association.instance)
        .node("iamInstanceProfile", |xml| {
            profile_xml(xml, region, &association.profile);
        })
        .text("state", state)
        .text("timestamp", aws_time(association.since));
}
