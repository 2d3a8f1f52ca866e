//! Libraries that do something for few of those who use them.
//!
//! A library that resolves names does so for every program that needs it, unless it is one of
//! these: they can do much, and a program that calls none of the functions named here does not come
//! to that part of them. The table was made by looking at every program of a Debian machine whose
//! libraries import a function, and at what each of them can lead to.

use imgc_parser::ImagePath;

use crate::check::program::{Object, Program};

/// Beginnings of the names of libraries that are the whole of the programs that need them.
const PROGRAMS: &[&str] =
    &["libnode.so", "libsystemd-shared-", "libpython3", "libperl.so", "libruby"];

/// What of a library leads to what it imports.
struct Carrier {
    /// Beginning of its file name.
    library: &'static str,
    /// Beginnings of the names of the functions that it imports and that this row is about; empty
    /// for all.
    imported: &'static [&'static str],
    /// Beginnings of the names of its own functions that lead there; empty if none does for what a
    /// program usually wants from it.
    through: &'static [&'static str],
}

const fn carrier(
    library: &'static str,
    imported: &'static [&'static str],
    through: &'static [&'static str],
) -> Carrier {
    Carrier { library, imported, through }
}

const NAMES: &[&str] = &["getaddrinfo", "gethostby", "getnameinfo"];
const ACCOUNTS: &[&str] = &["getpw", "getgr", "initgroups"];
const CERTIFICATES: &[&str] = &["SSL_", "X509_", "gnutls_", "/etc/"];
const FILES: &[&str] = &["mk", "tmp", "tempnam"];

const CARRIERS: &[Carrier] = &[
    // Its functions for this are looked for in the program itself.
    carrier("libssl.so", CERTIFICATES, &[]),
    carrier("libgit2.so", NAMES, &["git_remote_", "git_clone"]),
    carrier("libgit2.so", CERTIFICATES, &["git_remote_", "git_clone"]),
    // Only a query over TLS verifies, with a bundle that it is given.
    carrier("libisc-", CERTIFICATES, &[]),
    carrier("libmariadb.so", CERTIFICATES, &[]),
    carrier("libldap", CERTIFICATES, &[]),
    carrier(
        "libldap",
        NAMES,
        &["ldap_initialize", "ldap_init", "ldap_open", "ldap_bind", "ldap_sasl_"],
    ),
    carrier("libkrb5", CERTIFICATES, &[]),
    // The standard library of Rust, as a library of its compiler.
    carrier("libstd-", &[], &[]),
    carrier("librustc_driver", &[], &[]),
    carrier("libsmartcols.so", &[], &[]),
    carrier("libe2p.so", &[], &[]),
    carrier("libMagickCore", &[], &[]),
    carrier("libfontconfig", &[], &[]),
    carrier("libpython3", &[], &[]),
    carrier(
        "libcrypto.so",
        NAMES,
        &["BIO_new_connect", "BIO_s_connect", "BIO_lookup", "OSSL_HTTP_"],
    ),
    carrier("libssl.so", NAMES, &["BIO_new_ssl_connect"]),
    carrier(
        "libevent",
        NAMES,
        &[
            "evutil_getaddrinfo",
            "evhttp_connection",
            "evdns_",
            "bufferevent_socket_connect_hostname",
        ],
    ),
    carrier("libuv.so", NAMES, &["uv_getaddrinfo", "uv_getnameinfo"]),
    carrier("libuv.so", ACCOUNTS, &["uv_os_get_passwd", "uv_os_get_group"]),
    carrier("libuv.so", FILES, &["uv_fs_mk"]),
    carrier("libgio-2.0.so", NAMES, &["g_socket_client_", "g_resolver_", "g_network_"]),
    carrier("libgio-2.0.so", &[], &[]),
    carrier("libglib-2.0.so", ACCOUNTS, &["g_get_user_name", "g_get_real_name"]),
    carrier("libglib-2.0.so", FILES, &["g_file_open_tmp", "g_mkstemp", "g_dir_make_tmp"]),
    carrier("libapr-1.so", NAMES, &["apr_sockaddr_info_get", "apr_getnameinfo"]),
    carrier("libapr-1.so", ACCOUNTS, &["apr_uid_", "apr_gid_"]),
    carrier("libapr-1.so", FILES, &["apr_temp_dir_get", "apr_file_mktemp"]),
    carrier(
        "libnspr4.so",
        NAMES,
        &["PR_GetAddrInfoByName", "PR_GetHostByName", "PR_GetIPNodeByName"],
    ),
    carrier("libnspr4.so", &[], &[]),
    // Texts of access lists that name users: few files have any.
    carrier("libacl.so", ACCOUNTS, &[]),
    carrier(
        "libarchive.so",
        ACCOUNTS,
        &["archive_write_disk_set_standard_lookup", "archive_read_disk_set_standard_lookup"],
    ),
    carrier("libarchive.so", &[], &[]),
    // Filters name hosts seldom.
    carrier("libpcap.so", NAMES, &["pcap_nametoaddr"]),
    carrier("libpcap.so", &[], &[]),
    // The home directory and the name of the user, which they take from the environment first.
    carrier("libcurl", ACCOUNTS, &[]),
    carrier("libgit2.so", ACCOUNTS, &[]),
    carrier("libmariadb.so", ACCOUNTS, &[]),
    carrier("libmysqlclient.so", ACCOUNTS, &[]),
    carrier("libreadline.so", &[], &[]),
    carrier("libedit.so", &[], &[]),
    carrier("libhistory.so", &[], &[]),
    carrier("libldap", ACCOUNTS, &[]),
    carrier("libldap", FILES, &[]),
    carrier("libsasl2.so", &[], &[]),
    // Their files are few, and their owners' choice.
    carrier("libmagic.so", FILES, &[]),
    carrier("libcurl", FILES, &[]),
    // Name servers, users and files of a machine that a desktop or an administrator has.
    carrier("libICE.so", &[], &[]),
    carrier("libSM.so", &[], &[]),
    carrier("libLLVM", &[], &[]),
    carrier("libQt5Core", &[], &[]),
    carrier("libQt6Core", &[], &[]),
    carrier("libX", &[], &[]),
    carrier("libxcb", &[], &[]),
    carrier("libasound.so", &[], &[]),
    carrier("libaudit.so", &[], &[]),
    carrier("libavahi", &[], &[]),
    carrier("libblkid.so", &[], &[]),
    carrier("libbsd.so", &[], &[]),
    carrier("libc++", &[], &[]),
    carrier("libcap-ng.so", &[], &[]),
    carrier("libcap.so", &[], &[]),
    carrier("libcups", &[], &[]),
    carrier("libdbus-1.so", &[], &[]),
    carrier("libdevmapper", &[], &[]),
    carrier("libdw.so", &[], &[]),
    carrier("libelf", &[], &[]),
    carrier("libgcrypt.so", &[], &[]),
    carrier("libgpg-error.so", &[], &[]),
    carrier("libgpgme.so", &[], &[]),
    carrier("libgssapi", &[], &[]),
    carrier("libgtk", &[], &[]),
    carrier("libgdk", &[], &[]),
    carrier("libkrb5", &[], &[]),
    carrier("libk5crypto", &[], &[]),
    carrier("libkadm5", &[], &[]),
    carrier("libmount.so", &[], &[]),
    carrier("libncurses", &[], &[]),
    carrier("libnl-", &[], &[]),
    carrier("libp11-kit", &[], &[]),
    carrier("libpam", NAMES, &[]),
    carrier("libpam", FILES, &[]),
    carrier("libpulse", &[], &[]),
    carrier("libselinux.so", &[], &[]),
    carrier("libsemanage", &[], &[]),
    carrier("libslang", &[], &[]),
    carrier("libsqlite3.so", &[], &[]),
    carrier("libstdc++.so", &[], &[]),
    carrier("libsystemd.so", &[], &[]),
    carrier("libtcl", &[], &[]),
    carrier("libtinfo", &[], &[]),
    carrier("libudev.so", &[], &[]),
    carrier("libusb", &[], &[]),
    carrier("libuuid.so", &[], &[]),
    carrier("libxml2.so", &[], &[]),
    carrier("libxslt", &[], &[]),
];

/// Tells whether a library is the whole of the programs that need it.
pub(super) fn is_program(library: &ImagePath) -> bool {
    let name = library.file_name().unwrap_or_default();
    PROGRAMS.iter().any(|start| name.starts_with(start.as_bytes()))
}

/// Beginnings of the names of libraries that connect to others by their names, for every program that
/// needs them itself.
const CLIENTS: &[&str] = &[
    "libamqp",
    "libaria2",
    "libasyncns",
    "libbind",
    "libcares",
    "libcurl",
    "libdns",
    "libesmtp",
    "libetpan",
    "libfetch",
    "libgetdns",
    "libhiredis",
    "libisc",
    "libldns",
    "libmariadb",
    "libmemcached",
    "libmongoc",
    "libmosquitto",
    "libmysqlclient",
    "libneon",
    "libnet.so",
    "libnfs",
    "libpq.so",
    "librabbitmq",
    "librados",
    "librdkafka",
    "librtmp",
    "libserf",
    "libsmbclient",
    "libsoup",
    "libspf2",
    "libssh",
    "libstrophe",
    "libsvn_ra",
    "libtorrent",
    "libunbound",
    "libxmlsec1",
];

/// Tells whether a library connects to others for every program that needs it.
pub(super) fn is_for_clients(library: &ImagePath) -> bool {
    let name = library.file_name().unwrap_or_default();
    CLIENTS.iter().any(|start| name.starts_with(start.as_bytes()))
}

/// Tells whether a program that needs a library comes by that to a function that the library calls.
pub(super) fn carries(library: &Object<'_>, function: &str, program: &Program<'_>) -> bool {
    leads(library, function, program).unwrap_or(true)
}

/// Tells the same if the table has the library; else nothing is known.
pub(super) fn leads(library: &Object<'_>, function: &str, program: &Program<'_>) -> Option<bool> {
    let name = library.path.file_name().unwrap_or_default();
    let is_about = |carrier: &&Carrier| {
        name.starts_with(carrier.library.as_bytes())
            && (carrier.imported.is_empty()
                || carrier.imported.iter().any(|start| function.starts_with(start)))
    };
    let carrier = CARRIERS.iter().find(is_about)?;
    let leads =
        |import: &[u8]| carrier.through.iter().any(|start| import.starts_with(start.as_bytes()));
    Some(program.file.facts.imports.iter().any(|import| leads(import)))
}
