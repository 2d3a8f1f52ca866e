//! Recipe to plan, closure to image spec, and what is proved about it.
//!
//! Pure: nothing here touches a file, the clock or the environment. Start reading at [`node`], then
//! [`Plan`], [`Closure`] and [`ImageSpec`]: the data that flows between the phases.

mod closure;
mod digest;
pub mod node;
mod plan;
mod spec;

pub use closure::{Closure, Content, Found, Need, Reason, Rule};
pub use digest::{BlobDigest, DiffId, Digest, NodeId};
pub use imgc_parser as recipe;
pub use node::{Node, NodeKind};
pub use plan::{Origins, Plan};
pub use spec::{ConfigSpec, Entry, EntryKind, ImageSpec, LayerSpec};
