//! The best set under budget and capacities, how sure each place is, and what more of anything would bring.

use std::collections::{BTreeMap, BTreeSet};

use steward_definitions::Scenario;
use steward_stats::selection::{Choice, Effort, Resource, Selection, select};
use steward_stats::{NotEstimable, Rng};

use super::items::{Item, items};
use super::types::{FrontierPoint, OptimiseOptions, Portfolio, PortfolioItem, SkillUse};
use crate::value;
use crate::{CapabilityError, Context};

/// The portfolio itself: to the optimum, or within a tenth of a per cent.
const FINAL: Effort = Effort {
    gap: 0.001,
    nodes: 4_000,
};
/// A redraw tells who is in, not to the last cent.
const ROUGH: Effort = Effort { gap: 0.01, nodes: 40 };
/// Budgets of the frontier.
const STEPS: usize = 10;
/// Seed of the redraws.
const SEED: u64 = 1;

/// What limits a portfolio.
struct Limits {
    budget: Option<f64>,
    skills: Vec<(String, f64)>,
    fixed: Vec<(String, bool)>,
}

fn limits(context: &Context, asked: &OptimiseOptions) -> Result<Limits, CapabilityError> {
    let own = &context.project.settings.portfolio;
    let nothing = Scenario::default();
    let scenario = match &asked.scenario {
        None => &nothing,
        Some(name) => own.scenarios.get(name).ok_or_else(|| CapabilityError::Unknown {
            kind: "scenario".into(),
            name: name.clone(),
            near: crate::error::nearest(name, own.scenarios.keys()),
        })?,
    };
    let mut skills = own.capacity.clone();
    skills.extend(scenario.capacity.clone());
    if let Some((skill, weeks)) = skills.iter().find(|(_, w)| !(**w >= 0.0 && w.is_finite())) {
        return Err(CapabilityError::Invalid(format!(
            "capacity of {skill} is {weeks} person-weeks: give 0 or more under `portfolio: capacity:` of steward.yaml"
        )));
    }
    let budget = asked.budget_minor.or(scenario.budget_minor).or(own.budget_minor);
    if let Some(b) = budget.filter(|b| *b < 0) {
        return Err(CapabilityError::Invalid(format!("the budget is {b}: give 0 or more")));
    }
    let fixed = scenario.require.iter().map(|r| (r.clone(), true));
    let fixed = fixed.chain(scenario.exclude.iter().map(|e| (e.clone(), false)));
    Ok(Limits {
        budget: budget.map(|b| b as f64),
        skills: skills.into_iter().collect(),
        fixed: fixed.collect(),
    })
}

/// The program of items with given numbers: (net value, cost, weeks of each of their skills).
fn program(all: &[Item], limits: &Limits, numbers: &[(f64, f64, Vec<f64>)]) -> Choice {
    let at: BTreeMap<&str, usize> = all.iter().enumerate().map(|(i, a)| (a.name.as_str(), i)).collect();
    let mut resources = Vec::new();
    for (skill, capacity) in &limits.skills {
        let uses = all
            .iter()
            .zip(numbers)
            .enumerate()
            .filter_map(|(i, (item, (_, _, weeks)))| {
                let which = item.skills.keys().position(|s| s == skill)?;
                weeks.get(which).filter(|w| **w > 0.0).map(|w| (i, *w))
            });
        resources.push(Resource {
            capacity: *capacity,
            uses: uses.collect(),
        });
    }
    if let Some(budget) = limits.budget {
        let uses = numbers
            .iter()
            .enumerate()
            .filter(|(_, n)| n.1 > 0.0)
            .map(|(i, n)| (i, n.1));
        resources.push(Resource {
            capacity: budget,
            uses: uses.collect(),
        });
    }
    let needs = all.iter().enumerate().flat_map(|(i, item)| {
        let on = item.needs.iter().filter_map(|n| at.get(n.as_str()));
        on.map(move |j| (i, *j)).collect::<Vec<_>>()
    });
    let fixed = limits
        .fixed
        .iter()
        .filter_map(|(name, state)| Some((*at.get(name.as_str())?, *state)));
    Choice {
        values: numbers.iter().map(|n| n.0).collect(),
        resources,
        needs: needs.collect(),
        fixed: fixed.collect(),
    }
}

fn expected(item: &Item) -> (f64, f64, Vec<f64>) {
    (
        item.net(),
        item.cost.mean(),
        item.skills.values().map(|s| s.mean()).collect(),
    )
}

fn refused(e: NotEstimable, all: &[Item]) -> CapabilityError {
    // The program numbers its items; people know them by name.
    let mut text = format!("no portfolio: {}; {}", e.detail, e.fix);
    for (i, item) in all.iter().enumerate().rev() {
        text = text.replace(&format!("item {i} "), &format!("initiative {} ", item.name));
    }
    CapabilityError::Invalid(text)
}

/// Optimises.
pub async fn optimise(context: &Context, asked: &OptimiseOptions) -> Result<Portfolio, CapabilityError> {
    let limits = limits(context, asked)?;
    let calibration = value::calibration(context, None).await?;
    let mut left_out = Vec::new();
    let mut all: Vec<Item> = Vec::new();
    let known: BTreeSet<&String> = limits.skills.iter().map(|s| &s.0).collect();
    for (initiative, found) in items(context, &calibration).await? {
        match found {
            Err(why) => left_out.push((initiative.meta.name.clone(), why)),
            Ok(item) => match item.skills.keys().find(|s| !known.contains(s)) {
                Some(skill) => left_out.push((
                    item.name,
                    format!("nobody has {skill}: `portfolio: capacity:` does not list it"),
                )),
                None => all.push(item),
            },
        }
    }
    // What waits for something without a number cannot be placed either.
    loop {
        let there: BTreeSet<String> = all.iter().map(|i| i.name.clone()).collect();
        let lost = all.iter().position(|i| i.needs.iter().any(|n| !there.contains(n)));
        let Some(lost) = lost else { break };
        let item = all.remove(lost);
        let on = item
            .needs
            .iter()
            .find(|n| !there.contains(*n))
            .cloned()
            .unwrap_or_default();
        left_out.push((item.name, format!("it waits for {on}, which is left out")));
    }
    let numbers: Vec<_> = all.iter().map(expected).collect();
    let choice = program(&all, &limits, &numbers);
    let redraws = asked.redraws;
    let frontier = asked.frontier && limits.budget.is_some();
    // Seconds of arithmetic: not on a thread that serves others.
    let (all, limits, solved) = tokio::task::spawn_blocking(move || {
        let solved = solve(&all, &limits, &choice, redraws, frontier);
        (all, limits, solved)
    })
    .await
    .map_err(|e| CapabilityError::Invalid(format!("the optimisation broke off: {e}")))?;
    let (best, funded, frontier) = solved.map_err(|e| refused(e, &all))?;
    Ok(told(
        context,
        asked,
        &all,
        &limits,
        best,
        &funded,
        frontier,
        left_out,
        calibration.corrects(),
    ))
}

type Solved = (Selection, Vec<f64>, Vec<FrontierPoint>);

fn solve(
    all: &[Item],
    limits: &Limits,
    choice: &Choice,
    redraws: usize,
    frontier: bool,
) -> Result<Solved, NotEstimable> {
    let best = select(choice, FINAL)?;
    let mut times = vec![0usize; all.len()];
    for n in 0..redraws {
        let numbers: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(i, item)| item.draw(&mut Rng::keyed(SEED, &[n as u64, i as u64])))
            .collect();
        let drawn = select(&program(all, limits, &numbers), ROUGH)?;
        for (count, chosen) in times.iter_mut().zip(&drawn.chosen) {
            *count += usize::from(*chosen);
        }
    }
    let funded = times.iter().map(|t| *t as f64 / redraws.max(1) as f64).collect();
    let mut points = Vec::new();
    if let (true, Some(budget)) = (frontier, limits.budget) {
        for step in 0..=2 * STEPS {
            let at = budget * step as f64 / STEPS as f64;
            let mut other = choice.clone();
            if let Some(last) = other.resources.last_mut() {
                last.capacity = at;
            }
            if let Ok(found) = select(&other, ROUGH) {
                points.push(FrontierPoint {
                    budget: at,
                    value: found.value,
                });
            }
        }
    }
    Ok((best, funded, points))
}

fn told(
    context: &Context,
    asked: &OptimiseOptions,
    all: &[Item],
    limits: &Limits,
    best: Selection,
    funded: &[f64],
    frontier: Vec<FrontierPoint>,
    left_out: Vec<(String, String)>,
    corrected: bool,
) -> Portfolio {
    let chosen = |i: usize| best.chosen.get(i).copied().unwrap_or(false);
    let mut skills: Vec<SkillUse> = Vec::new();
    for (r, (skill, capacity)) in limits.skills.iter().enumerate() {
        let mut row = SkillUse {
            skill: skill.clone(),
            capacity: *capacity,
            used: 0.0,
            wanted: 0.0,
            by: BTreeMap::new(),
            price: best.shadow_prices.get(r).copied().unwrap_or(0.0),
        };
        for (i, item) in all.iter().enumerate() {
            let weeks = item.skills.get(skill).map_or(0.0, |s| s.mean());
            row.wanted += weeks;
            if chosen(i) && weeks > 0.0 {
                row.used += weeks;
                row.by.insert(item.name.clone(), weeks);
            }
        }
        skills.push(row);
    }
    let mut items: Vec<PortfolioItem> = all
        .iter()
        .enumerate()
        .map(|(i, item)| PortfolioItem {
            initiative: item.name.clone(),
            label: item.label.clone(),
            chosen: chosen(i),
            funded: (asked.redraws > 0).then(|| funded.get(i).copied().unwrap_or(0.0)),
            net: item.net(),
            cost: item.cost.mean(),
            needs: item.needs.clone(),
        })
        .collect();
    items.sort_by(|a, b| b.chosen.cmp(&a.chosen).then(b.net.total_cmp(&a.net)));
    let spent = items.iter().filter(|i| i.chosen).map(|i| i.cost).sum();
    let mut out = Portfolio {
        scenario: asked.scenario.clone(),
        summary: String::new(),
        currency: context.project.settings.currency.clone(),
        budget_minor: limits.budget.map(|b| b as i64),
        spent,
        value: best.value,
        bound: best.bound,
        items,
        left_out,
        // Minor units per minor unit, for a thousand of the currency.
        budget_price: limits
            .budget
            .and_then(|_| best.shadow_prices.get(limits.skills.len()))
            .map(|p| p * 100_000.0),
        skills,
        redraws: asked.redraws,
        frontier,
        corrected,
    };
    out.summary = summary(&out);
    out
}

/// A whole number with commas.
fn in_thousands(x: f64) -> String {
    let digits = format!("{:.0}", x.abs());
    let mut out = String::from(if x < 0.0 && digits != "0" { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn summary(p: &Portfolio) -> String {
    let unit = p.currency.as_deref().unwrap_or("units of money");
    let money = |x: f64| format!("{} {unit}", in_thousands(x / 100.0));
    let chosen = p.items.iter().filter(|i| i.chosen).count();
    let mut text = format!(
        "{chosen} of {} initiatives, worth {} net for {}",
        p.items.len() + p.left_out.len(),
        money(p.value),
        money(p.spent)
    );
    let gap = p.bound - p.value;
    text.push_str(&if gap > 0.001 * p.value.abs() {
        format!("; no set is worth over {}.", money(p.bound))
    } else {
        "; no set is worth a tenth of a per cent more.".to_string()
    });
    let dear = p
        .skills
        .iter()
        .max_by(|a, b| a.price.total_cmp(&b.price))
        .filter(|s| s.price > 0.0);
    if let Some(s) = dear {
        text.push_str(&format!(
            " Scarcest is {}: one more person-week adds {}.",
            s.skill,
            money(s.price)
        ));
    }
    if let Some(price) = p.budget_price {
        text.push_str(&format!(" 1,000 {unit} more add {}.", money(price)));
    }
    if !p.corrected {
        text.push_str(" Probabilities are as stated: too few forecasts are resolved to correct them.");
    }
    text
}
