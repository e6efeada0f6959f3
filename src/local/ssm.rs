//! SSM: the public parameters that name machine images.

use serde_json::{Value, json};

use super::catalogue::parameter;
use super::cloud::Outcome;
use super::identity::Caller;
use super::state::Stage;
use super::wire::Refusal;

/// The most names that one call may ask for.
const MOST_NAMES: usize = 10;

/// Answers a call.
pub(super) fn answer(stage: &Stage, caller: &Caller, action: &str, body: &Value) -> Outcome {
    let document = match action {
        "GetParameter" => get_one(stage, caller, body),
        "GetParameters" => get_many(stage, caller, body),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            format!("{action} is not known here"),
        )),
    };
    Outcome {
        document: document.map(|value| value.to_string()),
        changed: false,
    }
}

fn get_one(stage: &Stage, caller: &Caller, body: &Value) -> Result<Value, Refusal> {
    let name = body
        .get("Name")
        .and_then(Value::as_str)
        .ok_or_else(|| invalid("Name is required"))?;
    let found = find(stage, caller, name).ok_or_else(|| {
        let message = format!("Parameter {name} not found.");
        Refusal::new("ParameterNotFound", message)
    })?;
    Ok(json!({"Parameter": found}))
}

fn get_many(stage: &Stage, caller: &Caller, body: &Value) -> Result<Value, Refusal> {
    let names: Vec<&str> = body
        .get("Names")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if !(1..=MOST_NAMES).contains(&names.len()) {
        return Err(invalid("Names must hold between 1 and 10 names"));
    }
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        match find(stage, caller, name) {
            Some(value) => found.push(value),
            None => unknown.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": unknown}))
}

fn find(stage: &Stage, caller: &Caller, name: &str) -> Option<Value> {
    let value = parameter(&caller.region, name, stage)?;
    let region = &caller.region;
    Some(json!({
        "Name": name,
        "Type": "String",
        "Value": value,
        "Version": 1,
        "LastModifiedDate": 1_754_611_200.0,
        "ARN": format!("arn:aws:ssm:{region}::parameter{name}"),
        "DataType": "aws:ec2:image",
    }))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("ValidationException", message)
}
