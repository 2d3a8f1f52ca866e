//! Files that are still as their packages brought them, told by the MD5 sums that dpkg and ucf keep.
//!
//! Everybody can have what is in such a file, whoever may read it in the source.

use imgc_planner::recipe::ImagePath;
use md5::{Digest, Md5};

use crate::packages::Packages;

impl Packages<'_> {
    /// Tells whether a file has the bytes that its package brought. `real` is its path in the source.
    pub(crate) fn is_pristine(&self, real: &ImagePath, bytes: &[u8]) -> bool {
        let sum = sum(bytes);
        let path = real.to_string();
        // `deb-conffiles(5)`: a path, its sum, and perhaps a flag.
        let is_conffile = |owner: &&str| {
            let mut words = self.paragraph(owner).lines().map(str::split_whitespace);
            words.any(|mut words| words.next() == Some(&*path) && words.next() == Some(&*sum))
        };
        let owner = self.owner(real.as_bytes());
        owner.is_some_and(|owner| is_conffile(&owner) || self.sums(owner, real).contains(&sum))
            || self.sum_of_ucf(real) == Some(sum)
    }
}

/// Returns the MD5 sum of a file's bytes in hexadecimal digits, as dpkg writes it.
pub(crate) fn sum(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostPath;
    use crate::memory::Memory;

    #[test]
    fn a_file_is_told_by_the_sum_of_its_package_or_of_ucf() {
        // printf x | md5sum
        let x = "9dd4e461268c8034f5c8564e155c67a6";
        assert_eq!(sum(b"x"), x);
        let host = Memory::new()
            .file(
                "/var/lib/dpkg/status",
                format!("Package: app\nConffiles:\n /etc/app.conf {x}\n /etc/old {x} obsolete\n"),
            )
            .file("/var/lib/dpkg/info/app.list", "/etc/app.conf\n/etc/old\n/usr/lib/app/x\n")
            .file("/var/lib/dpkg/info/app.md5sums", format!("{x}  usr/lib/app/x\n"))
            .file("/var/lib/ucf/hashfile", format!("{x}  /etc/by-ucf\n"));
        let root = HostPath::new(b"/");
        let packages = Packages::read(&host, &root);
        let is_pristine = |path: &str, bytes: &[u8]| {
            packages.is_pristine(&ImagePath::parse(path.as_bytes()).unwrap(), bytes)
        };
        for path in ["/etc/app.conf", "/etc/old", "/usr/lib/app/x", "/etc/by-ucf"] {
            assert!(is_pristine(path, b"x"), "{path}");
            assert!(!is_pristine(path, b"password"), "{path}");
        }
        assert!(!is_pristine("/etc/other", b"x"));
    }
}
