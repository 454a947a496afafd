//! Rules about whole files: length, documentation, functions, leftovers, machine paths, titles.

use super::source::Source;
use super::{File, Finding};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Folders of somebody's machine. Written in two parts, so that this file does not find itself.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// Rules for every text file.
pub(super) fn check_text(file: &File<'_>, findings: &mut Vec<Finding>) {
    if file.path == "Cargo.lock" {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        for path in MACHINE_PATHS {
            if let Some(at) = line.find(path)
                && !is_part_of_longer(line, at)
            {
                let advice = format!("'{path}' is a folder of one machine: ask the system, or use a temporary folder");
                findings.push(finding(file, index + 1, "machine path", advice));
            }
        }
    }
}

/// `https://host/home/` and `a/home/` are no paths from the root.
fn is_part_of_longer(line: &str, at: usize) -> bool {
    line[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || "._-~}".contains(before))
}

/// Rules for Rust files.
pub(super) fn check_rust(file: &File<'_>, source: &Source, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        let advice =
            format!("{lines} lines, at most {FILE_LINES_MAX}: make a folder of the same name, one idea a file");
        findings.push(finding(file, lines, "file length", advice));
    }
    if !file.text.starts_with("//!") {
        let advice = "say in the first lines (//!) what this file is for and what it is not".to_owned();
        findings.push(finding(file, 1, "module docs", advice));
    }
    for function in source.functions() {
        if function.length > FUNCTION_LINES_MAX {
            let (name, length) = (function.name, function.length);
            let advice =
                format!("{name} has {length} lines, at most {FUNCTION_LINES_MAX}: let it decide and others compute");
            findings.push(finding(file, function.line, "function length", advice));
        }
    }
    for (index, line) in file.text.lines().enumerate() {
        if is_banner(line) {
            let advice = "a heading inside a file: split the file, or let order and names tell".to_owned();
            findings.push(finding(file, index + 1, "banner comment", advice));
        }
    }
}

/// A comment, not documentation, with a row of strokes.
fn is_banner(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else { return false };
    let is_documentation = comment.starts_with(['/', '!']) && !comment.starts_with("//");
    let strokes = ["----", "====", "****", "####", "~~~~", "////"];
    !is_documentation && strokes.iter().any(|stroke| comment.contains(stroke))
}

/// A document has one title, outside its code.
pub(super) fn check_markdown(file: &File<'_>, findings: &mut Vec<Finding>) {
    let mut is_code = false;
    let mut titles = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        is_code ^= line.trim_start().starts_with("```");
        if !is_code && line.starts_with("# ") {
            titles.push(index + 1);
        }
    }
    if titles.len() != 1 {
        let line = titles.get(1).copied().unwrap_or(1);
        findings.push(finding(file, line, "one title", format!("{} lines start with '# '; make it one", titles.len())));
    }
}

/// A finding of `rule` in `file`.
pub(super) fn finding(file: &File<'_>, line: usize, rule: &'static str, advice: String) -> Finding {
    Finding { path: file.path.to_owned(), line, rule, advice }
}

#[cfg(test)]
mod tests {
    use super::super::findings_in;

    #[test]
    fn a_file_has_documentation_and_a_limit() {
        assert_eq!(findings_in("state-store/src/a.rs", "fn a() {}\n"), ["1:module docs"]);
        let long = format!("//! a\n{}", "\n".repeat(500));
        assert_eq!(findings_in("state-store/src/a.rs", &long), ["501:file length"]);
    }

    #[test]
    fn a_function_has_a_limit() {
        let of_lines = |lines: usize| format!("//! a\nfn a() {{\n{}}}\n", "    a();\n".repeat(lines - 2));
        assert_eq!(findings_in("state-store/src/a.rs", &of_lines(70)), [""; 0]);
        assert_eq!(findings_in("state-store/src/a.rs", &of_lines(71)), ["2:function length"]);
    }

    #[test]
    fn banners_are_no_documentation() {
        let text = "//! a\n// ---- nodes ----\n/// | a |\n/// |----|\nfn a() {}\n// a - b\n";
        assert_eq!(findings_in("state-store/src/a.rs", text), ["2:banner comment"]);
    }

    #[test]
    fn paths_of_one_machine_are_found_in_every_text() {
        let path = concat!("/ho", "me/");
        assert_eq!(findings_in("README.md", &format!("# a\nin {path}me/x\n")), ["2:machine path"]);
        assert_eq!(findings_in("README.md", &format!("# a\n~{path} and a.b{path}\n")), [""; 0]);
    }

    #[test]
    fn a_document_has_one_title() {
        assert_eq!(findings_in("README.md", "# a\n```sh\n# no title\n```\n## b\n"), [""; 0]);
        assert_eq!(findings_in("README.md", "# a\n# b\n"), ["2:one title"]);
        assert_eq!(findings_in("README.md", "a\n"), ["1:one title"]);
    }
}
