//! `/traces/{id}/assessments/…`: what was thought of traces.

use axum::extract::{Path, State as Shared};
use serde_json::{Map, Value, json};
use steward_runs::{Assessment, Judgement, RunsError, Trace};

use super::asked::absent;
use super::experiments::store;
use super::traces::{millis, moment, now_ms};
use super::{Answer, Asked, MlflowError, answer};
use crate::State;

/// `Assessment`.
pub fn shape(trace: &str, assessment: &Assessment) -> Value {
    let mut document = json!({
        "assessment_id": assessment.id,
        "assessment_name": assessment.name,
        "trace_id": trace,
        "source": { "source_type": assessment.source.0, "source_id": assessment.source.1 },
        "create_time": moment(assessment.created_ms),
        "last_update_time": moment(assessment.updated_ms),
        "valid": assessment.valid,
    });
    match assessment.kind {
        Judgement::Feedback => {
            document["feedback"] = json!({ "value": assessment.value });
            if let Some(error) = &assessment.error {
                document["feedback"]["error"] = error.clone();
            }
        }
        Judgement::Expectation => {
            document["expectation"] = match &assessment.value {
                Value::Array(_) | Value::Object(_) => json!({ "serialized_value": {
                    "serialization_format": "JSON_FORMAT", "value": assessment.value.to_string(),
                } }),
                plain => json!({ "value": plain }),
            };
        }
        Judgement::Issue => document["issue"] = json!({ "issue_name": assessment.value }),
    }
    for (name, value) in [
        ("rationale", &assessment.rationale),
        ("span_id", &assessment.span),
        ("overrides", &assessment.overrides),
    ] {
        if let Some(value) = value {
            document[name] = json!(value);
        }
    }
    if !assessment.metadata.is_empty() {
        document["metadata"] = json!(assessment.metadata);
    }
    document
}

/// What a message says is thought: kind, value, error.
fn judgement(told: &Asked) -> Result<Option<(Judgement, Value, Option<Value>)>, MlflowError> {
    if let Some(feedback) = told.object("feedback")? {
        let error = feedback.get("error")?.cloned();
        let value = feedback.get("value")?.cloned().unwrap_or_default();
        return Ok(Some((Judgement::Feedback, whole(value), error)));
    }
    if let Some(expectation) = told.object("expectation")? {
        let value = match expectation.object("serialized_value")? {
            Some(serialized) => {
                let text = serialized.text("value")?.unwrap_or("null");
                serde_json::from_str(text)
                    .map_err(|e| MlflowError::invalid(format!("expectation.serialized_value.value is no JSON: {e}")))?
            }
            None => whole(expectation.get("value")?.cloned().unwrap_or_default()),
        };
        return Ok(Some((Judgement::Expectation, value, None)));
    }
    match told.object("issue")? {
        Some(issue) => Ok(Some((Judgement::Issue, json!(issue.text("issue_name")?), None))),
        None => Ok(None),
    }
}

/// Numbers that are whole are written so: messages have only one kind of number.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() && f.fract() == 0.0 && f.abs() < 9e15 => json!(f as i64),
            _ => Value::Number(n),
        },
        Value::Array(all) => all.into_iter().map(whole).collect(),
        Value::Object(all) => all
            .into_iter()
            .map(|(k, v)| (k, whole(v)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// An assessment of a message.
pub fn read(told: &Asked, now: i64) -> Result<Assessment, MlflowError> {
    let name = told.required("assessment_name")?.to_owned();
    let (kind, value, error) = judgement(told)?
        .ok_or_else(|| MlflowError::invalid("an assessment must have one of feedback, expectation and issue"))?;
    let source = told.object("source")?.unwrap_or_default();
    let at = |name: &str| told.get(name)?.map_or(Ok(now), |v| millis(name, v));
    let text = |name: &str| Ok::<_, MlflowError>(told.text(name)?.filter(|t| !t.is_empty()).map(str::to_owned));
    let metadata = match told.get("metadata")? {
        Some(Value::Object(all)) => all.clone(),
        _ => Map::new(),
    };
    Ok(Assessment {
        id: text("assessment_id")?.unwrap_or_else(|| format!("a-{}", steward_runs::new_id())),
        name,
        kind,
        value,
        error,
        source: (
            source
                .text("source_type")?
                .unwrap_or("SOURCE_TYPE_UNSPECIFIED")
                .to_owned(),
            source.text("source_id")?.unwrap_or_default().to_owned(),
        ),
        rationale: told.text("rationale")?.map(str::to_owned),
        metadata,
        span: text("span_id")?,
        created_ms: at("create_time")?,
        updated_ms: at("last_update_time")?,
        overrides: text("overrides")?,
        valid: told.flag("valid")?.unwrap_or(true),
    })
}

fn one(trace: &str, assessment: &Assessment) -> Answer {
    answer(&json!({ "assessment": shape(trace, assessment) }))
}

fn gone(trace: &str, id: &str) -> RunsError {
    RunsError::Missing {
        what: "assessment",
        name: id.to_owned(),
        within: trace.to_owned(),
    }
}

fn in_its_words(e: RunsError) -> MlflowError {
    match e {
        RunsError::Missing {
            what: "assessment",
            name,
            within,
        } => MlflowError::missing(format!("Assessment with ID '{name}' not found for trace '{within}'")),
        RunsError::Missing {
            what: "trace", name, ..
        } => MlflowError::missing(format!(
            "Trace with request_id '{name}' not found. Trace with ID '{name}' not found."
        )),
        other => other.into(),
    }
}

/// `POST /traces/{id}/assessments`.
pub async fn create(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let told = asked.object("assessment")?.ok_or_else(|| absent("assessment"))?;
    let assessment = read(&told, now_ms())?;
    let change = move |trace: &mut Trace| {
        if let Some(other) = &assessment.overrides {
            let known = trace.assessments.iter_mut().find(|a| a.id == *other);
            known.ok_or_else(|| gone(&trace.id, other))?.valid = false;
        }
        trace.assessments.push(assessment.clone());
        Ok(assessment)
    };
    let made = store(&state).await?.change_trace(&id, change).await;
    one(&id, &made.map_err(in_its_words)?)
}

/// `GET /traces/{id}/assessments/{assessment}`.
pub async fn get(Shared(state): Shared<State>, Path((id, assessment)): Path<(String, String)>) -> Answer {
    let trace = store(&state).await?.trace(&id).await.map_err(in_its_words)?;
    let found = trace.assessments.iter().find(|a| a.id == assessment);
    one(&id, found.ok_or_else(|| in_its_words(gone(&id, &assessment)))?)
}

/// `PATCH /traces/{id}/assessments/{assessment}`: changes what `update_mask` names.
pub async fn update(
    Shared(state): Shared<State>,
    Path((id, assessment)): Path<(String, String)>,
    asked: Asked,
) -> Answer {
    let told = asked.object("assessment")?.ok_or_else(|| absent("assessment"))?;
    let mask = match asked.get("update_mask")? {
        Some(Value::String(paths)) => paths.clone(),
        Some(Value::Object(mask)) => mask
            .get("paths")
            .and_then(Value::as_array)
            .map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
            .unwrap_or_default(),
        _ => return Err(absent("update_mask")),
    };
    let judged = judgement(&told)?;
    let name = told.text("assessment_name")?.map(str::to_owned);
    let rationale = told.text("rationale")?.map(str::to_owned);
    let metadata = match told.get("metadata")? {
        Some(Value::Object(all)) => all.clone(),
        _ => Map::new(),
    };
    let now = now_ms();
    let change = move |trace: &mut Trace| {
        let of = trace.id.clone();
        let known = trace.assessments.iter_mut().find(|a| a.id == assessment);
        let known = known.ok_or_else(|| gone(&of, &assessment))?;
        let named = |path: &str| mask.split(',').any(|p| p.trim() == path || p.trim() == camel(path));
        let other = |what: &str, is: &str| {
            Err(RunsError::Invalid(format!(
                "Cannot update {what} value on {is} assessment."
            )))
        };
        for (path, kind) in [
            ("feedback", Judgement::Feedback),
            ("expectation", Judgement::Expectation),
        ] {
            if !named(path) {
                continue;
            }
            if known.kind != kind {
                return match kind {
                    Judgement::Feedback => other("feedback", "an Expectation"),
                    _ => other("expectation", "a Feedback"),
                };
            }
            if let Some((_, value, error)) = &judged {
                (known.value, known.error) = (value.clone(), error.clone());
            }
        }
        if named("assessment_name")
            && let Some(name) = name
        {
            known.name = name;
        }
        if named("rationale") {
            known.rationale = rationale;
        }
        if named("metadata") {
            known.metadata.extend(metadata);
        }
        known.updated_ms = now.max(known.updated_ms + 1);
        Ok(known.clone())
    };
    let changed = store(&state).await?.change_trace(&id, change).await;
    one(&id, &changed.map_err(in_its_words)?)
}

fn camel(path: &str) -> &str {
    match path {
        "assessment_name" => "assessmentName",
        other => other,
    }
}

/// `DELETE /traces/{id}/assessments/{assessment}`. What it stood in place of counts again.
pub async fn delete(Shared(state): Shared<State>, Path((id, assessment)): Path<(String, String)>) -> Answer {
    let change = move |trace: &mut Trace| {
        let Some(at) = trace.assessments.iter().position(|a| a.id == assessment) else {
            return Ok(());
        };
        let gone = trace.assessments.remove(at);
        if let Some(other) = gone.overrides
            && let Some(known) = trace.assessments.iter_mut().find(|a| a.id == other)
        {
            known.valid = true;
        }
        Ok(())
    };
    match store(&state).await?.change_trace(&id, change).await {
        Err(RunsError::Missing { .. }) => answer(&json!({})),
        other => {
            other?;
            answer(&json!({}))
        }
    }
}
