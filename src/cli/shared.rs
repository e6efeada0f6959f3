//! What is asked of AWS once for many specs.

use tokio::sync::OnceCell;

use crate::cloud::{Clients, CloudError, Images, observe_network};
use crate::resource::OwnNetwork;

/// What specs of one account and region share while they are planned.
///
/// A plan over many environments asks for it once; whoever looks again begins anew.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) images: Images,
    /// Groups and keys of ours, by whether placement groups are among them.
    network: [OnceCell<OwnNetwork>; 2],
}

impl Shared {
    /// What of ours there is besides instances and volumes.
    ///
    /// # Errors
    ///
    /// When a listing cannot be read to its end.
    pub(super) async fn network(
        &self,
        clients: &Clients,
        placement_groups: bool,
    ) -> Result<OwnNetwork, CloudError> {
        let [without, with] = &self.network;
        let cell = if placement_groups { with } else { without };
        let network = cell.get_or_try_init(|| observe_network(clients, placement_groups));
        network.await.cloned()
    }
}
