//! Tables and bars in a terminal, made of text.

use std::fmt::Write as _;

const BAR_CELLS: usize = 50;
/// Eighths of a cell, from the left.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A bar per entry, the longest as wide as the plot.
///
/// ```
/// let entries = [("00:00".to_owned(), 4), ("01:00".to_owned(), 8)];
/// let plot = examples::plot::bars("events", &entries);
/// assert_eq!(plot.lines().nth(2).map(|line| line.matches('█').count()), Some(50));
/// ```
#[must_use]
pub fn bars(title: &str, entries: &[(String, i64)]) -> String {
    let most = entries.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let label_width = entries.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let count_width = grouped(most).len();
    let mut text = format!("{title}\n");
    for (label, count) in entries {
        let eighths = usize::try_from(count.max(&0) * (BAR_CELLS as i64 * 8) / most).unwrap_or(0);
        let mut bar = "█".repeat(eighths / 8);
        if eighths % 8 > 0 {
            bar.push(EIGHTHS[eighths % 8]);
        }
        let _ = writeln!(text, "  {label:<label_width$}  {:>count_width$}  {bar}", grouped(*count));
    }
    text
}

/// A table of two columns: text at the left, figures at the right.
#[must_use]
pub fn table(title: &str, rows: &[(String, String)]) -> String {
    let left = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(title.chars().count());
    let right = rows.iter().map(|(_, value)| value.chars().count()).max().unwrap_or(0);
    let line = |from: char, cross: char, to: char| {
        format!("{from}{}{cross}{}{to}\n", "─".repeat(left + 2), "─".repeat(right + 2))
    };
    let mut text = line('┌', '┬', '┐');
    let _ = writeln!(text, "│ {title:<left$} │ {:right$} │", "");
    text += &line('├', '┼', '┤');
    for (name, value) in rows {
        let _ = writeln!(text, "│ {name:<left$} │ {value:>right$} │");
    }
    text + &line('└', '┴', '┘')
}

/// A number with a comma after every three digits.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in mebibytes.
#[must_use]
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / (1 << 20) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown: Vec<_> = [0, 999, 1000, 1_234_567, -1000].map(grouped).into();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567", "-1,000"]);
    }

    #[test]
    fn columns_of_a_table_are_aligned() {
        let rows = [("records".to_owned(), "10".to_owned()), ("dropped late".to_owned(), "1,000".to_owned())];
        let table = table("events", &rows);
        let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }

    #[test]
    fn an_empty_plot_is_its_title() {
        assert_eq!(bars("nothing", &[]), "nothing\n");
    }
}
