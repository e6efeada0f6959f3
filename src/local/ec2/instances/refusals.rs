//! How EC2 says that there is no room (EC2 API error codes, and messages that
//! users have quoted).

use crate::local::state::{Buying, Demand, Shortage};
use crate::local::wire::Refusal;

const HOW_TO_RAISE: &str = "Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this \
     limit.";

/// The refusal for a zone that does not have the type.
pub(super) fn not_offered(demand: &Demand, elsewhere: &[&str]) -> Refusal {
    Refusal::new("Unsupported", no_such_type(demand, elsewhere))
}

/// The refusal for a zone that takes nothing at all.
pub(super) fn full(elsewhere: &[&str], demand: &Demand) -> Refusal {
    Refusal::new(
        "InsufficientInstanceCapacity",
        insufficient(demand, elsewhere),
    )
}

/// The refusal for a shortage.
pub(super) fn short(elsewhere: &[&str], shortage: &Shortage, demand: &Demand) -> Refusal {
    let (kind, left) = (demand.kind, shortage.left);
    let message = match &*shortage.code {
        "InsufficientInstanceCapacity" => insufficient(demand, elsewhere),
        "VcpuLimitExceeded" => format!(
            "You have requested more vCPU capacity than your current vCPU limit of {left} allows \
             for the instance bucket that the specified instance type belongs to. {HOW_TO_RAISE}"
        ),
        "InstanceLimitExceeded" => format!(
            "You have requested more instances than your current instance limit of {left} allows \
             for the specified instance type. {HOW_TO_RAISE}"
        ),
        "MaxSpotInstanceCountExceeded" => "Max spot instance count exceeded".to_owned(),
        "SpotMaxPriceTooLow" => "Your Spot request price is lower than the minimum required Spot \
                                 request fulfillment price."
            .to_owned(),
        "Unsupported" => no_such_type(demand, elsewhere),
        other => format!(
            "The launch of {kind} in {} was refused: {other}",
            demand.zone
        ),
    };
    Refusal::coded(shortage.code.clone(), message)
}

fn insufficient(demand: &Demand, elsewhere: &[&str]) -> String {
    let (kind, zone) = (demand.kind, demand.zone);
    match demand.buying {
        Buying::Spot => "There is no Spot capacity available that matches your request.".to_owned(),
        Buying::OnDemand if !demand.pinned => format!(
            "We currently do not have sufficient {kind} capacity in zones with support for 'gp3' \
             volumes. Our system will be working on provisioning additional capacity."
        ),
        Buying::OnDemand => {
            let mut message = format!(
                "We currently do not have sufficient {kind} capacity in the Availability Zone you \
                 requested ({zone}). Our system will be working on provisioning additional \
                 capacity."
            );
            if !elsewhere.is_empty() {
                message.push_str(" You can currently get ");
                message.push_str(kind);
                message.push_str(
                    " capacity by not specifying an Availability Zone in your request or choosing ",
                );
                message.push_str(&elsewhere.join(", "));
                message.push('.');
            }
            message
        }
    }
}

fn no_such_type(demand: &Demand, elsewhere: &[&str]) -> String {
    format!(
        "Your requested instance type ({}) is not supported in your requested Availability Zone \
         ({}). Please retry your request by not specifying an Availability Zone or choosing {}.",
        demand.kind,
        demand.zone,
        elsewhere.join(", ")
    )
}
