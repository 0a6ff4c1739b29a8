//! A pack as slides: text is text, tables are tables, charts are native charts over an embedded workbook.

use super::outline::{Drawing, Fact, Grid, Outline, Part};
use super::xlsx::{data, letters, workbook};
use super::zip::{Zip, xml};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const A: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";
const P: &str = "http://schemas.openxmlformats.org/presentationml/2006/main";
const C: &str = "http://schemas.openxmlformats.org/drawingml/2006/chart";
const R: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
/// English Metric Units of an inch; a slide is 13.333 by 7.5 inches.
const INCH: f64 = 914_400.0;
const WIDE: f64 = 13.333;
/// Rows of a table that fit on a slide.
const ROWS: usize = 12;
/// Colours of series: the pages' in light.
const COLOURS: [&str; 8] = [
    "1F5FAE", "B4540A", "17703C", "8A3FA0", "A31C4B", "0D7377", "6B5B00", "565C65",
];

#[derive(Default)]
struct Slide {
    title: String,
    shapes: String,
    /// Number of its chart, if it has one.
    chart: Option<usize>,
    next: usize,
    /// Where the next paragraph goes, inches from the top.
    y: f64,
}

impl Slide {
    fn new(title: &str) -> Slide {
        let mut slide = Slide {
            title: title.to_owned(),
            next: 2,
            y: 1.35,
            ..Slide::default()
        };
        slide.text(
            &[(title.to_owned(), 28, true, "1C1E21")],
            0.6,
            0.45,
            WIDE - 1.2,
            0.8,
            true,
        );
        slide
    }

    /// A box of paragraphs: text, size in points, bold, colour.
    fn text(&mut self, paragraphs: &[(String, u32, bool, &str)], x: f64, y: f64, w: f64, h: f64, title: bool) {
        let id = self.next;
        self.next += 1;
        let holder = if title {
            "<p:nvPr><p:ph type=\"title\"/></p:nvPr>"
        } else {
            "<p:nvPr/>"
        };
        let body: String = paragraphs
            .iter()
            .map(|(text, size, bold, colour)| {
                format!(
                    "<a:p><a:r><a:rPr lang=\"en-GB\" sz=\"{}\" b=\"{}\"><a:solidFill><a:srgbClr val=\"{colour}\"/></a:solidFill></a:rPr><a:t>{}</a:t></a:r></a:p>",
                    size * 100, u8::from(*bold), xml(text)
                )
            })
            .collect();
        self.shapes.push_str(&format!(
            "<p:sp><p:nvSpPr><p:cNvPr id=\"{id}\" name=\"{} {id}\"/><p:cNvSpPr txBox=\"{}\"/>{holder}</p:nvSpPr><p:spPr>{}<a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom><a:noFill/></p:spPr><p:txBody><a:bodyPr wrap=\"square\" lIns=\"0\" tIns=\"0\" rIns=\"0\" bIns=\"0\"><a:normAutofit/></a:bodyPr><a:lstStyle/>{body}</p:txBody></p:sp>",
            if title { "Title" } else { "Text" }, u8::from(!title), transform("a", x, y, w, h)
        ));
    }
}

fn transform(prefix: &str, x: f64, y: f64, w: f64, h: f64) -> String {
    let emu = |v: f64| (v * INCH).round() as i64;
    format!(
        "<{prefix}:xfrm><a:off x=\"{}\" y=\"{}\"/><a:ext cx=\"{}\" cy=\"{}\"/></{prefix}:xfrm>",
        emu(x),
        emu(y),
        emu(w),
        emu(h)
    )
}

/// A pack as slides.
pub fn pptx(outline: &Outline) -> Vec<u8> {
    let mut charts: Vec<&Drawing> = Vec::new();
    let slides = slides(outline, &mut charts);
    let mut zip = Zip::default();
    let override_of = |name: String, kind: &str| {
        format!(
            "<Override PartName=\"{name}\" ContentType=\"application/vnd.openxmlformats-officedocument.{kind}+xml\"/>"
        )
    };
    let mut overrides = String::new();
    overrides.push_str(&override_of(
        "/ppt/presentation.xml".into(),
        "presentationml.presentation.main",
    ));
    overrides.push_str(&override_of(
        "/ppt/slideMasters/slideMaster1.xml".into(),
        "presentationml.slideMaster",
    ));
    overrides.push_str(&override_of(
        "/ppt/slideLayouts/slideLayout1.xml".into(),
        "presentationml.slideLayout",
    ));
    overrides.push_str(&override_of("/ppt/theme/theme1.xml".into(), "theme"));
    for n in 1..=slides.len() {
        overrides.push_str(&override_of(
            format!("/ppt/slides/slide{n}.xml"),
            "presentationml.slide",
        ));
    }
    for n in 1..=charts.len() {
        overrides.push_str(&override_of(format!("/ppt/charts/chart{n}.xml"), "drawingml.chart"));
    }
    zip.add("[Content_Types].xml", format!("{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Default Extension=\"xlsx\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\"/><Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>{overrides}</Types>").as_bytes());
    zip.add("_rels/.rels", format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{R}/officeDocument\" Target=\"ppt/presentation.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>").as_bytes());
    zip.add("docProps/core.xml", format!("{HEAD}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:creator>Steward</dc:creator></cp:coreProperties>", xml(&outline.title)).as_bytes());
    let ids: String = (0..slides.len())
        .map(|n| format!("<p:sldId id=\"{}\" r:id=\"rId{}\"/>", 256 + n, n + 2))
        .collect();
    zip.add("ppt/presentation.xml", format!("{HEAD}<p:presentation xmlns:a=\"{A}\" xmlns:r=\"{R}\" xmlns:p=\"{P}\"><p:sldMasterIdLst><p:sldMasterId id=\"2147483648\" r:id=\"rId1\"/></p:sldMasterIdLst><p:sldIdLst>{ids}</p:sldIdLst><p:sldSz cx=\"12192000\" cy=\"6858000\"/><p:notesSz cx=\"6858000\" cy=\"9144000\"/></p:presentation>").as_bytes());
    let related: String = (1..=slides.len())
        .map(|n| {
            format!(
                "<Relationship Id=\"rId{}\" Type=\"{R}/slide\" Target=\"slides/slide{n}.xml\"/>",
                n + 1
            )
        })
        .collect();
    zip.add("ppt/_rels/presentation.xml.rels", format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{R}/slideMaster\" Target=\"slideMasters/slideMaster1.xml\"/>{related}</Relationships>").as_bytes());
    frame(&mut zip);
    for (number, slide) in slides.iter().enumerate() {
        let n = number + 1;
        zip.add(&format!("ppt/slides/slide{n}.xml"), format!("{HEAD}<p:sld xmlns:a=\"{A}\" xmlns:r=\"{R}\" xmlns:p=\"{P}\"><p:cSld name=\"{}\"><p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>{}</p:spTree></p:cSld></p:sld>", xml(&slide.title), slide.shapes).as_bytes());
        let chart = slide
            .chart
            .map(|c| format!("<Relationship Id=\"rId2\" Type=\"{R}/chart\" Target=\"../charts/chart{c}.xml\"/>"))
            .unwrap_or_default();
        zip.add(&format!("ppt/slides/_rels/slide{n}.xml.rels"), format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{R}/slideLayout\" Target=\"../slideLayouts/slideLayout1.xml\"/>{chart}</Relationships>").as_bytes());
    }
    for (number, drawing) in charts.iter().enumerate() {
        let n = number + 1;
        zip.add(&format!("ppt/charts/chart{n}.xml"), chart(drawing).as_bytes());
        zip.add(&format!("ppt/charts/_rels/chart{n}.xml.rels"), format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{R}/package\" Target=\"../embeddings/workbook{n}.xlsx\"/></Relationships>").as_bytes());
        zip.add(&format!("ppt/embeddings/workbook{n}.xlsx"), &workbook(&[data(drawing)]));
    }
    zip.finish()
}

fn slides<'a>(outline: &'a Outline, charts: &mut Vec<&'a Drawing>) -> Vec<Slide> {
    let mut first = Slide::new(&outline.title);
    first.text(
        &[(outline.byline.clone(), 16, false, "565C65")],
        0.6,
        1.25,
        WIDE - 1.2,
        0.5,
        false,
    );
    first.y = 1.95;
    let mut all = vec![first];
    let mut heading = outline.title.clone();
    for part in &outline.parts {
        match part {
            Part::Heading(_, text) => {
                heading.clone_from(text);
                all.push(Slide::new(text));
            }
            Part::Text(text) => paragraph(&mut all, &heading, std::slice::from_ref(text), ""),
            Part::Bullets(items) => paragraph(&mut all, &heading, items, "• "),
            Part::Figures(facts) => figures(&mut all, &heading, facts),
            Part::Chart(drawing) => {
                charts.push(drawing);
                let mut slide = Slide::new(&drawing.title);
                slide.chart = Some(charts.len());
                let frame = transform("p", 0.6, 1.35, WIDE - 1.2, 5.3);
                slide.shapes.push_str(&format!("<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id=\"{0}\" name=\"Chart {0}\" descr=\"{1}\"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>{frame}<a:graphic><a:graphicData uri=\"{C}\"><c:chart xmlns:c=\"{C}\" xmlns:r=\"{R}\" r:id=\"rId2\"/></a:graphicData></a:graphic></p:graphicFrame>", slide.next, xml(&drawing.title)));
                slide.next += 1;
                slide.text(
                    &[(drawing.source.clone(), 10, false, "565C65")],
                    0.6,
                    6.85,
                    WIDE - 1.2,
                    0.35,
                    false,
                );
                all.push(slide);
            }
            Part::Grid(grid) => tables(&mut all, grid),
        }
    }
    // A heading whose content got slides of its own says nothing more.
    let empty = |s: &Slide| s.y <= 1.35 && s.chart.is_none() && !s.shapes.contains("graphicFrame");
    let mut kept: Vec<Slide> = Vec::new();
    let mut rest = all.into_iter().peekable();
    while let Some(slide) = rest.next() {
        if empty(&slide) && rest.peek().is_some() && !kept.is_empty() {
            continue;
        }
        kept.push(slide);
    }
    kept
}

fn paragraph(all: &mut Vec<Slide>, heading: &str, texts: &[String], mark: &str) {
    for text in texts {
        let lines = (text.chars().count() as f64 / 105.0).ceil().max(1.0);
        let height = lines * 0.34 + 0.12;
        if all
            .last()
            .is_none_or(|s| s.chart.is_some() || s.y + height > 6.9 || s.shapes.contains("graphicFrame"))
        {
            all.push(Slide::new(heading));
        }
        if let Some(slide) = all.last_mut() {
            let y = slide.y;
            slide.text(
                &[(format!("{mark}{text}"), 18, false, "1C1E21")],
                0.6,
                y,
                WIDE - 1.2,
                height,
                false,
            );
            slide.y += height;
        }
    }
}

fn figures(all: &mut Vec<Slide>, heading: &str, facts: &[Fact]) {
    if all
        .last()
        .is_none_or(|s| s.chart.is_some() || s.y > 4.2 || s.shapes.contains("graphicFrame"))
    {
        all.push(Slide::new(heading));
    }
    let Some(slide) = all.last_mut() else { return };
    let wide = (WIDE - 1.2) / facts.len().max(1) as f64;
    let y = slide.y;
    for (n, fact) in facts.iter().enumerate() {
        let soft = "565C65";
        slide.text(
            &[
                (format!("{}, {}", fact.label, fact.period), 13, false, soft),
                (fact.text.clone(), 30, true, "1C1E21"),
                (fact.certainty.clone(), 11, false, soft),
                (fact.change.clone(), 11, false, soft),
                (fact.source.clone(), 9, false, soft),
            ],
            0.6 + wide * n as f64,
            y,
            wide - 0.2,
            2.5,
            false,
        );
    }
    slide.y += 2.7;
}

fn tables(all: &mut Vec<Slide>, grid: &Grid) {
    if grid.columns.is_empty() {
        return;
    }
    let pages = grid.rows.chunks(ROWS).count().max(1);
    for page in 0..pages {
        let rows = grid.rows.chunks(ROWS).nth(page).unwrap_or_default();
        let title = if pages > 1 {
            format!("{} ({} of {pages})", grid.title, page + 1)
        } else {
            grid.title.clone()
        };
        let mut slide = Slide::new(&title);
        let wide = WIDE - 1.2;
        let column = (wide / grid.columns.len() as f64 * INCH) as i64;
        let columns: String = grid
            .columns
            .iter()
            .map(|_| format!("<a:gridCol w=\"{column}\"/>"))
            .collect();
        let cell = |text: &str, bold: bool, right: bool| {
            format!(
                "<a:tc><a:txBody><a:bodyPr/><a:lstStyle/><a:p><a:pPr algn=\"{}\"/><a:r><a:rPr lang=\"en-GB\" sz=\"1200\" b=\"{}\"/><a:t>{}</a:t></a:r></a:p></a:txBody><a:tcPr/></a:tc>",
                if right { "r" } else { "l" },
                u8::from(bold),
                xml(text)
            )
        };
        let head: String = grid.columns.iter().map(|c| cell(c, true, false)).collect();
        let body: String = rows
            .iter()
            .map(|row| {
                let cells: String = row.iter().map(|e| cell(&e.text, false, e.number.is_some())).collect();
                format!("<a:tr h=\"370840\">{cells}</a:tr>")
            })
            .collect();
        let frame = transform("p", 0.6, 1.35, wide, 0.4 * (rows.len() + 1) as f64);
        slide.shapes.push_str(&format!("<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id=\"{0}\" name=\"Table {0}\"/><p:cNvGraphicFramePr><a:graphicFrameLocks noGrp=\"1\"/></p:cNvGraphicFramePr><p:nvPr/></p:nvGraphicFramePr>{frame}<a:graphic><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/table\"><a:tbl><a:tblPr firstRow=\"1\" bandRow=\"1\"><a:tableStyleId>{{5940675A-B579-460E-94D1-54222C63F5DA}}</a:tableStyleId></a:tblPr><a:tblGrid>{columns}</a:tblGrid><a:tr h=\"370840\">{head}</a:tr>{body}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>", slide.next));
        slide.next += 1;
        slide.text(
            &[(grid.source.clone(), 10, false, "565C65")],
            0.6,
            6.95,
            wide,
            0.35,
            false,
        );
        all.push(slide);
    }
}

/// A native chart: its numbers stand in the part and in the embedded workbook.
fn chart(drawing: &Drawing) -> String {
    let last = drawing.categories.len() + 1;
    let format = xml(drawing.number_format);
    let categories: String = drawing
        .categories
        .iter()
        .enumerate()
        .map(|(i, c)| format!("<c:pt idx=\"{i}\"><c:v>{}</c:v></c:pt>", xml(c)))
        .collect();
    let kind = match drawing.mark.as_str() {
        "bar" => "barChart",
        "area" => "areaChart",
        _ => "lineChart",
    };
    let series: String = drawing
        .series
        .iter()
        .enumerate()
        .map(|(n, (name, values))| {
            let column = letters(n + 1);
            let points: String = values
                .iter()
                .enumerate()
                .filter_map(|(i, v)| v.filter(|v| v.is_finite()).map(|v| format!("<c:pt idx=\"{i}\"><c:v>{v}</c:v></c:pt>")))
                .collect();
            let colour = COLOURS[n % COLOURS.len()];
            let look = if kind == "lineChart" {
                format!("<c:spPr><a:ln w=\"28575\"><a:solidFill><a:srgbClr val=\"{colour}\"/></a:solidFill></a:ln></c:spPr><c:marker><c:symbol val=\"none\"/></c:marker>")
            } else {
                format!("<c:spPr><a:solidFill><a:srgbClr val=\"{colour}\"/></a:solidFill></c:spPr>")
            };
            let smooth = if kind == "lineChart" { "<c:smooth val=\"0\"/>" } else { "" };
            format!("<c:ser><c:idx val=\"{n}\"/><c:order val=\"{n}\"/><c:tx><c:strRef><c:f>Sheet1!${column}$1</c:f><c:strCache><c:ptCount val=\"1\"/><c:pt idx=\"0\"><c:v>{}</c:v></c:pt></c:strCache></c:strRef></c:tx>{look}<c:cat><c:strRef><c:f>Sheet1!$A$2:$A${last}</c:f><c:strCache><c:ptCount val=\"{}\"/>{categories}</c:strCache></c:strRef></c:cat><c:val><c:numRef><c:f>Sheet1!${column}$2:${column}${last}</c:f><c:numCache><c:formatCode>{format}</c:formatCode><c:ptCount val=\"{}\"/>{points}</c:numCache></c:numRef></c:val>{smooth}</c:ser>", xml(name), drawing.categories.len(), values.len())
        })
        .collect();
    let (before, after) = match kind {
        "barChart" => (
            "<c:barDir val=\"bar\"/><c:grouping val=\"clustered\"/><c:varyColors val=\"0\"/>",
            "<c:gapWidth val=\"60\"/>",
        ),
        "areaChart" => ("<c:grouping val=\"standard\"/><c:varyColors val=\"0\"/>", ""),
        _ => (
            "<c:grouping val=\"standard\"/><c:varyColors val=\"0\"/>",
            "<c:marker val=\"1\"/>",
        ),
    };
    let (across, up, order) = if kind == "barChart" {
        ("l", "b", "maxMin")
    } else {
        ("b", "l", "minMax")
    };
    let legend = if drawing.series.len() > 1 {
        "<c:legend><c:legendPos val=\"b\"/><c:overlay val=\"0\"/></c:legend>"
    } else {
        ""
    };
    let font = "<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz=\"1200\"/></a:pPr><a:endParaRPr lang=\"en-GB\"/></a:p></c:txPr>";
    format!(
        "{HEAD}<c:chartSpace xmlns:c=\"{C}\" xmlns:a=\"{A}\" xmlns:r=\"{R}\"><c:roundedCorners val=\"0\"/><c:chart><c:autoTitleDeleted val=\"1\"/><c:plotArea><c:layout/><c:{kind}>{before}{series}{after}<c:axId val=\"111\"/><c:axId val=\"222\"/></c:{kind}><c:catAx><c:axId val=\"111\"/><c:scaling><c:orientation val=\"{order}\"/></c:scaling><c:delete val=\"0\"/><c:axPos val=\"{across}\"/><c:numFmt formatCode=\"General\" sourceLinked=\"0\"/><c:majorTickMark val=\"none\"/><c:minorTickMark val=\"none\"/><c:tickLblPos val=\"low\"/>{font}<c:crossAx val=\"222\"/><c:crosses val=\"autoZero\"/></c:catAx><c:valAx><c:axId val=\"222\"/><c:scaling><c:orientation val=\"minMax\"/></c:scaling><c:delete val=\"0\"/><c:axPos val=\"{up}\"/><c:majorGridlines><c:spPr><a:ln w=\"6350\"><a:solidFill><a:srgbClr val=\"E0E0DA\"/></a:solidFill></a:ln></c:spPr></c:majorGridlines><c:numFmt formatCode=\"{format}\" sourceLinked=\"0\"/><c:majorTickMark val=\"none\"/><c:minorTickMark val=\"none\"/><c:tickLblPos val=\"nextTo\"/>{font}<c:crossAx val=\"111\"/><c:crosses val=\"autoZero\"/></c:valAx></c:plotArea>{legend}<c:plotVisOnly val=\"1\"/><c:dispBlanksAs val=\"gap\"/></c:chart><c:externalData r:id=\"rId1\"><c:autoUpdate val=\"0\"/></c:externalData></c:chartSpace>"
    )
}

/// Master, layout and theme: one of each.
fn frame(zip: &mut Zip) {
    let tree = "<p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>{}</p:spTree>";
    let title = format!(
        "<p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"Title\"/><p:cNvSpPr/><p:nvPr><p:ph type=\"title\"/></p:nvPr></p:nvSpPr><p:spPr>{}<a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:endParaRPr lang=\"en-GB\"/></a:p></p:txBody></p:sp>",
        transform("a", 0.6, 0.45, WIDE - 1.2, 0.8)
    );
    let tree = tree.replace("{}", &title);
    zip.add("ppt/slideMasters/slideMaster1.xml", format!("{HEAD}<p:sldMaster xmlns:a=\"{A}\" xmlns:r=\"{R}\" xmlns:p=\"{P}\"><p:cSld><p:bg><p:bgPr><a:solidFill><a:srgbClr val=\"FFFFFF\"/></a:solidFill><a:effectLst/></p:bgPr></p:bg>{tree}</p:cSld><p:clrMap bg1=\"lt1\" tx1=\"dk1\" bg2=\"lt2\" tx2=\"dk2\" accent1=\"accent1\" accent2=\"accent2\" accent3=\"accent3\" accent4=\"accent4\" accent5=\"accent5\" accent6=\"accent6\" hlink=\"hlink\" folHlink=\"folHlink\"/><p:sldLayoutIdLst><p:sldLayoutId id=\"2147483649\" r:id=\"rId1\"/></p:sldLayoutIdLst></p:sldMaster>").as_bytes());
    zip.add("ppt/slideMasters/_rels/slideMaster1.xml.rels", format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{R}/slideLayout\" Target=\"../slideLayouts/slideLayout1.xml\"/><Relationship Id=\"rId2\" Type=\"{R}/theme\" Target=\"../theme/theme1.xml\"/></Relationships>").as_bytes());
    zip.add("ppt/slideLayouts/slideLayout1.xml", format!("{HEAD}<p:sldLayout xmlns:a=\"{A}\" xmlns:r=\"{R}\" xmlns:p=\"{P}\" type=\"titleOnly\"><p:cSld name=\"Title only\">{tree}</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>").as_bytes());
    zip.add("ppt/slideLayouts/_rels/slideLayout1.xml.rels", format!("{HEAD}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{R}/slideMaster\" Target=\"../slideMasters/slideMaster1.xml\"/></Relationships>").as_bytes());
    let accents: String = COLOURS
        .iter()
        .take(6)
        .enumerate()
        .map(|(i, c)| format!("<a:accent{0}><a:srgbClr val=\"{c}\"/></a:accent{0}>", i + 1))
        .collect();
    let fill = "<a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill>";
    let line = format!("<a:ln w=\"9525\">{fill}</a:ln>");
    let effect = "<a:effectStyle><a:effectLst/></a:effectStyle>";
    zip.add("ppt/theme/theme1.xml", format!("{HEAD}<a:theme xmlns:a=\"{A}\" name=\"Steward\"><a:themeElements><a:clrScheme name=\"Steward\"><a:dk1><a:srgbClr val=\"1C1E21\"/></a:dk1><a:lt1><a:srgbClr val=\"FFFFFF\"/></a:lt1><a:dk2><a:srgbClr val=\"565C65\"/></a:dk2><a:lt2><a:srgbClr val=\"F7F7F5\"/></a:lt2>{accents}<a:hlink><a:srgbClr val=\"1F5FAE\"/></a:hlink><a:folHlink><a:srgbClr val=\"8A3FA0\"/></a:folHlink></a:clrScheme><a:fontScheme name=\"Steward\"><a:majorFont><a:latin typeface=\"Calibri\"/><a:ea typeface=\"\"/><a:cs typeface=\"\"/></a:majorFont><a:minorFont><a:latin typeface=\"Calibri\"/><a:ea typeface=\"\"/><a:cs typeface=\"\"/></a:minorFont></a:fontScheme><a:fmtScheme name=\"Steward\"><a:fillStyleLst>{fill}{fill}{fill}</a:fillStyleLst><a:lnStyleLst>{line}{line}{line}</a:lnStyleLst><a:effectStyleLst>{effect}{effect}{effect}</a:effectStyleLst><a:bgFillStyleLst>{fill}{fill}{fill}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>").as_bytes());
}
