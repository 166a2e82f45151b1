//! Lists on standard output: a table for people, JSON for programs.

use std::io::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::Failure;

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns under headings.
    Table,
    /// An array of objects, or one object.
    Json,
}

/// A type that fills one row of a table.
pub trait Row: Serialize {
    /// What stands above the columns.
    const HEADINGS: &'static [&'static str];

    /// The cells, as many as there are headings.
    fn cells(&self) -> Vec<String>;
}

/// The rows as text in the wanted format.
pub fn render<R: Row>(rows: &[R], format: Format) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(table(R::HEADINGS, rows.iter().map(Row::cells).collect())),
        Format::Json => json(&rows),
    }
}

/// Comma-separated values (RFC 4180) for spreadsheets. No cell is read as a formula.
pub fn csv(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = headings.join(",") + "\r\n";
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| csv_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// Puts an apostrophe before text that a spreadsheet would calculate (OWASP, "CSV Injection"), also for full-width
/// characters.
fn csv_cell(text: &str) -> String {
    let calculates = |c| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠'
        )
    };
    let guard = if text.starts_with(calculates) {
        "'"
    } else {
        ""
    };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

/// A value as indented JSON.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::because("cannot write JSON", &error))?;
    Ok(text + "\n")
}

/// Writes to standard output. A closed pipe is a failure, and no panic.
pub fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::because("cannot write to standard output", &error))
}

fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let headings = headings.iter().map(|text| (*text).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            lines
                .iter()
                .map(|line| width(&line[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (cell, column) in line.iter().zip(&widths) {
            row.push_str(cell);
            row.push_str(&" ".repeat(column - width(cell) + 2));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// The width in columns of a terminal. Chinese characters take two, and combining marks none (UAX #11).
fn width(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Person {
        name: &'static str,
        age: u8,
    }

    impl Row for Person {
        const HEADINGS: &'static [&'static str] = &["NAME", "AGE"];

        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned(), self.age.to_string()]
        }
    }

    const PEOPLE: [Person; 2] = [
        Person {
            name: "élan",
            age: 7,
        },
        Person {
            name: "b",
            age: 100,
        },
    ];

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = render(&PEOPLE, Format::Table).unwrap();
        assert_eq!(text, "NAME  AGE\nélan  7\nb     100\n");
        assert_eq!(render::<Person>(&[], Format::Table).unwrap(), "NAME  AGE\n");
        let chinese = [
            Person {
                name: "李小明",
                age: 7,
            },
            Person {
                name: "e\u{301}lan",
                age: 8,
            },
        ];
        let text = render(&chinese, Format::Table).unwrap();
        assert_eq!(text, "NAME    AGE\n李小明  7\ne\u{301}lan    8\n");
    }

    #[test]
    fn cells_of_csv_are_quoted_and_never_formulas() {
        for (cell, written) in [
            ("张三", "张三"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=cmd|' /C calc'!A0,1", "\"'=cmd|' /C calc'!A0,1\""),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(cell), written);
        }
        let rows = [vec!["a".to_owned(), "b".to_owned()]];
        assert_eq!(csv(&["x", "y"], &rows), "x,y\r\na,b\r\n");
    }

    #[test]
    fn json_is_an_array_of_objects() {
        let text = render(&PEOPLE, Format::Json).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read[1]["age"], 100);
    }
}
