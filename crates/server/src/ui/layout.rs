//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use crate::state::Loaded;

/// The rooms of the UI: address and title.
pub const SECTIONS: [(&str, &str); 14] = [
    ("/", "Home"),
    ("/objectives", "Objectives"),
    ("/portfolio", "Portfolio"),
    ("/value", "Bets and value"),
    ("/metrics", "Metrics"),
    ("/experiments", "Experiments"),
    ("/flags", "Flags"),
    ("/models", "Models"),
    ("/data", "Data"),
    ("/money", "Money"),
    ("/team", "Team"),
    ("/runs", "Runs"),
    ("/reports", "Reports"),
    ("/ledger", "Ledger"),
];

/// A page inside the project: `section` is the address of its entry in the navigation.
pub fn page(loaded: &Loaded, section: &str, title: &str, content: Markup) -> Markup {
    let settings = &loaded.context.project.settings;
    let project = settings.label.as_deref().unwrap_or(&settings.name);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (project) " · Steward" }
                link rel="stylesheet" href={ "/assets/style.css?v=" (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                script src={ "/assets/palette.js?v=" (env!("CARGO_PKG_VERSION")) } defer {}
            }
            body {
                a.skip href="#content" { "Skip to content" }
                div.shell {
                    nav.main aria-label="Main" {
                        a.brand href="/" { "Steward" }
                        div.project { (project) }
                        ul { @for (address, name) in SECTIONS {
                            li { a href=(address) aria-current=[(address == section).then_some("page")] { (name) } }
                        } }
                        form action="/search" role="search" {
                            label for="q" { "Find " kbd { "Ctrl K" } }
                            input #q name="q" type="search" autocomplete="off";
                        }
                        div.foot { "Data as of " (crate::format::day(loaded.context.now_us)) br; a href="/api/v1/openapi.json" { "API" } " · " button.plain.theme type="button" hidden { "Theme" } }
                    }
                    main #content tabindex="-1" { (content) }
                }
            }
        }
    }
}

/// A page without the project, for errors.
pub fn bare(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Steward" }
                link rel="stylesheet" href="/assets/style.css";
            }
            body {
                main #content { h1 { (title) } (content)
                    nav aria-label="Main" { ul.legend { @for (address, name) in SECTIONS { li { a href=(address) { (name) } } } } }
                }
            }
        }
    }
}

/// The three nouns side by side.
pub fn nouns(definition: Markup, evidence: Markup, decision: Markup) -> Markup {
    html! {
        div.nouns {
            section.card aria-label="Definition" { h2 { "Definition" } (definition) }
            section.card aria-label="Evidence" { h2 { "Evidence" } (evidence) }
            section.card aria-label="Decision" { h2 { "Decision" } (decision) }
        }
    }
}

/// A word in a coloured pill; `tone` is `good`, `bad`, `warn` or empty.
pub fn badge(tone: &str, text: &str) -> Markup {
    html! { span class={ "badge " (tone) } { (text) } }
}
