//! The list of pages.

/// One page of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The word that asks for it.
    pub name: &'static str,
    /// What it is about, in one line.
    pub summary: &'static str,
    /// The page, as Markdown.
    pub text: &'static str,
}

/// Every page, in the order in which a newcomer would read them.
pub const PAGES: &[Page] = &[
    Page {
        name: "sign-in",
        summary: "Profiles, roles, MFA codes, other tools, and when a session ends",
        text: include_str!("sign-in.md"),
    },
    Page {
        name: "capacity",
        summary: "Types in order, needs, spot, zones, waiting, and what each refusal does",
        text: include_str!("capacity.md"),
    },
    Page {
        name: "network",
        summary: "Who may come in by SSH, with which key, and over which address",
        text: include_str!("network.md"),
    },
    Page {
        name: "disks",
        summary: "Root disks and volumes: growing, keeping, deleting what was kept",
        text: include_str!("disks.md"),
    },
    Page {
        name: "groups",
        summary: "Equal instances: counting, shrinking, placement, distributed training",
        text: include_str!("groups.md"),
    },
    Page {
        name: "data",
        summary: "Syncing folders and buckets: what is the same, what takes part, what goes",
        text: include_str!("data.md"),
    },
    Page {
        name: "adopt",
        summary: "Taking over what was launched by hand, giving back, renaming",
        text: include_str!("adopt.md"),
    },
    Page {
        name: "fields",
        summary: "Every key of a spec, and what a change of it does to what runs",
        text: include_str!("fields.md"),
    },
    Page {
        name: "terraform",
        summary: "Every argument of Terraform's aws_instance, and what there is for it here",
        text: include_str!("terraform.md"),
    },
];

/// The page of this name.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}
