//! Definitions into the feature payload of the GrowthBook SDKs, as of a moment.
//!
//! The order of a flag's rules in the payload: prerequisites that do not hold, forced testers, holdouts, then the rules
//! as they are written. Each of the first three answers with what the definition says in words (the default, the
//! tester's value), so that every SDK gives the same value, whether or not it knows gates.

use steward_definitions::{Flag, FlagRule, Holdout, Layer, Prerequisite, Project, Segment, Serve, Split};

use super::answer::{Reason, variant_of};
use super::clock::{Clock, Schedule};
use super::live::{Hold, Holds, LiveFlag, LiveRule, Origin, RuleState};
use super::parse_json;
use super::shares::shares;
use super::value::{Value, number_of, number_text};
use crate::CapabilityError;

/// Variant under which units of a holdout are tracked.
const HELD_BACK: &str = "held_back";
/// Variant under which all others are.
const INCLUDED: &str = "included";

/// The payload and what is known of each flag.
pub(super) struct Compiled {
    pub features: Value,
    pub groups: Value,
    pub flags: Vec<LiveFlag>,
    pub since_us: Option<i64>,
    pub until_us: Option<i64>,
}

type Entry = (Box<str>, Value);

fn entry(key: &str, value: Value) -> Entry {
    (key.into(), value)
}

/// JSON text of a definition.
fn json(text: &str, what: &str) -> Result<Value, CapabilityError> {
    parse_json(text).map_err(|e| CapabilityError::Invalid(format!("{what} is no JSON: {e}")))
}

fn range(range: [f64; 2]) -> Value {
    Value::List(range.map(Value::Number).into())
}

struct Compiler<'a> {
    project: &'a Project,
    holds: &'a Holds,
    clock: Clock,
    /// Names of segments whose list the payload carries.
    groups: std::collections::BTreeSet<&'a str>,
}

/// Compiles the definitions as they stand at a moment.
pub(super) fn compile(project: &Project, holds: &Holds, now_us: i64) -> Result<Compiled, CapabilityError> {
    let mut compiler = Compiler {
        project,
        holds,
        clock: Clock::new(&project.settings, now_us)?,
        groups: std::collections::BTreeSet::new(),
    };
    let mut holdouts = Vec::new();
    for holdout in project.holdouts.values() {
        let schedule = compiler
            .clock
            .schedule(holdout.from.as_deref(), holdout.until.as_deref())?;
        if matches!(schedule, Schedule::Live { .. }) && holdout.share > 0.0 {
            holdouts.push(holdout);
        }
    }
    let (mut features, mut flags) = (Vec::new(), Vec::new());
    for flag in project.flags.values() {
        let (feature, state) = compiler.flag(flag, &holdouts)?;
        features.push((flag.meta.name.as_str().into(), feature));
        flags.push(state);
    }
    let mut groups = Vec::new();
    for name in &compiler.groups {
        if let Some(segment) = project.segments.get(*name) {
            groups.push(entry(
                name,
                json(&segment.values, &format!("`values` of the segment `{name}`"))?,
            ));
        }
    }
    Ok(Compiled {
        features: Value::Map(features),
        groups: Value::map(groups),
        flags,
        since_us: compiler.clock.since_us(),
        until_us: compiler.clock.until_us(),
    })
}

impl<'a> Compiler<'a> {
    fn flag(&mut self, flag: &'a Flag, holdouts: &[&Holdout]) -> Result<(Value, LiveFlag), CapabilityError> {
        let name = flag.meta.name.as_str();
        let default = json(&flag.default, &format!("the default of the flag `{name}`"))?;
        let default_variant = variant_of(flag, &flag.default).unwrap_or("default");
        let mut state = LiveFlag {
            name: name.into(),
            value_type: flag.value_type,
            enabled: flag.enabled,
            default_variant: default_variant.into(),
            rules: Vec::new(),
            states: Vec::new(),
        };
        let mut rules = Vec::new();
        let mut own = Vec::new();
        for rule in &flag.rules {
            let hold = self.holds.get(name, &rule.name);
            let (compiled, now) = self.rule(flag, rule, hold)?;
            state.states.push(now);
            own.extend(
                compiled
                    .into_iter()
                    .flat_map(|c| super::bandit::contexts(self.holds, rule, c)),
            );
        }
        if flag.enabled {
            for gate in &flag.prerequisites {
                rules.push(self.gate(gate, &default, default_variant)?);
            }
            for (at, forced) in flag.forced.iter().enumerate() {
                rules.push(self.tester(flag, forced, at)?);
            }
            if !own.is_empty() {
                let held = |h: &&&Holdout| h.flags.is_empty() || h.flags.iter().any(|f| f == name);
                rules.extend(
                    holdouts
                        .iter()
                        .filter(held)
                        .map(|h| holdout(h, &default, default_variant)),
                );
            }
            rules.extend(own);
        }
        let mut feature = vec![entry("defaultValue", default)];
        if !rules.is_empty() {
            let (texts, known) = rules.into_iter().unzip();
            feature.push(entry("rules", Value::List(texts)));
            state.rules = known;
        }
        Ok((Value::Map(feature), state))
    }

    /// Where a prerequisite does not hold, everyone gets the default.
    fn gate(
        &mut self,
        gate: &'a Prerequisite,
        default: &Value,
        variant: &str,
    ) -> Result<(Value, LiveRule), CapabilityError> {
        let name = format!("prerequisite/{}", gate.flag);
        let condition = json(&gate.condition, &name)?;
        let not = Value::Map(vec![entry("$not", condition)]);
        let parent = Value::Map(vec![entry("id", Value::text(&gate.flag)), entry("condition", not)]);
        let rule = vec![
            entry("id", Value::text(&name)),
            entry("parentConditions", Value::List(vec![parent])),
            entry("force", default.clone()),
        ];
        Ok((
            Value::Map(rule),
            LiveRule::new(&name, Origin::Prerequisite, variant, Reason::Default),
        ))
    }

    fn tester(
        &mut self,
        flag: &'a Flag,
        forced: &'a steward_definitions::ForcedValue,
        at: usize,
    ) -> Result<(Value, LiveRule), CapabilityError> {
        let name = format!("forced/{}", at + 1);
        let mut units = Vec::new();
        for unit in &forced.units {
            units.push(Value::text(unit));
            // An application may send the same unit as a number.
            let number = number_of(unit);
            if number.is_finite() && number_text(number) == *unit {
                units.push(Value::Number(number));
            }
        }
        let listed = Value::Map(vec![entry("$in", Value::List(units))]);
        let variant = variant_of(flag, &forced.value).unwrap_or(&name);
        let known = LiveRule::new(&name, Origin::Forced, variant, Reason::TargetingMatch);
        let rule = vec![
            entry("id", Value::text(&name)),
            entry("condition", Value::Map(vec![entry(&forced.attribute, listed)])),
            entry(
                "force",
                json(
                    &forced.value,
                    &format!("a forced value of the flag `{}`", flag.meta.name),
                )?,
            ),
        ];
        Ok((Value::Map(rule), known))
    }

    /// A rule, if it is in force, and where it stands.
    fn rule(
        &mut self,
        flag: &'a Flag,
        rule: &'a FlagRule,
        hold: Option<&Hold>,
    ) -> Result<(Option<(Value, LiveRule)>, RuleState), CapabilityError> {
        let what = || format!("the rule `{}` of the flag `{}`", rule.name, flag.meta.name);
        let schedule = self.clock.schedule(rule.from.as_deref(), rule.until.as_deref())?;
        let mut state = RuleState {
            rule: rule.name.clone(),
            schedule,
            coverage: rule.coverage.unwrap_or(1.0),
            variants: Vec::new(),
            ramp: None,
            hold: hold.cloned(),
            guarded_by: rule.guarded_by.clone(),
        };
        if let Serve::Value { range, ramp, .. } = &rule.serve {
            if let Some([low, high]) = range {
                state.coverage = high - low;
            }
            if let Some(ramp) = ramp {
                let stands = self.clock.ramp(ramp)?;
                state.coverage = stands.coverage;
                state.ramp = Some(stands);
            }
        }
        // A hold never includes more units than the rule does.
        let held = hold.map(|h| h.coverage).filter(|held| *held < state.coverage);
        state.coverage = held.unwrap_or(state.coverage);
        let out = !matches!(schedule, Schedule::Live { .. });
        if out || held == Some(0.0) {
            state.coverage = 0.0;
        }
        state.variants = shares(flag, rule, state.coverage);
        if out || held == Some(0.0) {
            return Ok((None, state));
        }
        let mut fields = vec![entry("id", Value::text(&rule.name))];
        if let Some(condition) = self.condition(rule)? {
            fields.push(entry("condition", condition));
        }
        if !rule.prerequisites.is_empty() {
            let mut parents = Vec::new();
            for parent in &rule.prerequisites {
                let condition = json(&parent.condition, &what())?;
                parents.push(Value::Map(vec![
                    entry("id", Value::text(&parent.flag)),
                    entry("condition", condition),
                ]));
            }
            fields.push(entry("parentConditions", Value::List(parents)));
        }
        let filters = self.filters(rule)?;
        if !filters.is_empty() {
            fields.push(entry("filters", Value::List(filters)));
        }
        let known = match &rule.serve {
            Serve::Value {
                value, range: slice, ..
            } => {
                fields.push(entry("force", json(value, &what())?));
                let partial = slice.is_some() || state.coverage < 1.0;
                if let Some(slice) = slice {
                    fields.push(entry("range", range(*slice)));
                } else if partial {
                    fields.push(entry("coverage", Value::Number(state.coverage)));
                }
                if partial {
                    hashing(rule, rule.seed.as_deref().unwrap_or(&flag.meta.name), &mut fields);
                }
                let reason = if partial { Reason::Split } else { Reason::TargetingMatch };
                let variant = variant_of(flag, value).unwrap_or(&rule.name);
                LiveRule::new(&rule.name, Origin::Rule, variant, reason)
            }
            Serve::Split(split) => {
                self.split(rule, split, state.coverage, &mut fields)?;
                LiveRule::new(&rule.name, Origin::Rule, "", Reason::Split)
            }
        };
        Ok((Some((Value::Map(fields), known)), state))
    }

    fn split(
        &self,
        rule: &FlagRule,
        split: &Split,
        coverage: f64,
        fields: &mut Vec<Entry>,
    ) -> Result<(), CapabilityError> {
        let version = split.bucket_version;
        let seed = match &rule.seed {
            Some(seed) => seed.clone(),
            // A raised version assigns everyone anew.
            None if version > 0 => format!("{}__{version}", split.key),
            None => split.key.clone(),
        };
        fields.push(entry("key", Value::text(&split.key)));
        let mut values = Vec::new();
        for arm in &split.arms {
            values.push(json(
                &arm.value,
                &format!("the variant `{}` of `{}`", arm.name, split.key),
            )?);
        }
        fields.push(entry("variations", Value::List(values)));
        fields.push(entry("weights", Value::List(super::bandit::weights(self.holds, split))));
        fields.push(entry("coverage", Value::Number(coverage)));
        if let Some(ranges) = &split.ranges {
            fields.push(entry("ranges", Value::List(ranges.iter().map(|r| range(*r)).collect())));
        }
        let named = |name: &str| Value::Map(vec![entry("key", Value::text(name)), entry("name", Value::text(name))]);
        let meta = split.arms.iter().map(|a| named(&a.name));
        fields.push(entry("meta", Value::List(meta.collect())));
        hashing(rule, &seed, fields);
        fields.push(entry("phase", Value::text(&version.to_string())));
        let experiment = split.experiment.as_ref().and_then(|e| self.project.experiments.get(e));
        if let Some(label) = experiment.and_then(|e| e.meta.label.as_deref()) {
            fields.push(entry("name", Value::text(label)));
        }
        if split.sticky {
            #[allow(clippy::cast_precision_loss)]
            for (key, version) in [
                ("bucketVersion", version),
                ("minBucketVersion", split.min_bucket_version),
            ] {
                fields.push(entry(key, Value::Number(version as f64)));
            }
        } else {
            fields.push(entry("disableStickyBucketing", Value::Bool(true)));
        }
        Ok(())
    }

    /// Slices that the unit must lie in. A namespace becomes one where there is a layer too: the SDKs read namespaces
    /// only where there are no filters.
    fn filters(&self, rule: &FlagRule) -> Result<Vec<Value>, CapabilityError> {
        let mut filters = Vec::new();
        if let Some(slice) = &rule.layer {
            let layer: &Layer = self
                .project
                .layers
                .get(&slice.layer)
                .ok_or_else(|| CapabilityError::Unknown {
                    kind: "layer".into(),
                    name: slice.layer.clone(),
                    near: None,
                })?;
            filters.push(filter(&layer.by, &layer.seed, 2, slice.range));
        }
        if let Serve::Split(Split {
            namespace: Some((name, low, high)),
            ..
        }) = &rule.serve
        {
            filters.push(filter(&rule.by, &format!("__{name}"), 1, [*low, *high]));
        }
        Ok(filters)
    }

    /// What the unit's attributes must be: the rule's own condition and its segments.
    fn condition(&mut self, rule: &'a FlagRule) -> Result<Option<Value>, CapabilityError> {
        let mut all = Vec::new();
        if let Some(when) = &rule.when {
            let when = json(when, &format!("`when` of the rule `{}`", rule.name))?;
            self.mentioned(&when)?;
            if !when.entries().is_empty() {
                all.push(when);
            }
        }
        for name in &rule.segments {
            all.push(self.segment(name, true)?);
        }
        for name in &rule.not_segments {
            all.push(self.segment(name, false)?);
        }
        if all.len() > 1 {
            return Ok(Some(Value::Map(vec![entry("$and", Value::List(all))])));
        }
        Ok(all.pop())
    }

    /// A list of a segment stands in the payload once; a condition is written out where it is used.
    fn segment(&mut self, name: &str, inside: bool) -> Result<Value, CapabilityError> {
        let segment = self.known(name)?;
        if let Some(when) = &segment.when {
            let when = json(when, &format!("the segment `{name}`"))?;
            self.mentioned(&when)?;
            return Ok(if inside {
                when
            } else {
                Value::Map(vec![entry("$not", when)])
            });
        }
        self.groups.insert(&segment.meta.name);
        let operator = if inside { "$inGroup" } else { "$notInGroup" };
        let test = Value::Map(vec![entry(operator, Value::text(name))]);
        let attribute = segment.attribute.as_deref().unwrap_or("id");
        Ok(Value::Map(vec![entry(attribute, test)]))
    }

    fn known(&self, name: &str) -> Result<&'a Segment, CapabilityError> {
        self.project.segments.get(name).ok_or_else(|| CapabilityError::Unknown {
            kind: "segment".into(),
            name: name.into(),
            near: crate::error::nearest(name, self.project.segments.keys()),
        })
    }

    /// Segments that a condition asks for by `$inGroup`: the payload carries their lists.
    fn mentioned(&mut self, condition: &Value) -> Result<(), CapabilityError> {
        for (key, value) in condition.entries() {
            match (&**key, value) {
                ("$inGroup" | "$notInGroup", Value::Text(name)) => {
                    let segment = self.known(name)?;
                    self.groups.insert(&segment.meta.name);
                }
                _ => self.mentioned(value)?,
            }
        }
        condition.items().iter().try_for_each(|item| self.mentioned(item))
    }
}

fn filter(attribute: &str, seed: &str, version: u8, slice: [f64; 2]) -> Value {
    Value::Map(vec![
        entry("attribute", Value::text(attribute)),
        entry("seed", Value::text(seed)),
        entry("hashVersion", Value::Number(f64::from(version))),
        entry("ranges", Value::List(vec![range(slice)])),
    ])
}

/// What is hashed, and how.
fn hashing(rule: &FlagRule, seed: &str, fields: &mut Vec<Entry>) {
    fields.push(entry("hashAttribute", Value::text(&rule.by)));
    if let Some(fallback) = &rule.fallback {
        fields.push(entry("fallbackAttribute", Value::text(fallback)));
    }
    fields.push(entry("seed", Value::text(seed)));
    fields.push(entry("hashVersion", Value::Number(f64::from(rule.hash_version))));
}

/// A split of its own: units held back get the default, all others go on to the next rule, and clients track both under
/// the holdout's name.
fn holdout(holdout: &Holdout, default: &Value, variant: &str) -> (Value, LiveRule) {
    let name = format!("holdout/{}", holdout.meta.name);
    let share = holdout.share;
    let meta = [
        Value::Map(vec![entry("key", Value::text(HELD_BACK))]),
        Value::Map(vec![
            entry("key", Value::text(INCLUDED)),
            entry("passthrough", Value::Bool(true)),
        ]),
    ];
    let rule = vec![
        entry("id", Value::text(&name)),
        entry("key", Value::text(&holdout.meta.name)),
        entry("variations", Value::List(vec![default.clone(), default.clone()])),
        entry(
            "weights",
            Value::List(vec![Value::Number(share), Value::Number(1.0 - share)]),
        ),
        entry("coverage", Value::Number(1.0)),
        entry("ranges", Value::List(vec![range([0.0, share]), range([share, 1.0])])),
        entry("meta", Value::List(meta.into())),
        entry("hashAttribute", Value::text(&holdout.by)),
        entry("seed", Value::text(&holdout.seed)),
        entry("hashVersion", Value::Number(2.0)),
        entry("phase", Value::text("0")),
        entry("disableStickyBucketing", Value::Bool(true)),
    ];
    (
        Value::Map(rule),
        LiveRule::new(&name, Origin::Holdout, variant, Reason::Split),
    )
}
