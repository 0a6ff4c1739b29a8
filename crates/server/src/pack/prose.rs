//! Markdown, made safe: no HTML of its own, no pictures from elsewhere, no script in links.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Markdown as HTML below a page's only first-level heading, `title`: a heading that repeats it is left out, other
/// first-level headings become second-level ones.
pub fn render(markdown: &str, title: &str) -> Markup {
    let mut events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
        .map(|event| match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::Heading {
                level,
                id,
                classes,
                attrs,
            }) => Event::Start(Tag::Heading {
                level: lower(level),
                id,
                classes,
                attrs,
            }),
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let dest_url = if safe(&dest_url) {
                    dest_url
                } else {
                    CowStr::Borrowed("#")
                };
                Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    title,
                    id,
                })
            }
            // A picture's words stay.
            Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
            Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
            other => other,
        })
        .collect();
    if let [
        Event::Start(Tag::Heading {
            level: HeadingLevel::H2,
            ..
        }),
        Event::Text(text),
        Event::End(_),
        ..,
    ] = &events[..]
        && text.trim() == title.trim()
    {
        events.drain(..3);
    }
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events.into_iter());
    html! { (PreEscaped(out)) }
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    if level == HeadingLevel::H1 {
        HeadingLevel::H2
    } else {
        level
    }
}

fn safe(address: &str) -> bool {
    let lower = address.trim().to_ascii_lowercase();
    ["https://", "http://", "mailto:", "/", "#"]
        .iter()
        .any(|p| lower.starts_with(p))
        && !lower.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_brings_no_html_pictures_or_script() {
        let text =
            "# Title\n\n# Other\n\n<script>alert(1)</script>\n\n![seen](https://e.example/x.png) [a](javascript:x)";
        let out = render(text, "Title").into_string();
        assert!(
            !out.contains("<script") && !out.contains("<img") && !out.contains("javascript:"),
            "{out}"
        );
        assert!(
            !out.contains("Title") && out.contains("<h2>Other</h2>") && out.contains("<em>seen</em>"),
            "{out}"
        );
    }
}
