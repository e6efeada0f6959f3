//! Columns without borders: easy to read, and easy to `grep` and to `cut`.

use unicode_width::UnicodeWidthStr as _;

/// How wide the columns of a table are: each as its widest cell.
///
/// For tables of which not all rows are held: they are shown to it first and written after.
#[derive(Debug, Clone, Default)]
pub struct Columns(Vec<usize>);

impl Columns {
    /// Takes the cells of one row into account.
    pub fn fit(&mut self, row: &[String]) {
        for (column, cell) in row.iter().enumerate() {
            let width = visible(cell);
            match self.0.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => self.0.push(width),
            }
        }
    }

    /// A row as a line; its last cell is not padded.
    pub fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if column + 1 < row.len() {
                let width = self.0.get(column).copied().unwrap_or_default();
                let gap = width.saturating_sub(visible(cell)) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// Rows as lines, every column as wide as its widest cell; the last one is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let mut columns = Columns::default();
    for row in rows {
        columns.fit(row);
    }
    rows.iter().map(|row| columns.line(row)).collect()
}

/// How many columns a cell takes; styles take none.
fn visible(cell: &str) -> usize {
    let mut plain = String::new();
    let mut inside = false;
    for character in cell.chars() {
        match (inside, character) {
            (false, '\u{1b}') => inside = true,
            (true, 'm') => inside = false,
            (true, _) => {}
            (false, other) => plain.push(other),
        }
    }
    plain.width()
}
