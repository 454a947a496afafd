//! Rust source as the rules see it: comments and strings blanked, functions and test modules found.
//!
//! It is no parser. It knows what starts and ends a comment, a string and a block, which is enough for rules about
//! words and lengths, and takes a moment for the whole repository.

use std::ops::Range;

/// A file's code.
#[derive(Debug)]
pub(super) struct Source {
    /// The text with a space for each byte of a comment or a string; lines stay where they are.
    code: String,
    /// Offsets at which lines begin.
    lines: Vec<usize>,
    /// Modules that are compiled for tests only.
    tests: Vec<Range<usize>>,
}

/// A function: its name and its lines, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
    pub(super) length: usize,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let code = blank(text);
        let lines = std::iter::once(0).chain(code.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut source = Self { code, lines, tests: Vec::new() };
        source.tests = source.find_tests();
        source
    }

    /// The line of an offset, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset)
    }

    /// Whether this is compiled for tests only.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// Offsets of `word` in the code, where it is not a part of a longer word.
    pub(super) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let is_end = |c: Option<char>| c.is_none_or(|c| !is_word(c));
        let starts_as_word = word.starts_with(is_word);
        let ends_as_word = word.ends_with(is_word);
        self.code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            (!starts_as_word || is_end(before)) && (!ends_as_word || is_end(after))
        })
    }

    /// Whether what stands at `offset` is a later part of a path: `a::b`.
    pub(super) fn is_within_path(&self, offset: usize) -> bool {
        self.code[..offset].ends_with("::")
    }

    /// The code from `offset` to the end of its line.
    pub(super) fn rest_of_line(&self, offset: usize) -> &str {
        self.code[offset..].lines().next().unwrap_or_default()
    }

    /// All functions with a body.
    pub(super) fn functions(&self) -> Vec<Function<'_>> {
        let functions = self.words("fn").filter_map(|at| {
            let name = self.code[at + 2..].trim_start();
            let name = &name[..name.find(|c| !is_word(c)).unwrap_or(name.len())];
            let body = self.body_after(at)?;
            // A type `fn(..)` has no name, a declaration no body.
            (!name.is_empty()).then(|| {
                let line = self.line_of(at);
                Function { name, line, length: self.line_of(body.end - 1) - line + 1 }
            })
        });
        functions.collect()
    }

    /// The block that opens before a semicolon ends the item at `offset`.
    fn body_after(&self, offset: usize) -> Option<Range<usize>> {
        let mut depth = 0usize;
        let mut start = None;
        for (at, byte) in self.code.bytes().enumerate().skip(offset) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.checked_sub(1)?,
                b';' if depth == 0 && start.is_none() => return None,
                b'{' => {
                    start.get_or_insert(at);
                    depth += 1;
                }
                b'}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return start.map(|start| start..at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn find_tests(&self) -> Vec<Range<usize>> {
        let attribute = "#[cfg(test)]";
        let modules = self.code.match_indices(attribute).filter_map(|(at, _)| self.body_after(at + attribute.len()));
        modules.collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What the text is made of at some place.
#[derive(Clone, Copy)]
enum Piece {
    Code,
    LineComment,
    /// How many `*/` it takes to end it.
    BlockComment(usize),
    String,
    /// How many `#` end it behind the quote.
    RawString(usize),
}

fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut piece = Piece::Code;
    let mut at = 0;
    while at < bytes.len() {
        let (next, length) = step(piece, bytes, at);
        let is_code = matches!(piece, Piece::Code) && matches!(next, Piece::Code) && length == 1;
        for &byte in &bytes[at..at + length] {
            code.push(if byte == b'\n' || is_code { byte } else { b' ' });
        }
        piece = next;
        at += length;
    }
    // Invariant: bytes of one character are kept or blanked together, since only ASCII ends a piece.
    String::from_utf8(code).expect("characters are kept or blanked as a whole")
}

/// What follows at `at`, and how many bytes belong together.
fn step(piece: Piece, bytes: &[u8], at: usize) -> (Piece, usize) {
    let rest = &bytes[at..];
    match piece {
        Piece::Code => code_step(bytes, at),
        Piece::LineComment if rest[0] == b'\n' => (Piece::Code, 1),
        Piece::BlockComment(depth) if rest.starts_with(b"*/") => {
            (if depth == 1 { Piece::Code } else { Piece::BlockComment(depth - 1) }, 2)
        }
        Piece::BlockComment(depth) if rest.starts_with(b"/*") => (Piece::BlockComment(depth + 1), 2),
        Piece::String if rest[0] == b'\\' => (piece, 2.min(rest.len())),
        Piece::String if rest[0] == b'"' => (Piece::Code, 1),
        Piece::RawString(hashes) if rest[0] == b'"' && hashes_after(rest) >= hashes => (Piece::Code, 1 + hashes),
        other => (other, 1),
    }
}

fn code_step(bytes: &[u8], at: usize) -> (Piece, usize) {
    let rest = &bytes[at..];
    let follows_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest[0] {
        b'/' if rest.starts_with(b"//") => (Piece::LineComment, 2),
        b'/' if rest.starts_with(b"/*") => (Piece::BlockComment(1), 2),
        b'"' => (Piece::String, 1),
        b'r' if !follows_word || at > 0 && bytes[at - 1] == b'b' => {
            let hashes = hashes_after(rest);
            if rest.get(1 + hashes) == Some(&b'"') { (Piece::RawString(hashes), 2 + hashes) } else { (Piece::Code, 1) }
        }
        b'\'' => (Piece::Code, character(rest)),
        _ => (Piece::Code, 1),
    }
}

/// How many `#` stand behind the first byte.
fn hashes_after(rest: &[u8]) -> usize {
    rest[1..].iter().take_while(|&&byte| byte == b'#').count()
}

/// The length of a character in quotes, or 1 for the quote of a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|&byte| byte == b'\'');
        return end.map_or(1, |end| end + 4);
    }
    // A character has at most four bytes.
    let end = rest.iter().take(6).skip(2).position(|&byte| byte == b'\'');
    match end {
        Some(end) if end == 0 || !rest[1].is_ascii() => end + 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_kept() {
        let check = |text: &str, expect: &str| assert_eq!(blank(text), expect, "{text}");
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check(r#"f("x\"y", 1)"#, "f(      , 1)");
        check("r#\"a\"b\"# c", "         c");
        check("'a' 'b", "    'b");
        check(r"'\'' x", "     x");
        check("'ü' x", "     x");
        check("\"ü\nü\" x", "   \n    x");
    }

    #[test]
    fn functions_are_measured_from_their_first_line_to_their_last() {
        let text = "trait T { fn a(&self); }\nfn b(f: fn(u8) -> u8) -> [u8; 2] {\n  {}\n}\nfn c() {}\n";
        let source = Source::new(text);
        let found: Vec<_> = source.functions().iter().map(|f| (f.name.to_owned(), f.line, f.length)).collect();
        assert_eq!(found, [("b".to_owned(), 2, 3), ("c".to_owned(), 5, 1)]);
    }

    #[test]
    fn words_end_where_others_begin() {
        let source = Source::new("Any AnyThing my_Any dyn Any; // Any\n\"Any\"");
        assert_eq!(source.words("Any").collect::<Vec<_>>(), [0, 24]);
    }

    #[test]
    fn test_modules_are_known() {
        let source = Source::new("fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n");
        let of_tests: Vec<_> = source.words("fn").map(|at| source.is_test(at)).collect();
        assert_eq!(of_tests, [false, true, false]);
    }
}
