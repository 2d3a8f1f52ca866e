//! A tree in memory that reads like a machine: for tests, and for the image's own tree.
//!
//! Made with a chain of calls that each add one path; directories above a path are added as needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::host::{Errno, FileId, FileType, Host, HostFile, HostPath, Stat};

/// A file system in memory.
///
/// Its paths are those of the tree, so a `Root` over it has the base `/`. A link is never followed
/// here: a path that leads through one is `ENOTDIR`.
#[derive(Clone)]
pub struct Memory {
    device: u64,
    nodes: Vec<Node>,
    paths: BTreeMap<Box<[u8]>, usize>,
}

#[derive(Clone)]
struct Node {
    content: Content,
    mode: u16,
}

#[derive(Clone)]
enum Content {
    Bytes(Arc<[u8]>),
    Foreign { host: Arc<dyn Host>, path: HostPath, size: u64 },
    Directory,
    Link(Box<[u8]>),
    Special,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Returns an empty tree: a root directory.
    #[must_use]
    pub fn new() -> Self {
        Self::on_device(u64::MAX)
    }

    /// Returns an empty tree whose files are told from those of other hosts by `device`.
    #[must_use]
    pub fn on_device(device: u64) -> Self {
        let mut memory = Self { device, nodes: Vec::new(), paths: BTreeMap::new() };
        memory.insert(b"/", Content::Directory, 0o755);
        memory
    }

    /// Adds a regular file that nobody may execute.
    #[must_use]
    pub fn file(self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.with(path.as_ref(), Content::Bytes(bytes.as_ref().into()), 0o644)
    }

    /// Adds a regular file that everybody may execute.
    #[must_use]
    pub fn program(self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.with(path.as_ref(), Content::Bytes(bytes.as_ref().into()), 0o755)
    }

    /// Adds a regular file whose bytes are those of `size` bytes at `from` of another host.
    #[must_use]
    pub fn foreign(
        self,
        path: impl AsRef<[u8]>,
        host: Arc<dyn Host>,
        from: HostPath,
        size: u64,
    ) -> Self {
        self.with(path.as_ref(), Content::Foreign { host, path: from, size }, 0o755)
    }

    /// Adds a directory.
    #[must_use]
    pub fn directory(self, path: impl AsRef<[u8]>) -> Self {
        self.with(path.as_ref(), Content::Directory, 0o755)
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.with(path.as_ref(), Content::Link(target.as_ref().into()), 0o777)
    }

    /// Adds a device, fifo or socket.
    #[must_use]
    pub fn special(self, path: impl AsRef<[u8]>) -> Self {
        self.with(path.as_ref(), Content::Special, 0o600)
    }

    /// Gives a path that was added another mode.
    ///
    /// # Panics
    /// When nothing stands at `path`.
    #[must_use]
    pub fn mode(mut self, path: impl AsRef<[u8]>, mode: u16) -> Self {
        let node = *self.paths.get(path.as_ref()).expect("a path is added before its mode");
        self.nodes[node].mode = mode;
        self
    }

    /// Adds another name of a file that is there: both have one [`FileId`].
    ///
    /// # Panics
    /// When nothing stands at `existing`.
    #[must_use]
    pub fn hard_link(mut self, path: impl AsRef<[u8]>, existing: impl AsRef<[u8]>) -> Self {
        let path = path.as_ref();
        let node = *self.paths.get(existing.as_ref()).expect("a hard link's file is added first");
        self.make_parents(path);
        self.paths.insert(path.into(), node);
        self
    }

    fn with(mut self, path: &[u8], content: Content, mode: u16) -> Self {
        self.make_parents(path);
        self.insert(path, content, mode);
        self
    }

    fn make_parents(&mut self, path: &[u8]) {
        for end in (1..path.len()).filter(|end| path[*end] == b'/') {
            if !self.paths.contains_key(&path[..end]) {
                self.insert(&path[..end], Content::Directory, 0o755);
            }
        }
    }

    fn insert(&mut self, path: &[u8], content: Content, mode: u16) {
        self.nodes.push(Node { content, mode });
        self.paths.insert(path.into(), self.nodes.len() - 1);
    }

    fn find(&self, path: &HostPath) -> Result<usize, Errno> {
        let mut found = self.paths[&b"/"[..]];
        let mut walked = Vec::new();
        for name in path.as_bytes().split(|byte| *byte == b'/') {
            if name.is_empty() || name == b"." {
                continue;
            }
            if !matches!(self.nodes[found].content, Content::Directory) {
                return Err(Errno::NOTDIR);
            }
            if name.len() > 255 {
                return Err(Errno::NAMETOOLONG);
            }
            walked.push(b'/');
            walked.extend_from_slice(name);
            found = *self.paths.get(&walked[..]).ok_or(Errno::NOENT)?;
        }
        Ok(found)
    }

    fn stat(&self, node: usize) -> Stat {
        let Node { content, mode } = &self.nodes[node];
        let (file_type, size) = match content {
            Content::Bytes(bytes) => (FileType::Regular, bytes.len() as u64),
            Content::Foreign { size, .. } => (FileType::Regular, *size),
            Content::Directory => (FileType::Directory, 0),
            Content::Link(target) => (FileType::Symlink, target.len() as u64),
            Content::Special => (FileType::Special, 0),
        };
        let id = FileId { device: self.device, inode: node as u64 + 1 };
        // As the open file has them, see `MemoryFile`.
        let (mtime_ns, ctime_ns) = match content {
            Content::Foreign { host, path, .. } => {
                host.lstat(path).map_or((0, 0), |stat| (stat.mtime_ns, stat.ctime_ns))
            }
            _ => (0, 0),
        };
        Stat { file_type, id, size, mode: *mode, mtime_ns, ctime_ns }
    }
}

impl Host for Memory {
    fn lstat(&self, path: &HostPath) -> Result<Stat, Errno> {
        self.find(path).map(|node| self.stat(node))
    }

    fn read_link(&self, path: &HostPath) -> Result<Vec<u8>, Errno> {
        match &self.nodes[self.find(path)?].content {
            Content::Link(target) => Ok(target.to_vec()),
            _ => Err(Errno::INVAL),
        }
    }

    fn read_dir(&self, path: &HostPath) -> Result<Vec<Vec<u8>>, Errno> {
        if !matches!(self.nodes[self.find(path)?].content, Content::Directory) {
            return Err(Errno::NOTDIR);
        }
        let trimmed = path.as_bytes().split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let mut prefix = trimmed.filter(|name| *name != b".").fold(Vec::new(), |mut all, name| {
            all.push(b'/');
            all.extend_from_slice(name);
            all
        });
        prefix.push(b'/');
        let mut names: Vec<Vec<u8>> = self
            .paths
            .range(prefix.clone().into_boxed_slice()..)
            .map_while(|(path, _)| path.strip_prefix(&prefix[..]))
            .filter(|name| !name.is_empty() && !name.contains(&b'/'))
            .map(<[u8]>::to_vec)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, path: &HostPath) -> Result<Box<dyn HostFile>, Errno> {
        let node = self.find(path)?;
        let bytes = match &self.nodes[node].content {
            Content::Bytes(bytes) => Bytes::Here(Arc::clone(bytes)),
            Content::Foreign { host, path, .. } => Bytes::Foreign(host.open(path)?),
            Content::Directory => return Err(Errno::ISDIR),
            Content::Link(_) => return Err(Errno::LOOP),
            Content::Special => return Err(Errno::NXIO),
        };
        Ok(Box::new(MemoryFile { stat: self.stat(node), bytes }))
    }
}

struct MemoryFile {
    stat: Stat,
    bytes: Bytes,
}

enum Bytes {
    Here(Arc<[u8]>),
    Foreign(Box<dyn HostFile>),
}

impl HostFile for MemoryFile {
    fn opened(&self) -> Stat {
        self.stat
    }

    fn stat(&self) -> Result<Stat, Errno> {
        match &self.bytes {
            Bytes::Here(_) => Ok(self.stat),
            Bytes::Foreign(file) => file.stat().map(|now| Stat {
                size: now.size,
                mtime_ns: now.mtime_ns,
                ctime_ns: now.ctime_ns,
                ..self.stat
            }),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        match &self.bytes {
            Bytes::Here(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let count = buffer.len().min(bytes.len() - start);
                buffer[..count].copy_from_slice(&bytes[start..start + count]);
                Ok(count)
            }
            Bytes::Foreign(file) => file.read_at(buffer, offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> HostPath {
        HostPath::new(path.as_bytes())
    }

    #[test]
    fn a_tree_in_memory_reads_like_a_machine() {
        let memory = Memory::new()
            .file("/a/b/file", "0123")
            .hard_link("/a/other", "/a/b/file")
            .link("/a/link", "b")
            .special("/dev/null");
        assert_eq!(
            memory.read_dir(&at("/a")),
            Ok(vec![b"b".into(), b"link".into(), b"other".into()])
        );
        assert_eq!(memory.read_dir(&at("/")), Ok(vec![b"a".into(), b"dev".into()]));
        assert_eq!(memory.lstat(&at("/a/other")), memory.lstat(&at("/a/b/file")));
        assert_eq!(memory.lstat(&at("/a/link/file")), Err(Errno::NOTDIR));
        assert_eq!(memory.lstat(&at("/none")), Err(Errno::NOENT));
        assert_eq!(memory.open(&at("/dev/null")).err(), Some(Errno::NXIO));
        assert_eq!(memory.open(&at("/a/link")).err(), Some(Errno::LOOP));

        let above = Memory::on_device(1).foreign("/x", Arc::new(memory), at("/a/b/file"), 4);
        let mut buffer = [0; 2];
        let file = above.open(&at("/x")).unwrap();
        assert_eq!(file.read_at(&mut buffer, 1), Ok(2));
        assert_eq!(&buffer, b"12");
        assert_eq!(file.stat().unwrap().id, above.lstat(&at("/x")).unwrap().id);
    }
}
