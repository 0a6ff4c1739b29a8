//! Funnels and conversions as orders of a unit's facts.

use steward_definitions::{Funnel, MeasureInput, TimeWindow};
use steward_stats::NotEstimable;

use super::builder::{Builder, filters, find_measure};
use super::expression::over_dimensions;
use super::measures::{Fold, Variable, refuse};
use super::sequences::{UnitConversion, UnitFunnel, UnitStep};
use super::writer::ONE;

impl Builder<'_> {
    /// The steps of a funnel.
    pub(super) fn funnel(&mut self, name: &str, funnel: &Funnel) -> Result<UnitFunnel, NotEstimable> {
        let mut steps = Vec::new();
        for step in &funnel.steps {
            self.uses.insert(format!("metric/{}", step.metric));
            let mut events = self.event(&step.metric)?;
            ordered(&events, &step.metric)?;
            events.value = format!("CASE WHEN {} THEN {ONE} END", events.value);
            events.fold = Fold::Sum;
            steps.push(UnitStep {
                name: step.metric.clone(),
                events,
                within: step.within_seconds,
            });
        }
        if steps.len() < 2 {
            return Err(refuse(
                format!("the funnel of {name} has {} step(s)", steps.len()),
                "name at least two, the last of them the metric itself",
            ));
        }
        Ok(UnitFunnel {
            steps,
            window: funnel.window_seconds,
        })
    }

    /// Conversions, and what their rate is over: `outer` are conditions on the base's rows.
    pub(super) fn conversion(
        &mut self,
        base: &MeasureInput,
        outer: &[String],
        followed: &MeasureInput,
        window: Option<&TimeWindow>,
        constant: &[(String, String)],
    ) -> Result<(UnitConversion, Variable), NotEstimable> {
        let below = self.one(base, outer)?;
        let above = self.one(followed, &filters(&[&followed.filter]))?;
        ordered(&below, &base.name)?;
        ordered(&above, &followed.name)?;
        if above.fold == Fold::Distinct {
            return Err(refuse(
                format!(
                    "{} counts different values, and conversions are counted by row",
                    followed.name
                ),
                "use a sum or a count",
            ));
        }
        let mut events = below.clone();
        // As over all units: a row is a base event if it adds something to the measure.
        let adds = match below.fold {
            Fold::Sum | Fold::Any => format!("({}) <> 0", below.value),
            Fold::Distinct => format!("({}) IS NOT NULL", below.value),
        };
        events.value = format!("CASE WHEN {adds} THEN {ONE} END");
        events.fold = Fold::Sum;
        let constant = constant
            .iter()
            .map(|(b, f)| Ok((self.property(b, &base.name)?, self.property(f, &followed.name)?)))
            .collect::<Result<Vec<_>, NotEstimable>>()?;
        let conversion = UnitConversion {
            followed: above,
            base: events,
            window: window.map(interval).transpose()?,
            constant,
        };
        Ok((conversion, below))
    }

    fn one(&mut self, input: &MeasureInput, conditions: &[String]) -> Result<Variable, NotEstimable> {
        let mut found = self.measure(input, conditions)?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(refuse(
                format!("{} is an average, which no conversions are counted by", input.name),
                "use a sum or a count",
            )),
        }
    }

    fn property(&self, name: &str, measure: &str) -> Result<String, NotEstimable> {
        let (model, _, dataset) = find_measure(self.project, measure)?;
        over_dimensions(name, model, dataset).map_err(|cause| refuse(cause, "mend the constant properties"))
    }
}

/// Refuses facts whose order in time is not known.
fn ordered(variable: &Variable, name: &str) -> Result<(), NotEstimable> {
    match &variable.time {
        Some(time) if !time.is_date => Ok(()),
        Some(_) => Err(refuse(
            format!("the time of {name} is a date, which does not say what came first"),
            "give its measure a time dimension that is a timestamp",
        )),
        None => Err(refuse(
            format!("the rows of {name} have no time, or the exposures have none"),
            "give the semantic model a time dimension, and name the time under `exposures`",
        )),
    }
}

/// A window as SQL.
fn interval(window: &TimeWindow) -> Result<String, NotEstimable> {
    let (n, unit) = match window.granularity.trim_end_matches('s') {
        "quarter" => (window.count.saturating_mul(3), "month"),
        unit @ ("second" | "minute" | "hour" | "day" | "week" | "month" | "year") => (window.count, unit),
        other => return Err(refuse(format!("there is no window of {other:?}"), "use days")),
    };
    Ok(format!("INTERVAL '{n} {unit}'"))
}
