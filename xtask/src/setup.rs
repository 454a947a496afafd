//! What a fresh machine lacks: found, and on Debian as root installed; elsewhere the exact package is named.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::error::{Error, Result};
use crate::{folders, process};

/// CPU time that compiling RocksDB takes, in seconds.
const ROCKSDB_CPU_SECONDS: usize = 2250;
const JAVA_VERSION_MIN: u32 = 17;

/// Something that has to be on the machine.
struct Need {
    what: &'static str,
    wanted_by: &'static str,
    is_there: fn() -> bool,
    /// Packages of Debian and its kin, the best first; the first that the distribution has is taken.
    apt: &'static [&'static str],
    dnf: &'static str,
    brew: &'static str,
}

const BUILD: &[Need] = &[
    Need {
        what: "a C++ compiler",
        wanted_by: "RocksDB",
        is_there: || ["c++", "g++", "clang++"].into_iter().any(process::is_on_path),
        apt: &["g++"],
        dnf: "gcc-c++",
        brew: "llvm",
    },
    Need {
        what: "libclang",
        wanted_by: "RocksDB's bindings",
        is_there: has_libclang,
        apt: &["libclang-dev"],
        dnf: "clang-devel",
        brew: "llvm",
    },
    Need {
        what: "make",
        wanted_by: "librdkafka",
        is_there: || process::is_on_path("make"),
        apt: &["make"],
        dnf: "make",
        brew: "make",
    },
    Need {
        what: "pkg-config",
        wanted_by: "librdkafka",
        is_there: || process::is_on_path("pkg-config"),
        apt: &["pkg-config"],
        dnf: "pkgconf-pkg-config",
        brew: "pkgconf",
    },
    Need {
        what: "OpenSSL's headers",
        wanted_by: "librdkafka",
        is_there: || std::env::var_os("OPENSSL_DIR").is_some() || has_library("openssl"),
        apt: &["libssl-dev"],
        dnf: "openssl-devel",
        brew: "openssl@3",
    },
    Need {
        what: "zlib's headers",
        wanted_by: "librdkafka",
        is_there: || has_library("zlib"),
        apt: &["zlib1g-dev"],
        dnf: "zlib-devel",
        brew: "zlib",
    },
];

const JAVA: &[Need] = &[
    Need {
        what: "a JDK, version 17 or later",
        wanted_by: "the Kafka broker and the Kafka Streams peer",
        is_there: has_jdk,
        apt: &["openjdk-21-jdk-headless", "openjdk-17-jdk-headless", "openjdk-25-jdk-headless"],
        dnf: "java-21-openjdk-devel",
        brew: "openjdk",
    },
    Need {
        what: "Maven",
        wanted_by: "fetching Kafka's jars",
        is_there: || process::is_on_path("mvn"),
        apt: &["maven"],
        dnf: "maven",
        brew: "maven",
    },
];

/// Makes sure that the workspace can be built, and tells how long that takes if it has not been yet.
pub(crate) fn for_build() -> Result<()> {
    provide(BUILD)?;
    if !is_rocksdb_built() {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let minutes = (ROCKSDB_CPU_SECONDS / cores).div_ceil(60);
        eprintln!(
            "xtask: compiling RocksDB's C++ takes about {minutes} minutes on the {cores} cores here. It happens once \
             per target folder ({}).",
            folders::target().display()
        );
    }
    Ok(())
}

/// Makes sure that the broker and the peer can be built and run.
pub(crate) fn for_java() -> Result<()> {
    provide(JAVA)
}

fn provide(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let is_debian = process::is_on_path("apt-get");
    if !is_debian || process::answer("id", &["-u"]).as_deref().map(str::trim) != Some("0") {
        return Err(advice(&missing, Family::of_this_machine()));
    }
    install(&missing)?;
    let still: Vec<&Need> = missing.into_iter().filter(|need| !(need.is_there)()).collect();
    if still.is_empty() { Ok(()) } else { Err(advice(&still, Family::of_this_machine())) }
}

fn install(missing: &[&Need]) -> Result<()> {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=300"]);
        command
    };
    eprintln!("xtask: this machine lacks {}; looking for packages", list(missing.iter().map(|need| need.what)));
    process::run_checked(apt().arg("update"), "apt-get update")?;
    let packages: Vec<&str> = missing.iter().map(|need| available(need.apt)).collect();
    eprintln!("xtask: installing {} with apt-get", packages.join(" "));
    let mut command = apt();
    command.args(["install", "-y", "--no-install-recommends"]).args(&packages);
    process::run_checked(&mut command, &format!("apt-get install {}", packages.join(" ")))
}

/// The first package that this distribution has.
fn available(packages: &'static [&'static str]) -> &'static str {
    let is_known = |package: &&&str| process::answer("apt-cache", &["show", package]).is_some();
    packages.iter().find(is_known).unwrap_or(&packages[0])
}

/// How packages are named and installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Apt,
    Dnf,
    Brew,
    Unknown,
}

impl Family {
    fn of_this_machine() -> Self {
        [("apt-get", Self::Apt), ("dnf", Self::Dnf), ("brew", Self::Brew)]
            .into_iter()
            .find(|(program, _)| process::is_on_path(program))
            .map_or(Self::Unknown, |(_, family)| family)
    }

    fn command(self, needs: &[&Need]) -> String {
        let packages = |name: fn(&Need) -> &str| needs.iter().map(|need| name(need)).collect::<Vec<_>>().join(" ");
        match self {
            Self::Apt => format!("sudo apt-get install {}", packages(|need| need.apt[0])),
            Self::Dnf => format!("sudo dnf install {}", packages(|need| need.dnf)),
            Self::Brew => format!("brew install {}", packages(|need| need.brew)),
            Self::Unknown => [Self::Apt, Self::Dnf, Self::Brew].map(|family| family.command(needs)).join("\n  or: "),
        }
    }
}

fn advice(missing: &[&Need], family: Family) -> Error {
    let reasons = list(missing.iter().map(|need| format!("{} (for {})", need.what, need.wanted_by)));
    Error::failed(format!("this machine lacks {reasons}; install with\n  {}", family.command(missing)))
}

fn list(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<String> = items.map(|item| item.as_ref().to_owned()).collect();
    match items.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => items.concat(),
    }
}

/// Where the bindings' generator looks: a folder named by the user, LLVM's folders, the linker's folders.
fn has_libclang() -> bool {
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let asked = process::answer("llvm-config", &["--libdir"]).map(|folder| PathBuf::from(folder.trim()));
    let usual = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    let apple =
        ["/Library/Developer/CommandLineTools/usr/lib", "/opt/homebrew/opt/llvm/lib", "/usr/local/opt/llvm/lib"];
    let versions = Path::new("/usr/lib").read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let versions = versions.filter(|path| path.to_string_lossy().contains("/llvm")).map(|path| path.join("lib"));
    let fixed = usual.into_iter().chain(apple).map(PathBuf::from);
    named.into_iter().chain(asked).chain(fixed).chain(versions).any(|folder| holds_libclang(&folder))
}

fn holds_libclang(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut named = entries.filter(|entry| is_libclang(&entry.file_name().to_string_lossy()));
    // A link may be left behind by a package that is gone.
    named.any(|entry| entry.path().exists())
}

/// `libclang.so.1`, `libclang-14.so.1`, `libclang.dylib`; the C++ library beside it is another one.
fn is_libclang(name: &str) -> bool {
    let versioned = name.starts_with("libclang-") && !name.starts_with("libclang-cpp") && name.contains(".so");
    name.starts_with("libclang.") || versioned
}

fn has_library(name: &str) -> bool {
    process::answer("pkg-config", &["--exists", name]).is_some()
}

fn has_jdk() -> bool {
    let version = process::answer("javac", &["-version"]).and_then(|text| java_version(&text));
    version.is_some_and(|version| version >= JAVA_VERSION_MIN) && process::is_on_path("java")
}

/// The major version in `javac 17.0.15`; versions before 9 were written `1.8.0`.
fn java_version(text: &str) -> Option<u32> {
    let mut numbers = text.split_whitespace().nth(1)?.split(['.', '-', '_']);
    let first: u32 = numbers.next()?.parse().ok()?;
    if first == 1 { numbers.next()?.parse().ok() } else { Some(first) }
}

fn is_rocksdb_built() -> bool {
    let builds = folders::target().join("release/build");
    let mut folders = builds.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    folders.any(|folder| folder.join("out/librocksdb.a").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_java_before_and_after_nine() {
        assert_eq!(java_version("javac 17.0.15\n"), Some(17));
        assert_eq!(java_version("javac 1.8.0_412"), Some(8));
        assert_eq!(java_version("javac 21-ea"), Some(21));
        assert_eq!(java_version("no java here"), None);
    }

    #[test]
    fn advice_names_the_package_of_the_family() {
        let missing: Vec<&Need> = BUILD.iter().filter(|need| need.wanted_by == "RocksDB's bindings").collect();
        let says = |family| advice(&missing, family).to_string();
        assert!(says(Family::Apt).ends_with("sudo apt-get install libclang-dev"), "{}", says(Family::Apt));
        assert!(says(Family::Dnf).ends_with("sudo dnf install clang-devel"), "{}", says(Family::Dnf));
        assert!(says(Family::Brew).ends_with("brew install llvm"), "{}", says(Family::Brew));
        let unknown = says(Family::Unknown);
        assert!(["libclang-dev", "clang-devel", "llvm"].iter().all(|name| unknown.contains(name)), "{unknown}");
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(list(["a"].iter()), "a");
        assert_eq!(list(["a", "b", "c"].iter()), "a, b and c");
    }

    #[test]
    fn the_cpp_library_is_not_libclang() {
        for (name, is) in [
            ("libclang.so.1", true),
            ("libclang-14.so.14.0.6", true),
            ("libclang.dylib", true),
            ("libclang-cpp.so.14", false),
            ("libclang_rt.asan.so", false),
        ] {
            assert_eq!(is_libclang(name), is, "{name}");
        }
    }
}
