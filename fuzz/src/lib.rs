//! What the fuzz targets share: an AWS that has whatever a spec names, values that it may
//! report, and checks of what is shown.

mod shown;
mod values;
mod world;

pub use shown::{check_plan, check_shown};
pub use values::{Instance, Kit, Moment, NOW, Tags, Text, Volume, attach, instant};
pub use world::{EVERYTHING, answer, context, desired, empty};
