//! Shrunk lift × baseline × exposed units × value per unit × margin × decay, beside plan, naive sum and holdout.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;
use steward_definitions::{Bet, UnitValue};
use steward_stats::realised::{Realised as Sum, add, realised as sum};
use steward_stats::shrinkage::Prior;
use steward_stats::three_point::ThreePoint;
use steward_stats::{Estimate, NotEstimable};

use super::earned::{Advice, EarnedBet, EarnedMetric, Realised};
use super::freeze::record;
use super::series::{adds_up, daily, today};
use crate::evidence::Concluded;
use crate::experiments::{day, zone};
use crate::governance::{self, Choice, Decision, DecisionFilter};
use crate::programme::{self, Effect, MetricLearning};
use crate::{CapabilityError, Context};

/// Coverage of intervals.
const LEVEL: f64 = 0.8;

/// A bet on something that is, or was, shipped.
struct Shipped {
    bet: Bet,
    effect: usize,
    since: Date,
    /// Last day counted.
    until: Date,
    base: f64,
    problem: Option<String>,
}

/// What everything that was shipped earned until today.
pub async fn realised(context: &Context) -> Result<Concluded<Realised>, CapabilityError> {
    let learnt = programme::learn(context).await?;
    let frozen = record(context).await?;
    let decisions = governance::decisions(context, &DecisionFilter::default(), None).await?;
    // As approved where it was approved: an edit afterwards does not change what was promised.
    let mut bets: BTreeMap<String, Bet> = context.project.bets.clone();
    for (name, versions) in &frozen.0 {
        if let Some(first) = versions.first() {
            bets.insert(name.clone(), first.bet.clone());
        }
    }
    let now = today(context)?;
    let mut tables = BTreeSet::new();
    let mut definitions: BTreeMap<String, String> = bets
        .values()
        .map(|b| (format!("bet/{}", b.meta.name), b.meta.digest.clone()))
        .collect();
    for bet in bets.values() {
        for name in metric_tables(context, &bet.metric) {
            if let Some(d) = context.project.datasets.get(&name) {
                definitions.insert(format!("dataset/{name}"), d.meta.digest.clone());
            }
            tables.insert(name);
        }
        if let Some(m) = context.project.metrics.get(&bet.metric) {
            definitions.insert(format!("metric/{}", bet.metric), m.meta.digest.clone());
        }
    }
    let tables: Vec<String> = tables.into_iter().collect();
    let settled: Vec<(&str, u64)> = decisions.iter().map(|d| (d.subject.as_str(), d.sequence)).collect();
    let parameters = json!({
        "programme": learnt.evidence.id, "before": now.to_string(), "decisions": settled,
        "time_zone": context.project.settings.time_zone, "currency": context.project.settings.currency,
    });
    let mut concluded = crate::evidence::conclude(context, "value/all", definitions, &tables, parameters, || async {
        let mut ran = Vec::new();
        let found = compute(context, &learnt.value.metrics, &bets, &decisions, now, &mut ran).await?;
        let provenance = json!({ "engine": context.engine.name(), "sql": ran, "programme": learnt.evidence.id });
        Ok((found, provenance))
    })
    .await?;
    concluded.value.evidence = concluded.evidence.id.clone();
    Ok(concluded)
}

/// Tables behind an additive metric; others earn nothing, and read nothing.
fn metric_tables(context: &Context, metric: &str) -> Vec<String> {
    if adds_up(context, metric).is_err() {
        return Vec::new();
    }
    let reference = steward_definitions::Reference::new(steward_definitions::Kind::Metric, metric);
    let models = context.project.references(&reference);
    let of = |r: &steward_definitions::Reference| Some(context.project.semantic_models.get(&r.name)?.dataset.clone());
    models.iter().filter_map(of).collect()
}

async fn compute(
    context: &Context,
    metrics: &[MetricLearning],
    bets: &BTreeMap<String, Bet>,
    decisions: &[Decision],
    now: Date,
    ran: &mut Vec<String>,
) -> Result<Realised, CapabilityError> {
    let mut out = Realised {
        summary: String::new(),
        currency: context.project.settings.currency.clone(),
        bets: Vec::new(),
        metrics: Vec::new(),
        plan: 0.0,
        naive: None,
        shrunk: None,
        holdout: None,
        leakage: None,
        evidence: String::new(),
    };
    let empty = MetricLearning::default();
    let names: BTreeSet<&str> = bets.values().map(|b| b.metric.as_str()).collect();
    let (mut naive, mut shrunk, mut holdout, mut beside) = (vec![], vec![], vec![], vec![]);
    for metric in names {
        let learnt = metrics.iter().find(|m| m.metric == metric).unwrap_or(&empty);
        let mut shipped = Vec::new();
        for bet in bets.values().filter(|b| b.metric == metric) {
            match place(context, bet, learnt, decisions, now, ran).await? {
                Ok(found) => shipped.push(found),
                Err(earned) => out.bets.push(earned),
            }
        }
        let summed = value(learnt, &shipped);
        let mut row = EarnedMetric {
            metric: metric.into(),
            shipped: shipped.len() as u64,
            naive: None,
            shrunk: None,
            holdout: None,
            holdout_experiment: None,
            refused: None,
        };
        match &summed {
            Ok((_, Some(money))) => {
                row.naive = Some(money.naive.clone());
                row.shrunk = Some(money.total.clone());
            }
            Ok((_, None)) => {}
            Err(e) if !shipped.is_empty() => row.refused = Some(e.clone()),
            Err(_) => {}
        }
        if let Some((estimate, experiment)) = held_out(context, learnt, &shipped, now, ran).await? {
            row.holdout = Some(estimate);
            row.holdout_experiment = Some(experiment);
        }
        for found in &shipped {
            out.bets.push(earned(found, learnt, &summed, now));
        }
        naive.extend(row.naive.clone());
        shrunk.extend(row.shrunk.clone());
        if let (Some(h), Some(s)) = (&row.holdout, &row.shrunk) {
            holdout.push(h.clone());
            beside.push(s.clone());
        }
        out.metrics.push(row);
    }
    out.bets.sort_by(|a, b| a.bet.cmp(&b.bet));
    out.plan = out
        .bets
        .iter()
        .filter(|b| b.money.is_some())
        .filter_map(|b| b.plan)
        .sum();
    let total = |parts: &[Estimate]| add(parts, LEVEL).ok().flatten();
    out.naive = total(&naive);
    out.shrunk = total(&shrunk);
    out.holdout = total(&holdout);
    if let (Some(s), Some(h)) = (total(&beside), &out.holdout) {
        let se = s.se.hypot(h.se);
        out.leakage = Estimate::new(s.point - h.point, se, None, s.n, LEVEL, "shrunk − holdout")
            .ok()
            .map(Estimate::without_p);
    }
    out.summary = summary(&out);
    Ok(out)
}

/// The shipped experiment behind a bet, and what was exposed to it since.
async fn place(
    context: &Context,
    bet: &Bet,
    learnt: &MetricLearning,
    decisions: &[Decision],
    now: Date,
    ran: &mut Vec<String>,
) -> Result<Result<Shipped, EarnedBet>, CapabilityError> {
    let wait = |because: String| Ok(Err(nothing(bet, because)));
    let Some(experiment) = &bet.experiment else {
        return wait("no experiment measures its effect".into());
    };
    let subject = format!("experiment/{experiment}");
    // Newest first.
    let settled = decisions.iter().filter(|d| d.subject == subject);
    let mut settled = settled.filter(|d| matches!(d.choice, Choice::Ship | Choice::Stop | Choice::RollBack));
    let (shipped, until) = match settled.next() {
        None => return wait(format!("nothing was decided on {experiment}")),
        Some(d) if d.choice == Choice::Ship => (d, now.saturating_sub(1.day())),
        Some(end) => match settled.find(|d| d.choice == Choice::Ship) {
            Some(ship) if end.choice == Choice::RollBack => (ship, moment_day(context, end.at_us)?),
            _ => return wait(format!("{experiment} was stopped: nothing of it was shipped")),
        },
    };
    let Some(effect) = learnt.effects.iter().position(|e| e.experiment == *experiment) else {
        let why = learnt.left_out.iter().find(|l| l.experiment == *experiment);
        return wait(match why {
            Some(left) => format!(
                "the lift of {experiment} on {} cannot be used: {}",
                bet.metric, left.why
            ),
            None => format!("{experiment} does not measure {} among others that do", bet.metric),
        });
    };
    let since = launched(context, experiment, shipped)?;
    let mut found = Shipped {
        bet: bet.clone(),
        effect,
        since,
        until,
        base: 0.0,
        problem: None,
    };
    let one_off = bet.value.as_ref().and_then(|v| v.one_off_days);
    if let Some(days) = one_off {
        let last = since.saturating_add(i64::try_from(days).unwrap_or(i64::MAX / 2).min(36_500).days());
        found.until = found.until.min(last.saturating_sub(1.day()));
    }
    if found.until < since {
        return wait(format!("it is shipped from {since}: no whole day has passed"));
    }
    match daily(context, &bet.metric, bet.filter.as_deref(), since, found.until).await {
        Ok((days, sql)) => {
            ran.push(sql);
            found.base = base(&days, since, bet.value.as_ref(), learnt, effect);
        }
        Err(e @ CapabilityError::Ledger(_)) => return Err(e),
        Err(e) => found.problem = Some(e.to_string()),
    }
    Ok(Ok(found))
}

/// Experiments that are shipped, with the day from which everyone had it.
pub async fn launches(context: &Context) -> Result<BTreeMap<String, Date>, CapabilityError> {
    let decisions = governance::decisions(context, &DecisionFilter::default(), None).await?;
    let mut all = BTreeMap::new();
    for name in context.project.experiments.keys() {
        let subject = format!("experiment/{name}");
        let mut settled = decisions.iter().filter(|d| d.subject == subject);
        let last = settled.find(|d| matches!(d.choice, Choice::Ship | Choice::Stop | Choice::RollBack));
        if let Some(ship) = last.filter(|d| d.choice == Choice::Ship) {
            all.insert(name.clone(), launched(context, name, ship)?);
        }
    }
    Ok(all)
}

/// The day from which everyone had it: that of the decision, or where "today" is pinned before it, the experiment's end.
fn launched(context: &Context, experiment: &str, decision: &Decision) -> Result<Date, CapabilityError> {
    let decided = moment_day(context, decision.at_us)?;
    if decision.at_us <= context.now_us {
        return Ok(decided);
    }
    let end = context
        .project
        .experiments
        .get(experiment)
        .and_then(|e| e.end.as_deref());
    Ok(end.and_then(|e| e.get(..10)?.parse().ok()).unwrap_or(decided))
}

fn moment_day(context: &Context, us: i64) -> Result<Date, CapabilityError> {
    day(us, &zone(&context.project.settings)?)
        .ok_or_else(|| CapabilityError::Invalid(format!("{us} is no moment of the calendar")))
}

/// What a lift of 1 would have added: the metric without the change, faded.
fn base(days: &[(Date, f64)], since: Date, value: Option<&UnitValue>, learnt: &MetricLearning, effect: usize) -> f64 {
    let sign = if learnt.direction == "decrease" { -1.0 } else { 1.0 };
    let lift = learnt
        .effects
        .get(effect)
        .and_then(|e| e.shrunk)
        .map_or(0.0, |s| s.point);
    days.iter()
        .map(|(day, total)| {
            let age = since.duration_until(*day).as_hours() as f64 / 24.0;
            let left = value
                .and_then(|v| v.half_life_days)
                .map_or(1.0, |half| (-age / half).exp2());
            total / (1.0 + sign * lift * left).max(0.1) * left
        })
        .sum()
}

fn signed(bet: &Bet) -> Option<&UnitValue> {
    bet.value.as_ref().filter(|v| v.signed_by.is_some())
}

/// Money for one unit of the metric.
fn worth(bet: &Bet) -> f64 {
    signed(bet).map_or(0.0, |v| v.per_unit_minor as f64 * v.margin)
}

/// Sums in units, and in money where any is signed.
type Summed = Result<(Sum, Option<Sum>), NotEstimable>;

fn value(learnt: &MetricLearning, shipped: &[Shipped]) -> Summed {
    let effects: Vec<f64> = learnt.effects.iter().map(|e| e.point).collect();
    let errors: Vec<f64> = learnt.effects.iter().map(|e| e.se).collect();
    let weigh = |of: &dyn Fn(&Shipped) -> f64| {
        let mut weights = vec![0.0; effects.len()];
        for found in shipped.iter().filter(|s| s.problem.is_none()) {
            if let Some(w) = weights.get_mut(found.effect) {
                *w += of(found).max(0.0);
            }
        }
        let counted: Vec<bool> = weights.iter().map(|w| *w > 0.0).collect();
        sum(&effects, &errors, &weights, &counted, Prior::DuMouchel, LEVEL)
    };
    let units = weigh(&|s| s.base)?;
    Ok((units, weigh(&|s| s.base * worth(&s.bet)).ok()))
}

/// What a holdout measured on this metric, at the worth of its shipped bets' units.
async fn held_out(
    context: &Context,
    learnt: &MetricLearning,
    shipped: &[Shipped],
    now: Date,
    ran: &mut Vec<String>,
) -> Result<Option<(Estimate, String)>, CapabilityError> {
    let each: Vec<f64> = shipped.iter().map(|s| worth(&s.bet)).filter(|w| *w > 0.0).collect();
    let (Some(effect), false) = (learnt.holdouts.first(), each.is_empty()) else {
        return Ok(None);
    };
    let started = context
        .project
        .experiments
        .get(&effect.experiment)
        .and_then(|e| e.start.as_deref());
    let Some(since) = started.and_then(|s| s.get(..10)?.parse::<Date>().ok()) else {
        return Ok(None);
    };
    let (days, sql) = daily(context, &learnt.metric, None, since, now.saturating_sub(1.day())).await?;
    ran.push(sql);
    let sign = if learnt.direction == "decrease" { -1.0 } else { 1.0 };
    let total: f64 = days.iter().map(|d| d.1).sum::<f64>() / (1.0 + sign * effect.point).max(0.1);
    let per_unit = each.iter().sum::<f64>() / each.len() as f64;
    let scale = total * per_unit;
    let estimate = Estimate::new(
        scale * effect.point,
        scale * effect.se,
        None,
        1,
        LEVEL,
        "global holdout",
    );
    Ok(estimate.ok().map(|e| (e.without_p(), effect.experiment.clone())))
}

fn nothing(bet: &Bet, because: String) -> EarnedBet {
    EarnedBet {
        bet: bet.meta.name.clone(),
        label: bet.meta.label.clone(),
        initiative: bet.initiative.clone(),
        metric: bet.metric.clone(),
        experiment: bet.experiment.clone(),
        since: None,
        until: None,
        lift: None,
        shrunk_lift: None,
        base: None,
        units: None,
        money: None,
        naive: None,
        plan: None,
        cost_minor: bet.cost_minor,
        signed: signed(bet).and_then(|v| Some((v.signed_by.clone()?, v.version))),
        one_off: bet.value.as_ref().is_some_and(|v| v.one_off_days.is_some()),
        advice: Advice::Wait,
        because,
        problem: None,
    }
}

fn earned(found: &Shipped, learnt: &MetricLearning, summed: &Summed, now: Date) -> EarnedBet {
    let bet = &found.bet;
    let mut out = nothing(bet, String::new());
    out.since = Some(found.since.to_string());
    out.until = Some(found.until.to_string());
    out.problem = found.problem.clone();
    let effect: Option<&Effect> = learnt.effects.get(found.effect);
    out.lift = effect.map(|e| e.point);
    out.shrunk_lift = effect.and_then(|e| e.shrunk).map(|s| s.point);
    if let Some(problem) = &found.problem {
        out.because = format!("its units cannot be counted: {problem}");
        return out;
    }
    out.base = Some(found.base);
    let (units, money) = match summed {
        Ok((units, money)) => (
            units.each.get(found.effect),
            money.as_ref().and_then(|m| m.each.get(found.effect)),
        ),
        Err(e) => {
            out.problem = Some(e.to_string());
            out.because = format!("its lift cannot be told from luck: {}; {}", e.detail, e.fix);
            return out;
        }
    };
    out.units = units.cloned();
    let worth = worth(bet);
    if worth > 0.0 {
        out.money = money.cloned();
        out.naive = out.lift.map(|l| l * found.base * worth);
    }
    let [low, middle, high] = bet.effect;
    let stated = ThreePoint::new(low, middle, high).map_or(middle, |t| t.mean());
    let good = if learnt.direction == "decrease" {
        -stated
    } else {
        stated
    };
    out.plan = (worth > 0.0).then_some(bet.probability * good * found.base * worth);
    (out.advice, out.because) = advise(&out, effect, now);
    out
}

fn advise(out: &EarnedBet, effect: Option<&Effect>, now: Date) -> (Advice, String) {
    let positive = effect.and_then(|e| e.shrunk).map_or(0.5, |s| s.positive);
    let chance = format!("{:.0}%", 100.0 * positive);
    let over = out
        .until
        .as_deref()
        .and_then(|d| d.parse::<Date>().ok())
        .is_some_and(|d| d.saturating_add(1.day()) < now);
    if out.one_off && over {
        let text = format!(
            "its effect ended on {}; the sum is final",
            out.until.as_deref().unwrap_or_default()
        );
        return (Advice::Keep, text);
    }
    if positive < 0.5 {
        return (Advice::Stop, format!("the chance that it does any good is {chance}"));
    }
    let cost = out.cost_minor.map(|[_, high]| high as f64);
    match (&out.money, cost) {
        (Some(m), Some(cost)) if m.low > cost => (
            Advice::Scale,
            "it earned more than its highest stated cost, at the low end of its interval".into(),
        ),
        (Some(m), None) if m.low > 0.0 => (Advice::Scale, "its interval lies above 0, and no cost is stated".into()),
        (Some(_), _) => (
            Advice::Keep,
            format!("the chance that it does good is {chance}, but it has not paid back for sure"),
        ),
        (None, _) => (
            Advice::Keep,
            format!(
                "the chance that it does good is {chance}; without a signed value per unit, nothing says whether it pays"
            ),
        ),
    }
}

fn summary(out: &Realised) -> String {
    let unit = out.currency.as_deref().unwrap_or("units of money");
    let money = |x: f64| format!("{:.0} {unit}", x / 100.0);
    let Some(shrunk) = &out.shrunk else {
        let shipped = out.bets.iter().filter(|b| b.units.is_some()).count();
        return match shipped {
            0 => "Nothing that a bet names was shipped yet, so that nothing was earned.".into(),
            n => {
                format!("{n} shipped bet(s) have an effect, but no signed value per unit: value is told in units only.")
            }
        };
    };
    let mut text = format!(
        "Shipped bets earned {} ({} to {}, 80%) so far; planned were {}, and the lifts as estimated add up to {}.",
        money(shrunk.point),
        money(shrunk.low),
        money(shrunk.high),
        money(out.plan),
        out.naive.as_ref().map_or("nothing".into(), |n| money(n.point))
    );
    if let (Some(h), Some(l)) = (&out.holdout, &out.leakage) {
        text.push_str(&format!(
            " The holdout measured {} ({} to {}); the difference, {} ({} to {}), is leakage.",
            money(h.point),
            money(h.low),
            money(h.high),
            money(l.point),
            money(l.low),
            money(l.high)
        ));
    }
    text
}
