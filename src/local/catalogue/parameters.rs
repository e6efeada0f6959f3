//! The public parameters that name the newest images.

use super::images::{AL2023, AL2023_ARM, PYTORCH, image_id};

/// Gives the image that a public parameter names in a region.
pub(crate) fn parameter(region: &str, name: &str) -> Option<String> {
    let image = match name {
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" => AL2023,
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64" => AL2023_ARM,
        "/aws/service/deeplearning/ami/x86_64/oss-nvidia-driver-gpu-pytorch-2.7-ubuntu-22.04/latest/ami-id" => {
            PYTORCH
        }
        _ => return None,
    };
    Some(image_id(region, image))
}
