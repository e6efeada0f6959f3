//! Machine images.

use crate::local::state::{Owner, Published, Stage, derived_hex};

/// The account that owns Amazon's images.
const AMAZON: &str = "898082745236";

/// A machine image in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) id: String,
    pub(crate) snapshot: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) owner_alias: Option<&'static str>,
    pub(crate) architecture: String,
    pub(crate) root_device: &'static str,
    /// The size of the root's snapshot in GiB.
    pub(crate) root_size: u32,
    pub(crate) created: String,
    pub(crate) deprecated: Option<String>,
    pub(crate) state: String,
}

impl Image {
    /// Whether everybody may launch the image: all but the account's own.
    pub(crate) fn is_public(&self) -> bool {
        self.owner_alias.is_some()
    }

    fn from_entry(entry: &Entry, account: &str, region: &str) -> Self {
        Self {
            id: image_id(region, entry.name),
            snapshot: snapshot_id(region, entry.name),
            name: entry.name.to_owned(),
            owner: if entry.mine { account } else { AMAZON }.to_owned(),
            owner_alias: (!entry.mine).then_some("amazon"),
            architecture: entry.architecture.to_owned(),
            root_device: entry.root_device,
            root_size: entry.root_size,
            created: entry.created.to_owned(),
            deprecated: entry.deprecated.map(str::to_owned),
            state: "available".to_owned(),
        }
    }

    /// A published image has its id in every region.
    fn from_published(published: &Published, account: &str) -> Self {
        let mine = match published.owner {
            Owner::Amazon => false,
            Owner::Caller => true,
        };
        let learning = published.name.contains("Deep Learning");
        Self {
            id: published.id(),
            snapshot: snapshot_id("", &published.name),
            name: published.name.clone(),
            owner: if mine { account } else { AMAZON }.to_owned(),
            owner_alias: (!mine).then_some("amazon"),
            architecture: published.architecture.clone(),
            root_device: if published.name.contains("Ubuntu") {
                "/dev/sda1"
            } else {
                "/dev/xvda"
            },
            root_size: if learning { 60 } else { 8 },
            created: published.created.clone(),
            deprecated: published.deprecated.clone(),
            state: published.state.clone(),
        }
    }
}

struct Entry {
    name: &'static str,
    mine: bool,
    architecture: &'static str,
    root_device: &'static str,
    root_size: u32,
    created: &'static str,
    deprecated: Option<&'static str>,
}

const fn amazon(name: &'static str, root_size: u32, created: &'static str) -> Entry {
    Entry {
        name,
        mine: false,
        architecture: "x86_64",
        root_device: "/dev/xvda",
        root_size,
        created,
        deprecated: None,
    }
}

const fn ubuntu(name: &'static str, created: &'static str) -> Entry {
    Entry {
        root_device: "/dev/sda1",
        ..amazon(name, 60, created)
    }
}

/// Names as Amazon's are, dates included: what picks "the newest" needs several
/// of a kind.
const ENTRIES: &[Entry] = &[
    amazon(
        "Deep Learning AMI (Amazon Linux) Version 30.0",
        75,
        "2020-06-19T01:12:35.000Z",
    ),
    amazon(
        "Deep Learning AMI (Amazon Linux) Version 41.0",
        90,
        "2021-02-23T22:10:11.000Z",
    ),
    amazon(
        "Deep Learning AMI (Amazon Linux) Version 50.0",
        100,
        "2021-09-30T18:40:02.000Z",
    ),
    amazon(
        "Deep Learning AMI (Amazon Linux) Version 61.3",
        100,
        "2022-05-19T20:01:44.000Z",
    ),
    Entry {
        deprecated: Some("2022-08-01T00:00:00.000Z"),
        ..amazon(
            "Deep Learning AMI (Amazon Linux) Version 20.0",
            75,
            "2018-12-14T03:21:09.000Z",
        )
    },
    ubuntu(
        "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Ubuntu 22.04) 20250602",
        "2025-06-03T05:11:09.000Z",
    ),
    ubuntu(PYTORCH, "2025-08-04T06:32:51.000Z"),
    ubuntu(
        "Deep Learning Proprietary Nvidia Driver AMI GPU PyTorch 2.6 (Ubuntu 22.04) 20250319",
        "2025-03-20T04:47:26.000Z",
    ),
    Entry {
        architecture: "arm64",
        ..ubuntu(PYTORCH_ARM, "2025-08-04T06:02:18.000Z")
    },
    amazon(PYTORCH_AL2023, 75, "2025-08-04T05:58:40.000Z"),
    amazon(BASE_AL2023, 75, "2025-08-09T03:12:26.000Z"),
    ubuntu(BASE_UBUNTU, "2025-08-09T03:31:07.000Z"),
    Entry {
        architecture: "arm64",
        ..ubuntu(BASE_ARM, "2025-08-09T03:44:50.000Z")
    },
    amazon(
        "Deep Learning Base Proprietary Nvidia Driver AMI (Amazon Linux 2) Version 71.4",
        75,
        "2025-07-11T02:20:15.000Z",
    ),
    amazon(
        "al2023-ami-2023.8.20250721.2-kernel-6.1-x86_64",
        8,
        "2025-07-22T00:44:17.000Z",
    ),
    amazon(AL2023, 8, "2025-08-08T00:51:40.000Z"),
    Entry {
        architecture: "arm64",
        ..amazon(AL2023_ARM, 8, "2025-08-08T00:52:03.000Z")
    },
    amazon(
        "amzn2-ami-kernel-5.10-hvm-2.0.20250728.1-x86_64-gp2",
        8,
        "2025-07-29T19:04:25.000Z",
    ),
    Entry {
        mine: true,
        ..amazon("team-trainer-2025-05", 30, "2025-05-12T09:30:00.000Z")
    },
];

/// The newest `PyTorch` image.
pub(super) const PYTORCH: &str =
    "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Ubuntu 22.04) 20250803";
/// The newest `PyTorch` image for ARM.
pub(super) const PYTORCH_ARM: &str =
    "Deep Learning ARM64 AMI OSS Nvidia Driver GPU PyTorch 2.7 (Ubuntu 22.04) 20250803";
/// The newest `PyTorch` image on Amazon Linux.
pub(super) const PYTORCH_AL2023: &str =
    "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Amazon Linux 2023) 20250803";
/// The newest image with a GPU's driver and nothing else, on Amazon Linux.
pub(super) const BASE_AL2023: &str =
    "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) 20250808";
/// The same on Ubuntu.
pub(super) const BASE_UBUNTU: &str =
    "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20250808";
/// The same for ARM.
pub(super) const BASE_ARM: &str =
    "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20250808";
/// The newest Amazon Linux 2023 for x86.
pub(super) const AL2023: &str = "al2023-ami-2023.8.20250808.1-kernel-6.1-x86_64";
/// The newest Amazon Linux 2023 for ARM.
pub(super) const AL2023_ARM: &str = "al2023-ami-2023.8.20250808.1-kernel-6.1-arm64";

/// Gives the images of a region, in order of ids: those of the catalogue, those
/// that a test has published, and none that it has deregistered.
pub(crate) fn images(account: &str, region: &str, stage: &Stage) -> Vec<Image> {
    let entries = ENTRIES.iter();
    let published = stage.images.iter();
    let mut images: Vec<Image> = entries
        .map(|entry| Image::from_entry(entry, account, region))
        .chain(published.map(|image| Image::from_published(image, account)))
        .filter(|image| !stage.deregistered.contains(&image.id))
        .collect();
    images.sort_by(|one, other| one.id.cmp(&other.id));
    images
}

fn snapshot_id(region: &str, name: &str) -> String {
    format!("snap-{}", derived_hex(&[region, "snapshot", name], 17))
}

/// The id that an image has in a region.
pub(super) fn image_id(region: &str, name: &str) -> String {
    format!("ami-{}", derived_hex(&[region, "image", name], 17))
}
