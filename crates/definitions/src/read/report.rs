//! `reports/*.md`: Markdown with a YAML front matter and fenced blocks for figures.

use super::meta::meta;
use crate::decode::{Decoder, MapReader, Target};
use crate::nearest::nearest;
use crate::project::{Kind, Reference};
use crate::yaml::{self, Node, Place, Value};
use crate::{Block, BlockContent, Diagnostic, Report, Settings};

const BLOCKS: [&str; 8] = [
    "metric",
    "chart",
    "sql",
    "experiment",
    "objective",
    "decisions",
    "money",
    "summary",
];

/// Reads a report; `problems` takes those of its YAML, the decoder all others. `None` for Markdown that is no report.
pub(super) fn read(
    decoder: &Decoder,
    text: &str,
    settings: &Settings,
    problems: &mut Vec<Diagnostic>,
) -> Option<Report> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let start = Place { line: 1, column: 1 };
    let Some(end) = front_matter(&lines) else {
        let problem = Diagnostic::error("front-matter", decoder.span(start), "the report has no front matter");
        decoder.report(problem.expected("first lines such as `---`, `report: weekly`, `owner: mara`, `---`"));
        return None;
    };
    let front = lines.get(1..end).unwrap_or_default().join("\n");
    let (documents, syntax) = yaml::parse_at(decoder.file(), &front, 1);
    let broken = !syntax.is_empty();
    problems.extend(syntax);
    let Some(document) = documents.into_iter().next() else {
        if !broken {
            decoder.report(
                Diagnostic::error("front-matter", decoder.span(start), "the front matter is empty")
                    .expected("the key `report`"),
            );
        }
        return None;
    };
    let mut map = decoder.map(&document, "the front matter")?;
    let mut meta = meta(&mut map, Kind::Report, "report", settings);
    let max_age_hours = map.duration_seconds("max_age").map(hours);
    let send_every = map.choice("send_every", &["day", "week", "month"]);
    let send_to = recipients(&mut map);
    if send_every.is_some() && send_to.is_empty() {
        map.required("send_to");
    }
    map.finish();
    let body = Body {
        decoder,
        lines: &lines,
        offset: end + 1,
    };
    let blocks = body.read(problems);
    let prose = Node {
        value: Value::Str(lines.get(end + 1..).unwrap_or_default().join("\n")),
        text: String::new(),
        place: start,
    };
    meta.digest = yaml::digest(&[&document, &prose]);
    Some(Report {
        meta,
        blocks,
        max_age_hours,
        send_every,
        send_to,
    })
}

fn recipients(map: &mut MapReader<'_>) -> Vec<String> {
    let all = map.placed_texts("send_to");
    for (address, place) in &all {
        if !address.contains('@') || address.contains(char::is_whitespace) {
            let problem = Diagnostic::error(
                "bad-value",
                map.decoder().span(*place),
                format!("`{address}` is no e-mail address"),
            );
            map.decoder()
                .report(problem.expected("an address such as `mara@larkspur.example`"));
        }
    }
    all.into_iter().map(|(address, _)| address).collect()
}

#[allow(clippy::cast_precision_loss)]
fn hours(seconds: u64) -> f64 {
    seconds as f64 / 3_600.0
}

/// The index of the line that closes the front matter.
fn front_matter(lines: &[&str]) -> Option<usize> {
    if lines.first()?.trim_end() != "---" {
        return None;
    }
    lines
        .iter()
        .skip(1)
        .position(|l| matches!(l.trim_end(), "---" | "..."))
        .map(|i| i + 1)
}

struct Body<'a> {
    decoder: &'a Decoder,
    lines: &'a [&'a str],
    offset: usize,
}

struct Fence {
    mark: char,
    length: usize,
    word: String,
}

/// A fence of at least three backticks or tildes, indented by at most three spaces (CommonMark 4.5).
fn fence(line: &str) -> Option<Fence> {
    let inner = line.trim_start_matches(' ');
    if line.len() - inner.len() > 3 {
        return None;
    }
    let mark = inner.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = inner.chars().take_while(|c| *c == mark).count();
    let info = inner.get(length..)?.trim();
    if length < 3 || (mark == '`' && info.contains('`')) {
        return None;
    }
    Some(Fence {
        mark,
        length,
        word: info.to_owned(),
    })
}

impl Body<'_> {
    fn read(&self, problems: &mut Vec<Diagnostic>) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut prose: Vec<&str> = Vec::new();
        let mut prose_from = self.offset;
        let mut index = self.offset;
        while let Some(line) = self.lines.get(index) {
            let Some(open) = fence(line) else {
                prose.push(line);
                index += 1;
                continue;
            };
            let close = (index + 1..self.lines.len()).find(|i| {
                self.lines
                    .get(*i)
                    .and_then(|l| fence(l))
                    .is_some_and(|f| f.mark == open.mark && f.length >= open.length && f.word.is_empty())
            });
            let last = close.unwrap_or(self.lines.len());
            if BLOCKS.contains(&open.word.as_str()) {
                self.flush(&mut prose, prose_from, &mut blocks);
                let place = place(index);
                if close.is_none() {
                    self.decoder.error(
                        "open-block",
                        place,
                        format!("the block `{}` is never closed", open.word),
                    );
                }
                let inner = self.lines.get(index + 1..last).unwrap_or_default().join("\n");
                if let Some(content) = self.block(&open.word, &inner, index, problems) {
                    blocks.push(Block {
                        span: self.decoder.span(place),
                        content,
                    });
                }
                prose_from = last + 1;
            } else {
                // Code of other languages is prose; a slip in the word would show a figure's source instead of the figure.
                if let Some(near) = nearest(&open.word, BLOCKS).filter(|_| !open.word.is_empty()) {
                    let problem = Diagnostic::warning(
                        "unknown-block",
                        self.decoder.span(place(index)),
                        format!("`{}` is shown as code", open.word),
                    );
                    self.decoder.report(problem.did_you_mean(Some(near)));
                }
                prose.extend(
                    self.lines
                        .get(index..(last + 1).min(self.lines.len()))
                        .unwrap_or_default(),
                );
            }
            index = last + 1;
        }
        self.flush(&mut prose, prose_from, &mut blocks);
        blocks
    }

    fn flush(&self, prose: &mut Vec<&str>, from: usize, blocks: &mut Vec<Block>) {
        let blank = prose.iter().take_while(|l| l.trim().is_empty()).count();
        let markdown = prose.get(blank..).unwrap_or_default().join("\n").trim_end().to_owned();
        if !markdown.is_empty() {
            blocks.push(Block {
                span: self.decoder.span(place(from + blank)),
                content: BlockContent::Prose { markdown },
            });
        }
        prose.clear();
    }

    fn block(&self, word: &str, text: &str, index: usize, problems: &mut Vec<Diagnostic>) -> Option<BlockContent> {
        if word == "sql" {
            return self.sql(text, index);
        }
        let lines = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let (documents, syntax) = yaml::parse_at(self.decoder.file(), text, lines);
        let broken = !syntax.is_empty();
        problems.extend(syntax);
        let Some(node) = documents.first() else {
            if word == "decisions" && !broken {
                return Some(BlockContent::Decisions { last: None });
            }
            if word == "summary" && !broken {
                return Some(BlockContent::Summary);
            }
            if !broken {
                self.decoder
                    .error("empty-block", place(index), format!("the block `{word}` is empty"));
            }
            return None;
        };
        // A name alone is enough where a name is all that is needed.
        if let Some(name) = node.as_str() {
            let mention = |kind| {
                self.decoder
                    .mention(Target::Definition(Reference::new(kind, name)), node.place, "the report");
            };
            match word {
                "metric" => mention(Kind::Metric),
                "experiment" => mention(Kind::Experiment),
                "objective" => mention(Kind::Objective),
                _ => {}
            }
            match word {
                "metric" => {
                    return Some(BlockContent::Metric {
                        metric: name.to_owned(),
                        period: None,
                        filter: None,
                    });
                }
                "experiment" => return Some(BlockContent::Experiment { name: name.to_owned() }),
                "objective" => return Some(BlockContent::Objective { name: name.to_owned() }),
                _ => {}
            }
        }
        let mut map = self.decoder.map(node, &format!("the block `{word}`"))?;
        let content = match word {
            "metric" => BlockContent::Metric {
                metric: map.required_name_of("metric", Kind::Metric),
                period: map.text("period"),
                filter: map.text("filter"),
            },
            "chart" => chart(&mut map),
            "summary" => BlockContent::Summary,
            "money" => BlockContent::Money {
                bill: map.required_name_of("bill", Kind::Bill),
                show: map
                    .choice("show", &["models", "budgets", "contracts", "anomalies"])
                    .unwrap_or_else(|| "models".to_owned()),
            },
            "experiment" => BlockContent::Experiment {
                name: named(&mut map, "experiment", Kind::Experiment),
            },
            "objective" => BlockContent::Objective {
                name: named(&mut map, "objective", Kind::Objective),
            },
            _ => BlockContent::Decisions {
                last: map.count("last").and_then(|n| u32::try_from(n).ok()),
            },
        };
        map.finish();
        Some(content)
    }

    /// A first line `-- title: …` titles the table.
    fn sql(&self, text: &str, index: usize) -> Option<BlockContent> {
        let title = text
            .lines()
            .next()
            .and_then(|l| l.trim().strip_prefix("--"))
            .and_then(|l| l.trim().strip_prefix("title:"));
        let title = title.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let rest = if title.is_some() {
            text.split_once('\n').map_or("", |(_, rest)| rest)
        } else {
            text
        };
        if rest.trim().is_empty() {
            self.decoder
                .error("empty-block", place(index), "the block `sql` holds no query");
            return None;
        }
        self.decoder
            .mention(Target::Query(rest.trim().to_owned()), place(index), "the report");
        Some(BlockContent::Sql {
            query: rest.trim().to_owned(),
            title,
        })
    }
}

fn named(map: &mut MapReader<'_>, key: &str, kind: Kind) -> String {
    if !map.has(key) && map.has("name") {
        map.ignore(&[key]);
        return map.required_name_of("name", kind);
    }
    map.ignore(&["name"]);
    map.required_name_of(key, kind)
}

fn chart(map: &mut MapReader<'_>) -> BlockContent {
    let mut metrics = map.names_of("metrics", Kind::Metric);
    metrics.extend(map.names_of("metric", Kind::Metric));
    if metrics.is_empty() {
        map.required("metrics");
    }
    let by = map.texts("by");
    let timed = by.iter().any(|b| b.starts_with("time") || b.starts_with("metric_time")) || by.is_empty();
    let default = if timed { "line" } else { "bar" };
    BlockContent::Chart {
        metrics,
        by: if by.is_empty() {
            vec!["time:week".to_owned()]
        } else {
            by
        },
        filter: map.text("filter"),
        title: map.text("title"),
        mark: map
            .choice("mark", &["line", "bar", "area", "table"])
            .unwrap_or_else(|| default.to_owned()),
        from: map.text("from"),
        to: map.text("to"),
    }
}

fn place(index: usize) -> Place {
    Place {
        line: u32::try_from(index + 1).unwrap_or(u32::MAX),
        column: 1,
    }
}
