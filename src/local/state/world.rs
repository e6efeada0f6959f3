//! All accounts and regions, and the file that keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Iam, Region, Session, Stage};
use crate::local::OpenError;

/// The version of the file's layout.
const VERSION: u32 = 1;

/// The instance profiles that every account begins with.
const FIRST_PROFILES: [&str; 2] = ["default", "trainer"];

/// All accounts and regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct World {
    version: u32,
    /// By account, then by name.
    regions: BTreeMap<String, BTreeMap<String, Region>>,
    /// The names of the instance profiles.
    pub(crate) profiles: BTreeSet<String>,
    /// By access key id.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// When each code of an MFA device that nobody registered was used.
    pub(crate) codes: BTreeMap<String, Timestamp>,
    /// How many sessions were opened.
    pub(crate) opened: u64,
    /// The users, roles and MFA devices that a test has registered.
    #[serde(default)]
    pub(crate) iam: Iam,
    /// What a test has set.
    #[serde(default)]
    pub(crate) stage: Stage,
}

impl Default for World {
    fn default() -> Self {
        Self {
            version: VERSION,
            regions: BTreeMap::new(),
            profiles: FIRST_PROFILES.map(str::to_owned).into(),
            sessions: BTreeMap::new(),
            codes: BTreeMap::new(),
            opened: 0,
            iam: Iam::default(),
            stage: Stage::default(),
        }
    }
}

impl World {
    /// Finds a region, made on first sight, and what is beside it.
    pub(crate) fn region(
        &mut self,
        account: &str,
        name: &str,
    ) -> (&mut Region, &BTreeSet<String>, &mut Stage) {
        let region = self
            .regions
            .entry(account.to_owned())
            .or_default()
            .entry(name.to_owned())
            .or_insert_with(|| Region::new(account, name));
        (region, &self.profiles, &mut self.stage)
    }

    /// Every region of every account.
    pub(crate) fn all_regions(&mut self) -> impl Iterator<Item = &mut Region> {
        self.regions.values_mut().flat_map(BTreeMap::values_mut)
    }

    /// Reads the world that a folder keeps, or begins a new one.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(folder).map_err(|source| OpenError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let file = file_in(folder);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(OpenError::Read { file, source }),
        };
        let world: Self = match serde_json::from_slice(&bytes) {
            Ok(world) => world,
            Err(source) => return Err(OpenError::Corrupt { file, source }),
        };
        if world.version != VERSION {
            return Err(OpenError::Version {
                file,
                found: world.version,
                known: VERSION,
            });
        }
        Ok(world)
    }

    /// Writes the world to its folder. A killed process leaves the old file or
    /// the new one, never half of either; a power cut may take the last calls
    /// with it, which is no loss worth a flush to disk in every call.
    pub(crate) fn save(&self, folder: &Path) -> io::Result<()> {
        let mut temporary = tempfile::Builder::new()
            .prefix(".cloud-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        temporary.write_all(&serde_json::to_vec(self)?)?;
        let kept: File = temporary
            .persist(file_in(folder))
            .map_err(|refused| refused.error)?;
        drop(kept);
        Ok(())
    }
}

/// The file of the state in its folder.
fn file_in(folder: &Path) -> PathBuf {
    folder.join("cloud.json")
}
