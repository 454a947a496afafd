//! The Java side: Kafka's jars, fetched with Maven, and our own classes of `tests/peer`, compiled against them.
//!
//! Both are kept in the cache under a digest of what they were made from, so any number of clones share them and a
//! second call finds them ready.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Attempt, Error, Result};
use crate::{folders, process, setup};

pub(crate) const HELP: &str = "\
cargo xtask peer describe|bench|run --workload count|stateless --bootstrap HOST:PORT --app-id ID
                 --state-dir FOLDER [--threads N] [--input TOPIC] [--output TOPIC] [--idle-seconds N]
                 [--set NAME=VALUE]…

Runs the Kafka Streams application of tests/peer, which does what ours do.

  describe   prints the topology
  bench      processes what the input topic holds, and prints what that took
  run        processes until standard input ends, or with --idle-seconds until nothing has come for so long
";

/// The command `peer`: everything behind it is the application's.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<()> {
    let arguments: Vec<OsString> = arguments.raw_args()?.collect();
    if arguments.is_empty() || arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    setup::for_java()?;
    // It takes this process's place, and with it the signals and the standard input.
    let error = Peer::build()?.command().args(arguments).exec();
    Err(Error::failed(format!("failed to run 'java': {error}")))
}

/// Fetched jars and compiled classes.
#[derive(Debug)]
pub(crate) struct Peer {
    jars: PathBuf,
    classes: PathBuf,
    resources: PathBuf,
}

impl Peer {
    /// Fetches and compiles what is not in the cache yet. Needs a JDK and Maven.
    pub(crate) fn build() -> Result<Self> {
        let source = folders::repository().join("tests/peer");
        let cache = folders::cache()?;
        let pom = source.join("pom.xml");
        let jars = cache.join(format!("jars-{}", digest(std::slice::from_ref(&pom))?));
        keep(&jars, |into| fetch(&pom, into))?;
        let mut sources = files_below(&source.join("src/main/java"))?;
        sources.sort();
        let of_classes = [std::slice::from_ref(&pom), &sources].concat();
        let classes = cache.join(format!("peer-{}", digest(&of_classes)?));
        keep(&classes, |into| compile(&sources, &jars, into))?;
        Ok(Self { jars, classes, resources: source.join("src/main/resources") })
    }

    /// Starts the application: its command and options are to follow.
    pub(crate) fn command(&self) -> Command {
        let mut java = Command::new("java");
        java.args(["-XX:-UsePerfData", "-cp", &self.classpath(), "peer.Main"]);
        java
    }

    /// The class path of Kafka's own tools.
    pub(crate) fn kafka_classpath(&self) -> String {
        format!("{}:{}/*", self.resources.display(), self.jars.display())
    }

    /// The class path of the classes in `tests/peer`.
    pub(crate) fn classpath(&self) -> String {
        format!("{}:{}", self.classes.display(), self.kafka_classpath())
    }
}

/// Makes `folder` with `make` unless it exists. It appears whole or not at all, however many do this at a time.
fn keep(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let partial = folder.with_extension(format!("partial-{}", std::process::id()));
    let made = fs::create_dir_all(&partial).attempt(|| format!("make the folder {}", partial.display()));
    let made = made.and_then(|()| make(&partial));
    if made.is_ok() && fs::rename(&partial, folder).is_ok() {
        return Ok(());
    }
    // Either it failed, or somebody else was faster, whose result is as good.
    drop(fs::remove_dir_all(&partial));
    made
}

fn fetch(pom: &Path, into: &Path) -> Result<()> {
    eprintln!("xtask: fetching Kafka's jars with Maven; this happens once");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-Dstyle.color=never", "-f"]).arg(pom).arg("dependency:copy-dependencies");
    maven.arg(format!("-Dpeer.target={}", into.display()));
    process::run_checked(&mut maven, "fetching Kafka's jars with Maven")?;
    // Maven puts them into a folder `lib`; what is kept is the jars alone.
    let fetched = into.join("lib");
    for jar in files_below(&fetched)? {
        let name = jar.file_name().expect("a file of a folder has a name");
        fs::rename(&jar, into.join(name)).attempt(|| format!("move {}", jar.display()))?;
    }
    fs::remove_dir(&fetched).attempt(|| format!("remove {}", fetched.display()))
}

fn compile(sources: &[PathBuf], jars: &Path, into: &Path) -> Result<()> {
    let mut javac = Command::new("javac");
    javac.args(["--release", "17", "-Xlint:all,-classfile,-processing", "-Werror", "-cp"]);
    javac.arg(format!("{}/*", jars.display())).arg("-d").arg(into).args(sources);
    process::run_checked(&mut javac, "compiling tests/peer with javac")
}

/// A name for the contents of `files`, in their order.
fn digest(files: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file).attempt(|| format!("read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).attempt(|| format!("read the folder {}", folder.display()))?;
        for entry in entries {
            let path = entry.attempt(|| format!("read the folder {}", folder.display()))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
