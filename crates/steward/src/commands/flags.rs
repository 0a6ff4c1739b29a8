//! `flag`: what is live, who gets what, and changing it.

use std::path::Path;

use steward_capabilities::flags::{self, Explained, FlagStatus, Live, Proposal, RuleState, Schedule};
use steward_definitions::edit::Change;
use steward_server::format::{minute, percent};

use super::{actor, moment};
use crate::cli::FlagCommand;
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace::{self, Definitions};

/// `steward flag …`.
pub async fn flag(folder: &Path, command: FlagCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::context(folder, Definitions::read(folder)?.project).await?;
    let as_of = match &command {
        FlagCommand::Eval { as_of, .. } => moment(as_of.as_deref())?,
        _ => None,
    };
    let now_us = as_of.unwrap_or(context.now_us);
    let live = flags::live(&context.ledger, now_us, as_of).await?;
    match command {
        FlagCommand::List => list(&flags::statuses(&context.ledger, &live, now_us).await?, json),
        FlagCommand::Stale => {
            let mut stale = flags::statuses(&context.ledger, &live, now_us).await?;
            stale.retain(|s| s.stale.is_some());
            list(&stale, json)?;
            Ok(Outcome::of(stale.is_empty()))
        }
        FlagCommand::Show { name } => {
            let status = flags::status(&context.ledger, &live, &name, now_us).await?;
            if json {
                output::json(&status)?;
            } else {
                output::text_line(&shown(&status))?;
            }
            Ok(Outcome::Done)
        }
        FlagCommand::Set {
            name,
            changes,
            apply,
            message,
            who,
        } => {
            let changes = changes.iter().map(|c| change(c)).collect::<Result<Vec<_>, _>>()?;
            let sources = crate::folder::sources(folder)?;
            if !apply {
                let proposal = flags::propose(&context, &sources, &name, &changes).await?;
                return show(&proposal, json);
            }
            let by = flags::By {
                actor: actor(&who)?,
                reason: message.unwrap_or_default(),
                base: None,
            };
            let keep = |path: &str, before: &str, after: &str| crate::folder::keep(folder, path, before, after);
            let (proposal, applied) = flags::change(&context, &sources, &name, &changes, &by, &keep).await?;
            if json {
                output::json(&serde_json::json!({ "proposal": proposal, "applied": applied }))?;
                return Ok(Outcome::Done);
            }
            output::text_line(&proposed(&proposal))?;
            output::text_line(&match applied.sequence {
                Some(event) => format!("{} changed by {} as event {event}", green("ok"), by.actor),
                None => format!("{} it is in force already", green("ok")),
            })?;
            Ok(Outcome::Done)
        }
        FlagCommand::Resume {
            name,
            rule,
            reason,
            who,
        } => {
            let made = flags::resume(&context, &name, rule.as_deref(), &actor(&who)?, &reason).await?;
            if json {
                output::json(&made)?;
            } else {
                output::text_line(&format!(
                    "{} {name} goes on, by {} as event {}",
                    green("resumed"),
                    made.actor,
                    made.sequence
                ))?;
            }
            Ok(Outcome::Done)
        }
        FlagCommand::Eval {
            name,
            attributes,
            explain,
            ..
        } => evaluate(&live, &name, &attributes, explain, json),
    }
}

fn list(all: &[FlagStatus], json: bool) -> Result<Outcome, Failure> {
    if json {
        output::json(&all)?;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|s| {
            vec![
                s.flag.clone(),
                if s.enabled { "on" } else { "switched off" }.to_string(),
                s.default.to_json(),
                s.rules.len().to_string(),
                s.owner.clone(),
                s.stale.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let header = ["flag", "state", "default", "rules", "owner", "stale"];
    output::text_line(&output::table(&header, &rows))?;
    Ok(Outcome::Done)
}

fn shown(status: &FlagStatus) -> String {
    let on = if status.enabled {
        green("on")
    } else {
        red("switched off")
    };
    let mut lines = vec![format!(
        "{} {on}, default {}",
        bold(&status.flag),
        status.default.to_json()
    )];
    lines.extend(status.rules.iter().map(|r| format!("  {}: {}", r.rule, standing(r))));
    if let Some(why) = &status.stale {
        lines.push(format!("{} {why}", yellow("stale:")));
    }
    if let Some(c) = &status.changed {
        lines.push(format!(
            "changed by {} on {} as event {}{}",
            c.actor,
            minute(c.at_us),
            c.sequence,
            status.because.as_ref().map_or(String::new(), |b| format!(": {b}"))
        ));
    }
    lines.join("\n")
}

/// Where a rule stands, in words.
fn standing(rule: &RuleState) -> String {
    let mut text = match rule.schedule {
        Schedule::Waiting { from_us } => return format!("from {}", minute(from_us)),
        Schedule::Ended { until_us } => return format!("ended {}", minute(until_us)),
        Schedule::Live { until_us: None } => percent(rule.coverage),
        Schedule::Live { until_us: Some(at) } => format!("{} until {}", percent(rule.coverage), minute(at)),
    };
    if let Some(ramp) = &rule.ramp {
        let step = ramp
            .step
            .map_or("before the first step".to_string(), |s| format!("step {}", s + 1));
        text = format!("{text}, {step}");
        if let (Some(at), Some(next)) = (ramp.next_us, ramp.next_coverage) {
            text = format!("{text}, then {} from {}", percent(next), minute(at));
        }
    }
    if let [_, _, ..] = rule.variants.as_slice() {
        let each = rule
            .variants
            .iter()
            .map(|v| format!("{} {}", v.variant, percent(v.share)));
        text = format!("{text} ({})", each.collect::<Vec<_>>().join(", "));
    }
    if let Some(guard) = &rule.guarded_by {
        let watched = match guard.metrics.as_slice() {
            [] => "guardrails".to_string(),
            named => named.join(", "),
        };
        text = format!(
            "{text}; guarded by {watched} of {} ({})",
            guard.experiment,
            guard.action.word()
        );
    }
    if let Some(hold) = &rule.hold {
        text = format!(
            "{text}; {} at {} by {} (event {}): {}",
            red("stopped"),
            percent(hold.coverage),
            hold.actor,
            hold.sequence,
            hold.because
        );
    }
    text
}

fn evaluate(live: &Live, name: &str, attributes: &str, explain: bool, json: bool) -> Result<Outcome, Failure> {
    let attributes = flags::parse_json(attributes)
        .map_err(|e| Failure::call(format!("--attributes is no JSON: {e}; give {{\"id\": \"u1\"}}")))?;
    let found = flags::explain(live, name, &attributes)?;
    if json {
        output::json(&found)?;
        return Ok(Outcome::Done);
    }
    let Explained {
        value,
        variant,
        reason,
        rule,
        ..
    } = &found;
    let by = rule.as_ref().map_or(String::new(), |r| format!(" by the rule {r}"));
    output::text_line(&format!(
        "{} ({variant}): {}{by}",
        bold(&value.to_json()),
        reason.as_str()
    ))?;
    if let (Some(experiment), Some(bucket)) = (&found.experiment, found.bucket) {
        output::text_line(&format!("  the split {experiment} hashes the unit to {bucket}"))?;
    }
    if explain {
        for passed in &found.passed_over {
            let whose = if passed.flag == name {
                String::new()
            } else {
                format!("{}: ", passed.flag)
            };
            output::text_line(&format!("  passed over {whose}{}: {}", passed.rule, passed.because))?;
        }
    }
    Ok(Outcome::Done)
}

/// `PATH=VALUE`; an empty value takes the key out.
fn change(text: &str) -> Result<Change, Failure> {
    let (path, value) = text.split_once('=').ok_or_else(|| {
        Failure::call(format!(
            "{text:?} changes nothing: write PATH=VALUE, such as enabled=false or rules.grow.rollout=50%"
        ))
    })?;
    Ok(Change {
        path: path.trim().to_owned(),
        value: Some(value.trim().to_owned()).filter(|v| !v.is_empty()),
    })
}

fn show(proposal: &Proposal, json: bool) -> Result<Outcome, Failure> {
    if json {
        output::json(proposal)?;
    } else {
        output::text_line(&proposed(proposal))?;
        output::text_line("nothing was changed: give --apply and -m WHY")?;
    }
    Ok(Outcome::of(proposal.plan.refusals.is_empty()))
}

fn proposed(proposal: &Proposal) -> String {
    let mut lines = vec![bold(&proposal.file)];
    lines.extend(proposal.diff.iter().map(|l| match l.sign {
        '-' => red(&format!("- {}", l.text)),
        '+' => green(&format!("+ {}", l.text)),
        '…' => "…".to_string(),
        _ => format!("  {}", l.text),
    }));
    for effect in &proposal.effects {
        let whose = effect.rule.as_ref().map_or(String::new(), |r| format!("{r}: "));
        let share = match effect.share {
            Some(share) => format!(
                " ({} of the units that it applies to get something else)",
                percent(share)
            ),
            None => " (for how many hangs on their attributes)".to_string(),
        };
        lines.push(format!("{} {whose}{}{share}", yellow("~"), effect.what));
    }
    lines.extend(proposal.notes.iter().map(|n| format!("note: {n}")));
    lines.extend(
        proposal
            .plan
            .refusals
            .iter()
            .map(|r| format!("{} {r}", red("cannot be applied:"))),
    );
    lines.join("\n")
}
