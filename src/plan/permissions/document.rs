//! Grants written down as a policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Precision;
use super::blocks::{Block, blocks};
use super::family::folded;
use super::grants::{Actions, Grants, Objects};
use crate::resource::tag;

/// What is read while a plan is applied and looked at again.
const READING: [&str; 3] = [
    "ec2:Describe*",
    "ssm:GetParameters",
    "sts:GetCallerIdentity",
];
/// What EC2 and S3 ask of KMS in the name of whoever wants an encrypted disk or object is up to
/// them; nothing else is allowed there.
const USING_KEYS: &str = "kms:*";
/// The services that have a region to keep to.
const REGIONAL: [&str; 2] = ["ec2:*", "ssm:*"];
/// How EC2 names itself to IAM, in every partition.
const EC2: &str = "ec2.*";

/// The policy as JSON without a space; the same grants give the same text.
///
/// Keys are written in the order of the alphabet, so that it does not matter whether
/// `serde_json` keeps the order in which they came.
pub(super) fn document(grants: &Grants, precision: Precision) -> String {
    let writer = Writer { grants, precision };
    let statements: Vec<Value> = [
        vec![writer.elsewhere(), writer.reading()],
        writer.making(),
        writer.on_ours(),
        writer.on_any(),
        writer.beside_ec2(),
        writer.files(),
    ]
    .concat();
    json!({"Statement": statements, "Version": "2012-10-17"}).to_string()
}

/// The values of a condition by its key, and the operator that compares them.
type Condition = BTreeMap<&'static str, BTreeMap<String, Value>>;

struct Writer<'g> {
    grants: &'g Grants,
    precision: Precision,
}

impl Writer<'_> {
    /// Another region is closed whatever else is said, once for all statements.
    fn elsewhere(&self) -> Value {
        let region = json!({"aws:RequestedRegion": self.grants.region.as_str()});
        json!({
            "Action": REGIONAL,
            "Condition": {"StringNotEquals": region},
            "Effect": "Deny",
            "Resource": "*",
        })
    }

    fn reading(&self) -> Value {
        let actions = READING.into_iter().collect();
        self.statement(&actions, &everything(), &Condition::new())
    }

    /// What is made, and the tags that it gets in the same call.
    fn making(&self) -> Vec<Value> {
        let making = &self.grants.making;
        if making.is_empty() {
            return Vec::new();
        }
        let name = format!("aws:RequestTag/{}", tag::ENVIRONMENT);
        let name = when(
            "StringEquals",
            &name,
            json!(self.grants.environment.as_str()),
        );
        // The key is there while something is made, and what may be made is said above.
        let creating = when("StringLike", "ec2:CreateAction", json!("*"));
        let create_tags = Actions::from(["ec2:CreateTags"]);
        vec![
            self.statement(making, &everything(), &name),
            self.statement(&create_tags, &everything(), &creating),
        ]
    }

    fn on_ours(&self) -> Vec<Value> {
        let key = format!("ec2:ResourceTag/{}", tag::ENVIRONMENT);
        let condition = || when("StringEquals", &key, list(&self.grants.names));
        let on = &self.grants.on_ours;
        match self.precision {
            Precision::Exact => self.by_object(on, condition),
            Precision::FoldedResources | Precision::FoldedActions if on.is_empty() => Vec::new(),
            Precision::FoldedResources | Precision::FoldedActions => {
                let all = on.values().flatten().copied().collect();
                vec![self.statement(&all, &everything(), &condition())]
            }
        }
    }

    fn on_any(&self) -> Vec<Value> {
        self.by_object(&self.grants.on_any, Condition::new)
    }

    fn by_object(
        &self,
        on: &BTreeMap<Objects, Actions>,
        condition: impl Fn() -> Condition,
    ) -> Vec<Value> {
        let blocks = blocks(on).into_iter();
        blocks
            .map(|Block { actions, on }| {
                let resources = on.iter().map(|objects| self.resource(objects));
                self.statement(&actions, &resources.collect(), &condition())
            })
            .collect()
    }

    /// The region is said once for all, and ids are those of one account.
    fn resource(&self, objects: &Objects) -> String {
        let Objects { kind, id } = objects;
        let id = id.as_deref().unwrap_or("*");
        self.arn("ec2:*:*", &format!("{}/{id}", kind.word()))
    }

    fn arn(&self, place: &str, rest: &str) -> String {
        let region = self.grants.region.as_str();
        let partition = if region.starts_with("cn-") {
            "aws-cn"
        } else if region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        };
        format!("arn:{partition}:{place}:{rest}")
    }

    /// What EC2 and S3 do with other services in the name of whoever asks them.
    fn beside_ec2(&self) -> Vec<Value> {
        let key_users = &self.grants.key_users;
        let role = |path: &str| {
            let place = format!("iam::{}", self.grants.account);
            BTreeSet::from([self.arn(&place, &format!("role/{path}"))])
        };
        let passing = self.grants.gives_roles.then(|| {
            // A plan names profiles, and a profile does not say what its role is called.
            let condition = when("StringLike", "iam:PassedToService", json!(EC2));
            self.statement(&Actions::from(["iam:PassRole"]), &role("*"), &condition)
        });
        let spot = self.grants.buys_spot.then(|| {
            // The first spot instance of an account makes this role (EC2 user guide,
            // service-linked role for Spot Instance requests).
            let actions = Actions::from(["iam:CreateServiceLinkedRole"]);
            let role = role("aws-service-role/spot.amazonaws.com/*");
            self.statement(&actions, &role, &Condition::new())
        });
        let keys = (!key_users.is_empty()).then(|| {
            let condition = when("StringLike", "kms:ViaService", list(key_users));
            let actions = Actions::from([USING_KEYS]);
            self.statement(&actions, &everything(), &condition)
        });
        passing.into_iter().chain(spot).chain(keys).collect()
    }

    fn files(&self) -> Vec<Value> {
        let mut objects: BTreeMap<String, Actions> = BTreeMap::new();
        let mut beside: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for ((bucket, keys), actions) in &self.grants.on_files {
            if is_directory_bucket(bucket) {
                let session = self.arn("s3express:*:*", &format!("*/{bucket}"));
                let same = beside.entry("s3express:CreateSession").or_default();
                same.insert(session);
                continue;
            }
            let keys = match self.precision {
                Precision::Exact => keys,
                Precision::FoldedResources | Precision::FoldedActions => "*",
            };
            let bucket = self.arn("s3::", bucket);
            let all = objects.entry(format!("{bucket}/{keys}")).or_default();
            all.extend(actions);
            beside.entry("s3:ListBucket").or_default().insert(bucket);
        }
        let mut resources: BTreeMap<Actions, BTreeSet<String>> = BTreeMap::new();
        for (resource, actions) in objects {
            resources.entry(actions).or_default().insert(resource);
        }
        let mut together: Vec<(Actions, BTreeSet<String>)> = resources.into_iter().collect();
        // No call is about buckets and about objects, so that all of these stand together.
        for (action, more) in beside {
            match together.first_mut() {
                Some((actions, resources)) => {
                    actions.insert(action);
                    resources.extend(more);
                }
                None => together.push((Actions::from([action]), more)),
            }
        }
        together
            .iter()
            .map(|(actions, resources)| self.statement(actions, resources, &Condition::new()))
            .collect()
    }

    fn statement(
        &self,
        actions: &Actions,
        resources: &BTreeSet<String>,
        condition: &Condition,
    ) -> Value {
        let actions = match self.precision {
            Precision::Exact | Precision::FoldedResources => list(actions),
            Precision::FoldedActions => list(&folded(actions)),
        };
        let resources = list(resources);
        if condition.is_empty() {
            json!({"Action": actions, "Effect": "Allow", "Resource": resources})
        } else {
            json!({
                "Action": actions,
                "Condition": condition,
                "Effect": "Allow",
                "Resource": resources,
            })
        }
    }
}

/// A condition of one line.
fn when(operator: &'static str, key: &str, value: Value) -> Condition {
    [(operator, [(key.to_owned(), value)].into())].into()
}

fn everything() -> BTreeSet<String> {
    ["*".to_owned()].into()
}

/// One text stands alone, which takes fewer characters.
fn list<T: AsRef<str>>(texts: &BTreeSet<T>) -> Value {
    let mut texts: Vec<Value> = texts.iter().map(|text| json!(text.as_ref())).collect();
    if texts.len() == 1 {
        texts.remove(0)
    } else {
        Value::Array(texts)
    }
}

/// A directory bucket asks for a session and for nothing else (S3 User Guide, authorizing
/// Zonal endpoint operations).
fn is_directory_bucket(bucket: &str) -> bool {
    bucket.ends_with("--x-s3") || bucket.ends_with("--xa-s3")
}
