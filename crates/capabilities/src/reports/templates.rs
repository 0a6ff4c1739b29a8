//! Drafts of reports: the blocks that a kind of report needs, filled with what the project has.

use steward_definitions::Project;

use crate::CapabilityError;

/// A kind of report: its name and what it is for.
pub const TEMPLATES: [(&str, &str); 8] = [
    (
        "monthly",
        "Monthly business review: where we stand, what moved, what to decide",
    ),
    ("programme", "Experiment programme: what was tried, learnt and shipped"),
    (
        "model-risk",
        "Model risk: what models cost, who owns them, what is open",
    ),
    (
        "budget",
        "Budget: spend against plan, models' profit and loss, contracts",
    ),
    ("decision", "One-page decision memo"),
    ("business-case", "Business case of an initiative"),
    ("post-mortem", "Post-mortem of an incident"),
    ("workshop", "Discovery workshop: questions, ideas, outcomes"),
];

/// Figures of a draft at most.
const FIGURES: usize = 4;

/// The Markdown of a new report.
///
/// # Errors
/// If there is no such template.
pub fn draft(project: &Project, template: &str, name: &str, owner: &str) -> Result<String, CapabilityError> {
    let Some((_, purpose)) = TEMPLATES.iter().find(|(t, _)| *t == template) else {
        return Err(CapabilityError::Unknown {
            kind: "template".into(),
            name: template.into(),
            near: steward_definitions::nearest::nearest(template, TEMPLATES.iter().map(|(t, _)| *t)).map(str::to_owned),
        });
    };
    let (title, _) = purpose.split_once(':').unwrap_or((purpose, ""));
    let mut out = format!(
        "---\nreport: {name}\nlabel: {title}\nowner: {owner}\ndescription: {}\nmax_age: 48h\n---\n\n# {title}\n\n",
        quoted(purpose)
    );
    out.push_str(&match template {
        "monthly" => format!("```summary\n```\n\n## Where we stand\n\n{}## How it went\n\n{}## Objectives\n\n{}## What we learned\n\n{}## Decisions\n\n{}", figures(project), charts(project), objectives(project), experiments(project), decisions(10)),
        "programme" => format!("```summary\n```\n\n## Experiments\n\n{}## What was decided\n\n{}", experiments(project), decisions(20)),
        "model-risk" => format!("## Models and what they cost\n\n{}## What we promise about data\n\nName here the models whose data broke their contract, and what was done.\n\n## Decisions\n\n{}", money(project, "models"), decisions(20)),
        "budget" => format!("## Budgets\n\n{}## Models\n\n{}## Out of line\n\n{}## Contracts\n\n{}", money(project, "budgets"), money(project, "models"), money(project, "anomalies"), money(project, "contracts")),
        "decision" => format!("## Question\n\nWhat has to be decided, by whom, until when?\n\n## What we know\n\n{}## Options\n\n- Do nothing: …\n- …\n\n## Recommendation\n\n…\n", one(experiments(project), figures(project))),
        "business-case" => format!("## Problem and the decision that it changes\n\n…\n\n## Where we are\n\n{}## Objectives it serves\n\n{}## Cost and benefit\n\nState the range (10th, 50th, 90th percentile), who signs it, and when we stop.\n", figures(project), objectives(project)),
        "post-mortem" => format!("## What happened\n\n- When it began, and when we noticed\n- Who was affected\n\n## What it cost\n\n{}## Why\n\n…\n\n## Actions\n\nEach action names the check that fails on the fault and passes after the fix.\n\n## Decisions\n\n{}", charts(project), decisions(5)),
        _ => format!("## Questions that people bring\n\n- …\n\n## What we know already\n\n{}## Ideas, with the decision each would change\n\n- …\n\n## Outcomes\n\nEach outcome is a file: an initiative (`steward intake new`), or a question in `questions/`.\n", figures(project)),
    });
    Ok(out.trim_end().to_owned() + "\n")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn one(first: String, other: String) -> String {
    if first.is_empty() { other } else { first }
}

fn figures(project: &Project) -> String {
    project
        .metrics
        .keys()
        .take(FIGURES)
        .map(|m| format!("```metric\nmetric: {m}\nperiod: month\n```\n\n"))
        .collect()
}

fn charts(project: &Project) -> String {
    project
        .metrics
        .values()
        .take(2)
        .map(|m| {
            let title = m.meta.label.as_deref().unwrap_or(&m.meta.name);
            format!(
                "```chart\nmetrics: [{}]\nby: [time:week]\nmark: line\ntitle: {}\n```\n\n",
                m.meta.name,
                quoted(&format!("{title} by week"))
            )
        })
        .collect()
}

fn objectives(project: &Project) -> String {
    let measured = project.objectives.values().filter(|o| !o.key_results.is_empty());
    measured
        .take(FIGURES)
        .map(|o| format!("```objective\nname: {}\n```\n\n", o.meta.name))
        .collect()
}

fn experiments(project: &Project) -> String {
    project
        .experiments
        .keys()
        .take(FIGURES)
        .map(|e| format!("```experiment\nname: {e}\n```\n\n"))
        .collect()
}

fn decisions(last: usize) -> String {
    format!("```decisions\nlast: {last}\n```\n")
}

fn money(project: &Project, show: &str) -> String {
    match project.bills.keys().next() {
        Some(bill) => format!("```money\nbill: {bill}\nshow: {show}\n```\n\n"),
        None => "No bill is defined yet: write one in `bills/`.\n\n".to_owned(),
    }
}
