//! Recipe to plan, closure to image spec, and what is proved about it.
//!
//! Pure: nothing here touches a file, the clock or the environment. Start reading at [`node`], then
//! [`Plan`], [`Closure`] and [`ImageSpec`]: the data that flows between the phases.

#![forbid(unsafe_code)]

mod assemble;
mod check;
mod closure;
mod digest;
mod encode;
mod facts;
mod layer_plan;
pub mod lock;
mod lower;
pub mod node;
mod origin;
mod plan;
mod record;
mod spec;
mod stack;
mod tree;

pub use assemble::{AssembleError, CODES as ASSEMBLE_CODES, assemble};
pub use check::{CODES as CHECK_CODES, Evidence, Finding, Want, check};
pub use closure::{Closure, Content, Found, Need, Reason, Rule};
pub use digest::{BlobDigest, DiffId, Digest, NodeId};
pub use encode::PLAN_VERSION;
pub use facts::{ElfFacts, ElfKind, Mention};
pub use imgc_parser as recipe;
pub use layer_plan::{LayerPlan, LayerPurpose, MIN_LAYER_BYTES};
pub use lower::{CODES as PLAN_CODES, DEFAULT_PATH, PlanError, plan};
pub use node::{Node, NodeKind};
pub use origin::{Origins, Place, Setting};
pub use plan::Plan;
pub use record::{RecordReader, RecordWriter};
pub use spec::{ConfigSpec, Entry, EntryKind, ImageSpec, LayerSpec};
pub use stack::stack;
pub use tree::{ImageTree, Lost};
