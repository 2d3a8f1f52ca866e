//! Families of plug-ins that are known: what makes a program look for them, and where they lie.
//!
//! One table. Each row was seen in runs of real programs (`LD_DEBUG=files`) in roots without the
//! files, or is taken from the documentation that it names. A row speaks only if the sources have
//! files of the family and the image has none: what an administrator has left out of a machine, no
//! program of it uses.

use imgc_planner::Mention;

/// One family.
pub(super) struct PluginFamily {
    /// What it is, as the object of "opens".
    pub(super) name: &'static str,
    pub(super) trigger: Trigger,
    /// Whose absence is told, each by itself.
    pub(super) files: &'static [Files],
    /// What happens without them.
    pub(super) without: &'static str,
    /// Whether that is worth a warning; a remark if not.
    pub(super) warns: bool,
    /// What else must hold.
    pub(super) condition: Condition,
}

/// What makes a program look for a family.
pub(super) enum Trigger {
    /// It is one of these programs: names with patterns.
    Program(&'static [&'static str]),
    /// It needs this library itself, by `DT_NEEDED`, and not only through another one: the start of
    /// its name.
    Needs(&'static str),
    /// This library is loaded with it.
    Loads(&'static str),
    /// It refers to one of these functions itself.
    Imports(&'static [&'static str]),
    /// It, or a library other than the C library, refers to one of these functions.
    AnyImports(&'static [&'static str]),
}

/// What else must hold.
pub(super) enum Condition {
    Always,
    /// glibc before a version: later ones have it built in.
    GlibcBefore((u16, u16)),
    /// glibc, of any version: other C libraries do without.
    Glibc,
    /// glibc, and this stands in the constants of the program.
    Mentions(Mention),
    /// The program refers to this function itself.
    Imports(&'static str),
    /// A class of the image's draws text.
    DrawsInJava,
    /// The image has something at this path.
    ImageHas(&'static str),
    /// A line of one of these files of the image has this word outside of a comment.
    Configured(&'static [&'static str], &'static str),
}

/// Where files of a family lie.
pub(super) enum Files {
    /// Below the directory of what has triggered, each file a library. `{stem}` is the name of that
    /// without `lib` and from `.so` on.
    Libraries(&'static str),
    /// Below the same directory, a tree with all that is in it.
    Tree(&'static str),
    /// The same but for what is below a name in it, if it has that.
    TreeWithout(&'static str, &'static str),
    /// The tree below the same directory that has this file.
    TreeWith(&'static str, &'static str),
    /// Below the directory of the C library, or the same below `/usr`: a tree.
    CharsetsOfLibc(&'static str),
    /// The directory of this library that is loaded too: libraries.
    LibrariesBeside(&'static str, &'static str),
    /// A tree at an absolute path with patterns.
    TreeAt(&'static str),
    /// Trees of which one stands for all.
    TreesAt(&'static [&'static str]),
    /// A file at an absolute path.
    FileAt(&'static str),
    /// A library that the loader searches by this name.
    Named(&'static str),
}

/// Functions that look users, groups, hosts or services up (`nss(5)`).
const NAME_SERVICES: &[&str] = &[
    "getaddrinfo",
    "getgrgid",
    "getgrgid_r",
    "getgrnam",
    "getgrnam_r",
    "getgrouplist",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname2",
    "gethostbyname_r",
    "getnameinfo",
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getservbyname",
    "getservbyport",
    "initgroups",
];

/// Where Debian's packages put modules of Python ("Debian Python Policy", module path).
const MODULES_OF_PACKAGES: &str = "dist-packages";

/// Fonts, with what fontconfig reads and where its links lead (fontconfig user manual, "Files").
const fn fonts(trigger: Trigger, warns: bool) -> PluginFamily {
    PluginFamily {
        name: "fonts and their configuration",
        trigger,
        files: &[
            Files::TreesAt(&["/etc/fonts", "/usr/share/fontconfig"]),
            Files::TreeAt("/usr/share/fonts"),
        ],
        without: "text is drawn as boxes, or not at all",
        warns,
        condition: Condition::Always,
    }
}

/// What gdk-pixbuf reads.
const PIXBUF: &[Files] = &[Files::Tree("gdk-pixbuf-2.0"), Files::TreeAt("/usr/share/mime")];

/// The programs of a Java Development Kit, which are all launchers of one virtual machine (JDK tool
/// specifications).
const JAVA: &[&str] = &[
    "jar",
    "jarsigner",
    "java",
    "javac",
    "javadoc",
    "javap",
    "jcmd",
    "jconsole",
    "jdb",
    "jdeprscan",
    "jdeps",
    "jfr",
    "jhsdb",
    "jimage",
    "jinfo",
    "jlink",
    "jmap",
    "jmod",
    "jpackage",
    "jps",
    "jrunscript",
    "jshell",
    "jstack",
    "jstat",
    "jstatd",
    "jwebserver",
    "keytool",
    "rmiregistry",
    "serialver",
];

/// What ImageMagick reads: its coders, and the policy for them.
const MAGICK: &[Files] =
    &[Files::Tree("ImageMagick-*/modules-*/coders"), Files::TreeAt("/etc/ImageMagick-*")];

pub(super) const FAMILIES: &[PluginFamily] = &[
    // glibc NEWS, 2.34: the modules `files` and `dns` are built into libc since then. Measured on
    // 2.36: `getent passwd` and `getent hosts` work without any module.
    PluginFamily {
        name: "the modules of the name services `files` and `dns`",
        trigger: Trigger::AnyImports(NAME_SERVICES),
        files: &[Files::Named("libnss_files.so.2"), Files::Named("libnss_dns.so.2")],
        without: "users and hosts are not found",
        warns: true,
        condition: Condition::GlibcBefore((2, 34)),
    },
    // Measured on 2.36: ASCII, UTF-8, UCS-2 and UCS-4 are built in; UTF-16, ISO-8859-1 and all others
    // are not, and modules without their index do not work. Of the programs that import iconv_open,
    // those that name no such set (bash, diff, tar) convert to that of their surroundings.
    // poppler-cpp keeps texts as UTF-16 and converts them by iconv. Measured on 22.12: pdfgrep finds
    // nothing.
    PluginFamily {
        name: "the character sets of iconv",
        trigger: Trigger::Loads("libpoppler-cpp.so"),
        files: &[Files::CharsetsOfLibc("gconv")],
        without: "texts of documents are empty",
        warns: true,
        condition: Condition::Glibc,
    },
    PluginFamily {
        name: "the character sets of iconv",
        trigger: Trigger::Imports(&["iconv_open"]),
        files: &[Files::CharsetsOfLibc("gconv")],
        without: "it converts ASCII, UTF-8, UCS-2 and UCS-4 alone",
        warns: true,
        condition: Condition::Mentions(Mention::CharacterSetNames),
    },
    PluginFamily {
        name: "the character sets of iconv",
        trigger: Trigger::Program(&["iconv"]),
        files: &[Files::CharsetsOfLibc("gconv")],
        without: "it converts ASCII, UTF-8, UCS-2 and UCS-4 alone",
        warns: true,
        condition: Condition::Glibc,
    },
    // GNU libunistring manual, "uniconv.h": it converts by iconv for those who use it. Measured on 1.0
    // with `boxes`, which ends without ISO-8859-15.
    PluginFamily {
        name: "the character sets of iconv",
        trigger: Trigger::Imports(&[
            "u8_conv_from_encoding",
            "u8_strconv_from_encoding",
            "u16_conv_from_encoding",
            "u16_strconv_from_encoding",
            "u32_conv_from_encoding",
            "u32_strconv_from_encoding",
        ]),
        files: &[Files::CharsetsOfLibc("gconv")],
        without: "it converts ASCII, UTF-8, UCS-2 and UCS-4 alone",
        warns: true,
        condition: Condition::Glibc,
    },
    // Guile manual, "Encoding": ports are ISO-8859-1 by default. Measured on 3.0: it ends with a
    // segmentation fault.
    PluginFamily {
        name: "the character sets of iconv",
        trigger: Trigger::Loads("libguile-"),
        files: &[Files::CharsetsOfLibc("gconv")],
        without: "it does not start without ISO-8859-1",
        warns: true,
        condition: Condition::Glibc,
    },
    PluginFamily {
        name: "the character sets of iconv",
        trigger: Trigger::Imports(&["iconv_open"]),
        files: &[Files::CharsetsOfLibc("gconv")],
        without: "it converts ASCII, UTF-8, UCS-2 and UCS-4 alone",
        warns: false,
        condition: Condition::Glibc,
    },
    // Measured: `su` refuses every login. A program that can do PAM and has no /etc/pam.d does not.
    PluginFamily {
        name: "the modules of PAM",
        trigger: Trigger::Loads("libpam.so.0"),
        files: &[Files::Libraries("security/pam_*.so")],
        without: "every login by PAM is refused",
        warns: true,
        condition: Condition::ImageHas("/etc/pam.d"),
    },
    // pam(7): without a configuration of the service, every request is refused.
    PluginFamily {
        name: "the configuration of PAM and its modules",
        trigger: Trigger::Imports(&["pam_start"]),
        files: &[
            Files::TreeAt("/etc/pam.d"),
            Files::LibrariesBeside("libpam.so.0", "security/pam_*.so"),
        ],
        without: "every login by PAM is refused",
        warns: false,
        condition: Condition::Always,
    },
    // provider(7): the default provider is built in, others are loaded if the configuration or the
    // program names them.
    PluginFamily {
        name: "the providers of OpenSSL",
        trigger: Trigger::Loads("libcrypto.so.3"),
        files: &[Files::Libraries("ossl-modules/*.so")],
        without: "the configuration of the image asks for `legacy`, which cannot be loaded",
        warns: true,
        condition: Condition::Configured(
            &["/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"],
            "legacy_sect",
        ),
    },
    PluginFamily {
        name: "the providers of OpenSSL",
        trigger: Trigger::AnyImports(&["OSSL_PROVIDER_load", "OSSL_PROVIDER_try_load"]),
        files: &[Files::LibrariesBeside("libcrypto.so.3", "ossl-modules/*.so")],
        without: "it has the default provider alone, without `legacy`",
        warns: false,
        condition: Condition::Always,
    },
    // Measured: `kinit` with a password works without, pkinit and spake are off.
    PluginFamily {
        name: "the plug-ins of Kerberos",
        trigger: Trigger::Needs("libkrb5.so.3"),
        files: &[Files::Libraries("krb5/plugins/*/*.so")],
        without: "pkinit and spake are off",
        warns: false,
        condition: Condition::Always,
    },
    // krb5.conf(5). Measured: `kdb5_util` ends with "while retrieving configuration parameters".
    PluginFamily {
        name: "the configuration of Kerberos",
        trigger: Trigger::Needs("libkrb5.so.3"),
        files: &[Files::FileAt("/etc/krb5.conf")],
        without: "it knows no realm",
        warns: false,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the configuration of Kerberos",
        trigger: Trigger::Needs("libgssapi_krb5.so.2"),
        files: &[Files::FileAt("/etc/krb5.conf")],
        without: "it knows no realm",
        warns: false,
        condition: Condition::Always,
    },
    // Seen in runs: every mechanism is a plug-in. What only links libldap seldom uses one.
    PluginFamily {
        name: "the mechanisms of SASL",
        trigger: Trigger::Needs("libsasl2.so.2"),
        files: &[Files::Libraries("sasl2/*.so")],
        without: "it has no mechanism to authenticate by",
        warns: true,
        condition: Condition::Always,
    },
    // Seen in runs.
    PluginFamily {
        name: "the modules of p11-kit",
        trigger: Trigger::Needs("libp11-kit.so.0"),
        files: &[Files::Libraries("pkcs11/*.so")],
        without: "it sees neither tokens nor the system's trusted certificates",
        warns: false,
        condition: Condition::Always,
    },
    // Seen in runs: without its standard library the interpreter does not start (No module named
    // 'encodings'). What packages put beside it are parts of modules that lie elsewhere (NumPy): alone,
    // a part is taken for the module.
    PluginFamily {
        name: "the modules of Python",
        trigger: Trigger::Program(&["python[23]", "python[23].*"]),
        files: &[Files::TreeWithout("../lib/{stem}", MODULES_OF_PACKAGES)],
        without: "the interpreter does not start",
        warns: true,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the modules of Python",
        trigger: Trigger::Loads("libpython3"),
        files: &[
            Files::TreeWithout("../{stem}", MODULES_OF_PACKAGES),
            Files::TreeWithout("{stem}", MODULES_OF_PACKAGES),
        ],
        without: "the interpreter does not start",
        warns: true,
        condition: Condition::Always,
    },
    // Seen in runs: not even `use strict` works.
    PluginFamily {
        name: "the modules of Perl",
        trigger: Trigger::Program(&["perl", "perl5*"]),
        files: &[Files::TreesAt(&["/usr/lib/*/perl-base", "/usr/lib64/perl5", "/usr/lib/perl5"])],
        without: "scripts that use any module fail",
        warns: true,
        condition: Condition::Always,
    },
    // Qt documentation, "Deploying Qt Applications": the platform plug-in is the minimum.
    PluginFamily {
        name: "the platform plug-ins of Qt",
        trigger: Trigger::Loads("libQt5Gui.so.5"),
        files: &[Files::Libraries("qt5/plugins/platforms/libq*.so")],
        without: "it ends with \"could not find the Qt platform plugin\"",
        warns: true,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the platform plug-ins of Qt",
        trigger: Trigger::Loads("libQt6Gui.so.6"),
        files: &[Files::Libraries("qt6/plugins/platforms/libq*.so")],
        without: "it ends with \"could not find the Qt platform plugin\"",
        warns: true,
        condition: Condition::Always,
    },
    // Qt documentation, "SQL Database Drivers". Seen in runs: `quasselcore` ends with "Could not initialize
    // any storage backend".
    PluginFamily {
        name: "the drivers of Qt for databases",
        trigger: Trigger::Imports(&[
            "_ZN12QSqlDatabase11addDatabaseERK7QStringS2_",
            "_ZN12QSqlDatabase17isDriverAvailableERK7QString",
        ]),
        files: &[
            Files::LibrariesBeside("libQt5Sql.so.5", "qt5/plugins/sqldrivers/*.so"),
            Files::LibrariesBeside("libQt6Sql.so.6", "qt6/plugins/sqldrivers/*.so"),
        ],
        without: "it can use no database",
        warns: true,
        condition: Condition::Always,
    },
    // Qt documentation, `QImageReader`: formats other than PNG and a few of old are plug-ins.
    PluginFamily {
        name: "the formats of images of Qt",
        trigger: Trigger::Loads("libQt5Gui.so.5"),
        files: &[Files::Libraries("qt5/plugins/imageformats/*.so")],
        without: "it reads neither JPEG nor GIF",
        warns: false,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the formats of images of Qt",
        trigger: Trigger::Loads("libQt6Gui.so.6"),
        files: &[Files::Libraries("qt6/plugins/imageformats/*.so")],
        without: "it reads neither JPEG nor GIF",
        warns: false,
        condition: Condition::Always,
    },
    // Qt documentation, `QSslSocket`: since version 6 what does TLS is a plug-in.
    PluginFamily {
        name: "the plug-ins of Qt for TLS",
        trigger: Trigger::Loads("libQt6Network.so.6"),
        files: &[Files::Libraries("qt6/plugins/tls/*.so")],
        without: "it makes no connections by TLS",
        warns: false,
        condition: Condition::Always,
    },
    // gdk-pixbuf documentation, gdk-pixbuf-query-loaders(1): loaders and their index. Debian's asks GIO
    // which format it is. Measured on 2.42: without the MIME types none is recognized.
    PluginFamily {
        name: "the loaders of gdk-pixbuf and the MIME types by which it chooses one",
        trigger: Trigger::Needs("libgdk_pixbuf-2.0.so.0"),
        files: PIXBUF,
        without: "no format of images is recognized, or those alone that are built in",
        warns: true,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the loaders of gdk-pixbuf and the MIME types by which it chooses one",
        trigger: Trigger::Loads("libgdk_pixbuf-2.0.so.0"),
        files: PIXBUF,
        without: "no format of images is recognized, or those alone that are built in",
        warns: false,
        condition: Condition::Always,
    },
    // GObject Introspection, g-ir-compiler(1): typelibs are looked for in libdir/girepository-1.0.
    // Measured: `gjs` ends with "Typelib file for namespace 'GLib' not found".
    PluginFamily {
        name: "descriptions of libraries (typelibs)",
        trigger: Trigger::Loads("libgirepository-1.0.so.1"),
        files: &[Files::Tree("girepository-1.0")],
        without: "no library can be used from a script",
        warns: true,
        condition: Condition::Always,
    },
    // hunspell(1), "FILES". The library has no directory in itself.
    PluginFamily {
        name: "the dictionaries of Hunspell",
        trigger: Trigger::Loads("libhunspell-"),
        files: &[Files::TreeAt("/usr/share/hunspell")],
        without: "it knows no language",
        warns: true,
        condition: Condition::Always,
    },
    // GIO reference, "GSettings": schemas come from glib-2.0/schemas in XDG_DATA_DIRS. Without its
    // schema a program ends.
    PluginFamily {
        name: "schemas of settings",
        trigger: Trigger::Imports(&[
            "g_settings_new",
            "g_settings_new_full",
            "g_settings_new_with_path",
            "g_settings_schema_source_get_default",
        ]),
        files: &[Files::TreeAt("/usr/share/glib-2.0/schemas")],
        without: "it ends if it asks for one",
        warns: true,
        condition: Condition::Always,
    },
    // GIO reference, "GContentType"; shared-mime-info specification.
    PluginFamily {
        name: "the database of MIME types",
        trigger: Trigger::Imports(&[
            "g_content_type_guess",
            "g_content_type_get_description",
            "g_file_query_info",
            "g_file_info_get_content_type",
            "xdg_mime_get_mime_type_for_file",
        ]),
        files: &[Files::TreeAt("/usr/share/mime")],
        without: "types of files are guessed from little",
        warns: false,
        condition: Condition::Always,
    },
    // clang-sys, "Dependencies": it opens whatever version of libclang is there. Its package depends on
    // none.
    PluginFamily {
        name: "libclang",
        trigger: Trigger::Program(&["bindgen"]),
        files: &[Files::LibrariesBeside("libc.so.6", "libclang-*.so.*")],
        without: "it reads no header",
        warns: true,
        condition: Condition::Always,
    },
    // XML Catalogs (OASIS), and libxml2's documentation, "Catalog support".
    PluginFamily {
        name: "the catalog of XML",
        trigger: Trigger::Imports(&["xmlLoadCatalogs", "xmlInitializeCatalog"]),
        files: &[Files::FileAt("/etc/xml/catalog")],
        without: "documents find schemas and style sheets by network alone",
        warns: false,
        condition: Condition::Always,
    },
    // Mono's `config`, in which the libraries of .NET have other names: files are read through this one.
    PluginFamily {
        name: "Mono's native library",
        trigger: Trigger::Program(&["mono", "mono-sgen"]),
        files: &[Files::Named("libmono-native.so")],
        without: "programs find no file",
        warns: true,
        condition: Condition::Always,
    },
    // GIO reference, "GIOModule": TLS and proxies are modules.
    PluginFamily {
        name: "the modules of GIO",
        trigger: Trigger::Needs("libgio-2.0.so.0"),
        files: &[Files::LibrariesBeside("libgio-2.0.so.0", "gio/modules/*.so")],
        without: "it has neither TLS nor settings that last",
        warns: false,
        condition: Condition::Always,
    },
    fonts(Trigger::Needs("libfontconfig.so.1"), true),
    fonts(Trigger::Needs("libpango-1.0.so.0"), true),
    fonts(Trigger::Loads("libfontconfig.so.1"), false),
    // Measured with OpenJDK 17: "Fontconfig head is null".
    PluginFamily {
        name: "fonts, and what finds them",
        trigger: Trigger::Program(JAVA),
        files: &[
            Files::Named("libfontconfig.so.1"),
            Files::TreesAt(&["/etc/fonts", "/usr/share/fontconfig"]),
            Files::TreeAt("/usr/share/fonts"),
        ],
        without: "classes that draw text fail",
        warns: false,
        condition: Condition::DrawsInJava,
    },
    // Kpathsea manual, "Filename lookup"; Debian's "TeX Policy". Measured with pdftex: without the
    // formats it starts `mktexfmt`.
    PluginFamily {
        name: "formats, fonts and macros of TeX",
        trigger: Trigger::Program(&["tex", "etex", "pdftex", "luatex", "luahbtex", "xetex"]),
        files: &[
            Files::TreeAt("/etc/texmf"),
            Files::TreeAt("/usr/share/texmf"),
            Files::TreeAt("/usr/share/texlive/texmf-dist"),
            Files::TreeAt("/var/lib/texmf"),
        ],
        without: "it knows no format",
        warns: true,
        condition: Condition::Always,
    },
    // Kpathsea manual, "Config files": there stands where the files of TeX lie.
    PluginFamily {
        name: "formats, fonts and macros of TeX",
        trigger: Trigger::Needs("libkpathsea.so."),
        files: &[
            Files::TreeAt("/etc/texmf/web2c"),
            Files::TreeAt("/usr/share/texmf/web2c"),
            Files::TreeAt("/usr/share/texlive/texmf-dist/web2c"),
        ],
        without: "it finds no file by its name",
        warns: false,
        condition: Condition::Always,
    },
    // Open MPI's documentation, "The Modular Component Architecture". Measured on 4.1: `MPI_Init` fails.
    PluginFamily {
        name: "the components of Open MPI",
        trigger: Trigger::Needs("libmpi.so."),
        files: &[
            Files::TreeAt("/usr/lib/*/openmpi/lib/openmpi3"),
            Files::TreeAt("/usr/share/openmpi"),
            Files::TreeAt("/etc/openmpi"),
        ],
        without: "it does not start",
        warns: true,
        condition: Condition::Always,
    },
    // Seen in runs: it ends when it starts, without a word or with "unknown protocol icmp". Others fall back.
    PluginFamily {
        name: "the numbers of protocols",
        trigger: Trigger::Program(&["fping", "ping", "ping6"]),
        files: &[Files::FileAt("/etc/protocols")],
        without: "it ends when it starts",
        warns: true,
        condition: Condition::Imports("getprotobyname"),
    },
    // services(5), protocols(5): what the C library reads for these functions. Seen in runs: xinetd knows
    // no `tcp`.
    PluginFamily {
        name: "the numbers of protocols",
        trigger: Trigger::Imports(&["getprotobyname", "getprotobyname_r", "getprotoent"]),
        files: &[Files::FileAt("/etc/protocols")],
        without: "it knows none by name",
        warns: false,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the numbers of services",
        trigger: Trigger::Imports(&["getservbyname", "getservbyname_r", "getservent"]),
        files: &[Files::FileAt("/etc/services")],
        without: "it knows none by name",
        warns: false,
        condition: Condition::Always,
    },
    // ImageMagick manual, "Modules": each format is a coder that is opened by its name. Debian builds
    // none in. Measured on 6.9: `dmtxwrite` ends with "Illegal format".
    PluginFamily {
        name: "the coders of ImageMagick",
        trigger: Trigger::Needs("libMagickCore-"),
        files: MAGICK,
        without: "it knows no format of images",
        warns: true,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the coders of ImageMagick",
        trigger: Trigger::Needs("libMagickWand-"),
        files: MAGICK,
        without: "it knows no format of images",
        warns: true,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the coders of ImageMagick",
        trigger: Trigger::Loads("libMagickCore-"),
        files: MAGICK,
        without: "it knows no format of images",
        warns: false,
        condition: Condition::Always,
    },
    // Ghostscript documentation, "How Ghostscript finds files". Measured on 10.0: it ends when it
    // starts.
    PluginFamily {
        name: "the fonts, profiles and procedures of Ghostscript",
        trigger: Trigger::Loads("libgs.so"),
        files: &[
            Files::TreeAt("/usr/share/ghostscript"),
            Files::TreeAt("/usr/share/color/icc/ghostscript"),
        ],
        without: "it does not start",
        warns: false,
        condition: Condition::Always,
    },
    // apt.conf(5), "DIRECTORIES". Measured on 2.6: `apt-rdepends` ends with "Unable to determine a
    // suitable packaging system type".
    PluginFamily {
        name: "the configuration of APT and the list of packages",
        trigger: Trigger::Loads("libapt-pkg.so"),
        files: &[Files::TreeAt("/etc/apt/apt.conf.d"), Files::FileAt("/var/lib/dpkg/status")],
        without: "it knows no packages",
        warns: false,
        condition: Condition::Always,
    },
    // dpkg-query(1), "FILES". Seen in runs: "no packages found".
    PluginFamily {
        name: "the list of packages",
        trigger: Trigger::Program(&["dpkg-query"]),
        files: &[Files::FileAt("/var/lib/dpkg/status")],
        without: "it knows no packages",
        warns: true,
        condition: Condition::Always,
    },
    // systemd-hwdb(8). Seen in runs: it ends without a word.
    PluginFamily {
        name: "the database of hardware",
        trigger: Trigger::Program(&["systemd-hwdb"]),
        files: &[Files::FileAt("/usr/lib/udev/hwdb.bin")],
        without: "it can be asked for nothing",
        warns: true,
        condition: Condition::Always,
    },
    // Measured: initdb needs plpgsql and dict_snowball.
    PluginFamily {
        name: "the modules of PostgreSQL",
        trigger: Trigger::Program(&["postgres", "initdb"]),
        files: &[Files::Libraries("../lib/*.so")],
        without: "`initdb` and whatever uses PL/pgSQL fail",
        warns: true,
        condition: Condition::Always,
    },
    // libglvnd, "Architecture": vendors' libraries are opened by name.
    PluginFamily {
        name: "the drivers of OpenGL",
        trigger: Trigger::Needs("libGLX.so.0"),
        files: &[Files::Named("libGLX_mesa.so.0")],
        without: "it cannot draw by OpenGL",
        warns: false,
        condition: Condition::Always,
    },
    PluginFamily {
        name: "the drivers of OpenGL by EGL",
        trigger: Trigger::Needs("libEGL.so.1"),
        files: &[Files::Named("libEGL_mesa.so.0")],
        without: "it cannot draw by OpenGL",
        warns: false,
        condition: Condition::Always,
    },
    // The launcher finds libjvm by its path (java.base, `java_md.c`).
    PluginFamily {
        name: "the virtual machine of Java",
        trigger: Trigger::Program(JAVA),
        files: &[Files::TreeWith("../lib/server/libjvm.so", "../lib"), Files::Tree("../conf")],
        without: "it does not start",
        warns: true,
        condition: Condition::Always,
    },
];
