//! Tables for spreadsheets, as CSV (RFC 4180).

/// A line with these cells.
pub(crate) fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(&text)).collect();
    cells.join(",") + "\r\n"
}

/// A cell. A spreadsheet takes what begins with one of these signs for a formula; behind an apostrophe it is text.
fn cell(text: &str) -> String {
    let harmless = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if harmless.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", harmless.replace('"', "\"\""))
    } else {
        harmless
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A cell as a reader of CSV takes it.
    fn read(cell: &str) -> String {
        match cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => cell.to_owned(),
        }
    }

    #[test]
    fn a_formula_is_text() {
        assert_eq!(cell("=HYPERLINK(\"//evil\",1)"), "\"'=HYPERLINK(\"\"//evil\"\",1)\"");
        for sign in ["+1", "-1", "@a", "\t=1"] {
            assert!(read(&cell(sign)).starts_with('\''), "{sign:?}");
        }
        assert_eq!(cell("prod-eu"), "prod-eu");
    }

    proptest! {
        #[test]
        fn a_cell_is_one_cell_and_never_a_formula(text in "(?s).{0,40}") {
            let cell = cell(&text);
            let quoted = cell.starts_with('"');
            prop_assert!(quoted || !cell.contains(['"', ',', '\n', '\r']));
            let read = read(&cell);
            prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
            let apart = format!("'{text}");
            prop_assert!(read == text || read == apart);
        }
    }
}
