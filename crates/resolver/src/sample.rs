//! ELF files made by hand, for tests: as much of them as kernels and loaders look at.

pub(crate) mod rpm;

/// `EM_X86_64`, `EM_AARCH64`.
pub(crate) const X86_64: u16 = 62;
pub(crate) const AARCH64: u16 = 183;

/// Where most samples have their loader.
pub(crate) const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A little-endian 64-bit ELF file: one `PT_LOAD` over all of it, and a dynamic table.
#[derive(Clone)]
pub(crate) struct Sample {
    machine: u16,
    interpreter: Option<String>,
    strings: Vec<(u64, String)>,
    numbers: Vec<(u64, u64)>,
    imports: Vec<String>,
    notes: Vec<u8>,
    version: Option<(String, String)>,
    extra: Vec<u8>,
}

impl Sample {
    pub(crate) fn library() -> Self {
        Self {
            machine: X86_64,
            interpreter: None,
            strings: Vec::new(),
            numbers: Vec::new(),
            imports: Vec::new(),
            notes: Vec::new(),
            version: None,
            extra: Vec::new(),
        }
    }

    pub(crate) fn program() -> Self {
        Self::library().interpreter(LOADER)
    }

    /// A file that looks like glibc's loader, with Debian's directories.
    pub(crate) fn glibc_loader() -> Self {
        Self::glibc_loader_of("2.36")
    }

    pub(crate) fn glibc_loader_of(version: &str) -> Self {
        let mut loader = Self::library().soname("ld-linux-x86-64.so.2");
        loader.extra = format!(
            "\0GNU C Library (test) stable release version {version}.\0\
             /etc/ld.so.cache\0\
             /lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0\0"
        )
        .into_bytes();
        loader
    }

    pub(crate) fn machine(mut self, machine: u16) -> Self {
        self.machine = machine;
        self
    }

    pub(crate) fn interpreter(mut self, path: &str) -> Self {
        self.interpreter = Some(path.into());
        self
    }

    /// `DT_NEEDED`
    pub(crate) fn needs(self, name: &str) -> Self {
        self.string(1, name)
    }

    /// `DT_SONAME`
    pub(crate) fn soname(self, name: &str) -> Self {
        self.string(14, name)
    }

    /// `DT_RUNPATH`
    pub(crate) fn runpath(self, list: &str) -> Self {
        self.string(29, list)
    }

    /// One `DT_VERNEED` record.
    pub(crate) fn needs_version(mut self, file: &str, version: &str) -> Self {
        self.version = Some((file.into(), version.into()));
        self
    }

    /// An undefined symbol.
    pub(crate) fn imports(mut self, name: &str) -> Self {
        self.imports.push(name.into());
        self
    }

    /// A text among the constants.
    pub(crate) fn constant(mut self, text: &str) -> Self {
        self.extra.extend_from_slice(&[b"\0", text.as_bytes(), b"\0"].concat());
        self
    }

    /// A note; `owner` has no NUL.
    pub(crate) fn note(mut self, owner: &str, kind: u32, description: &[u8]) -> Self {
        let lengths = [owner.len() + 1, description.len()];
        for word in lengths.map(|length| u32::try_from(length).unwrap()).into_iter().chain([kind]) {
            self.notes.extend_from_slice(&word.to_le_bytes());
        }
        self.notes.extend_from_slice(owner.as_bytes());
        self.notes.push(0);
        self.notes.resize(self.notes.len().next_multiple_of(4), 0);
        self.notes.extend_from_slice(description);
        self.notes.resize(self.notes.len().next_multiple_of(4), 0);
        self
    }

    /// `DF_1_PIE`: a program, as linkers mark it.
    pub(crate) fn pie(mut self) -> Self {
        self.numbers.push((0x6fff_fffb, 0x0800_0000));
        self
    }

    fn string(mut self, tag: u64, text: &str) -> Self {
        self.strings.push((tag, text.into()));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let segments =
            2 + u16::from(self.interpreter.is_some()) + u16::from(!self.notes.is_empty());
        let mut body_at = 64 + 56 * u64::from(segments);
        let mut body = Vec::new();
        let mut headers = Vec::new();
        if let Some(path) = &self.interpreter {
            body.extend_from_slice(path.as_bytes());
            body.push(0);
            headers.push((3u32, body_at, body.len() as u64));
        }
        if !self.notes.is_empty() {
            while !(body_at + body.len() as u64).is_multiple_of(4) {
                body.push(0);
            }
            headers.push((4, body_at + body.len() as u64, self.notes.len() as u64));
            body.extend_from_slice(&self.notes);
        }
        let mut dynamic = self.numbers.clone();
        let mut table = vec![0];
        let mut offset = |text: &str| {
            let at = table.len() as u64;
            table.extend_from_slice(text.as_bytes());
            table.push(0);
            at
        };
        for (tag, text) in &self.strings {
            dynamic.push((*tag, offset(text)));
        }
        let version =
            self.version.as_ref().map(|(file, version)| (offset(file), offset(version), version));
        let imports: Vec<u64> = self.imports.iter().map(|name| offset(name)).collect();
        let strings_at = body_at + body.len() as u64;
        body.extend_from_slice(&table);
        dynamic.push((5, strings_at));
        dynamic.push((10, table.len() as u64));
        while !(body_at + body.len() as u64).is_multiple_of(8) {
            body.push(0);
        }
        if !imports.is_empty() {
            dynamic.push((6, body_at + body.len() as u64));
            body.extend_from_slice(&[0; 24]);
            for name in &imports {
                body.extend_from_slice(&u32::try_from(*name).unwrap().to_le_bytes());
                // Global, and defined nowhere.
                body.extend_from_slice(&[0x12, 0, 0, 0]);
                body.extend_from_slice(&[0; 16]);
            }
            dynamic.push((4, body_at + body.len() as u64));
            let count = u32::try_from(imports.len()).unwrap() + 1;
            for word in [1, count, 0].into_iter().chain((0..count).map(|_| 0)) {
                body.extend_from_slice(&word.to_le_bytes());
            }
            while !(body_at + body.len() as u64).is_multiple_of(8) {
                body.push(0);
            }
        }
        if let Some((file, name, text)) = version {
            dynamic.push((0x6fff_fffe, body_at + body.len() as u64));
            dynamic.push((0x6fff_ffff, 1));
            let hash = text.bytes().fold(0u32, |hash, byte| {
                let hash = (hash << 4).wrapping_add(byte.into());
                let high = hash & 0xf000_0000;
                (hash ^ (high >> 24)) & !high
            });
            for half in [1u16, 1] {
                body.extend_from_slice(&half.to_le_bytes());
            }
            for word in [u32::try_from(file).unwrap(), 16, 0, hash] {
                body.extend_from_slice(&word.to_le_bytes());
            }
            for half in [0u16, 2] {
                body.extend_from_slice(&half.to_le_bytes());
            }
            for word in [u32::try_from(name).unwrap(), 0] {
                body.extend_from_slice(&word.to_le_bytes());
            }
        }
        dynamic.push((0, 0));
        let dynamic_at = body_at + body.len() as u64;
        for (tag, value) in &dynamic {
            body.extend_from_slice(&tag.to_le_bytes());
            body.extend_from_slice(&value.to_le_bytes());
        }
        headers.push((2, dynamic_at, dynamic.len() as u64 * 16));
        body.extend_from_slice(&self.extra);
        let total = body_at + body.len() as u64;
        headers.push((1, 0, total));
        body_at = 64;

        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend_from_slice(&3u16.to_le_bytes());
        file.extend_from_slice(&self.machine.to_le_bytes());
        file.extend_from_slice(&1u32.to_le_bytes());
        for word in [0u64, body_at, 0] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&0u32.to_le_bytes());
        for half in [64u16, 56, segments, 64, 0, 0] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        for (kind, at, size) in headers {
            file.extend_from_slice(&kind.to_le_bytes());
            file.extend_from_slice(&4u32.to_le_bytes());
            for word in [at, at, at, size, size, 8] {
                file.extend_from_slice(&word.to_le_bytes());
            }
        }
        file.extend_from_slice(&body);
        file
    }
}
