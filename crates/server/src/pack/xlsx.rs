//! A pack as a workbook: one sheet of figures whose changes are formulas, and one for each chart and table.

use super::outline::{Drawing, Entry, Fact, Grid, Outline, Part};
use super::zip::{Zip, xml};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// A cell.
#[derive(Clone, Debug)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text.
    Text(String),
    /// Bold text.
    Head(String),
    /// A number and its format.
    Number(f64, &'static str),
    /// A formula, what it comes to, and its format.
    Formula(String, f64, &'static str),
}

/// A sheet.
pub struct Sheet {
    /// Name: at most 31 characters, none of `[]:*?/\`.
    pub name: String,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
    /// Widths of columns in characters.
    pub widths: Vec<f64>,
}

/// Formats in the order of their style numbers, after the plain one; bold comes last.
const FORMATS: [&str; 5] = ["General", "#,##0", "#,##0.00", "0.0%", "+0.0%;-0.0%;0.0%"];

/// A pack as a workbook.
pub fn xlsx(outline: &Outline) -> Vec<u8> {
    let mut sheets = vec![summary(outline)];
    for part in &outline.parts {
        match part {
            Part::Chart(drawing) => sheets.push(drawn(drawing)),
            Part::Grid(grid) => sheets.push(table(grid)),
            _ => {}
        }
    }
    sheets.push(sources(outline));
    named_apart(&mut sheets);
    workbook(&sheets)
}

/// The letters of a column, from 0.
pub fn letters(mut column: usize) -> String {
    let mut out = String::new();
    loop {
        out.insert(0, char::from(b'A' + (column % 26) as u8));
        if column < 26 {
            return out;
        }
        column = column / 26 - 1;
    }
}

fn summary(outline: &Outline) -> Sheet {
    let mut rows = vec![
        vec![Cell::Head(outline.title.clone())],
        vec![Cell::Text(outline.byline.clone())],
        Vec::new(),
    ];
    let heads = [
        "Figure",
        "Period",
        "Value",
        "Low",
        "High",
        "Coverage",
        "Before",
        "Change",
        "Change, relative",
        "Previous pack",
        "Since previous pack",
        "Certainty",
        "Source",
        "Evidence",
    ];
    rows.push(heads.iter().map(|h| Cell::Head((*h).to_owned())).collect());
    for part in &outline.parts {
        if let Part::Figures(facts) = part {
            for fact in facts {
                rows.push(figure(fact, rows.len() + 1));
            }
        }
    }
    Sheet {
        name: "Figures".into(),
        rows,
        widths: vec![
            34.0, 22.0, 14.0, 12.0, 12.0, 10.0, 14.0, 14.0, 14.0, 14.0, 16.0, 48.0, 48.0, 70.0,
        ],
    }
}

/// A figure's row; `row` is its number in the sheet, from 1.
fn figure(fact: &Fact, row: usize) -> Vec<Cell> {
    let number = |v: Option<f64>| v.map_or(Cell::Empty, |v| Cell::Number(v, fact.number_format));
    let formula = |text: String, value: Option<f64>, format: &'static str| {
        value.map_or(Cell::Empty, |v| Cell::Formula(text, v, format))
    };
    let change = fact.value.zip(fact.before).map(|(v, b)| v - b);
    let relative = change
        .zip(fact.before)
        .filter(|(_, b)| *b != 0.0)
        .map(|(c, b)| c / b.abs());
    let since = fact.value.zip(fact.previous).map(|(v, p)| v - p);
    vec![
        Cell::Text(fact.label.clone()),
        Cell::Text(fact.period.clone()),
        number(fact.value),
        number(fact.interval.map(|i| i.0)),
        number(fact.interval.map(|i| i.1)),
        fact.interval.map_or(Cell::Empty, |i| Cell::Number(i.2, "0.0%")),
        number(fact.before),
        formula(format!("C{row}-G{row}"), change, fact.number_format),
        formula(format!("H{row}/ABS(G{row})"), relative, "+0.0%;-0.0%;0.0%"),
        number(fact.previous),
        formula(format!("C{row}-J{row}"), since, fact.number_format),
        Cell::Text(fact.certainty.clone()),
        Cell::Text(fact.source.clone()),
        Cell::Text(fact.evidence.clone()),
    ]
}

/// A chart's data as charts embed it: categories, then one column per series.
pub fn data(drawing: &Drawing) -> Sheet {
    let mut rows = vec![
        std::iter::once(Cell::Head(String::new()))
            .chain(drawing.series.iter().map(|(name, _)| Cell::Head(name.clone())))
            .collect::<Vec<_>>(),
    ];
    for (at, category) in drawing.categories.iter().enumerate() {
        let values = drawing
            .series
            .iter()
            .map(|(_, values)| match values.get(at).copied().flatten() {
                Some(v) => Cell::Number(v, drawing.number_format),
                None => Cell::Empty,
            });
        rows.push(std::iter::once(Cell::Text(category.clone())).chain(values).collect());
    }
    Sheet {
        name: "Sheet1".into(),
        rows,
        widths: vec![18.0],
    }
}

fn drawn(drawing: &Drawing) -> Sheet {
    let mut sheet = data(drawing);
    let last = sheet.rows.len();
    if last > 2 && drawing.series.len() == 1 {
        // The change from one row to the next, as a formula.
        sheet.rows[0].push(Cell::Head("Change".into()));
        let values = &drawing.series[0].1;
        for row in 3..=last {
            let (now, then) = (
                values.get(row - 2).copied().flatten(),
                values.get(row - 3).copied().flatten(),
            );
            sheet.rows[row - 1].push(match now.zip(then).filter(|(_, t)| *t != 0.0) {
                Some((now, then)) => {
                    Cell::Formula(format!("B{row}/B{}-1", row - 1), now / then - 1.0, "+0.0%;-0.0%;0.0%")
                }
                None => Cell::Empty,
            });
        }
    }
    sheet.rows.push(Vec::new());
    sheet.rows.push(vec![Cell::Text(drawing.source.clone())]);
    sheet.name.clone_from(&drawing.title);
    sheet.widths = vec![18.0; drawing.series.len() + 2];
    sheet
}

fn table(grid: &Grid) -> Sheet {
    let mut rows: Vec<Vec<Cell>> = vec![grid.columns.iter().map(|c| Cell::Head(c.clone())).collect()];
    let entry = |e: &Entry| match e.number {
        Some(v) if v.fract() == 0.0 => Cell::Number(v, "#,##0"),
        Some(v) => Cell::Number(v, "General"),
        None => Cell::Text(e.text.clone()),
    };
    rows.extend(grid.rows.iter().map(|r| r.iter().map(entry).collect()));
    // What is counted can be summed: columns of whole numbers.
    let last = rows.len();
    let whole = |c: usize| {
        let mut numbers = grid.rows.iter().map(|r| r.get(c).and_then(|e| e.number));
        last > 2 && numbers.all(|n| n.is_some_and(|v| v.fract() == 0.0))
    };
    if (0..grid.columns.len()).any(whole) {
        let total = |c: usize| {
            if !whole(c) {
                return if c == 0 {
                    Cell::Head("Total".into())
                } else {
                    Cell::Empty
                };
            }
            let sum = grid.rows.iter().filter_map(|r| r.get(c)?.number).sum();
            let column = letters(c);
            Cell::Formula(format!("SUM({column}2:{column}{last})"), sum, "#,##0")
        };
        rows.push((0..grid.columns.len()).map(total).collect());
    }
    rows.push(Vec::new());
    rows.push(vec![Cell::Text(grid.source.clone())]);
    Sheet {
        name: grid.title.clone(),
        rows,
        widths: vec![24.0; grid.columns.len()],
    }
}

fn sources(outline: &Outline) -> Sheet {
    let mut rows = vec![vec![Cell::Head("Block".into()), Cell::Head("Evidence".into())]];
    rows.extend(
        outline
            .sources
            .iter()
            .map(|(p, e)| vec![Cell::Text(p.clone()), Cell::Text(e.clone())]),
    );
    Sheet {
        name: "Sources".into(),
        rows,
        widths: vec![46.0, 70.0],
    }
}

/// Names that Excel takes, each once.
fn named_apart(sheets: &mut [Sheet]) {
    let mut seen: Vec<String> = Vec::new();
    for sheet in sheets {
        let base: String = sheet
            .name
            .chars()
            .map(|c| if "[]:*?/\\'".contains(c) { ' ' } else { c })
            .take(28)
            .collect();
        let mut name = base.trim().to_owned();
        let mut number = 2;
        while name.is_empty() || seen.contains(&name.to_lowercase()) {
            name = format!("{} {number}", base.trim()).trim().to_owned();
            number += 1;
        }
        seen.push(name.to_lowercase());
        sheet.name = name;
    }
}

/// A workbook of sheets.
pub fn workbook(sheets: &[Sheet]) -> Vec<u8> {
    let mut zip = Zip::default();
    let overrides: String = (1..=sheets.len())
        .map(|n| format!("<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"))
        .collect();
    zip.add("[Content_Types].xml", format!("{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>{overrides}</Types>").as_bytes());
    zip.add("_rels/.rels", format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>").as_bytes());
    let listed: String = sheets
        .iter()
        .enumerate()
        .map(|(i, s)| {
            format!(
                "<sheet name=\"{}\" sheetId=\"{}\" r:id=\"rId{}\"/>",
                xml(&s.name),
                i + 1,
                i + 1
            )
        })
        .collect();
    zip.add("xl/workbook.xml", format!("{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELS}\"><sheets>{listed}</sheets><calcPr calcId=\"191029\" fullCalcOnLoad=\"1\"/></workbook>").as_bytes());
    let related: String = (1..=sheets.len())
        .map(|n| format!("<Relationship Id=\"rId{n}\" Type=\"{RELS}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"))
        .collect();
    zip.add("xl/_rels/workbook.xml.rels", format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\">{related}<Relationship Id=\"rId{}\" Type=\"{RELS}/styles\" Target=\"styles.xml\"/></Relationships>", sheets.len() + 1).as_bytes());
    zip.add("xl/styles.xml", styles().as_bytes());
    for (number, sheet) in sheets.iter().enumerate() {
        zip.add(
            &format!("xl/worksheets/sheet{}.xml", number + 1),
            worksheet(sheet).as_bytes(),
        );
    }
    zip.finish()
}

fn styles() -> String {
    let formats: String = FORMATS
        .iter()
        .enumerate()
        .map(|(i, f)| format!("<numFmt numFmtId=\"{}\" formatCode=\"{}\"/>", 164 + i, xml(f)))
        .collect();
    let plain: String = (0..FORMATS.len())
        .map(|i| {
            format!(
                "<xf numFmtId=\"{}\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>",
                164 + i
            )
        })
        .collect();
    format!(
        "{HEAD}<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"{n}\">{formats}</numFmts><fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts><fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs><cellXfs count=\"{m}\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>{plain}<xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/></cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
        n = FORMATS.len(),
        m = FORMATS.len() + 2
    )
}

fn style(format: &str) -> usize {
    FORMATS.iter().position(|f| *f == format).map_or(0, |i| i + 1)
}

fn worksheet(sheet: &Sheet) -> String {
    let mut out = format!("{HEAD}<worksheet xmlns=\"{MAIN}\">");
    if !sheet.widths.is_empty() {
        out.push_str("<cols>");
        for (i, width) in sheet.widths.iter().enumerate() {
            out.push_str(&format!(
                "<col min=\"{0}\" max=\"{0}\" width=\"{width}\" customWidth=\"1\"/>",
                i + 1
            ));
        }
        out.push_str("</cols>");
    }
    out.push_str("<sheetData>");
    for (r, row) in sheet.rows.iter().enumerate() {
        out.push_str(&format!("<row r=\"{}\">", r + 1));
        for (c, cell) in row.iter().enumerate() {
            let at = format!("{}{}", letters(c), r + 1);
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => out.push_str(&format!(
                    "<c r=\"{at}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                    xml(text)
                )),
                Cell::Head(text) => out.push_str(&format!(
                    "<c r=\"{at}\" s=\"{}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                    FORMATS.len() + 1,
                    xml(text)
                )),
                Cell::Number(v, format) if v.is_finite() => {
                    out.push_str(&format!("<c r=\"{at}\" s=\"{}\"><v>{v}</v></c>", style(format)))
                }
                Cell::Formula(formula, v, format) if v.is_finite() => {
                    out.push_str(&format!(
                        "<c r=\"{at}\" s=\"{}\"><f>{}</f><v>{v}</v></c>",
                        style(format),
                        xml(formula)
                    ));
                }
                Cell::Number(..) | Cell::Formula(..) => {}
            }
        }
        out.push_str("</row>");
    }
    out.push_str("</sheetData></worksheet>");
    out
}
