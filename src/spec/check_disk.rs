//! Whether a disk's figures fit its type.

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::model_group::{DiskKindSpec, DiskSpec, VolumeSpec};
use crate::resource::{DiskKind, Size, Throughput};

/// The figures of a root disk or of a further one.
pub(super) struct Figures<'a> {
    is_root: bool,
    size: Option<&'a str>,
    kind: DiskKindSpec,
    iops: Option<u32>,
    throughput: Option<&'a str>,
}

impl<'a> Figures<'a> {
    pub(super) fn of_root(disk: &'a DiskSpec) -> Self {
        let DiskSpec {
            size,
            kind,
            iops,
            throughput,
            encrypted: _,
            keep: _,
        } = disk;
        Self {
            is_root: true,
            size: size.as_deref(),
            kind: *kind,
            iops: *iops,
            throughput: throughput.as_deref(),
        }
    }

    pub(super) fn of_volume(volume: &'a VolumeSpec) -> Self {
        let VolumeSpec {
            size,
            kind,
            iops,
            throughput,
            encrypted: _,
            keep: _,
        } = volume;
        Self {
            is_root: false,
            size: Some(size),
            kind: *kind,
            iops: *iops,
            throughput: throughput.as_deref(),
        }
    }
}

/// Bounds of each type of volume (EC2 API, `CreateVolume`).
pub(super) fn check_disk(disk: &Figures<'_>, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let (name, smallest, largest, rates) = match disk.kind {
        DiskKindSpec::Gp3 => ("a gp3", 1, 65_536, Some((3_000, 80_000))),
        DiskKindSpec::Gp2 => ("a gp2", 1, 16_384, None),
        DiskKindSpec::Io1 => ("an io1", 4, 16_384, Some((100, 64_000))),
        DiskKindSpec::Io2 => ("an io2", 4, 65_536, Some((100, 256_000))),
        DiskKindSpec::St1 => ("an st1", 125, 16_384, None),
        DiskKindSpec::Sc1 => ("an sc1", 125, 16_384, None),
    };
    if let Some(size) = disk.size.and_then(|size| size.parse::<Size>().ok())
        && !(smallest..=largest).contains(&size.gibibytes())
    {
        found.push(
            Diagnostic::at(
                path.key("size"),
                Code::BadDisk,
                format!("{name} disk cannot have {size}"),
            )
            .help(format!("it has from {smallest} GiB to {largest} GiB")),
        );
    }
    match (disk.iops, rates) {
        (Some(iops), Some((low, high))) if !(low..=high).contains(&iops) => found.push(
            Diagnostic::at(
                path.key("iops"),
                Code::BadDisk,
                format!("{name} disk cannot have {iops} operations a second"),
            )
            .help(format!("it has from {low} to {high}")),
        ),
        (Some(_), None) => found.push(
            Diagnostic::at(
                path.the_key("iops"),
                Code::BadDisk,
                format!("{name} disk has no rate to set"),
            )
            .help("remove `iops`, or choose gp3, io1 or io2"),
        ),
        (None, Some(_)) if matches!(disk.kind, DiskKindSpec::Io1 | DiskKindSpec::Io2) => found
            .push(
                Diagnostic::at(
                    path.clone(),
                    Code::BadDisk,
                    format!("{name} disk needs its rate"),
                )
                .help("add `iops: 4000`"),
            ),
        _ => {}
    }
    if disk.throughput.is_some() && disk.kind != DiskKindSpec::Gp3 {
        found.push(
            Diagnostic::at(
                path.the_key("throughput"),
                Code::BadDisk,
                format!("{name} disk has no throughput to set"),
            )
            .help("remove `throughput`, or choose gp3"),
        );
    }
    let rate = disk
        .throughput
        .and_then(|rate| rate.parse::<Throughput>().ok());
    if let Some(rate) = rate.filter(|rate| !(125..=2_000).contains(&rate.mebibytes_per_second())) {
        found.push(
            Diagnostic::at(
                path.key("throughput"),
                Code::BadDisk,
                format!("a gp3 disk cannot have {rate}"),
            )
            .help("it has from 125 MiB/s to 2000 MiB/s"),
        );
    }
    ratios(disk, path, found);
    root(disk, path, found);
}

/// Magnetic disks hold data, not systems.
fn root(disk: &Figures<'_>, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let kind = DiskKind::from(disk.kind);
    if disk.is_root && !kind.boots() {
        found.push(
            Diagnostic::at(
                path.key("type"),
                Code::BadDisk,
                format!("an instance cannot boot from an {} disk", kind.as_str()),
            )
            .help("choose gp3, and put what is large on a disk under `volumes`"),
        );
    }
}

/// The bounds of one figure by another (EBS user guide, volume types).
fn ratios(disk: &Figures<'_>, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let size = disk.size.and_then(|size| size.parse::<Size>().ok());
    let kind = DiskKind::from(disk.kind);
    if let (Some(size), Some(iops)) = (size, disk.iops)
        && let Some(most) = kind.most_iops(size.gibibytes())
        && iops > most
    {
        let each = kind.iops_per_gibibyte().unwrap_or_default();
        found.push(
            Diagnostic::at(
                path.key("iops"),
                Code::BadDisk,
                format!("a disk of {size} cannot have {iops} operations a second"),
            )
            .help(format!("it has at most {most}: {each} for each GiB")),
        );
    }
    let rate = disk
        .throughput
        .and_then(|rate| rate.parse::<Throughput>().ok());
    if let Some(rate) = rate.filter(|_| disk.kind == DiskKindSpec::Gp3) {
        let most = disk.iops.unwrap_or(3_000) / 4;
        if rate.mebibytes_per_second() > most && rate.mebibytes_per_second() <= 2_000 {
            found.push(
                Diagnostic::at(
                    path.key("throughput"),
                    Code::BadDisk,
                    format!(
                        "{rate} needs more than {} operations a second",
                        disk.iops.unwrap_or(3_000)
                    ),
                )
                .help(format!(
                    "add `iops: {}`: each operation carries at most 0.25 MiB",
                    rate.mebibytes_per_second() * 4
                )),
            );
        }
    }
}
