//! The same recipe with the same inputs is the same image, wherever and however it is built.
//!
//! Each test builds one project twice, the second time with one thing changed that must not matter,
//! and compares the bytes of the whole archive.

mod environment;
mod files;
mod machine;
mod subject;
