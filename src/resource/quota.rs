//! Which of an account's limits a launch counts against.

use std::fmt;

use serde::Serialize;

/// A limit on running vCPUs, as Service Quotas names it for the service `ec2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Quota {
    /// Its name in the console.
    pub name: &'static str,
    /// Its code, such as `L-417A185B`.
    pub code: &'static str,
}

impl fmt::Display for Quota {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.name, self.code)
    }
}

const fn quota(name: &'static str, code: &'static str) -> Quota {
    Quota { name, code }
}

/// The limit that launching an instance type counts against.
///
/// Names and codes are those of "Amazon EC2 instance type quotas" (Amazon EC2
/// Instance Types guide). None where the page leaves it open: its P limits on
/// the spot market end with P5, it does not name letters such as those of `gr6`
/// or `im4gn`, and a Mac instance counts as its dedicated host.
pub fn quota_of(instance_type: &str, spot: bool) -> Option<Quota> {
    let family = instance_type.split_once('.')?.0;
    let letters = family
        .find(|character: char| !character.is_ascii_lowercase())
        .map_or(family, |end| &family[..end]);
    if spot {
        spot_quota(letters, &family[letters.len()..])
    } else {
        on_demand_quota(letters)
    }
}

fn on_demand_quota(letters: &str) -> Option<Quota> {
    let found = match letters {
        "a" | "c" | "d" | "h" | "i" | "m" | "r" | "t" | "z" => quota(
            "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
            "L-1216C47A",
        ),
        "dl" => quota("Running On-Demand DL instances", "L-6E869C2A"),
        "f" => quota("Running On-Demand F instances", "L-74FC7D96"),
        "g" | "vt" => quota("Running On-Demand G and VT instances", "L-DB2E81BA"),
        "hpc" => quota("Running On-Demand HPC instances", "L-F7808C92"),
        "inf" => quota("Running On-Demand Inf instances", "L-1945791B"),
        "p" => quota("Running On-Demand P instances", "L-417A185B"),
        "trn" => quota("Running On-Demand Trn instances", "L-2C3B7624"),
        "u" => quota("Running On-Demand High Memory instances", "L-43DA4232"),
        "x" => quota("Running On-Demand X instances", "L-7295265B"),
        _ => return None,
    };
    Some(found)
}

fn spot_quota(letters: &str, generation: &str) -> Option<Quota> {
    let found = match letters {
        "a" | "c" | "d" | "h" | "i" | "m" | "r" | "t" | "z" => quota(
            "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
            "L-34B43A08",
        ),
        "dl" => quota("All DL Spot Instance Requests", "L-85EED4F7"),
        "f" => quota("All F Spot Instance Requests", "L-88CF9481"),
        "g" | "vt" => quota("All G and VT Spot Instance Requests", "L-3819A6DF"),
        "inf" => quota("All Inf Spot Instance Requests", "L-B5D1601B"),
        "p" if generation.starts_with(['2', '3', '4']) => {
            quota("All P4, P3 and P2 Spot Instance Requests", "L-7212CCBC")
        }
        "p" if generation.starts_with('5') => quota("All P5 Spot Instance Requests", "L-C4BD4855"),
        "trn" => quota("All Trn Spot Instance Requests", "L-6B0D517C"),
        "x" => quota("All X Spot Instance Requests", "L-E3A00192"),
        _ => return None,
    };
    Some(found)
}

/// How to have a limit raised in one region: in the console, or by one command.
///
/// The command is `RequestServiceQuotaIncrease` of the Service Quotas API. Its
/// value is the new limit in vCPUs, not what is added to the present one.
pub fn raise_help(quota: &Quota, region: &str) -> String {
    let Quota { name, code } = quota;
    format!(
        "ask for a higher limit on \"{name}\", which counts vCPUs, not instances:\n\
         \n    https://{region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{code}\n\
         \n\
         or, with N for the number of vCPUs that shall run at once:\n\
         \n    aws service-quotas request-service-quota-increase --service-code ec2 \
         --quota-code {code} --region {region} --desired-value N\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(instance_type: &str) -> [Option<&'static str>; 2] {
        [false, true].map(|spot| quota_of(instance_type, spot).map(|quota| quota.code))
    }

    #[test]
    fn every_family_counts_against_its_limits() {
        for (instance_type, on_demand, spot) in [
            ("c5.2xlarge", "L-1216C47A", "L-34B43A08"),
            ("m7i-flex.large", "L-1216C47A", "L-34B43A08"),
            ("t3.micro", "L-1216C47A", "L-34B43A08"),
            ("d3en.xlarge", "L-1216C47A", "L-34B43A08"),
            ("h1.2xlarge", "L-1216C47A", "L-34B43A08"),
            ("p3.2xlarge", "L-417A185B", "L-7212CCBC"),
            ("p4de.24xlarge", "L-417A185B", "L-7212CCBC"),
            ("p5en.48xlarge", "L-417A185B", "L-C4BD4855"),
            ("g5.xlarge", "L-DB2E81BA", "L-3819A6DF"),
            ("g4dn.metal", "L-DB2E81BA", "L-3819A6DF"),
            ("vt1.3xlarge", "L-DB2E81BA", "L-3819A6DF"),
            ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
            ("trn1n.32xlarge", "L-2C3B7624", "L-6B0D517C"),
            ("dl1.24xlarge", "L-6E869C2A", "L-85EED4F7"),
            ("f2.6xlarge", "L-74FC7D96", "L-88CF9481"),
            ("x2iedn.xlarge", "L-7295265B", "L-E3A00192"),
        ] {
            assert_eq!(
                codes(instance_type),
                [Some(on_demand), Some(spot)],
                "{instance_type}"
            );
        }
    }

    #[test]
    fn what_the_list_of_limits_leaves_in_doubt_has_none() {
        assert_eq!(codes("p6-b200.48xlarge"), [Some("L-417A185B"), None]);
        assert_eq!(codes("hpc7a.96xlarge"), [Some("L-F7808C92"), None]);
        assert_eq!(codes("u7i-12tb.224xlarge"), [Some("L-43DA4232"), None]);
        for instance_type in [
            "mac2.metal",
            "gr6.4xlarge",
            "",
            "p3",
            "P3.2xlarge",
            "3.xlarge",
        ] {
            assert_eq!(codes(instance_type), [None, None], "{instance_type}");
        }
    }

    #[test]
    fn the_help_holds_a_command_to_copy() {
        let quota = quota_of("p3.2xlarge", true).unwrap();
        let help = raise_help(&quota, "eu-central-1");
        assert!(help.contains(
            "\n    aws service-quotas request-service-quota-increase --service-code ec2 \
             --quota-code L-7212CCBC --region eu-central-1 --desired-value N\n"
        ));
        assert!(help.contains("servicequotas/home/services/ec2/quotas/L-7212CCBC\n"));
        assert!(help.contains("All P4, P3 and P2 Spot Instance Requests"));
    }
}
