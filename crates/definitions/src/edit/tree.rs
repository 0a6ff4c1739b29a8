//! A document with the places in the text where everything begins and ends, in bytes.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// A value and its text.
#[derive(Clone, Debug)]
pub struct Item {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    pub content: Content,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing stands there.
    Empty,
    /// A scalar on one or more lines, or an alias.
    Scalar,
    /// In brackets or braces.
    Flow,
    /// By indentation.
    Block,
}

/// What is in a value.
#[derive(Clone, Debug)]
pub enum Content {
    Scalar,
    Map(Vec<Pair>),
    Seq(Vec<Item>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Pair {
    pub key: String,
    pub start: usize,
    /// After the key, before the colon.
    pub after: usize,
    pub value: Item,
}

enum Open {
    Map(Item, Option<(String, usize, usize)>),
    Seq(Item),
}

/// Every document that is not empty, as `yaml::parse` counts them. A text with mistakes ends at the first.
pub fn documents(text: &str) -> Vec<Item> {
    let mut places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    places.push(text.len());
    let byte = |index: usize| places.get(index).copied().unwrap_or(text.len());
    let mut parser = Parser::new_from_str(text);
    let (mut all, mut open): (Vec<Item>, Vec<Open>) = (Vec::new(), Vec::new());
    while let Some(Ok((event, span))) = parser.next_event() {
        let (start, end) = (byte(span.start.index()), byte(span.end.index()));
        let flow = || matches!(text.as_bytes().get(start), Some(b'{' | b'['));
        let shape = || if flow() { Shape::Flow } else { Shape::Block };
        let item = |content, shape| Item {
            start,
            end,
            shape,
            content,
        };
        let (done, word) = match event {
            Event::Scalar(word, style, ..) => {
                let written = text.get(start..end).unwrap_or_default().trim_end();
                let empty = style == ScalarStyle::Plain && written.is_empty();
                let mut scalar = item(Content::Scalar, if empty { Shape::Empty } else { Shape::Scalar });
                scalar.end = start + written.len();
                (scalar, word.into_owned())
            }
            Event::Alias(_) => (item(Content::Scalar, Shape::Scalar), String::new()),
            Event::MappingStart(..) => {
                open.push(Open::Map(item(Content::Map(Vec::new()), shape()), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(Open::Seq(item(Content::Seq(Vec::new()), shape())));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::Map(mut item, _) | Open::Seq(mut item)) => {
                    item.end = match (item.shape, &item.content) {
                        (Shape::Flow, _) => end,
                        (_, Content::Map(pairs)) => pairs.last().map_or(item.start, |p| p.value.end.max(p.after)),
                        (_, Content::Seq(items)) => items.last().map_or(item.start, |i| i.end),
                        _ => end,
                    };
                    (item, String::new())
                }
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            None => {
                if done.shape != Shape::Empty {
                    all.push(done);
                }
            }
            Some(Open::Seq(Item {
                content: Content::Seq(items),
                ..
            })) => items.push(done),
            Some(Open::Map(
                Item {
                    content: Content::Map(pairs),
                    ..
                },
                key,
            )) => match key.take() {
                None => *key = Some((word, done.start, done.end)),
                Some((key, start, after)) => pairs.push(Pair {
                    key,
                    start,
                    after,
                    value: done,
                }),
            },
            Some(_) => {}
        }
    }
    all
}
