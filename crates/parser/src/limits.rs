//! Limits that the kernel and the tar format put on names.

/// Longest path of an image in bytes: Linux's `PATH_MAX` (4096) without the closing NUL.
pub const MAX_PATH_BYTES: usize = 4095;

/// Longest path component in bytes: `NAME_MAX` of every file system that images are unpacked on.
pub const MAX_COMPONENT_BYTES: usize = 255;

/// Longest target of a symbolic link in bytes: `PATH_MAX` without the closing NUL.
pub const MAX_LINK_TARGET_BYTES: usize = 4095;
