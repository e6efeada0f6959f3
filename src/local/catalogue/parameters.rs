//! The public parameters that name the newest images.

use super::images::{
    AL2023, AL2023_ARM, BASE_AL2023, BASE_ARM, BASE_UBUNTU, PYTORCH, PYTORCH_AL2023, PYTORCH_ARM,
    image_id,
};
use crate::local::state::Stage;

/// Gives the image that a public parameter names in a region. What a test has
/// set comes first.
pub(crate) fn parameter(region: &str, name: &str, stage: &Stage) -> Option<String> {
    if let Some(value) = stage.parameters.get(name) {
        return Some(value.clone());
    }
    let image = match name {
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" => AL2023,
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64" => AL2023_ARM,
        "/aws/service/deeplearning/ami/x86_64/oss-nvidia-driver-gpu-pytorch-2.7-ubuntu-22.04/latest/ami-id" => {
            PYTORCH
        }
        "/aws/service/deeplearning/ami/x86_64/oss-nvidia-driver-gpu-pytorch-2.7-amazon-linux-2023/latest/ami-id" => {
            PYTORCH_AL2023
        }
        "/aws/service/deeplearning/ami/arm64/oss-nvidia-driver-gpu-pytorch-2.7-ubuntu-22.04/latest/ami-id" => {
            PYTORCH_ARM
        }
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id" => {
            BASE_AL2023
        }
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id" => {
            BASE_UBUNTU
        }
        "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id" => {
            BASE_ARM
        }
        _ => return None,
    };
    Some(image_id(region, image))
}
